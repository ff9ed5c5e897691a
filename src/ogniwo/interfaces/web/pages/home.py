"""Where everybody arrives: the way in, today's work, the list of organisations."""

from http import HTTPStatus
from typing import Any, Final

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.utils.translation import gettext_lazy as _

from ogniwo.interfaces.web.context import month_of, nouns, scope, viewer, workspace
from ogniwo.interfaces.web.registry import open_page, own_page, page, refused
from ogniwo.interfaces.web.sign_in import INVITATION, WELCOME
from ogniwo.services.access.inviting import InvitationError, accept, invited
from ogniwo.services.access.roles import Act
from ogniwo.services.access.viewers import Standing, organisations_of, place_of
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


@open_page("join/<str:secret>/", name="join", methods=("GET", "POST"))
def join(request: HttpRequest, standing: Standing | None, *, secret: str) -> HttpResponse:  # noqa: ARG001
    """Show what an invitation offers; take it up at once when signed in, else after signing in or up."""
    try:
        offer = invited(workspace(), secret=secret)
        if request.method == "POST" and request.user.is_authenticated:
            accept(workspace(), secret=secret, user_id=int(request.user.pk))
            request.session[WELCOME] = True
            return HttpResponseRedirect("/")
    except InvitationError as refusal:
        return refused(request, refusal, status=HTTPStatus.GONE)
    request.session[INVITATION] = secret
    return render(request, "web/join.html", {"offer": offer, "secret": secret})


_KINDS: Final = {"operator": _("operator"), "partner": _("partner"), "unit": _("unit")}


@own_page("organisations/", name="organisations", act=Act.SEE_ORGANISATION)
def organisations(request: HttpRequest, standing: Standing) -> HttpResponse:  # noqa: ARG001
    """The tree of organisations that the viewer works in."""
    rows = [
        {"code": one.code, "name": one.name, "depth": one.path.count("/") - 1, "kind": _KINDS.get(one.kind, one.kind)}
        for one in organisations_of(viewer(request))
    ]
    return render(request, "web/organisations.html", {"organisations": rows})


@page("today/", name="today", act=Act.SEE_ORGANISATION)
def today(request: HttpRequest, standing: Standing, *, code: str) -> HttpResponse:
    """What is there and what is to be done."""
    facts = today_facts(workspace(), subject=scope(standing, code), month=month_of(request))
    links = _links(request, code)
    context = {
        "facts": facts,
        "links": links,
        "todo": _todo(facts, links),
        "whole_percent": str(facts.present * 100 // facts.slots) if facts.slots else "0",
    }
    return render(request, "web/today.html", context)


def _links(request: HttpRequest, code: str) -> dict[str, str]:
    """The pages that the viewer may open here, by name."""
    listed = nouns(request, viewer(request), code, place_of(code) or "")
    return {str(one["name"]): str(one["href"]) for one in listed}


def _todo(facts: TodayFacts, links: dict[str, str]) -> list[tuple[object, str]]:
    """What waits, most urgent first, each with the page where it is done."""
    steps = (
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
