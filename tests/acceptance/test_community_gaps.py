"""Real defects of community exports: gaps, a silent change to UTC, and the operator's figures that do not add up."""

import csv
import gzip
from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from ogniwo.core.kernel.calendar import grid_of_days
from ogniwo.core.kernel.findings import Severity
from ogniwo.core.kernel.quality import Quality
from ogniwo.core.metering.model import EXPORT, IMPORT, IntervalSeries
from ogniwo.core.metering.solar import Location
from ogniwo.core.metering.validation.assessment import PointMonth, assess
from ogniwo.core.metering.validation.community import CommunityAccount, check_community_balance
from ogniwo.core.metering.validation.completeness import check_completeness
from ogniwo.core.metering.validation.parameters import RuleParameters
from ogniwo.core.metering.validation.time_base import check_label_shape, check_time_base

VIENNA = "Europe/Vienna"
GRID = grid_of_days(date(2023, 1, 1), date(2023, 5, 1), zone=VIENNA)
SOMEWHERE_IN_AUSTRIA = Location(latitude_e6=48_000_000, longitude_e6=15_000_000)
GAPS = (("2023-03-18 00:00", "2023-03-24 22:45"), ("2023-04-16 22:00", "2023-04-17 21:45"))
UTC_FROM = "2023-03-24 23:00"


def rows_of(path):
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def micro_kwh(text):
    """Exact integers of 10^-6 kWh; None where the source had no value."""
    if not text:
        return None
    value = Decimal(text) * 1_000_000
    assert value == int(value)
    return int(value)


def local_epoch(label):
    return int(datetime.fromisoformat(label).replace(tzinfo=ZoneInfo(VIENNA)).timestamp())


@pytest.fixture(scope="module")
def raw(shared_data):
    result = defaultdict(list)
    for row in rows_of(shared_data / "community-at-2023-gaps" / "raw.csv.gz"):
        result[row["ppe"]].append(row)
    return result


def series_of(rows, *, utc_from):
    """The export on a grid: labels are starts, local time before `utc_from`, UTC from it on."""
    values = np.zeros(GRID.slots, dtype=np.int32)
    quality = np.full(GRID.slots, Quality.MISSING, dtype=np.uint8)
    column, channel = ("metered_kwh", IMPORT) if rows[0]["role"] == "consumer" else ("generated_kwh", EXPORT)
    for row in rows:
        label = row["label"]
        if label < utc_from and label.startswith("2023-03-26 02"):
            continue  # an hour that local time does not have; V4 reports it
        utc = int(datetime.fromisoformat(label).replace(tzinfo=UTC).timestamp())
        slot = GRID.slot_of(local_epoch(label) if label < utc_from else utc)
        if slot is not None:
            values[slot] = micro_kwh(row[column]) // 1_000
            quality[slot] = Quality.MEASURED
    return IntervalSeries(point=rows[0]["ppe"], channel=channel, grid=GRID, wh=values, quality=quality)


def test_v1_names_both_gaps_exactly_for_every_point(raw):
    assert len(raw) == 5
    for rows in raw.values():
        findings = check_completeness(series_of(rows, utc_from="9999"), RuleParameters())
        assert [(finding.start_epoch_s, finding.end_epoch_s) for finding in findings] == [
            (local_epoch(first), local_epoch(last) + 900) for first, last in GAPS
        ]
        assert {(finding.code, finding.severity) for finding in findings} == {("V1.missing", Severity.ERROR)}
        assert [dict(finding.facts)["slots_missing"] for finding in findings] == ["668", "96"]


def test_v4_finds_the_label_that_local_time_does_not_have(raw):
    for point, rows in raw.items():
        stamps = [datetime.fromisoformat(row["label"]) for row in rows]
        labels = [(stamp.date(), stamp.hour * 60 + stamp.minute) for stamp in stamps]
        (finding,) = check_label_shape(labels, point=point, zone=VIENNA)
        assert finding.code == "V4.skipped_hour_present"
        facts = dict(finding.facts)
        assert (facts["day"], facts["labels"]) == ("2023-03-26", "02:00, 02:15, 02:30, 02:45")


def test_v3_finds_the_change_to_utc_and_is_content_once_it_is_put_right(raw):
    (producer,) = (rows for rows in raw.values() if rows[0]["role"] == "producer")
    parameters = RuleParameters()
    (finding,) = check_time_base(series_of(producer, utc_from="9999"), parameters, location=SOMEWHERE_IN_AUSTRIA)
    assert finding.start_epoch_s == local_epoch("2023-03-25 00:00"), "the first whole day after the gap"
    assert finding.end_epoch_s == local_epoch("2023-05-01 00:00")
    assert -100 < int(dict(finding.facts)["median_minutes"]) < -60
    right = series_of(producer, utc_from=UTC_FROM)
    assert check_time_base(right, parameters, location=SOMEWHERE_IN_AUSTRIA) == ()


