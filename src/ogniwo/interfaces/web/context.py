"""What every page knows: the workspace, who looks, as what, and which month is chosen."""

from collections.abc import Callable
from datetime import date
from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from ogniwo.core.kernel.calendar import Month
from ogniwo.services.access.looks import page_look
from ogniwo.services.access.roles import Act
from ogniwo.services.access.viewers import (
    NOBODY,
    Standing,
    Viewer,
    organisations_of,
    place_of,
    remembering_places,
    viewer_of,
)
from ogniwo.services.workspace.audit import acting_as
from ogniwo.services.workspace.model import Workspace
from ogniwo.services.workspace.queries import Subject
from ogniwo.services.workspace.serving import served_workspace

NOUNS: Final = (
    ("today", "t", _("Today"), Act.SEE_ORGANISATION),
    ("members", "m", _("Members"), Act.SEE_MEMBERS),
    ("points", "o", _("Points"), Act.SEE_METERING),
    ("files", "f", _("Files"), Act.SEE_METERING),
    ("quality", "q", _("Data quality"), Act.SEE_METERING),
    ("watches", "w", _("Alarms"), Act.SEE_METERING),
    ("intervals", "i", _("Intervals"), Act.SEE_METERING),
    ("media", "k", _("Gas, heat, water"), Act.SEE_METERING),
    ("balance", "b", _("Balance"), Act.SEE_SETTLEMENT),
    ("tariffs", "a", _("Tariffs"), Act.SEE_SETTLEMENT),
    ("period", "c", _("Period close"), Act.SEE_SETTLEMENT),
    ("bills", "r", _("Bills"), Act.SEE_BILLS),
    ("ledger", "l", _("Ledger"), Act.SEE_LEDGER),
    ("contracts", "e", _("Agreements"), Act.SEE_LEDGER),
    ("jobs", "z", _("Jobs"), Act.SEE_JOBS),
    ("messages", "n", _("Messages"), Act.SEE_MEMBERS),
    ("people", "p", _("People"), Act.MANAGE_ACCESS),
    ("settings", "s", _("Settings"), Act.CHANGE_SETTINGS),
    ("devices", "d", _("Devices"), Act.MANAGE_ACCESS),
    ("log", "j", _("Log"), Act.SEE_LOG),
    ("health", "h", _("Health"), Act.SEE_HEALTH),
)
"""The navigation: page, key after "g", label, act. A new noun of the console is a row here."""


_BELOW: Final = {"home": "today", "readings": "quality"}
"""Files of pages that stand below the noun of another."""

WALLET: Final = (
    ("wallet_home", _("Home")),
    ("wallet_energy", _("Energy")),
    ("wallet_tokens", _("Wallet")),
    ("wallet_bills", _("Bills")),
    ("wallet_more", _("More")),
)
"""The bar at the bottom of a wallet: page, label."""


APPEARANCE: Final = "appearance"
"""Where the web session keeps, of what the records say, how a user wants his pages: classes of the body."""

YEARS: Final = range(2000, 2100)
"""The years that pages speak of; anything else in an address is a mistake."""


def workspace() -> Workspace:
    """The workspace of this process, opened once."""
    return served_workspace()


class ViewerMiddleware:
    """Sets `request.viewer`: the signed-in user with his open grants, read at every request; what he does is his."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer with the viewer set."""
        user = request.user
        found = viewer_of(user.pk, user.get_username()) if user.is_authenticated else NOBODY
        request.viewer = found  # type: ignore[attr-defined]
        with acting_as(found.login or "nobody"), remembering_places():
            return self._get_response(request)


def viewer(request: HttpRequest) -> Viewer:
    """Who looks."""
    found: Viewer = getattr(request, "viewer", NOBODY)
    return found


def scope(standing: Standing, code: str) -> Subject:
    """What a page of an organisation shows: the rows of it and of everything below, within what the viewer sees."""
    return Subject(place_of(code) or standing.path, standing.member_number)


def month_of(request: HttpRequest) -> Month:
    """The month that all pages show: from the address, else the one last chosen, else the last whole month."""
    month = _parsed(request.GET.get("month") or request.session.get("month") or "")
    if month is None:
        today: date = workspace().today()
        month = Month(today.year, today.month).shifted(-1)
    if request.GET.get("month") and request.session.get("month") != str(month):
        request.session["month"] = str(month)  # only what changed: reading a page should not write
    return month


