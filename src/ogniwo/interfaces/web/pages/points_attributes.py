"""Individual attributes of points with their meters, of members and of sets: set from a day on, ended on a day."""

from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext

from ogniwo.interfaces.web.context import scope, workspace
from ogniwo.interfaces.web.registry import page
from ogniwo.services.access.roles import Act
from ogniwo.services.access.viewers import Standing, out_of_sight
from ogniwo.services.parties.attributes import (
    AttributeNotFoundError,
    end_attribute,
    set_member_attribute,
    set_point_attribute,
)


@page("points/<str:ppe>/attributes/", name="point_attribute", act=Act.MANAGE_MEMBERS, methods=("POST",))
def point_attribute(request: HttpRequest, standing: Standing, *, code: str, ppe: str) -> HttpResponse:
    """Let a value hold for a point, or for a meter of it, from a day on."""
    with out_of_sight(AttributeNotFoundError):
        made = set_point_attribute(
            workspace(),
            subject=scope(standing, code),
            code=ppe,
            meter=request.POST.get("meter", ""),
            **typed(request),
        )
    say_whether(request, made=made)
    return redirect("point", code=code, ppe=ppe)


@page("members/<str:number>/attributes/", name="member_attribute", act=Act.MANAGE_MEMBERS, methods=("POST",))
def member_attribute(request: HttpRequest, standing: Standing, *, code: str, number: str) -> HttpResponse:
    """Let a value hold for a member from a day on."""
    with out_of_sight(AttributeNotFoundError):
        made = set_member_attribute(workspace(), subject=scope(standing, code), number=number, **typed(request))
    say_whether(request, made=made)
    return redirect("member", code=code, number=number)


@page("attributes/<int:attribute_id>/end/", name="end_attribute", act=Act.MANAGE_MEMBERS, methods=("POST",))
def end(request: HttpRequest, standing: Standing, *, code: str, attribute_id: int) -> HttpResponse:
    """Let a value hold no longer from a day on."""
    with out_of_sight(AttributeNotFoundError):
        ended = end_attribute(
            workspace(),
            subject=scope(standing, code),
            attribute_id=attribute_id,
            valid_to=request.POST.get("valid_to", ""),
        )
    say_whether(request, made=True)
    if ended.thing == "computing_set":
        return redirect(address_of_set(code, ended.about))
    if ended.thing == "member":
        return redirect("member", code=code, number=ended.about)
    point = request.POST.get("point", "") if ended.thing == "meter" else ended.about
    return redirect("point", code=code, ppe=point) if point.isalnum() else redirect("points", code=code)


def address_of_set(code: str, name: str) -> str:
    """The page of a set; its name, which may hold any sign, is in the query."""
    return f"{reverse('computing_set', kwargs={'code': code})}?{urlencode({'name': name})}"


def typed(request: HttpRequest) -> dict[str, str]:
    """What was typed into the form of an attribute."""
    return {name: request.POST.get(name, "") for name in ("name", "value", "valid_from")}


def say_whether(request: HttpRequest, *, made: bool) -> None:
    """Say on the next page whether anything was changed."""
    messages.success(request, gettext("Saved.") if made else gettext("Nothing was different; nothing was changed."))
