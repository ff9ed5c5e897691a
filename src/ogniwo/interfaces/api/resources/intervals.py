"""Intervals: of one point in pages, of many points at once as CSV, JSON lines or Parquet."""

import tempfile
from collections.abc import AsyncIterator, Iterator
from typing import IO, Annotated, Any, Final

import numpy as np
from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, StreamingHttpResponse
from ninja import Query, Schema
from pydantic import AwareDatetime, Field

from ogniwo.core.kernel.quality import QUALITY_WORDS, Quality
from ogniwo.interfaces.api.context import workspace
from ogniwo.interfaces.api.paging import Page, Paged, Sorting, among, only, page_of
from ogniwo.interfaces.api.problems import NotAcceptableError
from ogniwo.interfaces.api.registry import ApiRequest, operation
from ogniwo.interfaces.api.values import MonthText, Text, month_of
from ogniwo.services.access.roles import Act
from ogniwo.services.access.scopes import Scope
from ogniwo.services.metering.bulk import CSV, KINDS, counts_reactive, write_month
from ogniwo.services.metering.queries import IntervalSeries, intervals_of

_CHUNK = 1 << 18


class IntervalOut(Schema):
    """One interval. Exactly one of the energies is given, by what the channel counts; both null: it is missing."""

    channel: str
    start: str
    seconds: int
    energy_wh: int | None
    energy_varh: int | None
    quality: str
    version: str


class IntervalPage(Page[IntervalOut]):
    """Intervals by channel and time."""


_Row = tuple[str, str, int, int, int, str]
_SORTS: Final = Sorting[_Row](channel=lambda row: row[0], start=lambda row: row[1])


class AskedIntervals(Paged):
    """Which intervals of a point."""

    month: MonthText
    channel: Annotated[list[Text], Field(max_length=20, description="OBIS codes such as 1.29.0; none: all.")] = []
    as_of: Annotated[AwareDatetime | None, Field(description="As it was known at this instant.")] = None
    sort: Annotated[str, _SORTS] = ""


class AskedBulk(Schema):
    """Which intervals of many points."""

    month: MonthText
    point: Annotated[list[Text], Field(max_length=500, description="Points; none: all.")] = []
    channel: Annotated[list[Text], Field(max_length=20, description="OBIS codes; none: all.")] = []


def _rows(series: tuple[IntervalSeries, ...]) -> Iterator[_Row]:
    for one in series:
        starts = np.datetime_as_string(one.grid.start_epoch_s.astype("datetime64[s]")).tolist()
        for start, wh, quality in zip(starts, one.wh.tolist(), one.quality.tolist(), strict=True):
            yield one.channel, f"{start}Z", one.grid.slot_s, wh, quality, one.version


def _out(row: _Row) -> IntervalOut:
    channel, start, seconds, energy, quality, version = row
    known = quality != Quality.MISSING
    reactive = counts_reactive(channel)
    return IntervalOut(
        channel=channel,
        start=start,
        seconds=seconds,
        energy_wh=energy if known and not reactive else None,
        energy_varh=energy if known and reactive else None,
        quality=QUALITY_WORDS[Quality(quality)],
        version=version,
    )


@operation(
    "GET",
    "/organisations/{code}/points/{ppe}/intervals",
    answer=IntervalPage,
    act=Act.SEE_METERING,
    scope=Scope.METERING_READ,
    own=True,
)
def list_intervals(request: ApiRequest, code: str, ppe: str, asked: Query[AskedIntervals]) -> dict[str, Any]:  # noqa: ARG001 -- the guard read the code
    """A point's intervals of a month, as they are or as they were known at an instant."""
    found = intervals_of(
        workspace(),
        code=ppe,
        subject=request.caller.subject,
        month=month_of(asked.month),
        channel=only(asked.channel),
        as_of=asked.as_of,
    )
    rows = _rows(tuple(one for one in found if among(one.channel, asked.channel)))
    return page_of(request, rows, paged=asked, key=lambda row: row[:2], shape=_out, order=_SORTS.by(asked.sort))


@operation(
    "GET",
    "/organisations/{code}/intervals",
    act=Act.SEE_METERING,
    scope=Scope.METERING_READ,
    own=True,
    files=KINDS,
)
def export_intervals(request: ApiRequest, code: str, asked: Query[AskedBulk]) -> StreamingHttpResponse:  # noqa: ARG001 -- the guard read it
    """A month's intervals of all points or of those named, as CSV, JSON lines or Parquet by `Accept`."""
    kind = _wanted(request)
    file = tempfile.TemporaryFile()  # noqa: SIM115 -- the answer reads and closes it
    write_month(
        workspace(),
        file,
        subject=request.caller.subject,
        month=month_of(asked.month),
        kind=kind,
        points=asked.point,
        channels=asked.channel,
    )
    return file_answer(request, file, kind)


def _wanted(request: HttpRequest) -> str:
    found = request.get_preferred_type(list(KINDS))
    if found is None:
        raise NotAcceptableError(detail=f"one of these can be given: {', '.join(KINDS)}")
    return CSV if request.headers.get("Accept", "*/*").strip() == "*/*" else str(found)


def file_answer(request: HttpRequest, file: IO[bytes], kind: str) -> StreamingHttpResponse:
    """A file as an answer, read piece by piece in the way that the server wants."""
    size = file.tell()
    file.seek(0)
    pieces: Any = _Later(file) if isinstance(request, ASGIRequest) else _Now(file)
    answer = StreamingHttpResponse(pieces, content_type=f"{kind}; charset=utf-8" if kind == CSV else kind)
    answer["Content-Length"] = str(size)
    return answer


class _Now:
    """A file in pieces; closed with the answer, read or not."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.close = file.close

    def __iter__(self) -> Iterator[bytes]:
        while piece := self._file.read(_CHUNK):
            yield piece


class _Later(_Now):
    """The same for a server that does other things meanwhile."""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while piece := await sync_to_async(self._file.read, thread_sensitive=False)(_CHUNK):
            yield piece
