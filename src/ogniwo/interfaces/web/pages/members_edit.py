"""One member and one point by form: what has no date is changed in place, what has one ends and begins on a day."""

from dataclasses import replace
from typing import Final

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from ogniwo.core.kernel.refusals import Refusal
from ogniwo.interfaces.web.context import month_of, scope, workspace
from ogniwo.interfaces.web.forms import Field, filled, typed
from ogniwo.interfaces.web.registry import page
from ogniwo.services.access.roles import Act
from ogniwo.services.access.viewers import NotAllowedError, OutOfSightError, Standing, out_of_sight
from ogniwo.services.metering.queries import PointDetails, PointNotFoundError, point_details
from ogniwo.services.parties.member_import import save_facts
from ogniwo.services.parties.queries import MemberDetails, MemberNotFoundError, member_details
from ogniwo.services.workspace.queries import Organisation, organisation

_DAY_HINT: Final = _("the first day on which it holds; what held before ends on that day")
MEMBER: Final = (
    Field(name="name", label=_("Name"), required=True),
    Field(
        name="kind",
        label=_("Kind"),
        kind="select",
        options=(("household", _("household")), ("firm", _("firm"))),
    ),
    Field(name="street", label=_("Street and house")),
    Field(name="post_code", label=_("Post code"), maximum=10),
    Field(name="town", label=_("Town"), maximum=100),
    Field(name="nip", label=_("Tax number (NIP), of firms"), maximum=10),
)
NUMBER: Final = Field(name="number", label=_("Member number"), required=True, maximum=20)
POINT: Final = (
    Field(
        name="role",
        label=_("Role"),
        kind="select",
        options=(("consumer", _("consumer")), ("prosumer", _("prosumer")), ("producer", _("producer"))),
    ),
    Field(name="source", label=_("Source of generation"), hint=_("for example pv, wind, biogas"), maximum=20),
    Field(name="peak_power_w", label=_("Peak power of the source, W"), kind="number"),
    Field(name="group", label=_("Group"), hint=_("a path such as north/shops"), maximum=200),
    Field(name="point_street", label=_("Street and house")),
    Field(name="point_town", label=_("Town"), maximum=100),
)
CODE: Final = Field(name="point", label=_("Metering point (PPE), 18 digits"), required=True, maximum=32)
METER: Final = (
    Field(name="meter", label=_("Serial number"), required=True, maximum=40),
    Field(name="meter_from", label=_("From"), kind="date", required=True, hint=_DAY_HINT),
    Field(name="current", label=_("Current ratio"), hint=_("for example 200/5; empty means 1/1"), maximum=20),
    Field(name="voltage", label=_("Voltage ratio"), hint=_("for example 200/5; empty means 1/1"), maximum=20),
    Field(name="digits", label=_("Digits of the counter"), kind="number"),
)
CONTRACT: Final = (
    Field(name="contract_from", label=_("From"), kind="date", required=True, hint=_DAY_HINT),
    Field(name="operator", label=_("Grid operator"), hint=_("as in the rates, for example enea"), maximum=20),
    Field(name="tariff", label=_("Tariff group"), maximum=20),
    Field(name="offer", label=_("The seller's offer"), hint=_("seller, or seller/product"), maximum=60),
    Field(name="contract_power_w", label=_("Contract power, W"), kind="number"),
    Field(
        name="phases",
        label=_("Phases"),
        kind="select",
        options=(("", _("as before")), ("1ph", _("one")), ("3ph", _("three"))),
    ),
    Field(name="yearly_use_wh", label=_("Use in a year, Wh"), kind="number"),
    Field(name="contract_to", label=_("To (the first day after it)"), kind="date"),
)
PART: Final = (
    Field(name="member_from", label=_("From"), kind="date", required=True, hint=_DAY_HINT),
    Field(name="share_key", label=_("Sharing key"), kind="number"),
    Field(name="merit_rank", label=_("Rank"), kind="number"),
    Field(name="participation_percent", label=_("Participation, %"), kind="number"),
    Field(name="member_to", label=_("To (the first day after it)"), kind="date"),
)
_GROUPS: Final = (
    ("data", _("Data of the point"), POINT),
    ("meter", _("Meter"), METER),
    ("contract", _("Supply contract"), CONTRACT),
    ("membership", _("Membership"), PART),
)
_TERMS: Final = ("operator", "offer", "contract_power_w", "phases", "yearly_use_wh")


@page("member-new/", name="member_new", act=Act.MANAGE_MEMBERS, methods=("GET", "POST"))
def member_new(request: HttpRequest, standing: Standing, *, code: str) -> HttpResponse:
    """Register one member."""
    fields = (NUMBER, *MEMBER)
    values, refusal = typed(request, fields), None
    if request.method == "POST":
        refusal = _refusal_of(request, _place(standing, code), values, clearing=fields)
        if refusal is None:
            return redirect("member", code=code, number=values["number"])
    context = {"title": gettext("New member"), "fields": filled(fields, values), "refusal": refusal}
    return render(request, "web/member_form.html", context, status=422 if refusal else 200)


