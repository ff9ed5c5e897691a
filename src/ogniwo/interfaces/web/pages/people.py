"""Who may sign in: roles given, invitations made, both ended; requests for accounts, decided."""

from typing import Final

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.core.validators import validate_email
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _

from ogniwo.core.kernel.refusals import Refusal
from ogniwo.interfaces.web.context import viewer, workspace
from ogniwo.interfaces.web.qr import qr_svg
from ogniwo.interfaces.web.registry import page
from ogniwo.services.access.applying import (
    AccountExistsError,
    ApplicationNotFoundError,
    BadClaimError,
    UnprovenError,
    applications_of,
    approve,
    door_of,
    refuse,
)
from ogniwo.services.access.inviting import InvitationError, LastGrantError, end_grant, invite, withdraw_invitation
from ogniwo.services.access.queries import people_of
from ogniwo.services.access.roles import INVITES, Act, Role
from ogniwo.services.access.viewers import OutOfSightError, Standing, place_of
from ogniwo.services.jobs.work.mails import mail
from ogniwo.services.parties.queries import MemberNotFoundError
from ogniwo.services.workspace.queries import Subject, organisation

_PER_PAGE: Final = 100
LINK: Final = "made_link"
"""Where the web session keeps a link until it was shown, and (`shown_link`) until the next page for its picture."""


class UnknownRoleError(Refusal):
    """The form named a role that there is not."""

    code = "access.unknown_role"


@page("people/", name="people", act=Act.MANAGE_ACCESS)
def people(request: HttpRequest, standing: Standing, *, code: str) -> HttpResponse:
    """Everybody with a role here, who asks for an account, and the open invitations."""
    link = request.session.pop(LINK, "")
    request.session["shown_link"] = link
    found = people_of(code, now=workspace().now())
    context = {
        "people": found,
        "paging": Paginator(found.persons, _PER_PAGE).get_page(request.GET.get("page")),
        "applications": applications_of(code),
        "door": request.build_absolute_uri(reverse("join", kwargs={"secret": code})) if door_of(code) else "",
        "roles": sorted(INVITES[standing.role]),
        "code": code,
        "link": link,
        "member": request.GET.get("member", ""),
        "role": "member" if request.GET.get("member") else "",
    }
    return render(request, "web/people.html", context)


@page("people/qr.svg", name="invitation_qr", act=Act.MANAGE_ACCESS)
def invitation_qr(request: HttpRequest, standing: Standing, *, code: str) -> HttpResponse:  # noqa: ARG001
    """The picture of the link that was just made; nothing when none was."""
    link = request.session.get("shown_link", "")
    if not link:
        raise Http404
    return HttpResponse(qr_svg(link), content_type="image/svg+xml")


@page("people/invite/", name="invite", act=Act.MANAGE_ACCESS, methods=("POST",), fresh=True)
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
    request.session[LINK] = link
    if address:
        _mail(request, code, address, link)
    return redirect("people", code=code)


@page("people/invitations/<int:invitation_id>/withdraw/", name="withdraw", act=Act.MANAGE_ACCESS, methods=("POST",))
def withdraw(request: HttpRequest, standing: Standing, *, code: str, invitation_id: int) -> HttpResponse:  # noqa: ARG001
    """Make an open invitation worthless."""
    try:
        withdraw_invitation(workspace(), viewer=viewer(request), invitation_id=invitation_id)
        messages.success(request, _("The invitation was withdrawn; its link leads nowhere now."))
    except InvitationError:
        messages.warning(request, _("The invitation was taken up just now."))
    return redirect("people", code=code)


@page("people/<int:grant_id>/end/", name="end_grant", act=Act.MANAGE_ACCESS, methods=("POST",), fresh=True)
def end(request: HttpRequest, standing: Standing, *, code: str, grant_id: int) -> HttpResponse:  # noqa: ARG001
    """End somebody's role."""
    try:
        end_grant(workspace(), viewer=viewer(request), grant_id=grant_id)
        messages.success(request, _("The role has ended."))
    except LastGrantError:
        messages.error(request, _("The last operator stays: let another one in first."))
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


@page("people/requests/<int:application_id>/", name="decide", act=Act.MANAGE_ACCESS, methods=("POST",), fresh=True)
def decide(request: HttpRequest, standing: Standing, *, code: str, application_id: int) -> HttpResponse:  # noqa: ARG001
    """Give the account that somebody asked for, or turn the request down with a reason."""
    try:
        _decided(request, application_id)
    except ApplicationNotFoundError as refusal:
        raise OutOfSightError(detail=refusal.detail) from refusal
    except UnprovenError:
        messages.error(
            request,
            _("Nothing was given: the e-mail address is not confirmed. Tick that you made sure otherwise, or wait."),
        )
    except MemberNotFoundError:
        messages.error(request, _("Nothing was given: there is no member with this number."))
    except BadClaimError:
        messages.error(request, _("Give the reason why you turn the request down."))
    except AccountExistsError:
        messages.error(
            request,
            _("Nothing was given: this e-mail address has an account. Its owner must confirm the address or sign in."),
        )
    return redirect("people", code=code)


def _decided(request: HttpRequest, application_id: int) -> None:
    if request.POST.get("do") == "approve":
        approve(
            workspace(),
            viewer=viewer(request),
            application_id=application_id,
            member_number=request.POST.get("member", "").strip(),
            known_otherwise=bool(request.POST.get("known")),
        )
        messages.success(request, _("The account is open, with the role of a member."))
    else:
        reason = request.POST.get("reason", "").strip()
        refuse(workspace(), viewer=viewer(request), application_id=application_id, reason=reason)
        messages.success(request, _("The request was turned down."))


def _role(word: str) -> Role:
    if word not in set(Role):
        raise UnknownRoleError(detail=f"there is no role {word!r}")
    return Role(word)
