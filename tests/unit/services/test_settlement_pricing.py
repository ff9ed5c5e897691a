"""What a member of a cooperative pays on which energy (law.md 4.3), computed here by hand from the metered quarters."""

from datetime import date
from fractions import Fraction
from types import SimpleNamespace

import numpy as np
import pytest

from ogniwo.core.contracts.supply import SupplyContract
from ogniwo.core.kernel.calendar import HOUR_S, QUARTER_S, Month, grid_of_month
from ogniwo.core.kernel.findings import Severity
from ogniwo.core.kernel.quality import Quality
from ogniwo.core.metering.model import IMPORT, IMPORT_NETTED, REACTIVE_Q1, REACTIVE_Q4, IntervalSeries
from ogniwo.core.tariffs.model import PointTerms
from ogniwo.services.settlement.loading import MemberPoint
from ogniwo.services.settlement.pricing import price_point
from ogniwo.services.tariffs.queries import load_rate_book

OCTOBER = Month(2026, 10)
HOURS = grid_of_month(OCTOBER, slot_s=HOUR_S)
POINT = "590310600000000019"
BOOK = load_rate_book(with_samples=True)
FIRM = PointTerms(operator="enea", group="C21", contract_power_w=60_000, offer="sample")
HOUSEHOLD = PointTerms(operator="enea", group="G11", yearly_use_wh=2_000_000, offer="enea")
START, NOVEMBER = date(2026, 1, 1), date(2026, 11, 1)


def grosz(exact):
    value = Fraction(exact) * 100
    return (2 * value.numerator + value.denominator) // (2 * value.denominator)


def series(values, *, channel=IMPORT, slot_s=QUARTER_S):
    grid = grid_of_month(OCTOBER, slot_s=slot_s)
    wh = np.resize(np.array(values, dtype=np.int32), grid.slots)
    return IntervalSeries(
        point=POINT, channel=channel, grid=grid, wh=wh, quality=np.full(grid.slots, int(Quality.MEASURED), np.uint8)
    )


def contract(terms, *, valid_from=START, valid_to=None, number="1"):
    return SupplyContract(number=number, point=POINT, member="1", valid_from=valid_from, valid_to=valid_to, terms=terms)


def member(*contracts, imports, first=OCTOBER.first, last_exclusive=NOVEMBER, q1=None, q4=None):
    empty = np.zeros(HOURS.slots, dtype=np.int64)
    return MemberPoint(
        point=SimpleNamespace(code=POINT),
        membership=SimpleNamespace(),
        first=first,
        last_exclusive=last_exclusive,
        imports=imports,
        exports=None,
        reactive_q1=q1,
        reactive_q4=q4,
        taken=empty,
        given=empty,
        metered_in_wh=0,
        metered_out_wh=0,
        contracts=contracts,
    )


def priced(one, grid_wh):
    return price_point(book=BOOK, member=one, month=OCTOBER, hours=HOURS, grid_wh=np.asarray(grid_wh, dtype=np.int64))


def nets(found):
    return {(line.charge, line.zone): line.net_grosz for line in found.lines}


NOTHING = np.zeros(HOURS.slots, dtype=np.int64)
LEVEL = np.full(HOURS.slots, 40_000, dtype=np.int64)


def test_energy_of_the_community_and_the_pool_carries_no_charge_per_energy():
    """Everything the firm took came from the community: what stays is fixed, and judged on the meter."""
    found = nets(priced(member(contract(FIRM), imports=series([10_000])), NOTHING))
    assert {key: net for key, net in found.items() if net} == {
        ("network.fixed", ""): grosz("1490.40"),  # 24.84 x 60
        ("subscription", ""): grosz("10.00"),
        ("trade.fee", ""): grosz("25.00"),
    }


def test_a_household_keeps_the_flat_capacity_fee():
    found = nets(priced(member(contract(HOUSEHOLD), imports=series([100])), NOTHING))
    assert {key: net for key, net in found.items() if net} == {
        ("network.fixed", ""): 745,
        ("subscription", ""): 384,
        ("capacity.flat", "3"): 1718,
    }


