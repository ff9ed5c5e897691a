"""A year of hours as a picture: days across, hours down, one path for each zone; whole coordinates only."""

from dataclasses import dataclass
from datetime import date
from typing import Final

from ogniwo.interfaces.web.charts import Mark, classes_of, hatch_of
from ogniwo.services.tariffs.browsing import ZoneYear

LEFT: Final = 44
TOP: Final = 20
DAY: Final = 3
HOUR: Final = 10
LETTERS: Final = "ABCDEFGHIJ"


@dataclass(frozen=True, slots=True)
class ZonePath:
    """The hours of one zone: its letter and name, classes for the colour, hatching, and the path of its cells."""

    letter: str
    zone: str
    classes: str
    hatch: str
    path: str


@dataclass(frozen=True, slots=True)
class YearGrid:
    """What a template needs to draw the year; `free` are the ticks of days off, above the grid."""

    zones: tuple[ZonePath, ...]
    selected: str
    free: str
    months: tuple[Mark, ...]
    hours: tuple[Mark, ...]
    width: str
    height: str
    bottom: str


def year_grid(year: ZoneYear) -> YearGrid:
    """Cells of a zone that stand in a row on one day are one piece; the capacity fee's hours are outlined."""
    paths: list[list[str]] = [[] for _ in year.zones]
    selected, free, months = [], [], []
    holidays = set(year.holidays)
    for place, (day, row, chosen) in enumerate(zip(year.days, year.hours, year.selected, strict=True)):
        x = LEFT + place * DAY
        if day.day == 1:
            months.append(Mark(str(x), f"{day.month}"))
        for zone, begin, end in _runs(row):
            paths[zone].append(f"M{x} {TOP + begin * HOUR}h{DAY}v{(end - begin) * HOUR}h-{DAY}Z")
        if chosen:
            selected.append(f"M{x} {TOP + chosen[0] * HOUR}h{DAY}M{x} {TOP + (chosen[-1] + 1) * HOUR}h{DAY}")
        if day in holidays or day.weekday() == 6:
            free.append(f"M{x} {TOP - (8 if day in holidays else 4)}v{8 if day in holidays else 4}")
    bottom = TOP + 24 * HOUR
    return YearGrid(
        zones=tuple(
            ZonePath(LETTERS[number], zone, classes_of(number), hatch_of(number), "".join(paths[number]))
            for number, zone in enumerate(year.zones)
        ),
        selected="".join(selected),
        free="".join(free),
        months=tuple(months),
        hours=tuple(Mark(str(TOP + hour * HOUR), f"{hour}") for hour in range(0, 25, 4)),
        width=str(LEFT + len(year.days) * DAY + 2),
        height=str(bottom + 22),
        bottom=str(bottom),
    )


def _runs(row: tuple[int, ...]) -> list[tuple[int, int, int]]:
    """(zone, first hour, end hour) of equal neighbours; the hour that a day does not have is in none."""
    found: list[tuple[int, int, int]] = []
    for hour, zone in enumerate(row):
        if zone < 0:
            continue
        if found and found[-1][0] == zone and found[-1][2] == hour:
            found[-1] = (zone, found[-1][1], hour + 1)
        else:
            found.append((zone, hour, hour + 1))
    return found


def months_text(months: tuple[int, ...], names: dict[int, str]) -> str:
    """Months as runs of their names: `I–III, XII`."""
    runs: list[list[int]] = []
    for month in months:
        if runs and runs[-1][-1] == month - 1:
            runs[-1].append(month)
        else:
            runs.append([month])
    return ", ".join(names[run[0]] if len(run) == 1 else f"{names[run[0]]}–{names[run[-1]]}" for run in runs)


def first_of(year: int, month: int) -> date:
    """The first day of a month, to be named in the page's language."""
    return date(year, month, 1)
