"""The balance of an hour by point and the comparison of sharing keys: sums that agree, and nothing kept."""

from datetime import date

import pytest

from ogniwo.records.settlement.models import SettlementRun
from ogniwo.records.visibility import Subject
from ogniwo.services.access.roles import Role
from ogniwo.services.demo.sample import COMMUNITY_CODE, MONTH
from ogniwo.services.settlement.days import DayNotSettledError, day_allocation, hour_by_point
from ogniwo.services.workspace.queries import operator_subject, organisation

BASE = f"/o/{COMMUNITY_CODE}/balance"
DAY = date(2026, 10, 14)


def community():
    return organisation(code=COMMUNITY_CODE, subject=operator_subject())


def test_the_points_of_an_hour_sum_to_the_hour_of_the_day(shared):
    hours = day_allocation(community=community(), day=DAY, subject=operator_subject())
    found = hour_by_point(shared, community=community(), day=DAY, place=12, subject=operator_subject())
    assert found.start_epoch_s == hours[12].start_epoch_s
    names = ("taken_wh", "community_in_wh", "pool_wh", "grid_wh", "given_wh", "community_out_wh", "surplus_wh")
    for name in names:
        assert sum(getattr(one, name) for one in found.rows) == getattr(hours[12], name), name
    assert any(one.community_in_wh for one in found.rows)


def test_quarters_of_an_hour_are_those_that_it_was_netted_from(shared):
    found = hour_by_point(shared, community=community(), day=DAY, place=12, subject=operator_subject())
    whole = [one for one in found.rows if one.quarters_in_wh and None not in one.quarters_in_wh]
    assert whole
    for one in whole:
        given = sum(one.quarters_out_wh) if one.quarters_out_wh and None not in one.quarters_out_wh else 0
        if not one.quarters_out_wh or None not in one.quarters_out_wh:
            assert sum(one.quarters_in_wh) - given == one.taken_wh - one.given_wh
    hourly = [one for one in found.rows if one.quarters_in_wh == (None,) * 4]
    assert hourly, "a point that sends hours has no quarter-hours, and they are not made up"


def test_an_hour_that_the_day_does_not_have_is_not_found(shared, reader_of):
    autumn = date(2026, 10, 25)
    assert hour_by_point(shared, community=community(), day=autumn, place=24, subject=operator_subject()).hours == 25
    with pytest.raises(DayNotSettledError):
        hour_by_point(shared, community=community(), day=DAY, place=24, subject=operator_subject())
    browser = reader_of(Role.AUDITOR)
    assert browser.get(f"{BASE}/2026-10-14/24/").status_code == 404
    assert browser.get(f"{BASE}/2026-11-14/1/").status_code == 404
    page = browser.get(f"{BASE}/2026-10-14/12/").content.decode()
    assert "Balance of the hour: <time>2026-10-14</time> 12:00" in page
    nothing = hour_by_point(shared, community=community(), day=DAY, place=0, subject=Subject("/platforma/inna/"))
    assert nothing.rows == ()


def test_another_key_is_tried_and_nothing_is_kept(shared, reader_of):
    runs = SettlementRun.objects.count()
    browser = reader_of(Role.AUDITOR)
    page = browser.get(f"{BASE}/compare/?month={MONTH}&method=equal").content.decode()
    assert "equal parts" in page
    assert "in force" in page
    assert "Gain, zł" not in page
    priced = browser.get(f"{BASE}/compare/?month={MONTH}&method=equal&sale=300,50").content.decode()
    assert "Gain, zł" in priced
    assert "cannot be compared" in browser.get(f"{BASE}/compare/?month={MONTH}&sale=3x").content.decode()
    assert "cannot be compared" in browser.get(f"{BASE}/compare/?month=2026-12").content.decode()
    assert SettlementRun.objects.count() == runs
