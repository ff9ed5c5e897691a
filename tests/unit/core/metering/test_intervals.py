"""Aggregation with quality, and intervals out of registers."""

from datetime import date
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ogniwo.core.kernel.calendar import grid_of_days
from ogniwo.core.kernel.quality import Quality
from ogniwo.core.metering.intervals import (
    BucketSize,
    EnergyTooLargeError,
    aggregate,
    hourly_series,
    intervals_from_registers,
    to_wh32,
)

DAY = grid_of_days(date(2026, 9, 1), date(2026, 9, 2))


@pytest.mark.parametrize(
    ("first", "last", "slots"),
    [
        (date(2026, 3, 29), date(2026, 3, 30), 92),
        (date(2026, 9, 1), date(2026, 9, 2), 96),
        (date(2026, 10, 25), date(2026, 10, 26), 100),
    ],
)
def test_a_day_has_92_96_or_100_quarters_and_its_hours(make_series, first, last, slots):
    series = make_series(first, last, 7)
    hours = aggregate(series, size=BucketSize.HOUR)
    assert len(hours.wh) == slots // 4
    assert set(hours.wh.tolist()) == {28}
    assert aggregate(series, size=BucketSize.DAY).wh.tolist() == [7 * slots]
    assert hours.end_epoch_s[-1] == int(series.grid.start_epoch_s[-1]) + 900


def test_worst_quality_and_share_of_each_travel_along(make_series):
    series = make_series(date(2026, 9, 1), date(2026, 9, 3), 10, missing=[(5, 7)])
    series.quality[20] = Quality.SUBSTITUTED
    days = aggregate(series, size=BucketSize.DAY)
    assert days.wh.tolist() == [940, 960]
    assert days.worst.tolist() == [Quality.MISSING, Quality.MEASURED]
    assert days.slots[0].tolist() == [0, 93, 0, 0, 1, 0, 2]
    assert days.energy_wh[0].tolist() == [0, 930, 0, 0, 10, 0, 0]
    month = aggregate(series, size=BucketSize.MONTH)
    assert month.wh.tolist() == [1_900]
    hours = hourly_series(series)
    assert hours.missing.nonzero()[0].tolist() == [1]
    assert hours.wh[1] == 0
    assert hours.quality[5] == Quality.SUBSTITUTED
    assert hourly_series(hours) is hours


def test_energy_that_does_not_fit_is_refused_instead_of_wrapping():
    assert to_wh32(np.array([2**31 - 1, -(2**31)])).tolist() == [2**31 - 1, -(2**31)]
    with pytest.raises(EnergyTooLargeError):
        to_wh32(np.array([2**31]))


def test_a_register_that_goes_back_leaves_its_slot_missing():
    start = int(DAY.start_epoch_s[0])
    states = [(start, 5_000), (start + 900, 5_100), (start + 1_800, 40), (start + 2_700, 90), (start + 2_701, 91)]
    result = intervals_from_registers(states, point="P", channel="1.29.0", grid=DAY)
    assert result.series.wh[:4].tolist() == [100, 0, 50, 0]
    assert result.series.missing[:4].tolist() == [False, True, False, True]
    assert [finding.code for finding in result.findings] == ["V1.register_off_raster", "V15.manual"]
    assert sum(span.energy_wh for span in result.spans) == 150


@given(
    advances=st.lists(st.integers(0, 5_000), min_size=96, max_size=96),
    kept=st.sets(st.integers(0, 96), min_size=2),
    ratio=st.fractions(min_value=1, max_value=100, max_denominator=30),
)
def test_spans_add_up_to_the_register_difference_whatever_is_lost(advances, kept, ratio):
    start = int(DAY.start_epoch_s[0])
    states = np.concatenate(([0], np.cumsum(advances))).tolist()
    rows = [(start + slot * 900, states[slot]) for slot in sorted(kept)]
    result = intervals_from_registers(rows, point="P", channel="1.29.0", grid=DAY, multiplier=ratio)
    first, last = (Fraction(rows[index][1]) * ratio for index in (0, -1))
    total = sum(span.energy_wh for span in result.spans)
    assert abs(total - (last - first)) <= 1
    neighbours = sum(1 for slot in kept if slot + 1 in kept)
    assert int((~result.series.missing).sum()) == neighbours
    if ratio == 1:
        assert total == states[max(kept)] - states[min(kept)]
