"""Many series side by side: as metered, after hourly netting, and as settled, on one raster of any run of days."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from ogniwo.core.kernel.calendar import HOUR_S, QUARTER_S, WARSAW, Month, SlotGrid, grid_of_month
from ogniwo.core.kernel.refusals import Refusal
from ogniwo.formats.sheets.writer import Cell, csv_bytes, tsv_text, xlsx_bytes
from ogniwo.records.metering.models import MeteringPoint
from ogniwo.records.visibility import Subject
from ogniwo.services.metering.explorer_slots import METERED, SETTLED, MonthSlots, SlotReader
from ogniwo.services.workspace.model import Workspace

KINDS: Final = (*METERED, *SETTLED)
"""What can be laid side by side: channels as metered, and hourly flows of the newest settlement."""
SERIES_MAX: Final = 32
DAY_S: Final = 86_400
MONTH_S: Final = 31 * DAY_S
"""Stands for calendar months, whose lengths differ."""
STEPS: Final = (QUARTER_S, HOUR_S, DAY_S, MONTH_S)
DAYS_MAX: Final = 1_830
VALUES_MAX: Final = 1_200_000
"""32 series of a year in quarter-hours."""


class TooManySeriesError(Refusal):
    """More series were asked for than one chart can hold."""

    code = "explorer.too_many_series"


class RangeTooLongError(Refusal):
    """The period is longer than the explorer reads at once, or holds more values than it lays out at that step."""

    code = "explorer.range_too_long"


@dataclass(frozen=True, slots=True, kw_only=True)
class ExploredSeries:
    """One series on the common raster: Wh of the slots that are there, and how many slots of each bucket are not.

    `filled` counts those that were estimated, substituted or entered by hand; `provisional` says that some were netted
    here because their month is not settled yet.
    """

    point: str
    kind: str
    wh: tuple[int, ...]
    missing: tuple[int, ...]
    filled: tuple[int, ...]
    provisional: bool = False

    @property
    def total_wh(self) -> int:
        """The sum of what is there."""
        return sum(self.wh)

    @property
    def missing_slots(self) -> int:
        """Slots without a value."""
        return sum(self.missing)

    @property
    def filled_slots(self) -> int:
        """Slots whose value was not measured."""
        return sum(self.filled)


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
        """Local beginnings: month, day, or day and time, with the offset where a time comes twice."""
        zone = ZoneInfo(WARSAW)
        local = [datetime.fromtimestamp(start, tz=zone) for start in self.starts]
        if self.step_s >= DAY_S:
            return tuple(f"{moment:%Y-%m}" if self.step_s == MONTH_S else f"{moment:%Y-%m-%d}" for moment in local)
        plain = [moment.isoformat(sep=" ", timespec="minutes")[:16] for moment in local]
        twice = {text for text, times in Counter(plain).items() if times > 1}
        return tuple(
            f"{text} {moment:%z}"[:20] if text in twice else text for text, moment in zip(plain, local, strict=True)
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Exploration:
    """Series of a run of days as they were read; laid out at any step that is not finer than the coarsest of them."""

    first: date
    last: date
    months: tuple[Month, ...]
    series: tuple[tuple[str, str, tuple[MonthSlots | None, ...]], ...]
    absent: tuple[tuple[str, str], ...]

    @property
    def finest_s(self) -> int:
        """The length of the coarsest slots that are there."""
        lengths = [one.grid.slot_s for _, _, parts in self.series for one in parts if one is not None]
        return max(lengths, default=QUARTER_S)

    @property
    def days(self) -> int:
        """How many local days it covers."""
        return (self.last - self.first).days + 1

    def at(self, step_s: int) -> Explored:
        """Sums of slots over the buckets of a step."""
        step = max(step_s, self.finest_s)
        if step > HOUR_S and self.days == 1:
            step = HOUR_S
        raster = [self._raster(month, step) for month in self.months]
        return Explored(
            starts=tuple(int(start) for grid, bounds, _ in raster for start in grid.start_epoch_s[bounds]),
            step_s=step,
            series=tuple(self._laid_out(point, kind, parts, step) for point, kind, parts in self.series),
            absent=self.absent,
        )

    def _raster(self, month: Month, step: int, slot_s: int = 0) -> tuple[SlotGrid, NDArray[np.int64], slice]:
        """The grid of a month, where in it the buckets of the chosen days begin, and the slots of those days."""
        grid = grid_of_month(month, slot_s=slot_s or min(step, HOUR_S))
        begin = max((self.first - month.first).days, 0)
        end = min((self.last - month.first).days + 1, month.days)
        inside = slice(int(grid.day_offsets[begin]), int(grid.day_offsets[end]))
        if step >= DAY_S:
            days = grid.day_offsets[begin : begin + 1 if step == MONTH_S else end]
            return grid, days.astype(np.int64), inside
        return grid, np.arange(inside.start, inside.stop, step // grid.slot_s, dtype=np.int64), inside

    def _laid_out(self, point: str, kind: str, parts: Sequence[MonthSlots | None], step: int) -> ExploredSeries:
        sums: list[list[int]] = [[], [], []]
        usual_s = next(one.grid.slot_s for one in parts if one is not None)
        for month, part in zip(self.months, parts, strict=True):
            grid, bounds, inside = self._raster(month, step, part.grid.slot_s if part else usual_s)
            zeros = np.zeros(grid.slots, dtype=np.int64)
            columns = (
                (np.where(part.missing, 0, part.wh), part.missing, part.filled) if part else (zeros, zeros + 1, zeros)
            )
            for into, column in zip(sums, columns, strict=True):
                counted = column[inside].astype(np.int64)
                into.extend(np.add.reduceat(counted, bounds - inside.start).tolist())
        return ExploredSeries(
            point=point,
            kind=kind,
            wh=tuple(sums[0]),
            missing=tuple(sums[1]),
            filled=tuple(sums[2]),
            provisional=any(part is not None and part.provisional for part in parts),
        )


def explore(
    workspace: Workspace,
    *,
    subject: Subject,
    points: Sequence[str],
    kinds: Sequence[str],
    first: date,
    last: date,
    step_s: int = HOUR_S,
) -> Exploration:
    """Read points x kinds of the local days from `first` to `last`, both included; what is unknown is left out.

    `step_s` is the finest step that will be laid out. Raises TooManySeriesError, RangeTooLongError.
    """
    known = set(MeteringPoint.objects.all().visible_to(subject).filter(code__in=points).values_list("code", flat=True))
    codes = [point for point in dict.fromkeys(points) if point in known]
    chosen = [kind for kind in KINDS if kind in kinds]
    wanted = [(point, kind) for kind in chosen for point in codes]
    if len(wanted) > SERIES_MAX:
        raise TooManySeriesError(detail=f"{len(wanted)} series; one chart holds {SERIES_MAX}")
    days = (last - first).days + 1
    if days < 1:
        raise RangeTooLongError(detail=f"the period ends on {last}, before it begins on {first}")
    values = len(wanted) * days * DAY_S // step_s
    if days > DAYS_MAX or values > VALUES_MAX:
        raise RangeTooLongError(
            detail=f"{len(wanted)} series of {days} days are {values} values; at most {DAYS_MAX} days and {VALUES_MAX} "
            "values are shown at once: choose a longer step, fewer series or a shorter period"
        )
    months = _months(first, last)
    reader = SlotReader(workspace, subject=subject, points=codes, kinds=chosen, months=months)
    found = [(point, kind, tuple(reader.read(point, kind, month) for month in months)) for point, kind in wanted]
    return Exploration(
        first=first,
        last=last,
        months=months,
        series=tuple(one for one in found if any(part is not None for part in one[2])),
        absent=tuple((point, kind) for point, kind, parts in found if all(part is None for part in parts)),
    )


def _months(first: date, last: date) -> tuple[Month, ...]:
    start = Month(first.year, first.month)
    count = (last.year - first.year) * 12 + last.month - first.month + 1
    return tuple(start.shifted(number) for number in range(count))


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


def explored_tsv(explored: Explored) -> str:
    """The table as text between tabs in Wh, for pasting into a spreadsheet."""
    return tsv_text(*_table(explored))


def explored_xlsx(explored: Explored, *, title: str) -> bytes:
    """The table as a spreadsheet in Wh."""
    headers, rows = _table(explored)
    return xlsx_bytes(title, headers, rows)
