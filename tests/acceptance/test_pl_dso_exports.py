"""Every Polish export that we have gives exactly the truth table, and every real file its own sums."""

import csv
import hashlib
import json
import re
from collections import Counter
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from ogniwo.core.kernel.quality import Quality
from ogniwo.formats.meter_files.reader import read_meter_file

PROSUMER = "590999010000000338"
TABLE = {
    "1.29.0": "import_kwh",
    "2.29.0": "export_kwh",
    "1.29.0/net": "import_after_netting_kwh",
    "2.29.0/net": "export_after_netting_kwh",
}
WARSAW = ZoneInfo("Europe/Warsaw")


@pytest.fixture(scope="module")
def folder(shared_data):
    return shared_data / "pl-dso-exports"


@pytest.fixture(scope="module")
def truth(folder):
    """(channel, ppe, start) to Wh."""
    table = {}
    with (folder / "generated" / "expected_hourly.csv").open(encoding="utf-8") as stream:
        for row in csv.DictReader(stream):
            start = int(datetime.strptime(row["ts_start_utc"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC).timestamp())
            for channel, column in TABLE.items():
                table[channel, row["ppe"], start] = int(Decimal(row[column]) * 1000)
    return table


def read(path, **options):
    return read_meter_file(path.read_bytes(), file_name=path.name, **options)


def values(reading):
    columns = reading.intervals
    keys = zip(
        (columns.channels[index] for index in columns.channel_index),
        (columns.points[index] for index in columns.point_index),
        columns.start_epoch_s.tolist(),
        strict=True,
    )
    return dict(zip(keys, columns.wh.tolist(), strict=True))


def local(year, month, day):
    return int(datetime(year, month, day, tzinfo=WARSAW).timestamp())


def hours(first, last):
    return range(local(*first), local(*last), 3600)


OCTOBER = ((2022, 10, 4), (2022, 11, 1))
ONE_DAY = ((2022, 10, 30), (2022, 10, 31))
COOPERATIVE = [PROSUMER, "590999010000000260", "590999010000000314"]


@pytest.mark.parametrize(
    ("name", "layout", "channels", "points", "span"),
    [
        ("tauron-elicznik-2022-10.csv", "tauron-elicznik", ["1.29.0", "2.29.0"], [PROSUMER], OCTOBER),
        ("tauron-elicznik-netto-2022-10-30.csv", "tauron-elicznik", ["1.29.0/net", "2.29.0/net"], [PROSUMER], ONE_DAY),
        (
            "tauron-elicznik-strefa-2022-10-28_2022-11-01.csv", "tauron-elicznik", ["1.29.0", "2.29.0"], [PROSUMER],
            ((2022, 10, 28), (2022, 11, 2)),
        ),
        (
            "Rap_godzinowy_2022-10-29_2022-10-31.csv", "tauron-business", ["1.29.0", "2.29.0"], COOPERATIVE,
            ((2022, 10, 29), (2022, 11, 1)),
        ),
        ("enea-ebok-2022.csv", "enea-ebok", list(TABLE), [PROSUMER], ((2022, 10, 4), (2022, 12, 17))),
        ("enea-ebok-2022-10-nul.csv", "enea-ebok", list(TABLE), [PROSUMER], ((2022, 10, 25), (2022, 11, 1))),
        ("enea-operator-pobrana-2022-10.xlsx", "enea-operator-dzien", ["1.29.0/net"], [PROSUMER], OCTOBER),
        ("enea-operator-oddana-2022-10.xlsx", "enea-operator-dzien", ["2.29.0/net"], [PROSUMER], OCTOBER),
        ("energa-2022-10-30-pobrana.json", "energa-moj-licznik", ["1.29.0"], [PROSUMER], ONE_DAY),
        ("energa-2022-10-30-oddana.json", "energa-moj-licznik", ["2.29.0"], [PROSUMER], ONE_DAY),
    ],
)  # fmt: skip
def test_generated_files_give_exactly_the_truth_for_every_hour_they_cover(
    folder, truth, name, layout, channels, points, span
):
    reading = read(folder / "generated" / name, point=PROSUMER)
    assert reading.layout == layout
    expected = {
        (channel, point, start): truth[channel, point, start]
        for channel in channels for point in points for start in hours(*span)
    }  # fmt: skip
    assert values(reading) == expected
    assert set(reading.intervals.seconds.tolist()) == {3600}
    assert {finding.code for finding in reading.findings} <= {"read.point_replaced"}
    assert reading.sha256 == hashlib.sha256((folder / "generated" / name).read_bytes()).hexdigest()


def test_every_generated_file_is_covered_by_a_test(folder):
    tested = {mark.args[1][index][0] for mark in [generated_files_mark()] for index in range(len(mark.args[1]))}
    names = {path.name for path in (folder / "generated").iterdir()} - {"expected_hourly.csv"}
    assert {name for name in names if not name.startswith("SE_")} == tested


def generated_files_mark():
    function = test_generated_files_give_exactly_the_truth_for_every_hour_they_cover
    [mark] = [mark for mark in function.pytestmark if mark.name == "parametrize"]
    return mark


@pytest.mark.parametrize("name", ["enea-operator-pobrana-2022-10.xlsx", "enea-operator-oddana-2022-10.xlsx"])
def test_the_five_estimated_hours_stay_estimated(folder, name):
    columns = read(folder / "generated" / name).intervals
    estimated = columns.start_epoch_s[columns.quality == Quality.ESTIMATED_BY_OPERATOR].tolist()
    assert estimated == [local(2022, 10, 12) + hour * 3600 for hour in range(11, 16)]
    assert Counter(columns.quality.tolist())[Quality.MEASURED] == columns.count - 5


@pytest.mark.parametrize(("day", "count"), [("20221029", 24), ("20221030", 25), ("20221031", 24)])
def test_cooperative_files_give_the_truth_and_their_own_total(folder, truth, day, count):
    path = folder / "generated" / f"SE_SEPN01_{day}_1.csv"
    reading = read(path)
    got = values(reading)
    start = local(int(day[:4]), int(day[4:6]), int(day[6:]))
    assert got.keys() == {
        (channel, point, start + hour * 3600)
        for channel in ("1.29.0", "2.29.0") for point in (*COOPERATIVE, "SEPN01") for hour in range(count)
    }  # fmt: skip
    for (channel, point, moment), wh in got.items():
        members = COOPERATIVE if point == "SEPN01" else [point]
        assert wh == sum(truth[channel, member, moment] for member in members)
    assert dict(reading.facts)["cooperative"] == "SEPN01"
    flags = Counter(re.findall(r"\.\d{3},([+*])", path.read_text("cp1250")))
    quality = Counter(reading.intervals.quality.tolist())
    assert quality == Counter({Quality.MEASURED: flags["+"], Quality.ESTIMATED_BY_OPERATOR: flags["*"]}) - Counter()
    assert reading.findings == ()


TAURON_REAL = [
    "sample", "sample-CEST-to-CET", "sample-CET-to-CEST", "sample-different-array-sizes",
    "sample-missing-data-on-day4", "sample-missing-day4",
]  # fmt: skip


@pytest.mark.parametrize("name", TAURON_REAL)
def test_real_tauron_files_have_the_counts_sums_and_gaps_of_their_text(folder, name):
    path = folder / "real" / f"tauron-elicznik-{name}.csv"
    counts, sums, labels = Counter(), Counter(), {"pobór": [], "oddanie": []}
    for line in path.read_text("utf-8").splitlines()[1:]:
        label, value, kind, _ = line.split(";")
        counts[kind] += 1
        sums[kind] += Decimal(value.replace(",", "."))
        labels[kind].append(label)
    reading = read(path, point=PROSUMER)
    columns = reading.intervals
    for channel, kind in enumerate(("pobór", "oddanie")):
        chosen = columns.channel_index == channel
        assert int(chosen.sum()) == counts[kind]
        assert Decimal(int(columns.wh[chosen].sum())) == sums[kind] * 1000
    days = sorted({label.split()[0] for kind in labels.values() for label in kind})
    first = datetime.strptime(days[0], "%Y-%m-%d").replace(tzinfo=WARSAW)
    end = datetime.strptime(days[-1], "%Y-%m-%d").replace(tzinfo=WARSAW) + timedelta(days=1)
    expected = int(end.timestamp() - first.timestamp()) // 3600
    assert int(columns.start_epoch_s.min()) == int(first.timestamp())
    assert int(columns.start_epoch_s.max()) == int(end.timestamp()) - 3600
    absent = {finding.channel: int(dict(finding.facts)["intervals"]) for finding in reading.findings}
    assert {finding.code for finding in reading.findings} <= {"read.gap"}
    lacking = {"1.29.0": expected - counts["pobór"], "2.29.0": expected - counts["oddanie"]}
    assert absent == {channel: lack for channel, lack in lacking.items() if lack}


def test_the_days_of_change_have_25_and_23_hours_in_a_row(folder):
    for name, count, day in [("CEST-to-CET", 25, (2022, 10, 30)), ("CET-to-CEST", 23, (2022, 3, 27))]:
        columns = read(folder / "real" / f"tauron-elicznik-sample-{name}.csv", point=PROSUMER).intervals
        for channel in range(2):
            starts = columns.start_epoch_s[columns.channel_index == channel].tolist()
            assert starts == [local(*day) + 3600 * hour for hour in range(count)]
    twice = read(folder / "real" / "tauron-elicznik-sample-CEST-to-CET.csv", point=PROSUMER).intervals
    assert twice.wh.tolist()[2:4] == [221, 222]


@pytest.mark.parametrize("name", ["consumed_multiple_zones", "consumed_one_zone", "produced_two_zones"])
def test_real_energa_files_keep_their_code_with_a_warning(folder, name):
    path = folder / "real" / f"energa-moj-licznik-{name}.json"
    response = json.loads(path.read_text("utf-8"), parse_float=Decimal)["response"]
    expected = {
        int(item["tm"]) // 1000: sum(Decimal(zone) for zone in item["zones"] if zone is not None) * 1000
        for item in response["mainChart"]
    }
    reading = read(path)
    columns = reading.intervals
    assert columns.points == ("0123456789",)
    assert columns.channels == (("2.29.0",) if name.startswith("produced") else ("1.29.0",))
    assert dict(zip(columns.start_epoch_s.tolist(), columns.wh.tolist(), strict=True)) == expected
    assert set(columns.quality.tolist()) == {Quality.MEASURED}
    assert [finding.code for finding in reading.findings] == ["read.point_code"]


def test_the_real_enea_file_gives_five_hours_of_four_channels_and_its_gaps(folder):
    reading = read(folder / "real" / "enea-ebok-test_data.csv", point=PROSUMER)
    hour = 3600
    starts = [
        local(2024, 5, 1) + 4 * hour, local(2024, 5, 1) + 10 * hour, local(2024, 5, 1) + 22 * hour,
        local(2024, 5, 2) + 11 * hour, local(2024, 5, 4) + 10 * hour,
    ]  # fmt: skip
    rows = [(1000, 0, 1000, 0), (500, 3000, 0, 2500), (2000, 0, 2000, 0), (2500, 0, 2500, 0), (200, 5000, 0, 4800)]
    assert values(reading) == {
        (channel, PROSUMER, start): row[index]
        for start, row in zip(starts, rows, strict=True) for index, channel in enumerate(TABLE)
    }  # fmt: skip
    gaps = {(finding.channel, finding.start_epoch_s, finding.end_epoch_s) for finding in reading.findings}
    assert gaps == {
        (channel, earlier + hour, later)
        for channel in TABLE for earlier, later in pairwise(starts)
    }  # fmt: skip


def test_manual_readings_are_the_same_from_text_and_from_the_workbook(shared_data):
    folder = shared_data / "registers-obis"
    text, book = read(folder / "manual-readings.csv"), read(folder / "manual-readings.xlsx")
    maxima = read(folder / "manual-maxima.csv")
    assert (len(text.registers), len(maxima.maxima)) == (61, 50)
    plain = [
        (r.point, r.meter, r.obis, r.epoch_s, r.value_e3, r.unit, r.origin, r.multiplier, r.row) for r in text.registers
    ]
    assert plain == [
        (r.point, r.meter, r.obis, r.epoch_s, r.value_e3, r.unit, r.origin, r.multiplier, r.row) for r in book.registers
    ]
    assert [(m.month, m.rank, m.power_w, m.epoch_s) for m in maxima.maxima] == [
        (m.month, m.rank, m.power_w, m.epoch_s) for m in book.maxima
    ]
    with (folder / "manual-readings.csv").open(encoding="utf-8-sig") as stream:
        rows = list(csv.DictReader(stream, delimiter=";"))
    assert [Decimal(r.value_e3) / 1000 for r in text.registers] == [
        Decimal(r["Wskazanie"].replace(",", ".")) for r in rows
    ]
    stamps = [datetime.strptime(r["Data i godzina odczytu"], "%Y-%m-%d %H:%M").replace(tzinfo=WARSAW) for r in rows]
    assert [r.epoch_s for r in text.registers] == [int(stamp.timestamp()) for stamp in stamps]
    assert {r.digits for r in text.registers if r.point == "590999090000000019"} == {5}
    with (folder / "manual-maxima.csv").open(encoding="utf-8-sig") as stream:
        powers = [Decimal(row["Moc [kW]"].replace(",", ".")) for row in csv.DictReader(stream, delimiter=";")]
    assert [Decimal(m.power_w) / 1000 for m in maxima.maxima] == powers
