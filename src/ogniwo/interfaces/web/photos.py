"""A photo of a counter as an answer, for the member and for his partner."""

from django.http import HttpResponse

from ogniwo.services.access.viewers import out_of_sight
from ogniwo.services.metering.photos import Photo, PhotoNotFoundError, photo_of
from ogniwo.services.workspace.queries import Subject


def shown_photo(*, reading_id: int, subject: Subject) -> HttpResponse:
    """The picture with the type that its content has; nothing in it may run. Out of sight is not found."""
    with out_of_sight(PhotoNotFoundError):
        found = photo_of(reading_id=reading_id, subject=subject)
    return photo_answer(found, name=f"reading-{reading_id}")


def photo_answer(found: Photo, *, name: str) -> HttpResponse:
    """A picture as an answer, under a name without its end; nothing in it may run."""
    end = "jpg" if found.kind == "jpeg" else found.kind
    answer = HttpResponse(found.data, content_type=f"image/{found.kind}")
    answer["Content-Disposition"] = f'inline; filename="{name}.{end}"'
    answer["Content-Security-Policy"] = "default-src 'none'; frame-ancestors 'none'; sandbox"
    return answer
