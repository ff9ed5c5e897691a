from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from ogniwo.core.kernel.ids import gs1_check_digit
from ogniwo.formats.meter_files.model import FileRefusedError
from ogniwo.formats.meter_files.reader import read_meter_file

BODY = "59099903000000001"
PPE = f"{BODY}{gs1_check_digit(BODY)}"
WARSAW = ZoneInfo("Europe/Warsaw")
READINGS = "PPE;Nr licznika;Data i godzina odczytu;OBIS;Wskazanie;Jednostka;Mnożna;Rodzaj odczytu;Uwagi\n"
MAXIMA = "PPE;Okres;Lp.;Moc [kW];Data i godzina\n"


def read(text):
    return read_meter_file(text.encode("utf-8-sig"), file_name="form.csv")


def refused(text):
    with pytest.raises(FileRefusedError) as caught:
        read(text)
    return [(finding.code, finding.row, finding.column) for finding in caught.value.findings]


def test_a_register_reading_as_it_was_written():
    text = READINGS + f"{PPE};00000011;2022-10-04 06:30;1.8.1;12333,443;kWh;40;zdalny;\n"
    [reading] = read(text).registers
    assert (reading.point, reading.meter, reading.obis, reading.unit) == (PPE, "00000011", "1-1:1.8.1*255", "kWh")
    assert (reading.value_e3, reading.multiplier, reading.origin, reading.digits) == (12_333_443, 40, "remote", 0)
    assert reading.epoch_s == datetime(2022, 10, 4, 6, 30, tzinfo=WARSAW).timestamp()
    assert (reading.source, reading.row) == ("form.csv", 2)


def test_counter_digits_are_known_from_leading_zeros_or_a_remark():
    rows = [("00105,5", ""), ("105", "liczydło 6-cyfrowe"), ("0,5", ""), ("99712", "")]
    text = READINGS + "".join(f"{PPE};1;2022-10-04 00:00;1.8.0;{v};kWh;;fizyczny;{r}\n" for v, r in rows)
    assert [reading.digits for reading in read(text).registers] == [5, 6, 0, 0]


def test_obis_codes_become_full_from_any_spelling():
    codes = ["1.8.0", "1-0:1.8.0*255", "Energia czynna pobrana (1.8.1)", "A+"]
    text = READINGS + "".join(f"{PPE};1;2022-10-04;{code};1;kWh;1;fizyczny;\n" for code in codes)
    full = ["1-1:1.8.0*255", "1-1:1.8.0*255", "1-1:1.8.1*255", "1-1:1.8.0*255"]
    assert [reading.obis for reading in read(text).registers] == full


def test_units_are_normalised_and_offsets_are_instants():
    text = READINGS + f"{PPE};1;2022-10-30T01:00:00Z;5.8.0;1,5;Mvarh;1;ręczny;\n"
    [reading] = read(text).registers
    assert (reading.unit, reading.value_e3, reading.epoch_s) == ("kvarh", 1_500_000, 1667091600)


def test_faults_of_readings_are_named_by_row_and_column():
    rows = [
        f"{PPE};1;2022-10-04;A1;1;kWh;1;fizyczny;",
        f"{PPE};1;2022-10-04;1.8.0;1,2345;kWh;1;fizyczny;",
        f"{PPE};1;2022-03-27 02:30;1.8.0;1;kWh;1;fizyczny;",
        f"{PPE};1;wczoraj;1.8.0;1;kW;1,5;zgadnięty;",
    ]
    assert refused(READINGS + "\n".join(rows)) == [
        ("read.unknown_word", 2, "OBIS"),
        ("read.not_a_number", 3, "Wskazanie"),
        ("read.absent_hour", 4, "Data i godzina odczytu"),
        ("read.not_a_time", 5, "Data i godzina odczytu"),
        ("read.not_a_number", 5, "Mnożna"),
        ("read.unknown_word", 5, "Jednostka"),
        ("read.unknown_word", 5, "Rodzaj odczytu"),
    ]


def test_a_reading_in_the_repeated_hour_is_summer_time_with_a_warning():
    reading = read(READINGS + f"{PPE};1;2022-10-30 02:30;1.8.0;1;kWh;1;fizyczny;\n")
    assert reading.registers[0].epoch_s == datetime(2022, 10, 30, 2, 30, tzinfo=WARSAW, fold=0).timestamp()
    assert [finding.code for finding in reading.findings] == ["read.repeated_hour_once"]


def test_a_maximum_as_it_was_written():
    [maximum] = read(MAXIMA + f"{PPE};2016-01;1;175,360;2016-01-26 18:00\n").maxima
    assert (maximum.point, maximum.month, maximum.rank, maximum.power_w) == (PPE, "2016-01", 1, 175_360)
    assert maximum.epoch_s == datetime(2016, 1, 26, 18, tzinfo=WARSAW).timestamp()
    assert (maximum.source, maximum.row) == ("form.csv", 2)


def test_faults_of_maxima_are_named_by_row_and_column():
    rows = [
        f"{PPE};2016-13;1;175;2016-01-26 18:00",
        f"{PPE};2016-01;11;175;2016-01-26 18:00",
        f"{PPE};2016-01;1;dużo;2016-01-26 18:00",
        f"{PPE};2016-01;2;1;2016-01-26 18:00",
        f"{PPE};2016-01;2;1;2016-01-26 19:00",
    ]
    assert refused(MAXIMA + "\n".join(rows)) == [
        ("read.not_a_time", 2, "Okres"),
        ("read.not_a_number", 3, "Lp."),
        ("read.not_a_number", 4, "Moc [kW]"),
        ("read.duplicate_label", 6, "Lp."),
    ]
