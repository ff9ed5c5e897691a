import io
import json
import random
import zipfile
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import xlsxwriter

from ogniwo.core.kernel.ids import gs1_check_digit
from ogniwo.core.kernel.quality import Quality
from ogniwo.formats.meter_files import tables
from ogniwo.formats.meter_files.model import FileRefusedError
from ogniwo.formats.meter_files.reader import read_meter_file

BODY = "59099903000000001"
PPE = f"{BODY}{gs1_check_digit(BODY)}"
VIENNA = ZoneInfo("Europe/Vienna")


def refused(data, **options):
    with pytest.raises(FileRefusedError) as caught:
        read_meter_file(data, file_name="file", **options)
    return [(finding.code, finding.row) for finding in caught.value.findings]


def daily(day, hours, *, rows, version="1"):
    head = f"kOSD;X;\nkSE;SEX;;\nDCW;01-01-2023;\nDD;{day:%d-%m-%Y};\nVV;{version};\n"
    head += "Kod_PPE;Typ;JM;" + "".join(f"H{hour};" for hour in range(1, hours + 1)) + "\n"
    return (head + "".join(f"{point};{kind};kWh;{';'.join(cells)};\n" for point, kind, cells in rows)).encode("cp1250")


@pytest.mark.parametrize(
    ("day", "hours"), [(date(2022, 10, 29), 24), (date(2022, 10, 30), 25), (date(2022, 3, 27), 23)]
)
def test_cooperative_hours_are_counted_from_local_midnight(day, hours):
    cells = [f".{hour:03d},+" for hour in range(hours)]
    reading = read_meter_file(daily(day, hours, rows=[(PPE, "CB", cells)]), file_name="SE.csv")
    midnight = int(datetime(day.year, day.month, day.day, tzinfo=ZoneInfo("Europe/Warsaw")).timestamp())
    assert reading.intervals.start_epoch_s.tolist() == [midnight + 3600 * hour for hour in range(hours)]
    assert reading.intervals.wh.tolist() == list(range(hours))
    assert reading.intervals.channels == ("operator/balanced",)
    assert dict(reading.facts) == {"cooperative": "SEX", "day": day.isoformat(), "file_version": "1"}
    assert reading.findings == ()


def test_cooperative_cells_values_signs_flags_and_empties():
    cells = [".739,+", "-1.5,*", ",", "", "12.000,+", *[".000,+"] * 19]
    columns = read_meter_file(daily(date(2022, 6, 1), 24, rows=[("SEX", "CP", cells)]), file_name="SE.csv").intervals
    assert columns.wh.tolist()[:5] == [739, -1500, 0, 0, 12000]
    assert columns.quality.tolist()[:5] == [
        Quality.MEASURED, Quality.ESTIMATED_BY_OPERATOR, Quality.MISSING, Quality.MISSING, Quality.MEASURED,
    ]  # fmt: skip
    assert columns.points == ("SEX",)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (daily(date(2022, 10, 30), 24, rows=[]), "read.day_shape"),
        (daily(date(2022, 3, 27), 24, rows=[(PPE, "CP", [".1,+"] * 24)]), "read.day_shape"),
        (daily(date(2022, 6, 1), 24, rows=[(PPE, "CX", [".1,+"] * 24)]), "read.unknown_kind"),
        (daily(date(2022, 6, 1), 24, rows=[(PPE, "CP", [".1,?"] * 24)]), "read.unknown_status"),
        (daily(date(2022, 6, 1), 24, rows=[(PPE, "CP", [",1,+"] * 24)]), "read.not_a_number"),
        (daily(date(2022, 6, 1), 24, rows=[(PPE, "CP", [".1,+"] * 24)] * 2), "read.duplicate_label"),
        (daily(date(2022, 6, 1), 24, rows=[], version="x"), "read.header"),
    ],
)
def test_cooperative_contradictions_are_refused(data, code):
    assert refused(data)[0][0] == code


def energa(items, *, obis="1-0:1.8.0*255", point=PPE):
    response = {"meterObject": obis, "unit": "kWh", "meterPoint": point, "mainChart": items}
    return json.dumps({"response": response}).encode()


