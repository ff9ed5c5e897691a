"""Series while they are read, and their way into columns: times resolved, gaps and roundings reported."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ogniwo.core.kernel.findings import Finding, Severity
from ogniwo.core.kernel.quality import Quality
from ogniwo.formats.meter_files.columns import frozen, joined
from ogniwo.formats.meter_files.layout import Time
from ogniwo.formats.meter_files.model import IntervalColumns
from ogniwo.formats.meter_files.numbers import RoundingTally, WholeWh
from ogniwo.formats.meter_files.problems import Problems
from ogniwo.formats.meter_files.timeline import LENGTHS_S, Axis, resolve_axis, shown, step_of


@dataclass(slots=True)
class Draft:
    """One point and channel: parallel lists in the order of the file."""

    point: str
    channel: str
    seconds: list[int] = field(default_factory=list)
    kind: list[int] = field(default_factory=list)
    values: list[WholeWh | None] = field(default_factory=list)
    quality: list[int] = field(default_factory=list)
    row: list[int] = field(default_factory=list)

    def add(self, value: WholeWh | None, quality: Quality) -> None:
        """Append a value; None, or a quality of MISSING, is kept as a missing interval."""
        missing = value is None or quality is Quality.MISSING
        self.values.append(None if missing else value)
        self.quality.append(Quality.MISSING if missing else quality)


@dataclass(frozen=True, eq=False, slots=True)
class _Series:
    """A draft with its times: values and arrays of shape (kept rows,), sorted by start."""

    draft: Draft
    axis: Axis
    values: list[WholeWh | None]
    wh: NDArray[np.int64]
    quality: NDArray[np.uint8]
    row: NDArray[np.int32]


def columns_of_drafts(drafts: Sequence[Draft], *, time: Time, problems: Problems) -> IntervalColumns:
    """Resolve the times of all series and put them into columns; findings and errors go to `problems`."""
    # A series too short to tell its own length takes the file's, if the file has only one.
    steps = {step_of(_array(draft.seconds)) for draft in drafts} - {0}
    fallback = steps.pop() if len(steps) == 1 else 0
    axes: dict[tuple[bytes, bytes, bytes], Axis | None] = {}
    series = []
    for draft in drafts:
        key = (_array(draft.seconds).tobytes(), bytes(draft.kind), _array(draft.row).tobytes())
        if key not in axes:
            axes[key] = _axis(draft, time=time, fallback_s=fallback, problems=problems)
        axis = axes[key]
        if axis is not None:
            _check_repeats(draft, axis, problems)
            series.append(_sorted(draft, axis))
    problems.refuse_if_any()
    _report_gaps(series, problems)
    for item in series:
        _report_rounding(item, problems)
    return _columns(series)


def _array(values: Sequence[int]) -> NDArray[np.int64]:
    return np.asarray(values, dtype=np.int64)


def _axis(draft: Draft, *, time: Time, fallback_s: int, problems: Problems) -> Axis | None:
    seconds = _array(draft.seconds)
    length_s = time.length_s or step_of(seconds) or fallback_s
    if length_s not in LENGTHS_S:
        known = ", ".join(str(length // 60) for length in LENGTHS_S)
        message = f"the rows are {length_s / 60:g} minutes apart; lengths of {known} minutes are known"
        if length_s == 0:
            message = "one row alone does not tell how long its interval is"
        problems.error("read.length", message, row=draft.row[0], point=draft.point, channel=draft.channel)
        return None
    kind = np.asarray(draft.kind, dtype=np.int8)
    axis = resolve_axis(seconds=seconds, kind=kind, time=time, length_s=length_s)
    for problem in axis.problems:
        problems.error(
            problem.code, problem.message, row=draft.row[problem.index], point=draft.point, channel=draft.channel
        )
    _report_set_aside(draft, seconds, axis, problems)
    if len(axis.unsure):
        first = int(axis.unsure[0])
        problems.remark(
            Finding(
                code="read.repeated_hour_once",
                severity=Severity.WARNING,
                message=f"the repeated hour stands only once ({shown(seconds, first)}); taken as summer time",
                source=problems.file_name,
                row=draft.row[first],
                point=draft.point,
                channel=draft.channel,
            )
        )
    return axis


def _report_set_aside(draft: Draft, seconds: NDArray[np.int64], axis: Axis, problems: Problems) -> None:
    """Rows of an hour that does not exist, in a layout that is read all the same: an error finding, not a refusal."""
    if not len(axis.set_aside) or axis.problems:
        return
    first = int(axis.set_aside[0])
    breaks = np.flatnonzero(np.diff(seconds) != axis.length_s) + 1
    place = int(np.searchsorted(breaks, first, side="right"))
    begin = int(breaks[place - 1]) if place else 0
    end = int(breaks[place]) - 1 if place < len(breaks) else len(seconds) - 1
    problems.remark(
        Finding(
            code="read.absent_hour",
            severity=Severity.ERROR,
            message=f"{len(axis.set_aside)} rows are in the hour that spring skips and were left out; the unbroken run "
            f"from {shown(seconds, begin)} to {shown(seconds, end)} is probably not in local time",
            source=problems.file_name,
            row=draft.row[first],
            facts=(
                ("rows", str(len(axis.set_aside))),
                ("run_first_label", shown(seconds, begin)),
                ("run_last_label", shown(seconds, end)),
                ("run_first_row", str(draft.row[begin])),
                ("run_last_row", str(draft.row[end])),
            ),
        )
    )


def _check_repeats(draft: Draft, axis: Axis, problems: Problems) -> None:
    """A label that stands there again: the same value and quality is said once too often, others contradict it."""
    same = []
    for again, before in axis.repeats.tolist():
        if (draft.values[again], draft.quality[again]) == (draft.values[before], draft.quality[before]):
            same.append(again)
            continue
        problems.error(
            "read.duplicate_label",
            f"{shown(_array(draft.seconds), again)} stands there again and says something else than row "
            f"{draft.row[before]}",
            row=draft.row[again],
            point=draft.point,
            channel=draft.channel,
        )
    if same:
        problems.remark(
            Finding(
                code="V2.duplicate",
                severity=Severity.WARNING,
                message=f"{len(same)} rows repeat an earlier row with the same value; the first was kept",
                source=problems.file_name,
                row=draft.row[same[0]],
                point=draft.point,
                channel=draft.channel,
                facts=(("rows", str(len(same))),),
            )
        )


def _sorted(draft: Draft, axis: Axis) -> _Series:
    values = [draft.values[place] for place in axis.order.tolist()]
    return _Series(
        draft=draft,
        axis=axis,
        values=values,
        wh=_array([0 if value is None else value.wh for value in values]),
        quality=np.asarray(draft.quality, dtype=np.uint8)[axis.order],
        row=np.asarray(draft.row, dtype=np.int32)[axis.order],
    )


def _report_gaps(series: Sequence[_Series], problems: Problems) -> None:
    """Absent rows and empty values, per channel and contiguous run, within what the file has of the point at all."""
    spans: dict[str, tuple[int, int]] = {}
    for item in series:
        starts = item.axis.start_epoch_s
        if not len(starts):
            continue
        first, end = spans.get(item.draft.point, (int(starts[0]), 0))
        spans[item.draft.point] = (min(first, int(starts[0])), max(end, int(starts[-1]) + item.axis.length_s))
    for item in series:
        starts, length_s = item.axis.start_epoch_s, item.axis.length_s
        if not len(starts):
            continue
        first, end = spans[item.draft.point]
        bounds = np.concatenate(([first - length_s], starts, [end]))
        for place in np.flatnonzero(np.diff(bounds) > length_s).tolist():
            row = int(item.row[min(place, len(item.row) - 1)])
            run = (int(bounds[place]) + length_s, int(bounds[place + 1]))
            _report_run("read.gap", "no rows", item, run=run, row=row, problems=problems)
        empty = np.flatnonzero(item.quality == Quality.MISSING)
        breaks = np.flatnonzero((np.diff(empty) != 1) | (np.diff(starts[empty]) != length_s)) + 1
        for places in np.split(empty, breaks) if len(empty) else ():
            run = (int(starts[places[0]]), int(starts[places[-1]]) + length_s)
            _report_run("read.missing", "no values", item, run=run, row=int(item.row[places[0]]), problems=problems)


def _report_run(code: str, what: str, item: _Series, *, run: tuple[int, int], row: int, problems: Problems) -> None:
    """One run without data; for absent rows `row` is the row after the run, or the last one."""
    start, end = run
    slots = -(-(end - start) // item.axis.length_s)
    problems.remark(
        Finding(
            code=code,
            severity=Severity.WARNING,
            message=f"{what} for {slots} intervals of {item.axis.length_s // 60} minutes",
            source=problems.file_name,
            row=row,
            point=item.draft.point,
            channel=item.draft.channel,
            start_epoch_s=start,
            end_epoch_s=end,
            facts=(("intervals", str(slots)),),
        )
    )


def _report_rounding(series: _Series, problems: Problems) -> None:
    tally = RoundingTally()
    for value in series.values:
        if value is not None and value.over:
            tally.add(value)
    if tally.count:
        problems.remark(
            Finding(
                code="read.rounded",
                severity=Severity.NOTE,
                message=f"{tally.count} values had digits below 1 Wh and were rounded half up; "
                f"that changed their sum by {tally.difference_wh} Wh",
                source=problems.file_name,
                point=series.draft.point,
                channel=series.draft.channel,
                facts=(("values", str(tally.count)), ("difference_wh", tally.difference_wh)),
            )
        )


def _columns(series: Sequence[_Series]) -> IntervalColumns:
    points = tuple(dict.fromkeys(item.draft.point for item in series))
    channels = tuple(dict.fromkeys(item.draft.channel for item in series))
    point_at = {point: index for index, point in enumerate(points)}
    channel_at = {channel: index for index, channel in enumerate(channels)}
    series = sorted(series, key=lambda item: (point_at[item.draft.point], channel_at[item.draft.channel]))
    counts = [len(item.wh) for item in series]
    return IntervalColumns(
        points=points,
        channels=channels,
        point_index=frozen(np.repeat(np.array([point_at[item.draft.point] for item in series], np.int32), counts)),
        channel_index=frozen(
            np.repeat(np.array([channel_at[item.draft.channel] for item in series], np.int16), counts)
        ),
        start_epoch_s=joined([item.axis.start_epoch_s for item in series], np.int64),
        seconds=frozen(np.repeat(np.array([item.axis.length_s for item in series], np.int32), counts)),
        wh=joined([item.wh for item in series], np.int64),
        quality=joined([item.quality for item in series], np.uint8),
        row=joined([item.row for item in series], np.int32),
    )
