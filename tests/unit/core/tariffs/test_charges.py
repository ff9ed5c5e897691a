from datetime import date
from decimal import ROUND_HALF_UP, Decimal

import numpy as np
import pytest

from ogniwo.core.kernel.calendar import HOUR_S, grid_of_days
from ogniwo.core.kernel.quantities import Rate, RateUnit, Share
from ogniwo.core.tariffs.dated import MissingRuleError
from ogniwo.core.tariffs.excise import InexactRateError, excise_row, with_excise
from ogniwo.core.tariffs.explain import days_text
from ogniwo.core.tariffs.lines import UnusableTermsError
from ogniwo.core.tariffs.model import Category, MissingRateError, Phases, PointTerms
from ogniwo.core.tariffs.parts import month_shares
from ogniwo.core.tariffs.quality import quality_lines
from ogniwo.core.tariffs.rating import Charge, rate_point
from ogniwo.core.tariffs.storage import storage_fixed_factor
from ogniwo.core.tariffs.transition import transition_lines
from ogniwo.core.tariffs.usage import MissingUsageError, ReactiveEnergy, RegisterUsage, Usage

JANUARY, FEBRUARY, MARCH, APRIL = (date(2026, month, 1) for month in (1, 2, 3, 4))


def registers(**zones_kwh):
    return RegisterUsage(energy_wh=tuple((zone, kwh * 1000) for zone, kwh in zones_kwh.items()))


@pytest.fixture
def rate(book):
    def run(group, charge, usage, *, first=MARCH, last_exclusive=APRIL, continues_month=False, **terms):
        terms = {"contract_power_w": 0 if group.startswith("G") else 30_000, **terms}
        rating = rate_point(
            book=book,
            terms=PointTerms(operator="enea", group=group, **terms),
            first=first,
            last_exclusive=last_exclusive,
            usage=usage,
            charges={charge},
            continues_month=continues_month,
        )
        return rating.lines

    return run


def amounts(lines):
    return [(line.zone, line.quantity, line.net_grosz) for line in lines]


def test_quality_changes_on_the_first_of_february_and_says_so(rate):
    lines = rate("G11", Charge.QUALITY, registers(all=590), first=JANUARY, last_exclusive=MARCH)
    assert [(line.first, line.last_exclusive, line.quantity, line.net_grosz) for line in lines] == [
        (JANUARY, FEBRUARY, 310_000, 1026),  # 310 kWh x 0.0331
        (FEBRUARY, MARCH, 280_000, 930),  # 280 kWh x 0.0332
    ]
    sentence = "Stawka zmienia się w okresie: 1–31 stycznia 2026 0,0331 zł/kWh, od 1 lutego 2026 0,0332 zł/kWh."
    assert all(sentence in line.why for line in lines)


def test_energy_of_a_profile_is_split_by_its_own_days(rate):
    grid = grid_of_days(JANUARY, MARCH, slot_s=HOUR_S)
    wh = np.where(np.arange(grid.slots) < 31 * 24, 100, 900).astype(np.int64)
    lines = rate("G11", Charge.QUALITY, Usage(grid=grid, energy_wh=wh), first=JANUARY, last_exclusive=MARCH)
    assert [line.quantity for line in lines] == [31 * 24 * 100, 28 * 24 * 900]


def test_special_customers_and_medium_voltage_have_their_own_quality_rate(rate):
    usage = registers(all=1_000)
    assert amounts(rate("B21", Charge.QUALITY, usage)) == [("", 1_000_000, 3306)]
    assert amounts(rate("B21", Charge.QUALITY, usage, special_customer=True)) == [("", 1_000_000, 327)]


def test_an_unknown_quality_rate_of_2023_refuses(past_point):
    with pytest.raises(MissingRateError, match="no rate statutory/quality/CG is known for 2023-01-01"):
        quality_lines(past_point(date(2023, 1, 1), date(2023, 2, 1)))


def test_fixed_network_charge_of_households_by_phases_and_days(rate):
    usage = registers(all=0)
    assert amounts(rate("G11", Charge.NETWORK_FIXED, usage)) == [("", 1, 745)]
    assert amounts(rate("G11", Charge.NETWORK_FIXED, usage, phases=Phases.THREE)) == [("", 1, 1041)]
    lines = rate("G11", Charge.NETWORK_FIXED, usage, first=date(2026, 3, 11), last_exclusive=date(2026, 6, 16))
    assert [(line.quantity, line.share, line.net_grosz) for line in lines] == [
        (1, (21, 31), 505),  # 7.45 x 21/31 = 5.0468
        (2, (1, 1), 1490),
        (1, (15, 30), 373),  # 3.725
    ]