def item(hour, zones, *, est=False, cplt=True):
    return {"tm": str((1667080800 + hour * 3600) * 1000), "zones": zones, "est": est, "cplt": cplt}


def test_energa_items_flags_and_missing_values():
    items = [
        item(0, [0.374, None, None]),
        item(1, [None, 5e-3, None]),
        item(2, [0.5, None, None], est=True),
        item(3, [0.5, None, None], cplt=False),
        item(4, [None, None, None]),
        item(5, [1, None, None]),
    ]
    columns = read_meter_file(energa(items), file_name="e.json").intervals
    assert columns.wh.tolist() == [374, 5, 500, 0, 0, 1000]
    assert columns.quality.tolist() == [1, 1, 3, 6, 6, 1]
    assert columns.start_epoch_s.tolist() == [1667080800 + hour * 3600 for hour in range(6)]


def test_energa_refusals():
    assert refused(energa([item(0, ["x"]), {"tm": "now", "zones": []}])) == [
        ("read.not_a_number", 1),
        ("read.not_a_time", 2),
    ]
    assert refused(energa([item(0, [[1]]), item(1, [{}]), {"tm": "99999999999999", "zones": [1]}, 7])) == [
        ("read.not_a_number", 1),
        ("read.not_a_number", 2),
        ("read.not_a_time", 3),
        ("read.not_a_time", 4),
    ]
    assert refused(energa([item(0, [1.0]), item(0, [2.0])])) == [("read.duplicate_label", 2)]
    assert refused(energa([], obis="1-0:9.8.0*255")) == [("read.unknown_kind", 0)]
    assert refused(b'{"response": null}') == [("read.unknown_layout", 0)]
    assert refused(b'{"response": ') == [("read.broken_json", 0)]
    assert refused(b"[" * 100_000) == [("read.broken_json", 0)]


def eda(columns, rows):
    """columns: (point, direction, code, cells); rows: labels."""
    buffer = io.BytesIO()
    book = xlsxwriter.Workbook(buffer, {"in_memory": True})
    sheet = book.add_worksheet("Energiedaten")
    moment = book.add_format({"num_format": "yyyy-mm-dd hh:mm"})
    for number, label in enumerate(("MeteringpointID", "Energy direction", "Metercode")):
        sheet.write(number, 0, label)
        for column, definition in enumerate(columns, start=1):
            sheet.write(number, column, definition[number])
    for number, label in enumerate(rows, start=4):
        if isinstance(label, str):
            sheet.write(number, 0, label)
        else:
            sheet.write_datetime(number, 0, label, moment)
        for column, definition in enumerate(columns, start=1):
            sheet.write(number, column, definition[3][number - 4])
    book.close()
    return buffer.getvalue()


def test_eda_metercodes_quality_column_totals_and_mixed_labels():
    labels = ["01.06.2022 00:00:00", datetime(2022, 6, 1, 0, 15), "01.06.2022 00:30"]  # noqa: DTZ001 -- a cell
    data = eda(
        [
            (PPE, "CONSUMPTION", "1-1:1.9.0 G.01 [KWH]", [0.25, 0.5, 1]),
            ("", "", "MM", ["L1", "L2", "L3"]),
            (PPE, "CONSUMPTION", "1-1:2.9.0 G.02", [0.0006, "", 0]),
            ("TOTAL", "", "", [9, 9, 9]),
            (PPE, "GENERATION", "1-1:2.9.0 P.01 [WH]", [7, 8, 9]),
            (PPE, "CONSUMPTION", "Neue Menge [KWH]", [1, 1, 1]),
        ],
        labels,
    )
    reading = read_meter_file(data, file_name="eda.xlsx")
    columns = reading.intervals
    start = int(datetime(2022, 6, 1, tzinfo=VIENNA).timestamp())
    assert columns.channels == ("1.29.0", "operator/share", "operator/surplus")
    assert columns.start_epoch_s.tolist() == [start, start + 900, start + 1800] * 3
    assert columns.wh.tolist() == [250, 500, 1000, 1, 0, 0, 7, 8, 9]
    assert columns.quality.tolist() == [1, 3, 3, 1, 6, 1, 1, 1, 1]
    assert columns.row.tolist() == [5, 6, 7] * 3
    assert [finding.code for finding in reading.findings] == ["read.skipped_kind", "read.missing", "read.rounded"]


