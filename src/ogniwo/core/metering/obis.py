"""OBIS codes: full and short forms, names that Polish files use for them, and the interval channel a register counts.

The normal form is `1-1:1.8.0*255`. Group B is a choice: Polish operators and the VDEW readouts write channel 1, DLMS
objects and some portals write 0 ("no channel given"). For measured quantities both mean the only channel of the meter,
so the normal form turns 0 into 1; general objects (group C 0 and from 96 on: clock, profile, errors) keep 0.
"""

import re
from dataclasses import dataclass
from typing import Final

from ogniwo.core.kernel.refusals import Refusal

ELECTRICITY: Final = 1
CURRENT: Final = 255
"""Group F of a value that is no billing history."""

_LETTERS: Final = {"C": 96, "F": 97, "L": 98, "P": 99}
"""The letters that IEC 62056-21 readouts write for group C or D."""

_FIRST_GENERAL_QUANTITY: Final = 96
_GROUP: Final = r"\d{1,3}|[CFLP]"
_CODE: Final = re.compile(
    rf"(?:(?P<medium>\d{{1,3}})-(?P<channel>\d{{1,3}}):)?"
    rf"(?P<quantity>{_GROUP})\.(?P<processing>{_GROUP})(?:\.(?P<tariff>\d{{1,3}}))?(?:[*&.](?P<history>\d{{1,3}}))?\Z"
)
_SIX_GROUPS: Final = re.compile(r"(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\Z")
_BRACKETED: Final = re.compile(r".*[(\[]\s*([0-9][0-9.:*-]*)\s*[)\]]\s*\Z")


class UnknownObisError(Refusal):
    """A text names no OBIS code and no known alias of one."""

    code = "metering.unknown_obis"


@dataclass(frozen=True, slots=True, order=True)
class Obis:
    """The six value groups A-B:C.D.E*F, each 0..255 (IEC 62056-61)."""

    medium: int
    channel: int
    quantity: int
    processing: int
    tariff: int
    history: int

    def __str__(self) -> str:
        return f"{self.medium}-{self.channel}:{self.short}*{self.history}"

    @property
    def short(self) -> str:
        """The Polish habit: `C.D.E`."""
        return f"{self.quantity}.{self.processing}.{self.tariff}"

    @property
    def normal(self) -> "Obis":
        """The same register with the channel that the product writes (see the module's first lines)."""
        if self.medium == ELECTRICITY and self.channel in {0, 1}:
            channel = _default_channel(self.quantity)
            return Obis(self.medium, channel, self.quantity, self.processing, self.tariff, self.history)
        return self


@dataclass(frozen=True, slots=True)
class Alias:
    """A name that files use for a register, its short code, and where the name was met."""

    name: str
    code: str
    source: str


def _zone_aliases() -> tuple[Alias, ...]:
    roman = ("I", "II", "III", "IV")
    return tuple(
        Alias(f"{name} strefa {zone}", f"{code}.{number}", "metering.md 5, aliases seen")
        for name, code in (("A+", "1.8"), ("A-", "2.8"), ("R+", "3.8"), ("R-", "4.8"))
        for number, zone in enumerate(roman, start=1)
    )


ALIASES: Final[tuple[Alias, ...]] = (
    Alias("A+", "1.8.0", "metering.md 5, aliases seen"),
    Alias("A-", "2.8.0", "counterpart of A+"),
    Alias("EC+", "1.8.0", "metering.md 5, aliases seen"),
    Alias("EC-", "2.8.0", "counterpart of EC+"),
    Alias("R+", "3.8.0", "metering.md 5, aliases seen"),
    Alias("R-", "4.8.0", "counterpart of R+"),
    Alias("Q+", "3.8.0", "metering.md 5, reactive import"),
    Alias("Q-", "4.8.0", "metering.md 5, reactive export"),
    Alias("Qi", "5.8.0", "metering.md 5, aliases seen; inductive"),
    Alias("Qc", "8.8.0", "metering.md 5, aliases seen; capacitive"),
    Alias("Energia czynna pobrana", "1.8.0", "Tauron business report, metering.md 1.2"),
    Alias("Energia czynna oddana", "2.8.0", "Tauron business report, metering.md 1.2"),
    Alias("Energia bierna indukcyjna", "5.8.0", "name of the quantity in tariffs"),
    Alias("Energia bierna pojemnościowa", "8.8.0", "name of the quantity in tariffs"),
    Alias("pobór", "1.29.0", "Tauron eLicznik, metering.md 1.1"),
    Alias("oddanie", "2.29.0", "Tauron eLicznik, metering.md 1.1"),
    *_zone_aliases(),
)
"""Names with their source; a code in brackets at the end of a name, `(1.8.1)`, is read without this table."""

