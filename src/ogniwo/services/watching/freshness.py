"""How new the newest values are: what was measured, read or estimated by the operator, not what was filled in here."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

import numpy as np

from ogniwo.core.kernel.calendar import grid_of_month
from ogniwo.core.kernel.quality import Quality
from ogniwo.core.metering.model import IntervalSeries
from ogniwo.records.metering.models import MeteringPoint
from ogniwo.records.visibility import Subject
from ogniwo.services.metering.quality import POINTS_AT_ONCE
from ogniwo.services.workspace.model import Workspace

_FILLED_IN: Final = (Quality.SUBSTITUTED, Quality.MISSING)


def newest_values(workspace: Workspace, *, points: Collection[str], channel: str = "") -> dict[str, int]:
    """Where the newest value of each point ends, in epoch seconds, of a channel or of any; without values it has none.

    Months are read from the newest back, and only for points that have none yet.
    """
    found: dict[str, int] = {}
    channels = (channel,) if channel else None
    for month in reversed(workspace.series.months()):
        missing = sorted(set(points) - found.keys())
        if not missing:
            break
        for part in _parts(missing):
            read = workspace.series.read_points(points=part, month=month, channels=channels)
            for (point, _), series in read.items():
                newest = _newest(series)
                if newest is not None:
                    found[point] = max(newest, found.get(point, 0))
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class NewestDay:
    """The newest local day with a value, filled in or not, and how many points out of all have one on it."""

    day: date
    points: int
    of: int


def newest_day_below(workspace: Workspace, *, subject: Subject) -> NewestDay | None:
    """The newest day of all points that the subject sees, from presence alone; None when there is no value at all.

    Months that are yet to come are left out: what was filled in there is nothing new.
    """
    points = set(MeteringPoint.objects.all().visible_to(subject).values_list("code", flat=True))
    today = workspace.today()
    for month in reversed(workspace.series.months()):
        last: dict[str, int] = {}
        for one in workspace.series.completeness(month=month, points=points) if month.first <= today else ():
            slots = np.diff(grid_of_month(month, slot_s=one.slot_s).day_offsets)
            there = np.flatnonzero(one.missing_by_day < slots)
            if there.size:
                last[one.point] = max(int(there[-1]), last.get(one.point, 0))
        if last:
            newest = max(last.values())
            count = sum(place == newest for place in last.values())
            return NewestDay(day=month.first + timedelta(days=newest), points=count, of=len(points))
    return None


def _parts(codes: Sequence[str]) -> Iterator[Sequence[str]]:
    for first in range(0, len(codes), POINTS_AT_ONCE):
        yield codes[first : first + POINTS_AT_ONCE]


def _newest(series: IntervalSeries) -> int | None:
    there = np.flatnonzero(~np.isin(series.quality, _FILLED_IN))
    return int(series.grid.start_epoch_s[there[-1]]) + series.grid.slot_s if there.size else None
