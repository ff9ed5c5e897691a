"""Alarms that wait for somebody, the watches that raise them, and the history."""

from typing import Any, Final
from urllib.parse import urlencode

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from ogniwo.core.kernel.calendar import HOUR_S, QUARTER_S
from ogniwo.core.kernel.quantities import NotADecimalError, parse_decimal
from ogniwo.core.metering.model import EXPORT, EXPORT_NETTED, IMPORT, IMPORT_NETTED
from ogniwo.interfaces.web.context import day_of, scope, viewer, workspace
from ogniwo.interfaces.web.registry import page
from ogniwo.services.access.roles import Act
from ogniwo.services.access.viewers import Standing, out_of_sight
from ogniwo.services.jobs.asking import start_job
from ogniwo.services.metering.balance import list_sets
from ogniwo.services.metering.explorer import DAY_S, DAYS_MAX
from ogniwo.services.metering.queries import points_below
from ogniwo.services.watching.alarms import acknowledge, alarms_below
from ogniwo.services.watching.model import (
    AlarmNotFoundError,
    AlarmView,
    BadWatchError,
    NewWatch,
    WatchNotFoundError,
)
from ogniwo.services.watching.watches import add_watch, pause_watch, remove_watch, watches_below
from ogniwo.services.workspace.queries import Subject, organisation

PER_PAGE: Final = 50
_KINDS: Final = (
    ("silent", gettext_lazy("no new values")),
    ("missing", gettext_lazy("missing values in a day")),
    ("above", gettext_lazy("energy above a limit")),
    ("below", gettext_lazy("energy below a limit")),
    ("power", gettext_lazy("power above the contract")),
)
_STEPS: Final = (
    ("hour", gettext_lazy("an hour")),
    ("slot", gettext_lazy("an interval")),
    ("day", gettext_lazy("a day")),
)
_CHANNELS: Final = ("", IMPORT, EXPORT, IMPORT_NETTED, EXPORT_NETTED)
_EXPLORED: Final = {IMPORT: "taken", EXPORT: "given", IMPORT_NETTED: "operator_taken", EXPORT_NETTED: "operator_given"}
_EXPLORED_STEP: Final = {"slot": QUARTER_S, "power": QUARTER_S, "day": DAY_S}
_TYPED: Final = ("name", "kind", "point", "set", "channel", "step", "limit", "after_h", "from", "addresses", "tell")
_PICKED_MOST: Final = 300
"""More points than these are typed, not picked from a list."""


@page("watches/", name="watches", act=Act.SEE_METERING)
def watches(request: HttpRequest, standing: Standing, *, code: str) -> HttpResponse:
    """What waits for somebody, and what is watched."""
    return _shown(request, scope(standing, code), code, {})


@page("watches/history/", name="alarm_history", act=Act.SEE_METERING)
def history(request: HttpRequest, standing: Standing, *, code: str) -> HttpResponse:
    """Every alarm, the newest episode first; of one point or set if named."""
    about = request.GET.get("about", "").strip()
    found = alarms_below(subject=scope(standing, code), point=about)
    paging = Paginator(found, PER_PAGE).get_page(request.GET.get("page"))
    context = {
        "paging": paging,
        "rows": [(one, _explorer(code, one)) for one in paging],
        "about": about,
        "query": f"{urlencode({'about': about})}&" if about else "",
    }
    return render(request, "web/alarm_history.html", context)


@page("watches/new/", name="watch_new", act=Act.MANAGE_MEMBERS, methods=("POST",))
def new(request: HttpRequest, standing: Standing, *, code: str) -> HttpResponse:
    """Watch something from now on; what does not fit is shown again with the reason."""
    subject = scope(standing, code)
    typed = {name: request.POST.get(name, "").strip() for name in _TYPED}
    try:
        made = add_watch(
            workspace(),
            organisation=organisation(code=code, subject=subject),
            subject=subject,
            wanted=_wanted(typed),
        )
    except BadWatchError as refusal:
        return _shown(request, subject, code, {"typed": typed, "refusal": refusal}, status=422)
    messages.success(request, _("%(name)s is watched from %(day)s on.") % {"name": made.name, "day": made.valid_from})
    return redirect(f"{reverse('watches', kwargs={'code': code})}#watched")


@page("watches/check/", name="watch_check", act=Act.RUN_JOBS, methods=("POST",))
def check(request: HttpRequest, standing: Standing, *, code: str) -> HttpResponse:  # noqa: ARG001 -- the registry's signature
    """Look now, as a job."""
    job = start_job(
        workspace(), kind="check_watches", organisation_code=code, parameters={}, by=viewer(request).login, key="now"
    )
    return redirect("job", code=code, job_id=job.id)


