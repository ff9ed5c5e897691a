"""Estimation: the order of methods, exact sums, refusal instead of zero."""

from datetime import date, timedelta
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ogniwo.core.kernel.calendar import grid_of_days
from ogniwo.core.kernel.quality import Quality
from ogniwo.core.metering.estimation import (
    EstimationContext,
    EstimationParameters,
    Method,
    NoEstimateError,
    RegisterBelowMeasuredError,
    StandardProfile,
    fill_gaps,
    rescale_to_register,
)
from ogniwo.core.metering.intervals import RegisterSpan
from ogniwo.core.metering.like_days import DayType, day_type
from ogniwo.core.metering.model import IntervalSeries

FIRST, LAST = date(2026, 9, 1), date(2026, 10, 1)
GRID = grid_of_days(FIRST, LAST)
DAILY = np.tile(np.arange(96, dtype=np.int32) + 10, 30)
"""Every day alike: 10 Wh in the first quarter, one more in each that follows."""


def span(first, last, energy_wh):
    start = int(GRID.start_epoch_s[0])
    return RegisterSpan(start_epoch_s=start + first * 900, end_epoch_s=start + last * 900, energy_wh=energy_wh)


def methods(estimation):
    return [gap.method for gap in estimation.gaps]


def test_measured_slots_stay_and_substituted_ones_say_so(make_series):
    series = make_series(FIRST, LAST, DAILY, missing=[(100, 104)])
    result = fill_gaps(series, context=EstimationContext(), version="v2")
    substituted = result.series.quality == Quality.SUBSTITUTED
    assert substituted.nonzero()[0].tolist() == [100, 101, 102, 103]
    assert np.array_equal(result.series.wh[~substituted], series.wh[~substituted])
    assert (result.series.version, result.replaces_version) == ("v2", "v1")
    assert series.missing.sum() == 4, "the original is not edited"


def test_1_check_meter_comes_first(make_series):
    series = make_series(FIRST, LAST, DAILY, missing=[(100, 102)])
    check = make_series(FIRST, LAST, DAILY + 5, point="check", version="k7", missing=[(101, 102)])
    result = fill_gaps(series, context=EstimationContext(check_meter=check, spans=(span(96, 192, 10**6),)))
    assert methods(result) == [Method.CHECK_METER, Method.REGISTER]
    assert result.series.wh[100] == DAILY[100] + 5
    assert result.gaps[0].inputs == ("check 1.29.0 k7",)
    assert int(result.series.wh[96:192].sum()) == 10**6


def test_2_register_difference_takes_the_last_good_shape(make_series):
    series = make_series(FIRST, LAST, DAILY, missing=[(96 * 14, 96 * 15)])
    doubled = 2 * int(DAILY[:96].sum())
    result = fill_gaps(series, context=EstimationContext(spans=(span(96 * 14, 96 * 15, doubled),)))
    assert methods(result) == [Method.REGISTER]
    assert result.series.wh[96 * 14 : 96 * 15].tolist() == (2 * DAILY[:96]).tolist()
    assert result.gaps[0].total_wh == doubled
    assert "shape of 2026-09-14@v1" in result.gaps[0].inputs


def test_2_register_over_two_gaps_and_measured_slots_between(make_series):
    series = make_series(FIRST, LAST, 10, missing=[(1_000, 1_003), (1_010, 1_020)])
    result = fill_gaps(series, context=EstimationContext(spans=(span(990, 1_030, 1_001),)))
    assert methods(result) == [Method.REGISTER, Method.REGISTER]
    assert int(result.series.wh[990:1_030].sum()) == 1_001
    assert sum(gap.total_wh for gap in result.gaps) == 1_001 - 27 * 10


def test_2_a_register_below_the_measured_intervals_is_no_source(make_series):
    series = make_series(FIRST, LAST, 10, missing=[(1_000, 1_003)])
    result = fill_gaps(series, context=EstimationContext(spans=(span(990, 1_030, 300),)))
    assert methods(result) == [Method.LINEAR]


