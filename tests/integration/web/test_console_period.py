"""A month is closed by one person and approved by another; bills come after that and not before."""

import re

import pytest
from django.db import IntegrityError, transaction

from ogniwo.records.audit.models import AuditEvent
from ogniwo.records.settlement.models import CloseApproval
from ogniwo.services.access.roles import Role
from ogniwo.services.billing.approved import issue_approved
from ogniwo.services.demo.sample import COMMUNITY_CODE, MONTH
from ogniwo.services.metering.accepting import accept_estimates
from ogniwo.services.settlement.approving import (
    NotApprovedError,
    NotClosedError,
    RunMovedOnError,
    SamePersonError,
    approve_run,
    run_state,
)
from ogniwo.services.workspace.queries import operator_subject, organisation

BASE = f"/o/{COMMUNITY_CODE}/period/"


def community():
    return organisation(code=COMMUNITY_CODE, subject=operator_subject())


def text_of(browser, address=BASE):
    answer = browser.get(f"{address}?month=2026-10" if "?" not in address else f"{address}&month=2026-10")
    assert answer.status_code == 200
    return answer.content.decode()


def taken(browser, drain, workspace, step, fields=None):
    """What the page of the steps shows after the job of one of them was run."""
    answer = browser.post(f"{BASE}{step}/", fields or {})
    assert answer.status_code == 302, answer.content
    drain(workspace)
    return browser.get(answer.headers["location"]).content.decode()


def test_two_people_close_approve_issue_and_post(copy_of, sign_in, drain):
    workspace = copy_of("imported")
    anna, jan = (sign_in(workspace, Role.CLERK, name=name) for name in ("anna", "jan"))
    assert "blocked" in text_of(anna)
    assert "period.incomplete" in text_of(anna, f"{BASE}?preview=1")
    assert "period.incomplete" in taken(anna, drain, workspace, "close")
    accept_estimates(
        workspace, organisation=community(), subject=operator_subject(), month=MONTH, reason="the meter was replaced"
    )
    preview = text_of(anna, f"{BASE}?preview=1")
    assert "equations hold" in preview
    assert "Closing would make version 1" in preview
    assert run_state(community=community(), month=MONTH) is None
    assert "The month is closed as version 1" in taken(anna, drain, workspace, "close")
    state = run_state(community=community(), month=MONTH)
    assert (state.version, state.prepared_by, state.approved_by) == (1, anna.user.username, "")

    assert "You closed the month" in text_of(anna)
    own = anna.post(f"{BASE}approve/", {"digest": state.inputs_digest})
    assert own.status_code == 409
    assert b"approval.same_person" in own.content
    early = jan.post(f"{BASE}issue/")
    assert early.status_code == 409
    assert b"approval.missing" in early.content

    assert "Approve version 1" in text_of(jan)
    assert jan.post(f"{BASE}approve/", {"digest": state.inputs_digest}).status_code == 302
    assert run_state(community=community(), month=MONTH).approved_by == jan.user.username
    bad = jan.post(f"{BASE}issue/", {"issue_date": "tomorrow"})
    assert bad.status_code == 409
    dates = {"issue_date": "2026-11-07", "due_date": "2026-11-21"}
    assert "40 documents issued" in taken(jan, drain, workspace, "issue", dates)
    posted = re.search(r"Posted: (\d+) days of readings, (\d+) documents", taken(anna, drain, workspace, "post"))
    assert int(posted[1]) >= 40 * 31
    assert int(posted[2]) >= 40
    assert "Nothing has changed since version 1" in taken(anna, drain, workspace, "close")
    acts = [(row.action, row.subject) for row in AuditEvent.objects.order_by("id")]
    assert ("period.close", anna.user.username) in acts
    assert ("period.approve", jan.user.username) in acts
    assert ("ledger.post", anna.user.username) in acts


def test_an_approval_names_the_version_that_was_seen(site):
    state = run_state(community=community(), month=MONTH)
    with pytest.raises(RunMovedOnError):
        approve_run(site, community=community(), month=MONTH, by="anna", inputs_digest="0" * 64)
    with pytest.raises(SamePersonError):
        approve_run(site, community=community(), month=MONTH, by="operator", inputs_digest=state.inputs_digest)
    with pytest.raises(SamePersonError):
        approve_run(site, community=community(), month=MONTH, by="", inputs_digest=state.inputs_digest)
    with pytest.raises(NotClosedError):
        approve_run(site, community=community(), month=MONTH.shifted(1), by="anna", inputs_digest="")
    assert not CloseApproval.objects.exists()


def test_bills_on_screen_need_the_approval_of_the_newest_version(site):
    first = MONTH.shifted(1).first
    with pytest.raises(NotApprovedError):
        issue_approved(site, community=community(), month=MONTH, issue_date=first, due_date=first)
    state = run_state(community=community(), month=MONTH)
    approve_run(site, community=community(), month=MONTH, by="anna", inputs_digest=state.inputs_digest)
    assert len(issue_approved(site, community=community(), month=MONTH, issue_date=first, due_date=first)) == 40


def test_an_approval_is_never_changed_and_never_by_the_same_person(site):
    state = run_state(community=community(), month=MONTH)
    again = [
        approve_run(site, community=community(), month=MONTH, by=by, inputs_digest=state.inputs_digest)
        for by in ("anna", "jan")
    ]
    assert {one.approved_by for one in again} == {"anna"}
    row = CloseApproval.objects.get()
    row.approved_by = "jan"
    with pytest.raises(IntegrityError), transaction.atomic():
        row.save()
    with pytest.raises(IntegrityError), transaction.atomic():
        row.delete()
    assert AuditEvent.objects.filter(action="period.approve").count() == 1