@page("watches/<int:watch_id>/pause/", name="watch_pause", act=Act.MANAGE_MEMBERS, methods=("POST",))
def pause(request: HttpRequest, standing: Standing, *, code: str, watch_id: int) -> HttpResponse:
    """Let a watch rest, or watch again from today on."""
    paused = request.POST.get("do") != "resume"
    with out_of_sight(WatchNotFoundError):
        made = pause_watch(workspace(), subject=scope(standing, code), watch_id=watch_id, paused=paused)
    said = _("%(name)s rests: it raises no alarms.") if paused else _("%(name)s is watched again, from today on.")
    messages.success(request, said % {"name": made.name})
    return redirect(f"{reverse('watches', kwargs={'code': code})}#watched")


@page("watches/<int:watch_id>/remove/", name="watch_remove", act=Act.MANAGE_MEMBERS, methods=("POST",))
def remove(request: HttpRequest, standing: Standing, *, code: str, watch_id: int) -> HttpResponse:
    """Watch this no more."""
    with out_of_sight(WatchNotFoundError):
        remove_watch(workspace(), subject=scope(standing, code), watch_id=watch_id)
    messages.success(request, _("It is watched no more; its alarms stay in the history."))
    return redirect(f"{reverse('watches', kwargs={'code': code})}#watched")


@page("watches/alarms/<int:alarm_id>/", name="alarm_acknowledge", act=Act.ESTIMATE, methods=("POST",))
def acknowledged(request: HttpRequest, standing: Standing, *, code: str, alarm_id: int) -> HttpResponse:
    """Say that somebody has seen an alarm, with a note."""
    with out_of_sight(AlarmNotFoundError):
        acknowledge(workspace(), subject=scope(standing, code), alarm_id=alarm_id, note=request.POST.get("note", ""))
    messages.success(request, _("The alarm is acknowledged."))
    return redirect("watches", code=code)


def _shown(
    request: HttpRequest, subject: Subject, code: str, more: dict[str, Any], *, status: int = 200
) -> HttpResponse:
    place = organisation(code=code, subject=subject)
    paging = Paginator(alarms_below(subject=subject, state="waiting"), PER_PAGE).get_page(request.GET.get("page"))
    points = points_below(subject=subject)
    context = {
        "paging": paging,
        "rows": [(one, _explorer(code, one)) for one in paging],
        "query": "",
        "watched": watches_below(subject=subject),
        "points": points if len(points) <= _PICKED_MOST else (),
        "sets": [one.name for one in list_sets(organisation=place)],
        "kinds": _KINDS,
        "steps": _STEPS,
        "channels": _CHANNELS,
        "typed": {"kind": "silent", "channel": "", "step": "hour", "tell": ""},
        **more,
    }
    return render(request, "web/watches.html", context, status=status)


def _wanted(typed: dict[str, str]) -> NewWatch:
    """What was typed as a watch. Raises BadWatchError for what is no number or day."""
    day = day_of(typed["from"]) if typed["from"] else None
    if typed["from"] and day is None:
        raise BadWatchError(detail=f"{typed['from'][:20]!r} is no day such as 2026-11-01")
    return NewWatch(
        name=typed["name"],
        kind=typed["kind"],
        point=typed["point"].replace(" ", ""),
        computing_set=typed["set"],
        channel=typed["channel"],
        step=typed["step"],
        limit=_limit(typed),
        after_h=_number(typed["after_h"]) if typed["after_h"] else None,
        valid_from=day,
        addresses=tuple(typed["addresses"].replace(";", ",").replace("\n", ",").split(",")),
        tell_member=typed["tell"] == "yes",
    )


def _limit(typed: dict[str, str]) -> int:
    """Wh of kWh with at most three places, or a number of intervals; other kinds need none."""
    if typed["kind"] == "missing":
        return _number(typed["limit"])
    if typed["kind"] not in {"above", "below"}:
        return 0
    try:
        return parse_decimal(typed["limit"].replace(" ", "").replace(",", "."), decimals=3)
    except NotADecimalError as error:
        raise BadWatchError(detail=f"{typed['limit'][:20]!r} is no energy in kWh such as 12,5") from error


def _number(text: str) -> int:
    if not text.isdecimal() or not text.isascii() or len(text) > 9:
        raise BadWatchError(detail=f"{text[:20]!r} is no whole number")
    return int(text)


def _explorer(code: str, alarm: AlarmView) -> str:
    """Where to look at the readings of an alarm: the intervals of its days, or the set's month."""
    if alarm.computing_set:
        query = {"name": alarm.computing_set, "month": f"{alarm.first_day:%Y-%m}"}
        return f"{reverse('computing_set', kwargs={'code': code})}?{urlencode(query)}"
    last = alarm.last_day if (alarm.last_day - alarm.first_day).days < min(DAYS_MAX, 62) else alarm.first_day
    query = {"point": alarm.point, "from": str(alarm.first_day), "to": str(last)}
    if alarm.channel in _EXPLORED:
        query["kind"] = _EXPLORED[alarm.channel]
    step_s = _EXPLORED_STEP.get(alarm.step or alarm.kind, HOUR_S)
    return f"{reverse('intervals', kwargs={'code': code})}?{urlencode(query | {'step': str(step_s)})}"
