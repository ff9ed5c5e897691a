"""Reading meter files from disk without a workspace, and writing what was read as CSV or JSON lines."""

import csv
import io
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ogniwo.core.kernel.findings import Finding, Severity
from ogniwo.core.kernel.periods import instant_of
from ogniwo.core.kernel.quality import QUALITY_WORDS, Quality
from ogniwo.core.kernel.quantities import format_decimal
from ogniwo.core.metering.model import RegisterReading
from ogniwo.formats.meter_files.model import FileReading, FileRefusedError, LayoutDescription
from ogniwo.formats.meter_files.reader import known_layouts, read_meter_file

__all__ = [
    "FIELDS",
    "FileReading",
    "FileRefusedError",
    "LayoutDescription",
    "kinds_of",
    "known_layouts",
    "read_files",
    "rows_of",
    "to_csv_lines",
    "to_json_lines",
]

FIELDS = {
    "interval": ("ppe", "channel", "start", "seconds", "wh", "quality", "file", "row"),
    "register": (
        "ppe", "meter", "obis", "time", "value", "unit", "origin", "multiplier", "digits", "file", "row",
    ),
    "maximum": ("ppe", "month", "rank", "power_w", "time", "file", "row"),
}  # fmt: skip
"""The fields of each kind of row, in the order they are written."""

_Row = dict[str, Any]
_BUFFERED_CHARACTERS = 1 << 16


def read_files(paths: Sequence[Path], *, point: str = "", layout: str = "") -> list[FileReading]:
    """Read meter files completely; raises one FileRefusedError with the findings of all refused files.

    Among daily files of one cooperative and day only the highest version is kept (it replaces the earlier ones); the
    readings come in the order of the paths. Raises OSError when a file cannot be read from disk.
    """
    readings: list[FileReading] = []
    refusals: list[FileRefusedError] = []
    for path in paths:
        try:
            readings.append(read_meter_file(path.read_bytes(), file_name=path.name, point=point, layout=layout))
        except FileRefusedError as refusal:
            refusals.append(refusal)
    if len(refusals) == 1:
        raise refusals[0]
    if refusals:
        details = "; ".join(refusal.detail for refusal in refusals)
        findings = tuple(finding for refusal in refusals for finding in refusal.findings)
        raise FileRefusedError(detail=f"{len(refusals)} files were refused: {details}", findings=findings)
    return _without_replaced(readings)


def _without_replaced(readings: Sequence[FileReading]) -> list[FileReading]:
    """Leave out versions that a higher one replaces; the same version with other bytes is an error finding."""
    newest: dict[tuple[str, str, str], FileReading] = {}
    for reading in readings:
        key = _daily_key(reading)
        if key is None:
            continue
        held = newest.get(key)
        if held is None or _version(reading) > _version(held):
            newest[key] = reading
    kept = []
    for reading in readings:
        key = _daily_key(reading)
        held = newest[key] if key else reading
        if held is reading:
            kept.append(_with_notes(reading, readings, key))
        elif _version(held) == _version(reading) and held.sha256 != reading.sha256:
            message = f"the same version as {held.file_name}, with other content; it is not known which one counts"
            kept.append(_noted(reading, "read.same_version", Severity.ERROR, message))
    return kept


def _with_notes(reading: FileReading, readings: Sequence[FileReading], key: tuple[str, str, str] | None) -> FileReading:
    for other in readings:
        if key is not None and other is not reading and _daily_key(other) == key:
            if _version(other) < _version(reading):
                message = f"replaces {other.file_name} (version {_version(other)} of the same day)"
                reading = _noted(reading, "read.replaces", Severity.NOTE, message)
            elif other.sha256 == reading.sha256:
                message = f"{other.file_name} holds the same bytes and was read once"
                reading = _noted(reading, "read.same_file", Severity.NOTE, message)
    return reading