def test_fixed_network_charge_per_megawatt(rate):
    (line,) = rate("B21", Charge.NETWORK_FIXED, registers(all=0), contract_power_w=500_000)
    assert line.net_grosz == 1_305_800


def test_month_shares_count_whole_months_and_days():
    assert month_shares(date(2026, 1, 1), date(2026, 4, 1)) == ((JANUARY, APRIL, Share(3, 1)),)
    assert month_shares(date(2026, 1, 31), date(2026, 2, 3)) == (
        (date(2026, 1, 31), FEBRUARY, Share(1, 31)),
        (FEBRUARY, date(2026, 2, 3), Share(2, 28)),
    )


@pytest.mark.parametrize(
    ("group", "kwh", "expected"),
    [
        ("C11pewna", 900, [("all", 900_000, 900)]),
        ("C11pewna", 901, [("all", 900_000, 900), ("all.above", 1_000, 6)]),  # 1 kWh x 0.0580
        ("G11pewna", 300, [("all", 250_000, 250), ("all.above", 50_000, 1228)]),
    ],
)
def test_threshold_of_the_billing_period(rate, group, kwh, expected):
    assert amounts(rate(group, Charge.NETWORK_VARIABLE, registers(all=kwh))) == expected


def test_g12as_night_above_last_years_volume(rate):
    usage = registers(day=100, night=400)
    lines = rate("G12as", Charge.NETWORK_VARIABLE, usage, last_year_zone_wh=300_000)
    assert amounts(lines) == [
        ("day", 100_000, 2456),
        ("night", 300_000, 7368),
        ("night.above", 100_000, 246),
    ]
    with pytest.raises(UnusableTermsError, match="last year's consumption"):
        rate("G12as", Charge.NETWORK_VARIABLE, usage)


def test_charging_stations_need_one_of_their_two_price_sets(rate):
    usage = registers(all=1_000)
    with pytest.raises(UnusableTermsError, match="low_fixed, high_fixed"):
        rate("B21em", Charge.NETWORK_FIXED, usage)
    low = rate("B21em", Charge.NETWORK_VARIABLE, usage, variant="low_fixed")
    high = rate("B21em", Charge.NETWORK_VARIABLE, usage, variant="high_fixed")
    assert [line.net_grosz for line in (*low, *high)] == [13_500, 10_125]
    (line,) = rate("B21em", Charge.NETWORK_FIXED, usage, variant="low_fixed", contract_power_w=1_000_000)
    assert line.net_grosz == 652_900


def test_registers_must_name_the_zones_of_the_clock(rate):
    with pytest.raises(MissingUsageError, match="zones day, night is needed, given: all"):
        rate("G12", Charge.NETWORK_VARIABLE, registers(all=10))


def test_zones_of_one_zone_groups_are_summed(rate):
    assert amounts(rate("C21", Charge.NETWORK_VARIABLE, registers(day=1, night=2))) == [("all", 3_000, 46)]


@pytest.mark.parametrize(("months", "grosz"), [(1, 384), (2, 192), (6, 64), (12, 32)])
def test_subscription_by_billing_months(rate, months, grosz):
    assert amounts(rate("C11", Charge.SUBSCRIPTION, registers(all=0), billing_months=months)) == [("", 1, grosz)]


def test_subscription_of_a_prepaid_meter(rate):
    assert amounts(rate("G11", Charge.SUBSCRIPTION, registers(all=0), prepaid=True)) == [("", 1, 16)]


def test_subscription_is_due_in_full_in_the_months_of_start_and_end(rate):
    days = {"first": date(2026, 1, 31), "last_exclusive": date(2026, 3, 2)}
    assert amounts(rate("C21", Charge.SUBSCRIPTION, registers(all=0), **days)) == [("", 3, 3000)]
    assert amounts(rate("C21", Charge.SUBSCRIPTION, registers(all=0), continues_month=True, **days)) == [("", 2, 2000)]


def test_subscription_refuses_a_billing_period_the_group_does_not_have(rate):
    with pytest.raises(UnusableTermsError, match="billed every 1 months, not 2"):
        rate("C21", Charge.SUBSCRIPTION, registers(all=0), billing_months=2)


