"""The page of jobs: what runs is seen moving, what failed says why, what is planned can be paused, by whom it may."""

import re
from http import HTTPStatus

import pytest
from django.conf import settings

from ogniwo.records.audit.models import AuditEvent
from ogniwo.records.jobs.models import Job, Schedule
from ogniwo.services.access.roles import Role
from ogniwo.services.demo.sample import COMMUNITY_CODE
from ogniwo.services.jobs.asking import start_job
from ogniwo.services.jobs.model import JobState
from ogniwo.services.jobs.queries import job_of
from ogniwo.services.workspace.queries import operator_subject

BASE = f"/o/{COMMUNITY_CODE}/jobs/"
ALL = operator_subject()


@pytest.fixture
def ask(site):
    def asked(kind="check_data", code=COMMUNITY_CODE, **parameters):
        return start_job(site, kind=kind, organisation_code=code, parameters=parameters, by="anna@x.example")

    return asked


def text_of(browser, address=BASE, status=HTTPStatus.OK):
    answer = browser.get(address)
    assert answer.status_code == status, answer.status_code
    return answer.content.decode()


def test_a_running_job_is_seen_moving_and_its_end_brings_the_page_anew(site, browser_of, ask, drain):
    clerk, job = browser_of(Role.CLERK), ask(month="2026-10")
    page = text_of(clerk, f"{BASE}{job.id}/")
    part = re.search(r'hx-get="([^"]+)"', page)[1].replace("&amp;", "&")
    assert clerk.get(part).status_code == HTTPStatus.NO_CONTENT
    Job.objects.filter(pk=job.id).update(state="running", done=10, total=40, text="check")
    moved = clerk.get(part)
    assert "HX-Refresh" not in moved.headers
    assert "10/40" in moved.content.decode()
    assert 'value="25"' in moved.content.decode()
    overview = text_of(clerk)
    again = re.search(r'hx-get="([^"]+open[^"]+)"', overview)[1]
    assert clerk.get(again).status_code == HTTPStatus.NO_CONTENT
    assert "No process runs jobs now" in overview
    Job.objects.filter(pk=job.id).update(state="queued", done=0, total=0, text="")
    drain(site)
    ended = clerk.get(part)
    assert ended.headers["HX-Refresh"] == "true"
    assert "Nothing runs and nothing waits" in clerk.get(again).content.decode()
    shown = text_of(clerk, f"{BASE}{job.id}/")
    assert "hx-get" not in shown
    assert "100.0 %" in shown


def test_cancelled_refused_and_tried_again(site, browser_of, ask, drain):
    clerk, auditor = browser_of(Role.CLERK), browser_of(Role.AUDITOR)
    waiting = ask("close_period", month="2026-10")
    assert auditor.post(f"{BASE}{waiting.id}/cancel/").status_code == HTTPStatus.FORBIDDEN
    assert clerk.post(f"{BASE}{waiting.id}/cancel/").status_code == HTTPStatus.FOUND
    assert f"cancelled by {clerk.user.username}" in text_of(clerk, f"{BASE}{waiting.id}/")
    assert clerk.post(f"{BASE}{waiting.id}/cancel/").status_code == HTTPStatus.CONFLICT
    refused = ask("issue_bills", month="2026-10", issue_date="2026-11-06", due_date="2026-11-20")
    drain(site)
    page = text_of(auditor, f"{BASE}{refused.id}/")
    assert "approval.missing" in page
    assert "Try again" not in page
    again = clerk.post(f"{BASE}{refused.id}/retry/")
    assert again.status_code == HTTPStatus.FOUND
    fresh = job_of(again.headers["location"].split("/")[-2], subject=ALL)
    assert (fresh.retry_of, fresh.by, fresh.state) == (refused.id, clerk.user.username, JobState.QUEUED)
    history = text_of(clerk, f"{BASE}?state=failed&kind=issue_bills&who=anna")
    assert history.count("approval.missing") == 1
    assert "No job fits" in text_of(clerk, f"{BASE}?who=nobody-at-all")


def test_the_schedule_is_paused_resumed_and_run_by_whom_it_may(site, browser_of, drain):
    clerk, operator = browser_of(Role.CLERK), browser_of(Role.OPERATOR)
    page = text_of(clerk)
    assert "every day at 05:00" in page
    assert "at 02:15" not in page, "the installation's own rows are the operator's"
    row = Schedule.objects.get(organisation__code=COMMUNITY_CODE, name="check-data")
    assert clerk.post(f"{BASE}schedule/{row.pk}/pause/").status_code == HTTPStatus.FOUND
    assert "paused" in text_of(clerk)
    assert clerk.post(f"{BASE}schedule/{row.pk}/pause/", {"do": "resume"}).status_code == HTTPStatus.FOUND
    assert "paused" not in text_of(clerk)
    started = clerk.post(f"{BASE}schedule/{row.pk}/run/")
    drain(site)
    assert "Check of the data" in text_of(clerk, started.headers["location"])
    assert Job.objects.get().by == clerk.user.username
    acts = list(AuditEvent.objects.filter(action__startswith="schedule.").values_list("action", flat=True))
    assert acts == ["schedule.pause", "schedule.resume"]
    top = Schedule.objects.get(name="verify-ledger")
    assert clerk.post(f"{BASE}schedule/{top.pk}/run/").status_code == HTTPStatus.NOT_FOUND
    assert operator.post(f"/o/platforma/jobs/schedule/{top.pk}/run/").status_code == HTTPStatus.FOUND
    assert "at 02:15" in text_of(operator, "/o/platforma/jobs/")


