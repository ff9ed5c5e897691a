"""Jobs: what runs and waits, what became of it, what begins by itself; pause, run now, cancel, try again."""

from collections.abc import Sequence
from hashlib import sha256
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import FileResponse, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from ogniwo.interfaces.web.context import scope, viewer, workspace
from ogniwo.interfaces.web.job_view import OPEN, job_context, seen_mark
from ogniwo.interfaces.web.job_words import KINDS, STATES, WEEKDAY_NAMES, kind_label, rule_label
from ogniwo.interfaces.web.registry import page
from ogniwo.services.access.roles import Act
from ogniwo.services.access.viewers import Standing, out_of_sight, place_of
from ogniwo.services.jobs.asking import cancel_job, retry_job
from ogniwo.services.jobs.kinds import kind_of
from ogniwo.services.jobs.model import JobNotFoundError, JobState, JobView, UnknownKindError, UploadGoneError
from ogniwo.services.jobs.planning import DefaultRowError, NotPlannableError, plan_work, plannable, remove_planned
from ogniwo.services.jobs.queries import JobFilter, job_of, jobs_below, workers
from ogniwo.services.jobs.schedule import (
    DEFAULTS,
    BadRuleError,
    ScheduleNotFoundError,
    key_of,
    kind_of_planned,
    pause,
    plan_defaults,
    planned,
    run_now,
)
from ogniwo.services.jobs.work.exports import made_file
from ogniwo.services.workspace.queries import Subject

PER_PAGE: Final = 50
_OPEN_SHOWN: Final = 100


@page("jobs/", name="jobs", act=Act.SEE_JOBS)
def jobs(request: HttpRequest, standing: Standing, *, code: str) -> HttpResponse:
    """What is planned, what runs, what became of the rest."""
    subject = scope(standing, code)
    plan_defaults(workspace())
    asked = {name: request.GET.get(name, "").strip() for name in ("state", "kind", "who", "planned")}
    state = asked["state"] if asked["state"] in STATES else ""
    wanted = JobFilter(
        states=(state,) if state else (),
        kind=asked["kind"],
        by=asked["who"],
        key=key_of(asked["planned"]) if asked["planned"] else "",
    )
    paging = Paginator(_Pages(jobs_below(subject=subject, wanted=wanted)), PER_PAGE).get_page(request.GET.get("page"))
    kept = {name: value for name, value in asked.items() if value}
    context = {
        **_open_jobs(subject),
        "planned": [(one, kind_label(one.kind), rule_label(one.rule)) for one in planned(subject=subject)],
        "ours": {one.name for one in DEFAULTS},
        "choices": [
            (f"{kind.name} {month}".strip(), kind_label(kind.name), month)
            for kind in plannable()
            for month in kind.planned
        ],
        "weekdays": WEEKDAY_NAMES.items(),
        "days": range(1, 32),
        "paging": paging,
        "rows": [(one, kind_label(one.kind)) for one in paging],
        "query": f"{urlencode(kept)}&" if kept else "",
        "asked": asked,
        "filtered": bool(kept),
        "kinds": KINDS.items(),
        "states": STATES.items(),
    }
    return render(request, "web/jobs.html", context)


class _Pages(Sequence[JobView]):
    """Jobs as the paginator wants them."""

    def __init__(self, found: Any) -> None:  # noqa: ANN401 -- LazyJobs
        self._found = found

    def __len__(self) -> int:
        return len(self._found)

    def __getitem__(self, part: Any) -> Any:  # noqa: ANN401 -- the paginator asks for slices
        return self._found[part]


@page("jobs/open/", name="open_jobs", act=Act.SEE_JOBS)
def open_jobs(request: HttpRequest, standing: Standing, *, code: str) -> HttpResponse:
    """The part of the page with what runs and waits; nothing (204) while it is as the browser has seen it."""
    context = _open_jobs(scope(standing, code))
    if request.GET.get("seen") == context["seen"]:
        return HttpResponse(status=HTTPStatus.NO_CONTENT)
    return render(request, "web/parts/open_jobs.html", context)


@page("jobs/<uuid:job_id>/", name="job", act=Act.SEE_JOBS)
def job(request: HttpRequest, standing: Standing, *, code: str, job_id: UUID) -> HttpResponse:
    """One job: how far it is, what came of it, why it failed."""
    found = _job(standing, code, job_id)
    place = place_of(found.organisation) or standing.path
    context = {
        **job_context(found),
        "repeatable": found.state.ended and viewer(request).may(kind_of(found.kind).act, path=place),
        "names": [one.get("name", "?") for one in found.parameters.get("files", ())],
    }
    return render(request, "web/job.html", context)


@page("jobs/<uuid:job_id>/progress/", name="job_progress", act=Act.SEE_JOBS)
def job_progress(request: HttpRequest, standing: Standing, *, code: str, job_id: UUID) -> HttpResponse:
    """How far a job is, for a page that shows it: nothing (204) while it is as seen, at its end the page comes anew."""
    found = _job(standing, code, job_id)
    context = job_context(found)
    if request.GET.get("seen") == context["job_seen"]:
        return HttpResponse(status=HTTPStatus.NO_CONTENT)
    answer = render(request, "web/parts/job_progress.html", context)
    if found.state.ended:
        answer.headers["HX-Refresh"] = "true"
    return answer


