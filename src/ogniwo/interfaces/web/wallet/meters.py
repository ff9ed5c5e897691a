"""A member's points and meters, and the state of a counter that he read himself."""

from datetime import datetime
from http import HTTPStatus
from typing import Final
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from ogniwo.core.kernel.calendar import WARSAW
from ogniwo.core.kernel.refusals import Refusal
from ogniwo.interfaces.web.context import viewer, workspace
from ogniwo.interfaces.web.photos import shown_photo
from ogniwo.interfaces.web.registry import wallet_page
from ogniwo.interfaces.web.wallet.media_drawn import media_of
from ogniwo.services.access.viewers import Standing
from ogniwo.services.metering.declaring import (
    BackwardsReadingError,
    BadReadingError,
    ImplausibleReadingError,
    Seen,
    declare_reading,
    own_meters,
)
from ogniwo.services.metering.photos import BYTES_MAX, PhotoRefusedError, TooManyPhotosError
from ogniwo.services.wallet.energy import data_until

_REFUSED: Final = (
    BadReadingError,
    BackwardsReadingError,
    ImplausibleReadingError,
    PhotoRefusedError,
    TooManyPhotosError,
)


@wallet_page("meters/", name="wallet_meters", methods=("GET", "POST"))
def meters(request: HttpRequest, standing: Standing, *, code: str, number: str) -> HttpResponse:
    """The points with their last states; a form for each register."""
    said: Refusal | None = None
    if request.method == "POST":
        try:
            _declare(request, standing)
        except _REFUSED as refusal:
            said = refusal
        else:
            messages.success(request, _("Thank you. Your partner will accept or refuse the reading."))
            return redirect("wallet_meters", code=code, number=number)
    return shown_meters(request, standing, said=said)


def shown_meters(
    request: HttpRequest, standing: Standing, *, said: Refusal | None = None, said_of_media: Refusal | None = None
) -> HttpResponse:
    """The page of all meters; after a refusal of a reading with what was refused and what had been typed."""
    now = workspace().now().astimezone(ZoneInfo(WARSAW))
    context = {
        "meters": own_meters(workspace(), subject=standing.subject),
        "media": media_of(standing),
        "until": data_until(workspace(), subject=standing.subject),
        "now": f"{now:%Y-%m-%dT%H:%M}",
        "said": said,
        "refusal": said.code if said else "",
        "refusal_of_media": said_of_media.code if said_of_media else "",
        "given": request.POST if said or said_of_media else {},
        "megabytes_max": BYTES_MAX // 1_000_000,
    }
    status = HTTPStatus.UNPROCESSABLE_ENTITY if said or said_of_media else HTTPStatus.OK
    return render(request, "web/wallet/meters.html", context, status=status)


def _declare(request: HttpRequest, standing: Standing) -> None:
    """Keep the reading of the form."""
    given = request.POST
    try:
        at = datetime.fromisoformat(given.get("at", "")).replace(tzinfo=ZoneInfo(WARSAW))
    except ValueError as error:
        raise BadReadingError(detail="the day and time of the reading are missing") from error
    seen = Seen(
        point=given.get("point", ""),
        obis=given.get("obis", ""),
        value=given.get("value", ""),
        at=at,
        note=given.get("note", ""),
        photo=sent_photo(request),
    )
    sure = given.get("sure") == "1"
    declare_reading(workspace(), seen, subject=standing.subject, sure=sure, by=viewer(request).login)


def sent_photo(request: HttpRequest) -> bytes:
    """The bytes of the photo in the form, b"" for none; one that is too large is not read at all."""
    sent = request.FILES.get("photo")
    if not isinstance(sent, UploadedFile):
        return b""
    if (sent.size or 0) > BYTES_MAX:
        raise PhotoRefusedError(detail=f"the photo has more than {BYTES_MAX // 1_000_000} MB")
    if not sent.size:
        raise PhotoRefusedError(detail="the photo is empty")
    return sent.read()


@wallet_page("meters/photos/<int:reading_id>/", name="wallet_meters_photo")
def photo(request: HttpRequest, standing: Standing, *, code: str, number: str, reading_id: int) -> HttpResponse:  # noqa: ARG001
    """The photo that the member sent with a reading."""
    return shown_photo(reading_id=reading_id, subject=standing.subject)
