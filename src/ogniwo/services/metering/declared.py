"""A reading that a member declared, of whichever kind of meter: what all of them show, and the reason of a decision."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from ogniwo.core.kernel.refusals import Refusal
from ogniwo.records.declared import DeclaredValue

_REASON_LEAST: Final = 3
TEXT_MOST: Final = 300


class ReadingDecidedError(Refusal):
    """A declared reading was accepted or refused before; or it is refused without a reason."""

    code = "reading.decided"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclaredView:
    """A state in 10^-3 of its unit with what became of it; the band is the one the member saw.

    `photo` is the kind of the photo that came with it: jpeg, png, webp, or "" for none.
    """

    reading_id: int
    value_e3: int
    low_e3: int | None
    high_e3: int | None
    note: str
    declared_by: str
    declared_at: datetime
    state: str
    decided_by: str
    reason: str
    photo: str

    @property
    def plausible(self) -> bool:
        """Whether it lies in the band; without a band nobody can say no."""
        return self.low_e3 is None or self.high_e3 is None or self.low_e3 <= self.value_e3 <= self.high_e3


def shared_fields(row: DeclaredValue) -> dict[str, Any]:
    """The fields of a DeclaredView."""
    photo = getattr(row, "photo", None)
    return {
        "reading_id": row.pk,
        "value_e3": row.value_e3,
        "low_e3": row.low_e3,
        "high_e3": row.high_e3,
        "note": row.note,
        "declared_by": row.declared_by,
        "declared_at": row.declared_at,
        "state": row.state,
        "decided_by": row.decided_by,
        "reason": row.reason,
        "photo": photo.kind if photo else "",
    }


def reason_of(text: str, *, accept: bool) -> str:
    """The reason of a decision as it is kept; to refuse needs one. Raises ReadingDecidedError."""
    said = text.strip()[:TEXT_MOST]
    if not accept and len(said) < _REASON_LEAST:
        raise ReadingDecidedError(detail="say why the reading is refused")
    return said
