"""Work that begins by itself: the rows of the schedule."""

from typing import Annotated, Any, Final, Literal

from ninja import Query, Schema
from pydantic import Field

from ogniwo.interfaces.api.context import workspace
from ogniwo.interfaces.api.paging import Many, Page, Paged, Sorting, among, page_of
from ogniwo.interfaces.api.problems import PREFIX
from ogniwo.interfaces.api.registry import Answer, ApiRequest, operation
from ogniwo.interfaces.api.resources.jobs import JobOut
from ogniwo.interfaces.api.resources.jobs import out as job_out
from ogniwo.interfaces.api.values import In, Instant
from ogniwo.interfaces.api.versions import etag_of, require_match
from ogniwo.services.access.roles import Act
from ogniwo.services.access.scopes import Scope
from ogniwo.services.jobs.kinds import kind_of
from ogniwo.services.jobs.planning import plan_work, remove_planned
from ogniwo.services.jobs.queries import job_of
from ogniwo.services.jobs.schedule import (
    PlannedWork,
    change_rule,
    kind_of_planned,
    pause,
    plan_defaults,
    planned,
    planned_one,
    run_now,
)

RuleText = Annotated[
    str,
    Field(
        max_length=40,
        description="`daily HH:MM`, `weekly mon HH:MM` or `monthly DAY HH:MM`, Polish local time.",
        examples=["monthly 12 06:00"],
    ),
]
ScheduleId = Annotated[int, Field(ge=1, le=2**62)]


class ScheduleOut(Schema):
    """A row of the schedule; `month` "previous": each start is for the month before it. `last_job` is null at first."""

    id: int
    name: str
    organisation: str
    kind: str
    month: str
    rule: str
    paused: bool
    next_run_at: Instant
    last_run_at: Instant | None
    last_job: str | None


class SchedulePage(Page[ScheduleOut]):
    """Rows of the schedule by organisation and name."""


_SORTS: Final = Sorting[PlannedWork](
    name=lambda one: one.name,
    organisation=lambda one: one.organisation,
    kind=lambda one: one.kind,
    next_run_at=lambda one: one.next_run_at,
    last_run_at=lambda one: one.last_run_at,
)


class AskedSchedules(Paged):
    """Which rows."""

    kind: Many = []
    sort: Annotated[str, _SORTS] = ""


class NewSchedule(In):
    """What is to begin by which rule; an empty name is made from the kind."""

    kind: Annotated[str, Field(max_length=40, examples=["export_bills"])]
    rule: RuleText
    month: Literal["", "previous"] = ""
    name: Annotated[str, Field(max_length=40)] = ""


class ScheduleChange(In):
    """What is to change; what is left out stays."""

    rule: RuleText | None = None
    paused: bool | None = None


def _out(one: PlannedWork) -> ScheduleOut:
    kept = {name: getattr(one, name) for name in ScheduleOut.model_fields if name != "last_job"}
    return ScheduleOut(**kept, last_job=one.last_job or None)


@operation("GET", "/organisations/{code}/schedules", answer=SchedulePage, act=Act.SEE_JOBS, scope=Scope.JOBS_READ)
def list_schedules(request: ApiRequest, code: str, asked: Query[AskedSchedules]) -> dict[str, Any]:  # noqa: ARG001 -- the guard read it
    """What begins by itself in an organisation and in those below it."""
    plan_defaults(workspace())
    return page_of(
        request,
        (one for one in planned(subject=request.caller.subject) if among(one.kind, asked.kind)),
        paged=asked,
        key=lambda one: (one.organisation, one.name),
        shape=_out,
        order=_SORTS.by(asked.sort),
    )


@operation(
    "POST",
    "/organisations/{code}/schedules",
    answer=ScheduleOut,
    act=Act.RUN_JOBS,
    scope=Scope.JOBS_WRITE,
    status=201,
)
def create_schedule(request: ApiRequest, code: str, wanted: NewSchedule) -> Answer:
    """Let work begin by itself. The caller needs the act of its kind as well."""
    request.caller.viewer.at(kind_of(wanted.kind).act, path=request.caller.place)
    made = plan_work(
        workspace(),
        organisation_code=code,
        subject=request.caller.subject,
        by=request.caller.viewer.login,
        **wanted.model_dump(),
    )
    place = f"{PREFIX}/organisations/{code}/schedules/{made.id}"
    return Answer(_out(made), status=201, headers={"Location": place})


@operation(
    "GET",
    "/organisations/{code}/schedules/{schedule}",
    answer=ScheduleOut,
    act=Act.SEE_JOBS,
    scope=Scope.JOBS_READ,
    versioned=True,
)
def get_schedule(request: ApiRequest, code: str, schedule: ScheduleId) -> ScheduleOut:  # noqa: ARG001 -- the guard read the code
    """One row of the schedule."""
    return _out(planned_one(schedule_id=schedule, subject=request.caller.subject))


@operation(
    "PATCH",
    "/organisations/{code}/schedules/{schedule}",
    answer=ScheduleOut,
    act=Act.RUN_JOBS,
    scope=Scope.JOBS_WRITE,
    matches=True,
    versioned=True,
)
def update_schedule(request: ApiRequest, code: str, schedule: ScheduleId, change: ScheduleChange) -> ScheduleOut:  # noqa: ARG001 -- the guard read the code
    """Pause a row, let it begin again, give it another time."""
    subject, by = request.caller.subject, request.caller.viewer.login
    found = planned_one(schedule_id=schedule, subject=subject)
    require_match(request, etag_of(_out(found)))
    if change.rule is not None:
        found = change_rule(workspace(), schedule_id=schedule, subject=subject, by=by, rule=change.rule)
    if change.paused is not None and change.paused != found.paused:
        found = pause(workspace(), schedule_id=schedule, subject=subject, by=by, paused=change.paused)
    return _out(found)


@operation(
    "DELETE",
    "/organisations/{code}/schedules/{schedule}",
    act=Act.RUN_JOBS,
    scope=Scope.JOBS_WRITE,
    matches=True,
    status=204,
)
def delete_schedule(request: ApiRequest, code: str, schedule: ScheduleId) -> None:  # noqa: ARG001 -- the guard read the code
    """Take a row from the schedule; what every installation has is paused instead."""
    subject = request.caller.subject
    require_match(request, etag_of(_out(planned_one(schedule_id=schedule, subject=subject))))
    remove_planned(workspace(), schedule_id=schedule, subject=subject, by=request.caller.viewer.login)


@operation(
    "POST",
    "/organisations/{code}/schedules/{schedule}/run",
    answer=JobOut,
    act=Act.RUN_JOBS,
    scope=Scope.JOBS_WRITE,
    status=202,
)
def run_schedule(request: ApiRequest, code: str, schedule: ScheduleId) -> Answer:
    """Start the work of a row now; when it comes next by itself does not change."""
    subject = request.caller.subject
    kind = kind_of(kind_of_planned(schedule_id=schedule, subject=subject))
    request.caller.viewer.at(kind.act, path=request.caller.place)
    started = run_now(workspace(), schedule_id=schedule, subject=subject, by=request.caller.viewer.login)
    job = job_of(started.id, subject=subject)
    return Answer(job_out(job), status=202, headers={"Location": f"{PREFIX}/organisations/{code}/jobs/{job.id}"})
