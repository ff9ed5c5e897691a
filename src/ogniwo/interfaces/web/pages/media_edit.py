"""Meters of gas, heat and water by form: registered, removed, replaced; states entered, corrected, taken away."""

from typing import Final

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from ogniwo.core.kernel.refusals import Refusal
from ogniwo.core.metering.media import BackwardsMediaStateError, BadMediaStateError, RolloverError
from ogniwo.interfaces.web.context import scope, workspace
from ogniwo.interfaces.web.forms import Field, filled, typed
from ogniwo.interfaces.web.media_words import media_with_units
from ogniwo.interfaces.web.pages.media import shown_meter
from ogniwo.interfaces.web.registry import page
from ogniwo.services.access.roles import Act
from ogniwo.services.access.viewers import Standing, out_of_sight
from ogniwo.services.metering.media.model import MediaMeterNotFoundError, MeterView, Typed
from ogniwo.services.metering.media.operations import (
    BadMediaMeterError,
    NewMeter,
    correct_state,
    enter_state,
    register_meter,
    remove_meter,
    replace_meter,
    take_away_state,
)
from ogniwo.services.metering.media.queries import meter_details

_STATE: Final = (BadMediaStateError, BackwardsMediaStateError, RolloverError)
_METER: Final = (BadMediaMeterError, *_STATE)
_SERIAL: Final = Field(name="serial", label=_("Serial number"), required=True, maximum=40)
_SHOWS: Final = (
    Field(
        name="decimals",
        label=_("Decimal places of the counter"),
        kind="select",
        options=tuple((str(one), str(one)) for one in (3, 2, 1, 0)),
        hint=_("often behind a mark or in red"),
    ),
    Field(
        name="digits",
        label=_("Digits before the mark"),
        kind="number",
        hint=_("needed when the counter passes zero; empty when you do not know"),
    ),
)
_PLACE: Final = Field(name="place", label=_("Place"), hint=_("for example cellar, bathroom"), maximum=100)
_FROM: Final = Field(name="installed_on", label=_("Installed on"), kind="date", required=True)


@page("media/new/", name="media_new", act=Act.MANAGE_MEMBERS, methods=("GET", "POST"))
def new(request: HttpRequest, standing: Standing, *, code: str) -> HttpResponse:
    """Register a meter of a member."""
    what = Field(name="what", label=_("Medium and unit"), kind="select", options=media_with_units())
    member = Field(name="member", label=_("Member number"), required=True, maximum=20)
    fields = (member, what, _SERIAL, *_SHOWS, _PLACE, _FROM)
    values = {"member": request.GET.get("member", ""), **typed(request, fields)}
    refusal: Refusal | None = None
    if request.method == "POST":
        medium, _space, unit = values.get("what", "").partition(" ")
        try:
            made = register_meter(
                workspace(),
                subject=scope(standing, code),
                member=values.get("member", ""),
                medium=medium,
                new=_new(values, unit),
            )
        except (*_METER, MediaMeterNotFoundError) as found:
            refusal = found
        else:
            messages.success(request, gettext("Saved."))
            return redirect("media_meter", code=code, meter_id=made)
    context = {
        "title": gettext("New meter of gas, heat or water"),
        "fields": filled(fields, values),
        "refusal": refusal,
    }
    return render(request, "web/media_form.html", context, status=422 if refusal else 200)