def test_energy_intensive_users_pay_statutory_fees_on_a_part(rate):
    (line,) = rate("B21", Charge.RENEWABLES, registers(all=100_000), statutory_base_percent=15)
    assert line.net_grosz == 10_950  # 100 MWh x 7.30 x 15 %
    assert line.category is Category.STATUTORY


def test_each_charge_takes_its_own_base(book):
    grid = grid_of_days(MARCH, APRIL, slot_s=HOUR_S)

    def of(wh):
        return np.full(grid.slots, wh, dtype=np.int64)

    usage = Usage(grid=grid, energy_wh=of(5), trade_wh=of(4), quality_wh=of(3), statutory_wh=of(2), capacity_wh=of(1))
    rating = rate_point(
        book=book,
        terms=PointTerms(operator="enea", group="C21", contract_power_w=60_000, offer="sample"),
        first=MARCH,
        last_exclusive=APRIL,
        usage=usage,
    )
    quantities = {line.charge: line.quantity for line in rating.lines}
    hours = 31 * 24 - 1
    assert quantities["network.variable"] == 5 * hours
    assert quantities["energy"] == 4 * hours
    assert quantities["quality"] == 3 * hours
    assert quantities["oze"] == quantities["cogeneration"] == 2 * hours
    assert quantities["capacity.volume"] == 22 * 15


@pytest.mark.parametrize(("yearly_kwh", "expected"), [(None, 2), (499, 2), (500, 10), (1_200, 10), (1_201, 33)])
def test_transition_fee_classes_of_households(past_point, yearly_kwh, expected):
    use_wh = None if yearly_kwh is None else yearly_kwh * 1000
    point = past_point(date(2025, 5, 1), date(2025, 6, 1), yearly_use_wh=use_wh)
    assert [line.net_grosz for line in transition_lines(point)] == [expected]


def test_transition_fee_per_contract_power_ends_with_2025(past_point):
    point = past_point(date(2025, 12, 1), date(2026, 2, 1), group="C21", contract_power_w=60_000)
    lines = transition_lines(point)
    assert [(line.first, line.last_exclusive, line.net_grosz) for line in lines] == [
        (date(2025, 12, 1), date(2026, 1, 1), 480)
    ]
    assert transition_lines(past_point(JANUARY, FEBRUARY)) == ()


def test_excise_is_added_exactly_or_refused():
    per_mwh = Rate.parse("5.00", RateUnit.MWH)
    assert with_excise(Rate.parse("0.4980", RateUnit.KWH), per_mwh) == Rate.parse("0.5030", RateUnit.KWH)
    assert with_excise(Rate.parse("498", RateUnit.MWH), per_mwh) == Rate.parse("503", RateUnit.MWH)
    with pytest.raises(InexactRateError):
        with_excise(Rate.parse("1", RateUnit.KWH), Rate(1, RateUnit.MWH))


def test_trade_lines_of_the_sample_offer(rate):
    usage = registers(peak=100, offpeak=200)
    lines = rate("C22a", Charge.ENERGY, usage, offer="sample")
    assert [(line.zone, line.rate.text()) for line in lines] == [("peak", "0.645"), ("offpeak", "0.455")]
    assert all(excise_row(line) is not None for line in lines)
    assert rate("C22a", Charge.ENERGY, usage, offer="sample/C22a") == lines
    (fee,) = rate("C22a", Charge.TRADE_FEE, usage, offer="sample", last_exclusive=date(2026, 3, 11))
    assert (fee.category, fee.net_grosz) == (Category.ENERGY, 806)  # 25.00 x 10/31
    assert rate("G11", Charge.TRADE_FEE, registers(all=1), offer="enea") == ()
    assert rate("G11", Charge.ENERGY, registers(all=1)) == ()


def test_offers_refuse_what_they_do_not_price(rate):
    with pytest.raises(MissingRuleError, match="no offer nobody is known"):
        rate("C21", Charge.ENERGY, registers(all=1), offer="nobody")
    with pytest.raises(UnusableTermsError, match="no price list C21"):
        rate("C21", Charge.ENERGY, registers(all=1), offer="enea")


