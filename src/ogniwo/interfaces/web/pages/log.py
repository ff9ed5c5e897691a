"""The log: who did what to what."""

from operator import itemgetter

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from ogniwo.interfaces.web.code_words import ACTS
from ogniwo.interfaces.web.context import day_of, scope
from ogniwo.interfaces.web.downloads import download
from ogniwo.interfaces.web.registry import page
from ogniwo.services.access.roles import Act
from ogniwo.services.access.viewers import Standing
from ogniwo.services.workspace.log import LogEntry, LogFilter, log_actions, log_entries, log_table

_SHOWN = 200
_EXPORTED = 20_000


@page("log/", name="log", act=Act.SEE_LOG)
def log(request: HttpRequest, standing: Standing, *, code: str) -> HttpResponse:
    """The newest acts first, as far as they concern this organisation and those below it."""
    entries = _found(request, standing, code, limit=_SHOWN)
    context = {
        "entries": entries,
        "asked": _asked(request),
        "narrowed": any(_asked(request).values()),
        "actions": sorted(((one, str(ACTS.get(one, one))) for one in log_actions()), key=itemgetter(1)),
        "full": len(entries) == _SHOWN,
        "query": request.GET.urlencode(),
    }
    return render(request, "web/log.html", context)


@page("log/<str:form>/", name="log_file", act=Act.SEE_LOG)
def log_file(request: HttpRequest, standing: Standing, *, code: str, form: str) -> HttpResponse:
    """The same selection as a file."""
    wanted = "xlsx" if form == "xlsx" else "csv"
    return download(log_table(_found(request, standing, code, limit=_EXPORTED), form=wanted), name=f"log.{wanted}")


def _asked(request: HttpRequest) -> dict[str, str]:
    return {name: request.GET.get(name, "").strip() for name in ("who", "action", "about", "first", "last")}


def _found(request: HttpRequest, standing: Standing, code: str, *, limit: int) -> tuple[LogEntry, ...]:
    asked = _asked(request)
    wanted = LogFilter(
        who=asked["who"],
        action=asked["action"],
        about=(asked["about"],) if asked["about"] else (),
        first=day_of(asked["first"]),
        last=day_of(asked["last"]),
    )
    # The operator's own organisation is the root: what concerns none (a file that was registered) is seen there only.
    whole = standing.subject if standing.path == scope(standing, code).path else scope(standing, code)
    return log_entries(subject=whole, wanted=wanted, limit=limit)
