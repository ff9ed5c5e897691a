"""The values the store takes and gives."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Self

import numpy as np
from numpy.typing import NDArray

from ogniwo.core.kernel.calendar import HOUR_S, QUARTER_S, WARSAW, Month, SlotGrid, grid_of_month
from ogniwo.core.kernel.quality import Quality
from ogniwo.core.metering.model import is_channel

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
RASTERS = (QUARTER_S, HOUR_S)
POINT_CHARACTERS_MAX = 64


def microseconds_of(instant: datetime) -> int:
    """Microseconds since 1970 of an aware instant, exact."""
    return (instant - _EPOCH) // _MICROSECOND


def instant_of_microseconds(microseconds: int) -> datetime:
    """The aware UTC instant, exact."""
    return _EPOCH + microseconds * _MICROSECOND


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class NewCell:
    """A month of one channel of one point, to be stored: `wh` int32 (slots,), `quality` uint8 (slots,) of Quality.

    `grid` is a whole month of quarter-hours or hours. Slots of quality MISSING hold 0. Raises ValueError otherwise.
    """

    point: str
    channel: str
    grid: SlotGrid
    wh: NDArray[np.int32]
    quality: NDArray[np.uint8]
    reason: str

    def __post_init__(self) -> None:
        if not 0 < len(self.point) <= POINT_CHARACTERS_MAX or not self.point.isprintable():
            raise ValueError(f"{self.point!r} is no metering point code")
        if not is_channel(self.channel):
            raise ValueError(f"{self.channel!r} is no channel")
        grid = self.grid
        whole = grid_of_month(self.month, slot_s=grid.slot_s)
        if grid.slot_s not in RASTERS or grid.zone != WARSAW or grid.days != whole.days:
            raise ValueError("a cell is a whole month of quarter-hours or hours")
        if self.wh.dtype != np.int32 or self.quality.dtype != np.uint8:
            raise ValueError("wh must be int32 and quality uint8")
        if self.wh.shape != (grid.slots,) or self.quality.shape != (grid.slots,):
            raise ValueError("values and grid differ in length")
        if self.quality.min() < min(Quality) or self.quality.max() > max(Quality):
            raise ValueError("a quality is out of range")
        if self.wh[self.quality == Quality.MISSING].any():
            raise ValueError("a missing slot holds a value")

    @property
    def month(self) -> Month:
        """Its month."""
        return Month(self.grid.days[0].year, self.grid.days[0].month)


@dataclass(frozen=True, slots=True, kw_only=True)
class CellVersion:
    """One stored version of a cell: who said what when, and where it lies. `version` counts from 1."""

    point: str
    channel: str
    month: Month
    slot_s: int
    version: int
    known_at: datetime
    source: str
    reason: str
    author: str
    digest: str
    path: str
    row: int

    @property
    def name(self) -> str:
        """`<version>@<first 16 of the digest>`: what derived results quote."""
        return f"{self.version}@{self.digest[:16]}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """An acknowledged commit: `stored` new versions, `unchanged` cells equal to the latest, digest of its manifest."""

    number: int
    commit_id: str
    known_at: datetime
    source: str
    author: str
    stored: int
    unchanged: int
    digest: str


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Completeness:
    """How much of a cell is there: `present` of `slots`, and `missing_by_day` (days,) int32.

    `worst_quality` is MISSING as soon as a slot is missing; `worst_present` is that of the values there are, or None.
    """

    point: str
    channel: str
    month: Month
    slot_s: int
    slots: int
    present: int
    missing_by_day: NDArray[np.int32]
    worst_present: Quality | None
    version: str

    @property
    def worst_quality(self) -> Quality:
        """The least trusted quality of the month, missing slots included."""
        return Quality.MISSING if self.worst_present is None or self.present < self.slots else self.worst_present


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class DenseMonth:
    """Many points of one channel and month as matrices for the kernels, mapped read-only from a cache file.

    `wh` int32 (points, slots); `present` uint8 (points, ceil(slots / 8)), first slot in the highest bit, 0 = missing.
    `versions` name the cell each row came from, "" where the point has none (all its slots are missing).
    """

    month: Month
    channel: str
    grid: SlotGrid
    points: tuple[str, ...]
    versions: tuple[str, ...]
    wh: NDArray[np.int32]
    present: NDArray[np.uint8]

    @property
    def complete(self) -> bool:
        """Whether every slot of every point has a value."""
        return int(np.bitwise_count(self.present).sum(dtype=np.int64)) == len(self.points) * self.grid.slots


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class YearByDay:
    """Sums of local days: `wh` int64 (days,) of the slots that have a value, `missing` and `slots` int32 (days,)."""

    days: tuple[date, ...]
    wh: NDArray[np.int64]
    missing: NDArray[np.int32]
    slots: NDArray[np.int32]

    @classmethod
    def empty(cls, year: int) -> Self:
        """A year without any value."""
        months = [grid_of_month(Month(year, month)) for month in range(1, 13)]
        slots = np.concatenate([np.diff(grid.day_offsets) for grid in months]).astype(np.int32)
        days = tuple(day for grid in months for day in grid.days)
        return cls(days=days, wh=np.zeros(len(days), np.int64), missing=slots.copy(), slots=slots)
