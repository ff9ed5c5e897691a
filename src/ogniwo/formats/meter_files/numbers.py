"""Cells to whole Wh, exactly: no float takes part in the arithmetic, and what is rounded away is counted."""

import re
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction

from ogniwo.core.kernel.quantities import format_decimal
from ogniwo.core.kernel.rounding import divide_half_up

_PLAIN = re.compile(r"([+-]?)(\d{0,18})(?:\.(\d{0,30}))?\Z", re.ASCII)
_SCIENTIFIC = re.compile(r"([+-]?)(\d{1,18})(?:\.(\d{1,30}))?[eE]([+-]?\d{1,2})\Z", re.ASCII)

ENERGY_WH = {"wh": 1, "kwh": 1_000, "mwh": 1_000_000, "varh": 1, "kvarh": 1_000, "mvarh": 1_000_000}
"""Energy units by their name in lower case: Wh (varh) in one unit."""
MEAN_POWER_W = {"w": 1, "kw": 1_000, "mw": 1_000_000, "var": 1, "kvar": 1_000, "mvar": 1_000_000}
"""Units of mean power over the interval; the energy follows from the interval's length."""
LARGEST_WH = 2**31 - 1
"""The most Wh one interval can hold; anything above is a broken number."""


def power_of_ten(places: int) -> int:
    """10 to a non-negative power, as an integer (`**` alone is no integer to a type checker)."""
    return int("1" + "0" * places)


@dataclass(frozen=True, slots=True)
class Exact:
    """An exact decimal: `mantissa` x 10^-`places`."""

    mantissa: int
    places: int


def exact_of_cell(cell: object, *, marks: str) -> Exact | None:
    """Read a cell as an exact decimal, or None when it is no number.

    Text may use one of the decimal `marks` and no exponent. A float (spreadsheets hold nothing else) is taken at its
    shortest decimal text, which is what the person who typed it saw.
    """
    if isinstance(cell, str):
        text = cell.strip()
        for mark in marks:
            if mark in text:
                return _plain(text.replace(mark, ".", 1)) if mark == "." or "." not in text else None
        return _plain(text) if "." not in text else None
    if isinstance(cell, bool) or not isinstance(cell, (int, float, Decimal)):
        return None
    text = str(cell)
    return _plain(text) or _scientific(text)


def _plain(text: str) -> Exact | None:
    match = _PLAIN.match(text)
    if match is None or not (match[2] or match[3]):
        return None
    fraction = match[3] or ""
    return Exact(int(f"{match[1]}{match[2]}{fraction}"), len(fraction))


def _scientific(text: str) -> Exact | None:
    match = _SCIENTIFIC.match(text)
    if match is None:
        return None
    fraction = match[3] or ""
    mantissa, places = int(f"{match[1]}{match[2]}{fraction}"), len(fraction) - int(match[4])
    return Exact(mantissa, places) if places >= 0 else Exact(mantissa * power_of_ten(-places), 0)


@dataclass(frozen=True, slots=True)
class WholeWh:
    """A number as whole Wh; `over` / `scale` is what rounding added, in Wh (0 when the number was whole)."""

    wh: int
    over: int
    scale: int

    def in_kwh(self, decimals: int) -> int:
        """The number as it was before rounding, in 10^-`decimals` kWh; finer digits are rounded half up."""
        return divide_half_up((self.wh * self.scale - self.over) * power_of_ten(decimals), self.scale * 1_000)


@dataclass(slots=True)
class EnergyReader:
    """Turns the cells of one unit into Wh, rounding half up (name: `half-up-to-Wh`), each distinct cell once.

    `unit` is a key of ENERGY_WH, or of MEAN_POWER_W together with the interval's length `seconds`.
    """

    unit: str
    marks: str
    seconds: int = 0
    _seen: dict[object, WholeWh | None] = field(default_factory=dict)

    def read(self, cell: object) -> WholeWh | None:
        """The cell in whole Wh, or None when it is no number or too large to be an interval."""
        key = (cell, cell.__class__)
        if key in self._seen:
            return self._seen[key]
        return self._seen.setdefault(key, self._convert(cell))

    def _convert(self, cell: object) -> WholeWh | None:
        exact = exact_of_cell(cell, marks=self.marks)
        if exact is None:
            return None
        scale = power_of_ten(exact.places)
        if self.unit in ENERGY_WH:
            numerator = exact.mantissa * ENERGY_WH[self.unit]
        else:
            numerator, scale = exact.mantissa * MEAN_POWER_W[self.unit] * self.seconds, scale * 3_600
        wh = divide_half_up(numerator, scale)
        return WholeWh(wh, wh * scale - numerator, scale) if abs(wh) <= LARGEST_WH else None


@dataclass(slots=True)
class RoundingTally:
    """How many values of a channel were rounded to Wh, and what rounding added in all."""

    count: int = 0
    _over: dict[int, int] = field(default_factory=dict)

    def add(self, value: WholeWh) -> None:
        """Count a value if it was rounded."""
        if value.over:
            self.count += 1
            self._over[value.scale] = self._over.get(value.scale, 0) + value.over

    @property
    def difference_wh(self) -> str:
        """What rounding added to the channel, in Wh, as exact decimal text (a fraction where no decimal is exact)."""
        total = sum((Fraction(over, scale) for scale, over in self._over.items()), Fraction(0))
        for decimals in range(40):
            scaled = total * 10**decimals
            if scaled.denominator == 1:
                return format_decimal(scaled.numerator, decimals=decimals)
        return str(total)
