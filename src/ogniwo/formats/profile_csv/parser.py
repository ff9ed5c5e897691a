"""Read the standard profile CSV into dense matrices, whole or block by block."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ogniwo.core.kernel.calendar import SlotGrid
from ogniwo.core.kernel.findings import Finding
from ogniwo.core.kernel.quality import Quality
from ogniwo.core.kernel.refusals import Refusal
from ogniwo.formats.profile_csv.kernels.rows import PADDING, inspect_rows, new_memory, parse_rows
from ogniwo.formats.profile_csv.kernels.tables import Issues, Target, make_tables
from ogniwo.formats.profile_csv.result import Located, ParsedProfile, findings_of, header_finding
from ogniwo.formats.profile_csv.vocabulary import BOM, CHANNELS, CONTRADICTED, HEADER, ISSUE_TEXTS, UNSEEN, Issue

LOCATED_MAX = 50
"""How many deviations of each kind are located one by one; all are counted."""
_LINE_BYTES_MAX = 1 << 20
_TEXT_SHOWN = 160
_POINT_DIGITS = 18
_INSPECTED_KEYS = 1 << 16

BytesLike = bytes | bytearray | memoryview


class LineTooLong(Refusal):
    """The data holds a megabyte without a line feed: it is no profile CSV."""

    code = "read.line_too_long"


def _point_keys(points: Sequence[str]) -> NDArray[np.int64]:
    for point in points:
        if len(point) != _POINT_DIGITS or not (point.isascii() and point.isdigit()):
            raise ValueError(f"{point!r} is no code of {_POINT_DIGITS} digits")
    if len(set(points)) != len(points):
        raise ValueError("the points must be unique")
    return np.array([int(point) for point in points], dtype=np.int64)


def _after_header(data: BytesLike) -> int | None:
    """Where the second row begins, or None when the first row is not the header."""
    head = bytes(data[: len(BOM) + len(HEADER.encode()) + 2])
    for start in (BOM, b""):
        for end in (b"\r\n", b"\n", b""):
            whole = start + HEADER.encode() + end
            if head.startswith(whole) and (end or len(data) == len(whole)):
                return len(whole)
    return None


class ProfileCsvReader:
    """Reads a profile of known points over one grid, in blocks of any size: `feed` each, then `finish` once.

    Memory: 5 bytes per point, slot and channel that occurs, plus one block. Rows may stand in any order.
    """

    def __init__(self, *, points: Sequence[str], grid: SlotGrid, source: str = "") -> None:
        self._points, self._grid, self._source = tuple(points), grid, source
        self._tables = make_tables(_point_keys(points))
        shape = (len(CHANNELS), len(points), grid.slots)
        # Zero pages cost nothing until they are written: channels that do not occur take no memory.
        self._target = Target(
            np.zeros(shape, np.int32), np.zeros(shape, np.uint8), int(grid.start_epoch_s[0]), grid.slot_s
        )
        self._issues = Issues(
            np.zeros(len(Issue), np.int64), *(np.zeros((len(Issue), LOCATED_MAX), np.int64) for _ in range(2))
        )
        self._memory = new_memory()
        self._carried, self._rows, self._at_start = b"", 0, True
        self._located: list[Located] = []
        self._refused: Finding | None = None

    def feed(self, block: BytesLike) -> None:
        """Take the next bytes of the file. Raises LineTooLong."""
        last = _last_line_feed(block)
        if self._carried or self._at_start or last < 0:
            first = _first_line_feed(block)
            self._carried += bytes(block[: first + 1] if first >= 0 else block)
            if len(self._carried) > _LINE_BYTES_MAX:
                raise LineTooLong(detail=f"{self._source or 'the data'} holds a megabyte without a line feed")
            if first < 0:
                return
            carried, self._carried = self._carried, b""
            self._take(carried)
            block = memoryview(block)[first + 1 :]
            last -= first + 1
        if last >= 0:
            self._parse(block, last + 1)
        self._carried = bytes(block[last + 1 :])

    def finish(self) -> ParsedProfile:
        """End of the file: what it held. The reader must not be used again."""
        if self._carried or self._at_start:
            carried, self._carried = self._carried, b""
            self._take(carried)
        if self._refused is not None:
            return self._result((), (self._refused,))
        counts = {issue: int(count) for issue, count in zip(Issue, self._issues.counts, strict=True) if count}
        seen = [place for place in range(len(CHANNELS)) if self._target.quality[place].any()]
        for place in seen:
            quality = self._target.quality[place]
            quality[(quality == UNSEEN) | (quality == CONTRADICTED)] = Quality.MISSING
        found = findings_of(counts=counts, located=self._located, source=self._source)
        return self._result(tuple(seen), found)

    def _result(self, seen: tuple[int, ...], findings: tuple[Finding, ...]) -> ParsedProfile:
        counts = zip(Issue, self._issues.counts, strict=True)
        return ParsedProfile(
            grid=self._grid,
            points=self._points,
            channels=tuple(CHANNELS[place] for place in seen),
            wh=tuple(self._target.wh[place] for place in seen),
            quality=tuple(self._target.quality[place] for place in seen),
            rows=self._rows,
            findings=findings,
            counts={ISSUE_TEXTS[issue][0]: int(count) for issue, count in counts if count},
        )

    def _take(self, lines: bytes) -> None:
        """Parse a few whole lines, the first of a file being its header, the last perhaps without a line feed."""
        begin = 0
        if self._at_start:
            self._at_start = False
            after = _after_header(lines)
            if after is None:
                self._refused = header_finding(source=self._source, text=_shown(lines))
                return
            begin = after
        if begin < len(lines):
            self._parse(lines[begin:], len(lines) - begin)

    def _parse(self, block: BytesLike, end: int) -> None:
        """Parse `block[:end]`; its last lines from a padded copy, so that words may be loaded past the end."""
        if self._refused is not None:
            return
        data = _read_only(block)
        inner = _inner_end(block, end)
        self._parse_padded(data, inner)
        tail = data[inner:end].tobytes() + bytes(PADDING)
        self._parse_padded(_read_only(tail), end - inner)

    def _parse_padded(self, data: NDArray[np.uint8], end: int) -> None:
        before = np.minimum(self._issues.counts, LOCATED_MAX)
        first_row = self._rows + 2  # the header is row 1
        self._rows += parse_rows(data, 0, end, first_row, self._tables, self._target, self._issues, self._memory)
        after = np.minimum(self._issues.counts, LOCATED_MAX)
        for issue in Issue:
            for place in range(before[issue], after[issue]):
                offset = int(self._issues.offsets[issue, place])
                text = _shown(data[offset : min(end, offset + 4 * _TEXT_SHOWN)].tobytes())
                self._located.append(Located(issue, int(self._issues.rows[issue, place]), text))


def _read_only(block: BytesLike) -> NDArray[np.uint8]:
    """The bytes as an array of one type whatever they came in, so that the kernels are compiled once."""
    data = np.frombuffer(block, dtype=np.uint8)
    data.setflags(write=False)
    return data


def _first_line_feed(block: BytesLike) -> int:
    if not isinstance(block, memoryview):
        return block.find(b"\n")
    for begin in range(0, len(block), _LINE_BYTES_MAX):
        place = bytes(block[begin : begin + _LINE_BYTES_MAX]).find(b"\n")
        if place >= 0:
            return begin + place
    return -1


def _last_line_feed(block: BytesLike) -> int:
    if not isinstance(block, memoryview):
        return block.rfind(b"\n")
    for end in range(len(block), 0, -_LINE_BYTES_MAX):
        begin = max(0, end - _LINE_BYTES_MAX)
        place = bytes(block[begin:end]).rfind(b"\n")
        if place >= 0:
            return begin + place
    return -1


def _inner_end(block: BytesLike, end: int) -> int:
    """The end of the last line after which at least PADDING bytes follow in the block, or 0."""
    return _last_line_feed(memoryview(block)[: max(0, end - PADDING)]) + 1


def _shown(line: bytes) -> str:
    return line.split(b"\n", 1)[0].rstrip(b"\r").decode("utf-8", errors="backslashreplace")[:_TEXT_SHOWN]


def parse_profile_csv(
    data: BytesLike, *, points: Sequence[str] | None, grid: SlotGrid, source: str = ""
) -> ParsedProfile:
    """Parse a whole profile CSV (metering.md 3) over the slots of `grid`, strictly.

    `points` are the rows of the matrices (18 digits each); None takes every point with a valid check digit that the
    file names, in order. Deviations are findings, nothing is guessed: a row with one is not used. Raises LineTooLong.
    """
    if points is None:
        points = inspect_profile_csv(data).points
    reader = ProfileCsvReader(points=points, grid=grid, source=source)
    reader.feed(data)
    return reader.finish()


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileContents:
    """What a profile file speaks of, before it is parsed: points and channels as met, first and last start (UTC)."""

    points: tuple[str, ...]
    channels: tuple[str, ...]
    first_epoch_s: int | None
    last_epoch_s: int | None


def inspect_profile_csv(data: BytesLike) -> ProfileContents:
    """Look through a profile CSV for its points, channels and times; rows that cannot be read are passed by."""
    begin = _after_header(data)
    found: dict[int, None] = {}
    channels, bounds = np.zeros(len(CHANNELS), np.int64), np.array([2**62, -(2**62)], dtype=np.int64)
    if begin is not None:
        tables, keys, stops = (
            make_tables(np.zeros(0, np.int64)),
            np.zeros(_INSPECTED_KEYS, np.int64),
            np.zeros(6, np.int64),
        )
        view = memoryview(data)
        inner = max(begin, _inner_end(view, len(view)))
        tail = _read_only(bytes(view[inner:]) + bytes(PADDING))
        for part, start, end in ((_read_only(view), begin, inner), (tail, 0, len(tail) - PADDING)):
            at = start
            while at < end:
                count, at = inspect_rows(part, at, end, tables, keys, channels, bounds, stops)
                found.update(dict.fromkeys(keys[:count].tolist()))
    known = bool(channels.any())
    return ProfileContents(
        points=tuple(f"{key:018d}" for key in found),
        channels=tuple(channel for channel, count in zip(CHANNELS, channels, strict=True) if count),
        first_epoch_s=int(bounds[0]) if known else None,
        last_epoch_s=int(bounds[1]) if known else None,
    )