def test_bills_are_taken_away_as_one_file_by_whom_sees_them(shared, reader_of, drain):
    clerk = reader_of(Role.CLERK)
    job = start_job(
        shared, kind="export_bills", organisation_code=COMMUNITY_CODE, parameters={"month": "2026-10"}, by="anna"
    )
    assert clerk.get(f"{BASE}{job.id}/file/").status_code == HTTPStatus.NOT_FOUND
    drain(shared)
    assert "przykladowo-2026-10.zip" in text_of(clerk, f"{BASE}{job.id}/")
    answer = clerk.get(f"{BASE}{job.id}/file/")
    data = b"".join(answer.streaming_content)
    assert data.startswith(b"PK")
    assert len(data) == job_of(job.id, subject=ALL).result["bytes"]
    assert data.count(b".pdf") == 2 * 40
    assert reader_of(Role.CLERK, "inna").get(f"/o/inna/jobs/{job.id}/").status_code == HTTPStatus.NOT_FOUND


def test_a_page_shows_only_jobs_of_its_own(site, browser_of, ask):
    clerk, job = browser_of(Role.CLERK), ask()
    for place in ("files", "period"):
        address = f"/o/{COMMUNITY_CODE}/{place}/?job="
        assert clerk.get(f"{address}{job.id}").status_code == HTTPStatus.NOT_FOUND
        assert clerk.get(f"{address}nonsense").status_code == HTTPStatus.NOT_FOUND


def test_an_invitation_goes_by_mail_where_an_address_is_given(site, browser_of, drain, monkeypatch):
    outbox = site.root / "outbox"
    monkeypatch.setattr(settings, "EMAIL_FILE_PATH", outbox)
    partner = browser_of(Role.PARTNER)
    people = f"/o/{COMMUNITY_CODE}/people/"
    wrong = partner.post(f"{people}invite/", {"role": "clerk", "email": "nobody"})
    assert wrong.status_code == HTTPStatus.CONFLICT
    assert b"access.bad_address" in wrong.content
    assert partner.post(f"{people}invite/", {"role": "clerk", "email": "jan@x.example"}).status_code == HTTPStatus.FOUND
    page = text_of(partner, people)
    link = re.search(r"http://127.0.0.1/join/[^/]+/", page)[0]
    assert "jan@x.example" in page
    drain(site)
    (sent,) = outbox.iterdir()
    assert link in sent.read_text(encoding="utf-8").replace("=\n", "")
    assert link not in text_of(partner, f"{BASE}{Job.objects.get().pk}/")


def test_a_row_is_added_from_the_page_has_its_history_and_is_removed(site, browser_of, drain):
    clerk, auditor = browser_of(Role.CLERK), browser_of(Role.AUDITOR)
    choices = {"work": "check_data previous", "often": "weekly", "weekday": "tue", "day": "1", "time": "06:00"}
    assert clerk.post(f"{BASE}schedule/add/", choices).status_code == HTTPStatus.FOUND
    row = Schedule.objects.get(name="check-data-1")
    assert (row.rule, row.parameters) == ("weekly tue 06:00", {"month": "previous"})
    for wrong in (
        {"work": "issue_bills"},
        {"time": "6"},
        {"often": "hourly"},
        {"work": "fly"},
        {"work": "export_bills"},
    ):
        page = clerk.post(f"{BASE}schedule/add/", {**choices, **wrong}, follow=True)
        assert "nothing was added" in page.content.decode()
    assert Schedule.objects.filter(name="check-data-2").count() == 0
    shown = clerk.get(BASE).content.decode()
    assert "every Tuesday at 06:00" in shown
    assert f"schedule/{row.pk}/remove/" in shown
    assert "schedule/add/" not in auditor.get(BASE).content.decode()
    assert auditor.post(f"{BASE}schedule/add/", choices).status_code == HTTPStatus.FORBIDDEN
    started = clerk.post(f"{BASE}schedule/{row.pk}/run/")
    history = clerk.get(f"{BASE}?planned=check-data-1").content.decode()
    assert started.headers["Location"] in history
    assert (
        started.headers["Location"]
        not in clerk.get(f"{BASE}?planned=check-data").content.decode().partition('id="history"')[2]
    )
    ours = Schedule.objects.get(name="check-data")
    assert clerk.post(f"{BASE}schedule/{ours.pk}/remove/").status_code == HTTPStatus.NOT_FOUND
    assert clerk.post(f"{BASE}schedule/{row.pk}/remove/").status_code == HTTPStatus.FOUND
    assert not Schedule.objects.filter(pk=row.pk).exists()
