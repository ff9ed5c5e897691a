"""What every page knows: the workspace, who looks, as what, and which month is chosen."""

import os
from collections.abc import Callable
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from ogniwo.core.kernel.calendar import Month
from ogniwo.services.access.roles import Act, Role
from ogniwo.services.access.viewers import NOBODY, Viewer, place_of, viewer_of
from ogniwo.services.workspace.model import Workspace
from ogniwo.services.workspace.operations import open_workspace

NOUNS: Final = (
    ("today", "t", _("Today"), Act.SEE_ORGANISATION),
    ("people", "p", _("People"), Act.MANAGE_ACCESS),
)
"""The navigation: page, key after "g", label, act. A new noun of the console is a row here."""


@cache
def workspace() -> Workspace:
    """The workspace of this process, opened once."""
    return open_workspace(root=Path(os.environ["OGNIWO_WORKSPACE"]))


class ViewerMiddleware:
    """Sets `request.viewer`: the signed-in user with his open grants, read at every request."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer with the viewer set."""
        user = request.user
        request.viewer = viewer_of(user.pk, user.get_username()) if user.is_authenticated else NOBODY  # type: ignore[attr-defined]
        return self._get_response(request)


def viewer(request: HttpRequest) -> Viewer:
    """Who looks."""
    found: Viewer = getattr(request, "viewer", NOBODY)
    return found


def month_of(request: HttpRequest) -> Month:
    """The month that all pages show: from the address, else the one last chosen, else the last whole month."""
    text = request.GET.get("month") or request.session.get("month") or ""
    try:
        month = Month.parse(text)
    except ValueError:
        today: date = workspace().now().date()
        month = Month(today.year, today.month).shifted(-1)
    if request.GET.get("month"):
        request.session["month"] = str(month)
    return month


def nouns(request: HttpRequest, seen: Viewer, code: str) -> tuple[dict[str, object], ...]:
    """The navigation: the nouns of an organisation that the viewer may open."""
    place = place_of(code)
    if place is None:
        return ()
    here = request.resolver_match.url_name if request.resolver_match else ""
    return tuple(
        {
            "label": label,
            "key": key,
            "href": reverse(name, kwargs={"code": code}),
            "current": here == name,
        }
        for name, key, label, act in NOUNS
        if seen.may(act, path=place)
    )


def page_context(request: HttpRequest) -> dict[str, Any]:
    """For every template: the viewer, what he may do, his place, the month."""
    if not hasattr(request, "session"):
        return {}
    seen = viewer(request)
    code = request.resolver_match.kwargs.get("code", "") if request.resolver_match else ""
    return {
        "code": code,
        "nouns": nouns(request, seen, code) if code else (),
        "viewer": seen,
        "may": {act.value: seen.may(act) for act in Act},
        "is_member_only": bool(seen.standings) and all(each.role == Role.MEMBER for each in seen.standings),
        "month": month_of(request) if seen.standings else None,
        "workspace_name": workspace().name,
    }
