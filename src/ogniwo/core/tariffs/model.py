"""The values tariffs work on: rates with their legal source, terms of a point, charge lines with their reasons."""

import itertools
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import NamedTuple

from ogniwo.core.kernel.calendar import Clock
from ogniwo.core.kernel.quantities import Rate
from ogniwo.core.kernel.refusals import Refusal


class MissingRateError(Refusal):
    """A rate that the calculation needs is not in the rate book for that day."""

    code = "tariff.missing_rate"


class AmbiguousRateError(Refusal):
    """The rate book holds two rates for the same key and day."""

    code = "tariff.ambiguous_rate"


@dataclass(frozen=True, slots=True, kw_only=True)
class RateRow:
    """One dated rate: key, price, validity [valid_from, valid_to), legal source, when it was checked, how sure it is.

    `key` is a dotted path such as `enea/C21/network.variable/all` or `statutory/oze`. `confidence` repeats the mark of
    the reference: "2+", "1", "M" (from memory) or "official".
    """

    key: str
    rate: Rate
    valid_from: date
    valid_to: date | None
    source: str
    checked_on: date
    confidence: str


@dataclass(frozen=True)
class RateBook:
    """All dated rates known to a calculation, by key. A missing one is a refusal, never zero."""

    rows: tuple[RateRow, ...]
    _by_key: dict[str, tuple[RateRow, ...]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        by_key: dict[str, list[RateRow]] = {}
        for row in self.rows:
            by_key.setdefault(row.key, []).append(row)
        frozen = {key: tuple(sorted(rows, key=lambda row: row.valid_from)) for key, rows in by_key.items()}
        for key, rows in frozen.items():
            for earlier, later in itertools.pairwise(rows):
                if earlier.valid_to is None or earlier.valid_to > later.valid_from:
                    raise AmbiguousRateError(detail=f"rates {key} overlap on {later.valid_from}")
        object.__setattr__(self, "_by_key", frozen)

    def __contains__(self, key: object) -> bool:
        return key in self._by_key

    def on(self, key: str, day: date) -> RateRow:
        """The rate in force on a day; refuses when there is none."""
        for row in self._by_key.get(key, ()):
            if row.valid_from <= day and (row.valid_to is None or day < row.valid_to):
                return row
        raise MissingRateError(detail=f"no rate {key} is known for {day}")

    def segments(self, key: str, first: date, last_exclusive: date) -> tuple[tuple[date, date, RateRow], ...]:
        """The rates that cover [first, last_exclusive), each with its part of the days; refuses a hole."""
        parts: list[tuple[date, date, RateRow]] = []
        day = first
        while day < last_exclusive:
            row = self.on(key, day)
            end = last_exclusive if row.valid_to is None else min(row.valid_to, last_exclusive)
            parts.append((day, end, row))
            day = end
        return tuple(parts)


class Phases(StrEnum):
    """Connection of a household group: the fixed network rate differs."""

    ONE = "1ph"
    THREE = "3ph"


@dataclass(frozen=True, slots=True, kw_only=True)
class PointTerms:
    """What a distribution and trade contract says of one point, valid for the days of the calculation.

    `group` as the operator writes it (`C21`, `G12w`). `contract_power_w` in W, 0 for groups without contract power.
    `billing_months` is 1, 2, 6 or 12. `yearly_use_wh` is the consumption that decides the flat capacity-fee class and
    is None before the first reading. `capacity_household` marks the uses of art. 89a ust. 1 pkt 1 lit. a and b.
    `tg_phi0_e3` is tg phi 0 in thousandths (400 = 0.4). `offer` names the seller's price list in the rate
    book, as `seller` (the product of the group) or `seller/product`.
    `voltage` counts only for groups whose operator leaves the voltage open (G). `variant` picks one of the two price
    sets of a charging-station group (em), `clock_variant` a zone clock other than the operator's default.
    `last_year_zone_wh` is last year's consumption of the zone that has a threshold (G12as) in the same period.
    `statutory_base_percent` is 100, or 15 or 25 for energy-intensive users (ENEA 2026 tariff, 3.1.17 and 3.1.22).
    """

    operator: str
    group: str
    contract_power_w: int = 0
    phases: Phases = Phases.ONE
    billing_months: int = 1
    yearly_use_wh: int | None = None
    capacity_household: bool = False
    hourly_metered: bool = True
    reactive_charged: bool = False
    tg_phi0_e3: int = 400
    voltage: str = "LV"
    clock: Clock = Clock.LOCAL
    offer: str = ""
    prepaid: bool = False
    special_customer: bool = False
    variant: str = ""
    clock_variant: str = ""
    last_year_zone_wh: int | None = None
    statutory_base_percent: int = 100


class Sentence(NamedTuple):
    """A reason in Polish and in English: the same numbers in both."""

    pl: str
    en: str


class Category(StrEnum):
    """Where a line stands on a bill."""

    ENERGY = "energy"
    COMMUNITY = "community"
    DISTRIBUTION = "distribution"
    STATUTORY = "statutory"
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChargeLine:
    """One priced line: quantity x rate x share = net, with everything needed to check it by hand.

    `charge` is a stable code (`network.variable`), `zone` the tariff zone or "". `quantity` is in base units (Wh,
    varh, W, months, pieces), `unit` the rate's unit text. `first` and `last_exclusive` are local days. `net_grosz`
    is rounded once, half up. `share` is the proration (numerator, denominator). `why` are Polish sentences: quantity,
    rate with source, formula, rounding; `why_en` are the same in English, one for one (none in lines stored before
    there were any). `rates` names the rate rows used.
    """

    charge: str
    zone: str
    category: Category
    label_pl: str
    label_en: str
    first: date
    last_exclusive: date
    quantity: int
    rate: Rate
    share: tuple[int, int]
    net_grosz: int
    vat_rate_percent: int
    rates: tuple[RateRow, ...]
    why: tuple[str, ...]
    why_en: tuple[str, ...] = ()

    def reasons(self, language: str) -> tuple[str, ...]:
        """The sentences in a language ("pl" or "en"); Polish where no others were stored."""
        return self.why_en if language == "en" and self.why_en else self.why
