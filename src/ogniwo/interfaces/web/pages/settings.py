"""Settings of an organisation: what stands on its documents, who may ask for an account, numbers, keys of programs."""

from typing import Final

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _

from ogniwo.interfaces.web.context import scope, viewer, workspace
from ogniwo.interfaces.web.forms import filled, typed
from ogniwo.interfaces.web.pages.organisations import DATA, KINDS
from ogniwo.interfaces.web.registry import page
from ogniwo.services.access.api_keys import (
    KEY_ROLES,
    ApiKeyView,
    BadKeyRequestError,
    KeyNotFoundError,
    keys_of,
    make_key,
    revoke_key,
)
from ogniwo.services.access.applying import door_of, set_door
from ogniwo.services.access.roles import Act, Role
from ogniwo.services.access.scopes import Scope
from ogniwo.services.access.viewers import NotAllowedError, Standing, out_of_sight
from ogniwo.services.billing.queries import last_numbers
from ogniwo.services.parties.organising import BadOrganisationError, change_organisation, organisation_data
from ogniwo.services.plugins.loading import plugins_of

_MADE_KEY: Final = "made_key"
_LABELS: Final = {one.name: one.label for one in DATA}


@page("settings/", name="settings", act=Act.CHANGE_SETTINGS, methods=("GET", "POST"), fresh=True)
def settings(request: HttpRequest, standing: Standing, *, code: str) -> HttpResponse:
    """Everything an administrator sets; data of documents are first shown as they would change, then saved."""
    who = viewer(request)
    data = organisation_data(viewer=who, code=code)
    values, refusal, change = dict(data.values), None, None
    if request.method == "POST":
        values |= typed(request, DATA)
        sure = request.POST.get("do") == "save"
        try:
            change = change_organisation(workspace(), viewer=who, code=code, facts=values, dry_run=not sure)
        except BadOrganisationError as found:
            refusal = found
        if change and (sure or not change.changes):
            text = _("Saved.") if change.changes else _("Nothing was different; nothing was changed.")
            messages.success(request, text)
            return redirect("settings", code=code)
    context = {
        "data": data,
        "kind": KINDS.get(data.kind, data.kind),
        "fields": filled(DATA, values),
        "values": values,
        "refusal": refusal,
        "change": change,
        "changes": [(_LABELS[name], before, after) for name, before, after in change.changes] if change else (),
        "door": door_of(code) is not None,
        "door_link": request.build_absolute_uri(reverse("join", kwargs={"secret": code})),
        "keys": _keys(request, code),
        "scopes": tuple(scope.value for scope in Scope),
        "key_roles": KEY_ROLES,
        "made_key": request.session.pop(_MADE_KEY, None),
        "plugins": plugins_of(workspace()),
        "numbers": last_numbers(path=scope(standing, code).path),
    }
    return render(request, "web/settings.html", context, status=422 if refusal else 200)


@page("settings/door/", name="settings_door", act=Act.CHANGE_SETTINGS, methods=("POST",), fresh=True)
def door(request: HttpRequest, standing: Standing, *, code: str) -> HttpResponse:  # noqa: ARG001
    """Let people ask for accounts by themselves, or no longer."""
    opened = request.POST.get("opened") == "yes"
    set_door(workspace(), viewer=viewer(request), code=code, opened=opened)
    messages.success(
        request,
        _("People may ask for an account now; you decide on the page People.")
        if opened
        else _("Nobody can ask for an account any more; what waits stays on the page People."),
    )
    return redirect("settings", code=code)


@page("settings/keys/", name="key_new", act=Act.CHANGE_SETTINGS, methods=("POST",), fresh=True)
def key_new(request: HttpRequest, standing: Standing, *, code: str) -> HttpResponse:  # noqa: ARG001
    """Make a key for a program; its secret is shown once, on the next page."""
    scopes = [scope for scope in Scope if scope.value in request.POST.getlist("scope")]
    role = next((one for one in KEY_ROLES if one.value == request.POST.get("role")), Role.AUDITOR)
    try:
        secret, made = make_key(
            workspace(),
            viewer=viewer(request),
            code=code,
            name=request.POST.get("name", ""),
            role=role,
            scopes=scopes,
        )
        request.session[_MADE_KEY] = {"name": made.name, "secret": secret}
    except BadKeyRequestError:
        messages.error(request, _("No key was made: it needs a name, a role and at least one scope."))
    return redirect(f"{reverse('settings', kwargs={'code': code})}#keys")


@page("settings/keys/<int:key_id>/revoke/", name="key_revoke", act=Act.CHANGE_SETTINGS, methods=("POST",), fresh=True)
def key_revoke(request: HttpRequest, standing: Standing, *, code: str, key_id: int) -> HttpResponse:  # noqa: ARG001
    """End a key at once."""
    with out_of_sight(KeyNotFoundError):
        revoke_key(workspace(), viewer=viewer(request), code=code, key_id=key_id)
    messages.success(request, _("The key is revoked; programs that use it are turned away from now on."))
    return redirect(f"{reverse('settings', kwargs={'code': code})}#keys")


def _keys(request: HttpRequest, code: str) -> tuple[ApiKeyView, ...]:
    """Keys in use first; who may not manage access sees none."""
    try:
        found = keys_of(viewer=viewer(request), code=code)
    except NotAllowedError:
        return ()
    return tuple(sorted(found, key=lambda one: one.revoked_at is not None))
