"""Days that resemble one another: the same kind of day, and its measured values by local time."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from enum import StrEnum

import numpy as np

from ogniwo.core.kernel.calendar import is_holiday, is_working_day
from ogniwo.core.kernel.quality import Quality
from ogniwo.core.metering.model import IntervalSeries


class DayType(StrEnum):
    """Days that are used alike; a statutory holiday is used like a Sunday."""

    WORKING = "working"
    SATURDAY = "saturday"
    SUNDAY_OR_HOLIDAY = "sunday_or_holiday"


def day_type(day: date) -> DayType:
    """The type of a local day by the Polish calendar."""
    if is_working_day(day):
        return DayType.WORKING
    saturday = 5
    return DayType.SATURDAY if day.weekday() == saturday and not is_holiday(day) else DayType.SUNDAY_OR_HOLIDAY


class DayBook:
    """Measured values of local days out of several series of one channel, looked up at need.

    Only measured and measured-corrected slots count: an estimate made from estimates would hide where it came from.
    Later series win where two hold the same day.
    """

    def __init__(self, series: Sequence[IntervalSeries]) -> None:
        self._place: dict[date, tuple[IntervalSeries, int]] = {}
        for entry in series:
            for index, day in enumerate(entry.grid.days):
                self._place[day] = entry, index
        self._values: dict[date, dict[int, int]] = {}

    def values(self, day: date) -> Mapping[int, int]:
        """Energy in Wh by the minute of the local day at which a slot starts; of a repeated hour the first."""
        if day not in self._values:
            self._values[day] = self._read(day)
        return self._values[day]

    def version(self, day: date) -> str:
        """Where a day's values come from, for the record of inputs."""
        series = self._place[day][0]
        return f"{day}@{series.version}" if series.version else str(day)

    def _read(self, day: date) -> dict[int, int]:
        if day not in self._place:
            return {}
        series, index = self._place[day]
        first, last = (int(bound) for bound in series.grid.day_offsets[index : index + 2])
        view = series.grid.view()
        minutes = view.hour[first:last].astype(np.int64) * 60 + view.minute[first:last]
        good = series.quality[first:last] <= Quality.CORRECTED
        values: dict[int, int] = {}
        for minute, wh, usable in zip(minutes.tolist(), series.wh[first:last].tolist(), good.tolist(), strict=True):
            if usable:
                values.setdefault(minute, wh)
        return values

    def matching(self, target: date, days: Sequence[date], minutes: Sequence[int]) -> list[date]:
        """Those of `days` that have the target's type and a measured value at each of the minutes, in their order."""
        wanted = day_type(target)
        return [
            day
            for day in days
            if day in self._place and day_type(day) is wanted and all(minute in self.values(day) for minute in minutes)
        ]


def days_before(day: date, count: int) -> list[date]:
    """The `count` days before a day, the latest first."""
    return [day - timedelta(days=back) for back in range(1, count + 1)]


def days_around(day: date, reach: int) -> list[date]:
    """A day and the days up to `reach` days from it, the nearest first, the earlier of two first."""
    around = [day]
    for distance in range(1, reach + 1):
        around += [day - timedelta(days=distance), day + timedelta(days=distance)]
    return around
