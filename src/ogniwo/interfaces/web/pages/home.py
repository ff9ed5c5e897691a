"""Where everybody arrives: the way in, today's work."""

from http import HTTPStatus
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext_lazy as _

from ogniwo.interfaces.web.context import month_of, nouns, scope, viewer, workspace
from ogniwo.interfaces.web.registry import open_page, page
from ogniwo.services.access.roles import Act
from ogniwo.services.access.viewers import Standing, organisations_of, place_of
from ogniwo.services.watching.alarms import waiting_alarms
from ogniwo.services.watching.freshness import newest_day_below
from ogniwo.services.workspace.today import TodayFacts, today_facts


@open_page("", name="home")
def home(request: HttpRequest, standing: Standing | None) -> HttpResponse:  # noqa: ARG001 -- the registry's signature
    """Send who is signed in to his work, everybody else to the way in."""
    who = viewer(request)
    if not who.user_id:
        return redirect("account_login")
    working = organisations_of(who)
    if not working and who.may(Act.OWN_WALLET):
        return redirect("wallet")
    if len(working) == 1:
        return redirect("today", code=working[0].code)
    return redirect("organisations") if working else render(request, "web/nothing_yet.html")


@page("today/", name="today", act=Act.SEE_ORGANISATION)
def today(request: HttpRequest, standing: Standing, *, code: str) -> HttpResponse:
    """What is there and what is to be done."""
    subject = scope(standing, code)
    facts = today_facts(workspace(), subject=subject, month=month_of(request))
    alarms = waiting_alarms(subject=subject)
    links = _links(request, code)
    context = {
        "facts": facts,
        "links": links,
        "todo": _todo(facts, links, alarms),
        "open_alarms": alarms[0],
        "ended_alarms": alarms[1],
        "newest": newest_day_below(workspace(), subject=subject),
        "whole_percent": str(facts.present * 100 // facts.slots) if facts.slots else "0",
    }
    return render(request, "web/today.html", context)


def _links(request: HttpRequest, code: str) -> dict[str, str]:
    """The pages that the viewer may open here, by name."""
    listed = nouns(request, viewer(request), code, place_of(code) or "")
    return {str(one["name"]): str(one["href"]) for one in listed}


def _todo(facts: TodayFacts, links: dict[str, str], alarms: tuple[int, int]) -> list[tuple[object, str]]:
    """What waits, most urgent first, each with the page where it is done."""
    steps = (
        (not facts.members, "members", _("Register members with their points")),
        (facts.members and not facts.points, "members", _("Give members their points")),
        (any(alarms), "watches", _("Look at the alarms")),
        (bool(facts.points) and not facts.slots, "files", _("Import the files of the month")),
        (facts.slots and facts.silent_points, "quality", _("Find out why points sent nothing")),
        (facts.gaps, "quality", _("Close the gaps: wait for data or estimate")),
        (facts.slots and not facts.gaps and not facts.silent_points and not facts.runs, "period", _("Close the month")),
        (facts.runs and not facts.invoices, "period", _("Approve the month and issue the bills")),
    )
    return [(text, links[name]) for needed, name, text in steps if needed and name in links]


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:  # noqa: ARG001 -- Django's signature
    """A page for addresses that lead nowhere."""
    context: dict[str, Any] = {"refusal": "access.not_found", "detail": ""}
    return render(request, "web/refused.html", context, status=HTTPStatus.NOT_FOUND)
