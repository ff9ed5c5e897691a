"""The spreadsheet of a real community equals its profiles, value by value; the one with defects tells its defects."""

import csv
import gzip
import re
from collections import Counter
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from ogniwo.core.kernel.findings import Severity
from ogniwo.core.kernel.quality import Quality
from ogniwo.formats.meter_files.layout import layout_from_toml
from ogniwo.formats.meter_files.reader import read_meter_file

COLUMNS = {
    "metered_kwh": "1.29.0",
    "share_kwh": "operator/share",
    "covered_kwh": "operator/covered",
    "generated_kwh": "2.29.0",
    "surplus_kwh": "operator/surplus",
}
VIENNA = ZoneInfo("Europe/Vienna")
FORMATS = Path(__file__).resolve().parents[2] / "docs" / "formats.md"


def wh(text):
    return int((Decimal(text) * 1000).quantize(Decimal(1), ROUND_HALF_UP))


def rows(path):
    with gzip.open(path, "rt", encoding="utf-8") as stream:
        yield from csv.DictReader(stream)


def read(folder):
    return read_meter_file((folder / "eda-export.xlsx").read_bytes(), file_name="eda-export.xlsx")


def series(reading):
    columns = reading.intervals
    changes = np.flatnonzero((np.diff(columns.point_index) != 0) | (np.diff(columns.channel_index) != 0)) + 1
    bounds = [0, *changes.tolist(), columns.count]
    return {
        (columns.points[columns.point_index[first]], columns.channels[columns.channel_index[first]]): slice(first, end)
        for first, end in pairwise(bounds)
    }


@pytest.fixture(scope="module")
def quarter(shared_data):
    return read(shared_data / "community-at-2022q4")


def test_every_value_of_the_community_equals_its_profile(shared_data, quarter):
    expected, rounded = {}, Counter()
    for row in rows(shared_data / "community-at-2022q4" / "profiles.csv.gz"):
        start = int(datetime.fromisoformat(row["ts_start_utc"]).timestamp())
        for column, channel in COLUMNS.items():
            if row[column]:
                expected[row["ppe"], channel, start] = wh(row[column])
                rounded[row["ppe"], channel] += Decimal(row[column]) * 1000 % 1 != 0
    columns = quarter.intervals
    present = columns.quality != Quality.MISSING
    got = dict(
        zip(
            zip(
                (columns.points[index] for index in columns.point_index[present]),
                (columns.channels[index] for index in columns.channel_index[present]),
                columns.start_epoch_s[present].tolist(),
                strict=True,
            ),
            columns.wh[present].tolist(),
            strict=True,
        )
    )
    assert len(got) == int(present.sum())
    assert got == expected
    assert set(columns.seconds.tolist()) == {900}
    notes = {
        (finding.point, finding.channel): int(dict(finding.facts)["values"])
        for finding in quarter.findings if finding.code == "read.rounded"
    }  # fmt: skip
    assert notes == {key: count for key, count in rounded.items() if count}


def test_the_time_before_a_member_joined_is_missing_and_points_without_data_are_named(shared_data, quarter):
    with (shared_data / "community-at-2022q4" / "members.csv").open(encoding="utf-8") as stream:
        members = {row["ppe"]: row for row in csv.DictReader(stream)}
    without = {ppe for ppe, row in members.items() if row["intervals"] == "0"}
    assert {finding.point for finding in quarter.findings if finding.code == "read.no_data"} == without
    assert set(quarter.intervals.points) == set(members) - without
    late = {ppe: row["first"] for ppe, row in members.items() if row["first"] > "2022-10-03 22:00:00+00:00"}
    ends = {finding.point: finding.end_epoch_s for finding in quarter.findings if finding.code == "read.missing"}
    assert {ppe: ends[ppe] for ppe in late} == {
        ppe: int(datetime.fromisoformat(first).timestamp()) for ppe, first in late.items()
    }
    assert not (quarter.intervals.wh[quarter.intervals.quality == Quality.MISSING]).any()