def test_storage_factor_rounds_to_hundredths():
    assert storage_fixed_factor(taken_wh=1000, returned_wh=855) == Share(15, 100)  # 0.145 rounds up
    assert storage_fixed_factor(taken_wh=1000, returned_wh=856) == Share(14, 100)
    assert storage_fixed_factor(taken_wh=0, returned_wh=5).numerator == 0
    assert storage_fixed_factor(taken_wh=10, returned_wh=50).numerator == 0


def power_usage(power_w, slot_s=900, **more):
    grid = grid_of_days(MARCH, APRIL, slot_s=slot_s)
    values = np.zeros(grid.slots, dtype=np.int64)
    for slot, watts in power_w.items():
        values[slot] = watts
    return Usage(grid=grid, energy_wh=np.zeros(grid.slots, dtype=np.int64), power_w=values, **more)


def test_an_hour_has_one_surplus_the_largest_of_its_quarters(book):
    def rate(usage):
        terms = PointTerms(operator="enea", group="C21", contract_power_w=60_000)
        return rate_point(
            book=book, terms=terms, first=MARCH, last_exclusive=APRIL, usage=usage, charges={Charge.EXCEEDANCE}
        )

    rating = rate(power_usage({0: 61_000, 1: 63_000, 2: 62_000, 4: 60_001, 8: 60_000}))
    assert [surplus.surplus_w for surplus in rating.facts.surpluses] == [3_000, 1]
    assert rating.lines[0].quantity == 3_001
    hourly = rate(power_usage({0: 61_000}, slot_s=HOUR_S))
    assert [surplus.surplus_w for surplus in hourly.facts.surpluses] == [1_000]
    assert rate(power_usage({0: 60_000})).lines == ()


def test_a_meter_without_intervals_pays_ten_times_its_largest_surplus(rate):
    usage = RegisterUsage(energy_wh=(("all", 0),), maximum_power_w=62_500)
    (line,) = rate("C21", Charge.EXCEEDANCE, usage, contract_power_w=60_000)
    assert line.net_grosz == 62_100  # 24.84 x 10 x 2.5
    assert rate("C21", Charge.EXCEEDANCE, usage, contract_power_w=70_000) == ()


def test_groups_without_control_of_power_pay_no_excess(rate):
    usage = RegisterUsage(energy_wh=(("all", 0),), maximum_power_w=62_500)
    assert rate("C11", Charge.EXCEEDANCE, usage) == ()


def test_reactive_energy_is_charged_only_where_the_contract_says_so_and_refuses_unknown_prices(rate):
    energy = ReactiveEnergy(active_wh=10, q1_varh=9, q4_varh=0)
    usage = RegisterUsage(energy_wh=(("all", 10),), reactive=(energy,))
    assert rate("C21", Charge.REACTIVE, usage) == ()
    with pytest.raises(MissingRateError, match=r"enea/reactive\.price"):
        rate("C21", Charge.REACTIVE, usage, reactive_charged=True)
    with pytest.raises(MissingUsageError, match="none is given"):
        rate("C21", Charge.REACTIVE, registers(all=1), reactive_charged=True)
    with pytest.raises(UnusableTermsError, match="below the lowest"):
        rate("C21", Charge.REACTIVE, usage, reactive_charged=True, tg_phi0_e3=199)


def test_lines_can_be_checked_by_hand(rate):
    lines = rate("G12w", Charge.NETWORK_VARIABLE, registers(peak=123, offpeak=77))
    for line in lines:
        net = Decimal(line.quantity) / line.rate.per.base_units * Decimal(line.rate.text())
        assert line.net_grosz == int((net * 100).quantize(Decimal(1), ROUND_HALF_UP))
        assert line.why[-1] == "Kwota zaokrąglona raz, do grosza, połówki w górę."
        assert any(
            "ENEA Operator 2026" in sentence and "obowiązuje od 1 stycznia 2026" in sentence for sentence in line.why
        )
    assert lines[0].why[-2] == "123 kWh × 0,2702 zł/kWh = 33,23 zł."


def test_days_are_written_as_people_do():
    assert days_text(date(2026, 1, 1), date(2026, 2, 1)) == "1–31 stycznia 2026"
    assert days_text(date(2026, 1, 31), date(2026, 2, 1)) == "31 stycznia 2026"
    assert days_text(date(2026, 1, 15), date(2026, 3, 1)) == "15 stycznia – 28 lutego 2026"
    assert days_text(date(2025, 12, 15), date(2026, 3, 1)) == "15 grudnia 2025 – 28 lutego 2026"
