"""The same strict reading in plain Python, row by row: slow, short, the oracle of the compiled parser."""

import re
from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

import numpy as np

from ogniwo.core.kernel.calendar import SlotGrid
from ogniwo.core.kernel.ids import is_ppe
from ogniwo.core.kernel.quality import Quality
from ogniwo.formats.profile_csv.result import Located, ParsedProfile, findings_of, header_finding
from ogniwo.formats.profile_csv.vocabulary import (
    BOM,
    CHANNEL_TEXTS,
    CHANNELS,
    HEADER,
    ISSUE_TEXTS,
    REACTIVE,
    STATUS_TEXTS,
    UNITS,
    Issue,
)

_TIME = re.compile(r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d)(?::(\d\d))?(?:(Z)|([+-])(\d\d):(\d\d))\Z", re.ASCII)
_NUMBER = re.compile(r"(-?)(\d+)(?:,(\d+))?\Z", re.ASCII)
_NEVER_IN_TEXT = re.compile(rb"[\x00-\x1f\x7f\xc0\xc1\xf5-\xff]")
_UNIT_DECIMALS = {(unit, reactive): decimals for unit, decimals, reactive in UNITS}


class _Said(NamedTuple):
    channel: str
    point: str
    slot: int
    wh: int
    quality: Quality


def _epoch_of(text: str) -> int | None:
    match = _TIME.match(text)
    if match is None:
        return None
    year, month, day, hour, minute, second, _, sign, ahead_hours, ahead_minutes = match.groups(default="0")
    try:
        days = date(int(year), int(month), int(day)).toordinal() - date(1970, 1, 1).toordinal()
    except ValueError:  # no such date, which is the answer
        return None
    if int(hour) > 23 or int(minute) > 59 or int(second) > 59 or int(ahead_hours) > 14 or int(ahead_minutes) > 59:
        return None
    ahead = (int(ahead_hours) * 60 + int(ahead_minutes)) * (-60 if sign == "-" else 60)
    return ((days * 24 + int(hour)) * 60 + int(minute)) * 60 + int(second) - ahead


def _wh_of(text: str, decimals_max: int) -> int | Issue:
    match = _NUMBER.match(text)
    if match is None:
        return Issue.NOT_A_NUMBER
    decimals = match[3] or ""
    if len(decimals) > decimals_max:
        return Issue.TOO_MANY_DECIMALS
    value = int(match[2] + decimals.ljust(decimals_max, "0"))
    if value >= 2**31:
        return Issue.TOO_LARGE
    return -value if match[1] else value


def _point_issue(point: str, points: frozenset[str]) -> Issue | None:
    if not re.fullmatch(r"[0-9]{18}", point):
        return Issue.NOT_A_POINT
    if point not in points:
        return Issue.UNKNOWN_POINT if is_ppe(point) else Issue.CHECK_DIGIT
    return None


def _read(line: bytes, points: frozenset[str], grid: SlotGrid) -> _Said | Issue:  # noqa: PLR0911 -- one per deviation
    if _NEVER_IN_TEXT.search(line):
        return Issue.BAD_BYTE
    fields = line.decode(errors="replace").split(";")
    if len(fields) != 6:
        return Issue.COLUMNS
    point, obis, start, value, unit, status = fields
    issue = _point_issue(point, points)
    if issue is not None:
        return issue
    channel = CHANNEL_TEXTS.get(obis)
    if channel is None:
        return Issue.UNKNOWN_CHANNEL
    epoch = _epoch_of(start)
    if epoch is None:
        return Issue.NOT_A_TIME
    first = int(grid.start_epoch_s[0])
    if not first <= epoch < first + grid.slots * grid.slot_s:
        return Issue.OUTSIDE_PERIOD
    slot = grid.slot_of(epoch)
    if slot is None:
        return Issue.OFF_RASTER
    return _read_value(value, unit, status, _Said(channel, point, slot, 0, Quality.MISSING))


def _read_value(value: str, unit: str, status: str, said: _Said) -> _Said | Issue:
    decimals_max = _UNIT_DECIMALS.get((unit, said.channel in REACTIVE))
    if decimals_max is None:
        return Issue.UNIT
    quality = STATUS_TEXTS.get(status)
    if quality is None:
        return Issue.UNKNOWN_STATUS
    if quality is Quality.MISSING:
        return Issue.MISSING_WITH_VALUE if value else said
    wh = _wh_of(value, decimals_max)
    return wh if isinstance(wh, Issue) else said._replace(wh=wh, quality=quality)


def _lay(said: dict[tuple[str, str, int], _Said | None], row: _Said) -> Issue | None:
    key = (row.channel, row.point, row.slot)
    if key not in said:
        said[key] = row
        return None
    if said[key] == row:
        return Issue.DUPLICATE
    said[key] = None
    return Issue.CONFLICT


def parse_profile_csv_reference(
    data: bytes, *, points: Sequence[str], grid: SlotGrid, source: str = "", located_max: int = 50
) -> ParsedProfile:
    """Parse as `parse_profile_csv` does, with the same result."""
    header, *lines = data.removeprefix(BOM).split(b"\n")
    readable = header.removesuffix(b"\r") == HEADER.encode()
    if lines and not lines[-1]:
        lines.pop()
    said: dict[tuple[str, str, int], _Said | None] = {}
    counts, located = dict.fromkeys(Issue, 0), []
    known = frozenset(points)
    for row, line in enumerate(lines if readable else (), start=2):
        text = line.removesuffix(b"\r")
        read = _read(text, known, grid)
        issue = read if isinstance(read, Issue) else _lay(said, read)
        if issue is not None:
            counts[issue] += 1
            if counts[issue] <= located_max:
                shown = line[:640].rstrip(b"\r").decode(errors="backslashreplace")[:160]
                located.append(Located(issue, row, shown))
    return _result(said, counts, located, (tuple(points), grid, source, len(lines) if readable else 0, header))


def _result(
    said: dict[tuple[str, str, int], _Said | None],
    counts: dict[Issue, int],
    located: list[Located],
    about: tuple[tuple[str, ...], SlotGrid, str, int, bytes],
) -> ParsedProfile:
    points, grid, source, rows, header = about
    channels = tuple(channel for channel in CHANNELS if any(key[0] == channel for key in said))
    wh = tuple(np.zeros((len(points), grid.slots), np.int32) for _ in channels)
    quality = tuple(np.full((len(points), grid.slots), Quality.MISSING, np.uint8) for _ in channels)
    for (channel, point, slot), row in said.items():
        if row is not None:
            place = channels.index(channel), points.index(point), slot
            wh[place[0]][place[1:]], quality[place[0]][place[1:]] = row.wh, row.quality
    findings = findings_of(counts=counts, located=located, source=source)
    if header.removesuffix(b"\r") != HEADER.encode():
        shown = header.rstrip(b"\r").decode(errors="backslashreplace")[:160]
        findings = (header_finding(source=source, text=shown),)
    return ParsedProfile(
        grid=grid,
        points=points,
        channels=channels,
        wh=wh,
        quality=quality,
        rows=rows,
        findings=findings,
        counts={ISSUE_TEXTS[issue][0]: count for issue, count in counts.items() if count},
    )