def test_3_straight_line_up_to_two_hours(make_series):
    series = make_series(FIRST, LAST, 10, missing=[(1_000, 1_003)])
    series.wh[999], series.wh[1_003] = 10, 21
    result = fill_gaps(series, context=EstimationContext())
    exact = [10 + Fraction(11 * step, 4) for step in (1, 2, 3)]
    assert result.series.wh[1_000:1_003].tolist() == [round(value + Fraction(1, 1_000)) for value in exact]
    nine_quarters = make_series(FIRST, LAST, DAILY, missing=[(2_000, 2_009)])
    assert methods(fill_gaps(nine_quarters, context=EstimationContext())) == [Method.LIKE_DAYS]


def test_3_no_straight_line_for_photovoltaics(make_series):
    series = make_series(FIRST, LAST, DAILY, missing=[(2_000, 2_002)])
    result = fill_gaps(series, context=EstimationContext(photovoltaic=True))
    assert methods(result) == [Method.LIKE_DAYS]
    assert result.series.wh[2_000:2_002].tolist() == DAILY[2_000:2_002].tolist()


def test_4_mean_of_like_days_of_three_weeks(make_series):
    day_of_slot = np.repeat(np.arange(30), 96)
    target = 21  # Tuesday 22 September
    gap = (target * 96, target * 96 + 96)
    series = make_series(FIRST, LAST, day_of_slot.astype(np.int32), missing=[gap])
    like = [day for day in range(target) if (FIRST + timedelta(days=day)).weekday() < 5]
    exact = Fraction(sum(like), len(like))
    result = fill_gaps(series, context=EstimationContext())
    assert methods(result) == [Method.LIKE_DAYS]
    assert set(result.series.wh[gap[0] : gap[1]].tolist()) == {int(exact + Fraction(1, 2))}
    assert len(result.gaps[0].inputs) == len(like) == 15


def test_4_saturdays_do_not_stand_in_for_working_days(make_series):
    series = make_series(FIRST, LAST, 100, missing=[(2 * 96, 3 * 96)])
    with pytest.raises(NoEstimateError, match="2026-09-02 22:00 to 2026-09-03 22:00 UTC"):
        fill_gaps(series, context=EstimationContext())
    two_are_enough = EstimationContext(parameters=EstimationParameters(like_days_least=2))
    assert methods(fill_gaps(series, context=two_are_enough)) == [Method.LIKE_DAYS]


def test_4_history_of_earlier_months_counts_and_estimates_in_it_do_not(make_series):
    series = make_series(FIRST, LAST, 100, missing=[(0, 96)])
    august = make_series(date(2026, 8, 1), FIRST, 40, version="aug")
    result = fill_gaps(series, context=EstimationContext(history=(august,)))
    assert set(result.series.wh[:96].tolist()) == {40}
    assert result.gaps[0].inputs[0] == "2026-08-11@aug"
    august.quality[:] = Quality.SUBSTITUTED
    with pytest.raises(NoEstimateError):
        fill_gaps(series, context=EstimationContext(history=(august,)))


def test_5_like_days_of_last_year(make_series):
    series = make_series(FIRST, LAST, 100, missing=[(0, 96)])
    last_year = make_series(date(2025, 8, 20), date(2025, 9, 20), 33, version="y")
    result = fill_gaps(series, context=EstimationContext(history=(last_year,)))
    assert methods(result) == [Method.LAST_YEAR]
    assert set(result.series.wh[:96].tolist()) == {33}
    assert "2025-09-02@y" in result.gaps[0].inputs


def test_6_standard_profile_is_scaled_and_sums_exactly(make_series):
    series = make_series(FIRST, LAST, 0, missing=[(0, GRID.slots)])
    weights = np.arange(GRID.slots, dtype=np.int64) % 7 + 1
    profile = StandardProfile(name="G11", weights=weights, whole=int(weights.sum()), total_wh=123_457)
    result = fill_gaps(series, context=EstimationContext(profile=profile))
    assert methods(result) == [Method.STANDARD_PROFILE]
    assert result.series.present_total_wh == 123_457
    exact = [Fraction(123_457 * weight, int(weights.sum())) for weight in weights.tolist()]
    assert all(abs(value - share) < 1 for value, share in zip(result.series.wh.tolist(), exact, strict=True))


def test_7_nothing_known_is_a_refusal_and_never_zero(make_series):
    series = make_series(FIRST, LAST, 0, missing=[(0, GRID.slots)])
    with pytest.raises(NoEstimateError) as refusal:
        fill_gaps(series, context=EstimationContext())
    assert refusal.value.code == "estimation.nothing_known"
    even = EstimationContext(spans=(span(0, GRID.slots, 1_000),), photovoltaic=True)
    with pytest.raises(NoEstimateError):
        fill_gaps(series, context=even)


