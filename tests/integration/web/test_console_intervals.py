"""The interval explorer and the balance show the numbers that are stored, on screen and in files alike."""

import csv
import io
import re
from datetime import date

import pytest
from python_calamine import CalamineWorkbook

from ogniwo.formats.sheets.writer import csv_bytes, guarded, xlsx_bytes
from ogniwo.records.visibility import Subject
from ogniwo.services.access.roles import Role
from ogniwo.services.demo.sample import COMMUNITY_CODE, MONTH, POINTS
from ogniwo.services.metering.explorer import (
    DAY_S,
    MONTH_S,
    Explored,
    RangeTooLongError,
    TooManySeriesError,
    explore,
    explored_csv,
)
from ogniwo.services.settlement.days import day_allocation
from ogniwo.services.settlement.queries import hourly_flows
from ogniwo.services.workspace.queries import operator_subject, organisation

BASE = f"/o/{COMMUNITY_CODE}"
PROSUMER = next(one for one in POINTS if one.role == "prosumer")


def asked(shared, *, first=MONTH.first, last=date(2026, 10, 31), step_s=3600, **more):
    chosen = {"points": [PROSUMER.code], "kinds": ["taken", "given"], "subject": operator_subject()}
    return explore(shared, first=first, last=last, step_s=step_s, **(chosen | more)).at(step_s)


def test_steps_of_every_length_hold_the_same_energy(shared):
    stored = {
        channel: shared.series.read(point=PROSUMER.code, channel=channel, month=MONTH).present_total_wh
        for channel in ("1.29.0", "2.29.0")
    }
    for step in (900, 3600, DAY_S):
        found = asked(shared, step_s=step)
        assert [one.total_wh for one in found.series] == list(stored.values())
    assert len(asked(shared, step_s=DAY_S).starts) == 31
    assert len(asked(shared, step_s=3600).starts) == 745


def test_the_day_of_25_hours_tells_the_two_hours_apart(shared):
    found = asked(shared, first=date(2026, 10, 25), last=date(2026, 10, 25), step_s=DAY_S)
    labels = found.labels()
    assert len(labels) == 25
    assert len(set(labels)) == 25
    assert labels[2:4] == ("2026-10-25 02:00 +02", "2026-10-25 02:00 +01")


def test_after_netting_is_what_the_settlement_stored(shared):
    found = asked(shared, kinds=["netted_taken", "community_in", "surplus"], step_s=3600)
    community = organisation(code=COMMUNITY_CODE, subject=operator_subject())
    flows = hourly_flows(community=community, month=MONTH, subject=operator_subject(), point=PROSUMER.code)
    by_kind = {one.kind: list(one.wh) for one in found.series}
    assert by_kind["netted_taken"] == flows["taken"].tolist()
    assert by_kind["community_in"] == flows["community_in"].tolist()
    assert by_kind["surplus"] == flows["surplus"].tolist()
    assert sum(by_kind["netted_taken"]) < asked(shared).series[0].total_wh


def test_hours_are_not_shown_as_quarter_hours_and_the_unknown_is_left_out(shared):
    found = asked(shared, kinds=["grid"], points=[PROSUMER.code, "590000000000000000"], step_s=900)
    assert found.step_s == 3600
    assert [one.point for one in found.series] == [PROSUMER.code]
    assert asked(shared, subject=Subject("/platforma/inna/")).series == ()
    with pytest.raises(TooManySeriesError):
        asked(shared, points=[one.code for one in POINTS])


def test_a_missing_value_is_a_hole_and_no_zero(copy_of):
    workspace = copy_of("imported")
    gaps = [one for one in workspace.series.completeness(month=MONTH) if one.present < one.slots]
    assert gaps
    found = asked(workspace, points=[gaps[0].point], kinds=["taken", "given"], step_s=3600)
    assert sum(one.missing_slots for one in found.series) > 0
    empty = [row for row in _csv(found) if "" in row]
    assert len(empty) >= 1


