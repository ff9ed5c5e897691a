"""Kept sets: one with its formula, its month and its own attributes; a tried formula kept under a name."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext

from ogniwo.core.kernel.refusals import Refusal
from ogniwo.interfaces.web.context import month_of, scope, workspace
from ogniwo.interfaces.web.pages.points_attributes import address_of_set, say_whether, typed
from ogniwo.interfaces.web.registry import page
from ogniwo.services.access.roles import Act
from ogniwo.services.access.viewers import Standing, out_of_sight
from ogniwo.services.metering.balance import create_set, list_sets, set_balance
from ogniwo.services.metering.formulas import formula_text, parse_formula
from ogniwo.services.parties.attributes import (
    AttributeNotFoundError,
    attributes_of_set,
    set_computing_set_attribute,
)
from ogniwo.services.workspace.queries import organisation


@page("sets/", name="computing_set", act=Act.SEE_METERING)
def computing_set(request: HttpRequest, standing: Standing, *, code: str) -> HttpResponse:
    """The set of the address: its formula, its energy day by day, the sets it is part of, its own attributes.

    Without a name the list of sets is shown.
    """
    name, month, subject = request.GET.get("name", ""), month_of(request), scope(standing, code)
    place = organisation(code=code, subject=subject)
    if not name:
        return redirect("formulas", code=code)
    sets = {one.name: one for one in list_sets(organisation=place)}
    if name not in sets:
        raise Http404
    context: dict[str, Any] = {
        "name": name,
        "text": formula_text(sets[name]),
        "used_in": [one.name for one in sets.values() if any(part.set_name == name for part in one.members)],
        "attributes": attributes_of_set(organisation=place, name=name, subject=subject),
    }
    try:
        context["balance"] = set_balance(workspace(), organisation=place, name=name, month=month)
    except Refusal as refusal:
        context["refusal"] = refusal
    return render(request, "web/computing_set.html", context)


@page("sets/new/", name="computing_set_new", act=Act.MANAGE_MEMBERS, methods=("POST",))
def new(request: HttpRequest, standing: Standing, *, code: str) -> HttpResponse:
    """Keep a formula under a name; the same again changes nothing, another under that name is refused."""
    subject, name = scope(standing, code), " ".join(request.POST.get("name", "").split())
    create_set(
        workspace(),
        organisation=organisation(code=code, subject=subject),
        subject=subject,
        name=name,
        members=parse_formula(request.POST.get("formula", "")),
    )
    messages.success(request, gettext("Saved."))
    return redirect(address_of_set(code, name))


@page("sets/attributes/", name="computing_set_attribute", act=Act.MANAGE_MEMBERS, methods=("POST",))
def computing_set_attribute(request: HttpRequest, standing: Standing, *, code: str) -> HttpResponse:
    """Let a value hold for a set from a day on."""
    subject, name = scope(standing, code), request.POST.get("computing_set", "")
    with out_of_sight(AttributeNotFoundError):
        made = set_computing_set_attribute(
            workspace(),
            subject=subject,
            organisation=organisation(code=code, subject=subject),
            set_name=name,
            **typed(request),
        )
    say_whether(request, made=made)
    return redirect(address_of_set(code, name))
