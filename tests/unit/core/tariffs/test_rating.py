from datetime import date, timedelta
from math import isqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ogniwo.core.kernel.calendar import grid_of_days
from ogniwo.core.tariffs.dated import AmbiguousRuleError, MissingRuleError
from ogniwo.core.tariffs.model import AmbiguousRateError, PointTerms, RateBook
from ogniwo.core.tariffs.rating import Charge, rate_point
from ogniwo.core.tariffs.reactive import FACTOR_DECIMALS, inductive_factor
from ogniwo.core.tariffs.rules import TariffBook, rate_book_digest
from ogniwo.core.tariffs.totals import vat_totals
from ogniwo.core.tariffs.usage import MissingUsageError, RegisterUsage, Usage
from ogniwo.services.tariffs.queries import load_rate_book

BOOK = load_rate_book()
FIRST, LAST = date(2026, 1, 1), date(2026, 4, 1)
ENERGY_CHARGES = frozenset(
    {Charge.ENERGY, Charge.NETWORK_VARIABLE, Charge.QUALITY, Charge.RENEWABLES, Charge.COGENERATION}
)
TERMS = PointTerms(operator="enea", group="G12w", offer="enea", yearly_use_wh=2_000_000)


def energies(usage, first, last_exclusive):
    rating = rate_point(
        book=BOOK, terms=TERMS, first=first, last_exclusive=last_exclusive, usage=usage, charges=ENERGY_CHARGES
    )
    sums = {}
    for line in rating.lines:
        key = (line.charge, line.zone)
        sums[key] = sums.get(key, 0) + line.quantity
    return sums


def added(left, right):
    return {key: left.get(key, 0) + right.get(key, 0) for key in left.keys() | right.keys()}


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), day=st.integers(1, 89))
def test_splitting_a_period_at_any_day_keeps_the_energy_of_each_charge_and_zone(seed, day):
    grid = grid_of_days(FIRST, LAST)
    random = np.random.default_rng(seed)
    usage = Usage(
        grid=grid,
        energy_wh=random.integers(0, 5_000, grid.slots),
        quality_wh=random.integers(0, 5_000, grid.slots),
        statutory_wh=random.integers(0, 5_000, grid.slots),
    )
    whole, middle = energies(usage, FIRST, LAST), FIRST + timedelta(days=day)
    assert added(energies(usage, FIRST, middle), energies(usage, middle, LAST)) == whole
    total = int(usage.energy_wh.sum())
    assert whole["network.variable", "peak"] + whole["network.variable", "offpeak"] == total
    assert whole["energy", "peak"] + whole["energy", "offpeak"] == total
    assert whole["quality", ""] == int(usage.quality_wh.sum())
    assert whole["oze", ""] == whole["cogeneration", ""] == int(usage.statutory_wh.sum())


@settings(max_examples=50, deadline=None)
@given(peak=st.integers(0, 10**9), offpeak=st.integers(0, 10**9), day=st.integers(1, 89))
def test_register_totals_are_split_over_a_rate_change_without_loss(peak, offpeak, day):
    usage = RegisterUsage(energy_wh=(("peak", peak), ("offpeak", offpeak)))
    sums = energies(usage, FIRST, FIRST + timedelta(days=day))
    assert (sums["network.variable", "peak"], sums["network.variable", "offpeak"]) == (peak, offpeak)
    assert sums["quality", ""] == peak + offpeak


