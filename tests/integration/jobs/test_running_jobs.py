"""A job runs, says how far it is, is cancelled, fails, is tried again; what is seen of it at each step."""

import threading
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.utils import timezone

from ogniwo.core.kernel.refusals import Refusal
from ogniwo.records.audit.models import AuditEvent
from ogniwo.records.jobs.models import Job
from ogniwo.records.visibility import Subject
from ogniwo.services.jobs.asking import cancel_job, retry_job, start_job
from ogniwo.services.jobs.model import (
    JobEndedError,
    JobNotEndedError,
    JobNotFoundError,
    JobState,
    UnknownKindError,
)
from ogniwo.services.jobs.queries import JobFilter, job_of, jobs_below
from ogniwo.services.jobs.worker import find_dead, work
from ogniwo.services.workspace.audit import record_act
from ogniwo.services.workspace.changing import changing
from ogniwo.services.workspace.queries import OrganisationNotFoundError, operator_subject

ALL = operator_subject()


class TrialError(Refusal):
    code = "trial.refused"


def test_a_job_runs_as_who_asked_and_keeps_what_it_gave(workspace, new_kind, ask, drain):
    def run(context, *, word):
        record_act(context.workspace, action="trial.done", target="x", facts={})
        context.progress(1, 2, "half")
        return {"word": word, "attempt": context.attempt, "organisation": context.organisation.code}

    new_kind(run)
    job = ask(word="zażółć")
    assert (job.state, job.attempts) == (JobState.QUEUED, 0)
    assert drain() == 1
    done = job_of(job.id, subject=ALL)
    assert (done.state, done.done, done.total, done.text, done.attempts) == (JobState.DONE, 1, 2, "half", 1)
    assert done.result == {"word": "zażółć", "attempt": 1, "organisation": job.organisation}
    assert done.started_at < done.ended_at
    acts = dict(AuditEvent.objects.filter(action__in=("job.start", "trial.done")).values_list("action", "subject"))
    assert acts == {"job.start": "anna", "trial.done": "anna"}


def test_progress_is_seen_by_others_while_the_job_runs_even_inside_its_transaction(workspace, new_kind, ask, drain):
    seen, go_on = [], threading.Event()

    def look(job_id):
        job = job_of(job_id, subject=ALL)
        seen.append((job.state, job.done, job.text))
        connection.close()

    def run(context):
        context.progress(1, 3, "outside")
        watcher = threading.Thread(target=look, args=(context.job_id,))
        watcher.start()
        watcher.join()
        with transaction.atomic():
            record_act(context.workspace, action="trial.undone", target="x", facts={})
            context.progress(2, 3, "inside")
            go_on.set()
        context.progress(3, 3, "after")

    new_kind(run)
    job = ask()
    drain()
    assert seen == [(JobState.RUNNING, 1, "outside")]
    assert go_on.is_set()
    assert job_of(job.id, subject=ALL).done == 3


def test_the_same_work_is_one_job_while_it_is_open(workspace, new_kind, ask, drain):
    new_kind(lambda context: {})
    first, second, other, unnamed = ask(key="2026-10"), ask(key="2026-10", by="jan"), ask(key="2026-11"), ask()
    assert second.id == first.id
    assert len({first.id, other.id, unnamed.id}) == 3
    assert AuditEvent.objects.filter(action="job.start").count() == 3
    assert drain() == 3
    assert ask(key="2026-10").id != first.id


def test_a_queued_job_is_cancelled_at_once_and_never_runs(workspace, new_kind, ask, drain):
    ran = []
    new_kind(lambda context: ran.append(1))
    job = ask()
    assert cancel_job(workspace, job_id=job.id, subject=ALL, by="jan").state == JobState.CANCELLED
    drain()
    assert not ran
    with pytest.raises(JobEndedError):
        cancel_job(workspace, job_id=job.id, subject=ALL, by="jan")
    assert AuditEvent.objects.get(action="job.cancel").subject == "jan"


def test_a_running_job_notices_that_it_was_cancelled_and_its_transaction_is_undone(workspace, new_kind, ask, drain):
    reached = []

    def run(context):
        context.progress(1, 3)
        cancel_job(context.workspace, job_id=context.job_id, subject=ALL, by="jan")
        with transaction.atomic():
            record_act(context.workspace, action="trial.half", target="x", facts={})
            threading.Event().wait(0.3)
            context.progress(2, 3, "half")
            context.progress(3, 3, "late")
            threading.Event().wait(3)
            context.progress(3, 3, "too late")
        reached.append(1)

    new_kind(run)
    job = ask()
    drain()
    ended = job_of(job.id, subject=ALL)
    assert (ended.state, ended.cancel_by, ended.error_code) == (JobState.CANCELLED, "jan", "")
    assert not AuditEvent.objects.filter(action="trial.half").exists()
    assert not reached


