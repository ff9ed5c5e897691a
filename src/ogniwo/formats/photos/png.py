"""PNG (ISO/IEC 15948) as its picture alone."""

import zlib
from collections.abc import Iterator
from typing import Final

from ogniwo.formats.photos.model import Photo, PhotoRefusedError, damaged

START: Final = b"\x89PNG\r\n\x1a\n"
_KEPT: Final = frozenset({b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"})


def read_png(data: bytes) -> Photo:
    """The photo without texts, times, profiles and further pictures. Raises PhotoRefusedError."""
    parts = list(_parts(data))
    head = parts[0][1]
    names = [name for name, _ in parts]
    if names[0] != b"IHDR" or len(head) != 25 or names.count(b"IHDR") != 1:
        raise damaged("its head is not where it belongs")
    if b"IDAT" not in names:
        raise damaged("it has no picture")
    unknown = [name for name in names if name not in _KEPT and not name[0] & 0x20]
    if unknown:
        raise PhotoRefusedError(detail=f"a PNG with a part that is not known ({unknown[0]!r})")
    kept = b"".join(whole for name, whole in parts if name in _KEPT)
    sides = (int.from_bytes(head[place : place + 4], "big") for place in (8, 12))
    return Photo(kind="png", width=next(sides), height=next(sides), data=START + kept)


def _parts(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Name and bytes of each part up to the end of the picture; what follows that is not looked at."""
    place, name = len(START), b""
    while name != b"IEND":
        length, name = int.from_bytes(data[place : place + 4], "big"), data[place + 4 : place + 8]
        whole = data[place : place + 12 + length]
        if len(name) != 4 or len(whole) != 12 + length:
            raise damaged(f"a part at byte {place} is cut off")
        if zlib.crc32(whole[4:-4]).to_bytes(4, "big") != whole[-4:]:
            raise damaged(f"the checksum of the part at byte {place} is wrong")
        place += len(whole)
        yield name, whole
