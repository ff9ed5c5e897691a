"""A meter file as the usage of a rated period: complete and unambiguous, or refused with what is missing."""

from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ogniwo.core.kernel.calendar import QUARTER_S, SlotGrid, grid_of_days
from ogniwo.core.kernel.periods import epoch_of, instant_of
from ogniwo.core.kernel.quality import QUALITY_WORDS, Quality
from ogniwo.core.kernel.refusals import Refusal
from ogniwo.core.metering.model import IMPORT, IMPORT_NETTED, REACTIVE_Q1, REACTIVE_Q4
from ogniwo.core.tariffs.usage import ReactiveEnergy, Usage
from ogniwo.services.metering.read_files import FileReading, read_files

_LENGTHS_S = (900, 3_600)


class UnusableProfileError(Refusal):
    """A meter file does not hold the energy of one point for every interval of the period."""

    code = "tariff.unusable_profile"


def usage_of_files(
    paths: Sequence[Path],
    *,
    first: date,
    last_exclusive: date,
    point: str = "",
    reactive: bool = True,
    tell: Callable[[str], None] = lambda _text: None,
) -> Usage:
    """Read the energy taken by one point on the local days [first, last_exclusive) from meter files.

    Mean powers come from the intervals, but not from netted ones, which are no power of the meter. With `reactive` the
    files' reactive energy is read where they hold it, of the whole period and both quadrants. `tell` is given what the
    numbers are worth: rounded values and values that were not measured. Refuses missing, repeated or irregular
    intervals, energy below zero, and files of several points unless `point` picks one.
    """
    readings = read_files(paths, point=point)
    columns = _Columns(readings, point=point)
    channel = next((name for name in (IMPORT, IMPORT_NETTED) if name in columns.channels), None)
    if channel is None:
        raise UnusableProfileError(detail="the files hold no active energy taken from the grid")
    grid = columns.grid(channel, first, last_exclusive)
    energy_wh = columns.slots(channel, grid)
    usage = Usage(
        grid=grid,
        energy_wh=energy_wh,
        power_w=energy_wh * (3_600 // grid.slot_s) if channel == IMPORT else None,
        reactive=_reactive(columns, grid, energy_wh) if reactive else (),
    )
    for text in (*_rounded(readings), *columns.not_measured(channel, grid)):
        tell(text)
    return usage


def _rounded(readings: Sequence[FileReading]) -> list[str]:
    return [
        f"{finding.source}: {finding.message}"
        for reading in readings
        for finding in reading.findings
        if finding.code == "read.rounded"
    ]


def _reactive(columns: "_Columns", grid: SlotGrid, energy_wh: NDArray[np.int64]) -> tuple[ReactiveEnergy, ...]:
    held = sorted({REACTIVE_Q1, REACTIVE_Q4} & columns.channels)
    if not held:
        return ()
    if len(held) == 1:
        raise UnusableProfileError(
            detail=f"reactive energy needs both {REACTIVE_Q1} and {REACTIVE_Q4}; the files hold only {held[0]}"
        )
    return (
        ReactiveEnergy(
            active_wh=int(energy_wh.sum()),
            q1_varh=int(columns.slots(REACTIVE_Q1, grid).sum()),
            q4_varh=int(columns.slots(REACTIVE_Q4, grid).sum()),
        ),
    )


class _Columns:
    """The intervals of one point from several files, by channel."""

    def __init__(self, readings: Sequence[FileReading], *, point: str) -> None:
        points = sorted({name for reading in readings for name in reading.intervals.points})
        if point and point not in points:
            raise UnusableProfileError(detail=f"the files hold no point {point}")
        if len(points) != 1 and not point:
            raise UnusableProfileError(detail=f"the files hold {len(points)} points; name one of them")
        wanted = point or points[0]
        self._parts: dict[str, list[NDArray[np.int64]]] = {}
        for reading in readings:
            intervals = reading.intervals
            for channel_index, channel in enumerate(intervals.channels):
                own = np.flatnonzero(
                    (intervals.channel_index == channel_index)
                    & (np.array(intervals.points, dtype=object)[intervals.point_index] == wanted)
                )
                fields = (intervals.start_epoch_s, intervals.seconds, intervals.wh, intervals.quality)
                block = np.stack([field[own].astype(np.int64) for field in fields])
                self._parts.setdefault(channel, []).append(block)
        self._blocks = {channel: np.concatenate(blocks, axis=1) for channel, blocks in self._parts.items()}

    @property
    def channels(self) -> frozenset[str]:
        """Channels with at least one interval."""
        return frozenset(channel for channel, block in self._blocks.items() if block.shape[1])

    def grid(self, channel: str, first: date, last_exclusive: date) -> SlotGrid:
        """The grid of the days in the length of the channel's intervals there."""
        quarters = grid_of_days(first, last_exclusive, slot_s=QUARTER_S)
        lengths = sorted(set(self._inside(channel, quarters)[1].tolist()))
        if len(lengths) != 1 or lengths[0] not in _LENGTHS_S:
            found = ", ".join(f"{length} s" for length in lengths) or "none"
            raise UnusableProfileError(
                detail=f"intervals of one length, 900 s or 3600 s, are needed for {first} .. {last_exclusive} "
                f"(not included); found: {found}"
            )
        return grid_of_days(first, last_exclusive, slot_s=lengths[0])

    def slots(self, channel: str, grid: SlotGrid) -> NDArray[np.int64]:
        """The channel on a grid; refuses a slot without value, twice given, or off the raster."""
        start_epoch_s, seconds, wh, quality = self._inside(channel, grid)
        offsets = start_epoch_s - int(grid.start_epoch_s[0])
        if np.any(seconds != grid.slot_s) or np.any(offsets % grid.slot_s):
            raise UnusableProfileError(detail=f"intervals of {channel} are not all on the raster of {grid.slot_s} s")
        present = quality != int(Quality.MISSING)
        slot = offsets[present] // grid.slot_s
        counts = np.bincount(slot, minlength=grid.slots)
        _refuse_at(grid, counts > 1, f"{channel} is given more than once")
        _refuse_at(grid, counts == 0, f"{channel} is missing")
        values = np.zeros(grid.slots, dtype=np.int64)
        values[slot] = wh[present]
        _refuse_at(grid, values < 0, f"{channel} is below zero")
        return values

    def not_measured(self, channel: str, grid: SlotGrid) -> list[str]:
        """How many slots of a channel have a value of another quality than measured, by quality."""
        quality = self._inside(channel, grid)[3]
        counts = {code: int((quality == code).sum()) for code in np.unique(quality).tolist()}
        return [
            f"{count} of {grid.slots} intervals of {channel} are {QUALITY_WORDS[Quality(code)]}"
            for code, count in counts.items()
            if Quality(code) not in {Quality.MEASURED, Quality.MISSING}
        ]

    def _inside(self, channel: str, grid: SlotGrid) -> NDArray[np.int64]:
        block = self._blocks[channel]
        begin, end = epoch_of(grid.period.start), epoch_of(grid.period.end)
        return block[:, (block[0] >= begin) & (block[0] < end)]


def _refuse_at(grid: SlotGrid, wrong: NDArray[np.bool_], what: str) -> None:
    places = np.flatnonzero(wrong)
    if len(places):
        begin = instant_of(int(grid.start_epoch_s[places[0]])).strftime("%Y-%m-%dT%H:%MZ")
        raise UnusableProfileError(detail=f"{what} in {len(places)} of {grid.slots} intervals, first at {begin}")
