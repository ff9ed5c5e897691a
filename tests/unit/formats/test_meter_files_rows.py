import io
from datetime import date

import numpy as np
import pytest
import xlsxwriter

from ogniwo.core.kernel.calendar import grid_of_days
from ogniwo.core.kernel.findings import Severity
from ogniwo.core.kernel.ids import gs1_check_digit
from ogniwo.core.kernel.quality import Quality
from ogniwo.core.metering.model import IntervalSeries
from ogniwo.formats.meter_files.model import FileRefusedError
from ogniwo.formats.meter_files.reader import read_meter_file
from ogniwo.formats.profile_csv.writer import write_profile_csv

BODY = "59099903000000001"
PPE = f"{BODY}{gs1_check_digit(BODY)}"
OTHER_BODY = "59099903000000002"
OTHER = f"{OTHER_BODY}{gs1_check_digit(OTHER_BODY)}"
WRONG = f"{BODY}{(gs1_check_digit(BODY) + 1) % 10}"

TAURON = "Data; Wartość kWh;Rodzaj;\n"
PROFIL = "PPE;OBIS;Początek;Wartość;Jednostka;Status\n"
BUSINESS = "Punkt poboru;Data i godzina;Rodzaj energii;Strefa;Wartosc[kWh/kvar];Kompletność\n"


def read(text, *, name="file.csv", encoding="utf-8", **options):
    return read_meter_file(text.encode(encoding), file_name=name, **options)


def refused(text, **options):
    with pytest.raises(FileRefusedError) as caught:
        read(text, **options)
    return caught.value


def codes(refusal):
    return [(finding.code, finding.row) for finding in refusal.findings]


def workbook(*sheets):
    buffer = io.BytesIO()
    book = xlsxwriter.Workbook(buffer, {"in_memory": True})
    for name, rows in sheets:
        sheet = book.add_worksheet(name)
        for number, row in enumerate(rows):
            for column, cell in enumerate(row):
                sheet.write(number, column, cell)
    book.close()
    return buffer.getvalue()


def test_every_value_keeps_the_row_it_came_from_and_reading_twice_is_equal():
    text = TAURON + "2022-06-01 1:00;0,250;pobór;\n2022-06-01 2:00;0,001;pobór;\n2022-06-01 1:00;1,5;oddanie;\n"
    first, second = read(text, point=PPE), read(text, point=PPE)
    columns = first.intervals
    assert columns.points == (PPE,)
    assert columns.channels == ("1.29.0", "2.29.0")
    assert columns.wh.tolist() == [250, 1, 1500]
    assert columns.row.tolist() == [2, 3, 4]
    assert columns.channel_index.tolist() == [0, 0, 1]
    assert columns.seconds.tolist() == [3600] * 3
    for name in ("point_index", "channel_index", "start_epoch_s", "seconds", "wh", "quality", "row"):
        assert getattr(columns, name).tolist() == getattr(second.intervals, name).tolist()
        assert not getattr(columns, name).flags.writeable
    assert (first.findings, first.sha256) == (second.findings, second.sha256)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "windows-1250", "iso-8859-2", "utf-16"])
def test_the_encoding_is_found(encoding):
    text = TAURON + "2022-06-01 1:00;0,250;pobór;\n"
    assert read(text, encoding=encoding, point=PPE).intervals.wh.tolist() == [250]


def test_polish_letters_tell_the_one_byte_encodings_apart():
    text = PROFIL + f"{PPE};1.29.0;2022-06-01 00:00;1;kWh;ręczny\n{PPE};1.29.0;2022-06-01 01:00;1;kWh;zastąpiony\n"
    for encoding in ("windows-1250", "iso-8859-2"):
        quality = read(text, encoding=encoding).intervals.quality.tolist()
        assert quality == [Quality.MANUAL, Quality.SUBSTITUTED]


def test_nul_characters_formula_cells_blank_lines_and_a_missing_last_delimiter_do_no_harm():
    text = TAURON + '"=""2022-06-01 1:00""";"0,250";"pobór";\n\n2022-06-01 2:00;0,1;pobór\n\0'
    assert read(text, point=PPE).intervals.wh.tolist() == [250, 100]


