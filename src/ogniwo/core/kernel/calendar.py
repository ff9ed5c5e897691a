"""The settlement calendar: the only place that knows local time, its changes, and Polish working days.

A month (or any run of local days) becomes a grid of slots with ready arrays: local hour, day, working day. Whoever
needs a time zone, a daylight-saving change or a holiday asks here.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from enum import StrEnum
from functools import lru_cache
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import holidays
import numpy as np
from numpy.typing import NDArray

from ogniwo.core.kernel.periods import Period, epoch_of

WARSAW = "Europe/Warsaw"
QUARTER_S = 900
HOUR_S = 3_600
CENTRAL_EUROPEAN_WINTER = timezone(timedelta(hours=1))


class Clock(StrEnum):
    """How a meter's tariff clock runs: with local time, or on winter time all year (ENEA 2026 tariff, 2.2.12)."""

    LOCAL = "local"
    CET_FIXED = "cet_fixed"
    UTC = "utc"


@lru_cache(maxsize=64)
def _polish_holidays(year: int) -> frozenset[date]:
    return frozenset(holidays.country_holidays("PL", years=year))


def is_holiday(day: date) -> bool:
    """Whether the day is a statutory day off in Poland (24 December from 2025 on)."""
    return day in _polish_holidays(day.year)


def is_working_day(day: date) -> bool:
    """Monday to Friday and not a statutory holiday (art. 70a of the capacity market act)."""
    saturday = 5
    return day.weekday() < saturday and not is_holiday(day)


def local_midnight(day: date, zone: str = WARSAW) -> datetime:
    """The UTC instant at which a local day begins."""
    return datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone)).astimezone(UTC)


def local_instant(day: date, *, hour: int, minute: int, zone: str = WARSAW) -> datetime:
    """The UTC instant of a wall clock time; a repeated one is its first, a skipped one lies as far after the change."""
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=ZoneInfo(zone)).astimezone(UTC)


def local_period(first: date, last_exclusive: date, zone: str = WARSAW) -> Period:
    """The period of the local days from `first` up to but not including `last_exclusive`."""
    return Period(local_midnight(first, zone), local_midnight(last_exclusive, zone))


def local_day(epoch_s: int, zone: str = WARSAW) -> date:
    """The local calendar day an instant falls on."""
    return datetime.fromtimestamp(epoch_s, tz=ZoneInfo(zone)).date()


