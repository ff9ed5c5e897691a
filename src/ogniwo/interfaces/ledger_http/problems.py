"""Refusals as answers: RFC 9457 problem documents with the stable code, and the HTTP status of each code."""

from http import HTTPStatus
from typing import Final

import msgspec

from ogniwo.core.kernel.refusals import Refusal

RETRY_AFTER_S: Final = 1

PROBLEM_JSON: Final = b"application/problem+json"


class NoSuchPathError(Refusal):
    """There is nothing at this address."""

    code = "http.no_such_path"


class MethodError(Refusal):
    """The address takes another method."""

    code = "http.method"


class MediaTypeError(Refusal):
    """The body is of a kind that the address does not take."""

    code = "http.media_type"


class BodyTooLargeError(Refusal):
    """The body, or the number of transactions in it, is more than the address takes."""

    code = "http.too_large"


class MalformedRequestError(Refusal):
    """The request or its body cannot be read."""

    code = "http.malformed"


class ParameterError(Refusal):
    """A parameter of the address is missing, unknown or out of bounds."""

    code = "http.parameter"


class OverloadedError(Refusal):
    """More is being read or waited for than this server takes at once; try again later."""

    code = "http.overloaded"


class TooSlowError(Refusal):
    """A request did not arrive in the time that one may take."""

    code = "http.too_slow"


_STATUS: Final = {
    "http.no_such_path": HTTPStatus.NOT_FOUND,
    "http.method": HTTPStatus.METHOD_NOT_ALLOWED,
    "http.media_type": HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    "http.too_large": HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    "http.malformed": HTTPStatus.BAD_REQUEST,
    "http.parameter": HTTPStatus.BAD_REQUEST,
    "http.overloaded": HTTPStatus.SERVICE_UNAVAILABLE,
    "http.too_slow": HTTPStatus.REQUEST_TIMEOUT,
    "ledger.too_large": HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    "ledger.busy": HTTPStatus.SERVICE_UNAVAILABLE,
    "ledger.stopped": HTTPStatus.SERVICE_UNAVAILABLE,
    "ledger.malformed": HTTPStatus.BAD_REQUEST,
    "ledger.schema": HTTPStatus.BAD_REQUEST,
    "ledger.not_canonical": HTTPStatus.BAD_REQUEST,
    "ledger.base64url": HTTPStatus.BAD_REQUEST,
    "ledger.algorithm": HTTPStatus.BAD_REQUEST,
    "ledger.not_on_ledger": HTTPStatus.NOT_FOUND,
    "ledger.empty": HTTPStatus.NOT_FOUND,
    "ledger.proof_out_of_range": HTTPStatus.BAD_REQUEST,
    "query.not_permitted": HTTPStatus.FORBIDDEN,
    "query.form": HTTPStatus.BAD_REQUEST,
    "query.busy": HTTPStatus.SERVICE_UNAVAILABLE,
}

_TRY_LATER: Final = frozenset({"ledger.busy", "http.overloaded", "query.busy"})


def status_of(code: str) -> HTTPStatus:
    """The HTTP status of a code: 401 for a query that does not count, 422 for what the ledger's rules refuse."""
    known = _STATUS.get(code)
    if known is not None:
        return known
    return HTTPStatus.UNAUTHORIZED if code.startswith("query.") else HTTPStatus.UNPROCESSABLE_ENTITY


class Problem(msgspec.Struct, omit_defaults=True):
    """RFC 9457; `code` is ours, and what follows it is given where a transaction was judged."""

    title: str
    status: int
    detail: str
    code: str
    type: str = ""
    transaction: str = ""
    height: int = -1
    position: int = -1
    log_index: int = -1
    time: int = 0


Headers = list[tuple[bytes, bytes]]


def problem(code: str, detail: str, **facts: str | int) -> tuple[int, Headers, bytes]:
    """Status, headers and body of a refusal."""
    status = status_of(code)
    body = msgspec.json.encode(
        Problem(title=status.phrase, status=status, detail=detail, code=code, type="about:blank", **facts)  # type: ignore[arg-type]  # the facts of an answer
    )
    headers = [(b"content-type", PROBLEM_JSON), (b"content-length", b"%d" % len(body))]
    if code in _TRY_LATER:
        headers.append((b"retry-after", b"%d" % RETRY_AFTER_S))
    if status is HTTPStatus.UNAUTHORIZED:
        headers.append((b"www-authenticate", b"Ogniwo-Query"))
    if status in {HTTPStatus.REQUEST_ENTITY_TOO_LARGE, HTTPStatus.REQUEST_TIMEOUT}:
        headers.append((b"connection", b"close"))  # what is still to come of the request is not read
    return status, headers, body