@settings(max_examples=100, deadline=None)
@given(
    active=st.integers(1, 10**12),
    inductive=st.integers(0, 10**12),
    tg=st.integers(200, 1_000),
    factor_e2=st.sampled_from([50, 100, 300]),
)
def test_the_inductive_factor_is_the_nearest_to_the_root(active, inductive, tg, factor_e2):
    found = inductive_factor(active_wh=active, inductive_varh=inductive, tg_phi0_e3=tg, factor_e2=factor_e2)
    if inductive * 1000 <= tg * active:
        assert found == 0
        return
    # found - 1/2 <= k (root - 1) 10^12 <= found + 1/2, squared to stay among integers (one unit of slack for a tie)
    scale = 2 * factor_e2 * 10**FACTOR_DECIMALS
    low, high = ((2 * found + step) * 100 + scale for step in (-2, 2))
    square = (active**2 + inductive**2) * 10**6 * scale**2
    divisor = active**2 * (10**6 + tg**2)
    assert low**2 * divisor <= square <= high**2 * divisor
    assert isqrt(square // divisor) >= scale


def test_facts_name_zones_groups_and_book(flat_profile):
    rating = rate_point(
        book=BOOK,
        terms=PointTerms(operator="enea", group="C22a", contract_power_w=60_000),
        first=date(2026, 3, 1),
        last_exclusive=date(2026, 4, 1),
        usage=flat_profile(date(2026, 3, 1), date(2026, 4, 1)),
    )
    assert dict(rating.facts.zones) == {"peak": 31 * 6 * 1000, "offpeak": (31 * 24 - 1 - 31 * 6) * 1000}
    assert dict(rating.facts.capacity_groups) == {"K1": 22 * 15 * 1000}
    assert len(rating.facts.capacity_periods) == 22
    assert rating.facts.not_assessed == (("power.exceedance", "no mean powers and no maximum power were given"),)
    assert rating.book_digest == BOOK.digest
    assert rating.net_grosz == sum(line.net_grosz for line in rating.lines)


def test_capacity_by_volume_refuses_registers_without_hours():
    with pytest.raises(MissingUsageError, match="hourly profile"):
        rate_point(
            book=BOOK,
            terms=PointTerms(operator="enea", group="C21", contract_power_w=60_000),
            first=date(2026, 3, 1),
            last_exclusive=date(2026, 4, 1),
            usage=RegisterUsage(energy_wh=(("all", 1),)),
        )


@pytest.mark.parametrize(
    ("terms", "first", "message"),
    [
        ({"group": "C99"}, FIRST, "tariff group C99 of enea"),
        ({"operator": "tauron", "group": "G11"}, FIRST, "tariff group G11 of tauron"),
        ({"group": "G11"}, date(2025, 12, 1), "tariff group G11 of enea is known for 2025-12-01"),
        ({"group": "G12", "clock_variant": "mine"}, FIRST, "zone clock mine of G12"),
    ],
)
def test_unknown_groups_and_clocks_refuse(terms, first, message):
    with pytest.raises(MissingRuleError, match=message):
        rate_point(
            book=BOOK,
            terms=PointTerms(**{"operator": "enea", **terms}),
            first=first,
            last_exclusive=first + timedelta(days=3),
            usage=RegisterUsage(energy_wh=(("all", 1),)),
        )


def test_the_digest_names_content_not_order():
    turned = TariffBook(
        rates=RateBook(tuple(reversed(BOOK.rates.rows))),
        groups=tuple(reversed(BOOK.groups)),
        clocks=BOOK.clocks,
        offers=BOOK.offers,
        reactive=BOOK.reactive,
        transition=BOOK.transition,
        vat=BOOK.vat,
        capacity=BOOK.capacity,
    )
    assert turned.digest == BOOK.digest
    assert rate_book_digest(turned.rates) == rate_book_digest(BOOK.rates)
    assert rate_book_digest(RateBook(BOOK.rates.rows[1:])) != rate_book_digest(BOOK.rates)


def test_overlapping_rates_and_rules_refuse():
    with pytest.raises(AmbiguousRateError):
        RateBook((BOOK.rates.rows[0], BOOK.rates.rows[0]))
    doubled = TariffBook(
        rates=BOOK.rates,
        groups=BOOK.groups + BOOK.groups[:1],
        clocks=BOOK.clocks,
        offers=BOOK.offers,
        reactive=BOOK.reactive,
        transition=BOOK.transition,
        vat=BOOK.vat,
        capacity=BOOK.capacity,
    )
    with pytest.raises(AmbiguousRuleError):
        doubled.group("enea", BOOK.groups[0].group, FIRST)


@pytest.mark.parametrize(
    ("day", "percent"),
    [
        (date(2021, 12, 31), 23),
        (date(2022, 1, 1), 8),
        (date(2022, 2, 1), 5),
        (date(2022, 12, 31), 5),
        (date(2023, 1, 1), 23),
    ],
)
def test_vat_rates_by_day(day, percent):
    assert BOOK.vat_percent(day) == percent


def test_vat_is_rounded_on_the_sum_not_on_lines():
    rating = rate_point(
        book=BOOK,
        terms=TERMS,
        first=date(2026, 3, 1),
        last_exclusive=date(2026, 4, 1),
        usage=RegisterUsage(energy_wh=(("peak", 1_234), ("offpeak", 5_678))),
    )
    (total,) = vat_totals(rating.lines)
    net = sum(line.net_grosz for line in rating.lines)
    assert (total.net_grosz, total.vat_grosz) == (net, (net * 23 + 50) // 100)


def test_usage_must_be_whole_and_not_negative(flat_profile):
    grid = grid_of_days(FIRST, LAST)
    with pytest.raises(ValueError, match="one value per slot"):
        Usage(grid=grid, energy_wh=np.zeros(5, dtype=np.int64))
    with pytest.raises(ValueError, match="int64"):
        Usage(grid=grid, energy_wh=np.zeros(grid.slots, dtype=np.int32))
    with pytest.raises(ValueError, match="never negative"):
        Usage(grid=grid, energy_wh=np.full(grid.slots, -1, dtype=np.int64))
    with pytest.raises(ValueError, match="not inside the grid"):
        energies(flat_profile(FIRST, date(2026, 2, 1)), FIRST, date(2026, 2, 2))
    with pytest.raises(ValueError, match="one non-negative energy per zone"):
        RegisterUsage(energy_wh=(("all", 1), ("all", 2)))
