"""Metering points: the list, and one point with what was valid when."""

from datetime import date, datetime
from typing import Final

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from ogniwo.core.kernel.calendar import local_day
from ogniwo.core.kernel.periods import epoch_of
from ogniwo.interfaces.web.charts import Timeline, timeline
from ogniwo.interfaces.web.context import month_of, scope, workspace
from ogniwo.interfaces.web.registry import page
from ogniwo.services.access.roles import Act
from ogniwo.services.access.viewers import Standing, out_of_sight
from ogniwo.services.ledger.access import NoLedgerError
from ogniwo.services.ledger.queries import MintedDay, minted_days
from ogniwo.services.metering.queries import (
    PointDetails,
    PointNotFoundError,
    RatioPeriod,
    SeriesNotFoundError,
    point_details,
    points_below,
    versions_of,
)
from ogniwo.services.parties.attributes import attributes_of_point
from ogniwo.services.watching.freshness import newest_values
from ogniwo.services.workspace.queries import Subject

PER_PAGE: Final = 100


@page("points/", name="points", act=Act.SEE_METERING)
def points(request: HttpRequest, standing: Standing, *, code: str) -> HttpResponse:
    """The points of the organisation and of those below it."""
    search = request.GET.get("q", "").strip()
    role = request.GET.get("role", "")
    found = points_below(subject=scope(standing, code), search=search, role=role)
    (peak_w,) = found.totals("peak_power_w")
    paging = Paginator(found, PER_PAGE).get_page(request.GET.get("page"))
    query = request.GET.copy()
    query.pop("page", None)
    context = {
        "paging": paging,
        "query": f"{query.urlencode()}&" if query else "",
        "search": search,
        "role": role,
        "roles": ("consumer", "prosumer", "producer"),
        "peak_w": peak_w,
    }
    return render(request, "web/points.html", context)


@page("points/<str:ppe>/", name="point", act=Act.SEE_METERING)
def point(request: HttpRequest, standing: Standing, *, code: str, ppe: str) -> HttpResponse:
    """One point: what is registered, since when, which months it has, and the versions of the chosen month."""
    month, subject = month_of(request), scope(standing, code)
    with out_of_sight(PointNotFoundError):
        details = point_details(workspace(), code=ppe, subject=subject)
    try:
        versions = versions_of(workspace(), code=ppe, subject=subject, month=month)
    except SeriesNotFoundError:
        versions = ()
    context = {
        "details": details,
        "versions": versions,
        "attributes": attributes_of_point(code=ppe, subject=subject),
        "attribute_meters": {one.serial: one for one in details.meters}.values(),
        "newest": newest_values(workspace(), points={details.summary.code}).get(details.summary.code),
        "minted": _minted(request, ppe, subject),
        "timeline": _timeline(details, month.shifted(1).first),
    }
    return render(request, "web/point.html", context)


def _minted(request: HttpRequest, ppe: str, subject: Subject) -> tuple[MintedDay, ...]:
    """What the ledger holds of the month; nothing before anything was posted."""
    try:
        return minted_days(workspace(), point_code=ppe, month=month_of(request), subject=subject)
    except NoLedgerError:
        return ()


def _timeline(details: PointDetails, until: date) -> Timeline:
    """Meters, contracts and memberships as bars over the years."""
    rows = [(_("Meter"), one.serial, _day(one.valid_from), _day_or_none(one.valid_to)) for one in details.meters]
    rows += [(_("Ratio"), _ratio(one), _day(one.valid_from), _day_or_none(one.valid_to)) for one in details.ratios]
    rows += [
        (_("Supply contract"), f"{one.operator} {one.group}", one.valid_from, one.valid_to) for one in details.contracts
    ]
    rows += [(_("Membership"), one.community, one.valid_from, one.valid_to) for one in details.memberships]
    return timeline(rows, until=until)


def _ratio(one: RatioPeriod) -> str:
    return f"{one.current[0]}/{one.current[1]} A, {one.voltage[0]}/{one.voltage[1]} V"


def _day(instant: datetime) -> date:
    return local_day(epoch_of(instant))


def _day_or_none(instant: datetime | None) -> date | None:
    return None if instant is None else _day(instant)
