from datetime import UTC, date, datetime, timedelta

import pytest

from ogniwo.formats.meter_files.labels import LabelKind, LabelReader

ALL = ("year-first", "day-first", "serial", "offset")


def seconds(*parts):
    return int(datetime(*parts, tzinfo=UTC).timestamp())


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("2022-10-30 1:00", seconds(2022, 10, 30, 1)),
        ("2022-10-30 24:00", seconds(2022, 10, 31)),
        ("2022-10-30T01:15:00", seconds(2022, 10, 30, 1, 15)),
        ("2022/10/30 01:15", seconds(2022, 10, 30, 1, 15)),
        ("30.10.2022 02:59", seconds(2022, 10, 30, 2, 59)),
        ("30-10-2022", seconds(2022, 10, 30)),
        (date(2022, 10, 30), seconds(2022, 10, 30)),
        (datetime(2022, 10, 30, 0, 14, 59, 999_600), seconds(2022, 10, 30, 0, 15)),  # noqa: DTZ001 -- a cell has no zone
        ("46181", seconds(2026, 6, 8)),
        (46181.0, seconds(2026, 6, 8)),
        ("46181,0416666667", seconds(2026, 6, 8, 1)),
    ],
)
def test_local_labels(cell, expected):
    label = LabelReader(forms=ALL).read(cell)
    assert (label.seconds, label.kind) == (expected, LabelKind.LOCAL)


def test_the_serial_of_a_day_counts_from_the_end_of_1899():
    assert date(1899, 12, 30) + timedelta(days=46181) == date(2026, 6, 8)


@pytest.mark.parametrize(
    "cell",
    ["", "Suma", "2022-02-30 01:00", "2022-10-30 24:15", "2022-10-30 25:00", "2022-10-30 1:60", "22-10-30", True, None,
     "2022-13-01", "9999-01-01 00:00"],
)  # fmt: skip
def test_what_is_no_label(cell):
    assert LabelReader(forms=ALL).read(cell) is None


def test_offsets_make_labels_absolute():
    reader = LabelReader(forms=ALL)
    for cell in ("2022-10-30T01:00:00Z", "2022-10-30T03:00+02:00", "2022-10-30 00:00:00-0100"):
        label = reader.read(cell)
        assert (label.seconds, label.kind) == (seconds(2022, 10, 30, 1), LabelKind.ABSOLUTE)


def test_a_layout_reads_only_the_forms_it_names():
    assert LabelReader(forms=("day-first",)).read("2022-10-30 01:00") is None
    assert LabelReader(forms=("year-first",)).read("46181") is None
    assert LabelReader(forms=("year-first",)).read("2022-10-30T01:00:00Z") is None


def test_the_mark_of_the_repeated_hour():
    label = LabelReader(forms=("year-first",), mark="czasu zimowego").read("2022-10-30 03:00:00 czasu zimowego")
    assert (label.seconds, label.kind) == (seconds(2022, 10, 30, 3), LabelKind.REPEATED)
    assert LabelReader(forms=("year-first",), mark="A").read("A") is None
