"""The worked examples of the law reference, sections 1 to 3, under their numbers."""

from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal, getcontext
from fractions import Fraction

import numpy as np
import pytest

from ogniwo.core.kernel.calendar import HOUR_S, grid_of_days
from ogniwo.core.tariffs.capacity_flat import flat_lines
from ogniwo.core.tariffs.lines import RatedPoint
from ogniwo.core.tariffs.model import Phases, PointTerms
from ogniwo.core.tariffs.rating import Charge, rate_point
from ogniwo.core.tariffs.reactive import FACTOR_DECIMALS, inductive_factor
from ogniwo.core.tariffs.totals import vat_totals
from ogniwo.core.tariffs.usage import ReactiveEnergy, RegisterUsage, Usage
from ogniwo.services.tariffs.queries import load_rate_book, price

WORKING_DAY = date(2026, 3, 2)
MARCH = (date(2026, 3, 1), date(2026, 4, 1))


@pytest.fixture(scope="module")
def book():
    return load_rate_book()


def grosz(text):
    return int(Decimal(text) * 100)


def registers(kwh, **more):
    return RegisterUsage(energy_wh=(("all", kwh * 1000),), **more)


def capacity_of_a_day(book, selected_kwh, other_kwh):
    """The capacity fee of one working day with constant energy per hour in 7-22 and outside."""
    grid = grid_of_days(WORKING_DAY, WORKING_DAY + timedelta(days=1), slot_s=HOUR_S)
    wh = np.array([selected_kwh if 7 <= hour < 22 else other_kwh for hour in range(24)], dtype=np.int64) * 1000
    return rate_point(
        book=book,
        terms=PointTerms(operator="enea", group="C21", contract_power_w=120_000),
        first=WORKING_DAY,
        last_exclusive=WORKING_DAY + timedelta(days=1),
        usage=Usage(grid=grid, energy_wh=wh),
        charges={Charge.CAPACITY},
    )


@pytest.mark.parametrize(
    ("selected_kwh", "other_kwh", "difference", "group", "expected"),
    [
        pytest.param(100, 96, Fraction(100, 96) - 1, "K1", "55.95", id="law_1_A"),
        pytest.param(105, 100, Fraction(5, 100), "K2", "172.78", id="law_1_B"),
        pytest.param(115, 100, Fraction(15, 100), "K4", "378.47", id="law_1_D"),
        pytest.param(80, 100, Fraction(-20, 100), "K1", "44.76", id="law_1_E"),
        pytest.param(10, 0, None, "K4", "32.91", id="law_1_F"),
    ],
)
def test_law_1_A_to_1_F(book, selected_kwh, other_kwh, difference, group, expected):
    rating = capacity_of_a_day(book, selected_kwh, other_kwh)
    (period,) = rating.facts.capacity_periods
    assert (period.selected_wh, period.selected_hours, period.other_hours) == (15_000 * selected_kwh, 15, 9)
    if difference is not None:
        mean_selected, mean_other = Fraction(period.selected_wh, 15), Fraction(period.other_wh, 9)
        assert mean_selected / mean_other - 1 == difference
    assert period.group == group
    (line,) = rating.lines
    assert (line.charge, line.zone, line.net_grosz) == ("capacity.volume", group, grosz(expected))


def flat(book, yearly_kwh):
    return price(
        book=book,
        terms=PointTerms(operator="enea", group="G11", yearly_use_wh=yearly_kwh * 1000),
        first=MARCH[0],
        last_exclusive=MARCH[1],
        usage=registers(0),
        charges={Charge.CAPACITY},
    )


def test_law_1_G_household_of_2000_kwh_pays_class_3(book):
    priced = flat(book, 2000)
    assert priced.rating.facts.capacity_class == "3"
    assert (priced.net_grosz, priced.gross_grosz) == (grosz("17.18"), grosz("21.13"))


def test_law_1_I_new_household_of_seven_months_is_not_scaled_to_a_year(book):
    priced = flat(book, 900)
    assert priced.rating.facts.capacity_class == "2"
    assert priced.net_grosz == grosz("10.31")
    assert flat(book, 1543).net_grosz != priced.net_grosz


def test_law_1_J_growth_of_class_3_from_2025_to_2026(book):
    def month(first, last_exclusive):
        point = RatedPoint(
            book=book,
            terms=PointTerms(operator="enea", group="G11", yearly_use_wh=1_800_000),
            group=book.group("enea", "G11", date(2026, 1, 1)),
            zone_clock=None,
            first=first,
            last_exclusive=last_exclusive,
            usage=registers(0),
            vat_rate_percent=23,
        )
        (line,) = flat_lines(point, first, last_exclusive)
        return line.net_grosz

    growth = month(*MARCH) - month(date(2025, 8, 1), date(2025, 9, 1))
    assert growth == grosz("5.74")
    assert 12 * growth == grosz("68.88")