def day_of(text: str) -> date | None:
    """A day of an address (ISO 8601); None when it is none, or of a year that pages do not speak of."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if day.year in YEARS else None


def language() -> str:
    """The language of documents that fits the page, of the two there are."""
    return "en" if (get_language() or "").startswith("en") else "pl"


def _parsed(text: str) -> Month | None:
    try:
        month = Month.parse(text)
    except ValueError:
        return None
    return month if month.year in YEARS else None


def _section(request: HttpRequest) -> str:
    """Which noun an address belongs to: the first word of the file of its page."""
    match = request.resolver_match
    word = match.func.__module__.rpartition(".")[2].partition("_")[0] if match else ""
    return _BELOW.get(word, word)


def nouns(request: HttpRequest, seen: Viewer, code: str, place: str) -> tuple[dict[str, object], ...]:
    """The navigation: the nouns of an organisation that the viewer may open."""
    section = _section(request)
    return tuple(
        {
            "name": name,
            "label": label,
            "key": key,
            "href": reverse(name, kwargs={"code": code}),
            "current": section == name,
        }
        for name, key, label, act in NOUNS
        if seen.may(act, path=place)
    )


def _switch(request: HttpRequest, seen: Viewer, code: str) -> list[dict[str, object]]:
    """The organisations that the viewer works in, each with the address of the same page there."""
    match = request.resolver_match
    same = match.url_name if match and set(match.kwargs) == {"code"} and request.method == "GET" else "today"
    return [
        {
            "name": one.name,
            "depth": one.path.count("/") - 1,
            "href": reverse(same or "today", kwargs={"code": one.code}),
            "current": one.code == code,
        }
        for one in organisations_of(seen)
    ]


def _wallet(request: HttpRequest, seen: Viewer) -> dict[str, object] | None:
    """The wallet that an address lies in: whose, where, the pages of the bar, whether somebody else looks."""
    match = request.resolver_match
    if match is None or not match.route.startswith("w/") or "number" not in match.kwargs:
        return None
    code, number = match.kwargs["code"], match.kwargs["number"]
    own = next((one for one in seen.standings if (one.code, one.member_number) == (code, number)), None)
    section = next((name for name, _label in WALLET if (match.url_name or "").startswith(name)), "wallet_more")
    return {
        "code": code,
        "number": number,
        "name": own.name if own else code,
        "looks": own is None,
        "appearance": " ".join(_appearance(request, seen)),
        "tabs": [
            {
                "label": label,
                "href": reverse(name, kwargs={"code": code, "number": number}),
                "current": name == section,
            }
            for name, label in WALLET
        ],
    }


def _beside(request: HttpRequest) -> dict[str, str]:
    """The queries of the same page in the month before and after; filters stay, days of this month do not."""
    asked, month = request.GET.copy(), month_of(request)
    for name in ("day", "from", "to", "page", "job", "preview"):
        asked.pop(name, None)
    found = {}
    for name, months in (("before", -1), ("after", 1)):
        asked["month"] = str(month.shifted(months))
        found[name] = asked.urlencode()
    return found


def _appearance(request: HttpRequest, seen: Viewer) -> list[str]:
    """How the user wants his pages: asked of the records once in a web session."""
    if APPEARANCE not in request.session:
        request.session[APPEARANCE] = list(page_look(seen.user_id))
    return [str(one) for one in request.session[APPEARANCE]]


def page_context(request: HttpRequest) -> dict[str, Any]:
    """For every template: the viewer, what he may do, his place, the month."""
    if not hasattr(request, "session"):
        return {}
    seen = viewer(request)
    mine = _wallet(request, seen)
    code = request.resolver_match.kwargs.get("code", "") if request.resolver_match and not mine else ""
    place = place_of(code) if code else None
    if place is not None and not any(place.startswith(each.subject.path) for each in seen.standings):
        place = None
    switch = _switch(request, seen, code) if place else []
    listed = nouns(request, seen, code, place) if place else ()
    return {
        "code": code if place else "",
        "nouns": listed,
        "noun": next((one for one in listed if one["current"]), None),
        "switch": switch,
        "here": next((one["name"] for one in switch if one["current"]), ""),
        "viewer": seen,
        "may": {act.value: seen.may(act, path=place or "") for act in Act},
        "month": month_of(request) if seen.standings else None,
        "beside": _beside(request) if seen.standings else None,
        "kept": [(name, value) for name, value in request.GET.items() if name not in {"month", "day", "from", "to"}],
        "workspace_name": workspace().name,
        "wallet": mine,
    }
