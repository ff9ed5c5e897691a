"""Register differences: rollover, replacement, multiplier change, corrected estimates."""

from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ogniwo.core.kernel.findings import Severity
from ogniwo.core.metering.model import RegisterReading, TransformerRatio
from ogniwo.core.metering.readings import digits_of_texts
from ogniwo.core.metering.registers import (
    ExpectedUse,
    MixedRegistersError,
    SegmentKind,
    consumption,
    expected_use,
)

DAY = 86_400
USUAL = ExpectedUse(low_wh=100_000, high_wh=1_000_000, span_s=31 * DAY)


def reading(day, kwh, **changes):
    base = RegisterReading(
        point="P",
        meter="A",
        obis="1-1:1.8.0*255",
        epoch_s=day * DAY,
        value_e3=round(kwh * 1_000),
        unit="kWh",
        origin="physical",
    )
    return replace(base, **changes)


def use(readings, start=0, end=31, **arguments):
    return consumption(readings, start_epoch_s=start * DAY, end_epoch_s=end * DAY, **arguments)


def codes(result):
    return [finding.code for finding in result.findings]


def test_plain_difference_says_why():
    result = use([reading(31, 350.5), reading(0, 100)])
    assert result.energy_wh == 250_500
    assert result.findings == ()
    assert result.meters == ("A",)
    assert not result.estimated
    assert result.segments[0].why == "meter A: 350.500 - 100.000 = 250.500 kWh x 1"


def test_v15_rollover_needs_digits_and_a_plausible_range():
    passed_zero = [reading(0, 99_712, digits=5), reading(31, 105, digits=5)]
    accepted = use(passed_zero, expected=USUAL)
    assert accepted.energy_wh == 393_000
    assert codes(accepted) == ["V15.rollover"]
    assert accepted.segments[0].kind is SegmentKind.ROLLOVER
    for refused in (
        use(passed_zero),
        use([replace(entry, digits=0) for entry in passed_zero], expected=USUAL),
        use([replace(entry, digits=6) for entry in passed_zero], expected=USUAL),
        use([replace(entry, digits=4) for entry in passed_zero], expected=USUAL),
    ):
        assert refused.energy_wh is None
        assert [(finding.code, finding.severity) for finding in refused.findings] == [("V15.manual", Severity.ERROR)]


def test_v15_plausible_range_scales_with_the_span_and_with_the_multiplier():
    ten_days = [reading(0, 99_990, digits=5), reading(10, 30, digits=5)]
    assert use(ten_days, end=10, expected=USUAL).energy_wh == 40_000
    times_forty = [replace(entry, multiplier=40) for entry in ten_days]
    assert use(times_forty, end=10, expected=USUAL).energy_wh is None


def test_v13_range_around_a_comparable_use():
    wanted = expected_use(comparable_wh=200_000, span_s=DAY)
    assert (wanted.low_wh, wanted.high_wh) == (50_000, 800_000)
    assert wanted.accepts(energy_wh=50_000, span_s=DAY)
    assert not wanted.accepts(energy_wh=50_000, span_s=2 * DAY)


def test_an_estimate_above_the_later_state_is_corrected_and_no_rollover():
    readings = [reading(0, 800), reading(31, 1_000, origin="estimate"), reading(59, 960)]
    january = use(readings, expected=USUAL)
    assert (january.energy_wh, january.estimated, codes(january)) == (200_000, True, [])
    both = use(readings, end=59, expected=USUAL)
    assert (both.energy_wh, both.estimated, codes(both)) == (160_000, False, ["V15.estimate_corrected"])
    february = use(readings, start=31, end=59, expected=USUAL)
    assert february.energy_wh == -40_000
    assert february.segments[0].kind is SegmentKind.ESTIMATE_CORRECTION
    assert [(f.code, f.severity) for f in february.findings] == [("V15.estimate_corrected", Severity.ERROR)]


def test_a_rollover_after_an_estimate_is_still_a_rollover():
    readings = [
        reading(0, 99_700, digits=5),
        reading(31, 99_900, digits=5, origin="estimate"),
        reading(62, 50, digits=5),
    ]
    assert use(readings, end=62, expected=USUAL).energy_wh == 350_000
    later = use(readings, start=31, end=62, expected=USUAL)
    assert (later.energy_wh, later.estimated, codes(later)) == (150_000, True, ["V15.rollover"])


def test_v16_replacement_joins_both_meters():
    readings = [
        reading(0, 500),
        reading(10, 600, origin="removal"),
        reading(10, 7, meter="B", origin="installation"),
        reading(31, 57.25, meter="B"),
    ]
    result = use(readings)
    assert result.energy_wh == 150_250
    assert result.meters == ("A", "B")
    assert codes(result) == ["V16.replacement"]
    assert use(readings, end=10).energy_wh == 100_000
    assert use(readings, start=10).energy_wh == 50_250


def test_v16_without_both_states_the_energy_is_unknown():
    readings = [reading(0, 500), reading(10, 7, meter="B", origin="installation"), reading(31, 57, meter="B")]
    result = use(readings)
    assert result.energy_wh is None
    assert codes(result) == ["V16.incomplete"]
    late = [
        reading(0, 500),
        reading(10, 600, origin="removal"),
        reading(11, 7, meter="B", origin="installation"),
        reading(31, 57, meter="B"),
    ]
    assert (use(late).energy_wh, codes(use(late))) == (150_000, ["V16.unmetered"])