def test_what_is_left_from_the_grid_carries_all_of_them():
    """40 kWh in each of the 745 hours of October from the grid, while the meter saw far more."""
    found = nets(priced(member(contract(FIRM), imports=series([14_000])), LEVEL))
    kwh = 745 * 40
    assert found["network.variable", "all"] == grosz(kwh * Fraction("0.1538"))
    assert found["energy", "all"] == grosz(kwh * Fraction("0.5250"))
    assert found["quality", ""] == grosz(kwh * Fraction("0.0332"))
    assert found["oze", ""] == grosz(kwh * Fraction("0.0073"))
    assert found["cogeneration", ""] == grosz(kwh * Fraction("0.0030"))
    # level power: K1; 22 working days, 15 hours
    assert found["capacity.volume", "K1"] == grosz(22 * 15 * 40 * Fraction("0.2194") * Fraction("0.17"))
    assert ("power.exceedance", "") not in found


def test_the_capacity_group_follows_the_energy_that_is_charged():
    """The community covers the nights: from the grid only in selected hours is K4, whatever the meter saw."""
    local = HOURS.view()
    selected = np.isin(local.hour, range(7, 22))
    found = nets(priced(member(contract(FIRM), imports=series([10_000])), np.where(selected, 40_000, 0)))
    assert found["capacity.volume", "K4"] == grosz(22 * 15 * 40 * Fraction("0.2194"))


@pytest.mark.parametrize("slot_s", [QUARTER_S, HOUR_S])
def test_excess_power_is_judged_on_the_meter_in_its_own_intervals(slot_s):
    """A quarter-hour meter shows the 64 kW of one quarter in every hour of twelve; an hourly one the mean."""
    imports = series([14_000, 16_000, 14_000, 14_000], slot_s=QUARTER_S)
    if slot_s == HOUR_S:
        imports = series([63_500], slot_s=HOUR_S)
    found = priced(member(contract(FIRM), imports=imports), NOTHING)
    surplus_kw = 4 if slot_s == QUARTER_S else Fraction("3.5")
    assert nets(found)["power.exceedance", ""] == grosz(10 * surplus_kw * Fraction("24.84"))
    assert found.findings == ()


def test_netted_energy_is_no_power_and_says_so():
    found = priced(member(contract(FIRM), imports=series([16_000], channel=IMPORT_NETTED)), NOTHING)
    assert ("power.exceedance", "") not in nets(found)
    (finding,) = found.findings
    assert (finding.code, finding.severity) == ("rating.not_assessed", Severity.WARNING)
    assert "power.exceedance" in finding.message


def test_two_contracts_in_a_month_share_its_ten_surpluses():
    """Power 60 kW until the 15th, 62 kW from the 16th; every hour has a quarter of 64 kW."""
    change = date(2026, 10, 16)
    raised = PointTerms(operator="enea", group="C21", contract_power_w=62_000, offer="sample")
    one = member(
        contract(FIRM, valid_to=change),
        contract(raised, valid_from=change, number="2"),
        imports=series([14_000, 16_000, 14_000, 14_000]),
    )
    lines = [line for line in priced(one, NOTHING).lines if line.charge == "power.exceedance"]
    assert [(line.quantity, line.net_grosz) for line in lines] == [(40_000, grosz("993.60"))]  # 10 x 4 kW x 24.84


def test_ten_surpluses_may_lie_in_both_contracts():
    """Three hours of 4 kW above the first contract, and 2 kW above the second in every hour: 3 x 4 + 7 x 2 kW."""
    change = date(2026, 10, 16)
    raised = PointTerms(operator="enea", group="C21", contract_power_w=62_000)
    imports = series([14_000])
    imports.wh[[0, 40, 400]] = 16_000
    imports.wh[imports.grid.day_offsets[15] :] = 16_000
    one = member(contract(FIRM, valid_to=change), contract(raised, valid_from=change, number="2"), imports=imports)
    lines = [line for line in priced(one, NOTHING).lines if line.charge == "power.exceedance"]
    assert [line.quantity for line in lines] == [12_000, 14_000]
    assert [line.net_grosz for line in lines] == [grosz("298.08"), grosz("347.76")]


