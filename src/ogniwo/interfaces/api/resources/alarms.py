"""Alarms: what watches found in the readings, from when to when, and who acknowledged it."""

from typing import Annotated, Any, Final, Literal

from ninja import Query, Schema
from pydantic import Field

from ogniwo.interfaces.api.paging import Many, Page, Paged, Sorting, among, only, page_of
from ogniwo.interfaces.api.registry import ApiRequest, operation
from ogniwo.interfaces.api.values import Instant, moment
from ogniwo.services.access.roles import Act
from ogniwo.services.access.scopes import Scope
from ogniwo.services.watching.alarms import alarm_of, alarms_below
from ogniwo.services.watching.model import AlarmView
from ogniwo.services.watching.words import sentence


class AlarmOut(Schema):
    """An episode of a watch at one point, or at the computing set `set`; the other is empty.

    `start` begins the first and `end` ends the last slot, hour or day so far that met the condition; for silence they
    are on the clock. `worst`, first at `worst_at`, and `limit` are in `unit`: Wh, W, slots (of a day) or h.
    `missing_between` counts what lies inside without a value. `state` over, corrected and stopped have ended.
    """

    id: int
    organisation: str
    watch: str
    kind: Literal["silent", "above", "below", "power", "missing"]
    point: str
    set: str
    channel: str
    start: Instant
    end: Instant
    worst: int
    worst_at: Instant
    limit: int
    unit: Literal["Wh", "W", "slots", "h"]
    missing_between: int
    text: str
    state: Literal["open", "over", "corrected", "stopped"]
    raised_at: Instant
    ended_at: Instant | None
    corrected_at: Instant | None
    acknowledged_at: Instant | None
    acknowledged_by: str
    note: str


class AlarmPage(Page[AlarmOut]):
    """Alarms, the newest episode first."""


_SORTS: Final = Sorting[AlarmView](
    id=lambda one: one.alarm_id,
    watch=lambda one: one.watch,
    point=lambda one: one.point,
    start=lambda one: one.start_epoch_s,
    raised_at=lambda one: one.raised_at,
    ended_at=lambda one: one.ended_at,
)


class AskedAlarms(Paged):
    """Which alarms."""

    state: Annotated[
        Literal["", "open", "waiting", "done"],
        Field(description="open; waiting: open or not acknowledged; done: neither; none: all."),
    ] = ""
    point: Many = []
    kind: Annotated[list[Literal["", "silent", "above", "below", "power", "missing"]], Field(max_length=10)] = []
    sort: Annotated[str, _SORTS] = ""


@operation("GET", "/organisations/{code}/alarms", answer=AlarmPage, act=Act.SEE_METERING, scope=Scope.METERING_READ)
def list_alarms(request: ApiRequest, code: str, asked: Query[AskedAlarms]) -> dict[str, Any]:  # noqa: ARG001 -- the guard read it
    """The alarms of an organisation and of those below it."""
    found = alarms_below(subject=request.caller.subject, state=asked.state, point=only(asked.point))
    fits = [one for one in found if among(one.point, asked.point) and among(one.kind, asked.kind)]
    return page_of(
        request,
        sorted(fits, key=lambda one: (-one.start_epoch_s, -one.alarm_id)),
        paged=asked,
        key=lambda one: (-one.start_epoch_s, -one.alarm_id),
        shape=_shown,
        order=_SORTS.by(asked.sort),
    )


@operation(
    "GET",
    "/organisations/{code}/alarms/{alarm_id}",
    answer=AlarmOut,
    act=Act.SEE_METERING,
    scope=Scope.METERING_READ,
    versioned=True,
)
def get_alarm(request: ApiRequest, code: str, alarm_id: int) -> AlarmOut:  # noqa: ARG001 -- the guard read the code
    """One alarm."""
    return _shown(alarm_of(subject=request.caller.subject, alarm_id=alarm_id))


def _shown(one: AlarmView) -> AlarmOut:
    same = ("organisation", "watch", "kind", "point", "channel", "worst", "limit", "unit", "state", "raised_at")
    return AlarmOut(
        **{name: getattr(one, name) for name in (*same, "ended_at", "corrected_at", "acknowledged_at")},
        id=one.alarm_id,
        set=one.computing_set,
        start=moment(one.start_epoch_s),
        end=moment(one.end_epoch_s),
        worst_at=moment(one.worst_epoch_s),
        missing_between=one.unknown,
        text=sentence(one),
        acknowledged_by=one.acknowledged_by,
        note=one.note,
    )
