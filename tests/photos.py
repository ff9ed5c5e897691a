"""Small real pictures, 16 x 8 points of red to blue, and what cameras write beside them."""

import zlib
from base64 import b64decode

JPEG = b64decode(
    "/9j/2wBDAA0JCgsKCA0LCgsODg0PEyAVExISEyccHhcgLikxMC4pLSwzOko+MzZGNywtQFdBRkxOUlNSMj5aYVpQYEpRUk//2wBD"
    "AQ4ODhMREyYVFSZPNS01T09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT0//wAARCAAIABAD"
    "ASIAAhEBAxEB/8QAFQABAQAAAAAAAAAAAAAAAAAAAAb/xAAWEAEBAQAAAAAAAAAAAAAAAAAAFGH/xAAVAQEBAAAAAAAAAAAAAAAA"
    "AAAEBv/EABcRAAMBAAAAAAAAAAAAAAAAAAAEFVL/2gAMAwEAAhEDEQA/AJGzSzQVsZTIys1o/9k="
)
PROGRESSIVE = b64decode(
    "/9j/2wBDAA0JCgsKCA0LCgsODg0PEyAVExISEyccHhcgLikxMC4pLSwzOko+MzZGNywtQFdBRkxOUlNSMj5aYVpQYEpRUk//2wBD"
    "AQ4ODhMREyYVFSZPNS01T09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT0//wgARCAAIABAD"
    "ASIAAhEBAxEB/8QAFQABAQAAAAAAAAAAAAAAAAAAAAX/xAAVAQEBAAAAAAAAAAAAAAAAAAADBf/aAAwDAQACEAMQAAABkCs3/8QA"
    "FRABAQAAAAAAAAAAAAAAAAAAABL/2gAIAQEAAQUCtb//xAAXEQADAQAAAAAAAAAAAAAAAAAAAxRR/9oACAEDAQE/Aa26f//EABcR"
    "AAMBAAAAAAAAAAAAAAAAAAADFFH/2gAIAQIBAT8BjVh//8QAFBABAAAAAAAAAAAAAAAAAAAAEP/aAAgBAQAGPwI//8QAFBABAAAA"
    "AAAAAAAAAAAAAAAAEP/aAAgBAQABPyEP/9oADAMBAAIAAwAAABAL/8QAFBEBAAAAAAAAAAAAAAAAAAAAAP/aAAgBAwEBPxAP/8QA"
    "FBEBAAAAAAAAAAAAAAAAAAAAAP/aAAgBAgEBPxBv/8QAFRABAQAAAAAAAAAAAAAAAAAAAHH/2gAIAQEAAT8QpT//2Q=="
)
PNG = b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAABAAAAAIEAIAAAAvhDSDAAAAQ0lEQVQoz7XSAQ0AIAwDwV+ClCEGMUMMeMFM8QIqWgOXJh/vYV2o"
    "IJcROIKRPqDd6X3QVNC3D4iRcGQEcoHKCAA4U/0aeBADugutcAAAAABJRU5ErkJggg=="
)
WEBP = b64decode(
    "UklGRlAAAABXRUJQVlA4IEQAAACwAgCdASoQAAgAAgA0JagCdLcAlgH8AuP8D0P9gAAA/vaw64VOXrH/ji+FUl6/eFUl/8Cd/4U1"
    "/5nM6/LrKOkkS4AAAA=="
)
LOSSLESS = b64decode(
    "UklGRkgAAABXRUJQVlA4TDsAAAAvD8ABAD8AEIT/bRMCgRQO0wKBxJ/xXJ5/gkmaajtGB+cDTEOykkIKKaSQQgop5P+xDhH9z+dYhqZIAgA="
)

SECRET = b"N 52 13 47 E 21 00 42 Telefon mojego sasiada"
"""What must not be found in a photo that was kept."""


def segment(marker, body):
    return bytes((0xFF, marker)) + (len(body) + 2).to_bytes(2, "big") + body


def exif(orientation, order="big"):
    """An EXIF part with an orientation and a position."""
    mark = b"MM" if order == "big" else b"II"

    def number(value, width):
        return value.to_bytes(width, order)

    entries = [
        number(0x010F, 2) + number(2, 2) + number(len(SECRET), 4) + number(50, 4),
        number(0x0112, 2) + number(3, 2) + number(1, 4) + number(orientation, 2) + b"\0\0",
    ]
    directory = number(len(entries), 2) + b"".join(entries) + number(0, 4)
    tiff = mark + number(42, 2) + number(8, 4) + directory
    return b"Exif\0\0" + tiff.ljust(50, b"\0") + SECRET


def from_a_camera(jpeg, orientation=6, order="big"):
    """The JPEG with everything that tells about who took it, and a second picture behind its end."""
    parts = [
        segment(0xE0, b"JFIF\0" + SECRET),
        segment(0xE1, exif(orientation, order)),
        segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + SECRET),
        segment(0xE2, b"ICC_PROFILE\0\1\1" + SECRET),
        segment(0xFE, SECRET),
    ]
    return jpeg[:2] + b"".join(parts) + jpeg[2:] + SECRET + jpeg


def chunk(name, body):
    return len(body).to_bytes(4, "big") + name + body + zlib.crc32(name + body).to_bytes(4, "big")


def png_with(png, *chunks):
    """The PNG with further parts behind its head, and something behind its end."""
    return png[:33] + b"".join(chunks) + png[33:] + SECRET


def webp_with(webp, *parts):
    """The WebP in its extended form with further parts."""
    sides = (15).to_bytes(3, "little") + (7).to_bytes(3, "little")
    extended = b"VP8X" + (10).to_bytes(4, "little") + bytes((0x2C, 0, 0, 0)) + sides
    more = b"".join(name + len(body).to_bytes(4, "little") + body + b"\0" * (len(body) % 2) for name, body in parts)
    body = b"WEBP" + extended + webp[12:] + more
    return b"RIFF" + len(body).to_bytes(4, "little") + body + SECRET