def test_the_day_of_100_quarters_is_whole(quarter):
    begin = int(datetime(2022, 10, 30, tzinfo=VIENNA).timestamp())
    for part in series(quarter).values():
        starts = quarter.intervals.start_epoch_s[part]
        day = starts[(starts >= begin) & (starts < begin + 90_000)]
        assert day.tolist() == list(range(begin, begin + 90_000, 900))


def test_reading_again_is_equal(shared_data, quarter):
    again = read(shared_data / "community-at-2022q4")
    for name in ("point_index", "channel_index", "start_epoch_s", "seconds", "wh", "quality", "row"):
        assert np.array_equal(getattr(again.intervals, name), getattr(quarter.intervals, name))
    assert (again.findings, again.facts, again.sha256) == (quarter.findings, quarter.facts, quarter.sha256)


@pytest.fixture(scope="module")
def defective(shared_data):
    return read(shared_data / "community-at-2023-gaps")


def local_start(label):
    return int(datetime.strptime(label, "%Y-%m-%d %H:%M").replace(tzinfo=VIENNA).timestamp())


def test_the_defective_file_gives_every_value_except_the_hour_that_does_not_exist(shared_data, defective):
    expected, left_out = {}, 0
    for row in rows(shared_data / "community-at-2023-gaps" / "raw.csv.gz"):
        for column, channel in COLUMNS.items():
            if not row[column]:
                continue
            if row["label"].startswith("2023-03-26 02"):
                left_out += 1
                continue
            expected[row["ppe"], channel, local_start(row["label"])] = wh(row[column])
    got = {}
    for (point, channel), part in series(defective).items():
        starts, values = defective.intervals.start_epoch_s[part].tolist(), defective.intervals.wh[part].tolist()
        got |= {(point, channel, start): value for start, value in zip(starts, values, strict=True)}
    assert got == expected
    assert left_out == 4 * len(series(defective))


def test_the_defective_file_tells_its_gaps_and_its_change_of_clock(defective):
    gaps = {
        (finding.start_epoch_s, finding.end_epoch_s) for finding in defective.findings if finding.code == "read.gap"
    }
    assert gaps == {
        (local_start("2023-03-18 00:00"), local_start("2023-03-24 23:00")),
        (local_start("2023-04-16 22:00"), local_start("2023-04-17 22:00")),
    }
    [slip] = [finding for finding in defective.findings if finding.code == "read.absent_hour"]
    assert slip.severity is Severity.ERROR
    facts = dict(slip.facts)
    assert facts["rows"] == "4"
    # The run that holds the impossible hour begins exactly where the export changed from local time to UTC.
    assert (facts["run_first_label"], facts["run_last_label"]) == ("2023-03-24 23:00", "2023-04-16 21:45")


def test_the_worked_example_of_the_documentation_reads_a_real_portuguese_file(shared_data):
    text = FORMATS.read_text(encoding="utf-8")
    [example] = re.findall(r"```toml\n(# e-redes.*?)```", text, flags=re.DOTALL)
    path = shared_data / "intl-formats" / "e-redes-pt-15min-year.xlsx"
    reading = read_meter_file(path.read_bytes(), file_name=path.name, layouts=[layout_from_toml(example)])
    columns = reading.intervals
    lisbon = ZoneInfo("Europe/Lisbon")
    begin = int(datetime(2024, 9, 13, tzinfo=lisbon).timestamp())
    end = int(datetime(2025, 9, 13, tzinfo=lisbon).timestamp())
    assert columns.start_epoch_s.tolist() == list(range(begin, end, 900))
    assert int((columns.quality == Quality.ESTIMATED_BY_OPERATOR).sum()) == 277
    assert columns.wh[:4].tolist() == [878, 867, 881, 573]
    assert datetime.fromtimestamp(begin, tz=UTC).hour == 23
