"""Many series side by side: as metered, after hourly netting, and as settled, on one raster of a day or a month."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from ogniwo.core.kernel.calendar import HOUR_S, QUARTER_S, WARSAW, Month, SlotGrid, grid_of_month
from ogniwo.core.kernel.refusals import Refusal
from ogniwo.core.metering.model import EXPORT, EXPORT_NETTED, IMPORT, IMPORT_NETTED
from ogniwo.formats.sheets.writer import Cell, csv_bytes, xlsx_bytes
from ogniwo.records.metering.models import MeteringPoint
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
KINDS: Final = (*METERED, *SETTLED)
"""What can be laid side by side: channels as metered, and hourly flows of the newest settlement."""
SERIES_MAX: Final = 32
DAY_S: Final = 86_400
STEPS: Final = (QUARTER_S, HOUR_S, DAY_S)


class TooManySeriesError(Refusal):
    """More series were asked for than one chart can hold."""

    code = "explorer.too_many_series"


@dataclass(frozen=True, slots=True, kw_only=True)
class ExploredSeries:
    """One series on the common raster: Wh of the slots that are there, and how many slots of each bucket are not."""

    point: str
    kind: str
    wh: tuple[int, ...]
    missing: tuple[int, ...]

    @property
    def total_wh(self) -> int:
        """The sum of what is there."""
        return sum(self.wh)

    @property
    def missing_slots(self) -> int:
        """Slots without a value."""
        return sum(self.missing)


@dataclass(frozen=True, slots=True, kw_only=True)
class Explored:
    """Series over the buckets that begin at `starts` (epoch seconds); `step_s` may be coarser than was asked for.

    `absent` are (point, kind) of which nothing is stored.
    """

    starts: tuple[int, ...]
    step_s: int
    series: tuple[ExploredSeries, ...]
    absent: tuple[tuple[str, str], ...]

    def labels(self) -> tuple[str, ...]:
        """Local beginnings: the day for days, else day and time, with the offset where a time comes twice."""
        zone = ZoneInfo(WARSAW)
        local = [datetime.fromtimestamp(start, tz=zone) for start in self.starts]
        if self.step_s == DAY_S:
            return tuple(f"{moment:%Y-%m-%d}" for moment in local)
        plain = [f"{moment:%Y-%m-%d %H:%M}" for moment in local]
        twice = {text for text in plain if plain.count(text) > 1} if len(set(plain)) < len(plain) else set()
        return tuple(
            f"{text} {moment:%z}"[:20] if text in twice else text for text, moment in zip(plain, local, strict=True)
        )


def explore(
    workspace: Workspace,
    *,
    subject: Subject,
    points: Sequence[str],
    kinds: Sequence[str],
    month: Month,
    day: date | None = None,
    step_s: int = HOUR_S,
) -> Explored:
    """Read points x kinds of a month or of one local day of it, summed to steps; unknown points and kinds are left out.

    Hours cannot be shown as quarter-hours: the coarsest series decides the finest step. Raises TooManySeriesError.
    """
    known = set(MeteringPoint.objects.all().visible_to(subject).filter(code__in=points).values_list("code", flat=True))
    wanted = [(point, kind) for kind in KINDS if kind in kinds for point in dict.fromkeys(points) if point in known]
    if len(wanted) > SERIES_MAX:
        raise TooManySeriesError(detail=f"{len(wanted)} series; one chart holds {SERIES_MAX}")
    raw, absent = [], []
    for point, kind in wanted:
        found = _read(workspace, subject, point, kind, month)
        if found is None:
            absent.append((point, kind))
        else:
            raw.append((point, kind, *found))
    step_s = min(step_s, HOUR_S) if day else step_s
    step = max([step_s, *(grid.slot_s for _, _, grid, _, _ in raw)])
    whole = grid_of_month(month, slot_s=HOUR_S if step == DAY_S else step)
    inside = _inside(whole, month, day)
    bounds = whole.day_offsets[:-1][inside] if step == DAY_S else np.arange(whole.slots)[inside]
    return Explored(
        starts=tuple(whole.start_epoch_s[bounds].tolist()),
        step_s=step,
        series=tuple(
            ExploredSeries(
                point=point,
                kind=kind,
                wh=tuple(_summed(np.where(gone, 0, wh), grid, step)[inside].tolist()),
                missing=tuple(_summed(gone, grid, step)[inside].tolist()),
            )
            for point, kind, grid, wh, gone in raw
        ),
        absent=tuple(absent),
    )


def _inside(grid: SlotGrid, month: Month, day: date | None) -> slice:
    """The buckets of a day, or all."""
    if day is None:
        return slice(None)
    if (day.year, day.month) != (month.year, month.month):
        return slice(0, 0)
    return slice(int(grid.day_offsets[day.day - 1]), int(grid.day_offsets[day.day]))


def _summed(values: NDArray[np.int64] | NDArray[np.bool_], grid: SlotGrid, step_s: int) -> NDArray[np.int64]:
    """Slots summed to buckets of the step."""
    counted = values.astype(np.int64)
    if step_s == grid.slot_s:
        return counted
    bounds = grid.day_offsets[:-1] if step_s == DAY_S else grid.hour_offsets[:-1]
    sums: NDArray[np.int64] = np.add.reduceat(counted, bounds)
    return sums


def _read(
    workspace: Workspace, subject: Subject, point: str, kind: str, month: Month
) -> tuple[SlotGrid, NDArray[np.int64], NDArray[np.bool_]] | None:
    if kind in METERED:
        series = workspace.series.read(point=point, channel=METERED[kind], month=month)
        return None if series is None else (series.grid, series.wh.astype(np.int64), series.missing)
    rows = StatementRecord.objects.all().visible_to(subject).filter(point__code=point, run__month=str(month))
    newest = rows.order_by("-run__version").first()
    if newest is None:
        return None
    grid = grid_of_month(month, slot_s=HOUR_S)
    wh = unpack_flows(bytes(newest.flows))[SETTLED[kind]]
    return grid, wh, np.zeros(grid.slots, dtype=np.bool_)


def _table(explored: Explored) -> tuple[list[str], Iterator[list[Cell]]]:
    """Headers with units, and rows by local time; a bucket with a missing slot is empty."""
    headers = ["start", *(f"{one.point} {one.kind} Wh" for one in explored.series)]
    rows = (
        [label, *(None if one.missing[place] else one.wh[place] for one in explored.series)]
        for place, label in enumerate(explored.labels())
    )
    return headers, rows


def explored_csv(explored: Explored) -> bytes:
    """The table as CSV in Wh."""
    return csv_bytes(*_table(explored))


def explored_xlsx(explored: Explored, *, title: str) -> bytes:
    """The table as a spreadsheet in Wh."""
    headers, rows = _table(explored)
    return xlsx_bytes(title, headers, rows)
