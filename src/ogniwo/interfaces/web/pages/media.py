"""Meters of gas, heat and water: the list, one with its states and the use between them, what members read."""

from typing import Any, Final

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from ogniwo.core.kernel.refusals import Refusal
from ogniwo.interfaces.web.charts import Chart, line_chart
from ogniwo.interfaces.web.context import scope, workspace
from ogniwo.interfaces.web.media_words import KINDS, MEDIA, unit_word
from ogniwo.interfaces.web.pages.readings import decided
from ogniwo.interfaces.web.photos import photo_answer
from ogniwo.interfaces.web.registry import page
from ogniwo.services.access.roles import Act
from ogniwo.services.access.viewers import Standing, out_of_sight
from ogniwo.services.metering.media.model import MediaMeterNotFoundError, MeterDetails
from ogniwo.services.metering.media.queries import meter_details, meters_below, meters_by_medium
from ogniwo.services.metering.media.readings import decide_media, declared_media, waiting_media
from ogniwo.services.metering.photos import PhotoNotFoundError, media_photo_of

PER_PAGE: Final = 100


@page("media/", name="media", act=Act.SEE_METERING)
def media(request: HttpRequest, standing: Standing, *, code: str) -> HttpResponse:
    """The meters of the organisation and of those below it, by member and medium, with their last states."""
    subject, search = scope(standing, code), request.GET.get("q", "").strip()
    medium = request.GET.get("medium", "")
    query = request.GET.copy()
    query.pop("page", None)
    counts = meters_by_medium(subject=subject)
    context = {
        "paging": Paginator(meters_below(subject=subject, medium=medium, search=search), PER_PAGE).get_page(
            request.GET.get("page")
        ),
        "query": f"{query.urlencode()}&" if query else "",
        "search": search,
        "medium": medium,
        "media": [(name, label, counts.get(name, 0)) for name, label in MEDIA.items()],
        "waiting": waiting_media(subject=subject),
    }
    return render(request, "web/media.html", context)


@page("media/meters/<int:meter_id>/", name="media_meter", act=Act.SEE_METERING)
def meter(request: HttpRequest, standing: Standing, *, code: str, meter_id: int) -> HttpResponse:
    """One meter: what it is, its states with those that were corrected, the use between those that hold."""
    return shown_meter(request, standing, code=code, meter_id=meter_id)


def shown_meter(
    request: HttpRequest, standing: Standing, *, code: str, meter_id: int, refusal: Refusal | None = None
) -> HttpResponse:
    """The page of a meter; after a refusal with what was refused and what had been typed."""
    subject = scope(standing, code)
    with out_of_sight(MediaMeterNotFoundError):
        details = meter_details(workspace(), subject=subject, meter_id=meter_id)
    context: dict[str, Any] = {
        "details": details,
        "one": details.meter,
        "uses": details.uses[::-1],
        "states": details.states[::-1],
        "readings": declared_media(subject=subject, meter_id=meter_id, limit=20),
        "chart": _chart(details),
        "kinds": KINDS.items(),
        "today": f"{workspace().today()}",
        "refusal": refusal,
        "given": request.POST if refusal else {},
    }
    return render(request, "web/media_meter.html", context, status=422 if refusal else 200)


@page("media/readings/", name="media_readings", act=Act.SEE_METERING)
def readings(request: HttpRequest, standing: Standing, *, code: str) -> HttpResponse:
    """What members read on their meters, what waits first."""
    found = declared_media(subject=scope(standing, code))
    return render(request, "web/media_readings.html", {"readings": found})


@page("media/readings/<int:reading_id>/", name="decide_media_reading", act=Act.ESTIMATE, methods=("POST",))
def decide(request: HttpRequest, standing: Standing, *, code: str, reading_id: int) -> HttpResponse:
    """Accept or refuse one."""
    decided(request, decide_media, subject=scope(standing, code), reading_id=reading_id)
    return redirect("media_readings", code=code)


@page("media/readings/<int:reading_id>/photo/", name="media_reading_photo", act=Act.SEE_METERING)
def photo(request: HttpRequest, standing: Standing, *, code: str, reading_id: int) -> HttpResponse:  # noqa: ARG001
    """The photo of the counter that came with a reading."""
    with out_of_sight(PhotoNotFoundError):
        found = media_photo_of(reading_id=reading_id, subject=scope(standing, code))
    return photo_answer(found, name=f"media-reading-{reading_id}")


def _chart(details: MeterDetails) -> Chart | None:
    """The use between each two readings as steps; where it is not known a cross."""
    if not details.uses:
        return None
    unknown = [place for place, one in enumerate(details.uses) if one.use_e3 is None]
    return line_chart(
        [(_("Use between two readings"), [one.use_e3 for one in details.uses])],
        labels=[f"{one.first.day}" for one in details.uses],
        unit=unit_word(details.meter.unit),
        missing=[unknown],
    )
