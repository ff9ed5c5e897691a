"""Tables of a rate file to core rules: defaults filled in, decimals exact, every row dated and sourced."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from ogniwo.core.kernel.quantities import Rate, RateUnit, parse_decimal
from ogniwo.core.tariffs.capacity_rules import (
    CapacityRules,
    CoefficientGroup,
    Coefficients,
    FlatClasses,
    FlatRegime,
    FlatSuspension,
    Qualification,
    QualificationPeriod,
    SelectedHours,
)
from ogniwo.core.tariffs.model import RateRow
from ogniwo.core.tariffs.rules import (
    GroupRules,
    Offer,
    OfferGroup,
    ReactiveRules,
    Threshold,
    TransitionRules,
    VatRate,
    ZoneClock,
    ZoneRange,
)
from ogniwo.core.tariffs.use_classes import UseClass
from ogniwo.formats.rate_book.layout import (
    CapacityTables,
    CoefficientsTable,
    DatedTable,
    Defaults,
    GroupTable,
    OfferTable,
    RateFileTables,
    RateTable,
    UseClassTable,
)
from ogniwo.formats.rate_book.ranges import parse_hours, parse_months

_DAYS = frozenset({"all", "working", "off"})
_FIXED = frozenset({"power", "phases"})


@dataclass(frozen=True, slots=True)
class _Validity:
    first: date
    end: date | None
    source: str


def rate_rows(tables: RateFileTables) -> tuple[RateRow, ...]:
    """The rates; each needs a day of check and a confidence."""
    return tuple(_rate(row, tables.defaults) for row in tables.rates)


def group_rules(tables: RateFileTables) -> tuple[GroupRules, ...]:
    """One rule set per group name."""
    return tuple(_group(row, name, tables) for row in tables.groups for name in row.names)


def zone_clocks(tables: RateFileTables) -> tuple[ZoneClock, ...]:
    """The zone clocks."""
    clocks: list[ZoneClock] = []
    for row in tables.clocks:
        what = f"clock of {', '.join(row.groups)}"
        valid = _validity(row, tables.defaults, what)
        for part in row.ranges:
            if part.days not in _DAYS:
                raise ValueError(f"{what}: days are one of {', '.join(sorted(_DAYS))}, not {part.days!r}")
        ranges = tuple(
            ZoneRange(zone=part.zone, months=parse_months(part.months), days=part.days, hours=parse_hours(part.hours))
            for part in row.ranges
        )
        clocks.append(
            ZoneClock(
                operator=_operator(tables, what),
                groups=tuple(row.groups),
                variant=row.variant,
                ranges=ranges,
                rest=row.rest,
                valid_from=valid.first,
                valid_to=valid.end,
                source=valid.source,
            )
        )
    return tuple(clocks)


def offer_rules(tables: RateFileTables) -> tuple[Offer, ...]:
    """Sellers' offers."""
    return tuple(_offer(row, tables.defaults) for row in tables.offers)


def reactive_rules(tables: RateFileTables) -> tuple[ReactiveRules, ...]:
    """The factors of reactive energy, one row or none."""
    row = tables.reactive
    if row is None:
        return ()
    valid = _validity(row, tables.defaults, "reactive")
    factor_e2 = tuple((name, parse_decimal(text, decimals=2)) for name, text in sorted(row.factors.items()))
    if any(factor < 0 for _, factor in factor_e2):
        raise ValueError("reactive: no factor is below zero")
    return (
        ReactiveRules(
            operator=_operator(tables, "reactive"),
            factor_e2=factor_e2,
            lowest_tg_phi0_e3=parse_decimal(row.lowest_tg_phi0, decimals=3),
            valid_from=valid.first,
            valid_to=valid.end,
            source=valid.source,
        ),
    )


def transition_rules(tables: RateFileTables) -> tuple[TransitionRules, ...]:
    """The transition fee's classes and days."""
    rules: list[TransitionRules] = []
    for row in tables.transition:
        valid = _validity(row, tables.defaults, "transition")
        rules.append(
            TransitionRules(
                classes=_classes(row.classes), valid_from=valid.first, valid_to=valid.end, source=valid.source
            )
        )
    return tuple(rules)


def vat_rates(tables: RateFileTables) -> tuple[VatRate, ...]:
    """VAT rates."""
    rates: list[VatRate] = []
    for row in tables.vat:
        valid = _validity(row, tables.defaults, "vat")
        confidence = row.confidence or tables.defaults.confidence
        rates.append(
            VatRate(
                percent=row.percent,
                valid_from=valid.first,
                valid_to=valid.end,
                source=valid.source,
                confidence=confidence,
            )
        )
    return tuple(rates)


def capacity_rules(tables: RateFileTables) -> CapacityRules:
    """All rules of the capacity fee."""
    capacity, defaults = tables.capacity, tables.defaults
    regimes = [(row, _validity(row, defaults, "capacity.flat_regime")) for row in capacity.flat_regime]
    classes = [(row, _validity(row, defaults, "capacity.flat_classes")) for row in capacity.flat_classes]
    suspensions = [_validity(row, defaults, "capacity.flat_suspension") for row in capacity.flat_suspension]
    return CapacityRules(
        flat_regime=tuple(
            FlatRegime(
                power_limit_w=parse_decimal(row.power_limit_kw, decimals=3),
                valid_from=valid.first,
                valid_to=valid.end,
                source=valid.source,
            )
            for row, valid in regimes
        ),
        flat_classes=tuple(
            FlatClasses(classes=_classes(row.classes), valid_from=valid.first, valid_to=valid.end, source=valid.source)
            for row, valid in classes
        ),
        flat_suspension=tuple(
            FlatSuspension(valid_from=valid.first, valid_to=valid.end, source=valid.source) for valid in suspensions
        ),
        selected_hours=_selected_hours(capacity, defaults),
        coefficients=tuple(_coefficients(row, defaults) for row in capacity.coefficients),
        qualification=_qualification(capacity, defaults),
    )


