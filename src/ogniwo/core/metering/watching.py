"""When a watched condition holds: series in, episodes out, in integers and instants; whoever calls brings the time."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ogniwo.core.kernel.calendar import HOUR_S, SlotGrid
from ogniwo.core.metering.model import IntervalSeries

UNKNOWN: Final = -1
"""A stretch of which something is missing: it neither raises an alarm nor ends one."""
FINE: Final = 0
MET: Final = 1


class WatchKind(StrEnum):
    """What a watch looks for."""

    SILENT = "silent"
    ABOVE = "above"
    BELOW = "below"
    POWER = "power"
    MISSING = "missing"


class Step(StrEnum):
    """Over what energy is summed before it is compared: as metered, local hours, local days."""

    SLOT = "slot"
    HOUR = "hour"
    DAY = "day"


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Judged:
    """Stretches of time in order, side by side: `start` and `end` epoch seconds, `value`, `limit` int64, all (n,).

    `state` (n,) int8 is UNKNOWN, FINE or MET. What is UNKNOWN has no value to speak of.
    """

    start: NDArray[np.int64]
    end: NDArray[np.int64]
    value: NDArray[np.int64]
    limit: NDArray[np.int64]
    state: NDArray[np.int8]

    def between(self, first_epoch_s: int, until_epoch_s: int) -> "Judged":
        """The same without what begins before `first_epoch_s` or ends after `until_epoch_s`."""
        keep = (self.start >= first_epoch_s) & (self.end <= until_epoch_s)
        return Judged(
            start=self.start[keep],
            end=self.end[keep],
            value=self.value[keep],
            limit=self.limit[keep],
            state=self.state[keep],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Episode:
    """A time in which a condition was met without a value that said otherwise.

    `start_epoch_s` begins the first, `end_epoch_s` ends the last stretch that met it; `met` counts those, `unknown` the
    ones between of which something is missing. `worst` is the value farthest beyond its `limit`, first at
    `worst_epoch_s`. `open`: nothing later says that it is over.
    """

    start_epoch_s: int
    end_epoch_s: int
    worst: int
    worst_epoch_s: int
    limit: int
    met: int
    unknown: int
    open: bool


def _bounds(grid: SlotGrid, step: Step) -> NDArray[np.int64]:
    """(n + 1,) where each stretch begins, in slots."""
    if step is Step.DAY:
        return grid.day_offsets.astype(np.int64)
    if step is Step.HOUR:
        return grid.hour_offsets.astype(np.int64)
    return np.arange(grid.slots + 1, dtype=np.int64)


def _instants(grid: SlotGrid, bounds: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Where stretches begin and end, in epoch seconds."""
    marks = np.append(grid.start_epoch_s, grid.start_epoch_s[-1] + grid.slot_s)[bounds]
    return marks[:-1], marks[1:]


def judge_energy(series: IntervalSeries, *, step: Step, limit_wh: int, above: bool) -> Judged:
    """Whether the energy of each stretch is above (or below) a limit in Wh; equal to it is neither."""
    bounds = _bounds(series.grid, step)
    wh = np.where(series.missing, 0, series.wh).astype(np.int64)
    value = np.add.reduceat(wh, bounds[:-1])
    lacking = np.add.reduceat(series.missing.astype(np.int64), bounds[:-1]) > 0
    met = value > limit_wh if above else value < limit_wh
    start, end = _instants(series.grid, bounds)
    return Judged(
        start=start, end=end, value=value, limit=np.full(len(value), limit_wh, np.int64), state=_state(lacking, met)
    )