def test_a_refusal_is_final_and_anything_else_is_tried_again_a_bounded_number_of_times(workspace, new_kind, ask, drain):
    tries = []

    def run(context, *, how):
        tries.append(how)
        if how == "refuse":
            raise TrialError(detail="no")
        if how == "late" and context.attempt < 3:
            raise OSError("the disk sleeps")
        if how == "never":
            raise RuntimeError("broken")
        return {"odd": object()} if how == "odd" else {}

    new_kind(run)
    jobs = {how: ask(how=how) for how in ("refuse", "late", "never", "odd")}
    drain()
    ended = {how: job_of(job.id, subject=ALL) for how, job in jobs.items()}
    assert {how: tries.count(how) for how in jobs} == {"refuse": 1, "late": 3, "never": 3, "odd": 3}
    assert {how: job.state for how, job in ended.items()} == {
        "refuse": JobState.FAILED,
        "late": JobState.DONE,
        "never": JobState.FAILED,
        "odd": JobState.FAILED,
    }
    assert (ended["refuse"].error_code, ended["refuse"].error_detail) == ("trial.refused", "no")
    assert (ended["never"].error_code, ended["never"].error_detail) == ("jobs.error", "RuntimeError: broken")
    assert 'raise RuntimeError("broken")' in ended["never"].error_trace
    assert (ended["late"].error_code, ended["late"].error_trace) == ("", "")


def test_a_busy_workspace_is_waited_for_and_does_not_count_as_a_try(workspace, new_kind, ask):
    waited = []

    def run(context):
        with changing(context.workspace, "trial"):
            return {"attempt": context.attempt}

    new_kind(run)
    job = ask()

    def wanted():
        waited.append(Job.objects.get(pk=job.id).waits)
        return waited[-1] < 5

    with changing(workspace, "something else"):
        work(workspace, scheduled=False, wanted=wanted)
    meanwhile = job_of(job.id, subject=ALL)
    assert (meanwhile.state, meanwhile.error_code, meanwhile.attempts) == (JobState.QUEUED, "workspace.busy", 0)
    work(workspace, drain=True, scheduled=False)
    done = job_of(job.id, subject=ALL)
    assert (done.state, done.result, done.error_code) == (JobState.DONE, {"attempt": 1}, "")


def test_a_worker_that_ends_puts_its_job_back(workspace, new_kind, ask, drain):
    stop = threading.Event()

    def run(context):
        if not stop.is_set():
            stop.set()
            context.progress(1, 2)
            raise AssertionError("the worker goes on")
        return {"attempt": context.attempt}

    new_kind(run)
    job = ask()
    work(workspace, stop=stop, scheduled=False)
    assert job_of(job.id, subject=ALL).state == JobState.QUEUED
    drain()
    assert job_of(job.id, subject=ALL).result == {"attempt": 1}


def test_the_job_of_a_silent_worker_is_found_and_ends_after_its_tries(workspace, new_kind, ask, row_of, drain):
    new_kind(lambda context: {"attempt": context.attempt}, attempts=2)
    job = ask()
    for attempt, state in ((1, "queued"), (2, "failed")):
        silent = timezone.now() - timedelta(seconds=60)
        Job.objects.filter(pk=job.id).update(state="running", attempt=attempt, worker="gone:1", beat_at=silent)
        assert find_dead(workspace, lease_s=90) == 0
        assert find_dead(workspace, lease_s=30) == 1
        row = row_of(job)
        assert (row.state, row.error_code) == (state, "jobs.worker_died")
        assert "gone:1" in row.error_detail
    again = retry_job(workspace, job_id=job.id, subject=ALL, by="jan")
    assert (again.retry_of, again.by) == (job.id, "jan")
    drain()
    assert job_of(again.id, subject=ALL).result == {"attempt": 1}


def test_a_worker_taken_for_dead_gives_its_job_up(workspace, new_kind, ask, drain):
    went_on = []

    def run(context):
        if context.attempt == 1:
            # As if another worker had taken the job over meanwhile.
            Job.objects.filter(pk=context.job_id).update(attempt=2)
            for step in range(100):
                context.progress(step, 100, f"step {step}")
            went_on.append(1)
        return {}

    new_kind(run)
    job = ask()
    work(workspace, once=True, scheduled=False)
    assert not went_on
    assert job_of(job.id, subject=ALL).state == JobState.RUNNING


def test_who_does_not_see_the_organisation_does_not_see_the_job(workspace, new_kind, ask):
    new_kind(lambda context: {})
    job = ask(by="anna")
    with pytest.raises(JobNotFoundError):
        job_of(job.id, subject=Subject("/elsewhere/"))
    with pytest.raises(JobNotFoundError):
        job_of("nonsense", subject=ALL)
    with pytest.raises(JobNotFoundError):
        job_of(job.id, subject=Subject("/", "SE-001"))
    assert not len(jobs_below(subject=Subject("/elsewhere/")))
    assert [one.id for one in jobs_below(subject=ALL, wanted=JobFilter(by="ann", kind="trial"))] == [job.id]
    with pytest.raises(JobNotEndedError):
        retry_job(workspace, job_id=job.id, subject=ALL, by="jan")
    with pytest.raises(UnknownKindError):
        ask("no_such_kind")
    with pytest.raises(OrganisationNotFoundError):
        start_job(workspace, kind="trial", organisation_code="nowhere", parameters={}, by="x")