def _noted(reading: FileReading, code: str, severity: Severity, message: str) -> FileReading:
    finding = Finding(code=code, severity=severity, message=message, source=reading.file_name)
    return replace(reading, findings=(*reading.findings, finding))


def _daily_key(reading: FileReading) -> tuple[str, str, str] | None:
    facts = dict(reading.facts)
    if "file_version" not in facts:
        return None
    return reading.layout, facts.get("cooperative", ""), facts.get("day", "")


def _version(reading: FileReading) -> int:
    return int(dict(reading.facts)["file_version"])


def rows_of(readings: Iterable[FileReading]) -> Iterator[tuple[str, _Row]]:
    """Everything that was read, as (kind, row): kinds and fields of FIELDS, instants in ISO 8601 UTC with Z."""
    for reading in readings:
        yield from (("interval", row) for row in _interval_rows(reading))
        for register in reading.registers:
            yield "register", _row("register", *_register_values(register))
        for item in reading.maxima:
            moment = _moment(item.epoch_s)
            yield (
                "maximum",
                _row("maximum", item.point, item.month, item.rank, item.power_w, moment, item.source, item.row),
            )


def _row(kind: str, *values: object) -> _Row:
    return dict(zip(FIELDS[kind], values, strict=True))


def _register_values(register: RegisterReading) -> tuple[object, ...]:
    return (
        register.point,
        register.meter,
        register.obis,
        _moment(register.epoch_s),
        format_decimal(register.value_e3, decimals=3),
        register.unit,
        register.origin,
        register.multiplier,
        register.digits,
        register.source,
        register.row,
    )


def _interval_rows(reading: FileReading) -> Iterator[_Row]:
    columns = reading.intervals
    starts = np.datetime_as_string(columns.start_epoch_s.astype("datetime64[s]"))
    words = {int(quality): word for quality, word in QUALITY_WORDS.items()}
    rows = zip(
        columns.point_index.tolist(),
        columns.channel_index.tolist(),
        starts.tolist(),
        columns.seconds.tolist(),
        columns.wh.tolist(),
        columns.quality.tolist(),
        columns.row.tolist(),
        strict=True,
    )
    missing = QUALITY_WORDS[Quality.MISSING]
    for point, channel, start, seconds, wh, quality, row in rows:
        word = words[quality]
        yield {
            "ppe": columns.points[point],
            "channel": columns.channels[channel],
            "start": f"{start}Z",
            "seconds": seconds,
            "wh": None if word == missing else wh,
            "quality": word,
            "file": reading.file_name,
            "row": row,
        }


def _moment(epoch_s: int) -> str:
    return instant_of(epoch_s).strftime("%Y-%m-%dT%H:%M:%SZ")


def to_csv_lines(readings: Iterable[FileReading], *, kind: str = "interval") -> Iterator[str]:
    """The rows of one kind as CSV with a header line; a missing energy is an empty cell, never a zero."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(FIELDS[kind])
    for row_kind, row in rows_of(readings):
        if row_kind == kind:
            writer.writerow("" if value is None else value for value in row.values())
            if buffer.tell() > _BUFFERED_CHARACTERS:
                yield buffer.getvalue()
                buffer.seek(0)
                buffer.truncate()
    yield buffer.getvalue()


def to_json_lines(readings: Iterable[FileReading]) -> Iterator[str]:
    """All rows as JSON lines, each with its `kind`; a missing energy is null, never a zero."""
    for kind, row in rows_of(readings):
        yield json.dumps({"kind": kind, **row}, ensure_ascii=False) + "\n"


def kinds_of(readings: Iterable[FileReading]) -> tuple[str, ...]:
    """Which kinds of rows the readings hold, in the order of FIELDS."""
    held = set()
    for reading in readings:
        counts = {
            "interval": reading.intervals.count,
            "register": len(reading.registers),
            "maximum": len(reading.maxima),
        }
        held |= {kind for kind, count in counts.items() if count}
    return tuple(kind for kind in FIELDS if kind in held)