def test_any_run_of_days_is_read_and_a_month_that_is_not_there_is_missing(shared):
    days = asked(shared, kinds=["taken"], first=date(2026, 10, 20), last=date(2026, 11, 5), step_s=DAY_S)
    whole = asked(shared, kinds=["taken"], step_s=DAY_S)
    assert days.series[0].wh[:12] == whole.series[0].wh[19:]
    assert days.series[0].missing == (*(0,) * 12, *(24,) * 5)
    assert len(days.starts) == 17
    assert days.labels()[0] == "2026-10-20"
    months = asked(shared, kinds=["taken"], first=date(2026, 9, 30), last=date(2026, 11, 1), step_s=MONTH_S)
    assert months.labels() == ("2026-09", "2026-10", "2026-11")
    assert months.series[0].wh == (0, whole.series[0].total_wh, 0)
    assert months.series[0].missing == (24, 0, 24), "only the chosen days of a month count"


def test_before_a_settlement_hours_are_netted_for_the_moment(shared, copy_of):
    kinds = ["netted_taken", "netted_given"]
    settled = asked(shared, kinds=kinds)
    assert not any(one.provisional for one in settled.series)
    imported = copy_of("imported")
    found = asked(imported, kinds=kinds)
    assert all(one.provisional for one in found.series)
    assert [one.wh for one in found.series] == [one.wh for one in settled.series]


def test_too_much_at_once_is_refused_and_said_on_the_page(shared, reader_of):
    many = [one.code for one in POINTS[:30]]
    with pytest.raises(RangeTooLongError, match="choose a longer step"):
        asked(shared, points=many, kinds=["taken"], first=date(2023, 1, 1), step_s=900)
    with pytest.raises(RangeTooLongError, match="before it begins"):
        asked(shared, first=date(2026, 11, 1))
    with pytest.raises(RangeTooLongError):
        asked(shared, first=date(2000, 1, 1), step_s=MONTH_S)
    browser = reader_of(Role.CLERK)
    answer = browser.get(f"{BASE}/intervals/?from=2001-01-01&to=2026-01-01&point={PROSUMER.code}")
    assert "explorer.range_too_long" in answer.content.decode()
    swapped = browser.get(f"{BASE}/intervals/?from=2026-10-05&to=2026-10-02&point={PROSUMER.code}").content.decode()
    assert "Intervals: <time>2026-10-02</time> – <time>2026-10-05</time>" in swapped


def test_what_was_not_measured_is_marked_in_chart_table_and_json(shared, reader_of):
    filled = next(
        one
        for one in shared.series.completeness(month=MONTH)
        if one.channel == "1.29.0" and one.worst_quality > 2 and one.present == one.slots
    )
    query = f"?from=2026-10-01&to=2026-10-31&step=3600&kind=taken&point={filled.point}"
    browser = reader_of(Role.CLERK)
    page = browser.get(f"{BASE}/intervals/{query}").content.decode()
    assert '<path class="mark filled k0 d0"' in page
    assert '<abbr title="not measured">*</abbr>' in page
    answer = browser.get(f"{BASE}/intervals/json/{query}").json()
    (series,) = answer["series"]
    assert len(answer["labels"]) == len(series["wh"]) == 745
    assert series["filled"]
    assert series["missing"] == []
    assert sum(series["wh"]) == shared.series.read(point=filled.point, channel="1.29.0", month=MONTH).present_total_wh


def test_lines_between_tabs_are_the_table(reader_of):
    query = f"?month=2026-10&point={PROSUMER.code}&kind=taken&step=86400"
    browser = reader_of(Role.CLERK)
    answer = browser.get(f"{BASE}/intervals/tsv/{query}")
    assert answer["Content-Type"].startswith("text/tab-separated-values")
    rows = [line.split("\t") for line in answer.content.decode().rstrip("\n").split("\n")]
    text = browser.get(f"{BASE}/intervals/csv/{query}").content.decode("utf-8-sig")
    assert rows == list(csv.reader(io.StringIO(text)))
    assert len(rows) == 32


