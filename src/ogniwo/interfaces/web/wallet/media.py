"""States of a member's meters of gas, heat and water that he read himself, and the photos that came with them."""

from typing import Final

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from ogniwo.core.metering.media import BackwardsMediaStateError, BadMediaStateError
from ogniwo.interfaces.web.context import viewer, workspace
from ogniwo.interfaces.web.photos import photo_answer
from ogniwo.interfaces.web.registry import wallet_page
from ogniwo.interfaces.web.wallet.meters import sent_photo, shown_meters
from ogniwo.services.access.viewers import Standing, out_of_sight
from ogniwo.services.metering.declaring import ImplausibleReadingError
from ogniwo.services.metering.media.model import MediaMeterNotFoundError, Typed
from ogniwo.services.metering.media.readings import declare_media
from ogniwo.services.metering.photos import PhotoNotFoundError, PhotoRefusedError, TooManyPhotosError, media_photo_of

_REFUSED: Final = (
    BadMediaStateError,
    BackwardsMediaStateError,
    ImplausibleReadingError,
    PhotoRefusedError,
    TooManyPhotosError,
)


@wallet_page("meters/media/<int:meter_id>/", name="wallet_meters_media", methods=("POST",))
def declare(request: HttpRequest, standing: Standing, *, code: str, number: str, meter_id: int) -> HttpResponse:
    """Keep the reading of the form for the partner to decide; what is refused is shown with what was typed."""
    given = request.POST
    try:
        with out_of_sight(MediaMeterNotFoundError):
            declare_media(
                workspace(),
                subject=standing.subject,
                meter_id=meter_id,
                typed=Typed(day=given.get("day", ""), value=given.get("value", ""), time=given.get("time", "")),
                sure=given.get("sure") == "1",
                by=viewer(request).login,
                note=given.get("note", ""),
                photo=sent_photo(request),
            )
    except _REFUSED as refusal:
        return shown_meters(request, standing, said_of_media=refusal)
    messages.success(request, _("Thank you. Your partner will accept or refuse the reading."))
    return redirect("wallet_meters", code=code, number=number)


@wallet_page("meters/media/photos/<int:reading_id>/", name="wallet_meters_media_photo")
def photo(request: HttpRequest, standing: Standing, *, code: str, number: str, reading_id: int) -> HttpResponse:  # noqa: ARG001
    """The photo that the member sent with a reading."""
    with out_of_sight(PhotoNotFoundError):
        found = media_photo_of(reading_id=reading_id, subject=standing.subject)
    return photo_answer(found, name=f"media-reading-{reading_id}")
