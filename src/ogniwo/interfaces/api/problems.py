"""Every refusal as RFC 9457 problem+json: a stable code, the status it has, and where in the request it lies."""

import re
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, ClassVar, Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.translation import gettext_lazy as _

from ogniwo.core.kernel.refusals import Refusal

PROBLEM_JSON: Final = "application/problem+json"
PREFIX: Final = "/api/v1"


class HttpRefusal(Refusal):
    """The request itself is refused."""

    code = "api.refused"
    status: ClassVar[HTTPStatus] = HTTPStatus.BAD_REQUEST

    def __init__(
        self,
        *,
        detail: str,
        errors: Sequence[Mapping[str, str]] = (),
        retry_after_s: int = 0,
    ) -> None:
        super().__init__(detail=detail)
        self.errors = tuple(errors)
        self.retry_after_s = retry_after_s


class UnauthenticatedError(HttpRefusal):
    """There is no valid key and no signed-in user behind the request."""

    code = "api.unauthenticated"
    status = HTTPStatus.UNAUTHORIZED


class ScopeMissingError(HttpRefusal):
    """The key was not given the scope that the operation needs."""

    code = "api.scope_missing"
    status = HTTPStatus.FORBIDDEN


class PersonNeededError(HttpRefusal):
    """A person who is signed in has to do this; a key of a program does not count as a second person."""

    code = "api.person_needed"
    status = HTTPStatus.FORBIDDEN


class CsrfError(HttpRefusal):
    """A change from a browser came without the token of the page (X-CSRFToken)."""

    code = "api.csrf"
    status = HTTPStatus.FORBIDDEN


class NoSuchAddressError(HttpRefusal):
    """There is nothing at this address."""

    code = "api.no_such_address"
    status = HTTPStatus.NOT_FOUND


class NoSuchCodeError(HttpRefusal):
    """There is no problem of this code."""

    code = "api.no_such_code"
    status = HTTPStatus.NOT_FOUND


class BadMethodError(HttpRefusal):
    """The address takes other methods; they are in Allow."""

    code = "api.method"
    status = HTTPStatus.METHOD_NOT_ALLOWED


class NotAcceptableError(HttpRefusal):
    """No media type that the caller accepts can be given."""

    code = "api.not_acceptable"
    status = HTTPStatus.NOT_ACCEPTABLE


class MediaTypeError(HttpRefusal):
    """The body is of a media type that the operation does not take."""

    code = "api.media_type"
    status = HTTPStatus.UNSUPPORTED_MEDIA_TYPE


class MalformedError(HttpRefusal):
    """The request or its body cannot be read."""

    code = "api.malformed"


class TooLargeError(HttpRefusal):
    """The body is larger than the operation takes."""

    code = "api.too_large"
    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE


class InvalidError(HttpRefusal):
    """Values of the request are missing, unknown or out of bounds; `errors` says which."""

    code = "api.invalid"
    status = HTTPStatus.UNPROCESSABLE_ENTITY


class VersionMissingError(HttpRefusal):
    """A change needs If-Match with the ETag of what was read."""

    code = "api.version_missing"
    status = HTTPStatus.PRECONDITION_REQUIRED


class VersionDiffersError(HttpRefusal):
    """What is to be changed is no longer what was read; read it again."""

    code = "api.version_differs"
    status = HTTPStatus.PRECONDITION_FAILED


class RunningError(HttpRefusal):
    """A request with the same Idempotency-Key is still running."""

    code = "api.still_running"
    status = HTTPStatus.CONFLICT


class OtherRequestError(HttpRefusal):
    """The Idempotency-Key was used for another request."""

    code = "api.key_reused"
    status = HTTPStatus.UNPROCESSABLE_ENTITY


class TooOftenError(HttpRefusal):
    """More was asked for than one caller may; Retry-After says when to ask again."""

    code = "api.too_often"
    status = HTTPStatus.TOO_MANY_REQUESTS


class InternalError(HttpRefusal):
    """Something is wrong on our side; nothing is known to have been changed, and the log of the server says more."""

    code = "api.internal"
    status = HTTPStatus.INTERNAL_SERVER_ERROR


