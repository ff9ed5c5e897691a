"""Rating of a point: all charges of its terms over a run of local days, as lines with their reasons."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from ogniwo.core.tariffs.capacity import CapacityRegime, capacity_fee
from ogniwo.core.tariffs.capacity_volume import CapacityPeriod
from ogniwo.core.tariffs.exceedance import Surplus, exceedance_fee
from ogniwo.core.tariffs.lines import RatedPoint, UnusableTermsError
from ogniwo.core.tariffs.model import ChargeLine, PointTerms
from ogniwo.core.tariffs.network import network_fixed_lines, network_variable_lines
from ogniwo.core.tariffs.parts import Part
from ogniwo.core.tariffs.quality import quality_lines
from ogniwo.core.tariffs.reactive import reactive_lines
from ogniwo.core.tariffs.rules import TariffBook
from ogniwo.core.tariffs.statutory import cogeneration_lines, renewables_lines
from ogniwo.core.tariffs.subscription import subscription_lines
from ogniwo.core.tariffs.trade import trade_energy_lines, trade_fee_lines
from ogniwo.core.tariffs.transition import transition_lines
from ogniwo.core.tariffs.usage import Base, PointUsage


class Charge(StrEnum):
    """What a rating can compute, in the order of a bill."""

    ENERGY = "energy"
    TRADE_FEE = "trade.fee"
    NETWORK_VARIABLE = "network.variable"
    NETWORK_FIXED = "network.fixed"
    QUALITY = "quality"
    SUBSCRIPTION = "subscription"
    EXCEEDANCE = "power.exceedance"
    REACTIVE = "reactive"
    RENEWABLES = "oze"
    COGENERATION = "cogeneration"
    TRANSITION = "transition"
    CAPACITY = "capacity"


ALL_CHARGES = frozenset(Charge)

_SIMPLE: dict[Charge, Callable[[RatedPoint], tuple[ChargeLine, ...]]] = {
    Charge.ENERGY: trade_energy_lines,
    Charge.TRADE_FEE: trade_fee_lines,
    Charge.NETWORK_VARIABLE: network_variable_lines,
    Charge.NETWORK_FIXED: network_fixed_lines,
    Charge.QUALITY: quality_lines,
    Charge.SUBSCRIPTION: subscription_lines,
    Charge.REACTIVE: reactive_lines,
    Charge.RENEWABLES: renewables_lines,
    Charge.COGENERATION: cogeneration_lines,
    Charge.TRANSITION: transition_lines,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class RatingFacts:
    """What the lines follow from.

    `zones` are the energies of the variable network charge by zone (Wh). `capacity_periods` are the qualification
    periods of the fee by volume, `capacity_groups` their selected energy by group. `surpluses` are the hours charged.
    `not_assessed` names charges that could not be judged, with the reason; a bill must not pass over them in silence.
    """

    zones: tuple[tuple[str, int], ...]
    capacity_regimes: tuple[tuple[date, date, CapacityRegime], ...] = ()
    capacity_class: str = ""
    capacity_periods: tuple[CapacityPeriod, ...] = ()
    capacity_groups: tuple[tuple[str, int], ...] = ()
    surpluses: tuple[Surplus, ...] = ()
    not_assessed: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Rating:
    """The priced period of a point; `book_digest` names the version of the rate book."""

    terms: PointTerms
    first: date
    last_exclusive: date
    lines: tuple[ChargeLine, ...]
    facts: RatingFacts
    book_digest: str

    @property
    def net_grosz(self) -> int:
        """The sum of the lines."""
        return sum(line.net_grosz for line in self.lines)


def rated_point(
    *,
    book: TariffBook,
    terms: PointTerms,
    first: date,
    last_exclusive: date,
    usage: PointUsage,
    continues_month: bool = False,
) -> RatedPoint:
    """Look up what the terms name: group, zone clock, VAT; refuses what the book does not hold for all the days."""
    if first >= last_exclusive:
        raise ValueError(f"empty or reversed days {first} .. {last_exclusive}")
    last = last_exclusive - timedelta(days=1)
    group = book.group(terms.operator, terms.group, first)
    clock = book.clock(operator=terms.operator, group=terms.group, variant=terms.clock_variant, day=first)
    last_group = book.group(terms.operator, terms.group, last)
    last_clock = book.clock(operator=terms.operator, group=terms.group, variant=terms.clock_variant, day=last)
    if (group, clock) != (last_group, last_clock):
        raise UnusableTermsError(
            detail=f"the rules of group {terms.group} change between {first} and {last}: rate the two parts separately"
        )
    return RatedPoint(
        book=book,
        terms=terms,
        group=group,
        zone_clock=clock,
        first=first,
        last_exclusive=last_exclusive,
        usage=usage,
        vat_rate_percent=book.vat_percent(last),
        continues_month=continues_month,
    )


def rate_point(
    *,
    book: TariffBook,
    terms: PointTerms,
    first: date,
    last_exclusive: date,
    usage: PointUsage,
    charges: Collection[Charge] = ALL_CHARGES,
    continues_month: bool = False,
) -> Rating:
    """Price a point over the local days [first, last_exclusive) under one set of terms.

    `charges` picks what to compute. `continues_month` says that the earlier days of the first month were rated in
    another call (a change of terms), so that monthly charges due in full are not repeated. VAT is that of the last day.

    Refuses with MissingRateError, MissingRuleError, MissingUsageError or UnusableTermsError, naming what is missing.
    """
    point = rated_point(
        book=book,
        terms=terms,
        first=first,
        last_exclusive=last_exclusive,
        usage=usage,
        continues_month=continues_month,
    )
    lines: list[ChargeLine] = []
    for charge, compute in _SIMPLE.items():
        if charge in charges:
            lines.extend(compute(point))
    exceedance = exceedance_fee(point) if Charge.EXCEEDANCE in charges else None
    capacity = capacity_fee(point) if Charge.CAPACITY in charges else None
    lines.extend(exceedance.lines if exceedance else ())
    lines.extend(capacity.lines if capacity else ())
    periods = capacity.periods if capacity else ()
    facts = RatingFacts(
        zones=_zones(point),
        capacity_regimes=capacity.regimes if capacity else (),
        capacity_class=capacity.flat_class if capacity else "",
        capacity_periods=periods,
        capacity_groups=_by_group(periods),
        surpluses=exceedance.surpluses if exceedance else (),
        not_assessed=((Charge.EXCEEDANCE.value, exceedance.not_assessed),)
        if exceedance and exceedance.not_assessed
        else (),
    )
    return Rating(
        terms=terms,
        first=first,
        last_exclusive=last_exclusive,
        lines=tuple(lines),
        facts=facts,
        book_digest=book.digest,
    )


def _zones(point: RatedPoint) -> tuple[tuple[str, int], ...]:
    whole = Part(point.first, point.last_exclusive, ())
    energies = point.usage.zone_wh(Base.NETWORK, (whole,), point.zone_clock, point.terms.clock)[0]
    return tuple(zip(point.zones, energies, strict=True))


def _by_group(periods: Collection[CapacityPeriod]) -> tuple[tuple[str, int], ...]:
    groups = sorted({row.group for row in periods})
    return tuple((group, sum(row.selected_wh for row in periods if row.group == group)) for group in groups)