@dataclass(frozen=True, slots=True, order=True)
class Month:
    """A calendar month of local time."""

    year: int
    month: int

    @classmethod
    def parse(cls, text: str) -> "Month":
        """Read `YYYY-MM`."""
        year, _, month = text.partition("-")
        return cls(int(year), date(int(year), int(month), 1).month)

    def __str__(self) -> str:
        return f"{self.year:04d}-{self.month:02d}"

    @property
    def first(self) -> date:
        """Its first day."""
        return date(self.year, self.month, 1)

    def shifted(self, months: int) -> "Month":
        """The month that many months later (or earlier when negative)."""
        ordinal = self.year * 12 + self.month - 1 + months
        return Month(ordinal // 12, ordinal % 12 + 1)

    @property
    def days(self) -> int:
        """Number of days."""
        return (self.shifted(1).first - self.first).days

    def period(self, zone: str = WARSAW) -> Period:
        """Its half-open UTC period."""
        return local_period(self.first, self.shifted(1).first, zone)


@dataclass(frozen=True, slots=True)
class ClockView:
    """How the slots of a grid look on one clock: arrays of shape (slots,), read-only.

    `hour` 0..23, `minute` 0..59, `weekday` 0 = Monday, `month` 1..12, `day` index of the local day in `dates`,
    `working` whether that day is a working day, `off_day` whether it is a Saturday, Sunday or holiday.
    """

    hour: NDArray[np.int8]
    minute: NDArray[np.int8]
    weekday: NDArray[np.int8]
    month: NDArray[np.int8]
    day: NDArray[np.int32]
    working: NDArray[np.bool_]
    dates: tuple[date, ...]


@dataclass(frozen=True, eq=False)
class SlotGrid:
    """The slots of a run of local days: 2,976 quarter-hours in a month of 31 days, 2,972 in March, 2,980 in October.

    `start_epoch_s` (slots,) int64 UTC; `hour_index` (slots,) int32 numbers the hours from 0; `hour_offsets`
    (hours + 1,) and `day_offsets` (days + 1,) int32 bound the slots of each hour and local day. `days` are the local
    dates. Arrays are read-only; grids are shared and compare by identity.
    """

    period: Period
    slot_s: int
    zone: str
    days: tuple[date, ...]
    start_epoch_s: NDArray[np.int64]
    hour_index: NDArray[np.int32]
    hour_offsets: NDArray[np.int32]
    day_offsets: NDArray[np.int32]

    @property
    def slots(self) -> int:
        """Number of slots."""
        return len(self.start_epoch_s)

    @property
    def hours(self) -> int:
        """Number of hours."""
        return len(self.hour_offsets) - 1

    @property
    def slots_per_hour(self) -> int:
        """4 for quarter-hours, 1 for hours."""
        return HOUR_S // self.slot_s

    def slot_of(self, epoch_s: int) -> int | None:
        """The slot that begins at this instant, or None outside the grid or off its raster."""
        offset = epoch_s - int(self.start_epoch_s[0])
        slot, rest = divmod(offset, self.slot_s)
        return slot if rest == 0 and 0 <= slot < self.slots else None

    def view(self, clock: Clock = Clock.LOCAL) -> ClockView:
        """The slots as one clock shows them (computed once per grid and clock)."""
        return _clock_view(self, clock)

    def hourly(self) -> "SlotGrid":
        """The grid of the same days in hours."""
        return grid_of_days(self.days[0], self.days[-1] + timedelta(days=1), slot_s=HOUR_S, zone=self.zone)


_Array = TypeVar("_Array", bound=NDArray[Any])


def _frozen(array: _Array) -> _Array:
    array.setflags(write=False)
    return array


def grid_of_days(first: date, last_exclusive: date, *, slot_s: int = QUARTER_S, zone: str = WARSAW) -> SlotGrid:
    """The slot grid of the local days from `first` up to but not including `last_exclusive`; one object per grid."""
    return _grid(first, last_exclusive, slot_s, zone)


@lru_cache(maxsize=256)
def _grid(first: date, last_exclusive: date, slot_s: int, zone: str) -> SlotGrid:
    period = local_period(first, last_exclusive, zone)
    start, end = epoch_of(period.start), epoch_of(period.end)
    starts = np.arange(start, end, slot_s, dtype=np.int64)
    days = tuple(first + timedelta(days=index) for index in range((last_exclusive - first).days))
    bounds = [epoch_of(local_midnight(day, zone)) for day in (*days, last_exclusive)]
    hours = (end - start) // HOUR_S
    return SlotGrid(
        period=period,
        slot_s=slot_s,
        zone=zone,
        days=days,
        start_epoch_s=_frozen(starts),
        hour_index=_frozen(((starts - start) // HOUR_S).astype(np.int32)),
        hour_offsets=_frozen(np.arange(hours + 1, dtype=np.int32) * (HOUR_S // slot_s)),
        day_offsets=_frozen(np.array([(bound - start) // slot_s for bound in bounds], dtype=np.int32)),
    )


def grid_of_month(month: Month, *, slot_s: int = QUARTER_S, zone: str = WARSAW) -> SlotGrid:
    """The slot grid of a month."""
    return grid_of_days(month.first, month.shifted(1).first, slot_s=slot_s, zone=zone)


@lru_cache(maxsize=256)
def _clock_view(grid: SlotGrid, clock: Clock) -> ClockView:
    zone = {Clock.LOCAL: ZoneInfo(grid.zone), Clock.CET_FIXED: CENTRAL_EUROPEAN_WINTER, Clock.UTC: UTC}[clock]
    stamps = [datetime.fromtimestamp(int(epoch), tz=zone) for epoch in grid.start_epoch_s]
    dates = sorted({stamp.date() for stamp in stamps})
    index = {day: position for position, day in enumerate(dates)}
    working = {day: is_working_day(day) for day in dates}

    return ClockView(
        hour=_frozen(np.array([stamp.hour for stamp in stamps], dtype=np.int8)),
        minute=_frozen(np.array([stamp.minute for stamp in stamps], dtype=np.int8)),
        weekday=_frozen(np.array([stamp.weekday() for stamp in stamps], dtype=np.int8)),
        month=_frozen(np.array([stamp.month for stamp in stamps], dtype=np.int8)),
        day=_frozen(np.array([index[stamp.date()] for stamp in stamps], dtype=np.int32)),
        working=_frozen(np.array([working[stamp.date()] for stamp in stamps], dtype=np.bool_)),
        dates=tuple(dates),
    )