def _selected_hours(capacity: CapacityTables, defaults: Defaults) -> tuple[SelectedHours, ...]:
    rows = [(row, _validity(row, defaults, "capacity.selected_hours")) for row in capacity.selected_hours]
    return tuple(
        SelectedHours(hours=parse_hours(row.hours), valid_from=valid.first, valid_to=valid.end, source=valid.source)
        for row, valid in rows
    )


def _qualification(capacity: CapacityTables, defaults: Defaults) -> tuple[QualificationPeriod, ...]:
    rows = [(row, _validity(row, defaults, "capacity.qualification")) for row in capacity.qualification]
    return tuple(
        QualificationPeriod(
            period=Qualification(row.period),
            valid_from=valid.first,
            valid_to=valid.end,
            source=valid.source,
            confidence=row.confidence or defaults.confidence,
        )
        for row, valid in rows
    )


def _coefficients(row: CoefficientsTable, defaults: Defaults) -> Coefficients:
    valid = _validity(row, defaults, "capacity.coefficients")
    groups = tuple(
        CoefficientGroup(
            name=group.name,
            below_percent=group.below_percent,
            coefficient_e2=parse_decimal(group.coefficient, decimals=2),
        )
        for group in row.groups
    )
    bounds = [group.below_percent for group in groups[:-1]]
    known = [bound for bound in bounds if bound is not None]
    if not groups or groups[-1].below_percent is not None or len(known) != len(bounds) or known != sorted(set(known)):
        raise ValueError("capacity.coefficients: groups ascend by below_percent and the last has none")
    zero_resolution_wh = parse_decimal(row.zero_resolution_kwh, decimals=3)
    if zero_resolution_wh <= 0 or any(group.coefficient_e2 < 0 for group in groups):
        raise ValueError("capacity.coefficients: zero_resolution_kwh is above zero and no coefficient below")
    return Coefficients(
        groups=groups,
        zero_resolution_wh=zero_resolution_wh,
        valid_from=valid.first,
        valid_to=valid.end,
        source=valid.source,
    )


def _rate(row: RateTable, defaults: Defaults) -> RateRow:
    valid = _validity(row, defaults, row.key)
    checked_on = row.checked_on or defaults.checked_on
    confidence = row.confidence or defaults.confidence
    if checked_on is None or not confidence:
        raise ValueError(f"{row.key}: a rate needs checked_on and confidence")
    return RateRow(
        key=row.key,
        rate=Rate.parse(row.value, RateUnit(row.per)),
        valid_from=valid.first,
        valid_to=valid.end,
        source=valid.source,
        checked_on=checked_on,
        confidence=confidence,
    )


def _group(row: GroupTable, name: str, tables: RateFileTables) -> GroupRules:
    valid = _validity(row, tables.defaults, name)
    if row.fixed not in _FIXED:
        raise ValueError(f"{name}: fixed is one of {', '.join(sorted(_FIXED))}, not {row.fixed!r}")
    threshold = None
    if row.threshold is not None:
        limit = row.threshold.limit_kwh
        limit_wh = None if limit is None else parse_decimal(limit, decimals=3)
        threshold = Threshold(zone=row.threshold.zone, limit_wh=limit_wh)
    return GroupRules(
        operator=_operator(tables, name),
        group=name,
        letter=row.letter,
        voltage=row.voltage,
        fixed=row.fixed,
        household=row.household,
        unmetered=row.unmetered,
        exceedance=row.exceedance,
        billing_months=tuple(row.billing_months),
        subscription=row.subscription,
        quality=row.quality,
        quality_special=row.quality_special,
        variants=tuple(row.variants),
        threshold=threshold,
        valid_from=valid.first,
        valid_to=valid.end,
        source=valid.source,
    )


def _offer(row: OfferTable, defaults: Defaults) -> Offer:
    valid = _validity(row, defaults, f"offer {row.name}")
    return Offer(
        name=row.name,
        label=row.label,
        groups=tuple(OfferGroup(group=group, zones=tuple(zones)) for group, zones in sorted(row.groups.items())),
        trade_fee=row.trade_fee,
        valid_from=valid.first,
        valid_to=valid.end,
        source=valid.source,
    )


def _classes(rows: Sequence[UseClassTable]) -> tuple[UseClass, ...]:
    classes = tuple(
        UseClass(
            name=row.name,
            below_wh=None if row.below_kwh is None else parse_decimal(row.below_kwh, decimals=3),
            inclusive=row.inclusive,
        )
        for row in rows
    )
    bounds = [row.below_wh for row in classes[:-1]]
    known = [bound for bound in bounds if bound is not None]
    if not classes or classes[-1].below_wh is not None or len(known) != len(bounds) or known != sorted(set(known)):
        raise ValueError("classes ascend by below_kwh and the last has none")
    return classes


def _operator(tables: RateFileTables, what: str) -> str:
    if not tables.operator:
        raise ValueError(f"{what}: the file names no operator")
    return tables.operator


def _validity(row: DatedTable, defaults: Defaults, what: str) -> _Validity:
    """A row's own days and source, or those of the defaults; a row with its own first day does not inherit an end."""
    first = row.valid_from or defaults.valid_from
    end = row.valid_to or (defaults.valid_to if row.valid_from is None else None)
    source = row.source or defaults.source
    if first is None or not source:
        raise ValueError(f"{what}: a row needs valid_from and a source")
    if end is not None and end <= first:
        raise ValueError(f"{what}: valid_to {end} is not after valid_from {first}")
    return _Validity(first, end, source)
