"""The log: who did what to what."""

from datetime import date

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from ogniwo.interfaces.web.context import scope
from ogniwo.interfaces.web.registry import page
from ogniwo.services.access.roles import Act
from ogniwo.services.access.viewers import Standing
from ogniwo.services.workspace.log import LogFilter, log_actions, log_entries

_SHOWN = 200


@page("log/", name="log", act=Act.SEE_LOG)
def log(request: HttpRequest, standing: Standing, *, code: str) -> HttpResponse:
    """The newest acts first, as far as they concern this organisation and those below it."""
    asked = {name: request.GET.get(name, "").strip() for name in ("who", "action", "about", "first", "last")}
    wanted = LogFilter(
        who=asked["who"],
        action=asked["action"],
        about=(asked["about"],) if asked["about"] else (),
        first=_day(asked["first"]),
        last=_day(asked["last"]),
    )
    # The operator's own organisation is the root: what concerns none (a file that was registered) is seen there only.
    whole = standing.subject if standing.path == scope(standing, code).path else scope(standing, code)
    entries = log_entries(subject=whole, wanted=wanted, limit=_SHOWN)
    context = {"entries": entries, "asked": asked, "actions": log_actions(), "full": len(entries) == _SHOWN}
    return render(request, "web/log.html", context)


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
