"""Long work: what was asked for, how far it is, what came of it."""

from typing import Annotated, Any, Final, Literal
from uuid import UUID

from ninja import Query, Schema
from pydantic import Field

from ogniwo.interfaces.api.context import workspace
from ogniwo.interfaces.api.paging import Many, Page, Paged, Sorting, among, page_of
from ogniwo.interfaces.api.problems import PREFIX
from ogniwo.interfaces.api.registry import Answer, ApiRequest, operation
from ogniwo.interfaces.api.values import Instant
from ogniwo.services.access.roles import Act
from ogniwo.services.access.scopes import Scope
from ogniwo.services.jobs.asking import cancel_job as cancelled
from ogniwo.services.jobs.asking import start_job
from ogniwo.services.jobs.model import JobView
from ogniwo.services.jobs.queries import JobFilter, job_of, jobs_below


class JobOut(Schema):
    """Long work: `done` of `total` steps (`total` 0: not known); `result` is what its kind gives back."""

    id: UUID
    organisation: str
    kind: str
    state: Literal["queued", "running", "done", "failed", "cancelled"]
    done: int
    total: int
    text: str
    result: dict[str, Any]
    error_code: str
    error_detail: str
    by: str
    asked_at: Instant
    started_at: Instant | None
    ended_at: Instant | None


class JobPage(Page[JobOut]):
    """Jobs, newest first."""


_SORTS: Final = Sorting[JobView](
    kind=lambda one: one.kind,
    state=lambda one: one.state.value,
    by=lambda one: one.by,
    asked_at=lambda one: one.asked_at,
    started_at=lambda one: one.started_at,
    ended_at=lambda one: one.ended_at,
)


class AskedJobs(Paged):
    """Which jobs."""

    state: Annotated[
        list[Literal["queued", "running", "done", "failed", "cancelled"]], Field(description="None: all.")
    ] = []
    kind: Many = []
    sort: Annotated[str, _SORTS] = ""


def out(one: JobView) -> JobOut:
    """A job as it is answered."""
    return JobOut(**{name: getattr(one, name) for name in JobOut.model_fields})


def accepted(request: ApiRequest, code: str, *, kind: str, parameters: dict[str, Any], key: str = "") -> Answer:
    """Ask for long work: 202 with the job, and where to look for it."""
    job = start_job(
        workspace(),
        kind=kind,
        organisation_code=code,
        parameters=parameters,
        by=request.caller.viewer.login,
        key=key,
    )
    place = f"{PREFIX}/organisations/{code}/jobs/{job.id}"
    return Answer(out(job), status=202, headers={"Location": place})


@operation("GET", "/organisations/{code}/jobs", answer=JobPage, act=Act.SEE_JOBS, scope=Scope.JOBS_READ)
def list_jobs(request: ApiRequest, code: str, asked: Query[AskedJobs]) -> dict[str, Any]:  # noqa: ARG001 -- the guard read it
    """The jobs of an organisation and of those below it, newest first."""
    found = jobs_below(subject=request.caller.subject, wanted=JobFilter(states=tuple(asked.state)))
    return page_of(
        request,
        (one for one in found if among(one.kind, asked.kind)),
        paged=asked,
        key=lambda one: (-int(one.asked_at.timestamp() * 1_000_000), str(one.id)),
        shape=out,
        order=_SORTS.by(asked.sort),
    )


@operation(
    "GET",
    "/organisations/{code}/jobs/{job}",
    answer=JobOut,
    act=Act.SEE_JOBS,
    scope=Scope.JOBS_READ,
    versioned=True,
)
def get_job(request: ApiRequest, code: str, job: UUID) -> JobOut:  # noqa: ARG001 -- the guard read the code
    """One job: ask again until `state` is done, failed or cancelled."""
    return out(job_of(job, subject=request.caller.subject))


@operation(
    "POST",
    "/organisations/{code}/jobs/{job}/cancellation",
    answer=JobOut,
    act=Act.RUN_JOBS,
    scope=Scope.JOBS_WRITE,
)
def cancel_job(request: ApiRequest, code: str, job: UUID) -> JobOut:  # noqa: ARG001 -- the guard read the code
    """Cancel a job: at once while it waits, at its next sign of progress while it runs."""
    return out(cancelled(workspace(), job_id=job, subject=request.caller.subject, by=request.caller.viewer.login))
