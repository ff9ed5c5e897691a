"""Episodes against a loop that walks slot by slot, and what missing values do and do not do."""

import itertools
from datetime import date
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ogniwo.core.kernel.calendar import HOUR_S, QUARTER_S, Month, grid_of_days, grid_of_month
from ogniwo.core.kernel.quality import Quality
from ogniwo.core.metering.model import IMPORT, IntervalSeries
from ogniwo.core.metering.watching import (
    FINE,
    MET,
    UNKNOWN,
    Judged,
    Step,
    any_met,
    episodes,
    judge_energy,
    judge_missing,
    judge_power,
    missing_by_day,
    silence,
)


def series_of(values, grid):
    """Wh per slot, None where there is none."""
    return IntervalSeries(
        point="P",
        channel=IMPORT,
        grid=grid,
        wh=np.array([value or 0 for value in values], dtype=np.int32),
        quality=np.array([Quality.MISSING if value is None else Quality.MEASURED for value in values], dtype=np.uint8),
    )


def walked(stretches, *, lowest=False, done=()):
    """The episodes of (start, end, value, limit, state), by walking over them with three variables."""
    found, open_one, between = [], None, 0
    for start, end, value, limit, state in stretches:
        if any(first <= start < last for first, last in done):
            state = FINE  # noqa: PLW2901 -- as the rule says it
        if state == UNKNOWN:
            between += 1
        elif state == FINE:
            open_one = None
        else:
            beyond = limit - value if lowest else value - limit
            if open_one is None:
                open_one = SimpleNamespace(start=start, met=0, unknown=0, worst=None)
                found.append(open_one)
            else:
                open_one.unknown += between
            open_one.end, open_one.met = end, open_one.met + 1
            if open_one.worst is None or beyond > open_one.worst[0]:
                open_one.worst = (beyond, value, start, limit)
        if state != UNKNOWN:
            between = 0
    return [(one.start, one.end, *one.worst[1:], one.met, one.unknown, one is open_one) for one in found]


def told(found):
    return [
        (one.start_epoch_s, one.end_epoch_s, one.worst, one.worst_epoch_s, one.limit, one.met, one.unknown, one.open)
        for one in found
    ]


STATES = st.sampled_from((UNKNOWN, FINE, MET))


@settings(max_examples=400, deadline=None)
@given(
    rows=st.lists(st.tuples(STATES, st.integers(-50, 50), st.integers(-5, 5)), max_size=60),
    cuts=st.sets(st.integers(0, 60), max_size=4),
    lowest=st.booleans(),
    done=st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), max_size=3),
)
def test_episodes_are_those_of_a_walk(rows, cuts, lowest, done):
    stretches = [(n * 10, n * 10 + 10, value, limit, state) for n, (state, value, limit) in enumerate(rows)]
    bounds = [0, *sorted(cut for cut in cuts if cut < len(rows)), len(rows)]
    parts = []
    for first, last in itertools.pairwise(bounds):
        columns = list(zip(*stretches[first:last], strict=True)) or [[]] * 5
        names = ("start", "end", "value", "limit", "state")
        kinds = (np.int64, np.int64, np.int64, np.int64, np.int8)
        parts.append(Judged(**{n: np.array(c, dtype=k) for n, c, k in zip(names, columns, kinds, strict=True)}))
    over = [(first * 10, last * 10) for first, last in done]
    found = episodes(parts, lowest=lowest, done=over)
    assert told(found) == walked(stretches, lowest=lowest, done=over)
    assert all(one.end_epoch_s <= other.start_epoch_s for one, other in itertools.pairwise(found))
    assert all(not one.open for one in found[:-1])
    for one in found:
        assert any_met(parts, one.start_epoch_s, one.end_epoch_s)


CHANGES = (date(2026, 3, 28), date(2026, 10, 24), date(2026, 6, 1))
"""Three days each: over the change of spring, of autumn, over none."""