def test_all_bad_rows_are_named_up_to_fifty():
    rows = [f"2022-06-{1 + index // 24:02d} {1 + index % 24}:00;x{index};pobór;" for index in range(60)]
    refusal = refused(TAURON + "\n".join(rows), point=PPE)
    assert len(refusal.findings) == 50
    assert codes(refusal)[:2] == [("read.not_a_number", 2), ("read.not_a_number", 3)]
    assert "59 more" in refusal.detail
    assert refusal.findings[0].source == "file.csv"
    assert refusal.findings[0].column == "wartość kwh"
    assert {finding.severity for finding in refusal.findings} == {Severity.ERROR}


def test_different_faults_are_reported_together():
    text = (
        TAURON + "2022-06-01 25:00;1,0;pobór;\n2022-06-01 2:00;1.0;pobór;\n2022-06-01 3:00;1,0;inny;\n2022-06-01 4:00;1"
    )
    assert codes(refused(text, point=PPE)) == [
        ("read.not_a_time", 2),
        ("read.not_a_number", 3),
        ("read.unknown_kind", 4),
        ("read.short_row", 5),
    ]


REPEATED = [("02:15", "1,0004", ""), ("02:30", "1,0004", ""), ("02:30", "1,0004", ""), ("02:45", "2", "")]


def profil(rows, *, offset=""):
    return PROFIL + "".join(f"{PPE};1.29.0;2022-06-01 {m}{offset};{value};kWh;{word}\n" for m, value, word in rows)


def test_a_row_that_is_repeated_with_the_same_value_is_kept_once_with_a_warning():
    reading = read(profil([*REPEATED, REPEATED[3]]))
    assert reading.intervals.wh.tolist() == [1000, 1000, 2000]
    assert reading.intervals.row.tolist() == [2, 3, 5]
    finding, rounded = reading.findings
    assert (finding.code, finding.severity, finding.row) == ("V2.duplicate", Severity.WARNING, 4)
    assert (finding.point, finding.channel, dict(finding.facts)) == (PPE, "1.29.0", {"rows": "2"})
    assert (rounded.code, dict(rounded.facts)["values"]) == ("read.rounded", "2"), "what was left out is not counted"


def test_instants_may_be_repeated_anywhere_in_the_file():
    reading = read(profil([*REPEATED[:2], REPEATED[3], REPEATED[0]], offset="+02:00"))
    assert reading.intervals.wh.tolist() == [1000, 1000, 2000]
    assert [(finding.code, finding.row) for finding in reading.findings][:1] == [("V2.duplicate", 5)]


@pytest.mark.parametrize(("value", "status"), [("1,0003", ""), ("1,0004", "szacowane"), ("", "")])
def test_a_label_twice_with_another_value_or_status_is_refused_with_its_row(value, status):
    rows = [*REPEATED[:2], ("02:30", value, status), REPEATED[3]]
    refusal = refused(profil(rows))
    assert codes(refusal) == [("read.duplicate_label", 4)]
    assert "row 3" in refusal.detail


def test_a_label_in_the_skipped_hour_is_refused():
    text = TAURON + "2022-03-27 2:00;1,0;pobór;\n2022-03-27 3:00;1,0;pobór;\n2022-03-27 4:00;1,0;pobór;\n"
    assert codes(refused(text, point=PPE)) == [("read.absent_hour", 3)]


def test_gaps_are_warnings_per_channel_and_run_within_the_span_of_the_point():
    text = TAURON + "".join(f"2022-06-01 {hour}:00;1,0;pobór;\n" for hour in (1, 2, 5, 6, 8))
    text += "".join(f"2022-06-01 {hour}:00;1,0;oddanie;\n" for hour in (3, 4, 5, 6, 7))
    gaps = [
        (finding.channel, finding.start_epoch_s - 1654034400, finding.end_epoch_s - 1654034400, finding.row)
        for finding in read(text, point=PPE).findings
    ]
    hour = 3600
    assert gaps == [
        ("1.29.0", 2 * hour, 4 * hour, 4),
        ("1.29.0", 6 * hour, 7 * hour, 6),
        ("2.29.0", 0, 2 * hour, 7),
        ("2.29.0", 7 * hour, 8 * hour, 11),
    ]


