"""The worked checks of the references on sharing: allocation.md (table, Polish netting) and law.md 4.A, 4.B, 4.D."""

import numpy as np
import pytest

from ogniwo.core.balancing.keys import allocate
from ogniwo.core.balancing.model import SharingChoice, SharingMethod
from ogniwo.core.balancing.netting import cooperative_balance, net_hourly
from ogniwo.core.kernel.calendar import Month
from ogniwo.core.kernel.quantities import Rate, RateUnit
from ogniwo.core.settlement.cooperative import PoolLot, settle_cooperative_month
from ogniwo.core.settlement.corridor import gain_grosz, price_corridor

# Three consumers and two producers: G = 4 + 2 = 6 kWh, C = 5, 3, 1 kWh, keys .5, .3, .2.
IDS = ("c1", "c2", "c3", "p1", "p2")
NEED = np.array([[5_000], [3_000], [1_000], [0], [0]], dtype=np.int64)
OFFER = np.array([[0], [0], [0], [4_000], [2_000]], dtype=np.int64)
KEYS = (5, 3, 2, 0, 0)


def shared_wh(method, **rules):
    shared = allocate(method=method, need_wh=NEED, offer_wh=OFFER, ids=IDS, **rules)
    return shared.used[:3, 0].tolist(), shared.surplus[3:, 0].tolist()


@pytest.mark.parametrize(
    ("method", "rules", "expected", "surplus"),
    [
        (SharingMethod.STATIC, {"keys": KEYS}, [3_000, 1_800, 1_000], [133, 67]),
        (SharingMethod.DYNAMIC, {}, [3_333, 2_000, 667], [0, 0]),
        (SharingMethod.HYBRID, {"keys": KEYS}, [3_125, 1_875, 1_000], [0, 0]),
        (SharingMethod.EQUAL, {}, [2_500, 2_500, 1_000], [0, 0]),
        (SharingMethod.MERIT_ORDER, {"order": ("c3", "c2", "c1", "p1", "p2")}, [2_000, 3_000, 1_000], [0, 0]),
        (SharingMethod.DYNAMIC, {"participation_percent": (100, 50, 100, 100, 100)}, [4_000, 1_200, 800], [0, 0]),
    ],
    ids=["static", "dynamic", "hybrid", "equal", "merit-3-2-1", "dynamic-participation"],
)
def test_allocation_worked_check(method, rules, expected, surplus):
    assert shared_wh(method, **rules) == (expected, surplus)


def test_allocation_polish_netting_check():
    """Hour 1: +5, -8, +1; hour 2: +4, 0, +2. T = 6, F = 2, billed 6 - 0.6 x 2 = 4.8 kWh."""
    taken, given = net_hourly(
        np.array([[5_000, 4_000], [0, 0], [1_000, 2_000]], dtype=np.int64),
        np.array([[0, 0], [8_000, 0], [0, 0]], dtype=np.int64),
        1,
    )
    balance = cooperative_balance(taken, given)
    assert (int(balance.taken.sum()), int(balance.given.sum())) == (6_000, 2_000)
    month = settle_cooperative_month(
        month=Month(2026, 10),
        ids=("a", "b", "c"),
        taken=taken,
        given=given,
        pool=(),
        sharing=SharingChoice(method=SharingMethod.DYNAMIC),
    )
    assert month.charged_wh == 4_800
    assert (int(taken.sum()), int(given.sum())) == (12_000, 8_000)  # netting each member alone


def law_4_month(hours):
    balance = np.array(hours, dtype=np.int64).T
    return settle_cooperative_month(
        month=Month(2026, 10),
        ids=("A", "B", "C"),
        taken=np.maximum(balance, 0),
        given=np.maximum(-balance, 0),
        pool=(),
        sharing=SharingChoice(method=SharingMethod.DYNAMIC),
    )


def test_law_4_a_exchange_inside_the_hour_is_proportional():
    month = law_4_month([[-10_000_000, 6_000_000, 8_000_000]])
    assert (month.taken_wh, month.exchanged_wh) == (4_000_000, 10_000_000)
    assert month.community_in[:, 0].tolist() == [0, 4_285_714, 5_714_286]
    remaining = (month.taken - month.community_in)[:, 0].tolist()
    assert remaining == [0, 1_714_286, 2_285_714]


def test_law_4_b_two_hours_settle_and_carry():
    month = law_4_month([[-10_000, 6_000, 8_000], [-20_000, 5_000, 5_000]])
    assert (month.taken_wh, month.given_wh, month.credited_wh) == (4_000, 10_000, 6_000)
    assert (month.settled_wh, month.charged_wh, month.exchanged_wh) == (4_000, 0, 20_000)
    assert month.pool == (PoolLot(Month(2026, 10), 2_000),)
    assert month.grid.sum() == 0


def test_law_4_d_internal_price_in_the_middle_of_the_band():
    sale, purchase = Rate.parse("195.64", RateUnit.MWH), Rate.parse("265.72", RateUnit.MWH)
    corridor = price_corridor(purchase={"takers": purchase}, sale={"producers": sale})
    assert not corridor.is_empty
    price = corridor.middle
    assert price.text() == "230.68"
    assert corridor.admits(price)
    for price_text, admitted in (("195.64", False), ("195.65", True), ("265.71", True), ("265.72", False)):
        assert corridor.admits(Rate.parse(price_text, RateUnit.MWH)) is admitted
    rates = {"price": price, "fee": None, "purchase": purchase, "sale": sale}
    assert gain_grosz(used_wh=1_000_000, supplied_wh=0, **rates) == 3_504
    assert gain_grosz(used_wh=0, supplied_wh=1_000_000, **rates) == 3_504
    assert gain_grosz(used_wh=0, supplied_wh=20_000_000, **rates) == 461_360 - 391_280
    assert gain_grosz(used_wh=20_000_000, supplied_wh=0, **rates) == 531_440 - 461_360
