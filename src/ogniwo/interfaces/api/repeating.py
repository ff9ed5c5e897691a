"""Idempotency-Key: the same request under the same key is done once and answered the same each time."""

import re
from collections.abc import Callable
from hashlib import sha256
from http import HTTPStatus
from typing import Final

from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse

from ogniwo.interfaces.api.context import workspace
from ogniwo.interfaces.api.problems import InvalidError, OtherRequestError, RunningError
from ogniwo.services.exchange.repeating import (
    KeptAnswer,
    OtherFingerprintError,
    StillRunningError,
    begin_call,
    end_call,
    forget_call,
)

HEADER: Final = "Idempotency-Key"
REPLAYED: Final = "Idempotency-Replayed"
PATTERN: Final = r"^[\x21-\x7e]{1,200}$"
_KEPT_HEADERS: Final = ("Content-Type", "Location", "ETag")
_NOT_KEPT: Final = frozenset({HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.UNAUTHORIZED})


def once(request: HttpRequest, owner: str, run: Callable[[], HttpResponse]) -> HttpResponse:
    """Run a request, or give the answer kept under its key.

    An answer that says "try later" or that something failed is not kept: the same request may run again.
    Raises RunningError, OtherRequestError, InvalidError.
    """
    key = request.headers.get(HEADER)
    if key is None:
        return run()
    if not re.fullmatch(PATTERN, key):
        where = {"pointer": f"#/{HEADER}", "in": "header", "detail": "1 to 200 printable characters without blanks"}
        raise InvalidError(detail=f"{HEADER} is 1 to 200 printable characters", errors=[where])
    try:
        kept = begin_call(workspace(), owner=owner, key=key, fingerprint=_fingerprint(request))
    except StillRunningError as refusal:
        raise RunningError(detail=refusal.detail, retry_after_s=2) from refusal
    except OtherFingerprintError as refusal:
        raise OtherRequestError(detail=refusal.detail) from refusal
    if kept is not None:
        return _again(kept)
    try:
        answer = run()
    except BaseException:
        forget_call(owner=owner, key=key)
        raise
    if answer.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR or answer.status_code in _NOT_KEPT:
        forget_call(owner=owner, key=key)
        return answer
    if "Retry-After" in answer.headers:
        forget_call(owner=owner, key=key)
        return answer
    headers = {name: answer.headers[name] for name in _KEPT_HEADERS if name in answer.headers}
    made = KeptAnswer(status=answer.status_code, headers=headers, body=answer.content)
    end_call(workspace(), owner=owner, key=key, answer=made)
    return answer


def _again(kept: KeptAnswer) -> HttpResponse:
    answer = HttpResponse(kept.body, status=kept.status)
    for name, value in kept.headers.items():
        answer[name] = value
    answer[REPLAYED] = "true"
    return answer


def _fingerprint(request: HttpRequest) -> str:
    """What makes a request the same: method, address, and what was sent, whatever marks the parts of a form."""
    digest = sha256(f"{request.method} {request.get_full_path()}\n".encode())
    if request.content_type == "multipart/form-data":
        for name in sorted(request.POST):
            digest.update(f"{name}={request.POST.getlist(name)!r}\n".encode())
        for name in sorted(request.FILES):
            for file in request.FILES.getlist(name):
                if isinstance(file, UploadedFile):
                    digest.update(f"{name}={file.name} {sha256(file.read()).hexdigest()}\n".encode())
                    file.seek(0)
    else:
        digest.update(request.body)
    return digest.hexdigest()
