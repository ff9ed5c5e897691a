"""Tariff rules as data: groups, zone clocks, sellers' offers, VAT, and the book that holds them beside the rates.

Nothing here is a rate and nothing is invented in code: every value comes from a dated file with its legal source.
"""

from dataclasses import dataclass
from datetime import date
from functools import cached_property

import msgspec

from ogniwo.core.kernel.ids import sha256_hex
from ogniwo.core.tariffs.capacity_rules import CapacityRules
from ogniwo.core.tariffs.dated import find_on, require_on
from ogniwo.core.tariffs.model import RateBook
from ogniwo.core.tariffs.use_classes import UseClass


@dataclass(frozen=True, slots=True, kw_only=True)
class ZoneRange:
    """Hours of a zone: months 1..12, days `all`, `working` or `off`, hours-of-day that start in the zone (0..23)."""

    zone: str
    months: tuple[int, ...]
    days: str
    hours: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ZoneClock:
    """The zones of some groups of an operator; an hour that no range names belongs to `rest`."""

    operator: str
    groups: tuple[str, ...]
    variant: str
    ranges: tuple[ZoneRange, ...]
    rest: str
    valid_from: date
    valid_to: date | None
    source: str

    @property
    def zones(self) -> tuple[str, ...]:
        """Zone names; their positions are the numbers in slot arrays."""
        return tuple(dict.fromkeys((*(part.zone for part in self.ranges), self.rest)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Threshold:
    """A second variable rate above a quantity in one zone.

    `limit_wh` is the quantity of a billing period, or None where last year's consumption of the point decides.
    """

    zone: str
    limit_wh: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupRules:
    """What a tariff group is: which charges it has and under which keys their rates stand.

    `fixed` is `power` (per contract power) or `phases`; `voltage` HV, MV, LV or "" where the contract says it;
    `transition` is the class letter of the transition fee. `subscription` and the quality keys are rate keys.
    """

    operator: str
    group: str
    letter: str
    voltage: str
    fixed: str
    household: bool
    unmetered: bool
    exceedance: bool
    billing_months: tuple[int, ...]
    subscription: str
    quality: str
    quality_special: str
    variants: tuple[str, ...]
    threshold: Threshold | None
    valid_from: date
    valid_to: date | None
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReactiveRules:
    """The factors k of an operator in hundredths by voltage, and the lowest tg phi 0 (ENEA 2026 tariff, 3.3)."""

    operator: str
    factor_e2: tuple[tuple[str, int], ...]
    lowest_tg_phi0_e3: int
    valid_from: date
    valid_to: date | None
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TransitionRules:
    """The household classes of the transition fee and the days on which the fee exists at all."""

    classes: tuple[UseClass, ...]
    valid_from: date
    valid_to: date | None
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferGroup:
    """A tariff group that an offer prices, with the zones of its energy price (`all` or those of the clock)."""

    group: str
    zones: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A seller's price list: energy per zone net of excise, and perhaps a monthly trade fee."""

    name: str
    label: str
    groups: tuple[OfferGroup, ...]
    trade_fee: bool
    valid_from: date
    valid_to: date | None
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class VatRate:
    """The VAT rate of electricity and its distribution."""

    percent: int
    valid_from: date
    valid_to: date | None
    source: str
    confidence: str


@dataclass(frozen=True)
class TariffBook:
    """Everything dated that a rating reads. `digest` names its content, so that a result can name its version."""

    rates: RateBook
    groups: tuple[GroupRules, ...]
    clocks: tuple[ZoneClock, ...]
    offers: tuple[Offer, ...]
    reactive: tuple[ReactiveRules, ...]
    transition: tuple[TransitionRules, ...]
    vat: tuple[VatRate, ...]
    capacity: CapacityRules

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the whole content, independent of the order in which files were read."""
        parts = (self.groups, self.clocks, self.offers, self.reactive, self.transition, self.vat, self.capacity.rows())
        encoded = sorted(msgspec.json.encode(row, order="deterministic") for part in parts for row in part)
        return sha256_hex(b"\n".join((rate_book_digest(self.rates).encode(), *encoded)))

    def group(self, operator: str, group: str, day: date) -> GroupRules:
        """The group of an operator in force on a day; refuses when unknown."""
        found = [row for row in self.groups if (row.operator, row.group) == (operator, group)]
        return require_on(found, day, what=f"tariff group {group} of {operator}")

    def clock(self, *, operator: str, group: str, variant: str, day: date) -> ZoneClock | None:
        """The zone clock of a group, None for a group of one zone; refuses an unknown variant or day."""
        found = [row for row in self.clocks if row.operator == operator and group in row.groups]
        if not found and not variant:
            return None
        chosen = [row for row in found if row.variant == variant]
        return require_on(chosen, day, what=f"zone clock {variant or 'default'} of {group} of {operator}")

    def offer(self, name: str, day: date) -> Offer:
        """A seller's offer in force on a day."""
        return require_on([row for row in self.offers if row.name == name], day, what=f"offer {name}")

    def reactive_rules(self, operator: str, day: date) -> ReactiveRules:
        """The reactive-energy factors of an operator."""
        found = [row for row in self.reactive if row.operator == operator]
        return require_on(found, day, what=f"reactive energy factor of {operator}")

    def transition_rules(self, day: date) -> TransitionRules | None:
        """The rules of the transition fee, None on days without it (abolished from 2026)."""
        return find_on(self.transition, day, what="transition fee")

    def vat_percent(self, day: date) -> int:
        """The VAT rate on a day."""
        return require_on(self.vat, day, what="VAT rate of electricity").percent


def rate_book_digest(rates: RateBook) -> str:
    """SHA-256 over the rows of a rate book in canonical order, the name of its version."""
    encoded = sorted(msgspec.json.encode(row, order="deterministic") for row in rates.rows)
    return sha256_hex(b"\n".join(encoded))