@page("members/<str:number>/edit/", name="member_edit", act=Act.MANAGE_MEMBERS, methods=("GET", "POST"))
def member_edit(request: HttpRequest, standing: Standing, *, code: str, number: str) -> HttpResponse:
    """Change a member's name, kind and address; issued documents keep what they say."""
    details = _member(request, standing, code, number)
    values: dict[str, object] = {
        "name": details.summary.name,
        "kind": details.summary.kind,
        "street": details.street,
        "post_code": details.post_code,
        "town": details.summary.town,
        "nip": details.nip,
    }
    refusal = None
    if request.method == "POST":
        sent = typed(request, MEMBER)
        values = {**values, **sent}
        place = _place(standing, details.summary.organisation)
        refusal = _refusal_of(request, place, {**sent, "number": number}, clearing=MEMBER)
        if refusal is None:
            return redirect("member", code=code, number=number)
    context = {
        "title": gettext("Change a member's data"),
        "number": number,
        "fields": filled(MEMBER, values),
        "refusal": refusal,
        "note": gettext("The new data stand on documents issued from now on; issued ones stay as they are."),
    }
    return render(request, "web/member_form.html", context, status=422 if refusal else 200)


@page("members/<str:number>/point/", name="point_new", act=Act.MANAGE_MEMBERS, methods=("GET", "POST"))
def point_new(request: HttpRequest, standing: Standing, *, code: str, number: str) -> HttpResponse:
    """Register a point of a member; meter, contract and membership may be given at once or later."""
    details = _member(request, standing, code, number)
    groups = [
        (
            name,
            title,
            tuple(replace(one, required=False, hint="" if one.hint is _DAY_HINT else one.hint) for one in fields),
        )
        for name, title, fields in _GROUPS
    ]
    fields = (CODE, *(one for _name, _title, group in groups for one in group))
    values, refusal = typed(request, fields), None
    if request.method == "POST":
        place = _place(standing, details.summary.organisation)
        refusal = _refusal_of(request, place, {**values, "number": number})
        if refusal is None:
            return redirect("point", code=code, ppe="".join(values["point"].split()))
    context = {
        "title": gettext("New point"),
        "number": number,
        "fields": filled((CODE,), values),
        "groups": [(title, filled(group, values)) for _name, title, group in groups],
        "refusal": refusal,
    }
    return render(request, "web/member_form.html", context, status=422 if refusal else 200)


@page("points/<str:ppe>/edit/", name="point_edit", act=Act.MANAGE_MEMBERS, methods=("GET", "POST"))
def point_edit(request: HttpRequest, standing: Standing, *, code: str, ppe: str) -> HttpResponse:
    """Four forms: the point's data in place; another meter, other terms, another share from a day on."""
    details = _point(standing, code, ppe)
    values, refusal, which = _registered(details), None, ""
    if request.method == "POST":
        which = request.POST.get("do", "")
        fields = next((fields for name, _title, fields in _GROUPS if name == which), POINT)
        sent = typed(request, fields)
        values = {**values, **sent}
        member = _member(request, standing, code, details.summary.member)
        cells = {**sent, "number": details.summary.member, "point": ppe}
        place = _place(standing, member.summary.organisation)
        refusal = _refusal_of(request, place, cells, clearing=POINT if which == "data" else ())
        if refusal is None:
            return redirect("point", code=code, ppe=ppe)
    context = {
        "details": details,
        "groups": [(name, title, filled(fields, values)) for name, title, fields in _GROUPS],
        "refusal": refusal,
        "which": which,
    }
    return render(request, "web/point_form.html", context, status=422 if refusal else 200)


def _registered(details: PointDetails) -> dict[str, object]:
    """What is registered of a point, for its forms; days are left open, for they are what is asked."""
    one = details.summary
    values: dict[str, object] = {
        "role": one.role,
        "source": one.source,
        "peak_power_w": str(one.peak_power_w),
        "group": one.group,
        "point_street": details.street,
        "point_town": one.town,
    }
    if details.contracts:
        latest = details.contracts[-1]
        values |= {name: value for name, value in latest.terms if name in _TERMS}
        values["tariff"] = latest.group
    if details.memberships:
        part = details.memberships[-1]
        values |= {"share_key": part.share_key, "merit_rank": str(part.merit_rank)}
        values["participation_percent"] = part.participation_percent
    return values


def _refusal_of(
    request: HttpRequest, place: Organisation, cells: dict[str, str], *, clearing: tuple[Field, ...] = ()
) -> Refusal | None:
    """Save; None when that was done, else why not. What a role may not do is no matter of the form."""
    try:
        changes = save_facts(
            workspace(), organisation=place, cells=cells, clearing=frozenset(one.name for one in clearing)
        )
    except (NotAllowedError, OutOfSightError):
        raise
    except Refusal as refusal:
        return refusal
    messages.success(
        request, gettext("Saved.") if changes.made else gettext("Nothing was different; nothing was changed.")
    )
    for remark in changes.remarks:
        messages.warning(request, remark)
    return None


def _member(request: HttpRequest, standing: Standing, code: str, number: str) -> MemberDetails:
    with out_of_sight(MemberNotFoundError):
        return member_details(number=number, subject=scope(standing, code), month=month_of(request))


def _point(standing: Standing, code: str, ppe: str) -> PointDetails:
    with out_of_sight(PointNotFoundError):
        return point_details(workspace(), code=ppe, subject=scope(standing, code))


def _place(standing: Standing, code: str) -> Organisation:
    return organisation(code=code, subject=scope(standing, code))