INVOICE_2021 = b"""
operator = "inv21"
defaults.valid_from = 2021-01-01
defaults.valid_to = 2022-01-01
defaults.checked_on = 2026-11-21
defaults.confidence = "1"
defaults.source = "a real invoice of 2021"
groups = [
  { names = ["G11"], letter = "G", voltage = "", fixed = "phases", exceedance = false, billing_months = [2], household = true, subscription = "inv21/subscription/G", quality = "statutory/quality/CG", quality_special = "statutory/quality/CG" },
]
rates = [
  { key = "inv21/G11/network.fixed/1ph", value = "6.02", per = "month" },
  { key = "inv21/G11/network.variable/all", value = "0.1648", per = "kWh" },
  { key = "inv21/subscription/G/2", value = "1.92", per = "month" },
  { key = "offers/inv21/G11/energy/all", value = "0.2965", per = "kWh" },
]
[[offers]]
name = "inv21"
label = "invoice of 2021"
trade_fee = false
groups = { G11 = ["all"] }
"""  # noqa: E501 -- one row of the file


def test_law_2_A_real_invoice_of_2021(tmp_path):
    own = tmp_path / "inv21.toml"
    own.write_bytes(INVOICE_2021)
    priced = price(
        book=load_rate_book([own]),
        terms=PointTerms(operator="inv21", group="G11", billing_months=2, yearly_use_wh=1_900_000, offer="inv21"),
        first=date(2021, 5, 1),
        last_exclusive=date(2021, 6, 1),
        usage=registers(290),
    )
    net = {line.charge: line.net_grosz for line in priced.rating.lines}
    variable = {"energy": "87.44", "quality": "2.96", "network.variable": "47.79", "oze": "0.64", "cogeneration": "0"}
    fixed = {"network.fixed": "6.02", "transition": "0.33", "capacity.flat": "7.47", "subscription": "1.92"}
    assert net == {name: grosz(amount) for name, amount in {**variable, **fixed}.items()}
    (of_variable,) = vat_totals(line for line in priced.rating.lines if line.charge in variable)
    (of_fixed,) = vat_totals(line for line in priced.rating.lines if line.charge in fixed)
    assert (of_variable.net_grosz, of_variable.gross_grosz) == (grosz("138.83"), grosz("170.76"))
    assert (of_fixed.net_grosz, of_fixed.gross_grosz) == (grosz("15.74"), grosz("19.36"))


