"""Members: the list in two modes, and everything of one member on one page."""

from datetime import timedelta
from typing import Any, Final

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _

from ogniwo.core.kernel.calendar import Month
from ogniwo.interfaces.web.assets import amount_text
from ogniwo.interfaces.web.context import month_of, scope, viewer, workspace
from ogniwo.interfaces.web.downloads import download
from ogniwo.interfaces.web.registry import page
from ogniwo.services.access.queries import accounts_of_members
from ogniwo.services.access.roles import Act
from ogniwo.services.access.viewers import Standing, out_of_sight
from ogniwo.services.billing.access import listed_documents
from ogniwo.services.ledger.access import NoLedgerError
from ogniwo.services.ledger.queries import balances
from ogniwo.services.metering.queries import point_details, points_below
from ogniwo.services.parties.attributes import attributes_of_member, attributes_of_members
from ogniwo.services.parties.choices import consents_of
from ogniwo.services.parties.queries import MemberNotFoundError, list_members, member_details
from ogniwo.services.settlement.member_table import member_table
from ogniwo.services.settlement.queries import (
    MemberTotal,
    RunNotFoundError,
    SettledMonth,
    StatementNotFoundError,
    added_flows,
    member_totals,
    month_totals,
    settled_month,
)
from ogniwo.services.workspace.log import LogFilter, log_entries
from ogniwo.services.workspace.queries import Subject, organisation

PER_PAGE: Final = 100
STATES: Final = (
    ("settles", _("settles")),
    ("ended", _("has left")),
    ("later", _("joins later")),
    ("none", _("in no community")),
)


@page("members/", name="members", act=Act.SEE_MEMBERS)
def members(request: HttpRequest, standing: Standing, *, code: str) -> HttpResponse:
    """Everybody who settles here: who he is, or what the month comes to."""
    month, subject = month_of(request), scope(standing, code)
    search, state = request.GET.get("q", "").strip(), request.GET.get("state", "")
    mode = "bill" if request.GET.get("mode") == "bill" else "manage"
    found = list_members(subject=subject, month=month, search=search, state=state)
    paging = Paginator(found, PER_PAGE).get_page(request.GET.get("page"))
    settled = (
        month_totals(community=organisation(code=code, subject=subject), month=month, subject=subject)
        if mode == "bill"
        else None
    )
    totals = {one.member: one for one in settled.members} if settled else {}
    listed = tuple(paging)
    accounts = accounts_of_members(subject.path, [one.number for one in listed]) if mode == "manage" else {}
    query = request.GET.copy()
    query.pop("page", None)
    context = {
        "rows": [
            {"member": one, "total": totals.get(one.number), "account": accounts.get(one.number, "")} for one in listed
        ],
        "paging": paging,
        "query": f"{query.urlencode()}&" if query else "",
        "search": search,
        "state": state,
        "states": STATES,
        "mode": mode,
        "version": settled.version if settled else 0,
        "sums": _sums([totals[number] for number in found.column("number") if number in totals] if totals else []),
    }
    return render(request, "web/members.html", context)


@page("member-list/<str:form>/", name="members_file", act=Act.SEE_MEMBERS)
def members_file(request: HttpRequest, standing: Standing, *, code: str, form: str) -> HttpResponse:
    """The same selection as a file: who they are, and what the month comes to where it is closed."""
    month, subject = month_of(request), scope(standing, code)
    found = list_members(
        subject=subject, month=month, search=request.GET.get("q", "").strip(), state=request.GET.get("state", "")
    )
    settled = _settled(code, month, subject)
    totals = {one.member: one for one in member_totals(settled.statements)} if settled else {}
    wanted = "xlsx" if form == "xlsx" else "csv"
    own = attributes_of_members(subject=subject, day=month.shifted(1).first - timedelta(days=1))
    return download(member_table(found, totals, own, form=wanted), name=f"members-{month}.{wanted}")


@page("members/<str:number>/", name="member", act=Act.SEE_MEMBERS)
def member(request: HttpRequest, standing: Standing, *, code: str, number: str) -> HttpResponse:
    """All of one member: data, points, contracts, settlement, bills, tokens, log."""
    month, whole = month_of(request), scope(standing, code)
    with out_of_sight(MemberNotFoundError):
        details = member_details(number=number, subject=whole, month=month)
    own = Subject(whole.path, number)
    points = [
        point_details(workspace(), code=one.code, subject=own) for one in points_below(subject=whole, member=number)
    ]
    settled = _settled(details.summary.organisation, month, whole, member=number)
    totals = member_totals(settled.statements) if settled else ()
    seen = viewer(request)
    bills = listed_documents(subject=whole, member=number) if seen.may(Act.SEE_BILLS, path=whole.path) else None
    names = (number, *(one.summary.code for one in points), *(one["number"] for one in bills or ()))
    context = {
        "details": details,
        "account": accounts_of_members(whole.path, [number]).get(number, ""),
        "points": points,
        "attributes": attributes_of_member(number=number, subject=whole),
        "consents": consents_of(subject=own),
        "statements": settled.statements if settled else (),
        "version": settled.version if settled else 0,
        "totals": totals[0] if totals else None,
        "bills": bills,
        "tokens": _tokens(own) if seen.may(Act.SEE_LEDGER, path=whole.path) else None,
        "log": log_entries(subject=whole, wanted=LogFilter(about=names), limit=50)
        if seen.may(Act.SEE_LOG, path=whole.path)
        else None,
    }
    return render(request, "web/member.html", context)


def _settled(code: str, month: Month, subject: Subject, member: str = "") -> SettledMonth | None:
    """The newest settlement of the month as far as it concerns a member, None before the month is closed."""
    try:
        community = organisation(code=code, subject=subject)
        return settled_month(community=community, month=month, subject=subject, member=member)
    except (RunNotFoundError, StatementNotFoundError):
        return None


def _sums(totals: list[MemberTotal]) -> dict[str, int] | None:
    """The foot of the table: sums of the members that are listed."""
    if not totals:
        return None
    flows = added_flows([one.flows for one in totals])
    return {
        "taken_wh": flows.taken_wh,
        "community_in_wh": flows.community_in_wh,
        "given_wh": flows.given_wh,
        "net_grosz": sum(one.net_grosz for one in totals),
        "gross_grosz": sum(one.gross_grosz for one in totals),
        "credit_grosz": sum(one.credit_grosz for one in totals),
    }


def _tokens(own: Subject) -> list[dict[str, Any]]:
    """The balances of the member and of his points; none before anything was posted."""
    try:
        found = balances(workspace(), subject=own)
    except NoLedgerError:
        return []
    return [
        {"name": one.name or one.account, "asset": one.asset, "text": amount_text(one.asset, one.amount)}
        for one in found
    ]
