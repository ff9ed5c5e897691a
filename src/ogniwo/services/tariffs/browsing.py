"""Tariffs to look at: groups and offers with their versions, dated rates with their source, zones over a year."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ogniwo.core.kernel.calendar import HOUR_S, Clock, Month, SlotGrid, grid_of_month, is_holiday, is_working_day
from ogniwo.core.tariffs.dated import MissingRuleError
from ogniwo.core.tariffs.model import RateRow
from ogniwo.core.tariffs.rules import GroupRules, Offer, TariffBook, ZoneClock
from ogniwo.core.tariffs.zones import SELECTED, capacity_slots, zone_of_slots

HOURS: Final = 24
WORKING, OFF = "working", "off"
_SUBSCRIPTION: Final = ("subscription", "quality", "reactive.price", "reconnection")


@dataclass(frozen=True, slots=True, kw_only=True)
class DayType:
    """Consecutive months whose days of a kind (`working` or `off`) have the same hours.

    `hours` are 24 positions in the zones of the year, `selected` whether the capacity fee counts the hour (None: the
    selected hours of those days are not known).
    """

    months: tuple[int, ...]
    days: str
    hours: tuple[int, ...]
    selected: tuple[bool, ...] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ZoneYear:
    """A group's zones over a year: for each day 24 positions in `zones`, -1 for the hour that spring leaves out.

    The hour that autumn repeats stands once. `selected` holds for each day the hours of the capacity fee, None where
    they are not known. `unknown` are the months for which the book holds no clock of the group.
    """

    year: int
    zones: tuple[str, ...]
    days: tuple[date, ...]
    hours: tuple[tuple[int, ...], ...]
    selected: tuple[tuple[int, ...] | None, ...]
    holidays: tuple[date, ...]
    day_types: tuple[DayType, ...]
    unknown: tuple[int, ...]
    sources: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DatedRate:
    """A rate row with whether it is in force on the day that was asked for."""

    row: RateRow
    in_force: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupView:
    """A group with every version of its rules and offers and every dated rate that it reads."""

    versions: tuple[GroupRules, ...]
    offers: tuple[Offer, ...]
    clock_variants: tuple[str, ...]
    rates: tuple[DatedRate, ...]


def operators(book: TariffBook) -> tuple[str, ...]:
    """The operators whose groups the book holds."""
    return tuple(sorted({row.operator for row in book.groups}))


def groups_of(book: TariffBook, operator: str) -> tuple[str, ...]:
    """The groups of an operator, as they stand in the book."""
    return tuple(dict.fromkeys(row.group for row in book.groups if row.operator == operator))


def group_view(book: TariffBook, *, operator: str, group: str, day: date) -> GroupView:
    """What the book holds of a group. Raises MissingRuleError when it has no such group."""
    versions = tuple(row for row in book.groups if (row.operator, row.group) == (operator, group))
    if not versions:
        raise MissingRuleError(detail=f"no tariff group {group} of {operator} is known")
    return GroupView(
        versions=versions,
        offers=tuple(one for one in book.offers if any(priced.group == group for priced in one.groups)),
        clock_variants=tuple(
            dict.fromkeys(row.variant for row in book.clocks if row.operator == operator and group in row.groups)
        ),
        rates=tuple(_rates(book.rates.rows, operator=operator, group=group, day=day)),
    )


def _rates(rows: Iterable[RateRow], *, operator: str, group: str, day: date) -> list[DatedRate]:
    """The group's own rates, its energy prices, what all groups of the operator share, and the statutory ones."""

    def order(row: RateRow) -> tuple[int, str, date] | None:
        parts = row.key.split("/")
        if parts[:2] == [operator, group]:
            return (0, row.key, row.valid_from)
        if parts[0] == "offers" and (group in parts or parts[2:3] == ["trade.fee"]):
            return (1, row.key, row.valid_from)
        if parts[0] == operator and parts[1] in _SUBSCRIPTION:
            return (2, row.key, row.valid_from)
        return (3, row.key, row.valid_from) if parts[0] == "statutory" else None

    placed = [(place, row) for row in rows if (place := order(row)) is not None]
    return [
        DatedRate(row=row, in_force=row.valid_from <= day and (row.valid_to is None or day < row.valid_to))
        for _, row in sorted(placed, key=lambda pair: pair[0])
    ]


