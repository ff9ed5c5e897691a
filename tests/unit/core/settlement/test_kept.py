"""What was used stays: over months and corrections no Wh appears or is lost (B35)."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from ogniwo.core.balancing.model import SharingChoice, SharingMethod
from ogniwo.core.kernel.calendar import Month
from ogniwo.core.settlement.cooperative import settle_cooperative_month
from ogniwo.core.settlement.kept import Earlier, keep_parts, withheld_now

FIRST = Month(2026, 1)
DYNAMIC = SharingChoice(method=SharingMethod.DYNAMIC)
IDS = ("a", "b", "c")
BALANCE = st.lists(st.lists(st.integers(-2_000, 2_000), min_size=4, max_size=4), min_size=len(IDS), max_size=len(IDS))


def settle(balance, number, pool, *, used=None, carried=0):
    matrix = np.array(balance, dtype=np.int64)
    return settle_cooperative_month(
        month=FIRST.shifted(number),
        ids=IDS,
        taken=np.maximum(matrix, 0),
        given=np.maximum(-matrix, 0),
        pool=pool,
        sharing=DYNAMIC,
        earlier=Earlier(used_wh=used or {}, carried_wh=carried),
    )


def allocated(month):
    return dict(zip(IDS, (month.community_in + month.from_pool).sum(axis=1).tolist(), strict=True))


def taken(month):
    return dict(zip(IDS, month.taken.sum(axis=1).tolist(), strict=True))


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)), min_size=1, max_size=6))
def test_nobody_falls_below_what_he_used_and_only_the_lacking_is_advanced(pairs):
    ids = [str(index) for index in range(len(pairs))]
    usual, floors = zip(*pairs, strict=True)
    kept = keep_parts(ids=ids, usual=usual, floors=floors)
    assert all(part >= floor for part, floor in zip(kept.parts, floors, strict=True))
    assert sum(kept.parts) == sum(usual) + kept.advanced_wh
    assert kept.advanced_wh == max(0, sum(floors) - sum(usual))
    # only who is below what he used takes from others, and nobody is given more than usual or used
    assert all(part <= max(pair) for part, pair in zip(kept.parts, pairs, strict=True))
    if all(part >= floor for part, floor in pairs):
        assert kept.parts == usual


@given(st.integers(-90, 90), st.integers(0, 60), st.integers(0, 60))
def test_a_month_withholds_no_more_than_its_pool_and_gives_back_no_more_than_is_paid(carried, settled, more):
    withheld = withheld_now(carried_wh=carried, settled_wh=settled, taken_wh=settled + more)
    assert 0 <= settled - withheld <= settled + more
    assert abs(withheld) <= abs(carried)
    assert withheld * carried >= 0
    left = carried - withheld
    assert not left or settled - withheld in {0, settled + more}


@given(st.lists(st.tuples(BALANCE, st.none() | BALANCE), min_size=1, max_size=4), st.booleans())
@settings(max_examples=150, deadline=None)
def test_over_months_members_get_what_the_pool_gave_and_the_open_shortage(cases, late):
    """Each month is closed, used, and perhaps settled again: at once, or after all months (`late`)."""
    runs, again = [], []
    for number, (balance, corrected) in enumerate(cases):
        _close(runs, number, balance)
        if corrected is not None:
            again.append((number, corrected))
            if not late:
                _close_again(runs, *again.pop())
    for number, corrected in again:
        _close_again(runs, number, corrected)
    for month in runs:
        assert (month.taken == month.community_in + month.from_pool + month.grid).all()
        assert (month.grid >= 0).all()
    given_out = sum(int(month.from_pool.sum()) for month in runs)
    available = sum(month.settled_wh for month in runs)
    assert given_out == available + _open(runs)

    # months with much more than the shortage make all of it good, and then nothing is open
    number = len(runs)
    while _open(runs) and number < len(cases) + 12:
        _close(runs, number, [[4_000] * 4, [-9_000, 4_000, 4_000, 4_000], [-9_000, 4_000, 4_000, 4_000]])
        number += 1
    assert _open(runs) == 0
    assert sum(int(month.from_pool.sum()) for month in runs) == sum(month.settled_wh for month in runs)


def _open(runs):
    return sum(month.advanced_wh - month.withheld_wh for month in runs)


def _close(runs, number, balance):
    runs.append(settle(balance, number, runs[-1].pool if runs else (), carried=_open(runs)))


def _close_again(runs, number, corrected):
    """The month anew, and every later one after it, since each begins with the pool that the one before left."""
    for later in range(number, len(runs)):
        old = runs[later]
        balance = corrected if later == number else (old.taken - old.given).tolist()
        pool = runs[later - 1].pool if later else ()
        new = settle(balance, later, pool, used=allocated(old), carried=_open(runs[:later]))
        before, now, use = allocated(old), allocated(new), taken(new)
        assert all(now[one] >= min(before[one], use[one]) for one in IDS)
        runs[later] = new


def test_a_correction_that_leaves_less_in_numbers():
    """The producer c fed in 600 Wh less than billed: the pool holds 240 and not 600 Wh for a and b."""
    first = settle([[500, 0, 0, 0], [500, 0, 0, 0], [0, -1_000, 0, 0]], 0, ())
    assert allocated(first) == {"a": 300, "b": 300, "c": 0}
    corrected = [[500, 0, 0, 0], [500, 0, 0, 0], [0, -400, 0, 0]]
    anew = settle(corrected, 0, ())
    assert allocated(anew) == {"a": 120, "b": 120, "c": 0}
    kept = settle(corrected, 0, (), used=allocated(first))
    assert allocated(kept) == {"a": 300, "b": 300, "c": 0}
    assert (kept.settled_wh, kept.advanced_wh, kept.charged_wh) == (240, 360, 760)
    # next month 500 Wh go into the pool: 300 of them are there, all withheld; 60 stay open for the month after
    following = settle([[400, 0, 0, 0], [0, 0, 0, 0], [0, -500, 0, 0]], 1, kept.pool, carried=360)
    assert (following.settled_wh, following.withheld_wh) == (300, 300)
    assert allocated(following) == {"a": 0, "b": 0, "c": 0}
    last = settle([[400, 0, 0, 0], [0, 0, 0, 0], [0, -500, 0, 0]], 2, following.pool, carried=60)
    assert (last.withheld_wh, allocated(last)["a"]) == (60, 240)


def test_less_used_is_not_kept():
    """Whose own reading falls has used less: only that is his."""
    first = settle([[500, 0, 0, 0], [500, 0, 0, 0], [0, -1_000, 0, 0]], 0, ())
    kept = settle([[100, 0, 0, 0], [500, 0, 0, 0], [0, -1_000, 0, 0]], 0, (), used=allocated(first))
    assert allocated(kept) == {"a": 100, "b": 500, "c": 0}
    assert kept.advanced_wh == 0
