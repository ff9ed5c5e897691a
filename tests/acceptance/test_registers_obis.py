"""Registers, manual forms, ten maxima and 15-minute counters against their expected results (data/registers-obis)."""

import csv
import json
from collections import defaultdict
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from itertools import pairwise
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ogniwo.core.kernel.calendar import grid_of_days
from ogniwo.core.kernel.quality import Quality
from ogniwo.core.metering.estimation import EstimationContext, fill_gaps
from ogniwo.core.metering.intervals import intervals_from_registers
from ogniwo.core.metering.model import MaximumPower, RegisterReading
from ogniwo.core.metering.obis import normalise_obis
from ogniwo.core.metering.readings import digits_of_texts
from ogniwo.core.metering.registers import consumption, expected_use
from ogniwo.core.metering.validation.parameters import RuleParameters
from ogniwo.core.metering.validation.register_checks import check_zones
from ogniwo.core.metering.validation.ten_maxima import check_ten_maxima

WARSAW = ZoneInfo("Europe/Warsaw")
ORIGINS = {
    "fizyczny": "physical",
    "szacowany": "estimate",
    "demontaż": "removal",
    "montaż": "installation",
    "zmiana mnożnej": "ratio_change",
}


def local_epoch(text):
    return int(datetime.fromisoformat(text).replace(tzinfo=WARSAW).timestamp())


def kilo(text):
    """Milli-units of a decimal text with comma or dot."""
    value = Decimal(text.replace(",", ".")) * 1_000
    assert value == int(value)
    return int(value)


@pytest.fixture(scope="module")
def folder(shared_data):
    return shared_data / "registers-obis"


