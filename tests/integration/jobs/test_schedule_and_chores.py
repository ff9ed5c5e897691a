"""Planned work begins once when it is due; what an installation does for itself at night; mails."""

import os
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.sessions.backends.db import SessionStore
from django.utils import timezone

from ogniwo.records.access.models import Grant, Invitation
from ogniwo.records.jobs.models import Job, Schedule
from ogniwo.records.parties.models import Organisation
from ogniwo.services.access.inviting import invite
from ogniwo.services.access.roles import Role
from ogniwo.services.access.viewers import viewer_of
from ogniwo.services.demo.sample import COMMUNITY_CODE
from ogniwo.services.jobs.model import JobState
from ogniwo.services.jobs.queries import job_of
from ogniwo.services.jobs.schedule import (
    ScheduleNotFoundError,
    change_rule,
    pause,
    plan_defaults,
    planned,
    run_now,
    start_due,
)
from ogniwo.services.jobs.uploads import folder, keep_upload
from ogniwo.services.jobs.work.mails import mail
from ogniwo.services.jobs.worker import work
from ogniwo.services.workspace.queries import Subject, operator_subject

ALL = operator_subject()


@pytest.fixture
def clock(workspace):
    """The same workspace at a time that the test sets: `clock(2026, 11, 23, 1)`."""
    return lambda *parts: replace(workspace, now=lambda: datetime(*parts, tzinfo=UTC))


def test_due_work_begins_once_and_missed_work_once(clock):
    evening = clock(2026, 11, 22, 20)
    assert plan_defaults(evening) == 3
    assert plan_defaults(evening) == 0
    assert start_due(evening) == ()
    night = clock(2026, 11, 23, 1, 20)
    (started,) = start_due(night)
    assert (started.kind, started.by) == ("verify_ledger", "schedule")
    assert start_due(night) == ()
    week_later = clock(2026, 11, 30, 12)
    assert sorted(one.kind for one in start_due(week_later)) == ["check_data", "clean_up", "verify_ledger"]
    assert Job.objects.count() == 3, "the check that still waits is not asked for twice"
    assert start_due(week_later) == ()
    rows = {one.name: one for one in planned(subject=ALL)}
    assert rows["check-data"].next_run_at == datetime(2026, 12, 1, 4, 0, tzinfo=UTC)


def test_a_paused_row_is_passed_over_and_resumes_from_now(clock):
    plan_defaults(clock(2026, 11, 22, 20))
    row = Schedule.objects.get(name="clean-up")
    who = {"schedule_id": row.pk, "subject": ALL, "by": "anna"}
    pause(clock(2026, 11, 22, 20), paused=True, **who)
    assert "clean_up" not in {one.kind for one in start_due(clock(2026, 11, 24, 12))}
    resumed = pause(clock(2026, 11, 24, 12), paused=False, **who)
    assert resumed.next_run_at == datetime(2026, 11, 25, 2, 30, tzinfo=UTC)
    changed = change_rule(clock(2026, 11, 24, 12), rule="monthly 1 06:00", **who)
    assert changed.next_run_at == datetime(2026, 12, 1, 5, 0, tzinfo=UTC)
    assert plan_defaults(clock(2026, 11, 24, 12)) == 0, "what was changed stays"
    started = run_now(clock(2026, 11, 24, 12), **who)
    assert started.by == "anna"
    with pytest.raises(ScheduleNotFoundError):
        run_now(clock(2026, 11, 24, 12), schedule_id=row.pk, subject=Subject("/elsewhere/"), by="x")


def test_the_worker_starts_what_is_due(clock):
    plan_defaults(clock(2026, 11, 22, 20))
    assert work(clock(2026, 11, 23, 12), drain=True) == 3
    states = dict(Job.objects.values_list("kind", "state"))
    assert states == dict.fromkeys(("verify_ledger", "clean_up", "check_data"), "done")
    checked = Job.objects.get(kind="check_data").result
    assert (checked["points"], checked["slots"], len(checked["silent"])) == (40, 0, 40)
    assert Job.objects.get(kind="verify_ledger").result == {"checks": [], "findings": []}