def test_v17_readings_with_the_old_and_the_new_multiplier_split_the_period():
    readings = [
        reading(0, 1_200, multiplier=20),
        reading(10, 1_250, multiplier=20, origin="ratio_change"),
        reading(10, 1_250, multiplier=40, origin="ratio_change"),
        reading(31, 1_301.5, multiplier=40),
    ]
    result = use(readings)
    assert result.energy_wh == 3_060_000
    assert [segment.energy_wh for segment in result.segments] == [1_000_000, 2_060_000]
    assert codes(result) == ["V17.split"]
    assert use(readings, end=10).energy_wh == 1_000_000
    assert use(readings, start=10).energy_wh == 2_060_000
    unread = use([readings[0], readings[3]])
    assert (unread.energy_wh, codes(unread)) == (None, ["V17.no_reading_at_change"])
    moved = use([*readings[:2], replace(readings[2], value_e3=1_251_000), readings[3]])
    assert (moved.energy_wh, codes(moved)) == (None, ["V17.register_moved"])


def test_v17_by_the_ratio_table_with_and_without_a_reading_at_the_change():
    ratios = (
        TransformerRatio(meter="A", valid_from_epoch_s=0, current=(100, 5)),
        TransformerRatio(meter="A", valid_from_epoch_s=10 * DAY, current=(200, 5)),
    )
    read = use([reading(0, 0), reading(10, 50), reading(31, 101.5)], ratios=ratios)
    assert (read.energy_wh, codes(read)) == (3_060_000, [])
    unread = use([reading(0, 0), reading(31, 31)], ratios=ratios)
    assert codes(unread) == ["V17.no_reading_at_change"]
    assert unread.findings[0].severity is Severity.ERROR
    assert unread.energy_wh == 10_000 * 20 + 21_000 * 40
    assert unread.estimated
    differs = use([reading(0, 0, multiplier=30), reading(10, 1, multiplier=30)], end=10, ratios=ratios)
    assert codes(differs) == ["V17.multiplier_differs"]


def test_a_ratio_that_is_no_whole_number_is_rounded_once():
    ratios = (TransformerRatio(meter="A", valid_from_epoch_s=0, current=(100, 3)),)
    result = use([reading(0, 0), reading(31, 0.001)], ratios=ratios)
    assert result.segments[0].multiplier == Fraction(100, 3)
    assert result.energy_wh == 33


def test_missing_boundaries_leave_the_energy_unknown():
    result = use([reading(1, 5), reading(31, 9)])
    assert result.energy_wh is None
    assert codes(result) == ["V1.register_missing"]
    assert use([reading(1, 5), reading(31, 9)], tolerance_s=DAY).energy_wh == 4_000


def test_contradicting_states_of_one_instant_are_not_used():
    result = use([reading(0, 5), reading(0, 6), reading(31, 9)])
    assert codes(result) == ["V2.contradiction", "V1.register_missing"]
    assert use([reading(0, 5), reading(0, 6, origin="estimate"), reading(31, 9)]).energy_wh == 4_000
    assert use([reading(0, 5), reading(0, 5), reading(31, 9)]).energy_wh == 4_000


def test_registers_must_not_be_mixed():
    with pytest.raises(MixedRegistersError):
        use([reading(0, 1), reading(31, 2, obis="1-1:2.8.0*255")])
    with pytest.raises(MixedRegistersError):
        use([reading(0, 1, unit="kW"), reading(31, 2, unit="kW")])
    with pytest.raises(MixedRegistersError):
        use([])


@pytest.mark.parametrize(
    ("texts", "digits"),
    [
        (["99712", "00105"], 5),
        (["0012333,443"], 7),
        (["800", "1000", "960"], 0),
        (["0"], 0),
        (["0,500", "12,1"], 0),
        (["00105", "123456"], 0),
        (["0105", "00105"], 0),
        ([], 0),
    ],
)
def test_digits_are_inferred_from_leading_zeros_only(texts, digits):
    assert digits_of_texts(texts) == digits


@given(
    states=st.lists(st.integers(0, 10**8), min_size=2, max_size=12).map(sorted),
    origins=st.lists(st.sampled_from(["physical", "remote", "estimate", "manual"]), min_size=12, max_size=12),
    cut=st.integers(0, 11),
)
def test_parts_of_a_period_add_up(states, origins, cut):
    readings = [
        reading(day, 0, value_e3=value, origin=origin)
        for day, (value, origin) in enumerate(zip(states, origins, strict=False))
    ]
    last = len(states) - 1
    middle = min(max(cut, 1), last)
    whole = use(readings, end=last)
    parts = use(readings, end=middle).energy_wh + (
        use(readings, start=middle, end=last).energy_wh if middle < last else 0
    )
    assert whole.energy_wh == parts == states[-1] - states[0]


@given(
    advances=st.lists(st.integers(0, 400_000), min_size=1, max_size=8),
    start=st.integers(0, 99_999_999),
)
def test_a_wheel_counter_that_passes_zero_loses_nothing(advances, start):
    readings, state = [reading(0, 0, value_e3=start, digits=5)], start
    for day, advance in enumerate(advances, start=1):
        state = (state + advance) % 100_000_000
        readings.append(reading(day, 0, value_e3=state, digits=5))
    daily = ExpectedUse(low_wh=0, high_wh=400_000, span_s=DAY)
    assert use(readings, end=len(advances), expected=daily).energy_wh == sum(advances)
