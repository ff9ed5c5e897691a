"""Who may sign in: roles given, invitations made, both ended."""

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _

from ogniwo.core.kernel.refusals import Refusal
from ogniwo.interfaces.web.context import viewer, workspace
from ogniwo.interfaces.web.registry import page
from ogniwo.services.access.inviting import end_grant, invite
from ogniwo.services.access.queries import people_of
from ogniwo.services.access.roles import INVITES, Act, Role
from ogniwo.services.access.viewers import Standing, place_of
from ogniwo.services.jobs.work.mails import mail
from ogniwo.services.workspace.queries import Subject, organisation


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
    """Make a link, show it once, and mail it where an address is given."""
    address = _address(request.POST.get("email", "").strip())
    secret = invite(
        workspace(),
        viewer=viewer(request),
        code=code,
        role=_role(request.POST.get("role", "")),
        member_number=request.POST.get("member", "").strip(),
    )
    link = request.build_absolute_uri(reverse("join", kwargs={"secret": secret}))
    request.session["made_link"] = link
    if address:
        _mail(request, code, address, link)
    return redirect("people", code=code)


@page("people/<int:grant_id>/end/", name="end_grant", act=Act.MANAGE_ACCESS, methods=("POST",))
def end(request: HttpRequest, standing: Standing, *, code: str, grant_id: int) -> HttpResponse:  # noqa: ARG001
    """End somebody's role."""
    end_grant(workspace(), viewer=viewer(request), grant_id=grant_id)
    return redirect("people", code=code)


class BadAddressError(Refusal):
    """The form held an e-mail address that is none."""

    code = "access.bad_address"


def _address(text: str) -> str:
    try:
        if text:
            validate_email(text)
    except ValidationError as error:
        raise BadAddressError(detail=f"{text!r} is not an e-mail address") from error
    return text


def _mail(request: HttpRequest, code: str, address: str, link: str) -> None:
    """Send the link beside this request."""
    name = organisation(code=code, subject=Subject(place_of(code) or "")).name
    mail(
        workspace(),
        organisation_code=code,
        to=address,
        subject=_("Invitation: %(name)s") % {"name": name},
        text=_("%(name)s invites you. Open this link to sign in; it works once, for 14 days:") % {"name": name}
        + f"\n\n{link}\n",
        by=viewer(request).login,
    )
    messages.success(request, _("The invitation goes to %(address)s.") % {"address": address})


def _role(word: str) -> Role:
    if word not in set(Role):
        raise UnknownRoleError(detail=f"there is no role {word!r}")
    return Role(word)
