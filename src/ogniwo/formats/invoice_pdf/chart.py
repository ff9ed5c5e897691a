"""The month's energy day by day: values, bars as SVG drawn with whole numbers only, and the same in words and rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from ogniwo.formats.invoice_pdf.display import Display

WIDTH, HEIGHT = 1_740, 330
"""The picture in tenths of a millimetre."""
_LEFT, _RIGHT, _TOP, _BOTTOM = 92, 6, 14, 44
_PLOT_WIDTH = WIDTH - _LEFT - _RIGHT
_PLOT_HEIGHT = HEIGHT - _TOP - _BOTTOM
_STEPS = 4
_ROUND_TENTHS = (10, 12, 15, 20, 25, 30, 40, 50, 60, 80)
_FONT = "Libertinus Serif"

COMMUNITY, POOL, GRID, PRODUCED, MISSING = "#14532d", "#5b9a6f", "#c9d6cd", "#9a3412", "#9f1239"


@dataclass(frozen=True, slots=True, kw_only=True)
class DayEnergy:
    """One local day in Wh: taken from the community, the area balance and the supplier, and produced.

    `missing_slots` counts intervals without a value: the day is marked, its sums are of the others only.
    """

    day: date
    community_wh: int
    pool_wh: int
    grid_wh: int
    produced_wh: int = 0
    missing_slots: int = 0

    @property
    def taken_wh(self) -> int:
        """Everything taken."""
        return self.community_wh + self.pool_wh + self.grid_wh


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthChart:
    """The days of the bill in order."""

    days: tuple[DayEnergy, ...]

    def __post_init__(self) -> None:
        if not self.days:
            raise ValueError("a chart needs days")


def nice_step_wh(highest_wh: int) -> int:
    """The smallest round step (1, 1.2, 1.5, 2, ... times a power of ten) that reaches the highest value in four."""
    power = 1
    while True:
        for tenths in _ROUND_TENTHS:
            if tenths * power % 10 == 0 and tenths * power // 10 * _STEPS >= highest_wh:
                return tenths * power // 10
        power *= 10


def chart_svg(chart: MonthChart, *, display: Display) -> str:
    """The stacked bars as SVG: solid for the community, striped for the balance, outlined for the supplier.

    Production is a row of diamonds joined by a line, a day with missing data carries a cross above its number.
    """
    highest = max(max(day.taken_wh, day.produced_wh) for day in chart.days)
    step = nice_step_wh(max(highest, 1))
    top = step * _STEPS
    slot = _PLOT_WIDTH // len(chart.days)
    parts = [*_axis(step, display)]
    diamonds = []
    for index, day in enumerate(chart.days):
        left = _LEFT + index * slot
        parts += _bars(day, left=left + slot // 8, width=slot * 3 // 4, top_wh=top)
        centre = left + slot // 2
        parts.append(_text(centre, HEIGHT - 12, str(day.day.day), anchor="middle"))
        if day.missing_slots:
            parts.append(_cross(centre, max(_y(day.taken_wh, top) - 16, _TOP)))
        if any(one.produced_wh for one in chart.days):
            diamonds.append((centre, _y(day.produced_wh, top)))
    parts += _production(diamonds)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}">'
        f'<defs><pattern id="stripes" width="12" height="12" patternUnits="userSpaceOnUse">'
        f'<rect width="12" height="12" fill="#ffffff"/><path d="M0 12 L12 0 M-3 3 L3 -3 M9 15 L15 9" stroke="{POOL}" '
        f'stroke-width="4"/></pattern></defs>{"".join(parts)}</svg>'
    )


def legend_svg(kind: str) -> str:
    """The mark of one row of the legend: community, pool, grid, produced or missing."""
    body = {
        "community": f'<rect x="2" y="2" width="36" height="36" fill="{COMMUNITY}"/>',
        "pool": (
            f'<rect x="2" y="2" width="36" height="36" fill="#ffffff" stroke="{POOL}" stroke-width="3"/>'
            f'<path d="M2 14 L14 2 M2 26 L26 2 M2 38 L38 2 M14 38 L38 14 M26 38 L38 26" stroke="{POOL}" '
            f'stroke-width="4"/>'
        ),
        "grid": f'<rect x="3" y="3" width="34" height="34" fill="{GRID}" stroke="#5f6f66" stroke-width="2"/>',
        "produced": f'<path d="M20 4 L36 20 L20 36 L4 20 Z" fill="{PRODUCED}"/>',
        "missing": f'<path d="M6 6 L34 34 M34 6 L6 34" stroke="{MISSING}" stroke-width="6"/>',
    }[kind]
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 40 40" width="40" height="40">{body}</svg>'


def chart_alternative(chart: MonthChart, *, display: Display, texts: Mapping[str, str]) -> str:
    """The chart in words, for those who do not see it."""
    peak = max(chart.days, key=lambda day: day.taken_wh)
    days = [day.day.isoformat() for day in chart.days]
    return texts["chart_alt"].format(
        first=display.day(days[0]),
        last=display.day(days[-1]),
        total=display.kwh(sum(day.taken_wh for day in chart.days)),
        community=display.kwh(sum(day.community_wh for day in chart.days)),
        pool=display.kwh(sum(day.pool_wh for day in chart.days)),
        grid=display.kwh(sum(day.grid_wh for day in chart.days)),
        peak_day=display.day(peak.day.isoformat()),
        peak=display.kwh(peak.taken_wh),
    )


def chart_kinds(chart: MonthChart) -> list[str]:
    """The kinds of energy that occur, in the order of the legend; community and grid always."""
    present = {
        "pool": any(day.pool_wh for day in chart.days),
        "produced": any(day.produced_wh for day in chart.days),
        "missing": any(day.missing_slots for day in chart.days),
    }
    return [kind for kind in ("community", "pool", "grid", "produced", "missing") if present.get(kind, True)]


def day_rows(chart: MonthChart, *, display: Display, missing_text: str) -> list[list[str]]:
    """The table with the same numbers: day, one cell for each kind of energy, total; gaps are named beside the day."""
    kinds = [kind for kind in chart_kinds(chart) if kind != "missing"]
    rows = []
    for day in chart.days:
        value = {"community": day.community_wh, "pool": day.pool_wh, "grid": day.grid_wh, "produced": day.produced_wh}
        name = f"{day.day.day:02d}.{day.day.month:02d}" + (f" ({missing_text})" if day.missing_slots else "")
        rows.append([name, *(display.kwh(value[kind]) for kind in kinds), display.kwh(day.taken_wh)])
    return rows


def _y(wh: int, top_wh: int) -> int:
    return _TOP + _PLOT_HEIGHT - _PLOT_HEIGHT * wh // top_wh


def _text(x: int, y: int, text: str, *, anchor: str) -> str:
    style = f'font-family="{_FONT}" font-size="27" fill="#333333" text-anchor="{anchor}"'
    return f'<text x="{x}" y="{y}" {style}>{text}</text>'


def _axis(step_wh: int, display: Display) -> list[str]:
    parts = []
    for line in range(_STEPS + 1):
        y = _y(line * step_wh, step_wh * _STEPS)
        colour = "#333333" if line == 0 else "#d5d5d5"
        parts.append(f'<path d="M{_LEFT} {y} H{WIDTH - _RIGHT}" stroke="{colour}" stroke-width="2"/>')
        whole, rest = divmod(line * step_wh, 1_000)
        label = display.kwh(line * step_wh) if rest else display.decimal(str(whole))
        parts.append(_text(_LEFT - 10, y + 9, label, anchor="end"))
    parts.append(_text(_LEFT - 10, HEIGHT - 12, "kWh", anchor="end"))
    return parts


def _bars(day: DayEnergy, *, left: int, width: int, top_wh: int) -> list[str]:
    styles = (
        (day.community_wh, f'fill="{COMMUNITY}"'),
        (day.pool_wh, f'fill="url(#stripes)" stroke="{POOL}" stroke-width="2"'),
        (day.grid_wh, f'fill="{GRID}" stroke="#5f6f66" stroke-width="2"'),
    )
    parts, below = [], 0
    for wh, style in styles:
        upper, lower = _y(below + wh, top_wh), _y(below, top_wh)
        if lower > upper:
            parts.append(f'<rect x="{left}" y="{upper}" width="{width}" height="{lower - upper}" {style}/>')
        below += wh
    return parts


def _production(points: Sequence[tuple[int, int]]) -> list[str]:
    if not points:
        return []
    line = " L".join(f"{x} {y}" for x, y in points)
    marks = "".join(f"M{x} {y - 9} L{x + 9} {y} L{x} {y + 9} L{x - 9} {y} Z " for x, y in points)
    return [
        f'<path d="M{line}" fill="none" stroke="{PRODUCED}" stroke-width="3"/>',
        f'<path d="{marks}" fill="{PRODUCED}"/>',
    ]


def _cross(x: int, y: int) -> str:
    lines = f"M{x - 9} {y - 9} L{x + 9} {y + 9} M{x + 9} {y - 9} L{x - 9} {y + 9}"
    return f'<path d="{lines}" stroke="{MISSING}" stroke-width="5"/>'
