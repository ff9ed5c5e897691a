"""JPEG (ITU-T T.81) as its picture alone: tables, frame and scans; of EXIF only which way up it is."""

import re
from collections.abc import Iterator
from typing import Final

from ogniwo.formats.photos.model import Photo, PhotoRefusedError, damaged

START: Final = b"\xff\xd8\xff"
_EXIF: Final = b"Exif\x00\x00"
_FRAMES: Final = frozenset({0xC0, 0xC1, 0xC2})
"""Sequential and progressive with Huffman codes: what phones make and browsers show."""
_TABLES: Final = frozenset({0xC4, 0xDB, 0xDD})
_SCAN, _END, _ADOBE, _APP1 = 0xDA, 0xD9, 0xEE, 0xE1
_ADOBE_BYTES: Final = 12
_NEXT_MARKER: Final = re.compile(rb"\xff+[\x01-\xcf\xd8-\xfe]")
"""Behind a scan: not a stuffed FF00 and not a restart."""


def read_jpeg(data: bytes) -> Photo:
    """The photo without application data and comments. Raises PhotoRefusedError."""
    kept: list[bytes] = []
    sizes, turned, scans = [], 1, 0
    for marker, body, scan in _parts(data):
        if marker in _FRAMES and len(body) >= 6:
            sizes.append((int.from_bytes(body[3:5], "big"), int.from_bytes(body[1:3], "big")))
        if marker in _FRAMES | _TABLES | {_SCAN} or _says_colours(marker, body):
            kept.append(_segment(marker, body) + scan)
            scans += marker == _SCAN
        elif marker == _APP1 and body.startswith(_EXIF):
            turned = _orientation(body[len(_EXIF) :])
        elif not (0xE0 <= marker <= 0xEF or marker == 0xFE):
            raise PhotoRefusedError(detail=f"a JPEG of a kind that is not shown everywhere (marker {marker:02X})")
    if not scans or len(sizes) != 1:
        raise damaged("it has no picture, or two")
    if turned != 1:
        kept.insert(0, _segment(_APP1, _EXIF + _turned(turned)))
    data = b"\xff\xd8" + b"".join(kept) + b"\xff\xd9"
    return Photo(kind="jpeg", width=sizes[0][0], height=sizes[0][1], data=data)


def _parts(data: bytes) -> Iterator[tuple[int, bytes, bytes]]:
    """Marker, body and what is scanned behind it, to the end of the picture; what follows that is not looked at."""
    place = 2
    while True:
        marker, place = _marker(data, place)
        if marker == _END:
            return
        body = _body(data, place)
        place += 2 + len(body)
        scan = b""
        if marker == _SCAN:
            found = _NEXT_MARKER.search(data, place)
            if found is None:
                raise damaged("it ends within a scan")
            scan, place = data[place : found.start()], found.start()
        yield marker, body, scan


def _says_colours(marker: int, body: bytes) -> bool:
    """Whether this is the part that says how colours are written, without which some pictures come out wrong."""
    return marker == _ADOBE and body[:5] == b"Adobe" and len(body) == _ADOBE_BYTES


def _marker(data: bytes, place: int) -> tuple[int, int]:
    """The next marker and the place behind it."""
    if data[place : place + 1] != b"\xff":
        raise damaged(f"no marker at byte {place}")
    while data[place : place + 1] == b"\xff":
        place += 1
    if place >= len(data):
        raise damaged("it ends without its end")
    return data[place], place + 1


def _body(data: bytes, place: int) -> bytes:
    length = int.from_bytes(data[place : place + 2], "big")
    body = data[place + 2 : place + length]
    if length < 2 or len(body) != length - 2:
        raise damaged(f"a part at byte {place} is cut off")
    return body


def _segment(marker: int, body: bytes) -> bytes:
    return bytes((0xFF, marker)) + (len(body) + 2).to_bytes(2, "big") + body


def _orientation(tiff: bytes) -> int:
    """The orientation (1 to 8) of the first directory; 1 where none can be read: metadata decides over no photo."""
    if tiff[:2] not in {b"II", b"MM"}:
        return 1

    def number(place: int, width: int) -> int:
        return int.from_bytes(tiff[place : place + width], "little" if tiff[:2] == b"II" else "big")

    directory = number(4, 4)
    for entry in range(min(number(directory, 2), 200)):
        place = directory + 2 + 12 * entry
        if number(place, 2) == 0x0112 and number(place + 2, 2) == 3:
            found = number(place + 8, 2)
            return found if 1 <= found <= 8 else 1
    return 1


def _turned(orientation: int) -> bytes:
    """A TIFF header with one directory of one entry: the orientation."""
    entry = b"\x01\x12\x00\x03\x00\x00\x00\x01" + orientation.to_bytes(2, "big") + b"\x00\x00"
    return b"MM\x00\x2a\x00\x00\x00\x08\x00\x01" + entry + b"\x00\x00\x00\x00"
