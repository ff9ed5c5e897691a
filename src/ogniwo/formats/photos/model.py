"""What a photo is here, and why one is refused."""

from dataclasses import dataclass
from typing import Final

from ogniwo.core.kernel.refusals import Refusal

BYTES_MAX: Final = 8_000_000
POINTS_MAX: Final = 64_000_000
SIDE_MAX: Final = 16_000


class PhotoRefusedError(Refusal):
    """A file is no JPEG, PNG or WebP photo, is damaged, or has too many bytes or points."""

    code = "photo.refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Photo:
    """A picture and nothing else; `kind` is jpeg, png or webp, width and height are those of its points."""

    kind: str
    width: int
    height: int
    data: bytes

    def __post_init__(self) -> None:
        if not (0 < self.width <= SIDE_MAX and 0 < self.height <= SIDE_MAX) or self.width * self.height > POINTS_MAX:
            raise PhotoRefusedError(detail=f"{self.width} x {self.height} points are not between one and too many")


def damaged(what: str) -> PhotoRefusedError:
    """The refusal of a file that ends early or contradicts itself."""
    return PhotoRefusedError(detail=f"the photo is damaged: {what}")
