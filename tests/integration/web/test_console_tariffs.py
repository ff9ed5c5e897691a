"""Tariffs on screen: the year grid says what the zone arrays say, and a test price is the price of the services."""

from datetime import date

import pytest

from ogniwo.core.kernel.calendar import HOUR_S, Month, grid_of_month, is_holiday
from ogniwo.core.tariffs.dated import MissingRuleError
from ogniwo.core.tariffs.zones import SELECTED, capacity_slots, zone_of_slots
from ogniwo.interfaces.web.year_grid import months_text, year_grid
from ogniwo.records.visibility import Subject
from ogniwo.services.access.roles import Role
from ogniwo.services.demo.sample import COMMUNITY_CODE, MONTH, POINTS
from ogniwo.services.metering.queries import PointNotFoundError
from ogniwo.services.settlement.queries import rate_book_of
from ogniwo.services.tariffs.browsing import group_view, groups_of, zone_year
from ogniwo.services.tariffs.queries import load_rate_book
from ogniwo.services.tariffs.trying import NotPriceableError, try_point
from ogniwo.services.workspace.queries import operator_subject

BASE = f"/o/{COMMUNITY_CODE}/tariffs"
BOOK = load_rate_book(with_samples=True)
CONSUMER = next(one for one in POINTS if one.role == "consumer")


@pytest.mark.parametrize("group", ["G12w", "B23", "C12b", "G12as", "B23active", "C21"])
def test_the_year_is_what_the_slots_say(group):
    year = zone_year(BOOK, operator="enea", group=group, year=2026)
    assert len(year.days) == len(year.hours) == 365
    assert year.unknown == ()
    for month in (1, 3, 6, 10, 12):
        grid = grid_of_month(Month(2026, month), slot_s=HOUR_S)
        clock = BOOK.clock(operator="enea", group=group, variant="", day=date(2026, month, 1))
        numbers = zone_of_slots(clock, grid) if clock else None
        fee = capacity_slots(BOOK.capacity, grid)
        for slot, hour in enumerate(grid.view().hour.tolist()):
            place = year.days.index(grid.days[int((grid.day_offsets <= slot).sum()) - 1])
            zone = clock.zones[numbers[slot]] if clock else "all"
            assert year.zones[year.hours[place][hour]] == zone
            assert (hour in year.selected[place]) == (fee[slot] == SELECTED)


def test_the_hour_that_spring_leaves_out_is_no_zone():
    year = zone_year(BOOK, operator="enea", group="G12w", year=2026)
    holes = [(day, hour) for day, row in zip(year.days, year.hours, strict=True) for hour in range(24) if row[hour] < 0]
    assert holes == [(date(2026, 3, 29), 2)]
    assert year.holidays == tuple(day for day in year.days if is_holiday(day))


def test_every_day_is_told_by_exactly_one_row_of_the_table():
    for group in groups_of(BOOK, "enea"):
        year = zone_year(BOOK, operator="enea", group=group, year=2026)
        for kind in ("working", "off"):
            months = [month for one in year.day_types if one.days == kind for month in one.months]
            assert months == list(range(1, 13)), group
        for day, row in zip(year.days, year.hours, strict=True):
            kind = "off" if day.weekday() > 4 or is_holiday(day) else "working"
            (told,) = [one for one in year.day_types if one.days == kind and day.month in one.months]
            assert -1 in row or told.hours == row, (group, day)


def test_the_picture_has_a_cell_for_every_hour():
    year = zone_year(BOOK, operator="enea", group="B23", year=2026)
    grid = year_grid(year)
    heights = sum(int(part.split("v")[1].split("h")[0]) for one in grid.zones for part in one.path.split("M")[1:])
    assert heights == (365 * 24 - 1) * 10
    assert [one.letter for one in grid.zones] == ["A", "B", "C"]
    assert len({(one.classes, one.hatch) for one in grid.zones}) == 3
    assert months_text((1, 2, 3, 12), dict(enumerate(" abcdefghijkl"))) == "a–c, l"


def test_what_is_not_known_is_said_and_not_drawn(reader_of):
    with pytest.raises(MissingRuleError):
        zone_year(BOOK, operator="enea", group="G12w", year=2031)
    with pytest.raises(MissingRuleError):
        group_view(BOOK, operator="enea", group="X99", day=date(2026, 1, 1))
    page = reader_of(Role.AUDITOR).get(f"{BASE}/?group=G12w&year=2031").content.decode()
    assert "not known" in page
    assert '<svg class="chart year"' not in page


def test_rates_show_value_validity_source_and_whether_they_are_in_force(reader_of):
    page = reader_of(Role.AUDITOR).get(f"{BASE}/?group=G12w&month=2026-10").content.decode()
    assert "Tariffs: G12w" in page
    row = page[page.index("enea/G12w/network.variable/peak") :].split("</tr>")[0]
    assert "0,2702 zł/kWh" in row
    assert "2026-12-31" in row
    assert "Taryfa ENEA Operator 2026" in row
    assert "in force" in row
    found = group_view(BOOK, operator="enea", group="G12w", day=date(2026, 1, 15))
    quality = [one for one in found.rates if one.row.key.startswith("statutory/oze")]
    assert sum(one.in_force for one in quality) == 1
    assert len(quality) > 1, "older versions are shown too"


def test_typed_numbers_give_the_price_of_the_command(reader_of):
    browser = reader_of(Role.CLERK)
    query = "typed=1&operator=enea&group=G12w&kwh_peak=120&kwh_offpeak=210,5&yearly=3100&phases=3ph&household=1"
    page = browser.get(f"{BASE}/try/?month=2026-02&{query}").content.decode()
    assert "120 kWh" in page
    assert "210,5 kWh" in page
    assert "Taryfa ENEA Operator 2026" in page
    bad = browser.get(f"{BASE}/try/?month=2026-02&typed=1&group=G12w&kwh_peak=12x").content.decode()
    assert "cannot be priced" in bad
    unknown = browser.get(f"{BASE}/try/?month=2031-02&typed=1&group=G12w&kwh_peak=1").content.decode()
    assert "tariff." in unknown


def test_a_registered_point_is_priced_on_its_contract(shared, reader_of, copy_of):
    book = rate_book_of(shared)
    (part,) = try_point(shared, book=book, code=CONSUMER.code, month=MONTH, subject=operator_subject())
    stored = shared.series.read(point=CONSUMER.code, channel="1.29.0", month=MONTH)
    assert sum(wh for _, wh in part.priced.rating.facts.zones) == stored.present_total_wh
    page = reader_of(Role.CLERK).get(f"{BASE}/try/?month=2026-10&point={CONSUMER.code}").content.decode()
    assert page.count("<details><summary>") == len(part.priced.rating.lines)
    with pytest.raises(PointNotFoundError):
        try_point(shared, book=book, code=CONSUMER.code, month=MONTH, subject=Subject("/platforma/inna/"))
    with pytest.raises(NotPriceableError, match="nothing is stored"):
        try_point(shared, book=book, code=CONSUMER.code, month=Month(2026, 11), subject=operator_subject())
    imported = copy_of("imported")
    gap = next(
        one for one in imported.series.completeness(month=MONTH) if one.present < one.slots and one.channel == "1.29.0"
    )
    with pytest.raises(NotPriceableError, match="a gap is no zero"):
        try_point(imported, book=book, code=gap.point, month=MONTH, subject=operator_subject())
