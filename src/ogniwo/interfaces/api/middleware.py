"""What happens to a request of the API before and after an operation: limits by address, and no answer but ours."""

import logging
from collections.abc import Callable
from http import HTTPStatus
from typing import Final

from django.http import HttpRequest, HttpResponse
from django.utils import translation

from ogniwo.interfaces.api.limits import ADDRESSES
from ogniwo.interfaces.api.problems import (
    PREFIX,
    PROBLEM_JSON,
    HttpRefusal,
    MalformedError,
    TooOftenError,
    answer_refusal,
    refusal_of_status,
)

_LOG: Final = logging.getLogger("ogniwo.api")


class ApiProblems:
    """Makes problem+json of every error of the API's addresses, whoever answered it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer; addresses of others pass untouched."""
        if not request.path_info.startswith("/api/"):
            return self._get_response(request)
        wait = ADDRESSES.take(address_of(request))
        if wait:
            return _said(request, TooOftenError(detail="too many requests from this address", retry_after_s=wait))
        if "\x00" in request.path_info or "%00" in request.META.get("QUERY_STRING", ""):
            return _said(request, MalformedError(detail="an address holds no zero bytes"))
        answer = self._get_response(request)
        if answer.status_code >= HTTPStatus.BAD_REQUEST and answer.headers.get("Content-Type") != PROBLEM_JSON:
            _LOG.debug("%s %s was answered with %s", request.method, request.path_info, answer.status_code)
            refusal = refusal_of_status(answer.status_code, allow=answer.headers.get("Allow", ""))
            said = _said(request, refusal)
            if "Allow" in answer.headers:
                said["Allow"] = answer.headers["Allow"]
            answer = said
        for name, text in getattr(request, "goes_away", {}).items():
            answer[name] = text
        return answer


def address_of(request: HttpRequest) -> str:
    """The network address a request came from, as the server saw it."""
    return str(request.META.get("REMOTE_ADDR", ""))


def _said(request: HttpRequest, refusal: HttpRefusal) -> HttpResponse:
    with translation.override(translation.get_language_from_request(request)):
        return answer_refusal(request, refusal)


__all__ = ["PREFIX", "ApiProblems", "address_of"]
