"""A photo by its content, whatever its name says."""

from ogniwo.formats.photos.jpeg import START as JPEG
from ogniwo.formats.photos.jpeg import read_jpeg
from ogniwo.formats.photos.model import BYTES_MAX, Photo, PhotoRefusedError
from ogniwo.formats.photos.png import START as PNG
from ogniwo.formats.photos.png import read_png
from ogniwo.formats.photos.webp import is_webp, read_webp


def read_photo(data: bytes) -> Photo:
    """The picture of a JPEG, PNG or WebP file and nothing else of it. Raises PhotoRefusedError."""
    if len(data) > BYTES_MAX:
        raise PhotoRefusedError(detail=f"the photo has more than {BYTES_MAX // 1_000_000} MB")
    if data.startswith(JPEG):
        return read_jpeg(data)
    if data.startswith(PNG):
        return read_png(data)
    if is_webp(data):
        return read_webp(data)
    raise PhotoRefusedError(detail="the file is no JPEG, PNG or WebP photo")
