"""WebP (RFC 9649) as its picture alone."""

from typing import Final

from ogniwo.formats.photos.model import Photo, PhotoRefusedError, damaged

_ALPHA: Final = 0x10


def is_webp(data: bytes) -> bool:
    """Whether the first bytes are those of a WebP file."""
    return data[:4] == b"RIFF" and data[8:12] == b"WEBP"


def read_webp(data: bytes) -> Photo:
    """The photo without EXIF, XMP and colour profile; an animation is refused. Raises PhotoRefusedError."""
    end = 8 + int.from_bytes(data[4:8], "little")
    if end > len(data):
        raise damaged("it is cut off")
    parts: dict[bytes, bytes] = {}
    place = 12
    while place < end:
        name, length = data[place : place + 4], int.from_bytes(data[place + 4 : place + 8], "little")
        body = data[place + 8 : place + 8 + length]
        if len(name) != 4 or len(body) != length or place + 8 + length > end:
            raise damaged(f"a part at byte {place} is cut off")
        if name in parts:
            raise damaged(f"a second part {name!r}")
        if name in {b"ANIM", b"ANMF"}:
            raise PhotoRefusedError(detail="an animation is no photo")
        parts[name] = body
        place += 8 + length + length % 2
    if (b"VP8 " in parts) == (b"VP8L" in parts):
        raise damaged("it has no picture, or two")
    size = _lossless(parts[b"VP8L"]) if b"VP8L" in parts else _lossy(parts[b"VP8 "])
    kept = [_part(name, parts[name]) for name in (b"ALPH", b"VP8 ", b"VP8L") if name in parts]
    if b"ALPH" in parts:
        sides = ((side - 1).to_bytes(3, "little") for side in size)
        kept.insert(0, _part(b"VP8X", bytes((_ALPHA, 0, 0, 0)) + b"".join(sides)))
    body = b"WEBP" + b"".join(kept)
    return Photo(kind="webp", width=size[0], height=size[1], data=b"RIFF" + len(body).to_bytes(4, "little") + body)


def _part(name: bytes, body: bytes) -> bytes:
    return name + len(body).to_bytes(4, "little") + body + b"\x00" * (len(body) % 2)


def _lossy(body: bytes) -> tuple[int, int]:
    """Width and height of a key frame (RFC 6386, 9.1)."""
    if len(body) < 10 or body[3:6] != b"\x9d\x01\x2a" or body[0] & 1:
        raise damaged("its frame is no picture")
    return int.from_bytes(body[6:8], "little") & 0x3FFF, int.from_bytes(body[8:10], "little") & 0x3FFF


def _lossless(body: bytes) -> tuple[int, int]:
    """Width and height of a lossless picture: fourteen bits each, less one."""
    if len(body) < 5 or body[0] != 0x2F:
        raise damaged("its frame is no picture")
    bits = int.from_bytes(body[1:5], "little")
    return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
