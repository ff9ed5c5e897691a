"""A month step by step: data, preview, close, approval by a second person, bills, ledger."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from ogniwo.core.kernel.calendar import Month
from ogniwo.core.kernel.findings import Severity, finding_row
from ogniwo.core.kernel.refusals import Refusal
from ogniwo.interfaces.web.context import month_of, scope, viewer, workspace
from ogniwo.interfaces.web.job_view import jobs_of_page
from ogniwo.interfaces.web.registry import page
from ogniwo.services.access.roles import Act
from ogniwo.services.access.viewers import Standing
from ogniwo.services.contracts.queries import CommunityNotFoundError, community
from ogniwo.services.jobs.asking import start_job
from ogniwo.services.jobs.model import JobState, JobView
from ogniwo.services.settlement.approving import approve_run, require_approval, run_state
from ogniwo.services.settlement.closing import ClosedMonth, close_month
from ogniwo.services.settlement.queries import (
    MemberTotal,
    RunNotFoundError,
    SettledMonth,
    added_flows,
    member_totals,
    rate_book_of,
    settled_month,
    settled_versions,
)
from ogniwo.services.workspace.queries import Organisation, Subject
from ogniwo.services.workspace.today import TodayFacts, today_facts

DAYS_TO_PAY: Final = 14
_CHANGE_PERCENT: Final = 50
_CHANGES_SHOWN: Final = 20
_KINDS: Final = ("close_period", "issue_bills", "post_period")


@page("period/", name="period", act=Act.SEE_SETTLEMENT)
def period(request: HttpRequest, standing: Standing, *, code: str) -> HttpResponse:
    """Where the month is, and on request what closing it would give."""
    month, subject = month_of(request), scope(standing, code)
    try:
        settling = community(code=code, subject=subject)
    except CommunityNotFoundError:
        return render(request, "web/period.html", {"settling": None})
    facts = today_facts(workspace(), subject=subject, month=month)
    state = run_state(community=settling, month=month)
    preview, refusal = _preview(settling, month) if request.GET.get("preview") else (None, None)
    before = _before(settling, month, subject) if preview else None
    today = workspace().today()
    shown = jobs_of_page(request, subject=subject, kinds=_KINDS, key=str(month))
    context = {
        **shown.context(),
        "job_said": _said(shown.ended),
        "settling": settling,
        "facts": facts,
        "blockers": _blockers(facts, preview),
        "state": state,
        "own": state is not None and state.prepared_by == viewer(request).login,
        "versions": settled_versions(community=settling, month=month, subject=subject),
        "preview": preview,
        "preview_rows": _totals(preview, before) if preview else (),
        "changes": _changes(preview, before) if preview else (),
        "preview_findings": [finding_row(one) for one in preview.findings] if preview else [],
        "refusal": refusal,
        "issue_date": today.isoformat(),
        "due_date": (today + timedelta(days=DAYS_TO_PAY)).isoformat(),
    }
    return render(request, "web/period.html", context)


def _asked(request: HttpRequest, settling: Organisation, kind: str, month: Month, **more: str) -> HttpResponse:
    """Ask for the work of one step on a month, and go back to the steps, which say how far it is."""
    started = start_job(
        workspace(),
        kind=kind,
        organisation_code=settling.code,
        parameters={"month": str(month), **more},
        by=viewer(request).login,
        key=str(month),
    )
    return redirect(f"{reverse('period', kwargs={'code': settling.code})}?month={month}&job={started.id}")


@page("period/close/", name="close_period", act=Act.CLOSE_PERIOD, methods=("POST",))
def close(request: HttpRequest, standing: Standing, *, code: str) -> HttpResponse:
    """Calculate and keep the month as its next version."""
    settling = community(code=code, subject=scope(standing, code))
    return _asked(request, settling, "close_period", month_of(request))


@page("period/approve/", name="approve_period", act=Act.APPROVE_PERIOD, methods=("POST",))
def approve(request: HttpRequest, standing: Standing, *, code: str) -> HttpResponse:
    """Approve the version that was shown."""
    settling, month = community(code=code, subject=scope(standing, code)), month_of(request)
    state = approve_run(
        workspace(),
        community=settling,
        month=month,
        by=viewer(request).login,
        inputs_digest=request.POST.get("digest", ""),
    )
    messages.success(request, _("Version %(n)s is approved.") % {"n": state.version})
    return redirect("period", code=code)


@page("period/issue/", name="issue_bills", act=Act.ISSUE_BILLS, methods=("POST",))
def issue(request: HttpRequest, standing: Standing, *, code: str) -> HttpResponse:
    """Issue bills, or corrections, from the approved version."""
    settling, month = community(code=code, subject=scope(standing, code)), month_of(request)
    today = workspace().today()
    issue_date = _date(request.POST.get("issue_date", ""), today)
    due_date = _date(request.POST.get("due_date", ""), today + timedelta(days=DAYS_TO_PAY))
    require_approval(community=settling, month=month)
    dates = {"issue_date": issue_date.isoformat(), "due_date": due_date.isoformat()}
    return _asked(request, settling, "issue_bills", month, **dates)


@page("period/post/", name="post_period", act=Act.POST_LEDGER, methods=("POST",))
def post(request: HttpRequest, standing: Standing, *, code: str) -> HttpResponse:
    """Put readings, statements and bills on the ledger."""
    settling = community(code=code, subject=scope(standing, code))
    return _asked(request, settling, "post_period", month_of(request))


def _said(job: JobView | None) -> str:
    """What came of a step, in a sentence."""
    if job is None or job.state is not JobState.DONE:
        return ""
    result = job.result
    if job.kind == "close_period":
        if not result["changed"]:
            return _("Nothing has changed since version %(n)s; no new one was made.") % {"n": result["version"]}
        return _("The month is closed as version %(n)s. Somebody else approves it now.") % {"n": result["version"]}
    if job.kind == "issue_bills":
        count = len(result["documents"])
        return ngettext("%(n)s document issued.", "%(n)s documents issued.", count) % {"n": count}
    return _("Posted: %(days)s days of readings, %(documents)s documents.") % {
        "days": result["days"],
        "documents": result["documents"],
    }


class BadDateError(Refusal):
    """A form held a date that is none."""

    code = "period.bad_date"


def _date(text: str, fallback: date) -> date:
    if not text:
        return fallback
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise BadDateError(detail=f"{text!r} is not a date") from error


def _preview(settling: Organisation, month: Month) -> tuple[ClosedMonth | None, Refusal | None]:
    """What closing would give, or why it would be refused."""
    try:
        return close_month(
            workspace(), community=settling, month=month, book=rate_book_of(workspace()), dry_run=True
        ), None
    except Refusal as refusal:
        return None, refusal


def _blockers(facts: TodayFacts, preview: ClosedMonth | None) -> list[str]:
    """What stands in the way, in words."""
    found = []
    if not facts.slots:
        found.append(_("Nothing was imported for this month."))
    if facts.silent_points and facts.slots:
        text = ngettext("%(n)s point sent nothing.", "%(n)s points sent nothing.", facts.silent_points)
        found.append(text % {"n": facts.silent_points})
    if facts.gaps:
        text = ngettext("%(n)s channel has gaps.", "%(n)s channels have gaps.", facts.gaps)
        found.append(text % {"n": facts.gaps})
    errors = sum(one.severity is Severity.ERROR for one in preview.findings) if preview else 0
    if errors:
        text = ngettext("%(n)s error in contracts or rates.", "%(n)s errors in contracts or rates.", errors)
        found.append(text % {"n": errors})
    return found


def _settled(settling: Organisation, month: Month, subject: Subject) -> SettledMonth | None:
    try:
        return settled_month(community=settling, month=month, subject=subject)
    except RunNotFoundError:
        return None


def _before(settling: Organisation, month: Month, subject: Subject) -> SettledMonth | None:
    """What a preview is compared with: the newest version of the same month, else the month before."""
    return _settled(settling, month, subject) or _settled(settling, month.shifted(-1), subject)


@dataclass(frozen=True, slots=True)
class _Total:
    """A figure now and before, both in Wh or both in grosze."""

    label: str
    unit: str
    now: int
    before: int | None

    @property
    def change(self) -> int | None:
        """The difference."""
        return None if self.before is None else self.now - self.before


def _totals(preview: ClosedMonth, before: SettledMonth | None) -> tuple[_Total, ...]:
    """The preview's totals beside those before."""
    flows, old = preview.totals.flows, added_flows([one.flows for one in before.statements]) if before else None
    energy = (
        (_("taken"), "taken_wh"),
        (_("from the community"), "community_in_wh"),
        (_("from the pool"), "pool_wh"),
        (_("from the grid"), "grid_wh"),
        (_("given"), "given_wh"),
        (_("surplus"), "surplus_wh"),
    )
    rows = [_Total(label, "kWh", getattr(flows, name), getattr(old, name) if old else None) for label, name in energy]
    charged = sum(one.net_grosz for one in before.statements) if before else None
    credited = sum(one.credit_grosz for one in before.statements) if before else None
    rows.append(_Total(_("charged to members, net"), "zł", preview.totals.charged_grosz, charged))
    rows.append(_Total(_("due to members, net"), "zł", preview.totals.credited_grosz, credited))
    return tuple(rows)


def _changes(preview: ClosedMonth, before: SettledMonth | None) -> tuple[dict[str, Any], ...]:
    """Members whose amount changed by more than half, largest change first."""
    if before is None:
        return ()
    old: dict[str, MemberTotal] = {one.member: one for one in member_totals(before.statements)}
    rows = []
    for now in member_totals(preview.statements):
        was = old.get(now.member)
        difference = now.net_grosz - (was.net_grosz if was else 0)
        if was is None or abs(difference) * 100 > abs(was.net_grosz) * _CHANGE_PERCENT:
            rows.append(
                {
                    "member": now.member,
                    "now": now.net_grosz,
                    "before": was.net_grosz if was else None,
                    "change": difference,
                }
            )
    rows.sort(key=lambda row: -abs(row["change"]))
    return tuple(rows[:_CHANGES_SHOWN])