def test_an_empty_value_is_missing_and_never_zero():
    text = PROFIL + f"{PPE};1.29.0;2022-06-01 00:00;0,5;kWh;\n{PPE};1.29.0;2022-06-01 01:00;;kWh;measured\n"
    text += f"{PPE};1.29.0;2022-06-01 02:00;;kWh;brak\n{PPE};1.29.0;2022-06-01 03:00;0;kWh;\n"
    reading = read(text)
    assert reading.intervals.quality.tolist() == [Quality.MEASURED, Quality.MISSING, Quality.MISSING, Quality.MEASURED]
    assert reading.intervals.wh.tolist() == [500, 0, 0, 0]
    [finding] = reading.findings
    assert (finding.code, finding.severity, dict(finding.facts)["intervals"]) == ("read.missing", Severity.WARNING, "2")


def test_digits_below_a_wh_are_rounded_half_up_and_counted():
    text = PROFIL + "".join(
        f"{PPE};1.29.0;2022-06-01 0{hour}:00;{value};kWh;\n" for hour, value in enumerate(["0,0005", "1,0004", "2,000"])
    )
    reading = read(text)
    assert reading.intervals.wh.tolist() == [1, 1000, 2000]
    [finding] = reading.findings
    assert (finding.code, finding.severity) == ("read.rounded", Severity.NOTE)
    assert dict(finding.facts) == {"values": "2", "difference_wh": "0.1"}


def test_profil_takes_units_short_and_full_obis_lengths_and_offsets():
    text = PROFIL
    text += f"{PPE};1-1:1.29.0*255;2022-10-30T00:45:00+02:00;250;Wh;measured\n"
    text += f"{PPE};1.29.0;2022-10-29T23:00:00Z;0,00025;MWh;szacowany\n"
    text += f"{PPE};5.29.0;2022-10-30 01:00;0,5;kvarh;\n"
    text += f"{PPE};5.29.0;2022-10-30 02:00;1,5;kvarh;\n{PPE};5.29.0;2022-10-30 02:00;2,5;kvarh;\n"
    text += f"{OTHER};1.29.0/net;30.10.2022 00:00;1;kWh;\n{OTHER};1.29.0/net;30.10.2022 00:15;1;kWh;\n"
    columns = read(text).intervals
    assert columns.points == (PPE, OTHER)
    assert columns.channels == ("1.29.0", "5.29.0", "1.29.0/net")
    assert columns.start_epoch_s.tolist()[:5] == [1667083500, 1667084400, 1667084400, 1667088000, 1667091600]
    assert columns.seconds.tolist() == [900, 900, 3600, 3600, 3600, 900, 900]
    assert columns.wh.tolist() == [250, 250, 500, 1500, 2500, 1000, 1000]
    assert columns.quality.tolist()[1] == Quality.ESTIMATED_BY_OPERATOR


def test_profil_as_a_sheet_with_true_numbers_and_another_sheet_that_is_ignored():
    header = PROFIL.strip().split(";")
    rows = [
        header,
        [PPE, "1.29.0", "2022-06-01 00:00", 0.1, "kWh", ""],
        [PPE, "1.29.0", "2022-06-01 00:15", 2, "kWh", ""],
    ]
    reading = read_meter_file(workbook(("Profil", rows), ("Notatki", [["cokolwiek"]])), file_name="profil.xlsx")
    assert reading.intervals.wh.tolist() == [100, 2000]
    assert [finding.code for finding in reading.findings] == ["read.sheet_ignored"]


def test_two_sheets_are_one_reading_and_must_not_overlap():
    header = PROFIL.strip().split(";")
    june = [header, *([PPE, "1.29.0", f"2022-06-01 0{hour}:00", 1, "kWh", ""] for hour in range(2))]
    july = [header, *([PPE, "1.29.0", f"2022-07-01 0{hour}:00", 2, "kWh", ""] for hour in range(2))]
    reading = read_meter_file(workbook(("VII", july), ("VI", june)), file_name="p.xlsx")
    assert reading.layout == "ogniwo-profil"
    assert reading.intervals.wh.tolist() == [1000, 1000, 2000, 2000]
    with pytest.raises(FileRefusedError) as caught:
        read_meter_file(workbook(("a", june), ("b", june)), file_name="p.xlsx")
    assert [finding.code for finding in caught.value.findings] == ["read.duplicate_label"] * 2


def test_one_row_alone_does_not_tell_its_length():
    assert codes(refused(PROFIL + f"{PPE};1.29.0;2022-06-01 00:00;1;kWh;\n")) == [("read.length", 2)]


