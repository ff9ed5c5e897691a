import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ogniwo.core.kernel.calendar import Month, grid_of_month
from ogniwo.core.kernel.quality import Quality
from ogniwo.core.metering.model import IMPORT, IntervalSeries
from ogniwo.series import overlay

GRID = grid_of_month(Month(2026, 10), slot_s=3600)
START = int(GRID.start_epoch_s[0])


def _base(values):
    """A series from {slot: (wh, quality)}."""
    wh, quality = np.zeros(GRID.slots, np.int32), np.full(GRID.slots, Quality.MISSING, np.uint8)
    for slot, (energy, state) in values.items():
        wh[slot], quality[slot] = energy, state
    return IntervalSeries(point="p", channel=IMPORT, grid=GRID, wh=wh, quality=quality)


def _lay(base, new):
    """Lay [(seconds since the month began, wh, quality)] over a base."""
    starts, wh, quality = zip(*new, strict=True) if new else ((), (), ())
    return overlay(
        base=base,
        grid=GRID,
        point="p",
        channel=IMPORT,
        start_epoch_s=np.array(starts, np.int64) + START,
        wh=np.array(wh, np.int32),
        quality=np.array(quality, np.uint8),
    )


def _codes(result):
    return {finding.code: int(dict(finding.facts)["count"]) for finding in result.findings}


def test_new_values_fill_gaps_and_replace_others():
    result = _lay(_base({0: (10, 1), 1: (20, 3), 2: (30, 1)}), [(3600, 25, 1), (0, 10, 1), (4 * 3600, 50, 3)])
    assert result.wh[:5].tolist() == [10, 25, 30, 0, 50]
    assert result.quality[:5].tolist() == [1, 1, 1, 6, 3]
    assert (result.added.tolist(), result.changed.tolist()) == ([4], [1, 4])
    assert (result.replaced.tolist(), result.replaced_wh.tolist()) == ([1], [20])
    (finding,) = result.findings
    assert (finding.code, finding.start_epoch_s, finding.end_epoch_s) == ("V2.replaced", START + 3600, START + 7200)
    assert (finding.point, finding.channel) == ("p", IMPORT)


def test_a_better_quality_of_the_same_value_is_a_change_but_no_conflict():
    result = _lay(_base({0: (10, 3)}), [(0, 10, 1)])
    assert (result.changed.tolist(), result.replaced.tolist(), result.findings) == ([0], [], ())


def test_missing_takes_nothing_away():
    result = _lay(_base({0: (10, 1)}), [(0, 0, Quality.MISSING), (3600, 0, Quality.MISSING)])
    assert (result.wh[0], result.quality[0], result.changed.tolist()) == (10, 1, [])


def test_contradictions_in_the_input_are_not_laid_and_repetitions_are():
    new = [(0, 1, 1), (3600, 5, 1), (0, 2, 1), (3600, 5, 1), (0, 1, 1), (7200, 8, 1), (7200, 8, 3)]
    result = _lay(_base({0: (10, 1)}), new)
    assert result.wh[:3].tolist() == [10, 5, 0]
    assert result.contradicted.tolist() == [0, 2]
    assert _codes(result) == {"V2.duplicate": 1, "V2.contradiction": 2}


def test_values_outside_the_month_or_off_the_raster_are_findings():
    result = _lay(None, [(-3600, 1, 1), (GRID.slots * 3600, 1, 1), (1800, 1, 1), (3600, 7, 1)])
    assert _codes(result) == {"series.outside_month": 2, "series.off_raster": 1}
    assert (result.added.tolist(), result.wh[1]) == ([1], 7)


def test_nothing_laid_over_nothing_is_a_month_of_missing_slots():
    result = _lay(None, [])
    assert (result.quality == Quality.MISSING).all()
    assert (len(result.changed), result.findings) == (0, ())


def test_another_grid_is_an_error():
    base = IntervalSeries(
        point="p",
        channel=IMPORT,
        grid=(quarters := grid_of_month(Month(2026, 10))),
        wh=np.zeros(quarters.slots, np.int32),
        quality=np.full(quarters.slots, 6, np.uint8),
    )
    with pytest.raises(ValueError, match="grid"):
        _lay(base, [])


entries = st.tuples(
    st.integers(-1, 8), st.sampled_from([0, 0, 0, 900]), st.integers(-3, 3), st.sampled_from([1, 1, 3, 6])
)


@given(
    base=st.none() | st.dictionaries(st.integers(0, 7), st.tuples(st.integers(-3, 3), st.sampled_from([1, 3]))),
    new=st.lists(entries, max_size=25),
)
@settings(max_examples=150, deadline=None)
def test_any_overlay_is_what_a_dictionary_of_slots_gives(base, new):
    result = _lay(
        None if base is None else _base(base), [(3600 * slot + rest, wh, state) for slot, rest, wh, state in new]
    )
    said: dict[int, set[tuple[int, int]]] = {}
    for slot, rest, wh, state in new:
        if slot >= 0 and rest == 0 and state != Quality.MISSING:
            said.setdefault(slot, set()).add((wh, state))
    before = base or {}
    after = {**before, **{slot: next(iter(values)) for slot, values in said.items() if len(values) == 1}}
    assert np.array_equal(result.wh, _base(after).wh)
    assert np.array_equal(result.quality, _base(after).quality)
    assert result.contradicted.tolist() == sorted(slot for slot, values in said.items() if len(values) > 1)
    assert result.added.tolist() == sorted(set(after) - set(before))
    assert result.changed.tolist() == sorted(slot for slot in after if after[slot] != before.get(slot))
    assert result.replaced.tolist() == sorted(slot for slot in before if after[slot][0] != before[slot][0])
    assert result.replaced_wh.tolist() == [before[slot][0] for slot in result.replaced.tolist()]
