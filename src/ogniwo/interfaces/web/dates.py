"""Dates on pages stay in one piece.

A browser may break a line at the hyphens of 2026-11-22, and no style of the text around forbids it. So each date gets
an element of its own, wherever its text came from.
"""

import re
from collections.abc import Callable
from typing import Final

from django.http import HttpRequest, HttpResponse

_DATE: Final = re.compile(rb"20\d\d-(?:0[1-9]|1[0-2])(?:-[0-3]\d)?(?![\w-])")
_JOINED: Final = frozenset(b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_-/")
"""What stands before these digits in a longer name: a file, a path."""
_TEXT_ONLY: Final = (b"option", b"title", b"textarea", b"script", b"style", b"text", b"tspan", b"desc", b"/tspan")
"""Elements that may hold no element of HTML."""


class WholeDates:
    """Sets dates (ISO 8601) and months of finished pages in `time`, which style.css does not break."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer with whole dates."""
        response = self._get_response(request)
        if not response.streaming and response.headers.get("Content-Type", "").startswith("text/html"):
            response.content = with_whole_dates(response.content)
        return response


def with_whole_dates(page: bytes) -> bytes:
    """HTML with an element around each date in its text; attributes and what may hold text alone stay as they are."""
    pieces, done = [], 0
    for found in _DATE.finditer(page):
        start, end = found.span()
        if start and page[start - 1] in _JOINED:
            continue
        tag = page.rfind(b"<", 0, start)
        closed = page.find(b">", tag, start)
        if closed < 0 or _name(page[tag + 1 : closed]) in _TEXT_ONLY:
            continue
        pieces += [page[done:start], b"<time>", page[start:end], b"</time>"]
        done = end
    return b"".join([*pieces, page[done:]]) if pieces else page


def _name(tag: bytes) -> bytes:
    return tag.split(None, 1)[0] if tag.split() else b""
