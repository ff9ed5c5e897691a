from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ogniwo.core.balancing.model import SharingChoice, SharingMethod
from ogniwo.core.kernel.calendar import Month
from ogniwo.core.kernel.quantities import Share
from ogniwo.core.settlement.cooperative import (
    PoolLot,
    PoolOutOfOrderError,
    PoolRules,
    PoolSpread,
    member_flows,
    settle_cooperative_month,
)

OCTOBER = Month(2026, 10)
DYNAMIC = SharingChoice(method=SharingMethod.DYNAMIC)


def settle(balance, *, pool=(), sharing=DYNAMIC, month=OCTOBER, **rules):
    """`balance`: one list for each member, positive Wh taken and negative fed in, by hour."""
    matrix = np.array(balance, dtype=np.int64)
    return settle_cooperative_month(
        month=month,
        ids=tuple(f"m{row}" for row in range(len(matrix))),
        taken=np.maximum(matrix, 0),
        given=np.maximum(-matrix, 0),
        pool=pool,
        sharing=sharing,
        rules=PoolRules(**rules),
    )


@st.composite
def months(draw):
    members, hours = draw(st.integers(1, 5)), draw(st.integers(1, 6))
    cell = st.integers(-3_000, 3_000)
    balance = draw(st.lists(st.lists(cell, min_size=hours, max_size=hours), min_size=members, max_size=members))
    method = draw(st.sampled_from(list(SharingMethod)))
    sharing = SharingChoice(
        method=method,
        keys=(*(draw(st.integers(0, 9)) for _ in range(members - 1)), 1),
        order=tuple(draw(st.permutations([f"m{row}" for row in range(members)]))),
    )
    ages = draw(st.lists(st.integers(1, 14), max_size=4, unique=True))
    pool = tuple(PoolLot(OCTOBER.shifted(-age), draw(st.integers(0, 4_000))) for age in ages)
    return {"balance": balance, "sharing": sharing, "pool": pool, "spread": draw(st.sampled_from(list(PoolSpread)))}


@given(case=months())
@settings(max_examples=150, deadline=None)
def test_every_wh_has_one_place(case):
    month = settle(**case)
    assert (month.taken == month.community_in + month.from_pool + month.grid).all()
    assert (month.given == month.community_out + month.surplus).all()
    for matrix in (month.community_in, month.community_out, month.from_pool, month.grid, month.surplus):
        assert (matrix >= 0).all()
    assert (month.community_in.sum(axis=0) == month.community_out.sum(axis=0)).all()
    assert month.community_in.sum() == month.exchanged_wh
    assert month.from_pool.sum() == month.settled_wh == sum(lot.wh for lot in month.drawn)
    assert month.grid.sum() == month.charged_wh == month.taken_wh - month.settled_wh
    assert month.surplus.sum() == month.given_wh


@given(case=months())
@settings(max_examples=150, deadline=None)
def test_the_pool_loses_nothing(case):
    month = settle(**case)
    before = sum(lot.wh for lot in case["pool"]) + month.credited_wh
    after = sum(lot.wh for lots in (month.drawn, month.expired, month.pool) for lot in lots)
    assert before == after
    assert list(month.pool) == sorted(month.pool)
    assert all(lot.wh > 0 for lot in month.pool)
    usable = month.credited_wh + sum(lot.wh for lot in case["pool"] if lot.month >= OCTOBER.shifted(-12))
    assert month.settled_wh == min(month.taken_wh, usable)


@given(case=months())
@settings(max_examples=80, deadline=None)
def test_members_part_of_the_pool_is_in_proportion_to_what_they_still_take(case):
    month = settle(**case)
    rest = (month.taken - month.community_in).sum(axis=1)
    for part, weight in zip(month.from_pool.sum(axis=1).tolist(), rest.tolist(), strict=True):
        exact = Fraction(month.settled_wh * weight, int(rest.sum())) if rest.sum() else 0
        assert abs(part - exact) < 1


def test_stored_energy_is_floored_to_whole_wh():
    month = settle([[-999]])
    assert month.credited_wh == 599
    assert settle([[-999]], wi=Share(7, 10)).credited_wh == 699
    assert settle([[-1]]).pool == ()


def test_oldest_energy_goes_first_and_this_months_last():
    pool = (PoolLot(Month(2026, 9), 300), PoolLot(Month(2026, 2), 200))
    month = settle([[-1_000, 600]], pool=pool)
    assert month.drawn == (PoolLot(Month(2026, 2), 200), PoolLot(Month(2026, 9), 300), PoolLot(OCTOBER, 100))
    assert month.pool == (PoolLot(OCTOBER, 500),)


def test_energy_serves_twelve_months_after_the_end_of_its_month_and_then_is_lost():
    lot = PoolLot(Month(2025, 10), 500)
    last = settle([[200]], pool=(lot,))
    assert last.settled_wh == 200
    assert last.expired == (PoolLot(Month(2025, 10), 300),)
    assert last.pool == ()
    late = settle([[200]], pool=(lot,), month=Month(2026, 11))
    assert late.settled_wh == 0
    assert late.expired == (lot,)
    shorter = settle([[200]], pool=(PoolLot(Month(2026, 8), 500),), pool_months=1)
    assert shorter.settled_wh == 0


def test_pool_of_this_month_or_later_is_refused():
    for month in (OCTOBER, Month(2026, 11)):
        with pytest.raises(PoolOutOfOrderError) as refusal:
            settle([[100]], pool=(PoolLot(month, 1),))
        assert refusal.value.code == "cooperative.pool_out_of_order"


def test_what_static_keys_leave_over_goes_by_need():
    """600 Wh by keys 1:1 is 300 each; b needs 100 and leaves 200 over, which a takes."""
    sharing = SharingChoice(method=SharingMethod.STATIC, keys=(1, 1, 0))
    month = settle([[700], [100], [-600]], sharing=sharing)
    assert month.community_in[:, 0].tolist() == [500, 100, 0]
    assert month.redistributed.tolist() == [200]
    assert month.grid[:, 0].tolist() == [200, 0, 0]


def test_spread_decides_which_hours_are_paid():
    pool = (PoolLot(Month(2026, 9), 300),)
    even = settle([[200, 0, 400]], pool=pool)
    early = settle([[200, 0, 400]], pool=pool, spread=PoolSpread.CHRONOLOGICAL)
    assert even.grid.tolist() == [[100, 0, 200]]
    assert early.grid.tolist() == [[0, 0, 300]]
    odd = settle([[1, 1, 1]], pool=(PoolLot(Month(2026, 9), 2),))
    assert odd.from_pool.tolist() == [[1, 1, 0]]


def test_member_flows_keep_metered_energy_before_netting():
    month = settle([[700, -100], [-600, 50]])
    first, second = member_flows(month, metered_in_wh=(800, 60), metered_out_wh=(200, 610))
    assert (first.taken_wh, first.given_wh, first.community_in_wh, first.community_out_wh) == (700, 100, 600, 50)
    assert (second.taken_wh, second.surplus_wh, first.surplus_wh) == (50, 0, 50)
    assert (first.pool_wh, first.grid_wh) == (30, 70)
    with pytest.raises(ValueError, match="difference"):
        member_flows(month, metered_in_wh=(800, 60), metered_out_wh=(200, 600))


def test_a_cooperative_without_members_settles_to_nothing():
    nothing = np.zeros((0, 3), dtype=np.int64)
    month = settle_cooperative_month(month=OCTOBER, ids=(), taken=nothing, given=nothing, pool=(), sharing=DYNAMIC)
    assert (month.settled_wh, month.charged_wh, month.pool) == (0, 0, ())
