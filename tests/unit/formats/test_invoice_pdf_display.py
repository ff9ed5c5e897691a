"""Numbers of print and the daily chart."""

import re
from datetime import date, timedelta
from decimal import Decimal
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ogniwo.formats.invoice_pdf.chart import (
    HEIGHT,
    WIDTH,
    DayEnergy,
    MonthChart,
    chart_alternative,
    chart_kinds,
    chart_svg,
    day_rows,
    legend_svg,
    nice_step_wh,
)
from ogniwo.formats.invoice_pdf.display import Display
from ogniwo.formats.invoice_pdf.texts import texts_in

POLISH, ENGLISH = Display("pl"), Display("en")
BARS = "{http://www.w3.org/2000/svg}rect"


def days(*values):
    return MonthChart(
        days=tuple(
            DayEnergy(
                day=date(2026, 10, 1) + timedelta(days=index),
                community_wh=community,
                pool_wh=pool,
                grid_wh=grid,
                produced_wh=produced,
                missing_slots=missing,
            )
            for index, (community, pool, grid, produced, missing) in enumerate(values)
        )
    )


@pytest.mark.parametrize(
    ("grosz", "polish", "english"),
    [
        (0, "0,00", "0.00"),
        (5, "0,05", "0.05"),
        (99_999, "999,99", "999.99"),
        (100_000, "1\u00a0000,00", "1\u00a0000.00"),
        (-123_456_789, "\u22121\u00a0234\u00a0567,89", "\u22121\u00a0234\u00a0567.89"),
    ],
)
def test_amounts_have_groups_and_marks(grosz, polish, english):
    assert (POLISH.money(grosz), ENGLISH.money(grosz)) == (polish, english)


@given(st.integers(-(10**13), 10**13))
def test_amounts_read_back(grosz):
    text = POLISH.money(grosz).replace("\u00a0", "").replace("\u2212", "-").replace(",", ".")
    assert Decimal(text) * 100 == grosz
    assert all(len(group) == 3 for group in POLISH.money(grosz).partition(",")[0].split("\u00a0")[1:])


def test_other_numbers_and_dates():
    assert POLISH.energy(1_234_567) == "1\u00a0234,567\u00a0kWh"
    assert (POLISH.power(60_000), POLISH.power(12_500)) == ("60\u00a0kW", "12,5\u00a0kW")
    assert (POLISH.price("0.445", "kWh"), POLISH.price("24.84", "kW/month"), POLISH.price("0.51234567", "kWh")) == (
        "0,4450",
        "24,84",
        "0,51234567",
    )
    assert (POLISH.day("2026-10-05"), POLISH.last_day("2026-11-01"), POLISH.month("2026-10")) == (
        "05.10.2026",
        "31.10.2026",
        "10.2026",
    )
    assert (ENGLISH.day("2026-10-05"), ENGLISH.unit("kW/month"), POLISH.unit("kW/month")) == (
        "2026-10-05",
        "kW/month",
        "kW/m-c",
    )


@pytest.mark.parametrize(
    ("part", "whole", "text"),
    [(0, 2980, "0,00"), (12, 2980, "0,40"), (2980, 2980, "100,00"), (1, 100_000, "<\u00a00,01"), (1, 0, "0")],
)
def test_a_share_that_is_not_zero_is_never_shown_as_zero(part, whole, text):
    assert POLISH.percent(part, whole) == f"{text}\u00a0%"


@given(st.integers(1, 10**12))
def test_four_round_steps_reach_the_highest_value_without_waste(highest):
    step = nice_step_wh(highest)
    assert 4 * step >= highest
    assert re.fullmatch(r"(1|12|15|2|25|3|4|5|6|8)0*", str(step))
    assert step <= 5 or 4 * step <= 2 * highest


def test_bars_are_as_high_as_their_energy():
    svg = ET.fromstring(chart_svg(days((1_000, 0, 3_000, 0, 0), (0, 0, 4_000, 0, 0), (0, 0, 0, 0, 0)), display=POLISH))  # noqa: S314 -- our own drawing
    bars = [bar for bar in svg.iter(BARS) if "x" in bar.attrib]
    heights = [int(bar.attrib["height"]) for bar in bars]
    assert len(bars) == 3
    assert heights[0] * 3 == pytest.approx(heights[1], abs=3)
    assert heights[0] + heights[1] == heights[2]
    for bar in bars:
        assert 0 <= int(bar.attrib["x"]) < WIDTH
        assert 0 <= int(bar.attrib["y"]) < int(bar.attrib["y"]) + int(bar.attrib["height"]) <= HEIGHT


def test_the_drawing_holds_only_whole_numbers_and_marks_gaps_and_production():
    svg = chart_svg(days((1, 2, 3, 4, 5), (3_333, 777, 1, 9_999, 0)), display=POLISH)
    assert not re.search(r'="[^"]*\d\.\d', svg.replace('version="1.0"', ""))
    assert "url(#stripes)" in svg
    assert svg.count('stroke-width="5"') == 1  # one cross
    assert chart_kinds(days((1, 2, 3, 4, 5))) == ["community", "pool", "grid", "produced", "missing"]
    assert chart_kinds(days((1, 0, 3, 0, 0))) == ["community", "grid"]


@pytest.mark.parametrize("kind", ["community", "pool", "grid", "produced", "missing"])
def test_each_kind_has_its_own_mark(kind):
    others = {legend_svg(other) for other in ("community", "pool", "grid", "produced", "missing") if other != kind}
    assert ET.fromstring(legend_svg(kind)) is not None  # noqa: S314 -- our own drawing
    assert legend_svg(kind) not in others


def test_the_words_and_the_table_hold_the_same_numbers():
    chart = days((1_000, 0, 3_000, 500, 0), (2_500, 0, 4_000, 0, 3))
    assert day_rows(chart, display=POLISH, missing_text="braki") == [
        ["01.10", "1,000", "3,000", "0,500", "4,000"],
        ["02.10 (braki)", "2,500", "4,000", "0,000", "6,500"],
    ]
    words = chart_alternative(chart, display=POLISH, texts=texts_in("pl"))
    assert "razem 10,500 kWh" in words
    assert "ze społeczności 3,500 kWh" in words
    assert "dnia 02.10.2026: 6,500 kWh" in words


def test_a_chart_without_days_is_a_bug():
    with pytest.raises(ValueError, match="days"):
        MonthChart(days=())