def test_autumn_day_is_filled_with_its_repeated_hour(make_series):
    first, last = date(2026, 10, 1), date(2026, 11, 1)
    grid = grid_of_days(first, last)
    view = grid.view()
    by_minute = (view.hour.astype(np.int32) * 60 + view.minute).astype(np.int32)
    offset = int(grid.day_offsets[24])
    series = make_series(first, last, by_minute, missing=[(offset, offset + 100)])
    result = fill_gaps(series, context=EstimationContext())
    assert methods(result) == [Method.LIKE_DAYS]
    assert np.array_equal(result.series.wh, by_minute)


def test_day_types_follow_the_polish_calendar():
    assert day_type(date(2026, 11, 11)) is DayType.SUNDAY_OR_HOLIDAY
    assert day_type(date(2026, 8, 15)) is DayType.SUNDAY_OR_HOLIDAY, "a holiday on a Saturday"
    assert day_type(date(2026, 8, 22)) is DayType.SATURDAY
    assert day_type(date(2026, 8, 24)) is DayType.WORKING


def test_rescaling_makes_the_sum_the_register_difference(make_series):
    series = make_series(FIRST, LAST, 100)
    series.quality[10:13] = Quality.ESTIMATED_BY_OPERATOR
    series.wh[10:13] = (1, 1, 1)
    result = rescale_to_register(series, span=span(0, 20, 17 * 100 + 100), version="v2")
    assert result.series.wh[10:13].tolist() == [34, 33, 33]
    assert set(result.series.quality[10:13].tolist()) == {Quality.SUBSTITUTED}
    assert int(result.series.wh[:20].sum()) == 1_800
    assert [(gap.method, gap.total_wh) for gap in result.gaps] == [(Method.RESCALED, 100)]


def test_rescaling_refuses_contradictions(make_series):
    series = make_series(FIRST, LAST, 100, missing=[(50, 51)])
    series.quality[10:13] = Quality.SUBSTITUTED
    with pytest.raises(RegisterBelowMeasuredError):
        rescale_to_register(series, span=span(0, 20, 1_699))
    with pytest.raises(RegisterBelowMeasuredError):
        rescale_to_register(series, span=span(20, 30, 1_001))
    with pytest.raises(NoEstimateError):
        rescale_to_register(series, span=span(45, 55, 1_001))


def test_other_grids_are_a_mistake_of_the_caller(make_series):
    series = make_series(FIRST, LAST, missing=[(0, 1)])
    hourly = make_series(FIRST, LAST, slot_s=3_600)
    with pytest.raises(ValueError, match="check meter"):
        fill_gaps(series, context=EstimationContext(check_meter=hourly))
    profile = StandardProfile(name="x", weights=np.ones(5, dtype=np.int64), whole=5, total_wh=1)
    with pytest.raises(ValueError, match="weight for each slot"):
        fill_gaps(series, context=EstimationContext(profile=profile))


DAY = grid_of_days(FIRST, FIRST + timedelta(days=1))


def day_series(values, quality):
    return IntervalSeries(
        point="P",
        channel="1.29.0",
        grid=DAY,
        wh=np.where(quality == Quality.MISSING, 0, values).astype(np.int32),
        quality=quality.astype(np.uint8),
    )


@given(
    values=st.lists(st.integers(0, 9_999), min_size=96, max_size=96),
    missing=st.sets(st.integers(0, 95), min_size=1),
    extra=st.integers(0, 10**6),
)
def test_intervals_always_sum_to_the_register(values, missing, extra):
    quality = np.full(96, Quality.MEASURED)
    quality[sorted(missing)] = Quality.MISSING
    series = day_series(np.array(values), quality)
    counted = series.present_total_wh + extra
    filled = fill_gaps(series, context=EstimationContext(spans=(span(0, 96, counted),)))
    assert filled.series.complete
    assert filled.series.present_total_wh == counted
    assert sum(gap.total_wh for gap in filled.gaps) == extra
    again = rescale_to_register(filled.series, span=span(0, 96, counted + 7))
    assert again.series.present_total_wh == counted + 7
    kept = ~series.missing
    assert np.array_equal(again.series.wh[kept], series.wh[kept])
