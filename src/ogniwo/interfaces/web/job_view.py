"""How a job is shown on any page: its progress now, its outcome at the end."""

from dataclasses import dataclass
from typing import Any, Final

from django.http import HttpRequest

from ogniwo.interfaces.web.job_words import STATES, count_label, kind_label, step_label
from ogniwo.services.access.viewers import OutOfSightError, out_of_sight
from ogniwo.services.jobs.model import JobNotFoundError, JobState, JobView
from ogniwo.services.jobs.queries import JobFilter, job_of, jobs_below
from ogniwo.services.workspace.queries import Subject

OPEN: Final = (JobState.QUEUED.value, JobState.RUNNING.value)
_SHOWN: Final = 5
_PARTS: Final = 20
"""A bar moves in so many parts: what is read aloud at each move is not read too often."""


def percent(job: JobView) -> int | None:
    """How much of a running job is done, None while nobody knows."""
    if not job.total or job.state is not JobState.RUNNING:
        return None
    return min(100, job.done * 100 // job.total)


def seen_mark(job: JobView) -> str:
    """Changes when there is something new to show of a job that is not over."""
    part = job.done * _PARTS // job.total if job.total else 0
    return f"{job.state}.{job.attempts}.{part}.{job.text}.{bool(job.cancel_by)}.{job.error_code}"


def job_context(job: JobView) -> dict[str, Any]:
    """What the templates of a job need."""
    counts = [(count_label(name), value) for name, value in job.result.items()] if job.kind == "clean_up" else []
    checks = [(step_label(one["name"]), one) for one in job.result.get("checks", ())]
    return {
        "job": job,
        "job_kind": kind_label(job.kind),
        "job_state": STATES[job.state.value],
        "job_step": step_label(job.text),
        "job_percent": percent(job),
        "job_seen": seen_mark(job),
        "job_counts": counts,
        "job_checks": checks,
    }


@dataclass(frozen=True, slots=True)
class PageJobs:
    """The jobs that a page shows: those under way, and the one asked for (`?job=`) when it has ended."""

    under_way: tuple[JobView, ...]
    ended: JobView | None

    def context(self) -> dict[str, Any]:
        """What the templates need."""
        ended = job_context(self.ended) if self.ended else {"job": None}
        return {"under_way": [job_context(one) for one in self.under_way], **ended}


def jobs_of_page(request: HttpRequest, *, subject: Subject, kinds: tuple[str, ...], key: str = "") -> PageJobs:
    """The jobs of some kinds (and of one key) that a page shows. Raises OutOfSightError for another `?job=`."""
    found = tuple(jobs_below(subject=subject, wanted=JobFilter(states=OPEN, kinds=kinds, key=key))[:_SHOWN])
    asked = request.GET.get("job", "")
    if not asked:
        return PageJobs(found, None)
    with out_of_sight(JobNotFoundError):
        one = job_of(asked, subject=subject)
    if one.kind not in kinds:
        raise OutOfSightError(detail=f"{asked} is not a job of this page")
    if one.state.ended:
        return PageJobs(found, one)
    return PageJobs((one, *(other for other in found if other.id != one.id)), None)