def test_eda_faults_are_refused_with_row_and_column():
    labels = [datetime(2022, 6, 1) + timedelta(minutes=15 * index) for index in range(3)]  # noqa: DTZ001 -- cells
    column = (PPE, "CONSUMPTION", "G.01 [KWH]", [1, "viel", 2])
    assert refused(eda([column], labels)) == [("read.not_a_number", 6)]
    good = (PPE, "CONSUMPTION", "G.01 [KWH]", [1, 1, 2])
    assert refused(eda([good, good], labels)) == [("read.duplicate_label", 0)]
    assert refused(eda([good], [labels[0], "später", labels[2]])) == [("read.not_a_time", 6)]
    assert refused(eda([good], [labels[0], labels[2], labels[1]])) == [("read.out_of_order", 7)]


def test_unknown_files_are_refused():
    assert refused(b"a;b;c\n1;2;3\n") == [("read.unknown_layout", 0)]
    assert refused(b"") == [("read.unknown_layout", 0)]
    assert refused(b"", layout="none") == [("read.unknown_layout", 0)]
    assert refused(b"\xef\xbb\xbf\xff\xff") == [("read.encoding", 0)]
    assert refused(b'a;"b\nc') == [("read.broken_row", 1)]


def test_archives_that_lie_bomb_or_break_are_refused_before_they_are_opened(monkeypatch):
    assert refused(b"PK\x03\x04 nothing more") == [("read.broken_archive", 0)]
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("xl/workbook.xml", "<workbook/>")
    assert refused(buffer.getvalue()) == [("read.broken_archive", 0)]

    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", b"0" * 3_000_000)
    monkeypatch.setattr(tables, "UNPACKED_BYTES_MAX", 2_000_000)
    assert refused(bomb.getvalue()) == [("read.too_large", 0)]


def test_a_sheet_with_one_cell_in_the_last_corner_is_refused():
    buffer = io.BytesIO()
    book = xlsxwriter.Workbook(buffer, {"in_memory": True})
    sheet = book.add_worksheet()
    sheet.write(0, 0, "PPE")
    sheet.write(1_048_575, 16_383, "x")
    book.close()
    assert refused(buffer.getvalue()) == [("read.too_large", 0)]


def test_a_damaged_file_is_read_or_refused_but_never_crashes():
    chance = random.Random(20221030)  # noqa: S311 -- a repeatable choice, no secret
    samples = [
        daily(date(2022, 6, 1), 24, rows=[(PPE, "CP", [".1,+"] * 24)]),
        energa([item(hour, [0.5, None]) for hour in range(5)]),
        f"PPE;OBIS;Początek;Wartość;Jednostka;Status\n{PPE};1.29.0;2022-06-01 00:00;1;kWh;\n".encode("cp1250") * 2,
    ]
    refusals = []
    for _ in range(300):
        damaged = bytearray(chance.choice(samples))
        for _ in range(3):
            place = chance.randrange(len(damaged))
            damaged[place : place + chance.randrange(4)] = bytes(
                chance.choice(b';"\n\0-+eA09:[]{}\xff') for _ in range(2)
            )
        try:
            read_meter_file(bytes(damaged), file_name="file")
        except FileRefusedError as refusal:
            refusals.append(refusal)
    assert 0 < len(refusals) < 300
    assert all(refusal.findings for refusal in refusals)


def test_files_and_rows_have_limits(monkeypatch):
    monkeypatch.setattr(tables, "ROWS_MAX", 2)
    assert refused(b"a\nb\nc\n") == [("read.too_large", 3)]
    monkeypatch.setattr("ogniwo.formats.meter_files.reader.BYTES_MAX", 3)
    assert refused(b"abcd") == [("read.too_large", 0)]


def test_an_archive_whose_size_field_lies_is_refused():
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", b"0" * 100_000)
    data = bytearray(buffer.getvalue())
    central = data.rindex(b"PK\x01\x02")
    data[central + 24 : central + 28] = (10).to_bytes(4, "little")
    assert refused(bytes(data)) == [("read.broken_archive", 0)]
