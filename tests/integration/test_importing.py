"""Importing the sample month: what is stored, what is refused, and that nothing is stored twice or by halves."""

import io
from datetime import datetime, timedelta

import pytest
import xlsxwriter

from ogniwo.core.kernel.calendar import Month
from ogniwo.core.kernel.ids import sha256_hex
from ogniwo.core.kernel.quality import Quality
from ogniwo.records.audit.models import AuditEvent
from ogniwo.records.metering.models import MeteringPoint, RegisterState, SourceFile
from ogniwo.services.demo.files import delivered_files, late_files
from ogniwo.services.demo.sample import POINTS
from ogniwo.services.metering.importing import ImportOptions, import_files

OCTOBER = Month(2026, 10)
SHOP = next(point.code for point in POINTS if "Sklep" in point.name)
UNKNOWN = "590999010000000338"


def pairs(files):
    return [(one.name, one.data) for one in files]


def rows():
    return tuple(model.objects.count() for model in (SourceFile, RegisterState, AuditEvent))


def series_of(workspace):
    return {
        key: workspace.series.read(point=key[0], channel=key[1], month=key[2])
        for key in workspace.series.keys(month=OCTOBER)
    }


def test_all_files_of_the_month_are_stored(at_stage):
    workspace = at_stage("imported")
    kinds = {layout: [one for one in POINTS if one.layout == layout] for layout in {one.layout for one in POINTS}}
    assert {layout: len(points) for layout, points in kinds.items()} == {
        "cooperative-daily": 22,
        "enea-ebok": 6,
        "enea-operator": 6,
        "standard-profile": 6,
    }
    # one daily file a day, one portal file and one profile a point, one form of register readings
    assert SourceFile.objects.count() == 31 + 6 + 6 + 6 + 1 == 50
    # import; four columns of the portal; import; two large consumers with both reactive quadrants, four plants
    assert len(workspace.series.keys()) == 22 + 6 * 4 + 6 + 2 * 3 + 4 * 2
    hours, quarters, gap = 31 * 24 + 1, (31 * 24 + 1) * 4, 23
    present = sum(one.present for one in workspace.series.completeness(month=OCTOBER))
    assert present == (22 + 6 * 4 + 6) * hours + (2 * 3 + 4 * 2) * quarters - 3 * gap
    assert RegisterState.objects.count() == 2 * (2 * 3 + 4 * 2)
    for point in POINTS:
        if point.role == "consumer" and point.kind not in {"school", "waterworks"}:
            series = workspace.series.read(point=point.code, channel="1.29.0", month=OCTOBER)
            assert series.present_total_wh == point.load_wh
    assert AuditEvent.objects.filter(action="import.file").count() == 50


def test_every_received_file_is_kept_byte_for_byte(at_stage):
    workspace = at_stage("imported")
    for file in delivered_files():
        digest = sha256_hex(file.data)
        assert (workspace.received / digest[:2] / digest).read_bytes() == file.data


def test_the_same_files_again_change_nothing(at_stage, cooperative):
    workspace = at_stage("imported")
    before, head, keys = rows(), workspace.series.head(), workspace.series.keys()
    again = import_files(workspace, organisation=cooperative(), files=pairs(delivered_files()))
    assert {one.state for one in again} == {"already_imported"}
    assert (rows(), workspace.series.head(), workspace.series.keys()) == (before, head, keys)


def test_the_same_values_in_another_file_make_no_new_version(at_stage, cooperative):
    workspace = at_stage("imported")
    head = workspace.series.head()[0]
    file = delivered_files()[0]
    (again,) = import_files(workspace, organisation=cooperative(), files=[(file.name, file.data + b"\r\n")])
    assert (again.state, again.cells_stored, again.cells_unchanged) == ("imported", 0, 22)
    assert workspace.series.head()[0] == head + 1
    assert len(workspace.series.versions(point=SHOP, channel="1.29.0", month=OCTOBER)) == 31


@pytest.mark.parametrize("damage", ["bytes", "check digit", "not a number", "unknown layout"])
def test_a_refused_file_leaves_nothing_and_does_not_stop_the_others(workspace, cooperative, damage):
    good, file = delivered_files()[1], delivered_files()[0]
    data = {
        "bytes": b"\xef\xbb\xbf\xff\xff",
        "check digit": file.data.replace(b"590999772600000018", b"590999772600000019"),
        "not a number": file.data.replace(b";.020,+", b";.0x0,+"),
        "unknown layout": b"a;b\n1;2\n",
    }[damage]
    results = import_files(workspace, organisation=cooperative(), files=[("bad.csv", data), (good.name, good.data)])
    states = {one.name: one.state for one in results}
    assert states == {"bad.csv": "refused", good.name: "imported"}
    assert next(one for one in results if one.name == "bad.csv").reason
    assert [one.name for one in SourceFile.objects.all()] == [good.name]
    assert workspace.series.head()[0] == 1
    digest = sha256_hex(data)
    assert not (workspace.received / digest[:2] / digest).exists()


def test_an_unknown_point_refuses_the_file_or_is_left_out_with_a_finding(workspace, cooperative):
    file = delivered_files()[0]
    data = file.data.replace(b"590999772600000018", UNKNOWN.encode())
    (refused,) = import_files(workspace, organisation=cooperative(), files=[(file.name, data)])
    assert refused.state == "refused"
    assert UNKNOWN in refused.reason
    assert "import.unknown_points" in refused.reason
    assert (rows(), workspace.series.head()[0]) == ((0, 0, 0), 0)

    (skipped,) = import_files(
        workspace, organisation=cooperative(), files=[(file.name, data)], options=ImportOptions(skip_unknown=True)
    )
    assert (skipped.state, skipped.cells_stored) == ("imported", 21)
    assert [(one.code, one.point) for one in skipped.findings] == [("V23.unknown_point", UNKNOWN)]
    assert UNKNOWN not in {point for point, _, _ in workspace.series.keys(month=OCTOBER)}


