"""From what a clock on the wall shows to instants: the change of clocks, vectorised, with nothing guessed.

The twin of `calendar` for labels that come from outside: a label may name two instants (the repeated hour of autumn)
or none (the skipped hour of spring), and only the caller knows which occurrence a row means.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from ogniwo.core.kernel.calendar import WARSAW
from ogniwo.core.kernel.periods import epoch_of

_DAY_S = 86_400


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class WallClockMoments:
    """The instants that wall-clock labels can mean; all arrays have the shape of the labels.

    `first_epoch_s` and `second_epoch_s` int64 UTC: the earlier and the later reading, equal unless `ambiguous`.
    `absent` marks labels inside a skipped hour; both readings then use the offset that ended there.
    """

    first_epoch_s: NDArray[np.int64]
    second_epoch_s: NDArray[np.int64]
    ambiguous: NDArray[np.bool_]
    absent: NDArray[np.bool_]


def moments_of_wall_clock(wall_s: NDArray[np.int64], *, zone: str = WARSAW) -> WallClockMoments:
    """Find the instants that local labels mean.

    `wall_s` (any shape) int64: seconds from 1970-01-01 00:00 to the label, both as the clock on the wall shows them.
    """
    if wall_s.size == 0:
        empty = np.zeros(wall_s.shape, dtype=np.bool_)
        return WallClockMoments(first_epoch_s=wall_s, second_epoch_s=wall_s, ambiguous=empty, absent=empty)
    first_year = datetime.fromtimestamp(int(wall_s.min()) - _DAY_S, tz=UTC).year
    last_year = datetime.fromtimestamp(int(wall_s.max()) + _DAY_S, tz=UTC).year
    changes = [change for year in range(first_year, last_year + 1) for change in _changes_of_year(zone, year)]
    initial = _offset_s(ZoneInfo(zone), epoch_of(datetime(first_year, 1, 1, tzinfo=UTC)))
    offsets = np.array([initial, *(after for _, _, after in changes)], dtype=np.int64)
    # One sentinel beyond all labels keeps the look-ups below free of special cases.
    horizon = np.iinfo(np.int64).max // 2
    old_ends = np.array([*(instant + before for instant, before, _ in changes), horizon], dtype=np.int64)
    new_begins = np.array([*(instant + after for instant, _, after in changes), horizon], dtype=np.int64)
    segment = np.searchsorted(new_begins, wall_s, side="right")
    second = wall_s - offsets[segment]
    previous = np.maximum(segment - 1, 0)
    ambiguous = (segment > 0) & (wall_s < old_ends[previous])
    first = np.where(ambiguous, wall_s - offsets[previous], second)
    absent = wall_s >= old_ends[segment]
    return WallClockMoments(first_epoch_s=first, second_epoch_s=second, ambiguous=ambiguous, absent=absent)


def _offset_s(zone: ZoneInfo, epoch_s: int) -> int:
    offset = datetime.fromtimestamp(epoch_s, tz=zone).utcoffset()
    if offset is None:
        raise ValueError(f"{zone.key} gives no offset")
    return int(offset.total_seconds())


@lru_cache(maxsize=1_024)
def _changes_of_year(zone: str, year: int) -> tuple[tuple[int, int, int], ...]:
    """The changes of a zone's offset in a UTC year: (instant, offset before, offset after), in seconds."""
    rules = ZoneInfo(zone)
    start = epoch_of(datetime(year, 1, 1, tzinfo=UTC))
    end = epoch_of(datetime(year + 1, 1, 1, tzinfo=UTC))
    changes = []
    for day in range(start, end, _DAY_S):
        before, after = _offset_s(rules, day), _offset_s(rules, day + _DAY_S)
        if before == after:
            continue
        low, high = day, day + _DAY_S
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if _offset_s(rules, middle) == before else (low, middle)
        changes.append((high, before, after))
    return tuple(changes)
