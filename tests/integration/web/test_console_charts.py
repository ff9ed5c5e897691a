"""Charts: every coordinate lies in the picture, zero is zero, a hole is a hole."""

import re
from datetime import date

import pytest
from django.utils import translation

from ogniwo.interfaces.web.charts import (
    BOTTOM,
    LEFT,
    RIGHT,
    TOP,
    classes_of,
    line_chart,
    round_step,
    stacked_bars,
    timeline,
)


def numbers(path):
    return [int(text) for text in re.findall(r"-?\d+", path)]


@pytest.mark.parametrize(("span", "step"), [(1, 1), (5, 1), (6, 2), (11, 5), (26, 10), (1_100, 500), (100_001, 50_000)])
def test_steps_are_one_two_or_five(span, step):
    assert round_step(span) == step


def test_a_hole_breaks_the_line_and_is_no_zero():
    chart = line_chart([("a", [1_000, None, 2_000, 2_000])], labels=["1"], unit="kWh")
    path = chart.lines[0].path
    assert path.count("M") == 2
    assert path.count("L") == 1
    assert chart.zero == str(BOTTOM)
    assert all(LEFT <= x <= RIGHT or TOP <= x <= BOTTOM for x in numbers(path))


def test_marks_are_written_in_the_language_of_the_page():
    for language, mark in (("pl", "0,2"), ("en", "0.2")):
        with translation.override(language):
            chart = line_chart([("a", [0, 900])], labels=["1"], unit="kWh")
            assert mark in [one.label for one in chart.up]


def test_bars_stand_on_zero_and_reach_both_ways():
    chart = stacked_bars([("up", [3_000, 0]), ("more", [1_000, 2_000])], [("down", [500, 2_500])], labels=["1", "2"])
    zero = int(chart.zero)
    assert TOP < zero < BOTTOM
    up, more, down = (re.findall(r"M\d+ (\d+)H\d+V(\d+)", line.path) for line in chart.lines)
    assert up == [(str(zero), up[0][1])]
    assert int(up[0][1]) < zero
    assert more[0][0] == up[0][1], "the second stands on the first"
    assert all(int(start) == zero and int(end) > zero for start, end in down)
    assert all(TOP <= int(one.at) <= BOTTOM for one in chart.up)
    assert [line.hatch for line in chart.lines] == ["", "hatch1", "hatch2"], "areas differ without colour too"
    assert {"0", "4", "-4"} & {one.label for one in chart.up}


def test_nothing_is_drawn_of_nothing():
    assert line_chart([], labels=[], unit="kWh").lines == ()
    assert stacked_bars([("a", [])], [], labels=[]).lines[0].path == ""
    assert timeline([], until=date(2026, 1, 1)).spans == ()


def test_thirty_two_series_differ_in_colour_or_dash():
    assert len({classes_of(number) for number in range(32)}) == 32


def test_validities_lie_in_order_and_an_open_end_reaches_the_edge():
    rows = [("a", "old", date(2020, 1, 1), date(2021, 1, 1)), ("a", "new", date(2021, 1, 1), None)]
    drawn = timeline(rows, until=date(2022, 1, 1))
    old, new = ((int(one.x), int(one.width)) for one in drawn.spans)
    assert abs(old[0] + old[1] - new[0]) <= 1
    assert new[0] + new[1] == RIGHT
    assert drawn.years[0].label == "2020-01"