TITLES: Final = {
    400: _("The request cannot be read"),
    401: _("Who asks is not known"),
    403: _("This is not allowed"),
    404: _("There is nothing here"),
    405: _("The address takes other methods"),
    406: _("No such form can be given"),
    409: _("The state does not allow this"),
    412: _("It has changed meanwhile"),
    413: _("This is too much at once"),
    415: _("This form is not taken"),
    422: _("The request is not right"),
    428: _("Say which version is meant"),
    429: _("Too many requests"),
    500: _("Something went wrong on our side"),
    503: _("Try again later"),
}

_STATUS: Final = {
    "access.not_allowed": HTTPStatus.FORBIDDEN,
    "approval.moved_on": HTTPStatus.PRECONDITION_FAILED,
    "import.too_much_at_once": HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    "proof.not_found": HTTPStatus.NOT_FOUND,
    "ledger.not_found": HTTPStatus.NOT_FOUND,
    "ledger.not_on_ledger": HTTPStatus.NOT_FOUND,
    "ledger.busy": HTTPStatus.SERVICE_UNAVAILABLE,
    "ledger.locked": HTTPStatus.SERVICE_UNAVAILABLE,
    "series.locked": HTTPStatus.SERVICE_UNAVAILABLE,
    "ledger.stopped": HTTPStatus.SERVICE_UNAVAILABLE,
    "ledger.store_unreachable": HTTPStatus.SERVICE_UNAVAILABLE,
    "ledger.refused": HTTPStatus.UNPROCESSABLE_ENTITY,
}
_UNPROCESSABLE: Final = re.compile(
    r"jobs\.(bad_rule|not_plannable|unknown_kind)|(tariff|rate_file|quantity|capacity|zone|import|read|register|quality|webhook|api_key|explorer|calculation)\.|"
    r"ledger\.(malformed|schema|canonical|not_canonical|base64url|algorithm|too_large|proof_out_of_range|checkpoint)",
)
_LATER: Final = {"workspace.busy": 5, "ledger.busy": 1, "ledger.locked": 5, "series.locked": 2, "ledger.stopped": 5}


def status_of(refusal: Refusal) -> HTTPStatus:
    """The status of a refusal: its own, 404 for what is not found, 422 for what was sent, else 409."""
    if isinstance(refusal, HttpRefusal):
        return refusal.status
    if refusal.code in _STATUS:
        return _STATUS[refusal.code]
    if refusal.code.endswith(("not_found", ".erased")):
        return HTTPStatus.NOT_FOUND
    return HTTPStatus.UNPROCESSABLE_ENTITY if _UNPROCESSABLE.match(refusal.code) else HTTPStatus.CONFLICT


def answer_refusal(request: HttpRequest, refusal: Refusal) -> HttpResponse:
    """A refusal as problem+json, in the language of the request where texts exist."""
    status = status_of(refusal)
    body: dict[str, Any] = {
        "type": f"{settings.SITE_ORIGIN}{PREFIX}/problems/{refusal.code}",
        "title": str(TITLES.get(int(status), status.phrase)),
        "status": int(status),
        "detail": refusal.detail,
        "instance": request.path,
        "code": refusal.code,
    }
    wait = _LATER.get(refusal.code, 0)
    if isinstance(refusal, HttpRefusal):
        wait = wait or refusal.retry_after_s
        if refusal.errors:
            body["errors"] = [dict(one) for one in refusal.errors]
    answer = JsonResponse(body, status=status, content_type=PROBLEM_JSON, json_dumps_params={"ensure_ascii": False})
    if wait:
        answer["Retry-After"] = str(wait)
    if status is HTTPStatus.UNAUTHORIZED:
        answer["WWW-Authenticate"] = 'Bearer realm="ogniwo"'
    return answer


def refusal_of_status(status: int, *, allow: str = "") -> HttpRefusal:
    """What to say where the framework answered before any operation was reached."""
    known: dict[int, HttpRefusal] = {
        403: CsrfError(detail="the request was refused before it was read"),
        404: NoSuchAddressError(detail="there is nothing at this address"),
        405: BadMethodError(detail=f"this address takes {allow or 'other methods'}"),
        413: TooLargeError(detail="the body is larger than is taken here"),
    }
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return InternalError(detail="something is wrong on our side")
    return known.get(status, MalformedError(detail="the request cannot be read"))
