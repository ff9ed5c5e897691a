"""Charts as SVG made on the server: whole coordinates, a scale of round numbers; templates only write them down.

Every chart is shown with a table of the same numbers and a sentence that says them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final

from django.contrib.staticfiles import finders
from django.utils.formats import number_format

WIDTH: Final = 1000
HEIGHT: Final = 340
LEFT: Final = 90
TOP: Final = 12
BOTTOM: Final = 300
RIGHT: Final = 988
_COLOURS: Final = 8
_HATCHES: Final = 5
_STEPS_MAX: Final = 5
_TICKS_MAX: Final = 12
_MARKS_APART: Final = 7
"""Pixels between two marks: closer ones would run into one another."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A place on an axis (pixels) with its label."""

    at: str
    label: str


@dataclass(frozen=True, slots=True)
class Line:
    """One drawn series: its classes for colour and dash, the path, and the hatching of an area ("" for none).

    `filled` is a path of diamonds on values that were not measured, `missing` one of crosses where a value lacks.
    """

    label: str
    classes: str
    path: str
    hatch: str = ""
    filled: str = ""
    missing: str = ""


@dataclass(frozen=True, slots=True)
class Chart:
    """What a template needs to draw lines or stacked bars; all numbers are texts of whole pixels."""

    lines: tuple[Line, ...]
    across: tuple[Mark, ...]
    up: tuple[Mark, ...]
    zero: str
    unit: str


def classes_of(number: int) -> str:
    """Colour and dash of the series of that number: thirty-two that differ in one or the other."""
    return f"k{number % _COLOURS} d{number // _COLOURS % 4}"


def hatch_of(number: int) -> str:
    """The hatching of the area of that number: the first is plain, the next four differ."""
    return f"hatch{number % _HATCHES}" if number % _HATCHES else ""


def round_step(span: int, *, steps: int = _STEPS_MAX) -> int:
    """The smallest of 1, 2, 5, 10, 20, ... that covers a span in so many steps."""
    unit = 1
    while True:
        for factor in (1, 2, 5):
            if unit * factor * steps >= span:
                return unit * factor
        unit *= 10


def _scale(low: int, high: int) -> tuple[int, int, int]:
    """Step, bottom and top of an axis in whole steps that hold low and high, zero included."""
    step = round_step(max(high, 0) - min(low, 0) or 1)
    return step, min(low, 0) // step * step, max(-(-max(high, 0) // step) * step, step)


def _down(value: int, bottom: int, top: int) -> int:
    return BOTTOM - (value - bottom) * (BOTTOM - TOP) // (top - bottom)


def _up_marks(step: int, bottom: int, top: int, unit_e: int) -> tuple[Mark, ...]:
    """Labels in 10^unit_e base units, with as many places as the number needs."""
    marks = []
    for value in range(bottom, top + 1, step):
        exact = Decimal(value).scaleb(-unit_e).normalize()
        marks.append(Mark(str(_down(value, bottom, top)), number_format(exact, use_l10n=True, force_grouping=True)))
    return tuple(marks)