def _csv(explored: Explored):
    return list(csv.reader(io.StringIO(explored_csv(explored).decode("utf-8-sig"))))


def test_a_dozen_series_on_one_chart_with_the_sums_in_the_table(reader_of):
    query = "&".join(f"point={one.code}" for one in POINTS[:14])
    answer = reader_of(Role.CLERK).get(f"{BASE}/intervals/?month=2026-10&kind=taken&step=3600&{query}")
    page = answer.content.decode()
    paths = re.findall(r'<path class="line (k\d d\d)" d="(M[^"]+)"', page)
    assert len(paths) == 14
    assert len({classes for classes, _ in paths}) == 14
    assert "14 series from <time>2026-10-01</time> 00:00" in page
    assert page.split("<tfoot>")[1].count('class="number"') == 14


def test_csv_and_xlsx_hold_the_same_table(reader_of):
    browser = reader_of(Role.CLERK)
    query = f"?month=2026-10&point={PROSUMER.code}&kind=taken&kind=netted_taken&step=3600"
    text = browser.get(f"{BASE}/intervals/csv/{query}")
    assert text["Content-Type"].startswith("text/csv")
    assert "intervals-2026-10.csv" in text["Content-Disposition"]
    rows = list(csv.reader(io.StringIO(text.content.decode("utf-8-sig"))))
    book = CalamineWorkbook.from_filelike(io.BytesIO(browser.get(f"{BASE}/intervals/xlsx/{query}").content))
    sheet = book.get_sheet_by_index(0).to_python()
    assert rows[0] == sheet[0] == ["start", f"{PROSUMER.code} taken Wh", f"{PROSUMER.code} netted_taken Wh"]
    assert len(rows) == len(sheet) == 746
    assert [[int(cell) for cell in row[1:]] for row in rows[1:]] == [
        [int(cell) for cell in row[1:]] for row in sheet[1:]
    ]


def test_no_text_becomes_a_formula():
    assert [guarded(text) for text in ("=1+1", "+48", "-5", "@x", "fine")] == ["'=1+1", "'+48", "'-5", "'@x", "fine"]
    assert csv_bytes(["a"], [["=1"], [None], [-3]]).decode("utf-8-sig").split() == ["a", "'=1", '""', "-3"]
    book = CalamineWorkbook.from_filelike(io.BytesIO(xlsx_bytes("t", ["a"], [["=1+1"], [7]])))
    assert book.get_sheet_by_index(0).to_python() == [["a"], ["=1+1"], [7.0]]


def test_the_balance_of_the_month_adds_up(reader_of):
    page = reader_of(Role.CLERK).get(f"{BASE}/balance/?month=2026-10").content.decode()
    cells = re.findall(r'class="number">([\d.,]+)<', page.split("<tfoot>")[1])
    taken, given, shared_wh, inflow, outflow, missing = (int(re.sub(r"\D", "", text)) for text in cells)
    assert taken == shared_wh + inflow
    assert given == shared_wh + outflow
    assert missing == 0
    assert page.count('<path class="area') == 3


def test_the_hours_of_a_day_add_up_and_the_repeated_hour_is_there(shared, reader_of):
    community = organisation(code=COMMUNITY_CODE, subject=operator_subject())
    hours = day_allocation(community=community, day=date(2026, 10, 25), subject=operator_subject())
    assert len(hours) == 25
    for one in hours:
        assert one.taken_wh == one.community_in_wh + one.pool_wh + one.grid_wh
        assert one.given_wh == one.community_out_wh + one.surplus_wh
        assert one.community_in_wh == one.community_out_wh
    page = reader_of(Role.CLERK).get(f"{BASE}/balance/2026-10-25/").content.decode()
    assert "02:00+02" in page
    assert "02:00+01" in page
    assert "Who pays whom" in page
    open_month = reader_of(Role.CLERK).get(f"{BASE}/balance/2026-11-02/").content.decode()
    assert "is not closed" in open_month
    assert reader_of(Role.CLERK).get(f"{BASE}/balance/9999-12-31/").status_code == 404