@pytest.fixture(scope="module")
def readings(folder):
    """The readings of the manual form by point and register."""
    with (folder / "manual-readings.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file, delimiter=";"))
    texts = defaultdict(list)
    for row in rows:
        texts[row["Nr licznika"], row["OBIS"]].append(row["Wskazanie"])
    result = defaultdict(list)
    for number, row in enumerate(rows, start=2):
        reading = RegisterReading(
            point=row["PPE"],
            meter=row["Nr licznika"],
            obis=normalise_obis(row["OBIS"]),
            epoch_s=local_epoch(row["Data i godzina odczytu"]),
            value_e3=kilo(row["Wskazanie"]),
            unit=row["Jednostka"],
            origin=ORIGINS[row["Rodzaj odczytu"]],
            multiplier=int(row["Mnożna"]),
            digits=digits_of_texts(texts[row["Nr licznika"], row["OBIS"]]),
            source="manual-readings.csv",
            row=number,
        )
        result[reading.point, reading.obis].append(reading)
    return result


@pytest.fixture(scope="module")
def expected(folder):
    return json.loads((folder / "manual-expected.json").read_text(encoding="utf-8"))


def use(readings, ppe, first="2025-01-01 00:00", last="2025-02-01 00:00", **arguments):
    register = readings[ppe, "1-1:1.8.0*255"]
    return consumption(register, start_epoch_s=local_epoch(first), end_epoch_s=local_epoch(last), **arguments)


def codes(result):
    return [finding.code for finding in result.findings]


def test_rollover(readings, expected):
    case = expected["rollover"]
    month = expected_use(comparable_wh=350_000, span_s=31 * 86_400)
    result = use(readings, case["ppe"], expected=month)
    assert result.energy_wh == kilo(case["kwh"])
    assert codes(result) == ["V15.rollover"]
    assert "100105.000 - 99712.000" in result.segments[0].why
    assert use(readings, case["ppe"]).energy_wh is None, "without a plausible use a person decides"


def test_replacement(readings, expected):
    case = expected["replacement"]
    result = use(readings, case["ppe"])
    assert result.energy_wh == kilo(case["kwh"])
    assert result.meters == ("00000041", "00000042")
    assert codes(result) == ["V16.replacement"]


def test_multiplier_change(readings, expected):
    case = expected["multiplier_change"]
    result = use(readings, case["ppe"])
    assert result.energy_wh == kilo(case["kwh"])
    assert [(segment.difference_e3, segment.multiplier) for segment in result.segments] == [(50_000, 20), (51_500, 40)]
    assert codes(result) == ["V17.split"]


def test_estimate_corrected_by_a_lower_reading(readings, expected):
    case = expected["estimate_corrected"]
    january = use(readings, case["ppe"])
    assert (january.energy_wh, january.estimated) == (kilo(case["january_estimated_kwh"]), True)
    both = use(readings, case["ppe"], last="2025-03-01 00:00")
    assert (both.energy_wh, both.estimated) == (kilo(case["jan_feb_real_kwh"]), False)
    assert codes(both) == ["V15.estimate_corrected"]
    february = use(readings, case["ppe"], first="2025-02-01 00:00", last="2025-03-01 00:00")
    assert january.energy_wh + february.energy_wh == both.energy_wh


def test_the_only_wrong_zone_sum_of_the_form_is_found(readings, expected):
    everything = [reading for register in readings.values() for reading in register]
    (finding,) = check_zones(everything, RuleParameters())
    assert (finding.code, finding.point) == ("V6.zone_sum", expected["zone_sum"]["ppe"])
    facts = dict(finding.facts)
    assert (facts["zones"], facts["zones_sum"], facts["total"]) == ("1.8.1, 1.8.2", "940.000", "960.000")


def test_industrial_registers_behind_transformers(folder, readings):
    months = json.loads((folder / "iec62056-21" / "expected_industrial.json").read_text(encoding="utf-8"))
    checked = 0
    for month in months[1:]:
        bounds = [int(datetime.fromisoformat(month[key]).timestamp()) for key in ("period_start", "period_end")]
        for short, kwh in month["energy_kwh"].items():
            register = readings[month["ppe"], normalise_obis(short)]
            result = consumption(register, start_epoch_s=bounds[0], end_epoch_s=bounds[1])
            assert result.findings == ()
            assert result.energy_wh == kilo(kwh)
            checked += 1
    assert checked == 24


def test_household_registers_of_the_readouts(folder, readings):
    with (folder / "iec62056-21" / "expected_registers.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["ppe"] == "590999010000000338"]
    states = defaultdict(dict)
    for row in rows:
        states[normalise_obis(row["obis"])][int(datetime.fromisoformat(row["read_at_utc"]).timestamp())] = row["value"]
    assert len(states) == 4
    for obis, values in states.items():
        first, last = min(values), max(values)
        result = consumption(readings["590999010000000338", obis], start_epoch_s=first, end_epoch_s=last)
        assert result.energy_wh == kilo(values[last]) - kilo(values[first])


@pytest.fixture(scope="module")
def maxima(folder):
    with (folder / "manual-maxima.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file, delimiter=";"))
    months = defaultdict(list)
    for number, row in enumerate(rows, start=2):
        entry = MaximumPower(
            point=row["PPE"],
            month=row["Okres"],
            rank=int(row["Lp."]),
            power_w=kilo(row["Moc [kW]"]),
            epoch_s=local_epoch(row["Data i godzina"]),
            source="manual-maxima.csv",
            row=number,
        )
        months[entry.month].append(entry)
    return months


@pytest.fixture(scope="module")
def quarter_maxima_w(folder):
    months = json.loads((folder / "iec62056-21" / "expected_industrial.json").read_text(encoding="utf-8"))
    return {
        datetime.fromisoformat(month["period_start"]).astimezone(WARSAW).strftime("%Y-%m"): kilo(month["max15_kw"])
        for month in months
    }


def test_the_ten_maxima_of_the_form_pass_v24(maxima, quarter_maxima_w):
    assert sorted(maxima) == sorted(quarter_maxima_w)
    for month, entries in maxima.items():
        assert check_ten_maxima(entries, RuleParameters(), slot_maximum_w=quarter_maxima_w[month]) == ()


@pytest.mark.parametrize("month", ["2016-01", "2016-02", "2016-03", "2016-04", "2016-05"])
def test_broken_ten_maxima_are_caught(maxima, quarter_maxima_w, month):
    right = maxima[month]
    exchanged = [*right[:2], replace(right[2], power_w=right[3].power_w), replace(right[3], power_w=right[2].power_w)]
    broken = {
        "V24.not_descending": [*exchanged, *right[4:]],
        "V24.ranks": right[:7] + right[8:],
        "V24.outside_period": [*right[:9], replace(right[9], epoch_s=right[9].epoch_s + 40 * 86_400)],
        "V24.not_an_hour": [*right[:9], replace(right[9], epoch_s=right[9].epoch_s - 900)],
        "V24.hour_twice": [*right[:9], replace(right[9], epoch_s=right[0].epoch_s)],
        "V24.above_slot_maximum": [replace(right[0], power_w=quarter_maxima_w[month] + 40), *right[1:]],
    }
    for code, entries in broken.items():
        found = check_ten_maxima(entries, RuleParameters(), slot_maximum_w=quarter_maxima_w[month])
        assert {finding.code for finding in found} == {code}


COUNTERS = ("Import T1 kWh", "Import T2 kWh", "Export T1 kWh", "Export T2 kWh")
SEPTEMBER = grid_of_days(date(2022, 9, 1), date(2022, 10, 1))


@pytest.fixture(scope="module")
def counters(folder):
    """States by counter; the last reading is of 30 September 23:45, so the month's last slot has no end."""
    with (folder / "homewizard-15min-registers-2022-09.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return {name: [(local_epoch(row["time"]), kilo(row[name])) for row in rows] for name in COUNTERS}


@pytest.mark.parametrize("name", COUNTERS)
def test_intervals_of_the_counters_sum_to_their_difference(counters, name):
    states = counters[name]
    result = intervals_from_registers(states, point="P", channel="1.29.0", grid=SEPTEMBER)
    assert result.findings == ()
    assert result.series.missing.nonzero()[0].tolist() == [2_879]
    assert result.series.present_total_wh == states[-1][1] - states[0][1]
    assert result.series.wh[0] == states[1][1] - states[0][1]


@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_lost_rows_are_estimated_so_that_sums_stay_register_differences(counters, data):
    name = data.draw(st.sampled_from(COUNTERS))
    lost_runs = data.draw(st.lists(st.tuples(st.integers(1, 2_870), st.integers(1, 300)), min_size=1, max_size=6))
    lost = {row for first, length in lost_runs for row in range(first, min(first + length, 2_879))}
    states = [state for row, state in enumerate(counters[name]) if row not in lost]
    starts = SEPTEMBER.start_epoch_s
    tail = int(starts[-1]) + 900
    closed = [*states, (tail, states[-1][1] + 25)]
    result = intervals_from_registers(closed, point="P", channel="1.29.0", grid=SEPTEMBER)
    filled = fill_gaps(result.series, context=EstimationContext(spans=result.spans)).series
    for (start, old), (end, new) in pairwise(closed):
        first, last = np.searchsorted(starts, [start, end])
        assert int(filled.wh[first:last].sum()) == new - old
    assert filled.present_total_wh == closed[-1][1] - closed[0][1]
    substituted = {int(slot) for slot in (filled.quality == Quality.SUBSTITUTED).nonzero()[0]}
    assert substituted == lost | {row - 1 for row in lost}