def _across(count: int, labels: Sequence[str]) -> tuple[Mark, ...]:
    """At most a dozen labels along the axis, evenly."""
    every = max(1, -(-len(labels) // _TICKS_MAX))
    return tuple(
        Mark(str(LEFT + place * (RIGHT - LEFT) // max(len(labels), 1)), label)
        for place, label in enumerate(labels)
        if place % every == 0 and count
    )


def has_chart_bundle() -> bool:
    """Whether the bundle of interactive charts was built; without it the charts made here are all there is."""
    return finders.find("web/charts/charts.js") is not None


def line_chart(
    series: Sequence[tuple[str, Sequence[int | None]]],
    *,
    labels: Sequence[str],
    unit: str,
    filled: Sequence[Sequence[int]] = (),
    missing: Sequence[Sequence[int]] = (),
) -> Chart:
    """Steps over time; a None is a hole. Values in 10^-3 of the unit (Wh for kWh), each series over the whole width.

    `filled` and `missing` give for each series the places that get a diamond or a cross.
    """
    known = [value for _, values in series for value in values if value is not None]
    step, bottom, top = _scale(min(known, default=0), max(known, default=0))
    lines = []
    for number, (label, values) in enumerate(series):
        path, drawing = [], False
        for place, value in enumerate(values):
            if value is None:
                drawing = False
                continue
            x1, x2 = (LEFT + edge * (RIGHT - LEFT) // len(values) for edge in (place, place + 1))
            y = _down(value, bottom, top)
            path.append(f"{'L' if drawing else 'M'}{x1} {y}H{x2}")
            drawing = True
        at_zero = _down(0, bottom, top) - 4
        diamonds = [
            (place, _down(value, bottom, top))
            for place in (filled[number] if filled else ())
            if (value := values[place]) is not None
        ]
        crosses = [(place, at_zero) for place in (missing[number] if missing else ())]
        lines.append(
            Line(
                label,
                classes_of(number),
                "".join(path),
                filled=_marks(diamonds, len(values), "m-4 0l4 -4l4 4l-4 4Z"),
                missing=_marks(crosses, len(values), "m-3 -3l6 6m0 -6l-6 6"),
            )
        )
    zero = str(_down(0, bottom, top))
    return Chart(tuple(lines), _across(len(known), labels), _up_marks(step, bottom, top, 3), zero, unit)


def _marks(places: Sequence[tuple[int, int]], size: int, shape: str) -> str:
    """A path with a shape at each place (its middle) and height, at most one within a few pixels."""
    path, last = [], LEFT - _MARKS_APART
    for place, y in places:
        x = LEFT + (2 * place + 1) * (RIGHT - LEFT) // (2 * size)
        if x - last >= _MARKS_APART:
            path.append(f"M{x} {y}{shape}")
            last = x
    return "".join(path)


def stacked_bars(
    above: Sequence[tuple[str, Sequence[int]]], below: Sequence[tuple[str, Sequence[int]]], *, labels: Sequence[str]
) -> Chart:
    """A bar for each label: `above` stacked upwards from zero, `below` downwards; Wh, drawn in kWh."""
    size = len(labels)
    high = max((sum(values[place] for _, values in above) for place in range(size)), default=0)
    low = -max((sum(values[place] for _, values in below) for place in range(size)), default=0)
    step, bottom, top = _scale(low, high)
    lines = []
    for sign, group, offset in ((1, above, 0), (-1, below, len(above))):
        base = [0] * size
        for number, (label, values) in enumerate(group, offset):
            path = []
            for place in range(size):
                start, end = base[place], base[place] + sign * values[place]
                base[place] = end
                if start == end:
                    continue
                x1 = LEFT + place * (RIGHT - LEFT) // size + 1
                x2 = LEFT + (place + 1) * (RIGHT - LEFT) // size - 1
                path.append(f"M{x1} {_down(start, bottom, top)}H{x2}V{_down(end, bottom, top)}H{x1}Z")
            lines.append(Line(label, classes_of(number), "".join(path), hatch_of(number)))
    zero = str(_down(0, bottom, top))
    return Chart(tuple(lines), _across(size, labels), _up_marks(step, bottom, top, 3), zero, "kWh")


@dataclass(frozen=True, slots=True)
class Span:
    """A bar of a timeline: texts of pixels, the row's label, and what is written on the bar."""

    x: str
    width: str
    y: str
    text_y: str
    row: str
    label: str


@dataclass(frozen=True, slots=True)
class Timeline:
    """Validities one below the other."""

    spans: tuple[Span, ...]
    years: tuple[Mark, ...]
    height: str


def timeline(rows: Sequence[tuple[str, str, date, date | None]], *, until: date) -> Timeline:
    """(kind, label, from, to) as bars from the earliest day to `until` or the last end; open ends reach the edge."""
    if not rows:
        return Timeline((), (), "0")
    first = min(start for _, _, start, _ in rows)
    last = max([until, *(end for _, _, _, end in rows if end)])
    days = max((last - first).days, 1)
    left, width, tall = 160, RIGHT - 160, 34

    def at(day: date) -> int:
        return left + (day - first).days * width // days

    spans = []
    for number, (kind, label, start, end) in enumerate(rows):
        x1, x2 = at(start), at(end or last)
        y = 24 + number * tall
        spans.append(Span(str(x1), str(max(x2 - x1, 2)), str(y), str(y + 17), kind, label))
    years = [Mark(str(at(first)), f"{first:%Y-%m}")]
    gap = round_step(last.year - first.year or 1, steps=8)
    years += [
        Mark(str(at(date(year, 1, 1))), str(year))
        for year in range(first.year + 1, last.year + 1, gap)
        if at(date(year, 1, 1)) > left + 70
    ]
    return Timeline(tuple(spans), tuple(years), str(24 + len(rows) * tall))
