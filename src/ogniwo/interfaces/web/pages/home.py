"""Where everybody arrives: the way in, today's work, the list of organisations."""

from http import HTTPStatus
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render

from ogniwo.interfaces.web.context import viewer, workspace
from ogniwo.interfaces.web.registry import open_page, own_page, page, refused
from ogniwo.interfaces.web.sign_in import INVITATION
from ogniwo.services.access.inviting import InvitationError, accept, invited
from ogniwo.services.access.roles import Act
from ogniwo.services.access.viewers import Standing, organisations_of
from ogniwo.services.workspace.queries import overview


@open_page("", name="home")
def home(request: HttpRequest, standing: Standing | None) -> HttpResponse:  # noqa: ARG001 -- the registry's signature
    """Send who is signed in to his work, everybody else to the way in."""
    who = viewer(request)
    if not who.user_id:
        return redirect("account_login")
    working = organisations_of(who)
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
            return HttpResponseRedirect("/")
    except InvitationError as refusal:
        return refused(request, refusal, status=HTTPStatus.GONE)
    request.session[INVITATION] = secret
    return render(request, "web/join.html", {"offer": offer, "secret": secret})


@own_page("organisations/", name="organisations", act=Act.SEE_ORGANISATION)
def organisations(request: HttpRequest, standing: Standing) -> HttpResponse:  # noqa: ARG001
    """The tree of organisations that the viewer works in."""
    return render(request, "web/organisations.html", {"organisations": organisations_of(viewer(request))})


@page("today/", name="today", act=Act.SEE_ORGANISATION)
def today(request: HttpRequest, standing: Standing, *, code: str) -> HttpResponse:
    """What is there and what is to be done."""
    facts = overview(workspace(), subject=standing.subject)
    return render(request, "web/today.html", {"overview": facts, "standing": standing, "code": code})


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:  # noqa: ARG001 -- Django's signature
    """A page for addresses that lead nowhere."""
    context: dict[str, Any] = {"code": "access.not_found", "detail": ""}
    return render(request, "web/refused.html", context, status=HTTPStatus.NOT_FOUND)