@settings(max_examples=60, deadline=None)
@given(
    data=st.data(),
    first=st.sampled_from(CHANGES),
    slot_s=st.sampled_from((QUARTER_S, HOUR_S)),
    step=st.sampled_from(Step),
)
def test_energy_of_stretches_is_that_of_sums_by_hand(data, first, slot_s, step):
    grid = grid_of_days(first, date.fromordinal(first.toordinal() + 3), slot_s=slot_s)
    value = st.one_of(st.none(), st.integers(0, 40))
    few = data.draw(st.lists(value, min_size=12, max_size=12))
    values = [few[place % 12] if place % 7 else 20 for place in range(grid.slots)]
    limit, above = data.draw(st.integers(0, 2_000)), data.draw(st.booleans())
    judged = judge_energy(series_of(values, grid), step=step, limit_wh=limit, above=above)
    view, groups = grid.view(), {}
    for place, start in enumerate(grid.start_epoch_s.tolist()):
        key = {Step.SLOT: start, Step.HOUR: start // HOUR_S, Step.DAY: int(view.day[place])}[step]
        groups.setdefault(key, []).append((start, values[place]))
    assert len(groups) == len(judged.start)
    for place, group in enumerate(groups.values()):
        said = [one for _, one in group]
        assert (judged.start[place], judged.end[place]) == (group[0][0], group[-1][0] + slot_s)
        if None in said:
            assert judged.state[place] == UNKNOWN, "a stretch that lacks a slot says nothing, however much the rest is"
        else:
            assert judged.value[place] == sum(said)
            assert (judged.state[place] == MET) == (sum(said) > limit if above else sum(said) < limit)


def test_missing_values_neither_raise_nor_end():
    grid = grid_of_days(date(2026, 6, 1), date(2026, 6, 2), slot_s=HOUR_S)
    values = [None, 5, 20, None, None, 30, None, 5, 20, None, *[None] * 14]
    part = judge_energy(series_of(values, grid), step=Step.SLOT, limit_wh=10, above=True)
    first, second = episodes([part])
    begin = int(grid.start_epoch_s[0])
    assert (first.start_epoch_s - begin, first.end_epoch_s - begin) == (2 * HOUR_S, 6 * HOUR_S)
    assert (first.worst, first.met, first.unknown, first.open) == (30, 2, 2, False)
    assert (second.start_epoch_s - begin, second.open) == (8 * HOUR_S, True), "what is missing after it ends nothing"
    below = judge_energy(series_of([None] * 24, grid), step=Step.DAY, limit_wh=10, above=False)
    assert not episodes([below], lowest=True), "nothing there is not little"


def test_power_is_exact_and_has_the_limit_of_its_day():
    grid = grid_of_days(date(2026, 6, 1), date(2026, 6, 3), slot_s=QUARTER_S)
    values = [1_000] * grid.slots
    values[0], values[100] = 1_001, None
    judged = judge_power(series_of(values, grid), limits_w=(4_000, 3_999))
    assert judged.value[:2].tolist() == [4_004, 4_000]
    assert judged.state[:2].tolist() == [MET, FINE], "equal to the contract is within it"
    assert set(judged.state[96:].tolist()) == {MET, UNKNOWN}
    assert not (judge_power(series_of(values, grid), limits_w=(0, 0)).state != UNKNOWN).any(), "no contract power"
    with pytest.raises(ValueError, match="each day"):
        judge_power(series_of(values, grid), limits_w=(1,))


def test_missing_slots_are_counted_by_local_day():
    grid = grid_of_month(Month(2026, 10), slot_s=QUARTER_S)
    values = [None] * 5 + [1] * (grid.slots - 5)
    counted = missing_by_day(series_of(values, grid))
    assert counted.tolist() == [5, *[0] * 30]
    (one,) = episodes([judge_missing(grid, counted, most=4)])
    assert (one.worst, one.limit, one.open) == (5, 4, False)
    assert not episodes([judge_missing(grid, counted, most=5)])
    whole = judge_missing(grid, np.diff(grid.day_offsets).astype(np.int64), most=99)
    assert [one.worst for one in episodes([whole])] == [100], "the day of 25 hours has 100 slots"


def test_what_may_not_be_judged_is_left_out():
    grid = grid_of_days(date(2026, 6, 1), date(2026, 6, 3), slot_s=HOUR_S)
    begin = int(grid.start_epoch_s[0])
    judged = judge_energy(series_of([20] * 48, grid), step=Step.HOUR, limit_wh=10, above=True)
    (one,) = episodes([judged.between(begin + 100, begin + 5 * HOUR_S + 100)])
    assert (one.start_epoch_s - begin, one.end_epoch_s - begin) == (HOUR_S, 5 * HOUR_S)


@given(
    newest=st.integers(0, 10**6),
    patience=st.integers(1, 10**5),
    now=st.integers(0, 2 * 10**6),
    floor=st.integers(0, 10**6),
)
def test_silence_begins_when_the_patience_ends(newest, patience, now, floor):
    found = silence(newest_epoch_s=newest, patience_s=patience, now_epoch_s=now, not_before_epoch_s=floor)
    assert (found is None) == (now <= newest + patience)
    if found is not None:
        assert found.start_epoch_s <= found.end_epoch_s == now
        assert found.start_epoch_s >= min(newest + patience, now)
        assert found.start_epoch_s >= min(floor, now), "two silences do not overlap"
        assert found.worst == (now - newest) // HOUR_S
