"""V3 and V4."""

from datetime import date, timedelta

import numpy as np
import pytest

from ogniwo.core.kernel.quality import Quality
from ogniwo.core.metering.model import EXPORT
from ogniwo.core.metering.solar import Location, solar_elevation_degrees
from ogniwo.core.metering.validation.parameters import RuleParameters
from ogniwo.core.metering.validation.time_base import check_label_shape, check_repeated_hour, check_time_base

WARSAW = Location(latitude_e6=52_230_000, longitude_e6=21_010_000)
SPRING, AUTUMN = date(2026, 3, 29), date(2026, 10, 25)


def labels(day, *, without=(), twice=()):
    minutes = [minute for minute in range(0, 1_440, 15) if minute // 60 not in without]
    return [(day, minute) for minute in minutes + [minute for minute in minutes if minute // 60 in twice]]


def test_v4_right_days_pass():
    right = [*labels(SPRING, without=[2]), *labels(date(2026, 3, 30)), *labels(AUTUMN, twice=[2])]
    assert check_label_shape(right, point="P") == ()


def test_v4_the_skipped_hour_must_not_exist():
    (finding,) = check_label_shape(labels(SPRING), point="P", source="f.csv")
    assert finding.code == "V4.skipped_hour_present"
    assert dict(finding.facts)["labels"] == "02:00, 02:15, 02:30, 02:45"


@pytest.mark.parametrize("twice", [(), (2, 2)])
def test_v4_the_repeated_hour_must_exist_twice(twice):
    found = labels(AUTUMN) if not twice else [*labels(AUTUMN, twice=[2]), (AUTUMN, 120)]
    (finding,) = check_label_shape(found, point="P")
    assert finding.code == "V4.repeated_hour_count"
    assert dict(finding.facts)["found"] == ("1, 1, 1, 1" if not twice else "3")


def test_v4_a_day_without_the_hour_is_a_gap_and_not_a_shape():
    assert check_label_shape(labels(AUTUMN, without=[2]), point="P") == ()


def test_v4_hours_work_as_well():
    hours = [(SPRING, hour * 60) for hour in range(24)]
    (finding,) = check_label_shape(hours, point="P", slot_s=3_600)
    assert dict(finding.facts)["labels"] == "02:00"


@pytest.mark.parametrize(("first", "word"), [(8, "first"), (12, "second")])
def test_v4_on_the_grid_one_occurrence_is_gone(make_series, first, word):
    series = make_series(AUTUMN, AUTUMN + timedelta(days=1), missing=[(first, first + 4)])
    (finding,) = check_repeated_hour(series)
    assert finding.code == "V4.repeated_hour_missing"
    assert word in finding.message
    assert finding.start_epoch_s == int(series.grid.start_epoch_s[first])
    assert check_repeated_hour(make_series(AUTUMN, AUTUMN + timedelta(days=1))) == ()
    both = make_series(AUTUMN, AUTUMN + timedelta(days=1), missing=[(8, 16)])
    assert check_repeated_hour(both) == ()


def sun_series(make_series, *, shift_slots=0, from_day=0):
    series = make_series(date(2026, 6, 1), date(2026, 7, 1), 0, channel=EXPORT)
    height = solar_elevation_degrees(series.grid.start_epoch_s + 450, location=WARSAW)
    wh = np.maximum(height * 10, 0).astype(np.int32)
    series.wh[:] = np.concatenate((wh[: from_day * 96], np.roll(wh, shift_slots)[from_day * 96 :]))
    return series


def test_v3_a_right_clock_passes(make_series):
    assert check_time_base(sun_series(make_series), RuleParameters(), location=WARSAW) == ()
    assert check_time_base(sun_series(make_series, shift_slots=3), RuleParameters(), location=WARSAW) == ()


@pytest.mark.parametrize(("shift", "minutes"), [(8, 120), (-8, -120)])
def test_v3_finds_where_the_clock_slipped_by_two_hours(make_series, shift, minutes):
    series = sun_series(make_series, shift_slots=shift, from_day=12)
    (finding,) = check_time_base(series, RuleParameters(), location=WARSAW)
    assert finding.code == "V3.solar_noon"
    first_day = (finding.start_epoch_s - int(series.grid.start_epoch_s[0])) // 86_400
    assert 12 - 4 <= first_day <= 12, "more than half of a window must have slipped"
    assert finding.end_epoch_s == int(series.grid.start_epoch_s[-1]) + 900
    assert int(dict(finding.facts)["median_minutes"]) == pytest.approx(minutes, abs=3)


def test_v3_days_with_gaps_and_empty_series_are_not_judged(make_series):
    series = sun_series(make_series, shift_slots=8)
    series.quality[::96] = Quality.MISSING
    assert check_time_base(series, RuleParameters(), location=WARSAW) == ()
    nothing = make_series(date(2026, 6, 1), date(2026, 7, 1), 0, channel=EXPORT)
    assert check_time_base(nothing, RuleParameters(), location=WARSAW) == ()


def test_v3_dull_weeks_do_not_count(make_series):
    series = sun_series(make_series, shift_slots=8, from_day=20)
    series.wh[20 * 96 :] //= 10
    (finding,) = check_time_base(series, RuleParameters(v3_least_percent=1), location=WARSAW)
    assert finding.end_epoch_s == int(series.grid.start_epoch_s[-1]) + 900
    assert check_time_base(series, RuleParameters(), location=WARSAW) == ()
