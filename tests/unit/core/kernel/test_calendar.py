from datetime import UTC, date, datetime

import numpy as np
import pytest

from ogniwo.core.kernel.calendar import (
    Clock,
    Month,
    grid_of_days,
    grid_of_month,
    is_holiday,
    is_working_day,
    local_day,
    local_period,
)
from ogniwo.core.kernel.periods import Period, epoch_of, instant_of

WORKING_DAYS = {
    2021: (19, 20, 23, 21, 20, 21, 22, 22, 22, 21, 20, 23),
    2022: (20, 20, 23, 20, 21, 21, 21, 22, 22, 21, 20, 21),
    2023: (21, 20, 23, 19, 21, 21, 21, 22, 21, 22, 21, 19),
    2024: (22, 21, 21, 21, 20, 20, 23, 21, 21, 23, 19, 20),
    2025: (21, 20, 21, 21, 21, 20, 23, 20, 22, 23, 19, 20),
    2026: (20, 20, 22, 21, 20, 21, 23, 21, 22, 22, 20, 21),
    2027: (19, 20, 22, 22, 19, 22, 22, 22, 22, 21, 20, 22),
}


@pytest.mark.parametrize("year", WORKING_DAYS)
def test_law_1_3_working_days_per_month(year):
    counted = tuple(
        sum(is_working_day(day) for day in grid_of_month(Month(year, month)).days) for month in range(1, 13)
    )
    assert counted == WORKING_DAYS[year]


def test_christmas_eve_is_free_from_2025_on():
    assert not is_holiday(date(2024, 12, 24))
    assert is_holiday(date(2025, 12, 24))


@pytest.mark.parametrize(
    ("month", "slots", "hours"),
    [("2026-10", 2980, 745), ("2026-03", 2972, 743), ("2026-07", 2976, 744), ("2024-02", 2784, 696)],
)
def test_months_have_the_slots_that_the_clock_changes_leave(month, slots, hours):
    grid = grid_of_month(Month.parse(month))
    assert (grid.slots, grid.hours) == (slots, hours)
    assert grid.hourly().slots == hours
    assert np.all(np.diff(grid.start_epoch_s) == 900)


@pytest.mark.parametrize(("day", "quarters"), [((2026, 10, 25), 100), ((2026, 3, 29), 92), ((2026, 5, 5), 96)])
def test_days_have_92_96_or_100_quarters(day, quarters):
    first = date(*day)
    grid = grid_of_days(first, date.fromordinal(first.toordinal() + 1))
    assert grid.slots == quarters
    assert list(grid.day_offsets) == [0, quarters]


def test_the_repeated_hour_stands_twice_on_the_local_clock_and_once_in_winter_time():
    grid = grid_of_days(date(2026, 10, 25), date(2026, 10, 26), slot_s=3600)
    assert list(grid.view().hour[:5]) == [0, 1, 2, 2, 3]
    fixed = grid.view(Clock.CET_FIXED)
    assert list(fixed.hour[:5]) == [23, 0, 1, 2, 3]
    assert fixed.dates == (date(2026, 10, 24), date(2026, 10, 25))


def test_the_skipped_hour_is_absent():
    grid = grid_of_days(date(2026, 3, 29), date(2026, 3, 30), slot_s=3600)
    assert list(grid.view().hour[:4]) == [0, 1, 3, 4]


def test_a_slot_is_found_by_its_start_only():
    grid = grid_of_month(Month.parse("2026-10"))
    start = epoch_of(grid.period.start)
    assert grid.slot_of(start) == 0
    assert grid.slot_of(start + 900) == 1
    assert grid.slot_of(start + 60) is None
    assert grid.slot_of(start - 900) is None
    assert grid.slot_of(epoch_of(grid.period.end)) is None


def test_one_grid_object_per_month_however_it_is_asked_for():
    assert grid_of_days(date(2026, 10, 1), date(2026, 11, 1)) is grid_of_month(Month.parse("2026-10"))
    assert grid_of_days(date(2026, 10, 1), date(2026, 11, 1), slot_s=3600) is grid_of_month(Month(2026, 10)).hourly()


def test_months_shift_over_year_ends():
    assert Month(2026, 11).shifted(2) == Month(2027, 1)
    assert Month(2026, 1).shifted(-1) == Month(2025, 12)
    assert str(Month.parse("2026-1")) == "2026-01"
    with pytest.raises(ValueError, match="month"):
        Month.parse("2026-13")


def test_periods_are_half_open_and_utc():
    october = Month(2026, 10).period()
    assert october.start == datetime(2026, 9, 30, 22, tzinfo=UTC)
    assert october.end == datetime(2026, 10, 31, 23, tzinfo=UTC)
    assert october.start in october
    assert october.end not in october
    assert local_period(date(2026, 10, 31), date(2026, 11, 2)).intersection(october) == Period(
        datetime(2026, 10, 30, 23, tzinfo=UTC), october.end
    )
    assert october.intersection(Month(2026, 11).period()) is None
    assert october.seconds == 745 * 3600
    assert instant_of(epoch_of(october.start)) == october.start
    with pytest.raises(ValueError, match="empty or reversed"):
        Period(october.end, october.start)
    with pytest.raises(ValueError, match="aware UTC"):
        Period(datetime(2026, 1, 1), datetime(2026, 2, 1))  # noqa: DTZ001 -- the naive ones are the point


def test_the_local_day_of_an_instant():
    assert local_day(epoch_of(datetime(2026, 10, 31, 23, 30, tzinfo=UTC))) == date(2026, 11, 1)
