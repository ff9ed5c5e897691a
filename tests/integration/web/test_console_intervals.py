"""The interval explorer and the balance show the numbers that are stored, on screen and in files alike."""

import csv
import io
import re

import pytest
from python_calamine import CalamineWorkbook

from ogniwo.formats.sheets.writer import csv_bytes, guarded, xlsx_bytes
from ogniwo.records.visibility import Subject
from ogniwo.services.access.roles import Role
from ogniwo.services.demo.sample import COMMUNITY_CODE, MONTH, POINTS
from ogniwo.services.metering.explorer import DAY_S, Explored, TooManySeriesError, explore
from ogniwo.services.settlement.days import day_allocation
from ogniwo.services.settlement.queries import hourly_flows
from ogniwo.services.workspace.queries import operator_subject, organisation

BASE = f"/o/{COMMUNITY_CODE}"
PROSUMER = next(one for one in POINTS if one.role == "prosumer")


def asked(shared, **more):
    chosen = {"points": [PROSUMER.code], "kinds": ["taken", "given"], "month": MONTH, "subject": operator_subject()}
    return explore(shared, **(chosen | more))


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
    from datetime import date  # noqa: PLC0415 -- used once

    found = asked(shared, day=date(2026, 10, 25), step_s=DAY_S)
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


def _csv(explored: Explored):
    from ogniwo.services.metering.explorer import explored_csv  # noqa: PLC0415 -- used once

    return list(csv.reader(io.StringIO(explored_csv(explored).decode("utf-8-sig"))))


def test_a_dozen_series_on_one_chart_with_the_sums_in_the_table(reader_of):
    query = "&".join(f"point={one.code}" for one in POINTS[:14])
    answer = reader_of(Role.CLERK).get(f"{BASE}/intervals/?month=2026-10&kind=taken&step=3600&{query}")
    page = answer.content.decode()
    paths = re.findall(r'<path class="line (k\d d\d)" d="(M[^"]+)"', page)
    assert len(paths) == 14
    assert len({classes for classes, _ in paths}) == 14
    assert "14 series from 2026-10-01 00:00" in page
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
    from datetime import date  # noqa: PLC0415 -- used once

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
