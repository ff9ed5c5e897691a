"""Photos of counters that members send with their readings: kept as the picture alone, seen by who sees the reading."""

from typing import Final

from ogniwo.core.kernel.ids import sha256_hex
from ogniwo.core.kernel.refusals import Refusal
from ogniwo.formats.photos.model import BYTES_MAX, Photo, PhotoRefusedError
from ogniwo.records.declared import CounterPhoto
from ogniwo.records.media.models import MediaPhoto, MediaReading
from ogniwo.records.messages.models import DeclaredReading, ReadingPhoto
from ogniwo.records.visibility import Subject

PHOTOS_WAITING_MAX: Final = 20
"""How many photos of one member may wait for a decision: what is kept must not grow at a member's pleasure."""

__all__ = [
    "BYTES_MAX",
    "Photo",
    "PhotoNotFoundError",
    "PhotoRefusedError",
    "TooManyPhotosError",
    "keep_photo",
    "media_photo_of",
    "photo_of",
]


class PhotoNotFoundError(Refusal):
    """There is no such reading with a photo, or the subject may not see it."""

    code = "photo.not_found"


class TooManyPhotosError(Refusal):
    """So many photos of the member wait for a decision that no further one is taken."""

    code = "photo.too_many"


def keep_photo(reading: DeclaredReading | MediaReading, photo: Photo) -> None:
    """Keep a photo beside its reading, once. Raises TooManyPhotosError."""
    if hasattr(reading, "photo"):
        return
    row: CounterPhoto
    if isinstance(reading, DeclaredReading):
        row, member = ReadingPhoto(reading=reading), reading.point.member
        waiting = ReadingPhoto.objects.filter(reading__point__member=member, reading__state="waiting").count()
    else:
        row, member = MediaPhoto(reading=reading), reading.meter.member
        waiting = MediaPhoto.objects.filter(reading__meter__member=member, reading__state="waiting").count()
    if waiting >= PHOTOS_WAITING_MAX:
        raise TooManyPhotosError(detail=f"{PHOTOS_WAITING_MAX} photos of {member.number} wait already")
    row.kind, row.width, row.height = photo.kind, photo.width, photo.height
    row.sha256, row.data = sha256_hex(photo.data), photo.data
    row.save(force_insert=True)


def photo_of(*, reading_id: int, subject: Subject) -> Photo:
    """The photo of a declared reading that the subject sees. Raises PhotoNotFoundError."""
    readings = DeclaredReading.objects.all().visible_to(subject).filter(pk=reading_id)
    return _shown(ReadingPhoto.objects.filter(reading__in=readings).first(), reading_id)


def media_photo_of(*, reading_id: int, subject: Subject) -> Photo:
    """The photo of a declared reading of gas, heat or water that the subject sees. Raises PhotoNotFoundError."""
    readings = MediaReading.objects.all().visible_to(subject).filter(pk=reading_id)
    return _shown(MediaPhoto.objects.filter(reading__in=readings).first(), reading_id)


def _shown(row: CounterPhoto | None, reading_id: int) -> Photo:
    if row is None:
        raise PhotoNotFoundError(detail=f"reading {reading_id} has no photo")
    return Photo(kind=row.kind, width=row.width, height=row.height, data=bytes(row.data))
