"""Who may sign in: roles given, invitations made, both ended."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse

from ogniwo.core.kernel.refusals import Refusal
from ogniwo.interfaces.web.context import viewer, workspace
from ogniwo.interfaces.web.registry import page
from ogniwo.services.access.inviting import end_grant, invite
from ogniwo.services.access.queries import people_of
from ogniwo.services.access.roles import INVITES, Act, Role
from ogniwo.services.access.viewers import Standing


class UnknownRoleError(Refusal):
    """The form named a role that there is not."""

    code = "access.unknown_role"


@page("people/", name="people", act=Act.MANAGE_ACCESS)
def people(request: HttpRequest, standing: Standing, *, code: str) -> HttpResponse:
    """Everybody with a role here, and the open invitations."""
    link = request.session.pop("made_link", "")
    context = {"people": people_of(code), "roles": sorted(INVITES[standing.role]), "code": code, "link": link}
    return render(request, "web/people.html", context)


@page("people/invite/", name="invite", act=Act.MANAGE_ACCESS, methods=("POST",))
def make_invitation(request: HttpRequest, standing: Standing, *, code: str) -> HttpResponse:  # noqa: ARG001
    """Make a link and show it once."""
    secret = invite(
        workspace(),
        viewer=viewer(request),
        code=code,
        role=_role(request.POST.get("role", "")),
        member_number=request.POST.get("member", "").strip(),
    )
    request.session["made_link"] = request.build_absolute_uri(reverse("join", kwargs={"secret": secret}))
    return redirect("people", code=code)


@page("people/<int:grant_id>/end/", name="end_grant", act=Act.MANAGE_ACCESS, methods=("POST",))
def end(request: HttpRequest, standing: Standing, *, code: str, grant_id: int) -> HttpResponse:  # noqa: ARG001
    """End somebody's role."""
    end_grant(workspace(), viewer=viewer(request), grant_id=grant_id)
    return redirect("people", code=code)


def _role(word: str) -> Role:
    if word not in set(Role):
        raise UnknownRoleError(detail=f"there is no role {word!r}")
    return Role(word)
