"""What a plug-in is written against: the only module of Ogniwo that it may import (docs/plugins.md).

A plug-in is an installed package with entry points: in the group `ogniwo.readers` classes that are a `Reader`, in
`ogniwo.bill_exports` classes that are a `BillExport`. Each is made once, without arguments. Everything here stays as it
is while `API_VERSION` stays; fields that have a default may be added.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Final, Literal, Protocol, runtime_checkable

from ogniwo.core.kernel.quality import QUALITY_WORDS
from ogniwo.core.metering.model import EXPORT, EXPORT_NETTED, IMPORT, IMPORT_NETTED, REACTIVE_Q1, REACTIVE_Q4

__all__ = [
    "API_VERSION",
    "EXPORT",
    "EXPORT_NETTED",
    "IMPORT",
    "IMPORT_NETTED",
    "ORIGINS",
    "QUALITIES",
    "REACTIVE_Q1",
    "REACTIVE_Q4",
    "UNITS",
    "Bill",
    "BillExport",
    "Bills",
    "ExportFile",
    "FileError",
    "Interval",
    "MeterFile",
    "Quality",
    "Reader",
    "Reading",
    "RegisterState",
    "Remark",
]

API_VERSION: Final = 1
"""The version of this contract. A plug-in names the one that it was written for, and no other is taken."""

Quality = Literal[
    "measured", "measured-corrected", "estimated-by-operator", "substituted-by-us", "manual", "missing"
]  # fmt: skip
"""How an interval came to its value; where it is `missing`, the value is None."""

QUALITIES: Final[tuple[str, ...]] = tuple(QUALITY_WORDS.values())
"""The words of `Quality`."""

UNITS: Final = ("Wh", "kWh", "MWh", "varh", "kvarh", "Mvarh")
"""Units of energy in intervals; register states take kWh, MWh, kvarh and Mvarh."""

ORIGINS: Final = ("remote", "physical", "manual", "estimate", "removal", "installation", "ratio_change")
"""How a register state was read."""


class FileError(Exception):
    """A reader refuses a file: `message` says why, `row` (1-based) and `column` where."""

    def __init__(self, message: str, *, row: int = 0, column: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.row = row
        self.column = column


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterFile:
    """A received file: its name without folders, its bytes, and the metering point that the user named, or ""."""

    name: str
    data: bytes
    point: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """Energy in one interval of a channel of a metering point.

    `point` is its code as the file has it, "" where the file names none (then the code in the file's name counts, or
    the one that the user names). `channel` is an OBIS code of an interval such as "1.29.0" in any spelling, or one of
    the constants here. `start` is aware; the interval is `seconds` long (900 or 3600 can be stored) and begins on
    that raster. `value` is exact, in `unit`; None is no value, never zero. `row` is where it stands, 1-based.
    """

    point: str
    channel: str
    start: datetime
    seconds: int
    value: Decimal | int | None
    row: int
    unit: str = "kWh"
    quality: Quality = "measured"


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterState:
    """A counter state: `value` has at most three decimals and is not yet multiplied; `digits` 0 is not known."""

    point: str
    meter: str
    obis: str
    time: datetime
    value: Decimal | int
    unit: str
    origin: str
    row: int
    multiplier: int = 1
    digits: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Remark:
    """Something of the file that somebody has to look at, though it does not stop the import: a warning."""

    message: str
    row: int = 0
    column: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What a reader found in a file. A generator may be given: an error on the way then names the row before it."""

    intervals: Iterable[Interval] = ()
    registers: Iterable[RegisterState] = ()
    remarks: Sequence[Remark] = ()


@runtime_checkable
class Reader(Protocol):
    """Reads one layout of meter files. The same bytes must give the same reading: no clock, no network, no disk."""

    api_version: int
    title: str
    """What the layout is called in lists, for instance "Acme portal, CSV of quarter-hours"."""

    def recognises(self, file: MeterFile) -> bool:
        """Whether the file is of this layout; asked only for files that no layout of Ogniwo fits."""
        ...

    def read(self, file: MeterFile) -> Reading:
        """Read the file, or raise FileError. What comes back is checked like what Ogniwo reads itself."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Bill:
    """One issued document, an invoice or a correction; `corrects` is the number of the document it changes, or "".

    `month` is the settled month (YYYY-MM). `document` is the canonical document, JSON in UTF-8 byte for byte as issued,
    and `sha256` its name on the ledger. Amounts are whole grosze.
    """

    number: str
    kind: str
    organisation: str
    month: str
    issued_on: date
    due_on: date
    member: str
    member_name: str
    net_grosz: int
    vat_grosz: int
    gross_grosz: int
    document: bytes
    sha256: str
    corrects: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bills:
    """Issued documents to be exported, by number; `language` (pl or en) is what the user asked for."""

    bills: tuple[Bill, ...]
    language: str = "pl"


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportFile:
    """A file to hand out: a plain name without folders, and its bytes."""

    name: str
    data: bytes


@runtime_checkable
class BillExport(Protocol):
    """Writes issued documents in another form; it gets what the user may see, and changes nothing."""

    api_version: int
    title: str
    """What the export is called in lists and on the button of the console."""

    def export(self, bills: Bills) -> Sequence[ExportFile]:
        """The files; all of them are handed out, or none when it raises."""
        ...
