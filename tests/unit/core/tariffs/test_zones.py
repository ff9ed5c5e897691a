from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from ogniwo.core.kernel.calendar import HOUR_S, Clock, Month, grid_of_days, grid_of_month
from ogniwo.core.tariffs.dated import MissingRuleError
from ogniwo.core.tariffs.zones import OTHER, OUTSIDE, SELECTED, capacity_slots, zone_of_slots

SOME_DAY = date(2026, 1, 1)
WORKING_DAYS = {  # law.md 1.3, "Number of such days"
    2021: (19, 20, 23, 21, 20, 21, 22, 22, 22, 21, 20, 23),
    2022: (20, 20, 23, 20, 21, 21, 21, 22, 22, 21, 20, 21),
    2023: (21, 20, 23, 19, 21, 21, 21, 22, 21, 22, 21, 19),
    2024: (22, 21, 21, 21, 20, 20, 23, 21, 21, 23, 19, 20),
    2025: (21, 20, 21, 21, 21, 20, 23, 20, 22, 23, 19, 20),
    2026: (20, 20, 22, 21, 20, 21, 23, 21, 22, 22, 20, 21),
}


def names(book, group, grid, clock=Clock.LOCAL):
    zone_clock = book.clock(operator="enea", group=group, variant="", day=SOME_DAY)
    return [zone_clock.zones[number] for number in zone_of_slots(zone_clock, grid, clock)]


def hours_of(book, group, day, zone):
    """The local hours of a day in a zone, by the hour grid."""
    found = names(book, group, grid_of_days(day, day + timedelta(days=1), slot_s=HOUR_S))
    return [hour for hour, name in enumerate(found) if name == zone]


def span(*ranges):
    return [hour for first, last in ranges for hour in range(first, last)]


MONDAY, SATURDAY, HOLIDAY = date(2026, 3, 2), date(2026, 3, 7), date(2026, 6, 4)


@pytest.mark.parametrize(
    ("group", "day", "zone", "expected"),
    [
        ("B23", MONDAY, "morning_peak", span((7, 13))),
        ("B23", MONDAY, "afternoon_peak", span((16, 21))),
        ("B23", date(2026, 4, 1), "afternoon_peak", span((19, 22))),
        ("B23", SATURDAY, "other", span((0, 24))),
        ("B23", HOLIDAY, "other", span((0, 24))),
        ("B12", MONDAY, "day", span((7, 22))),
        ("B22", MONDAY, "peak", span((8, 11), (18, 21))),
        ("C22a", date(2026, 1, 4), "peak", span((8, 11), (16, 21))),
        ("C22a", date(2026, 9, 5), "peak", span((8, 11), (19, 21))),
        ("C22a", date(2026, 8, 5), "peak", span((8, 11), (20, 21))),
        ("C22b", SATURDAY, "day", span((6, 21))),
        ("G12w", MONDAY, "peak", span((6, 21))),
        ("G12w", SATURDAY, "peak", []),
        ("C22w", HOLIDAY, "peak", []),
        ("C12a", date(2026, 9, 30), "peak", span((8, 11), (20, 21))),
        ("C12a", date(2026, 10, 1), "peak", span((8, 11), (17, 21))),
        ("G12", MONDAY, "day", span((6, 13), (15, 22))),
        ("G12as", MONDAY, "night", span((0, 6), (22, 24))),
        ("C22sezON", date(2026, 2, 28), "recommended", span((0, 6), (22, 24))),
        ("C22sezON", date(2026, 3, 1), "recommended", span((9, 17))),
        ("G12sezON", date(2026, 12, 5), "recommended", span((0, 6), (11, 13), (22, 24))),
        ("G12sezON", date(2026, 5, 5), "recommended", span((4, 6), (9, 17))),
        ("G13active", date(2026, 1, 5), "limit", span((7, 10), (15, 20))),
        ("G13active", date(2026, 1, 5), "recommended", span((0, 6), (23, 24))),
        ("C23active", date(2026, 7, 4), "recommended", span((9, 17))),
        ("B23active", date(2026, 11, 3), "limit", span((7, 9), (14, 21))),
        ("C13active", date(2026, 10, 3), "limit", span((7, 9), (16, 23))),
    ],
)
def test_zone_hours_of_the_enea_tariff(book, group, day, zone, expected):
    assert hours_of(book, group, day, zone) == expected


@pytest.mark.parametrize("month", [Month(2026, 3), Month(2026, 10), Month(2026, 7)])
@pytest.mark.parametrize("clock", [Clock.LOCAL, Clock.CET_FIXED])
def test_zones_agree_with_a_walk_over_instants_also_where_clocks_change(book, month, clock):
    grid = grid_of_month(month)
    found = names(book, "G12", grid, clock)
    zone = ZoneInfo("Europe/Warsaw")
    for slot, name in enumerate(found):
        instant = datetime.fromtimestamp(int(grid.start_epoch_s[slot]), tz=UTC)
        hour = (instant + timedelta(hours=1)).hour if clock is Clock.CET_FIXED else instant.astimezone(zone).hour
        assert name == ("day" if 6 <= hour < 13 or 15 <= hour < 22 else "night")


def test_a_meter_fixed_to_winter_time_starts_the_summer_day_zone_an_hour_later_by_local_time(book):
    day = date(2026, 7, 1)
    grid = grid_of_days(day, day + timedelta(days=1), slot_s=HOUR_S)
    assert names(book, "G12", grid)[6] == "day"
    assert names(book, "G12", grid, Clock.CET_FIXED)[6:8] == ["night", "day"]


def test_quarter_hours_have_the_zone_of_their_hour(book):
    day, zone_clock = MONDAY, book.clock(operator="enea", group="G12w", variant="", day=SOME_DAY)
    hours = zone_of_slots(zone_clock, grid_of_days(day, day + timedelta(days=5), slot_s=HOUR_S), Clock.LOCAL)
    quarters = zone_of_slots(zone_clock, grid_of_days(day, day + timedelta(days=5)), Clock.LOCAL)
    assert np.array_equal(np.repeat(hours, 4), quarters)
    assert quarters.dtype == np.int8
    assert not quarters.flags.writeable


@pytest.mark.parametrize("year", WORKING_DAYS)
def test_selected_hours_per_month_are_fifteen_on_each_working_day(book, year):
    for month, days in enumerate(WORKING_DAYS[year], 1):
        kinds = capacity_slots(book.capacity, grid_of_month(Month(year, month), slot_s=HOUR_S))
        assert np.count_nonzero(kinds == SELECTED) == 15 * days
        assert np.count_nonzero(kinds == OTHER) == 9 * days
        assert np.count_nonzero(kinds == OUTSIDE) == len(kinds) - 24 * days


def test_christmas_eve_is_a_working_day_until_2024_only(book):
    for year, kind in ((2024, SELECTED), (2025, OUTSIDE)):
        day = date(year, 12, 24)
        kinds = capacity_slots(book.capacity, grid_of_days(day, day + timedelta(days=1), slot_s=HOUR_S))
        assert kinds[12] == kind


def test_unknown_selected_hours_of_2027_refuse(book):
    with pytest.raises(MissingRuleError, match="selected hours of the capacity fee is known for 2027-01-04"):
        capacity_slots(book.capacity, grid_of_days(date(2027, 1, 4), date(2027, 1, 5)))
