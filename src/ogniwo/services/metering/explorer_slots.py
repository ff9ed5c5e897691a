"""What the explorer lays side by side, read month by month: as metered, as settled, and netted where nothing is yet."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ogniwo.core.balancing.netting import net_hourly
from ogniwo.core.kernel.calendar import HOUR_S, Month, SlotGrid, grid_of_month
from ogniwo.core.kernel.quality import Quality
from ogniwo.core.metering.model import EXPORT, EXPORT_NETTED, IMPORT, IMPORT_NETTED, IntervalSeries
from ogniwo.records.settlement.models import StatementRecord
from ogniwo.records.visibility import Subject
from ogniwo.services.settlement.closing import unpack_flows
from ogniwo.services.workspace.model import Workspace

METERED: Final = {
    "taken": IMPORT,
    "given": EXPORT,
    "operator_taken": IMPORT_NETTED,
    "operator_given": EXPORT_NETTED,
}
SETTLED: Final = {
    "netted_taken": "taken",
    "netted_given": "given",
    "community_in": "community_in",
    "from_pool": "from_pool",
    "grid": "grid",
    "community_out": "community_out",
    "surplus": "surplus",
}
_NETTED: Final = ("netted_taken", "netted_given")
_FILLED: Final = (Quality.ESTIMATED_BY_OPERATOR, Quality.SUBSTITUTED, Quality.MANUAL)


@dataclass(frozen=True, slots=True, eq=False)
class MonthSlots:
    """One kind of one point in a month: Wh, what is missing, what is no measurement; all (slots of the grid,).

    `provisional` marks hours netted here because the month is not settled yet.
    """

    grid: SlotGrid
    wh: NDArray[np.int64]
    missing: NDArray[np.bool_]
    filled: NDArray[np.bool_]
    provisional: bool = False


class SlotReader:
    """Reads (point, kind, month) within what a subject sees; statements of all its months are found by one query."""

    def __init__(
        self,
        workspace: Workspace,
        *,
        subject: Subject,
        points: Sequence[str],
        kinds: Sequence[str],
        months: Sequence[Month],
    ) -> None:
        self._workspace = workspace
        self._flows = _newest_flows(subject, points, months) if set(kinds) & set(SETTLED) else {}

    def read(self, point: str, kind: str, month: Month) -> MonthSlots | None:
        """The month of a kind of a point; None where nothing is stored that it could be made of."""
        if kind in METERED:
            return _metered(self._series(point, METERED[kind], month))
        flows = self._flows.get((point, str(month)))
        if flows is not None:
            grid = grid_of_month(month, slot_s=HOUR_S)
            none = np.zeros(grid.slots, dtype=np.bool_)
            return MonthSlots(grid, unpack_flows(flows)[SETTLED[kind]], none, none)
        return self._netted(point, kind, month) if kind in _NETTED else None

    def _series(self, point: str, channel: str, month: Month) -> IntervalSeries | None:
        return self._workspace.series.read(point=point, channel=channel, month=month)

    def _netted(self, point: str, kind: str, month: Month) -> MonthSlots | None:
        """Hours netted from what was metered; an hour with a missing slot on either side is missing."""
        sides = [_metered(self._series(point, channel, month)) for channel in (IMPORT, EXPORT)]
        if all(side is None for side in sides):
            return None
        grid = grid_of_month(month, slot_s=HOUR_S)
        hourly = [MonthSlots(grid, *_no_slots(grid)) if side is None else _in_hours(side, grid) for side in sides]
        netted = net_hourly(hourly[0].wh[np.newaxis], hourly[1].wh[np.newaxis], 1)
        return MonthSlots(
            grid,
            netted[_NETTED.index(kind)][0],
            hourly[0].missing | hourly[1].missing,
            hourly[0].filled | hourly[1].filled,
            provisional=True,
        )


def _no_slots(grid: SlotGrid) -> tuple[NDArray[np.int64], NDArray[np.bool_], NDArray[np.bool_]]:
    """The side that a point does not have: nothing flows there, and nothing is missing."""
    none = np.zeros(grid.slots, dtype=np.bool_)
    return np.zeros(grid.slots, dtype=np.int64), none, none


def _in_hours(side: MonthSlots, hours: SlotGrid) -> MonthSlots:
    bounds = side.grid.hour_offsets[:-1]
    return MonthSlots(
        hours,
        np.add.reduceat(np.where(side.missing, 0, side.wh), bounds),
        np.logical_or.reduceat(side.missing, bounds),
        np.logical_or.reduceat(side.filled, bounds),
    )


def _metered(series: IntervalSeries | None) -> MonthSlots | None:
    if series is None:
        return None
    return MonthSlots(series.grid, series.wh.astype(np.int64), series.missing, np.isin(series.quality, _FILLED))


def _newest_flows(subject: Subject, points: Sequence[str], months: Sequence[Month]) -> dict[tuple[str, str], bytes]:
    """The packed flows of the newest statement of each point and month."""
    rows = (
        StatementRecord.objects.all()
        .visible_to(subject)
        .filter(point__code__in=points, run__month__in=[str(month) for month in months])
        .order_by("run__version")
        .values_list("point__code", "run__month", "flows")
    )
    return {(point, month): bytes(flows) for point, month, flows in rows}