def zone_year(book: TariffBook, *, operator: str, group: str, year: int, variant: str = "") -> ZoneYear:
    """Zones and capacity hours of every hour of a year, by local time; a group without a clock has the zone `all`.

    Raises MissingRuleError when the book knows no such group in any month of the year.
    """
    clocks = {month: _clock(book, operator, group, variant, Month(year, month)) for month in range(1, 13)}
    known = {month: found for month, (is_known, found) in clocks.items() if is_known}
    if not known:
        raise MissingRuleError(detail=f"no zones of {group} of {operator} are known for {year}")
    zones = tuple(dict.fromkeys(zone for found in known.values() for zone in (found.zones if found else ("all",))))
    days: list[date] = []
    hours: list[tuple[int, ...]] = []
    selected: list[tuple[int, ...] | None] = []
    for month, clock in known.items():
        grid = grid_of_month(Month(year, month), slot_s=HOUR_S)
        days.extend(grid.days)
        hours.extend(_hours(grid, clock, zones))
        selected.extend(_selected(book, grid))
    return ZoneYear(
        year=year,
        zones=zones,
        days=tuple(days),
        hours=tuple(hours),
        selected=tuple(selected),
        holidays=tuple(day for day in days if is_holiday(day)),
        day_types=_day_types(days, hours, selected),
        unknown=tuple(month for month in clocks if month not in known),
        sources=tuple(dict.fromkeys(found.source for found in known.values() if found)),
    )


def _clock(book: TariffBook, operator: str, group: str, variant: str, month: Month) -> tuple[bool, ZoneClock | None]:
    """Whether the group is known in a month, and its clock there; rules are looked up on the first day."""
    try:
        book.group(operator, group, month.first)
        return True, book.clock(operator=operator, group=group, variant=variant, day=month.first)
    except MissingRuleError:
        return False, None


def _hours(grid: SlotGrid, clock: ZoneClock | None, zones: tuple[str, ...]) -> list[tuple[int, ...]]:
    view = grid.view(Clock.LOCAL)
    names = clock.zones if clock else ("all",)
    numbers = zone_of_slots(clock, grid) if clock else np.zeros(grid.slots, dtype=np.int8)
    found = []
    for place in range(len(grid.days)):
        cut = slice(int(grid.day_offsets[place]), int(grid.day_offsets[place + 1]))
        row = [-1] * HOURS
        for hour, number in zip(view.hour[cut].tolist(), numbers[cut].tolist(), strict=True):
            row[hour] = zones.index(names[number])
        found.append(tuple(row))
    return found


def _selected(book: TariffBook, grid: SlotGrid) -> list[tuple[int, ...] | None]:
    try:
        numbers: NDArray[np.int8] = capacity_slots(book.capacity, grid)
    except MissingRuleError:
        return [None] * len(grid.days)
    view = grid.view(Clock.LOCAL)
    found: list[tuple[int, ...] | None] = []
    for place in range(len(grid.days)):
        cut = slice(int(grid.day_offsets[place]), int(grid.day_offsets[place + 1]))
        found.append(tuple(view.hour[cut][numbers[cut] == SELECTED].tolist()))
    return found


def _day_types(
    days: list[date], hours: list[tuple[int, ...]], selected: list[tuple[int, ...] | None]
) -> tuple[DayType, ...]:
    """One row for each kind of day and run of months that agree; days on which clocks change do not count."""
    found: list[DayType] = []
    for kind in (WORKING, OFF):
        for day, row, chosen in zip(days, hours, selected, strict=True):
            if (is_working_day(day) is not (kind == WORKING)) or -1 in row:
                continue
            flags = None if chosen is None else tuple(hour in chosen for hour in range(HOURS))
            last = found[-1] if found and found[-1].days == kind else None
            if last is not None and day.month in last.months:
                continue
            if last is not None and (last.hours, last.selected) == (row, flags):
                found[-1] = DayType(months=(*last.months, day.month), days=kind, hours=row, selected=flags)
            else:
                found.append(DayType(months=(day.month,), days=kind, hours=row, selected=flags))
    return tuple(found)