def judge_power(series: IntervalSeries, *, limits_w: Sequence[int]) -> Judged:
    """Whether the mean power of each slot is above that of its local day in `limits_w` (days,); 0 or less: no limit.

    Mean power is energy times the slots of an hour, in W: exact for quarter-hours and hours.
    """
    grid = series.grid
    if len(limits_w) != len(grid.days):
        raise ValueError("a limit is needed for each day")
    limit = np.repeat(np.asarray(limits_w, dtype=np.int64), np.diff(grid.day_offsets))
    value = np.where(series.missing, 0, series.wh).astype(np.int64) * (HOUR_S // grid.slot_s)
    start, end = _instants(grid, _bounds(grid, Step.SLOT))
    return Judged(
        start=start, end=end, value=value, limit=limit, state=_state(series.missing | (limit <= 0), value > limit)
    )


def judge_missing(grid: SlotGrid, missing_by_day: NDArray[np.int64], *, most: int) -> Judged:
    """Whether more than `most` slots of each local day are missing; `missing_by_day` (days,) counts them."""
    start, end = _instants(grid, _bounds(grid, Step.DAY))
    value = missing_by_day.astype(np.int64)
    return Judged(
        start=start,
        end=end,
        value=value,
        limit=np.full(len(value), most, np.int64),
        state=_state(np.zeros(len(value), dtype=np.bool_), value > most),
    )


def missing_by_day(series: IntervalSeries) -> NDArray[np.int64]:
    """(days,) slots without a value."""
    return np.add.reduceat(series.missing.astype(np.int64), series.grid.day_offsets[:-1].astype(np.int64))


def _state(unknown: NDArray[np.bool_], met: NDArray[np.bool_]) -> NDArray[np.int8]:
    return np.where(unknown, UNKNOWN, np.where(met, MET, FINE)).astype(np.int8)


def episodes(parts: Sequence[Judged], *, lowest: bool = False, done: Sequence[tuple[int, int]] = ()) -> list[Episode]:
    """The episodes of stretches in order; `lowest` says that the worst value is the smallest.

    Stretches that begin within a time that is `done` (from, to in epoch seconds) are taken as FINE: they belong to an
    alarm that has ended. Only the last episode can be open.
    """
    if not parts:
        return []
    start, end, value, limit, state = (
        np.concatenate([getattr(part, name) for part in parts]) for name in ("start", "end", "value", "limit", "state")
    )
    for first, last in done:
        state[(start >= first) & (start < last)] = FINE
    known = np.flatnonzero(state != UNKNOWN)
    met = state[known] == MET
    edges = np.diff(np.concatenate(([False], met, [False])).astype(np.int8))
    begins, ends = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
    found = []
    for begin, stop in zip(begins.tolist(), ends.tolist(), strict=True):
        places = known[begin:stop]
        beyond = (limit[places] - value[places]) if lowest else (value[places] - limit[places])
        worst = places[int(np.argmax(beyond))]
        found.append(
            Episode(
                start_epoch_s=int(start[places[0]]),
                end_epoch_s=int(end[places[-1]]),
                worst=int(value[worst]),
                worst_epoch_s=int(start[worst]),
                limit=int(limit[worst]),
                met=len(places),
                unknown=int(places[-1] - places[0]) + 1 - len(places),
                open=stop == len(met),
            )
        )
    return found


def any_met(parts: Sequence[Judged], first_epoch_s: int, until_epoch_s: int) -> bool:
    """Whether a stretch that begins in [first, until) meets the condition."""
    return any(
        bool(((part.start >= first_epoch_s) & (part.start < until_epoch_s) & (part.state == MET)).any())
        for part in parts
    )


def silence(*, newest_epoch_s: int, patience_s: int, now_epoch_s: int, not_before_epoch_s: int) -> Episode | None:
    """The silence at an instant, None while there is none: nothing newer than `newest_epoch_s` for over `patience_s`.

    It begins when the patience ended, yet not before `not_before_epoch_s` (the end of the silence before). `worst` is
    the age of the newest value in whole hours, `limit` the patience in whole hours.
    """
    if now_epoch_s - newest_epoch_s <= patience_s:
        return None
    begin = min(max(newest_epoch_s + patience_s, not_before_epoch_s), now_epoch_s)
    return Episode(
        start_epoch_s=begin,
        end_epoch_s=now_epoch_s,
        worst=(now_epoch_s - newest_epoch_s) // HOUR_S,
        worst_epoch_s=newest_epoch_s,
        limit=patience_s // HOUR_S,
        met=1,
        unknown=0,
        open=True,
    )
