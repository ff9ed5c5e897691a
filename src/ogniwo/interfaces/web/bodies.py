"""No body larger than any page or operation takes: refused by its announced length, or where it grows past it.

Django keeps a whole body (on disk, when it is large) before the first line of ours runs, so this stands before Django,
in the server. An address that takes less refuses by itself, with a code of its own.
"""

import asyncio
import io
import json
from collections.abc import Awaitable, Callable, MutableMapping
from http import HTTPStatus
from typing import Any, Final

from django.conf import settings
from django.core.handlers.asgi import ASGIRequest
from django.template.loader import render_to_string
from django.utils import translation

from ogniwo.interfaces.api.problems import PROBLEM_JSON, TooLargeError, answer_refusal
from ogniwo.interfaces.web.headers import POLICY
from ogniwo.services.metering.inbox import TOGETHER_BYTES_MAX
from ogniwo.services.workspace.meanings import meaning_of

FORM_BYTES_MAX: Final = TOGETHER_BYTES_MAX + 1_000_000
"""Of a form with files: those that may come together, and what stands around them."""
_LISTENS_BYTES: Final = 4 * FORM_BYTES_MAX
_LISTENS_S: Final = 10.0

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]


class _GrewTooLargeError(Exception):
    """The body has passed what may come."""


class BoundedBodies:
    """An ASGI application that answers 413 before the one within has kept too much."""

    def __init__(self, application: App) -> None:
        self._application = application

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._application(scope, receive, send)
            return
        headers = {name.lower(): value for name, value in scope["headers"]}
        most = bytes_max(headers.get(b"content-type", b""))
        announced = headers.get(b"content-length", b"0")
        if announced.isdigit() and int(announced) > most:
            await _refuse(scope, receive, send, most)
            return
        taken = 0

        async def bounded() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > most:
                raise _GrewTooLargeError
            return message

        try:
            await self._application(scope, bounded, send)
        except _GrewTooLargeError:
            await _refuse(scope, receive, send, most)


def bytes_max(content_type: bytes) -> int:
    """How many bytes a body of this media type may have."""
    form = content_type.lower().startswith(b"multipart/form-data")
    return FORM_BYTES_MAX if form else int(settings.DATA_UPLOAD_MAX_MEMORY_SIZE or FORM_BYTES_MAX)


async def _refuse(scope: MutableMapping[str, Any], receive: Receive, send: Send, most: int) -> None:
    """Say that it is too large, and why; go on listening a while, for who reads only when everything is sent.

    A connection that is closed on unread bytes is reset, and the answer is lost with it.
    """
    media_type, body = _said(scope, most)
    headers = {
        "content-type": media_type,
        "content-length": str(len(body)),
        "content-security-policy": POLICY,
        "cache-control": "no-store",
        "x-content-type-options": "nosniff",
        "connection": "close",
    }
    await send(
        {
            "type": "http.response.start",
            "status": int(HTTPStatus.REQUEST_ENTITY_TOO_LARGE),
            "headers": [(name.encode("ascii"), value.encode("ascii")) for name, value in headers.items()],
        }
    )
    await send({"type": "http.response.body", "body": body, "more_body": True})
    try:
        async with asyncio.timeout(_LISTENS_S):
            heard, more = 0, True
            while more and heard < _LISTENS_BYTES:
                message = await receive()
                heard += len(message.get("body", b""))
                more = message["type"] == "http.request" and message.get("more_body", False)
    except TimeoutError:
        pass
    await send({"type": "http.response.body", "body": b"", "more_body": False})


def _said(scope: MutableMapping[str, Any], most: int) -> tuple[str, bytes]:
    """The media type and the bytes of the answer, in the language of who asks."""
    request = ASGIRequest(scope, io.BytesIO())
    with translation.override(translation.get_language_from_request(request)):
        if request.path.startswith("/api/"):
            refusal = TooLargeError(detail=f"the body is larger than is taken here: at most {most} bytes")
            return PROBLEM_JSON, answer_refusal(request, refusal).content
        if "application/json" in request.headers.get("accept", "") or request.content_type == "application/json":
            meaning = meaning_of(TooLargeError.code, translation.get_language() or "")
            said = {"code": TooLargeError.code, "meaning": meaning, "detail": f"at most {most} bytes"}
            return "application/json", json.dumps(said).encode()
        page = render_to_string("web/too_large.html", {"most": most // 1_000_000, "code": TooLargeError.code})
        return "text/html; charset=utf-8", page.encode()
