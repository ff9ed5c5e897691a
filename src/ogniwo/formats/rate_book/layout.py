"""The layout of a rate file, typed: unknown fields are refused, so that a typing error is no lost rule."""

from datetime import date

import msgspec


class Defaults(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """What rows have unless they say otherwise."""

    valid_from: date | None = None
    valid_to: date | None = None
    source: str = ""
    checked_on: date | None = None
    confidence: str = ""


class DatedTable(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """A row with validity and source; absent ones are those of the defaults."""

    valid_from: date | None = None
    valid_to: date | None = None
    source: str = ""


class RateTable(DatedTable, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """A rate: key, exact decimal text in zl, unit."""

    key: str
    value: str
    per: str
    checked_on: date | None = None
    confidence: str = ""


class ThresholdTable(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """A threshold of a zone; without a limit last year's consumption decides."""

    zone: str
    limit_kwh: str | None = None


class GroupTable(DatedTable, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """Tariff groups that share their rules."""

    names: list[str]
    letter: str
    voltage: str
    fixed: str
    exceedance: bool
    billing_months: list[int]
    subscription: str
    quality: str
    quality_special: str
    household: bool = False
    unmetered: bool = False
    variants: list[str] = []
    threshold: ThresholdTable | None = None


class RangeTable(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """Hours of a zone."""

    zone: str
    months: str
    days: str
    hours: str


class ClockTable(DatedTable, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """A zone clock of some groups."""

    groups: list[str]
    rest: str
    ranges: list[RangeTable]
    variant: str = ""


class ReactiveTable(DatedTable, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """Factors k by voltage and the lowest tg phi 0, exact decimals."""

    factors: dict[str, str]
    lowest_tg_phi0: str


class OfferTable(DatedTable, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """A seller's price list."""

    name: str
    label: str
    trade_fee: bool
    groups: dict[str, list[str]]


class VatTable(DatedTable, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """A VAT rate."""

    percent: int
    confidence: str = ""


class UseClassTable(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """A class by yearly use; without an upper bound the last."""

    name: str
    below_kwh: str | None = None
    inclusive: bool = False


class ClassesTable(DatedTable, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """Classes by yearly use, ascending."""

    classes: list[UseClassTable]


class FlatRegimeTable(DatedTable, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """The flat regime of the capacity fee."""

    power_limit_kw: str


class SelectedHoursTable(DatedTable, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """Selected hours of the capacity fee."""

    hours: str


class CoefficientGroupTable(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """A group of the capacity fee."""

    name: str
    coefficient: str
    below_percent: int | None = None


class CoefficientsTable(DatedTable, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """The groups of the capacity fee, ascending."""

    groups: list[CoefficientGroupTable]
    zero_resolution_kwh: str


class QualificationTable(DatedTable, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """A qualification period of the capacity fee."""

    period: str
    confidence: str = ""


class CapacityTables(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """All rules of the capacity fee."""

    flat_regime: list[FlatRegimeTable] = []
    flat_classes: list[ClassesTable] = []
    flat_suspension: list[DatedTable] = []
    selected_hours: list[SelectedHoursTable] = []
    coefficients: list[CoefficientsTable] = []
    qualification: list[QualificationTable] = []


class RateFileTables(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """A whole rate file; every part may be absent."""

    operator: str = ""
    defaults: Defaults = Defaults()
    rates: list[RateTable] = []
    groups: list[GroupTable] = []
    clocks: list[ClockTable] = []
    reactive: ReactiveTable | None = None
    offers: list[OfferTable] = []
    vat: list[VatTable] = []
    transition: list[ClassesTable] = []
    capacity: CapacityTables = CapacityTables()
