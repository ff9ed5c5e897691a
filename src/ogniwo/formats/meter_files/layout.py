"""Layouts: descriptions of meter files as data, one TOML file each in `ogniwo/data/layouts` (see docs/formats.md)."""

import re
from functools import lru_cache
from importlib import resources
from typing import Annotated, Literal

import msgspec

from ogniwo.core.kernel.quality import QUALITY_WORDS
from ogniwo.core.metering.model import is_channel
from ogniwo.formats.meter_files.labels import FORMS
from ogniwo.formats.meter_files.model import LayoutDescription
from ogniwo.formats.meter_files.numbers import ENERGY_WH, MEAN_POWER_W

QUALITY_OF_WORD = {word: quality for quality, word in QUALITY_WORDS.items()}

Certainty = Literal["seen", "parser", "own"]
Container = Literal["delimited", "xlsx", "json"]
PointSource = Literal["column", "block", "path", "file_name", "argument"]
LabelPlace = Literal["start", "end", "end-minute", "end-or-end-minute"]


class _Table(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A part of a layout; unknown keys are refused so that a typing slip does not pass as a rule."""


class Text(_Table, frozen=True, kw_only=True):
    """Delimited text: encodings to try, the delimiter, the decimal marks its numbers may use."""

    encodings: tuple[str, ...] = ("utf-8", "windows-1250", "iso-8859-2")
    delimiter: str = ";"
    decimal: str = ","


class Header(_Table, frozen=True, kw_only=True):
    """The fingerprint: headings (in any order) of one row, or for `matrix` the labels of the first column."""

    required: tuple[str, ...] = ()
    within_rows: int = 1


class Time(_Table, frozen=True, kw_only=True):
    """Where an interval's time is and what a label means (see docs/formats.md, "The time of a row")."""

    columns: tuple[str, ...] = ()
    forms: tuple[str, ...] = ("year-first",)
    label: LabelPlace = "start"
    clock: Literal["interval", "instant"] = "interval"
    length_s: int = 0
    zone: str = "Europe/Warsaw"
    repeat_mark: str = ""
    absent_hour: Literal["refuse", "set_aside"] = "refuse"


class Point(_Table, frozen=True, kw_only=True):
    """Where the metering point comes from, in the order to try; a column or a block label where one is meant."""

    sources: tuple[PointSource, ...]
    column: str = ""
    block: str = ""
    ignore: tuple[str, ...] = ()


class Status(_Table, frozen=True, kw_only=True):
    """Words of a status column (or of a cell's flag) to our words of quality; `otherwise` for any other word."""

    column: str = ""
    words: dict[str, str] = {}
    otherwise: str = ""


class Kind(_Table, frozen=True, kw_only=True):
    """Words of a column (headings tried in order) to channels; `unknown` says what an unknown word does.

    With `obis`, the code of an interval channel in any spelling (`1.29.0`, `1-1:1.29.0*255`) is a word too.
    """

    columns: tuple[str, ...] = ()
    words: dict[str, str] = {}
    obis: bool = False
    unknown: Literal["refuse", "skip"] = "refuse"


class Value(_Table, frozen=True, kw_only=True):
    """A value column by a pattern of its whole heading; several columns of one channel are zones and are summed.

    `total` marks the column that already holds the sum: where it has a value, zones are not added to it.
    """

    heading: str
    channel: str = ""
    total: bool = False


class Rows(_Table, frozen=True, kw_only=True):
    """One interval per row, in text or a sheet."""

    values: tuple[Value, ...]
    unit: str = ""
    unit_column: str = ""
    footer: str = ""


class Positions(_Table, frozen=True, kw_only=True):
    """One local day per file, one row per point and kind, hours as numbered columns; header lines above."""

    heading: str
    unit: str
    cell: str
    day_block: str
    version_block: str
    own_code_block: str


class Quantity(_Table, frozen=True, kw_only=True):
    """One quantity of a `matrix`: a pattern of its code and the energy direction it goes with."""

    code: str
    direction: str
    channel: str


class Account(_Table, frozen=True, kw_only=True):
    """Which channels are the operator's own account of a community; rule V20 checks it on the figures of the file.

    Figures are compared at the finest decimal of kWh that any of them has: a Wh at the coarsest, `decimals` at the
    finest, since digits beyond what the operator prints are what a spreadsheet's arithmetic left behind.
    """

    metered: str
    share: str
    covered: str
    generated: str
    surplus: str
    decimals: Annotated[int, msgspec.Meta(ge=3, le=6)] = 6

    @property
    def of_consumer(self) -> tuple[str, str, str]:
        """The channels a consumer must have to be part of the account."""
        return self.metered, self.share, self.covered

    @property
    def of_producer(self) -> tuple[str, str]:
        """The channels a producer must have."""
        return self.generated, self.surplus


class Matrix(_Table, frozen=True, kw_only=True):
    """Header block of labelled rows, then one row per interval and one column per point and quantity."""

    point_label: str
    code_label: str
    direction_label: str
    quantities: tuple[Quantity, ...]
    no_data_codes: tuple[str, ...] = ()
    quality_code: str = ""
    unit: str = "kwh"
    account: Account | None = None


class Flag(_Table, frozen=True, kw_only=True):
    """A key of a JSON item that, having a value, gives the item a quality."""

    key: str
    equals: bool
    quality: str


class Items(_Table, frozen=True, kw_only=True):
    """Intervals as a list inside JSON; paths are keys joined by dots."""

    items: str
    time: str
    time_unit: Literal["ms", "s"]
    values: str
    unit: str
    kind: str
    point: str
    flags: tuple[Flag, ...] = ()


class Form(_Table, frozen=True, kw_only=True):
    """A table of register readings or maxima: headings by field, words by origin."""

    columns: dict[str, str]
    origins: dict[str, str] = {}
    digits_remark: str = ""


class Layout(_Table, frozen=True, kw_only=True):
    """One layout. `shape` names the engine that reads it and the table that describes it."""

    name: str
    title: str
    operator: str
    certainty: Certainty
    source: str
    containers: tuple[Container, ...]
    shape: Literal["rows", "positions", "matrix", "items", "registers", "maxima"]
    point: Point
    text: Text = Text()
    header: Header = Header()
    time: Time = Time()
    status: Status = Status()
    kind: Kind = Kind()
    rows: Rows | None = None
    positions: Positions | None = None
    matrix: Matrix | None = None
    items: Items | None = None
    registers: Form | None = None
    maxima: Form | None = None

    def __post_init__(self) -> None:
        """Check what the types cannot: the table of the shape, channels, qualities, forms, units, patterns."""
        if getattr(self, self.shape) is None:
            raise ValueError(f"layout {self.name}: shape {self.shape} needs a table [{self.shape}]")
        for channel in self.channels:
            if channel and not is_channel(channel):
                raise ValueError(f"layout {self.name}: {channel!r} is no channel")
        account = self.matrix.account if self.matrix else None
        if account and (lacking := {*account.of_consumer, *account.of_producer} - set(self.channels)):
            raise ValueError(f"layout {self.name}: the account needs {', '.join(sorted(lacking))}, which nothing gives")
        flags = self.items.flags if self.items else ()
        qualities = [*self.status.words.values(), self.status.otherwise, *(flag.quality for flag in flags)]
        if unknown := [word for word in qualities if word and word not in QUALITY_OF_WORD]:
            raise ValueError(f"layout {self.name}: no such quality: {', '.join(unknown)}")
        if set(self.time.forms) - FORMS:
            raise ValueError(f"layout {self.name}: forms are {', '.join(sorted(FORMS))}")
        for unit in (table.unit for table in (self.rows, self.positions, self.matrix) if table):
            if unit and unit.casefold() not in ENERGY_WH | MEAN_POWER_W:
                raise ValueError(f"layout {self.name}: no such unit: {unit}")
        for pattern in self._patterns():
            re.compile(pattern)

    def _patterns(self) -> list[str]:
        patterns = [value.heading for value in self.rows.values] if self.rows else []
        patterns += [quantity.code for quantity in self.matrix.quantities] if self.matrix else []
        return patterns + ([self.positions.heading, self.positions.cell] if self.positions else [])

    @property
    def channels(self) -> tuple[str, ...]:
        """Every channel the layout can give ("" where another column decides)."""
        values = [value.channel for value in self.rows.values] if self.rows else []
        quantities = [quantity.channel for quantity in self.matrix.quantities] if self.matrix else []
        return (*self.kind.words.values(), *values, *quantities)

    @property
    def description(self) -> LayoutDescription:
        """What a person is told about the layout."""
        return LayoutDescription(
            name=self.name,
            title=self.title,
            operator=self.operator,
            containers=self.containers,
            certainty=self.certainty,
            source=self.source,
        )


def layout_from_toml(text: str) -> Layout:
    """Read a layout; raises msgspec.ValidationError that names the key when the description is not sound."""
    return msgspec.toml.decode(text.encode(), type=Layout)


@lru_cache(maxsize=1)
def shipped_layouts() -> tuple[Layout, ...]:
    """The layouts that come with the product, ordered by name."""
    folder = resources.files("ogniwo.data") / "layouts"
    texts = [entry.read_text("utf-8") for entry in folder.iterdir() if entry.name.endswith(".toml")]
    return tuple(sorted((layout_from_toml(text) for text in texts), key=lambda layout: layout.name))
