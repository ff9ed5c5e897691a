"""How a user wants his pages, on whichever device."""

from typing import Final

from ogniwo.records.access.models import PageLook
from ogniwo.services.parties.choices import UnknownChoiceError

SIZES: Final = ("large", "larger")
"""Sizes of the text beside the usual one, which is ""."""


def page_look(user_id: int) -> tuple[str, ...]:
    """How a user wants his pages: a size of SIZES, "contrast", both or neither."""
    row = PageLook.objects.filter(user_id=user_id).first()
    if row is None:
        return ()
    return tuple(one for one in (row.size, "contrast" if row.contrast else "") if one)


def choose_page_look(*, user_id: int, size: str, contrast: bool) -> None:
    """Keep how a user wants his pages. Raises UnknownChoiceError."""
    if size not in ("", *SIZES):
        raise UnknownChoiceError(detail=f"there is no size {size[:20]!r}")
    PageLook.objects.update_or_create(user_id=user_id, defaults={"size": size, "contrast": contrast})
