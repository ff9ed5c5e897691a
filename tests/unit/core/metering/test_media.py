"""Meters of gas, heat and water: what is a state, what fits, what was used, what is plausible."""

from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ogniwo.core.metering.media import (
    BackwardsMediaStateError,
    BadMediaStateError,
    Counter,
    MediaState,
    Medium,
    RolloverError,
    StateKind,
    parse_state,
    plausible,
    require_fits,
    require_without,
    time_text,
    uses,
)

FIRST = date(2026, 1, 1)
WATER = Counter(unit="m3", decimals=3, digits=5)
ENDLESS = Counter(unit="GJ", decimals=2, digits=0)


def state(day, value_e3, kind=StateKind.READING, minute=-1):
    return MediaState(day=FIRST + timedelta(days=day), minute=minute, value_e3=value_e3, kind=kind)


def test_media_have_obis_letters_and_units():
    assert {one.value: one.obis for one in Medium} == {
        "gas": 7,
        "heat": 6,
        "cold_water": 8,
        "hot_water": 9,
        "heat_cost": 4,
    }
    assert Medium.HEAT.units == ("GJ", "MWh", "kWh")
    assert all(one.units for one in Medium)


@pytest.mark.parametrize(
    ("text", "counter", "value_e3"),
    [
        ("123,456", WATER, 123_456),
        ("00087.5", WATER, 87_500),
        ("1 234,5", WATER, 1_234_500),
        ("99999,999", WATER, 99_999_999),
        ("12,34", ENDLESS, 12_340),
        ("0", ENDLESS, 0),
    ],
)
def test_states_are_exact(text, counter, value_e3):
    assert parse_state(text, counter) == value_e3


@pytest.mark.parametrize(
    ("text", "counter", "why"),
    [
        ("", WATER, "no state"),
        ("12m3", WATER, "no state"),
        ("1,2,3", WATER, "no state"),
        ("1e3", WATER, "no state"),
        ("٣", WATER, "no state"),
        ("-1", WATER, "below zero"),
        ("-0", WATER, "below zero"),
        ("100000", WATER, "more than 5 digits"),
        ("12,345", ENDLESS, "at most 2 decimal places"),
        ("1234567890", ENDLESS, "more than 9 digits"),
        ("7,5", Counter(unit="units", decimals=0, digits=4), "in whole units"),
    ],
)
def test_what_is_no_state_is_refused(text, counter, why):
    with pytest.raises(BadMediaStateError, match=why):
        parse_state(text, counter)


def test_use_is_a_number_for_the_time_between_two_states():
    first, second, third, fourth = uses(
        [
            state(90, 7_000, StateKind.ROLLOVER),
            state(0, 99_990_000),
            state(31, 99_995_500),
            state(100, 2_000, StateKind.RESTART),
            state(120, 2_000),
        ],
        WATER,
    )
    assert (first.use_e3, first.days) == (5_500, 31)
    assert second.use_e3 == 100_000_000 + 7_000 - 99_995_500
    assert third.use_e3 is None, "what was used before a new beginning is not known, and not zero"
    assert fourth.use_e3 == 0, "a counter that stood still used nothing"
    assert uses([state(0, 5)], WATER) == ()


def test_a_state_has_to_fit_between_its_neighbours():
    others = (state(0, 10_000), state(60, 30_000))
    for fits in (state(30, 20_000), state(30, 10_000), state(30, 30_000), state(90, 30_000), state(-5, 0)):
        require_fits(fits, others, WATER)
    for wrong in (state(30, 9_999), state(30, 30_001), state(90, 29_999), state(-5, 10_001)):
        with pytest.raises(BackwardsMediaStateError, match="never runs back"):
            require_fits(wrong, others, WATER)
    with pytest.raises(BadMediaStateError, match="already"):
        require_fits(state(60, 30_000), others, WATER)
    require_fits(state(60, 31_000, minute=600), others, WATER)
    with pytest.raises(BackwardsMediaStateError, match="2026-03-02 10:00"):
        require_fits(state(60, 29_000, minute=600), others, WATER)


def test_a_fall_is_a_rollover_or_a_new_beginning_only_when_it_says_so():
    others = (state(0, 99_000_000),)
    require_fits(state(30, 500, StateKind.ROLLOVER), others, WATER)
    require_fits(state(30, 500, StateKind.RESTART), others, WATER)
    require_fits(state(30, 99_500_000, StateKind.RESTART), others, WATER)
    with pytest.raises(RolloverError, match="did not fall"):
        require_fits(state(30, 99_500_000, StateKind.ROLLOVER), others, WATER)
    with pytest.raises(RolloverError, match="digits"):
        require_fits(state(30, 500, StateKind.ROLLOVER), others, ENDLESS)
    for kind in (StateKind.ROLLOVER, StateKind.RESTART):
        with pytest.raises(RolloverError, match="no state stands before"):
            require_fits(state(-1, 500, kind), others, WATER)


def test_what_is_taken_away_leaves_neighbours_that_fit():
    low, turned, after = state(0, 99_000_000), state(30, 500, StateKind.ROLLOVER), state(60, 900)
    require_without(after.place, (low, turned), WATER)
    with pytest.raises(BackwardsMediaStateError):
        require_without(turned.place, (low, after), WATER)
    with pytest.raises(RolloverError, match="would be the first"):
        require_without(low.place, (turned, after), WATER)
    require_without(low.place, (after,), WATER)


def test_plausible_is_up_to_four_times_the_use_before():
    known = [state(0, 0), state(100, 10_000)]
    band = plausible(known, day=FIRST + timedelta(days=130), counter=WATER)
    assert (band.low_e3, band.expected_e3, band.high_e3, band.days) == (10_000, 13_000, 27_000, 100)
    same = plausible(known, day=FIRST + timedelta(days=100), counter=WATER)
    assert (same.low_e3, same.expected_e3, same.high_e3) == (10_000, 10_000, 15_000)
    earlier = plausible([*known, state(200, 90_000)], day=FIRST + timedelta(days=130), counter=WATER)
    assert earlier == band, "later states say nothing of that day"


@pytest.mark.parametrize(
    ("known", "day"),
    [
        ([], 0),
        ([state(0, 100)], 30),
        ([state(0, 100), state(6, 900)], 30),
        ([state(0, 90_000), state(50, 100, StateKind.RESTART)], 60),
        ([state(0, 100), state(500, 900)], 600),
        ([state(40, 100), state(90, 900)], 1),
    ],
)
def test_too_little_is_known_to_say(known, day):
    assert plausible(known, day=FIRST + timedelta(days=day), counter=WATER) is None


def test_time_text():
    assert [time_text(minute) for minute in (-1, 0, 425, 1439)] == ["", "00:00", "07:05", "23:59"]


@given(st.lists(st.tuples(st.integers(0, 400), st.integers(0, 99_999_999)), max_size=12))
def test_states_that_fit_add_up(rows):
    """Whatever order states come in: those that fit never fall, and their uses add up to the last less the first."""
    kept = []
    for day, value in rows:
        one = state(day, value)
        try:
            require_fits(one, kept, WATER)
        except (BackwardsMediaStateError, BadMediaStateError):
            continue
        kept.append(one)
    kept.sort(key=lambda one: one.place)
    assert all(first.value_e3 <= last.value_e3 for first, last in pairwise(kept))
    if kept:
        assert sum(one.use_e3 for one in uses(kept, WATER)) == kept[-1].value_e3 - kept[0].value_e3