_BY_NAME: Final = {alias.name.casefold(): alias.code for alias in ALIASES}

_ENERGY_QUANTITIES: Final = frozenset({1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 15, 16})
_ENERGY_PROCESSINGS: Final = frozenset({8, 9, 29})
_UNITS: Final = {
    **dict.fromkeys((1, 2, 15, 16), ("kWh", "kW")),
    **dict.fromkeys(range(3, 9), ("kvarh", "kvar")),
    **dict.fromkeys((9, 10), ("kVAh", "kVA")),
}
_POWER_PROCESSINGS: Final = frozenset({2, 4, 5, 6, 7, 35})


def _default_channel(quantity: int) -> int:
    return 1 if 0 < quantity < _FIRST_GENERAL_QUANTITY else 0


def _number(text: str) -> int:
    return _LETTERS[text] if text in _LETTERS else int(text)


def parse_obis(text: str) -> Obis:
    """Read a full (`1-0:1.8.0*255`), DLMS (`1.0.1.8.0.255`) or short (`1.8.0`, `1.29`) code exactly as written.

    A short code is electricity, the default channel and the current value. Raises UnknownObisError.
    """
    stripped = text.strip()
    six = _SIX_GROUPS.match(stripped)
    if six is not None:
        groups = [int(group) for group in six.groups()]
    else:
        match = _CODE.match(stripped)
        if match is None:
            raise UnknownObisError(detail=f"{text!r} is no OBIS code")
        quantity = _number(match["quantity"])
        groups = [
            int(match["medium"] or ELECTRICITY),
            int(match["channel"]) if match["channel"] else _default_channel(quantity),
            quantity,
            _number(match["processing"]),
            int(match["tariff"] or 0),
            int(match["history"] or CURRENT),
        ]
    if max(groups) > CURRENT:
        raise UnknownObisError(detail=f"{text!r} is no OBIS code: a value group is above 255")
    return Obis(*groups)


def resolve_obis(text: str) -> Obis:
    """The register that a code, an alias, or a heading ending with a code in brackets names, in normal form.

    Raises UnknownObisError.
    """
    name = " ".join(text.split()).casefold().replace("\N{MINUS SIGN}", "-").replace("\N{EN DASH}", "-")
    if name in _BY_NAME:
        return parse_obis(_BY_NAME[name]).normal
    bracketed = _BRACKETED.match(text)
    return parse_obis(bracketed[1] if bracketed else text).normal


def normalise_obis(text: str) -> str:
    """The normal form `1-1:1.8.0*255` of a code or alias; raises UnknownObisError."""
    return str(resolve_obis(text))


def channel_of(obis: Obis) -> str | None:
    """The interval channel (`1.29.0`) whose energy a register counts, None when it counts no energy.

    A zone register (`1.8.1`) counts a part of its channel; `obis.tariff` says which.
    """
    counts_energy = obis.quantity in _ENERGY_QUANTITIES and obis.processing in _ENERGY_PROCESSINGS
    if obis.medium != ELECTRICITY or not counts_energy:
        return None
    return f"{obis.quantity}.29.0"


def unit_of(obis: Obis) -> str | None:
    """The unit a register is read in (`kWh`, `kvarh`, `kVAh`, `kW`, `kvar`, `kVA`), None when the table has none."""
    units = _UNITS.get(obis.quantity) if obis.medium == ELECTRICITY else None
    if units is None:
        return None
    if obis.processing in _ENERGY_PROCESSINGS:
        return units[0]
    return units[1] if obis.processing in _POWER_PROCESSINGS else None