def marginal_gross(book, group, zone_wh, offer="enea"):
    """The gross price of one more kWh in the zone that has energy, from the rates of the lines per energy."""
    rating = rate_point(
        book=book,
        terms=PointTerms(operator="enea", group=group, offer=offer, yearly_use_wh=2_000_000),
        first=date(2026, 2, 1),
        last_exclusive=date(2026, 3, 1),
        usage=RegisterUsage(energy_wh=zone_wh),
    )
    per_kwh = sum(
        Fraction(line.rate.value_e8, 10**8) / (line.rate.per.base_units // 1000)
        for line in rating.lines
        if line.rate.per in {"kWh", "MWh"} and line.quantity
    )
    gross = per_kwh * Fraction(123, 100)
    return Decimal(gross.numerator) / Decimal(gross.denominator)


def test_law_2_B_marginal_price_of_enea_g11_from_february_2026(book):
    gross = marginal_gross(book, "G11", (("all", 1_000),))
    assert gross.quantize(Decimal("0.0001"), ROUND_HALF_UP) == Decimal("0.9743")


def test_law_2_C_enea_c21_of_march_2026(book):
    priced = price(
        book=book,
        terms=PointTerms(operator="enea", group="C21", contract_power_w=60_000),
        first=MARCH[0],
        last_exclusive=MARCH[1],
        usage=registers(10_000),
        partial=True,
    )
    assert {line.charge: line.net_grosz for line in priced.rating.lines} == {
        "network.fixed": grosz("1490.40"),
        "network.variable": grosz("1538.00"),
        "quality": grosz("332.00"),
        "subscription": grosz("10.00"),
        "oze": grosz("73.00"),
        "cogeneration": grosz("30.00"),
    }
    assert (priced.net_grosz, priced.gross_grosz) == (grosz("3473.40"), grosz("4272.28"))
    assert [charge for charge, _ in priced.left_out] == ["capacity", "power.exceedance"]


@pytest.mark.parametrize(
    ("group", "zone", "net_text", "gross"),
    [
        ("G11", "all", "0.503", "0.6187"),
        ("G12", "day", "0.5829", "0.7170"),
        ("G12", "night", "0.3419", "0.4205"),
        ("G12w", "peak", "0.6568", "0.8079"),
        ("G12w", "offpeak", "0.3515", "0.4323"),
    ],
)
def test_law_2_E_energy_prices_of_enea_with_excise(book, group, zone, net_text, gross):
    zones = {"G11": ("all",), "G12": ("day", "night"), "G12w": ("peak", "offpeak")}[group]
    rating = rate_point(
        book=book,
        terms=PointTerms(operator="enea", group=group, offer="enea"),
        first=MARCH[0],
        last_exclusive=MARCH[1],
        usage=RegisterUsage(energy_wh=tuple((name, 1_000) for name in zones)),
        charges={Charge.ENERGY},
    )
    line = next(line for line in rating.lines if line.zone == zone)
    assert Decimal(line.rate.text()) == Decimal(net_text)
    assert (Decimal(line.rate.text()) * Decimal("1.23")).quantize(Decimal("0.0001"), ROUND_HALF_UP) == Decimal(gross)
    assert [row.key for row in line.rates] == [f"offers/enea/{group}/energy/{zone}", "statutory/excise"]


def exceedance(book, group, contract_kw, surpluses_w):
    grid = grid_of_days(*MARCH)
    power_w = np.full(grid.slots, contract_kw * 1000, dtype=np.int64)
    for hour, surplus_w in enumerate(surpluses_w):
        power_w[4 * hour : 4 * hour + 4] += (surplus_w, surplus_w - 1, 0, surplus_w)
    rating = rate_point(
        book=book,
        terms=PointTerms(operator="enea", group=group, contract_power_w=contract_kw * 1000),
        first=MARCH[0],
        last_exclusive=MARCH[1],
        usage=Usage(grid=grid, energy_wh=np.zeros(grid.slots, dtype=np.int64), power_w=power_w),
        charges={Charge.EXCEEDANCE},
    )
    (line,) = rating.lines
    assert line.charge == "power.exceedance"
    return line


def test_law_3_A_ten_largest_of_twelve_surpluses(book):
    line = exceedance(book, "B21", 500, [kw * 1000 for kw in (30, 28, 25, 22, 20, 18, 15, 12, 10, 8, 7, 5)])
    assert (line.quantity, line.net_grosz) == (188_000, grosz("4909.81"))


def test_law_3_C_three_surpluses(book):
    line = exceedance(book, "C21", 60, [4200, 3000, 1800])
    assert (line.quantity, line.net_grosz) == (9_000, grosz("223.56"))


REACTIVE_PRICE = b"""
rates = [
  { key = "enea/reactive.price", value = "500.00", per = "MWh", valid_from = 2026-01-01, checked_on = 2026-11-21, confidence = "illustrative", source = "the example" },
]
"""  # noqa: E501 -- one row of the file


def reactive(tmp_path, *, active_kwh, q1_kvarh=0, q4_kvarh=0):
    own = tmp_path / "reactive.toml"
    own.write_bytes(REACTIVE_PRICE)
    energy = ReactiveEnergy(active_wh=active_kwh * 1000, q1_varh=q1_kvarh * 1000, q4_varh=q4_kvarh * 1000)
    rating = rate_point(
        book=load_rate_book([own]),
        terms=PointTerms(operator="enea", group="C21", contract_power_w=60_000, reactive_charged=True),
        first=MARCH[0],
        last_exclusive=MARCH[1],
        usage=registers(active_kwh, reactive=(energy,)),
        charges={Charge.REACTIVE},
    )
    return {line.charge: line for line in rating.lines}


def test_law_3_E_inductive_energy_above_tg_phi_0(tmp_path):
    lines = reactive(tmp_path, active_kwh=10_000, q1_kvarh=6_000)
    assert list(lines) == ["reactive.inductive"]
    assert lines["reactive.inductive"].net_grosz == grosz("1241.71")
    getcontext().prec = 50
    exact = (Decimal("1.36") / Decimal("1.16")).sqrt() - 1
    assert str(exact).startswith("0.082780584007")
    factor = Decimal(inductive_factor(active_wh=10**7, inductive_varh=6 * 10**6, tg_phi0_e3=400))
    assert factor == (exact.scaleb(FACTOR_DECIMALS)).quantize(Decimal(1), ROUND_HALF_UP)


def test_law_3_G_inductive_energy_at_tg_phi_0_is_free(tmp_path):
    assert reactive(tmp_path, active_kwh=10_000, q1_kvarh=4_000)["reactive.inductive"].net_grosz == 0


def test_law_3_I_capacitive_energy_is_charged_in_full(tmp_path):
    lines = reactive(tmp_path, active_kwh=10_000, q4_kvarh=500)
    assert lines["reactive.capacitive"].net_grosz == grosz("750.00")
    assert lines["reactive.inductive"].net_grosz == 0


def test_law_2_1_storage_pays_for_what_it_kept(book):
    rating = rate_point(
        book=book,
        terms=PointTerms(operator="enea", group="C21", contract_power_w=100_000, phases=Phases.THREE),
        first=MARCH[0],
        last_exclusive=MARCH[1],
        usage=registers(1_000, storage_returned_wh=850_000),
        charges={Charge.NETWORK_FIXED, Charge.NETWORK_VARIABLE},
    )
    assert {line.charge: line.net_grosz for line in rating.lines} == {
        "network.fixed": grosz("372.60"),
        "network.variable": grosz("23.07"),
    }
