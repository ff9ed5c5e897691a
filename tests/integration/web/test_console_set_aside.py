"""Findings are set aside for a reason and taken back; what may be billed does not change by it."""

import re

from ogniwo.records.audit.models import AuditEvent
from ogniwo.records.remarks.models import SetAside
from ogniwo.services.access.roles import Role
from ogniwo.services.demo.sample import COMMUNITY_CODE, MONTH
from ogniwo.services.metering.heat import heat_of_month
from ogniwo.services.workspace.queries import operator_subject, organisation

BASE = f"/o/{COMMUNITY_CODE}/quality"
LIST = f"{BASE}/?month={MONTH}"
SET = f"{BASE}/set-aside/?month={MONTH}"
REASON = "known outage of the concentrator"


def heat(workspace):
    owner = organisation(code=COMMUNITY_CODE, subject=operator_subject())
    return heat_of_month(workspace, organisation=owner, subject=operator_subject(), month=MONTH)


def offered(browser):
    return re.findall(r'name="finding" value="([0-9a-f]{64})"', browser.get(LIST).content.decode())


def test_set_aside_and_taken_back(copy_of, sign_in):
    workspace = copy_of("imported")
    clerk = sign_in(workspace, Role.CLERK, name="anna")
    before, choices = heat(workspace), offered(clerk)
    assert len(choices) > 1
    chosen = choices[0]
    answer = clerk.post(SET, {"finding": [chosen], "reason": REASON})
    assert answer.status_code == 302, answer.content
    assert offered(clerk) == choices[1:]
    page = clerk.get(LIST).content.decode()
    shown = page.split('id="set-aside"')[1]
    assert REASON in shown
    assert clerk.user.username in shown
    assert "changes nothing about billing" in page
    row = SetAside.objects.get()
    assert row.code in shown
    assert (row.set_by, row.ended_at) == (clerk.user.username, None)
    after = heat(workspace)
    assert after.quality == before.quality, "what may be billed and what the rules say stay as they are"
    assert len(after.findings) == len(before.findings) - 1
    assert [one.billable for one in after.rows] == [one.billable for one in before.rows]
    event = AuditEvent.objects.get(action="quality.set_aside")
    assert (event.subject, event.facts["reason"]) == (clerk.user.username, REASON)
    assert clerk.post(f"{BASE}/set-aside/{row.pk}/?month={MONTH}").status_code == 302
    assert offered(clerk) == choices
    assert 'id="set-aside"' not in clerk.get(LIST).content.decode()
    row.refresh_from_db()
    assert row.ended_by == clerk.user.username
    assert row.ended_at is not None
    assert AuditEvent.objects.filter(action="quality.take_back").count() == 1
    assert clerk.post(f"{BASE}/set-aside/{row.pk}/").status_code == 404, "taken back once"


def test_without_reason_or_finding_nothing_is_set_aside(copy_of, sign_in):
    workspace = copy_of("imported")
    clerk = sign_in(workspace, Role.CLERK)
    (chosen, *_rest) = offered(clerk)
    for sent, code in (
        ({"finding": [chosen], "reason": "  ok  "}, b"quality.no_reason"),
        ({"reason": REASON}, b"quality.finding_not_found"),
        ({"finding": [chosen, "0" * 64], "reason": REASON}, b"quality.finding_not_found"),
    ):
        answer = clerk.post(SET, sent)
        assert answer.status_code == 409
        assert code in answer.content
    assert not SetAside.objects.exists()
    clerk.post(SET, {"finding": [chosen], "reason": REASON})
    clerk.post(SET, {"finding": [chosen], "reason": "once more, the same"})
    assert SetAside.objects.get().reason == REASON, "the second time changes nothing"


def test_a_finding_that_says_something_else_comes_back(copy_of, sign_in):
    workspace = copy_of("imported")
    clerk = sign_in(workspace, Role.CLERK)
    gap = next(one for one in heat(workspace).findings if one.code == "V1.missing")
    listed = offered(clerk)
    clerk.post(SET, {"finding": listed, "reason": REASON})
    assert gap not in heat(workspace).findings
    clerk.post(f"{BASE}/accept/?month={MONTH}", {"reason": "settled with the operator"})
    gone = [one for one in heat(workspace).asides if one.code == "V1.missing"]
    assert gone
    assert not any(one.found for one in gone), "filled: the rule says no such thing any more"
    assert "no longer found" in clerk.get(LIST).content.decode()


def test_who_only_reads_sees_them_and_neighbours_do_not(copy_of, sign_in):
    workspace = copy_of("imported")
    clerk = sign_in(workspace, Role.CLERK)
    clerk.post(SET, {"finding": offered(clerk)[:1], "reason": REASON})
    auditor = sign_in(workspace, Role.AUDITOR)
    page = auditor.get(LIST).content.decode()
    assert REASON in page
    assert 'name="finding"' not in page
    row = SetAside.objects.get()
    assert auditor.post(f"{BASE}/set-aside/{row.pk}/").status_code == 403
    neighbour = sign_in(workspace, Role.CLERK, "inna")
    assert neighbour.post(f"/o/inna/quality/set-aside/{row.pk}/").status_code == 404
    assert SetAside.objects.get().ended_at is None