def test_who_joins_in_the_month_pays_the_cooperative_from_that_day_on():
    """The contract ran before: its subscription of October was due with its first days, billed by the supplier."""
    joins = date(2026, 10, 11)
    found = priced(member(contract(HOUSEHOLD), imports=series([100]), first=joins), np.full(HOURS.slots, 1_000))
    hours = 21 * 24 + 1
    assert nets(found) == {
        ("energy", "all"): grosz(hours * Fraction("0.5030")),
        ("network.variable", "all"): grosz(hours * Fraction("0.2456")),
        ("network.fixed", ""): grosz(Fraction("7.45") * 21 / 31),
        ("quality", ""): grosz(hours * Fraction("0.0332")),
        ("oze", ""): grosz(hours * Fraction("0.0073")),
        ("cogeneration", ""): grosz(hours * Fraction("0.0030")),
        ("capacity.flat", "3"): grosz(Fraction("17.18") * 21 / 31),
    }
    (note,) = found.findings
    assert (note.code, note.severity) == ("rating.outside_membership", Severity.NOTE)
    assert note.message.startswith("1–10 października 2026")


def test_a_contract_that_begins_with_the_membership_pays_its_subscription_in_full():
    joins = date(2026, 10, 11)
    found = nets(priced(member(contract(HOUSEHOLD, valid_from=joins), imports=series([100]), first=joins), NOTHING))
    assert found["subscription", ""] == 384
    assert found["network.fixed", ""] == grosz(Fraction("7.45") * 21 / 31)


def test_who_leaves_in_the_month_has_paid_its_subscription():
    leaves = date(2026, 10, 16)
    found = priced(member(contract(HOUSEHOLD), imports=series([100]), last_exclusive=leaves), NOTHING)
    assert nets(found)["subscription", ""] == 384
    assert nets(found)["network.fixed", ""] == grosz(Fraction("7.45") * 15 / 31)
    assert [note.message[:21] for note in found.findings] == ["16–31 października 20"]


def test_reactive_energy_is_judged_on_the_meter_within_the_membership():
    terms = PointTerms(operator="enea", group="C21", contract_power_w=60_000, reactive_charged=True)
    joins = date(2026, 10, 11)
    one = member(
        contract(terms),
        imports=series([10_000]),
        q1=series([3_000], channel=REACTIVE_Q1),
        q4=series([50], channel=REACTIVE_Q4),
        first=joins,
    )
    lines = {line.charge: line for line in priced(one, NOTHING).lines}
    quarters = (21 * 24 + 1) * 4
    assert lines["reactive.inductive"].quantity == quarters * 10_000
    assert lines["reactive.inductive"].net_grosz == 0  # tg 0.3
    capacitive = lines["reactive.capacitive"]
    assert capacitive.quantity == quarters * 50
    assert capacitive.net_grosz == grosz(Fraction(quarters * 50, 1_000) * 3 * Fraction("0.53753"))


def test_a_quadrant_that_nobody_delivered_is_named_and_not_taken_for_zero():
    terms = PointTerms(operator="enea", group="C21", contract_power_w=60_000, reactive_charged=True)
    one = member(contract(terms), imports=series([10_000]), q1=series([3_000], channel=REACTIVE_Q1))
    (line,) = [line for line in priced(one, NOTHING).lines if line.charge.startswith("reactive")]
    assert line.charge == "reactive.inductive"
    assert "Energii biernej pojemnościowej licznik nie dostarczył: nie naliczono jej." in line.why
    one = member(contract(terms), imports=series([10_000]), q4=series([0], channel=REACTIVE_Q4))
    (line,) = [line for line in priced(one, NOTHING).lines if line.charge.startswith("reactive")]
    assert (line.charge, line.net_grosz) == ("reactive.capacitive", 0)
    assert "Energii biernej indukcyjnej licznik nie dostarczył: nie naliczono jej." in line.why