def test_a_series_of_one_row_takes_the_length_of_the_file_only_when_there_is_one():
    quarters = f"{PPE};1.29.0;2022-06-01 00:00;1;kWh;\n{PPE};1.29.0;2022-06-01 00:15;1;kWh;\n"
    single = f"{PPE};2.29.0;2022-06-01 00:00;1;kWh;\n"
    hours = f"{PPE};5.29.0;2022-06-01 00:00;1;kvarh;\n{PPE};5.29.0;2022-06-01 01:00;1;kvarh;\n"
    assert read(PROFIL + quarters + single).intervals.seconds.tolist() == [900] * 3
    assert codes(refused(PROFIL + quarters + single + hours)) == [("read.length", 4)]


def test_a_row_that_contradicts_itself_is_refused():
    text = PROFIL + f"{PPE};1.29.0;2022-06-01 00:00;7;kWh;brak\n{PPE};5.29.0;2022-06-01 00:00;1;kWh;\n"
    text += f"{PPE};1.29.0;2022-06-01 01:00;7;kvarh;\n{PPE};1.8.0;2022-06-01 02:00;7;kWh;\n"
    assert codes(refused(text))[:4] == [
        ("read.missing_with_value", 2),
        ("read.unknown_unit", 3),
        ("read.unknown_unit", 4),
        ("read.unknown_kind", 5),
    ]


def test_a_profile_that_we_wrote_ourselves_reads_back():
    grid = grid_of_days(date(2022, 10, 30), date(2022, 10, 31))
    wh = np.arange(100, dtype=np.int32)
    quality = np.full(100, Quality.MEASURED, dtype=np.uint8)
    quality[7], wh[7] = Quality.MISSING, 0
    series = IntervalSeries(point=PPE, channel="1.29.0/net", grid=grid, wh=wh, quality=quality)
    columns = read_meter_file(write_profile_csv([series]), file_name="own.csv").intervals
    assert columns.start_epoch_s.tolist() == grid.start_epoch_s.tolist()
    assert (columns.wh.tolist(), columns.quality.tolist()) == (wh.tolist(), quality.tolist())


def test_unknown_units_and_statuses_are_refused():
    text = PROFIL + f"{PPE};1.29.0;2022-06-01 00:00;1;J;\n{PPE};1.29.0;2022-06-01 01:00;1;kWh;chyba\n"
    assert codes(refused(text)) == [("read.unknown_unit", 2), ("read.unknown_status", 3)]


def test_the_point_comes_from_the_argument_or_the_file_name():
    text = TAURON + "2022-06-01 1:00;0,250;pobór;\n"
    assert read(text, point=PPE).intervals.points == (PPE,)
    assert read(text, name=f"folder/{PPE}_06.csv").intervals.points == (PPE,)
    assert codes(refused(text)) == [("read.point_unknown", 0)]


def test_a_wrong_check_digit_is_refused_wherever_the_code_stands():
    text = TAURON + "2022-06-01 1:00;0,250;pobór;\n"
    assert codes(refused(text, point=WRONG)) == [("V23.check_digit", 0)]
    assert codes(refused(text, name=f"{WRONG}.csv")) == [("V23.check_digit", 0)]
    assert codes(
        refused(PROFIL + f"{WRONG};1.29.0;2022-06-01 00:00;1;kWh;\n{WRONG};1.29.0;2022-06-01 01:00;1;kWh;")
    ) == [("V23.check_digit", 2)]


def test_an_argument_that_contradicts_the_file_is_refused_and_one_that_agrees_is_not():
    text = PROFIL + "".join(f"{PPE};1.29.0;2022-06-01 0{hour}:00;1;kWh;\n" for hour in range(2))
    assert read(text, point=PPE).intervals.points == (PPE,)
    assert codes(refused(text, point=OTHER)) == [("read.point_mismatch", 0)]


@pytest.mark.parametrize("cell", [float(PPE), "5,90999E+17"])
def test_a_code_that_a_spreadsheet_made_a_number_is_refused(cell):
    rows = [PROFIL.strip().split(";"), *([cell, "1.29.0", f"2022-06-01 0{hour}:00", 1, "kWh", ""] for hour in range(2))]
    with pytest.raises(FileRefusedError) as caught:
        read_meter_file(workbook(("Profil", rows)), file_name="p.xlsx")
    assert {finding.code for finding in caught.value.findings} == {"read.point_as_number"}