@page("jobs/<uuid:job_id>/file/", name="job_file", act=Act.SEE_JOBS)
def job_file(request: HttpRequest, standing: Standing, *, code: str, job_id: UUID) -> HttpResponse | FileResponse:
    """The file that a job made, for whom its kind allows."""
    found = _job(standing, code, job_id)
    viewer(request).at(kind_of(found.kind).act, path=place_of(found.organisation) or standing.path)
    with out_of_sight(UploadGoneError):
        path = made_file(workspace(), found)
    return FileResponse(path.open("rb"), as_attachment=True, filename=str(found.result["file"]))


@page("jobs/<uuid:job_id>/cancel/", name="cancel_job", act=Act.RUN_JOBS, methods=("POST",))
def cancel(request: HttpRequest, standing: Standing, *, code: str, job_id: UUID) -> HttpResponse:
    """Cancel a job."""
    _job(standing, code, job_id)
    found = cancel_job(workspace(), job_id=job_id, subject=scope(standing, code), by=viewer(request).login)
    if found.state is JobState.RUNNING:
        messages.success(request, _("The job ends at its next step; what it began is undone."))
    return redirect("job", code=code, job_id=job_id)


@page("jobs/<uuid:job_id>/retry/", name="retry_job", act=Act.RUN_JOBS, methods=("POST",))
def retry(request: HttpRequest, standing: Standing, *, code: str, job_id: UUID) -> HttpResponse:
    """Ask for the same work again, in the name of who asks now."""
    found = _job(standing, code, job_id)
    viewer(request).at(kind_of(found.kind).act, path=place_of(found.organisation) or standing.path)
    again = retry_job(workspace(), job_id=job_id, subject=scope(standing, code), by=viewer(request).login)
    return redirect("job", code=code, job_id=again.id)


@page("jobs/schedule/<int:schedule_id>/pause/", name="pause_schedule", act=Act.RUN_JOBS, methods=("POST",))
def pause_row(request: HttpRequest, standing: Standing, *, code: str, schedule_id: int) -> HttpResponse:
    """Pause a row of the schedule, or let it run again."""
    paused = request.POST.get("do") != "resume"
    with out_of_sight(ScheduleNotFoundError, DefaultRowError):
        pause(
            workspace(), schedule_id=schedule_id, subject=scope(standing, code), by=viewer(request).login, paused=paused
        )
    return redirect("jobs", code=code)


@page("jobs/schedule/add/", name="add_schedule", act=Act.RUN_JOBS, methods=("POST",))
def add_row(request: HttpRequest, standing: Standing, *, code: str) -> HttpResponse:
    """Let work begin by itself, for whom its kind allows."""
    subject = scope(standing, code)
    kind, _space, month = request.POST.get("work", "").partition(" ")
    chosen = {name: request.POST.get(name, "") for name in ("often", "weekday", "day", "time")}
    more = {"weekly": f" {chosen['weekday']}", "monthly": f" {chosen['day']}"}.get(chosen["often"], "")
    try:
        viewer(request).at(kind_of(kind).act, path=subject.path)
        plan_work(
            workspace(),
            organisation_code=code,
            subject=subject,
            kind=kind,
            month=month,
            rule=f"{chosen['often']}{more} {chosen['time']}",
            by=viewer(request).login,
        )
    except (BadRuleError, NotPlannableError, UnknownKindError):
        messages.error(request, _("Choose the work and a time, such as 06:00; nothing was added."))
    else:
        messages.success(request, _("Added to the schedule."))
    return redirect("jobs", code=code)


@page("jobs/schedule/<int:schedule_id>/remove/", name="remove_schedule", act=Act.RUN_JOBS, methods=("POST",))
def remove_row(request: HttpRequest, standing: Standing, *, code: str, schedule_id: int) -> HttpResponse:
    """Take a row from the schedule; its jobs stay."""
    with out_of_sight(ScheduleNotFoundError, DefaultRowError):
        remove_planned(workspace(), schedule_id=schedule_id, subject=scope(standing, code), by=viewer(request).login)
    messages.success(request, _("Removed from the schedule; its jobs stay below."))
    return redirect("jobs", code=code)


@page("jobs/schedule/<int:schedule_id>/run/", name="run_schedule", act=Act.RUN_JOBS, methods=("POST",))
def run_row(request: HttpRequest, standing: Standing, *, code: str, schedule_id: int) -> HttpResponse:
    """Start the work of a row now, for whom its kind allows."""
    subject = scope(standing, code)
    with out_of_sight(ScheduleNotFoundError, DefaultRowError):
        kind = kind_of_planned(schedule_id=schedule_id, subject=subject)
        viewer(request).at(kind_of(kind).act, path=subject.path)
        started = run_now(workspace(), schedule_id=schedule_id, subject=subject, by=viewer(request).login)
    return redirect("job", code=code, job_id=started.id)


def _job(standing: Standing, code: str, job_id: UUID) -> JobView:
    """A job of the organisation or of one below it; any other is not there."""
    with out_of_sight(JobNotFoundError):
        return job_of(job_id, subject=scope(standing, code))


def _open_jobs(subject: Subject) -> dict[str, Any]:
    """What runs and waits, the oldest first, and whether anybody is there to run it."""
    found = jobs_below(subject=subject, wanted=JobFilter(states=OPEN))[:_OPEN_SHOWN]
    alive = workers().alive
    marks = "".join(f"{one.id}{seen_mark(one)}" for one in found) + f"{bool(alive)}"
    return {
        "open": [job_context(one) for one in reversed(found)],
        "workers": alive,
        "seen": sha256(marks.encode()).hexdigest()[:16],
    }
