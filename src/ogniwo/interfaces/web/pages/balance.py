"""The community's energy: by day over a month, by hour and by member on a day."""

from datetime import date

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from ogniwo.interfaces.web.charts import classes_of, hatch_of, stacked_bars
from ogniwo.interfaces.web.context import day_of, month_of, scope, workspace
from ogniwo.interfaces.web.pages.balance_compare import METHODS
from ogniwo.interfaces.web.registry import page
from ogniwo.services.access.roles import Act
from ogniwo.services.access.viewers import OutOfSightError, Standing, out_of_sight
from ogniwo.services.metering.balance import MonthBalance, community_balance
from ogniwo.services.settlement.days import (
    DayNotSettledError,
    HourAllocation,
    day_allocation,
    day_settlement,
    hour_by_point,
)
from ogniwo.services.settlement.queries import rate_book_of
from ogniwo.services.workspace.queries import Organisation, Subject, organisation

_DAY_SUMS = ("taken_wh", "given_wh", "exchanged_wh", "inflow_wh", "outflow_wh", "missing_hours")
_HOUR_SUMS = ("taken_wh", "community_in_wh", "pool_wh", "grid_wh", "given_wh", "community_out_wh", "surplus_wh")
_MEMBER_SUMS = (
    "taken_wh",
    "community_in_wh",
    "pool_wh",
    "grid_wh",
    "community_out_wh",
    "surplus_wh",
    "pays_grosz",
    "receives_grosz",
)


@page("balance/", name="balance", act=Act.SEE_SETTLEMENT)
def balance(request: HttpRequest, standing: Standing, *, code: str) -> HttpResponse:
    """The days of the month, also while data are missing."""
    month = month_of(request)
    community = organisation(code=code, subject=scope(standing, code))
    found = community_balance(workspace(), community=community, month=month)
    context = {
        "balance": found,
        "sums": {name: found.total(name) for name in _DAY_SUMS},
        "chart": _days_chart(found) if found.points else None,
        "legend": _legend((_("between members"), _("from the grid outside"), _("to the grid outside"))),
    }
    return render(request, "web/balance.html", context)


@page("balance/<str:day>/", name="balance_day", act=Act.SEE_SETTLEMENT)
def balance_day(request: HttpRequest, standing: Standing, *, code: str, day: str) -> HttpResponse:
    """One day from the newest settlement: hours by source and use, and who pays whom."""
    subject = scope(standing, code)
    community = organisation(code=code, subject=subject)
    chosen = _day(day)
    context = {"day": chosen, "before": _beside(chosen, -1), "after": _beside(chosen, 1)}
    context |= _settled_day(community, chosen, subject)
    return render(request, "web/balance_day.html", context)


@page("balance/<str:day>/<int:place>/", name="balance_hour", act=Act.SEE_SETTLEMENT)
def balance_hour(request: HttpRequest, standing: Standing, *, code: str, day: str, place: int) -> HttpResponse:
    """One hour point by point: the quarter-hours as metered, and what each was allotted from where."""
    subject, chosen = scope(standing, code), _day(day)
    community = organisation(code=code, subject=subject)
    with out_of_sight(DayNotSettledError):
        found = hour_by_point(workspace(), community=community, day=chosen, place=place, subject=subject)
    context = {
        "day": chosen,
        "hour": found,
        "method": METHODS[found.method],
        "before": place - 1,
        "after": place + 1 if place + 1 < found.hours else None,
        "sums": {name: sum(getattr(one, name) for one in found.rows) for name in _HOUR_SUMS},
    }
    return render(request, "web/balance_hour.html", context)


def _settled_day(community: Organisation, day: date, subject: Subject) -> dict[str, object]:
    """Hours and members of a settled day; nothing when its month is not closed."""
    try:
        hours = day_allocation(community=community, day=day, subject=subject)
        settled = day_settlement(community=community, day=day, book=rate_book_of(workspace()), subject=subject)
    except DayNotSettledError:
        return {}
    return {
        "hours": hours,
        "hour_sums": {name: sum(getattr(one, name) for one in hours) for name in _HOUR_SUMS},
        "settled": settled,
        "member_sums": {name: sum(getattr(one, name) for one in settled.rows) for name in _MEMBER_SUMS},
        "chart": _hours_chart(hours),
        "legend": _legend(
            (_("from the community"), _("from the pool"), _("from the grid"), _("to the community"), _("surplus"))
        ),
    }


def _day(text: str) -> date:
    day = day_of(text)
    if day is None:
        raise OutOfSightError(detail="there is no such day")
    return day


def _beside(day: date, step: int) -> str:
    return date.fromordinal(day.toordinal() + step).isoformat()


def _legend(labels: tuple[str, ...]) -> list[tuple[str, str, str]]:
    return [(label, classes_of(number), hatch_of(number)) for number, label in enumerate(labels)]


def _days_chart(found: MonthBalance) -> object:
    days = found.days
    return stacked_bars(
        [
            (_("between members"), [day.exchanged_wh for day in days]),
            (_("from the grid outside"), [day.inflow_wh for day in days]),
        ],
        [(_("to the grid outside"), [day.outflow_wh for day in days])],
        labels=[str(day.day.day) for day in days],
    )


def _hours_chart(hours: tuple[HourAllocation, ...]) -> object:
    return stacked_bars(
        [
            (_("from the community"), [one.community_in_wh for one in hours]),
            (_("from the pool"), [one.pool_wh for one in hours]),
            (_("from the grid"), [one.grid_wh for one in hours]),
        ],
        [
            (_("to the community"), [one.community_out_wh for one in hours]),
            (_("surplus"), [one.surplus_wh for one in hours]),
        ],
        labels=[str(number + 1) for number in range(len(hours))],
    )