def test_short_codes_are_kept_with_a_warning():
    text = PROFIL + "".join(f"0123456789;1.29.0;2022-06-01 0{hour}:00;1;kWh;\n" for hour in range(2))
    reading = read(text)
    assert reading.intervals.points == ("0123456789",)
    assert [(finding.code, finding.severity) for finding in reading.findings] == [("read.point_code", Severity.WARNING)]


def test_business_report_letter_59_labels_serial_dates_completeness_and_unknown_kinds():
    text = BUSINESS
    for label, value, complete in [
        ("30.10.2022 01:00", "1,000", "100%"),
        ("2022-10-30 02:00", "2,000", "100%"),
        ("2022-10-30 02:00A", "3,000", "100%"),
        ("2022-10-30 03:00", "4,000", "75%"),
        ("2022-10-30 03:59", "5,000", "100%"),
        ("44865", "6,000", "100%"),
    ]:
        text += f"{PPE};{label};energia czynna pobrana;T1;{value};{complete}\n"
    text += f"{PPE};2022-10-30 01:00;energia bierna;T1;9,000;100%\n"
    reading = read(text, encoding="iso-8859-2")
    columns = reading.intervals
    hours = [(start - 1667080800) // 3600 for start in columns.start_epoch_s.tolist()]
    assert hours == [0, 1, 2, 3, 4, 24]
    assert columns.wh.tolist() == [1000, 2000, 3000, 0, 5000, 6000]
    assert columns.quality.tolist()[3] == Quality.MISSING
    assert [finding.code for finding in reading.findings] == ["read.skipped_kind", "read.gap", "read.missing"]


def operator_sheet(headings, rows, total):
    return workbook(
        ("Raport", [["Numer PPE", PPE], ["Zakres", "2022-10-30 - 2022-10-30"], [], headings, *rows, ["Suma", *total]])
    )


def test_enea_operator_zones_are_summed_the_status_is_kept_and_the_footer_checked():
    headings = ["Data", "Energia czynna pobrana (1.8.1)", "Energia czynna pobrana (1.8.2)", "Status"]
    rows = [
        ["2022-10-30 02:00:00", 0.5, "", "Dane rzeczywiste"],
        ["2022-10-30 03:00:00", "", 0.25, "Dane szacowane"],
        ["2022-10-30 03:00:00 czasu zimowego", 0.1, 0.2, "Dane rzeczywiste"],
        ["2022-10-30 04:00:00", "", "", "Dane rzeczywiste"],
    ]
    reading = read_meter_file(operator_sheet(headings, rows, [0.6, 0.46]), file_name="r.xlsx")
    columns = reading.intervals
    assert (reading.layout, columns.channels) == ("enea-operator-data", ("1.29.0",))
    assert columns.wh.tolist() == [500, 250, 300, 0]
    assert columns.quality.tolist() == [
        Quality.MEASURED, Quality.ESTIMATED_BY_OPERATOR, Quality.MEASURED, Quality.MISSING,
    ]  # fmt: skip
    assert [finding.code for finding in reading.findings] == ["read.footer_sum", "read.missing"]
    assert "460 Wh" in reading.findings[0].message
    assert "450 Wh" in reading.findings[0].message


def test_enea_operator_total_column_wins_over_its_zones():
    headings = ["Dzień", "Pobrana (1.8.0)", "Pobrana (1.8.1)", "Pobrana (1.8.2)", "Status"]
    rows = [["2022-06-01 01:00:00", 0.7, 0.5, 0.2, "Dane rzeczywiste"]]
    columns = read_meter_file(operator_sheet(headings, rows, []), file_name="r.xlsx").intervals
    assert columns.wh.tolist() == [700]


def test_zone_sums_are_rounded_once():
    headings = ["Dzień", "Pobrana (1.8.1)", "Pobrana (1.8.2)", "Status"]
    rows = [["2022-06-01 01:00:00", 0.0004, 0.0004, "Dane rzeczywiste"]]
    columns = read_meter_file(operator_sheet(headings, rows, []), file_name="r.xlsx").intervals
    assert columns.wh.tolist() == [1]