def test_what_expired_is_cleared_away_and_nothing_else(workspace, ask, drain):
    signed_in, expired = SessionStore(), SessionStore()
    for one, left in ((signed_in, 3600), (expired, -3600)):
        one.set_expiry(timezone.now() + timedelta(seconds=left))
        one.create()
    user = get_user_model().objects.create_user("operator", "operator")
    root = Organisation.objects.get(parent=None)
    Grant.objects.create(user=user, organisation=root, role="operator", given_by="x", given_at=workspace.now())
    viewer = viewer_of(user.pk, "operator")
    for _ in range(2):
        invite(workspace, viewer=viewer, code=root.code, role=Role.CLERK)
    old = Invitation.objects.first()
    Invitation.objects.filter(pk=old.pk).update(expires_at=workspace.now() - timedelta(days=1))
    needed, left = (keep_upload(workspace, data) for data in (b"needed", b"left"))
    mail_job = ask("send_mail", to="a@x.example", subject="s", text=needed)
    Job.objects.filter(pk=mail_job.id).update(asked_at=workspace.now() + timedelta(days=1))
    week = time.time() - 8 * 86_400
    for name in (needed, left):
        os.utime(folder(workspace) / name, (week, week))
    young = keep_upload(workspace, b"young")
    cleaned = ask("clean_up")
    Job.objects.filter(pk=mail_job.id).update(state="running", beat_at=timezone.now())
    work(workspace, drain=False, once=True, scheduled=False)
    work(workspace, drain=False, once=True, scheduled=False)
    result = job_of(cleaned.id, subject=ALL).result
    assert result == {"sign_ins": 1, "invitations": 1, "uploads": 1, "files": 0, "queue_rows": 0}
    assert {path.name for path in folder(workspace).iterdir()} == {needed, young}
    assert SessionStore().exists(signed_in.session_key)
    assert not SessionStore().exists(expired.session_key)
    assert Invitation.objects.filter(withdrawn_at=None).count() == 1


def test_a_mail_is_sent_and_its_text_is_kept_nowhere_else(workspace, drain, monkeypatch):
    outbox = workspace.root / "outbox"
    monkeypatch.setattr(settings, "EMAIL_FILE_PATH", outbox)
    link = "https://energia.example/join/very-link/"
    job = mail(
        workspace, organisation_code=COMMUNITY_CODE, to="jan@x.example", subject="Zaproszenie", text=link, by="anna"
    )
    drain()
    done = job_of(job.id, subject=ALL)
    assert (done.state, done.result) == (JobState.DONE, {"to": "jan@x.example", "sent": 1})
    (sent,) = outbox.iterdir()
    assert link in sent.read_text(encoding="utf-8")
    row = Job.objects.get(pk=job.id)
    assert link not in str([row.parameters, row.result, row.text])
    assert not list(folder(workspace).iterdir())


def test_a_mail_server_that_does_not_answer_is_asked_again(workspace, drain, monkeypatch):
    monkeypatch.setattr(settings, "EMAIL_BACKEND", "django.core.mail.backends.smtp.EmailBackend")
    monkeypatch.setattr(settings, "EMAIL_HOST", "127.0.0.1")
    monkeypatch.setattr(settings, "EMAIL_PORT", 1)
    job = mail(workspace, organisation_code=COMMUNITY_CODE, to="jan@x.example", subject="s", text="t", by="anna")
    drain()
    failed = job_of(job.id, subject=ALL)
    assert (failed.state, failed.attempts, failed.error_code) == (JobState.FAILED, 4, "jobs.error")
    assert "ConnectionRefusedError" in failed.error_detail
    assert len(list(folder(workspace).iterdir())) == 1, "it can be tried again"
