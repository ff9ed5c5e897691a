"""V7 to V12, V14."""

from datetime import date

import pytest

from ogniwo.core.kernel.findings import Severity
from ogniwo.core.metering.model import EXPORT, OPERATOR_BALANCED, REACTIVE_Q1
from ogniwo.core.metering.solar import Location
from ogniwo.core.metering.validation.parameters import RuleParameters
from ogniwo.core.metering.validation.plausibility import (
    check_high_limit,
    check_negative,
    check_night_generation,
    check_reactive,
    check_spikes,
    check_stuck_values,
    check_zero_runs,
)

FIRST, LAST = date(2026, 9, 1), date(2026, 9, 3)
DEFAULTS = RuleParameters()
WARSAW = Location(latitude_e6=52_230_000, longitude_e6=21_010_000)


@pytest.fixture
def series(make_series):
    return make_series(FIRST, LAST, 500)


def test_v7_spike_stands_above_the_third_largest(series):
    series.wh[[100, 101]] = (1_401, 600)
    (finding,) = check_spikes(series, DEFAULTS)
    assert dict(finding.facts) == {"largest_wh": "1401", "third_largest_wh": "500", "limit_percent": "180"}
    assert finding.start_epoch_s == int(series.grid.start_epoch_s[100])
    series.wh[100] = 1_400
    assert check_spikes(series, DEFAULTS) == (), "exactly 180 % is allowed"


def test_v7_says_nothing_below_its_floor_but_after_zeros_it_does(make_series):
    series = make_series(FIRST, LAST, 0)
    series.wh[5] = 750
    assert check_spikes(series, DEFAULTS) == ()
    series.wh[5] = 751
    assert [finding.code for finding in check_spikes(series, DEFAULTS)] == ["V7.spike"]


@pytest.mark.parametrize(("slot_s", "limit"), [(900, 11_000), (3_600, 44_000)])
def test_v8_limit_is_power_times_length_times_110_percent(make_series, slot_s, limit):
    series = make_series(FIRST, LAST, limit, slot_s=slot_s)
    assert check_high_limit(series, DEFAULTS, power_w=40_000) == ()
    series.wh[[7, 8]] = (limit + 1, limit + 5)
    (finding,) = check_high_limit(series, DEFAULTS, power_w=40_000)
    assert (finding.code, finding.severity) == ("V8.over_limit", Severity.ERROR)
    facts = dict(finding.facts)
    assert (facts["limit_wh"], facts["largest_wh"], facts["slots_over"]) == (str(limit), str(limit + 5), "2")


def test_v9_zero_run_only_where_there_was_use(series, make_series):
    series.wh[10:19] = 0
    (finding,) = check_zero_runs(series, DEFAULTS)
    assert dict(finding.facts)["slots_zero"] == "9"
    series.wh[10] = 1
    assert check_zero_runs(series, DEFAULTS) == ()
    empty = make_series(FIRST, LAST, 0)
    assert check_zero_runs(empty, DEFAULTS) == ()
    assert len(check_zero_runs(empty, DEFAULTS, history=series)) == 1
    assert check_zero_runs(make_series(FIRST, LAST, 5, missing=[(0, 50)]), DEFAULTS) == ()


def test_v9_nights_of_a_plant_are_left_out(make_series):
    plant = make_series(FIRST, LAST, 0, channel=EXPORT)
    plant.wh[26:76] = 100
    plant.wh[122:172] = 100
    assert check_zero_runs(plant, DEFAULTS, location=WARSAW) == ()
    assert len(check_zero_runs(plant, DEFAULTS)) == 3


def test_v10_the_same_value_more_than_twelve_times(series):
    series.wh[:] = [500 + slot % 2 for slot in range(len(series.wh))]
    series.wh[40:52] = 777
    assert check_stuck_values(series, DEFAULTS) == ()
    series.wh[52] = 777
    (finding,) = check_stuck_values(series, DEFAULTS)
    assert dict(finding.facts) == {"wh": "777", "slots_equal": "13", "limit_slots": "12"}
    assert finding.start_epoch_s == int(series.grid.start_epoch_s[40])
    series.wh[40:60] = 0
    assert check_stuck_values(series, DEFAULTS) == (), "zeros belong to V9"


def test_v11_generation_while_the_sun_is_down(make_series):
    plant = make_series(FIRST, LAST, 0, channel=EXPORT)
    plant.wh[30:70] = 1_000
    plant.wh[4:6] = (10, 12)
    (finding,) = check_night_generation(plant, DEFAULTS, location=WARSAW)
    assert dict(finding.facts) == {"energy_wh": "12", "largest_wh": "12", "limit_wh": "10"}
    assert check_night_generation(plant, DEFAULTS, location=WARSAW, peak_w=5_000) == ()


def test_v12_negative_energy(series):
    series.wh[3:5] = (-1, -7)
    (finding,) = check_negative(series)
    assert (finding.code, finding.severity) == ("V12.negative", Severity.ERROR)
    assert dict(finding.facts) == {"smallest_wh": "-7", "slots_negative": "2"}


def test_v12_a_signed_channel_may_be_negative(make_series):
    assert check_negative(make_series(FIRST, LAST, -5, channel=OPERATOR_BALANCED)) == ()


def test_v14_reactive_energy_against_active(make_series):
    active = make_series(FIRST, LAST, 100)
    reactive = make_series(FIRST, LAST, 300, channel=REACTIVE_Q1)
    assert check_reactive(active, reactive, DEFAULTS) == ()
    reactive.wh[0] = 301
    (finding,) = check_reactive(active, reactive, DEFAULTS)
    assert dict(finding.facts) == {"reactive_varh": "57601", "active_wh": "19200", "limit_percent": "300"}
    none = make_series(FIRST, LAST, 0)
    assert [found.code for found in check_reactive(none, reactive, DEFAULTS)] == ["V14.tangent"]
    assert check_reactive(none, make_series(FIRST, LAST, 50, channel=REACTIVE_Q1), DEFAULTS) == ()