def test_the_gap_keeps_the_points_out_of_a_bill(raw):
    rows = raw["590999020000000023"]
    result = assess(PointMonth(series=series_of(rows, utc_from="9999")))
    assert not result.billable
    assert "V1" in result.blocking


def account_of(rows):
    """The operator's figures as arrays of 10^-6 kWh over every interval of the file."""
    starts = sorted({row["ts_start_utc"] for row in rows})
    slot_of = {start: slot for slot, start in enumerate(starts)}
    consumers = sorted({row["ppe"] for row in rows if row["role"] == "consumer"})
    producers = sorted({row["ppe"] for row in rows if row["role"] == "producer"})
    names = {
        "consumer": (consumers, ("metered_kwh", "share_kwh", "covered_kwh")),
        "producer": (producers, ("generated_kwh", "surplus_kwh")),
    }
    arrays = {
        column: np.zeros((len(points), len(starts)), dtype=np.int64)
        for points, columns in names.values()
        for column in columns
    }
    present = {role: np.zeros((len(points), len(starts)), dtype=np.bool_) for role, (points, _) in names.items()}
    index = {point: row for points, _ in names.values() for row, point in enumerate(points)}
    for row in rows:
        _, columns = names[row["role"]]
        values = [micro_kwh(row[column]) for column in columns]
        if None in values:
            continue
        place = index[row["ppe"]], slot_of[row["ts_start_utc"]]
        present[row["role"]][place] = True
        for column, value in zip(columns, values, strict=True):
            arrays[column][place] = value
    return CommunityAccount(
        community="real",
        slot_s=900,
        start_epoch_s=np.array([int(datetime.fromisoformat(start).timestamp()) for start in starts]),
        consumers=tuple(consumers),
        producers=tuple(producers),
        metered=arrays["metered_kwh"],
        share=arrays["share_kwh"],
        covered=arrays["covered_kwh"],
        consumer_present=present["consumer"],
        generated=arrays["generated_kwh"],
        surplus=arrays["surplus_kwh"],
        producer_present=present["producer"],
    )


@pytest.fixture(scope="module")
def autumn(shared_data):
    return rows_of(shared_data / "community-at-2022q4" / "profiles.csv.gz")


def differences(rows, left, right):
    """Independent of the product: by interval, sums of named columns, left minus right, in 10^-6 kWh."""
    result = defaultdict(int)
    for row in rows:
        for column in left:
            result[row["ts_start_utc"]] += micro_kwh(row[column]) or 0
        for column in right:
            result[row["ts_start_utc"]] -= micro_kwh(row[column]) or 0
    return result


def test_v20_names_the_documented_intervals_of_the_real_community(autumn):
    account = account_of(autumn)
    assert len(account.start_epoch_s) == 7_204
    found = defaultdict(dict)
    for finding in check_community_balance(account, tolerance=RuleParameters().v20_tolerance):
        stamp = datetime.fromtimestamp(finding.start_epoch_s, tz=UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        found[finding.code][stamp] = int(dict(finding.facts)["difference"])
    assert sorted(found) == ["V20.share_sum", "V20.surplus"], "covered = min(share, metered) everywhere"

    shares = differences(autumn, ["generated_kwh"], ["share_kwh"])
    documented = {stamp: value for stamp, value in shares.items() if abs(value) > 1_000}
    assert len(documented) == 22
    assert {stamp[:10] for stamp in documented} == {"2022-10-04", "2022-10-05", "2022-10-06"}
    assert found["V20.share_sum"] == documented

    surplus = differences(autumn, ["generated_kwh"], ["covered_kwh", "surplus_kwh"])
    documented = {stamp: value for stamp, value in surplus.items() if value > 200}
    assert len(documented) == 284
    assert found["V20.surplus"] == documented
    assert max(documented.values()) == 919_249
    assert sum(documented.values()) == pytest.approx(64_000_000, abs=100_000)


def test_v20_finds_the_day_on_which_covered_energy_is_wrong(shared_data):
    rows = rows_of(shared_data / "community-at-2023-gaps" / "raw.csv.gz")
    before = [{**row, "ts_start_utc": row["label"] + "+00:00"} for row in rows]
    covered = [f for f in check_community_balance(account_of(before), tolerance=2) if f.code == "V20.covered"]
    assert {finding.point for finding in covered} == {"590999020000000030"}
    days = {datetime.fromtimestamp(finding.start_epoch_s, tz=UTC).date() for finding in covered}
    assert days == {date(2023, 4, 1)}
    assert sum(int(dict(finding.facts)["intervals"]) for finding in covered) == 85


def test_v20_has_nothing_to_say_about_the_reference(shared_data):
    rows = rows_of(shared_data / "community-at-2023-gaps" / "reference.csv.gz")
    assert check_community_balance(account_of(rows), tolerance=1) == ()
    days = {datetime.fromisoformat(row["ts_start_utc"]).astimezone(ZoneInfo(VIENNA)).date() for row in rows}
    assert len(days) == 120
    assert max(days) - min(days) == timedelta(days=119)
