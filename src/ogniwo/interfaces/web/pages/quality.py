"""Data quality: points and days as a heat map, findings to look at or set aside, estimates looked at first."""

from collections import Counter

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext, ngettext

from ogniwo.core.kernel.findings import Severity, finding_row
from ogniwo.core.metering.model import REACTIVE_Q1, REACTIVE_Q4
from ogniwo.interfaces.web.context import month_of, scope, workspace
from ogniwo.interfaces.web.registry import page
from ogniwo.services.access.roles import Act
from ogniwo.services.access.viewers import Standing, out_of_sight
from ogniwo.services.metering.accepting import accept_estimates
from ogniwo.services.metering.declaring import waiting_readings
from ogniwo.services.metering.heat import heat_of_month
from ogniwo.services.metering.quality import EstimatedMonth, estimate_month
from ogniwo.services.metering.set_aside import NotSetAsideError, digest_of, set_aside, take_back
from ogniwo.services.workspace.queries import organisation

_SHOWN = 200
_ROWS = 50


@page("quality/", name="quality", act=Act.SEE_METERING)
def quality(request: HttpRequest, standing: Standing, *, code: str) -> HttpResponse:
    """The month's map, what the rules said, and on request what would be estimated."""
    month, subject = month_of(request), scope(standing, code)
    owner = organisation(code=code, subject=subject)
    heat = heat_of_month(workspace(), organisation=owner, subject=subject, month=month)
    point, least = request.GET.get("point", ""), request.GET.get("least", "warning")
    floor = Severity[least.upper()] if least in {"note", "warning", "error"} else Severity.WARNING
    found = [one for one in heat.findings if one.severity >= floor and point in {"", one.point}]
    found.sort(key=lambda one: (-one.severity, one.code, one.point))
    preview = None
    if request.GET.get("preview"):
        preview = estimate_month(workspace(), organisation=owner, subject=subject, month=month, dry_run=True)
    query = request.GET.copy()
    for name in ("page", "preview"):
        query.pop(name, None)
    context = {
        "heat": heat,
        "paging": Paginator(heat.rows, _ROWS).get_page(request.GET.get("page")),
        "query": f"{query.urlencode()}&" if query else "",
        "declared_waiting": waiting_readings(subject=subject),
        "states": Counter(cell.state for row in heat.rows for cell in row.cells),
        "incomplete": any(one.present < one.slots for one in heat.quality.channels),
        "rules": sorted(Counter((one.code, one.severity.name.lower()) for one in found).items()),
        "findings": [finding_row(one) | {"digest": digest_of(one)} for one in found[:_SHOWN]],
        "asides": [one for one in heat.asides if point in {"", one.point}],
        "more": max(0, len(found) - _SHOWN),
        "point": point,
        "least": floor.name.lower(),
        "preview": preview,
        "estimated": [(one, _unit(one.channel)) for one in preview.channels] if preview else [],
        "estimated_sums": _sums(preview) if preview else [],
        "preview_findings": [finding_row(one) for one in preview.findings] if preview else [],
    }
    return render(request, "web/quality.html", context)


@page("quality/accept/", name="accept_estimates", act=Act.ESTIMATE, methods=("POST",))
def accept(request: HttpRequest, standing: Standing, *, code: str) -> HttpResponse:
    """Store the estimates, with the reason."""
    subject = scope(standing, code)
    estimated = accept_estimates(
        workspace(),
        organisation=organisation(code=code, subject=subject),
        subject=subject,
        month=month_of(request),
        reason=request.POST.get("reason", ""),
    )
    count = len(estimated.channels)
    messages.success(request, ngettext("%(n)s channel filled.", "%(n)s channels filled.", count) % {"n": count})
    return redirect("quality", code=code)


@page("quality/set-aside/", name="set_aside_findings", act=Act.ESTIMATE, methods=("POST",))
def set_findings_aside(request: HttpRequest, standing: Standing, *, code: str) -> HttpResponse:
    """Set the chosen findings aside, with the reason."""
    month, subject = month_of(request), scope(standing, code)
    owner = organisation(code=code, subject=subject)
    heat = heat_of_month(workspace(), organisation=owner, subject=subject, month=month)
    count = set_aside(
        workspace(),
        organisation=owner,
        month=month,
        findings=heat.quality.findings,
        digests=request.POST.getlist("finding"),
        reason=request.POST.get("reason", ""),
    )
    messages.success(request, ngettext("%(n)s finding set aside.", "%(n)s findings set aside.", count) % {"n": count})
    return redirect(f"{reverse('quality', kwargs={'code': code})}?month={month}#set-aside")


@page("quality/set-aside/<int:aside_id>/", name="take_finding_back", act=Act.ESTIMATE, methods=("POST",))
def take_finding_back(request: HttpRequest, standing: Standing, *, code: str, aside_id: int) -> HttpResponse:
    """Put a finding back among those to look at."""
    with out_of_sight(NotSetAsideError):
        take_back(workspace(), subject=scope(standing, code), aside_id=aside_id)
    messages.success(request, gettext("The finding is among those to look at again."))
    return redirect(f"{reverse('quality', kwargs={'code': code})}?month={month_of(request)}#findings")


def _unit(channel: str) -> str:
    """What a channel counts: active energy in kWh, reactive in kvarh."""
    return "kvarh" if channel in {REACTIVE_Q1, REACTIVE_Q4} else "kWh"


def _sums(preview: EstimatedMonth) -> list[tuple[str, int]]:
    """The estimated energy of each unit; active and reactive energy are never added up."""
    sums: Counter[str] = Counter()
    for one in preview.channels:
        sums[_unit(one.channel)] += sum(gap.total_wh for gap in one.gaps)
    return sorted(sums.items())
