"""Look at jobs and at the workers, within what the asking subject may see."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.utils import timezone

from ogniwo.records.jobs.models import Job, JobQuerySet, Worker
from ogniwo.records.visibility import Subject
from ogniwo.services.jobs.model import JobNotFoundError, JobState, JobView

WORKER_FRESH_S: Final = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class JobFilter:
    """Which jobs are asked for; empty means all."""

    states: tuple[str, ...] = ()
    kind: str = ""
    by: str = ""
    kinds: tuple[str, ...] = ()
    key: str = ""


@dataclass(frozen=True, slots=True)
class Workers:
    """How many processes run jobs now, and the last sign of life of any."""

    alive: int
    last_beat_at: datetime | None


def view_of(row: Job) -> JobView:
    """A row as it is shown."""
    return JobView(
        id=row.pk,
        organisation=row.organisation.code,
        kind=row.kind,
        key=row.key,
        parameters=dict(row.parameters),
        state=JobState(row.state),
        done=row.done,
        total=row.total,
        text=row.text,
        result=dict(row.result),
        error_code=row.error_code,
        error_detail=row.error_detail,
        error_trace=row.error_trace,
        by=row.by,
        asked_at=row.asked_at,
        started_at=row.started_at,
        ended_at=row.ended_at,
        attempts=row.attempt,
        cancel_by=row.cancel_by,
        retry_of=row.retry_of_id,
    )


def job_row(job_id: UUID | str, *, subject: Subject) -> Job:
    """The row of a job that the subject sees. Raises JobNotFoundError."""
    try:
        wanted = UUID(str(job_id))
    except ValueError:
        raise JobNotFoundError(detail=f"{job_id!r} is not the id of a job") from None
    row = Job.objects.all().visible_to(subject).select_related("organisation").filter(pk=wanted).first()
    if row is None:
        raise JobNotFoundError(detail=f"there is no job {wanted}")
    return row


def job_of(job_id: UUID | str, *, subject: Subject) -> JobView:
    """One job. Raises JobNotFoundError, also for one that the subject may not see."""
    return view_of(job_row(job_id, subject=subject))


def jobs_below(*, subject: Subject, wanted: JobFilter | None = None) -> "LazyJobs":
    """The jobs that the subject sees, newest first; read from the database page by page."""
    chosen = wanted or JobFilter()
    rows = Job.objects.all().visible_to(subject).select_related("organisation")
    if chosen.states:
        rows = rows.filter(state__in=chosen.states)
    if chosen.kind:
        rows = rows.filter(kind=chosen.kind)
    if chosen.kinds:
        rows = rows.filter(kind__in=chosen.kinds)
    if chosen.by:
        rows = rows.filter(by__icontains=chosen.by)
    if chosen.key:
        rows = rows.filter(key=chosen.key)
    return LazyJobs(rows)


class LazyJobs:
    """Jobs that are read from the database as they are looked at: `len`, iteration, slices."""

    def __init__(self, rows: JobQuerySet) -> None:
        self._rows = rows

    def __len__(self) -> int:
        return self._rows.count()

    def __iter__(self) -> Iterator[JobView]:
        return (view_of(row) for row in self._rows)

    def __getitem__(self, part: slice) -> tuple[JobView, ...]:
        return tuple(view_of(row) for row in self._rows[part])


def workers() -> Workers:
    """Whether anybody runs jobs now."""
    fresh = timezone.now() - timedelta(seconds=WORKER_FRESH_S)
    newest = Worker.objects.order_by("-beat_at").values_list("beat_at", flat=True).first()
    return Workers(Worker.objects.filter(beat_at__gte=fresh).count(), newest)