def test_a_file_without_its_point_needs_one(workspace, cooperative):
    portal = next(one for one in delivered_files() if one.name.startswith("enea-ebok"))
    point = portal.name.split("_")[1]
    unnamed = ("export.csv", portal.data)
    (refused,) = import_files(workspace, organisation=cooperative(), files=[unnamed])
    assert refused.state == "refused"
    (named,) = import_files(workspace, organisation=cooperative(), files=[unnamed], options=ImportOptions(point=point))
    assert (named.state, named.cells_stored) == ("imported", 4)


def eda_with_an_absent_hour(point):
    """A community portal's sheet for the quarter-hours around the spring change, with the hour that does not exist."""
    buffer = io.BytesIO()
    book = xlsxwriter.Workbook(buffer, {"in_memory": True})
    sheet = book.add_worksheet("Energiedaten")
    cells = (("MeteringpointID", point), ("Energy direction", "CONSUMPTION"), ("Metercode", "1-1:1.9.0 G.01 [KWH]"))
    for number, row in enumerate(cells):
        sheet.write_row(number, 0, row)
    moment = book.add_format({"num_format": "yyyy-mm-dd hh:mm"})
    for index in range(12):
        label = datetime(2026, 3, 29, 1) + timedelta(minutes=15 * index)  # noqa: DTZ001 -- a cell
        sheet.write_datetime(4 + index, 0, label, moment)
        sheet.write_number(4 + index, 1, 0.25)
    book.close()
    return buffer.getvalue()


def test_a_file_with_errors_is_refused_unless_that_is_accepted(workspace, cooperative):
    file = ("eda.xlsx", eda_with_an_absent_hour(SHOP))
    (refused,) = import_files(workspace, organisation=cooperative(), files=[file])
    assert refused.state == "refused"
    assert "import.error_findings" in refused.reason
    assert "read.absent_hour" in {one.code for one in refused.findings}
    assert (rows(), workspace.series.head()[0]) == ((0, 0, 0), 0)

    (accepted,) = import_files(
        workspace, organisation=cooperative(), files=[file], options=ImportOptions(accept_errors=True)
    )
    assert accepted.state == "imported"
    march = workspace.series.read(point=SHOP, channel="1.29.0", month=Month(2026, 3))
    assert march.present_total_wh == 8 * 250
    assert int((march.quality == Quality.MEASURED).sum()) == 8


def test_a_dry_run_stores_nothing(workspace, cooperative):
    results = import_files(
        workspace, organisation=cooperative(), files=pairs(delivered_files()), options=ImportOptions(dry_run=True)
    )
    assert {one.state for one in results} == {"would_import"}
    assert (rows(), workspace.series.head()[0]) == ((0, 0, 0), 0)
    assert not any(workspace.received.iterdir())


def test_an_older_version_of_a_daily_file_never_replaces_a_newer_one(at_stage, cooperative):
    (late,) = late_files()
    first = next(one for one in delivered_files() if "20261014" in one.name)
    workspace = at_stage("registered")
    for file, state in ((late, "imported"), (first, "superseded")):
        (result,) = import_files(workspace, organisation=cooperative(), files=pairs([file]))
        assert result.state == state
    reversed_order = series_of(workspace)
    assert SourceFile.objects.count() == 1

    workspace = at_stage("registered")
    results = import_files(workspace, organisation=cooperative(), files=pairs([late, first]))
    assert [one.state for one in results] == ["imported", "imported"]
    assert [one.code for one in results[1].findings] == ["V2.replaced"]
    together = series_of(workspace)
    assert reversed_order.keys() == together.keys()
    assert all((reversed_order[key].wh == together[key].wh).all() for key in together)
    noon = together[SHOP, "1.29.0", OCTOBER]
    day = noon.wh[noon.grid.day_offsets[13] : noon.grid.day_offsets[14]]
    old = first.data.decode("cp1250").split(f"{SHOP};CP;kWh;")[1].splitlines()[0].split(";")[:24]
    extra = [1250, 2400, 2650, 1900]
    assert [int(wh) for wh in day[8:12]] == [
        round(float(cell.split(",")[0]) * 1000) + more for cell, more in zip(old[8:12], extra, strict=True)
    ]


def test_a_corrected_register_reading_replaces_the_first_one_and_says_so(at_stage, cooperative):
    workspace = at_stage("imported")
    readings = delivered_files()[-1]
    corrected = readings.data.decode().replace("1370,000", "1371,000").encode()
    (result,) = import_files(workspace, organisation=cooperative(), files=[("odczyty-2.csv", corrected)])
    assert [(one.code, one.point) for one in result.findings] == [("import.register_replaced", "590999772600000360")]
    states = RegisterState.objects.filter(point__code="590999772600000360", obis__contains="1.8.0")
    assert [(state.value_e3, state.source.name) for state in states] == [
        (1_000_000, readings.name),
        (1_371_000, "odczyty-2.csv"),
    ]


def test_hours_where_quarter_hours_are_stored_are_refused(at_stage, cooperative):
    workspace = at_stage("imported")
    school = POINTS[34].code
    daily = delivered_files()[0].data.replace(SHOP.encode(), school.encode())
    (result,) = import_files(workspace, organisation=cooperative(), files=[("SE_SEPRZ01_20261001_9.csv", daily)])
    assert result.state == "refused"
    assert "import.raster_differs" in result.reason
    assert MeteringPoint.objects.filter(code=school).exists()
