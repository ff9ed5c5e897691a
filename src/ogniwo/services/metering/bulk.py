"""A month's intervals of many points at once, as CSV, JSON lines or Parquet, one series in memory at a time."""

import json
from collections.abc import Iterator, Sequence
from typing import IO, Final

import numpy as np

from ogniwo.core.kernel.calendar import Month
from ogniwo.core.kernel.quality import QUALITY_WORDS, Quality
from ogniwo.core.kernel.refusals import Refusal
from ogniwo.core.metering.model import IntervalSeries
from ogniwo.formats.interval_parquet.writer import unit_of, write_intervals
from ogniwo.formats.sheets.writer import guarded
from ogniwo.records.metering.models import MeteringPoint
from ogniwo.records.visibility import Subject
from ogniwo.services.metering.queries import PointNotFoundError
from ogniwo.services.workspace.model import Workspace

CSV, JSON_LINES, PARQUET = "text/csv", "application/x-ndjson", "application/vnd.apache.parquet"
KINDS: Final = (CSV, JSON_LINES, PARQUET)
FIELDS: Final = ("ppe", "channel", "start", "seconds", "energy", "unit", "quality", "version")
SERIES_MAX: Final = 4_000
"""About twelve million quarter-hours of a month; more is asked for point by point."""


class TooManySeriesError(Refusal):
    """More series were asked for at once than one answer holds."""

    code = "explorer.too_much_at_once"


def counts_reactive(channel: str) -> bool:
    """Whether a channel counts reactive energy, in varh."""
    return unit_of(channel) == "varh"


def write_month(
    workspace: Workspace,
    sink: IO[bytes],
    *,
    subject: Subject,
    month: Month,
    kind: str,
    points: Sequence[str] = (),
    channels: Sequence[str] = (),
) -> int:
    """Write a month's intervals of the points that the subject sees; gives how many series there were.

    Raises PointNotFoundError for a point named that the subject does not see, TooManySeriesError.
    """
    keys = _keys(workspace, subject, month, points, channels)
    if len(keys) > SERIES_MAX:
        raise TooManySeriesError(detail=f"{len(keys)} series; at most {SERIES_MAX} at once: name points or channels")
    series = _read(workspace, month, keys)
    if kind == PARQUET:
        write_intervals(sink, series)
    else:
        for line in _lines(series, kind):
            sink.write(line.encode())
    return len(keys)


def _keys(
    workspace: Workspace, subject: Subject, month: Month, points: Sequence[str], channels: Sequence[str]
) -> list[tuple[str, str]]:
    visible = set(MeteringPoint.objects.all().visible_to(subject).values_list("code", flat=True))
    unknown = sorted(set(points) - visible)
    if unknown:
        raise PointNotFoundError(detail=f"no metering point {unknown[0]}")
    wanted = set(points) or visible
    return sorted(
        (point, channel)
        for point, channel, _ in workspace.series.keys(month=month)
        if point in wanted and (not channels or channel in channels)
    )


def _read(workspace: Workspace, month: Month, keys: Sequence[tuple[str, str]]) -> Iterator[IntervalSeries]:
    for point, channel in keys:
        series = workspace.series.read(point=point, channel=channel, month=month)
        if series is not None:
            yield series


def _lines(series: Iterator[IntervalSeries], kind: str) -> Iterator[str]:
    """A missing energy is empty or null, never a zero; no text of a CSV file begins a formula of a spreadsheet."""
    if kind == CSV:
        yield ",".join(FIELDS) + "\r\n"
    for one in series:
        starts = np.datetime_as_string(one.grid.start_epoch_s.astype("datetime64[s]")).tolist()
        unit = unit_of(one.channel)
        for start, wh, quality in zip(starts, one.wh.tolist(), one.quality.tolist(), strict=True):
            energy = None if quality == Quality.MISSING else wh
            word = QUALITY_WORDS[Quality(quality)]
            row = (one.point, one.channel, f"{start}Z", one.grid.slot_s, energy, unit, word, one.version)
            yield _csv(row) if kind == CSV else json.dumps(dict(zip(FIELDS, row, strict=True))) + "\n"


def _csv(row: tuple[str | int | None, ...]) -> str:
    cells = ("" if cell is None else guarded(cell) if isinstance(cell, str) else str(cell) for cell in row)
    return ",".join(cells) + "\r\n"
