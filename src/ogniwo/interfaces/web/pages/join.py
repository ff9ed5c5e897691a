"""The way in for who has no role yet: an invitation's link, and asking an organisation that lets people ask."""

from http import HTTPStatus
from typing import Final

from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.mail import send_mail
from django.core.validators import validate_email
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from ogniwo.interfaces.web.context import viewer, workspace
from ogniwo.interfaces.web.forms import Field, filled, typed
from ogniwo.interfaces.web.registry import open_page, refused
from ogniwo.interfaces.web.sign_in import INVITATION, WELCOME, within_limit
from ogniwo.services.access.applying import (
    ApplicationNotFoundError,
    Claim,
    application_of,
    apply_for_account,
    confirm_address,
    door_of,
)
from ogniwo.services.access.inviting import InvitationError, accept, invited
from ogniwo.services.access.viewers import Standing

_WHO: Final = (
    Field(name="name", label=_("First and last name, or the name of the firm"), required=True, autocomplete="name"),
    Field(name="number", label=_("Your member number or metering point (PPE)"), required=True, maximum=40),
)
_ACCOUNT: Final = (
    Field(name="email", label=_("E-mail address"), kind="email", required=True, autocomplete="email"),
    Field(
        name="password",
        label=_("Choose a password"),
        kind="password",
        required=True,
        autocomplete="new-password",
        hint=_("at least 12 characters; several words are easy to remember and hard to guess"),
    ),
)


@open_page("join/<str:secret>/", name="join", methods=("GET", "POST"))
def join(request: HttpRequest, standing: Standing | None, *, secret: str) -> HttpResponse:  # noqa: ARG001
    """Where an organisation lets people ask, its code is such a link too; else what an invitation offers."""
    if not within_limit(request, "join"):
        return too_often(request)
    name = door_of(secret)
    if name is not None:
        return _ask(request, code=secret, name=name)
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


def _ask(request: HttpRequest, *, code: str, name: str) -> HttpResponse:
    """The form, and after it always the same answer, whatever is known of whoever asked."""
    who = viewer(request)
    fields = _WHO if who.user_id else (*_WHO, *_ACCOUNT)
    values, faults = typed(request, fields), []
    if request.method == "POST":
        faults = _faults(values, signed_in=bool(who.user_id))
        if not faults:
            if not within_limit(request, "apply", key=f"{code} {values.get('email') or who.login}".lower()):
                return too_often(request)
            email = values.get("email") or request.user.get_username()
            claim = Claim(name=values["name"], email=email, number=values["number"])
            secret = apply_for_account(
                workspace(), code=code, claim=claim, password=request.POST.get("password", ""), viewer=who
            )
            if not who.user_id:
                _send_letter(request, name=name, email=email, secret=secret)
            return render(request, "web/asked.html", {"name": name, "letter": not who.user_id})
    context = {
        "name": name,
        "fields": filled(fields, {key: value for key, value in values.items() if key != "password"}),
        "faults": faults,
    }
    return render(request, "web/ask.html", context, status=422 if faults else 200)


def _faults(values: dict[str, str], *, signed_in: bool) -> list[str]:
    """What is wrong with the form itself; nothing here depends on what is registered."""
    found = []
    if not values.get("name") or not values.get("number"):
        found.append(gettext("Give your name and your member number or metering point."))
    if not signed_in:
        try:
            validate_email(values.get("email", ""))
        except ValidationError as error:
            found.extend(error.messages)
        try:
            validate_password(values.get("password", ""))
        except ValidationError as error:
            found.extend(error.messages)
    return found


def _send_letter(request: HttpRequest, *, name: str, email: str, secret: str) -> None:
    """A letter whose link proves that the address belongs to whoever asked."""
    link = request.build_absolute_uri(reverse("confirm_address", kwargs={"secret": secret}))
    body = render_to_string("web/letters/confirm.html", {"name": name, "link": link}, request)
    subject = gettext("Confirm your e-mail address: %(name)s") % {"name": name}
    send_mail(subject, body, settings.DEFAULT_FROM_EMAIL, [email])


@open_page("confirm/<str:secret>/", name="confirm_address", methods=("GET", "POST"))
def confirm(request: HttpRequest, standing: Standing | None, *, secret: str) -> HttpResponse:  # noqa: ARG001
    """A button, for mail programs open links by themselves; pressing it confirms the address."""
    if not within_limit(request, "join"):
        return too_often(request)
    try:
        if request.method == "POST":
            confirm_address(workspace(), secret=secret)
            return render(request, "web/asked.html", {"confirmed": True})
        application_of(secret)
    except ApplicationNotFoundError as refusal:
        return refused(request, refusal, status=HTTPStatus.GONE)
    return render(request, "web/confirm.html", {})


def too_often(request: HttpRequest) -> HttpResponse:
    """Somebody tried too often."""
    return render(request, "429.html", {}, status=HTTPStatus.TOO_MANY_REQUESTS)
