"""The tree of organisations, and another one below one of them, with its first administrator invited at once."""

from typing import Final

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from ogniwo.interfaces.web.context import viewer, workspace
from ogniwo.interfaces.web.forms import Field, filled, typed
from ogniwo.interfaces.web.pages.people import LINK
from ogniwo.interfaces.web.registry import own_page, page
from ogniwo.services.access.inviting import invite
from ogniwo.services.access.roles import Act, Role
from ogniwo.services.access.viewers import Standing, organisations_of
from ogniwo.services.parties.organising import BELOW, BadOrganisationError, add_organisation, organisation_data

KINDS: Final = {"operator": _("operator"), "partner": _("partner"), "unit": _("unit")}
DATA: Final = (
    Field(name="name", label=_("Name"), required=True),
    Field(name="street", label=_("Street and house")),
    Field(name="post_code", label=_("Post code"), maximum=10),
    Field(name="town", label=_("Town"), maximum=100),
    Field(name="nip", label=_("Tax number (NIP)"), maximum=13),
    Field(name="krs", label=_("Register number (KRS)"), maximum=10),
    Field(
        name="account_mask",
        label=_("The bank's mask for payments"),
        maximum=40,
        hint=_("24 places without the check digits, N where the member's number stands: 102055581111NNNNNNNNNNNN"),
    ),
)
_CODE: Final = Field(
    name="code",
    label=_("Code"),
    required=True,
    maximum=40,
    hint=_("small letters, digits and hyphens; it stands in addresses and never changes"),
)


@own_page("organisations/", name="organisations", act=Act.SEE_ORGANISATION)
def organisations(request: HttpRequest, standing: Standing) -> HttpResponse:  # noqa: ARG001
    """The tree of organisations that the viewer works in."""
    seen = viewer(request)
    rows = [
        {
            "code": one.code,
            "name": one.name,
            "town": one.town,
            "depth": one.path.count("/") - 1,
            "kind": KINDS.get(one.kind, one.kind),
            "adds": bool(BELOW.get(one.kind)) and seen.may(Act.MANAGE_ORGANISATIONS, path=one.path),
            "changes": seen.may(Act.CHANGE_SETTINGS, path=one.path),
        }
        for one in organisations_of(seen)
    ]
    return render(request, "web/organisations.html", {"organisations": rows})


@page(
    "organisations/new/",
    name="organisation_new",
    act=Act.MANAGE_ORGANISATIONS,
    methods=("GET", "POST"),
    fresh=True,
)
def organisation_new(request: HttpRequest, standing: Standing, *, code: str) -> HttpResponse:  # noqa: ARG001
    """Register a partner or unit below this organisation, and make the link for its first administrator."""
    who = viewer(request)
    above = organisation_data(viewer=who, code=code)
    kind = Field(name="kind", label=_("Kind"), kind="select", options=tuple((one, KINDS[one]) for one in above.below))
    fields = (_CODE, kind, *DATA)
    values, refusal = typed(request, fields), None
    if request.method == "POST":
        new = values.get("code", "").lower()
        try:
            add_organisation(workspace(), viewer=who, parent=code, code=new, kind=values.get("kind", ""), facts=values)
        except BadOrganisationError as found:
            refusal = found
        else:
            messages.success(request, gettext("The organisation is registered."))
            if not request.POST.get("invite"):
                return redirect("organisations")
            secret = invite(workspace(), viewer=who, code=new, role=Role.PARTNER)
            request.session[LINK] = request.build_absolute_uri(reverse("join", kwargs={"secret": secret}))
            return redirect("people", code=new)
    context = {"above": above, "fields": filled(fields, values), "refusal": refusal}
    return render(request, "web/organisation_new.html", context, status=422 if refusal else 200)
