"""Readings that members declared: the partner accepts or refuses each."""

from collections.abc import Callable

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from ogniwo.interfaces.web.context import scope, viewer, workspace
from ogniwo.interfaces.web.photos import shown_photo
from ogniwo.interfaces.web.registry import page
from ogniwo.services.access.roles import Act
from ogniwo.services.access.viewers import Standing, out_of_sight
from ogniwo.services.metering.declaring import ReadingNotFoundError, decide_reading, declared_readings
from ogniwo.services.workspace.queries import Subject


@page("quality/readings/", name="declared_readings", act=Act.SEE_METERING)
def readings(request: HttpRequest, standing: Standing, *, code: str) -> HttpResponse:
    """What members read on their meters, what waits first."""
    found = declared_readings(subject=scope(standing, code))
    return render(request, "web/declared_readings.html", {"readings": found})


@page("quality/readings/<int:reading_id>/photo/", name="reading_photo", act=Act.SEE_METERING)
def photo(request: HttpRequest, standing: Standing, *, code: str, reading_id: int) -> HttpResponse:  # noqa: ARG001
    """The photo of the counter that came with a reading."""
    return shown_photo(reading_id=reading_id, subject=scope(standing, code))


@page("quality/readings/<int:reading_id>/", name="decide_reading", act=Act.ESTIMATE, methods=("POST",))
def decide(request: HttpRequest, standing: Standing, *, code: str, reading_id: int) -> HttpResponse:
    """Accept or refuse one."""
    decided(request, decide_reading, subject=scope(standing, code), reading_id=reading_id)
    return redirect("declared_readings", code=code)


def decided(request: HttpRequest, decide: Callable[..., object], *, subject: Subject, reading_id: int) -> None:
    """Decide on a reading of whichever kind of meter as the form says."""
    accept = request.POST.get("decision") == "accept"
    with out_of_sight(ReadingNotFoundError):
        decide(
            workspace(),
            subject=subject,
            reading_id=reading_id,
            accept=accept,
            reason=request.POST.get("reason", ""),
            by=viewer(request).login,
        )
    messages.success(request, _("The reading was accepted.") if accept else _("The reading was refused."))
