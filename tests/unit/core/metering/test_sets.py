"""Computing sets and area balances."""

from datetime import date

import numpy as np
import pytest

from ogniwo.core.kernel.quality import Quality
from ogniwo.core.metering.intervals import EnergyTooLargeError
from ogniwo.core.metering.model import EXPORT, IMPORT
from ogniwo.core.metering.sets import (
    ComputingSet,
    CyclicSetError,
    DifferentGridsError,
    SetMember,
    UnknownMemberError,
    area_balance,
    evaluate_set,
    expand_set,
    members_of,
)

FIRST, LAST = date(2026, 9, 1), date(2026, 9, 2)


@pytest.fixture
def series(make_series):
    return {
        ("A", IMPORT): make_series(FIRST, LAST, 100, point="A", version="a1"),
        ("B", IMPORT): make_series(FIRST, LAST, 30, point="B", version="b1", missing=[(4, 6)]),
        ("C", EXPORT): make_series(FIRST, LAST, 7, point="C", channel=EXPORT, version="c1"),
    }


def sets_of(**members):
    return {name: ComputingSet(name=name, members=tuple(entries)) for name, entries in members.items()}


def test_signed_sum_over_a_hierarchy_with_missing_and_worst_quality(series):
    series["C", EXPORT].quality[9] = Quality.ESTIMATED_BY_OPERATOR
    sets = sets_of(
        use=members_of(["A", "B"], channel=IMPORT),
        net=[SetMember(sign=1, set_name="use"), SetMember(sign=-1, point="C", channel=EXPORT)],
    )
    result = evaluate_set("net", sets=sets, series=series, channel=IMPORT)
    assert result.point == "net"
    assert result.wh[0] == 100 + 30 - 7
    assert result.missing.nonzero()[0].tolist() == [4, 5]
    assert result.wh[4] == 0
    assert result.quality[9] == Quality.ESTIMATED_BY_OPERATOR
    assert result.version == "a1,b1,c1"
    assert result.present_total_wh == 94 * 123


def test_members_multiply_along_paths_and_cancel_but_stay_visible(series):
    sets = sets_of(
        one=members_of(["A"], channel=IMPORT),
        twice=[SetMember(sign=1, set_name="one"), SetMember(sign=1, set_name="one")],
        none=[SetMember(sign=1, point="B", channel=IMPORT), SetMember(sign=-1, point="B", channel=IMPORT)],
    )
    assert expand_set("twice", sets=sets) == {("A", IMPORT): 2}
    cancelled = evaluate_set("none", sets=sets, series=series, channel=IMPORT)
    assert cancelled.present_total_wh == 0
    assert cancelled.missing.sum() == 2


def test_a_set_inside_itself_is_refused_with_its_path(series):
    sets = sets_of(
        a=[SetMember(sign=1, set_name="b")],
        b=[SetMember(sign=1, point="A", channel=IMPORT), SetMember(sign=-1, set_name="a")],
    )
    with pytest.raises(CyclicSetError, match="a > b > a"):
        evaluate_set("a", sets=sets, series=series, channel=IMPORT)


def test_unknown_or_impossible_members_are_refused(series):
    for name, sets in (
        ("x", {}),
        ("a", sets_of(a=[SetMember(sign=1, set_name="b")])),
        ("a", sets_of(a=members_of(["Z"], channel=IMPORT))),
        ("a", sets_of(a=[])),
    ):
        with pytest.raises(UnknownMemberError):
            evaluate_set(name, sets=sets, series=series, channel=IMPORT)
    for arguments in ({"sign": 2, "set_name": "a"}, {"sign": 1}, {"sign": 1, "set_name": "a", "point": "A"}):
        with pytest.raises(UnknownMemberError):
            SetMember(**arguments)


def test_different_slots_and_overflow_are_refused(series, make_series):
    series["A", EXPORT] = make_series(FIRST, LAST, 1, slot_s=3_600)
    mixed = sets_of(a=[*members_of(["A"], channel=IMPORT), *members_of(["A"], channel=EXPORT)])
    with pytest.raises(DifferentGridsError):
        evaluate_set("a", sets=mixed, series=series, channel=IMPORT)
    series["A", IMPORT] = make_series(FIRST, LAST, 2**31 - 1)
    twice = sets_of(a=members_of(["A", "A"], channel=IMPORT))
    with pytest.raises(EnergyTooLargeError):
        evaluate_set("a", sets=twice, series=series, channel=IMPORT)


def test_area_balance_compares_where_both_sides_have_values(make_series):
    inflow = make_series(FIRST, LAST, 100, missing=[(0, 2)])
    outflow = make_series(FIRST, LAST, 97, missing=[(1, 3)])
    outflow.wh[50] = 60
    balance = area_balance(inflow=inflow, outflow=outflow)
    assert balance.missing_slots == 3
    assert (balance.inflow_wh, balance.outflow_wh, balance.difference_wh) == (9_300, 92 * 97 + 60, 92 * 3 + 40)
    assert balance.largest_slot_difference_wh == 40
    assert balance.largest_slot_epoch_s == int(np.asarray(inflow.grid.start_epoch_s)[50])
