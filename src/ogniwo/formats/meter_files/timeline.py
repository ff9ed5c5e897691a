"""From the labels of one series, in the order of the file, to instants; every contradiction is an error with its row.

The rules are metering.md 3: in the repeated hour of autumn the first occurrence is summer time, labels may come in two
blocks or interleaved in pairs; a label inside the skipped hour of spring, a label twice, or a step back in time that
neither change explains means that the file does not say what its layout promises.
"""

from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from ogniwo.core.kernel.wall_clock import moments_of_wall_clock
from ogniwo.formats.meter_files.labels import LabelKind
from ogniwo.formats.meter_files.layout import Time

LENGTHS_S = (300, 600, 900, 1_800, 3_600)
_DAY_S = 86_400


@dataclass(frozen=True, slots=True)
class TimeProblem:
    """A row whose label cannot be; `index` is its place in the series."""

    code: str
    index: int
    message: str


@dataclass(frozen=True, eq=False, slots=True)
class Axis:
    """The times of one series. `order` (kept,) int64 sorts the kept rows by start; `start_epoch_s` belongs to it.

    `set_aside` are the rows that were left out because their hour does not exist, `unsure` the rows of a repeated
    hour that stands in the file only once. `repeats` (repeated rows, 2) int64 are rows that were left out because an
    earlier row has the same label, each beside the row before it; only their values can tell whether that is an error.
    """

    length_s: int
    start_epoch_s: NDArray[np.int64]
    order: NDArray[np.int64]
    problems: tuple[TimeProblem, ...]
    set_aside: NDArray[np.int64]
    unsure: NDArray[np.int64]
    repeats: NDArray[np.int64]


def step_of(seconds: NDArray[np.int64]) -> int:
    """The smallest step forward between labels, 0 when there is none."""
    steps = np.diff(np.unique(seconds))
    return int(steps.min()) if len(steps) else 0


def resolve_axis(*, seconds: NDArray[np.int64], kind: NDArray[np.int8], time: Time, length_s: int) -> Axis:
    """Find the UTC start of each row.

    `seconds` (rows,) and `kind` (rows,) are the labels in the order of the file, `length_s` the interval's length.
    """
    local = kind != LabelKind.ABSOLUTE
    shift = _shift(seconds, time=time, length_s=length_s)
    wall = seconds - shift if time.clock == "interval" else seconds
    moments = moments_of_wall_clock(wall, zone=time.zone)
    ambiguous, absent = moments.ambiguous & local, moments.absent & local
    if time.clock == "instant":
        # An end label at the very moment of the spring change names that moment, though no clock shows it.
        shift_local = np.where(local, shift, 0)
        absent &= (shift_local == 0) | moments_of_wall_clock(wall - 1, zone=time.zone).absent
    repeated, single = _second_occurrence(wall, kind=kind, ambiguous=ambiguous)
    unsure = np.array([] if time.repeat_mark else single, dtype=np.int64)
    start = np.where(repeated, moments.second_epoch_s, moments.first_epoch_s)
    start = np.where(local, start if time.clock == "interval" else start - shift, seconds - shift)
    problems = [
        TimeProblem("read.repeat_mark", index, f"{shown(seconds, index)} is marked as repeated but occurs once")
        for index in np.flatnonzero((kind == LabelKind.REPEATED) & ~ambiguous).tolist()
    ]
    problems += _steps_back(wall, seconds=seconds, local=local, ambiguous=ambiguous)
    kept = np.flatnonzero(~absent)
    if time.absent_hour == "refuse":
        problems += [
            TimeProblem("read.absent_hour", index, f"{shown(seconds, index)} is in the hour that spring skips")
            for index in np.flatnonzero(absent).tolist()
        ]
    order = kept[np.argsort(start[kept], kind="stable")]
    problems += [
        TimeProblem("read.off_raster", index, f"{shown(seconds, index)} is no step of {length_s // 60} minutes")
        for index in order[start[order] % length_s != 0].tolist()
    ]
    twice = np.flatnonzero(np.diff(start[order]) == 0) + 1
    repeats = np.stack([order[twice], order[twice - 1]], axis=1)
    same_label = np.diff(seconds[repeats], axis=1)[:, 0] == 0
    problems += [
        TimeProblem("read.duplicate_label", again, f"{shown(seconds, again)} is the moment of {shown(seconds, before)}")
        for again, before in repeats[~same_label].tolist()
    ]
    order = np.delete(order, twice)
    problems.sort(key=lambda problem: problem.index)
    return Axis(
        length_s=length_s,
        start_epoch_s=start[order],
        order=order,
        problems=tuple(problems),
        set_aside=np.flatnonzero(absent),
        unsure=unsure,
        repeats=repeats[same_label],
    )


def _shift(seconds: NDArray[np.int64], *, time: Time, length_s: int) -> NDArray[np.int64]:
    """How far each label lies behind the start of its interval."""
    if time.label == "start":
        return np.zeros_like(seconds)
    if time.label == "end":
        return np.full_like(seconds, length_s)
    minute_before = np.full_like(seconds, length_s - 60)
    if time.label == "end-minute":
        return minute_before
    return np.where(seconds % length_s == length_s - 60, minute_before, length_s)


def _second_occurrence(
    wall: NDArray[np.int64], *, kind: NDArray[np.int8], ambiguous: NDArray[np.bool_]
) -> tuple[NDArray[np.bool_], list[int]]:
    """Which rows are the second occurrence in a repeated hour, and which labels of it stand there only once.

    Marks decide where the file has any. Otherwise a step back divides the hour in two blocks; without a step back
    the labels come in pairs, or only once, and then they count as the first occurrence.
    """
    repeated = kind == LabelKind.REPEATED
    single: list[int] = []
    groups: defaultdict[int, list[int]] = defaultdict(list)
    for index in np.flatnonzero(ambiguous).tolist():
        groups[int(wall[index]) // _DAY_S].append(index)
    for indexes in groups.values():
        if any(repeated[index] for index in indexes):
            continue
        labels = [int(wall[index]) for index in indexes]
        backs = [place for place in range(1, len(labels)) if labels[place] < labels[place - 1]]
        if backs:
            repeated[indexes[backs[0] :]] = True
            continue
        for place, index in enumerate(indexes):
            if place and labels[place] == labels[place - 1]:
                repeated[index] = True
            elif labels.count(labels[place]) == 1:
                single.append(index)
    return repeated & ambiguous, single


def _steps_back(
    wall: NDArray[np.int64], *, seconds: NDArray[np.int64], local: NDArray[np.bool_], ambiguous: NDArray[np.bool_]
) -> list[TimeProblem]:
    """Local labels must not go back, except inside one repeated hour."""
    within = ambiguous[1:] & ambiguous[:-1] & (wall[1:] // _DAY_S == wall[:-1] // _DAY_S)
    back = (np.diff(wall) < 0) & local[1:] & local[:-1] & ~within
    return [
        TimeProblem("read.out_of_order", index, f"{shown(seconds, index)} follows {shown(seconds, index - 1)}")
        for index in (np.flatnonzero(back) + 1).tolist()
    ]


def shown(seconds: NDArray[np.int64], index: int) -> str:
    """A label as a person writes it."""
    return datetime.fromtimestamp(int(seconds[index]), tz=UTC).strftime("%Y-%m-%d %H:%M")