@page("media/meters/<int:meter_id>/replace/", name="media_replace", act=Act.MANAGE_MEMBERS, methods=("GET", "POST"))
def replace(request: HttpRequest, standing: Standing, *, code: str, meter_id: int) -> HttpResponse:
    """Another meter in place of one: last state of the old and first of the new on one day."""
    old = _meter(standing, code, meter_id)
    fields = (
        Field(
            name="final",
            label=_("Last state of the old meter"),
            hint=_("empty when nobody read it: then the use at the end is not known"),
            maximum=20,
        ),
        _SERIAL,
        *_SHOWS,
        Field(name="first", label=_("First state of the new meter"), required=True, maximum=20),
        _PLACE,
        Field(name="installed_on", label=_("Replaced on"), kind="date", required=True),
    )
    before = {"decimals": str(old.decimals), "digits": str(old.digits or ""), "place": old.place}
    values = {**before, **typed(request, fields)}
    refusal: Refusal | None = None
    if request.method == "POST":
        try:
            made = replace_meter(
                workspace(),
                subject=scope(standing, code),
                meter_id=meter_id,
                final=values.get("final", ""),
                new=_new(values, old.unit),
                first=values.get("first", ""),
            )
        except _METER as found:
            refusal = found
        else:
            messages.success(request, gettext("Saved."))
            return redirect("media_meter", code=code, meter_id=made)
    context = {
        "title": gettext("Replace the meter"),
        "meter": old,
        "fields": filled(fields, values),
        "refusal": refusal,
    }
    return render(request, "web/media_form.html", context, status=422 if refusal else 200)


@page("media/meters/<int:meter_id>/remove/", name="media_remove", act=Act.MANAGE_MEMBERS, methods=("POST",))
def remove(request: HttpRequest, standing: Standing, *, code: str, meter_id: int) -> HttpResponse:
    """The meter counts until a day."""
    with out_of_sight(MediaMeterNotFoundError):
        remove_meter(
            workspace(),
            subject=scope(standing, code),
            meter_id=meter_id,
            day=request.POST.get("day", ""),
            final=request.POST.get("final", ""),
        )
    messages.success(request, gettext("Saved."))
    return redirect("media_meter", code=code, meter_id=meter_id)


@page("media/meters/<int:meter_id>/state/", name="media_state", act=Act.IMPORT_FILES, methods=("POST",))
def state(request: HttpRequest, standing: Standing, *, code: str, meter_id: int) -> HttpResponse:
    """Enter what the meter showed; what is refused is shown with what was typed."""
    try:
        with out_of_sight(MediaMeterNotFoundError):
            made = enter_state(
                workspace(), subject=scope(standing, code), meter_id=meter_id, typed=_typed_state(request)
            )
    except _STATE as refusal:
        return shown_meter(request, standing, code=code, meter_id=meter_id, refusal=refusal)
    messages.success(request, gettext("Saved.") if made else gettext("Nothing was different; nothing was changed."))
    return redirect("media_meter", code=code, meter_id=meter_id)


@page("media/states/<int:state_id>/correct/", name="media_correct", act=Act.IMPORT_FILES, methods=("POST",))
def correct(request: HttpRequest, standing: Standing, *, code: str, state_id: int) -> HttpResponse:
    """Another state in place of a wrong one, or none; the wrong one stays to be seen with the reason."""
    reason = request.POST.get("reason", "")
    subject = scope(standing, code)
    with out_of_sight(MediaMeterNotFoundError):
        if request.POST.get("do") == "take_away":
            take_away_state(workspace(), subject=subject, state_id=state_id, reason=reason)
        else:
            correct_state(workspace(), subject=subject, state_id=state_id, typed=_typed_state(request), reason=reason)
    messages.success(request, gettext("Saved."))
    meter_id = request.POST.get("meter", "")
    if meter_id.isascii() and meter_id.isdigit():
        return redirect("media_meter", code=code, meter_id=int(meter_id))
    return redirect("media", code=code)


def _typed_state(request: HttpRequest) -> Typed:
    given = request.POST
    return Typed(
        day=given.get("day", ""),
        value=given.get("value", ""),
        time=given.get("time", ""),
        kind=given.get("kind", "reading"),
    )


def _new(values: dict[str, str], unit: str) -> NewMeter:
    names = ("serial", "decimals", "digits", "place", "installed_on")
    return NewMeter(unit=unit, **{name: values.get(name, "") for name in names})


def _meter(standing: Standing, code: str, meter_id: int) -> MeterView:
    with out_of_sight(MediaMeterNotFoundError):
        return meter_details(workspace(), subject=scope(standing, code), meter_id=meter_id).meter
