"""Work that somebody lets begin by itself: which kinds, for which month, once however many workers and misses."""

import threading
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from django.db import connection

from ogniwo.records.audit.models import AuditEvent
from ogniwo.records.jobs.models import Job, Schedule
from ogniwo.services.demo.sample import COMMUNITY_CODE
from ogniwo.services.jobs.model import UnknownKindError
from ogniwo.services.jobs.planning import (
    DefaultRowError,
    NotPlannableError,
    ScheduleExistsError,
    plan_work,
    plannable,
    remove_planned,
)
from ogniwo.services.jobs.queries import JobFilter, jobs_below
from ogniwo.services.jobs.schedule import BadRuleError, ScheduleNotFoundError, key_of, plan_defaults, planned, start_due
from ogniwo.services.workspace.queries import OrganisationNotFoundError, Subject, operator_subject

ALL = operator_subject()


@pytest.fixture
def clock(workspace):
    """The workspace at a moment, UTC."""
    return lambda *parts: replace(workspace, now=lambda: datetime(*parts, tzinfo=UTC))


def plan(workspace, **changed):
    asked = {
        "organisation_code": COMMUNITY_CODE,
        "subject": ALL,
        "kind": "check_data",
        "rule": "monthly 5 06:00",
        "month": "previous",
        "by": "anna",
    }
    return plan_work(workspace, **(asked | changed))


def test_a_row_starts_for_the_month_before_each_start(clock):
    made = plan(clock(2026, 10, 20, 12))
    assert (made.name, made.month, made.next_run_at) == (
        "check-data-1",
        "previous",
        datetime(2026, 11, 5, 5, 0, tzinfo=UTC),
    )
    assert start_due(clock(2026, 11, 5, 4, 59)) == ()
    (started,) = start_due(clock(2026, 11, 5, 5, 0))
    assert (started.kind, started.parameters, started.by) == ("check_data", {"month": "2026-10"}, "schedule")
    Job.objects.update(state="done")
    # Missed for months: it begins once, for the month before now. New year's first hour is local time.
    plan(clock(2026, 11, 6), name="at-new-year", rule="monthly 1 00:00")
    both = start_due(clock(2026, 12, 31, 23, 30))
    assert {job.parameters["month"] for job in both} == {"2026-12"}
    assert len(both) == 2
    assert start_due(clock(2026, 12, 31, 23, 31)) == ()
    history = jobs_below(subject=ALL, wanted=JobFilter(key=key_of("check-data-1")))
    assert [job.parameters["month"] for job in history] == ["2026-12", "2026-10"]
    facts = AuditEvent.objects.filter(action="schedule.add").first().facts
    assert facts == {"name": "check-data-1", "kind": "check_data", "rule": "monthly 5 06:00", "month": "previous"}


def test_what_cannot_be_planned_is_refused(clock):
    now = clock(2026, 11, 22, 12)
    assert {kind.name: kind.planned for kind in plannable()} == {
        "check_data": ("", "previous"),
        "check_watches": ("",),
        "clean_up": ("",),
        "export_bills": ("previous",),
        "pull_sites": ("", "previous"),
        "verify_ledger": ("",),
    }
    for changed, refusal in (
        ({"kind": "issue_bills"}, NotPlannableError),
        ({"kind": "export_bills", "month": ""}, NotPlannableError),
        ({"kind": "clean_up"}, NotPlannableError),
        ({"month": "2026-10"}, NotPlannableError),
        ({"name": "Ładna nazwa"}, NotPlannableError),
        ({"kind": "fly"}, UnknownKindError),
        ({"rule": "hourly"}, BadRuleError),
        ({"organisation_code": "nobody"}, OrganisationNotFoundError),
        ({"subject": Subject("/elsewhere/")}, OrganisationNotFoundError),
    ):
        with pytest.raises(refusal):
            plan(now, **changed)
    assert Schedule.objects.count() == 0
    assert [plan(now).name, plan(now).name, plan(now, name="mine").name] == ["check-data-1", "check-data-2", "mine"]
    with pytest.raises(ScheduleExistsError):
        plan(now, name="mine")


def test_a_row_is_removed_and_its_jobs_stay(clock):
    now = clock(2026, 11, 22, 12)
    plan_defaults(now)
    made = plan(now)
    start_due(clock(2026, 12, 5, 12))
    with pytest.raises(ScheduleNotFoundError):
        remove_planned(now, schedule_id=made.id, subject=Subject("/elsewhere/"), by="x")
    remove_planned(now, schedule_id=made.id, subject=ALL, by="anna")
    assert made.id not in {one.id for one in planned(subject=ALL)}
    assert len(jobs_below(subject=ALL, wanted=JobFilter(key=key_of(made.name)))) == 1
    ours = next(one for one in planned(subject=ALL) if one.name == "clean-up")
    with pytest.raises(DefaultRowError):
        remove_planned(now, schedule_id=ours.id, subject=ALL, by="anna")


def test_workers_that_look_at_once_start_a_row_once(clock):
    plan(clock(2026, 10, 20, 12))
    due, started, ready = clock(2026, 11, 5, 6), [], threading.Barrier(4)

    def look():
        ready.wait()
        try:
            started.extend(start_due(due))
        finally:
            connection.close()

    looking = [threading.Thread(target=look) for _ in range(4)]
    for one in looking:
        one.start()
    for one in looking:
        one.join()
    assert len(started) == 1
    assert Job.objects.count() == 1
