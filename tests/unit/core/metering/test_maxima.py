"""The ten largest hourly powers."""

from datetime import date

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ogniwo.core.kernel.calendar import grid_of_days
from ogniwo.core.kernel.quality import Quality
from ogniwo.core.metering.maxima import power_maxima
from ogniwo.core.metering.model import IntervalSeries

DAY = grid_of_days(date(2026, 10, 25), date(2026, 10, 26))


def series_of(wh, missing=()):
    quality = np.full(DAY.slots, Quality.MEASURED, dtype=np.uint8)
    values = np.array(wh, dtype=np.int32)
    for slot in missing:
        quality[slot], values[slot] = Quality.MISSING, 0
    return IntervalSeries(point="P", channel="1.29.0", grid=DAY, wh=values, quality=quality)


def test_ties_go_to_the_earlier_hour_and_times_end_the_hour():
    result = power_maxima(series_of([25] * 100))
    start = int(DAY.start_epoch_s[0])
    assert [maximum.power_w for maximum in result.hourly] == [100] * 10
    assert [maximum.epoch_s for maximum in result.hourly] == [start + hour * 3_600 for hour in range(1, 11)]
    assert [maximum.rank for maximum in result.hourly] == list(range(1, 11))
    assert {maximum.month for maximum in result.hourly} == {"2026-10"}
    assert (result.slot_power_w, result.slot_end_epoch_s) == (100, start + 900)


def test_hours_with_a_missing_slot_do_not_take_part():
    result = power_maxima(series_of([1_000, *[25] * 99], missing=[3]))
    assert result.incomplete_hours == 1
    assert result.hourly[0].power_w == 100
    assert result.slot_power_w == 4_000
    nothing = power_maxima(series_of([0] * 100, missing=range(100)))
    assert (nothing.hourly, nothing.slot_power_w, nothing.incomplete_hours) == ((), None, 25)


@given(st.lists(st.integers(0, 50), min_size=100, max_size=100))
def test_against_a_plain_sort(wh):
    hours = [sum(wh[first : first + 4]) for first in range(0, 100, 4)]
    expected = sorted(enumerate(hours), key=lambda entry: (-entry[1], entry[0]))[:10]
    start = int(DAY.start_epoch_s[0])
    result = power_maxima(series_of(wh))
    assert [(m.power_w, (m.epoch_s - start) // 3_600 - 1) for m in result.hourly] == [(p, h) for h, p in expected]
    assert result.slot_power_w == max(wh) * 4
