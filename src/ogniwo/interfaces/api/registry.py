"""The table of all operations: address, act, scope, answer; a guard before each, and nothing else has an address."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import wraps
from http import HTTPStatus
from typing import Any, Final, TypedDict, Unpack

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from pydantic import BaseModel, TypeAdapter

from ogniwo.core.kernel.refusals import Refusal
from ogniwo.interfaces.api.callers import SAFE, Caller, caller_of
from ogniwo.interfaces.api.deprecations import headers_of
from ogniwo.interfaces.api.problems import (
    InvalidError,
    MediaTypeError,
    PersonNeededError,
    ScopeMissingError,
    answer_refusal,
)
from ogniwo.interfaces.api.repeating import once
from ogniwo.interfaces.api.versions import etag_of, unchanged
from ogniwo.services.access.roles import Act
from ogniwo.services.access.scopes import Scope
from ogniwo.services.access.viewers import NotAllowedError, OutOfSightError, Standing, place_of
from ogniwo.services.workspace.audit import acting_as

View = Callable[..., Any]


class ApiRequest(HttpRequest):
    """A request that passed the guard."""

    caller: Caller


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer with another status than 200, or with headers."""

    value: Any
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One operation. `act` None: everybody who is known, or with `open` everybody; `own`: a member for his own rows.

    `files` are media types beside JSON; `persons` refuses keys; `matches` needs If-Match; `repeatable` takes an
    Idempotency-Key; `versioned` answers with an ETag.
    """

    method: str
    route: str
    name: str
    view: View
    answer: Any = None
    status: int = 200
    act: Act | None = None
    scope: Scope | None = None
    own: bool = False
    open: bool = False
    persons: bool = False
    matches: bool = False
    repeatable: bool = False
    versioned: bool = False
    sends: str = "application/json"
    files: tuple[str, ...] = ()

    @property
    def in_organisation(self) -> bool:
        """Whether the address names an organisation."""
        return self.route.startswith("/organisations/{code}")


OPERATIONS: Final[list[Operation]] = []
PARAMETERS: Final[dict[str, frozenset[str]]] = {}
"""The names that each operation takes in the query of its address, filled in when the addresses are made."""


class Facts(TypedDict, total=False):
    """What an operation may say of itself; see Operation for what is meant, and for what holds when it is left out."""

    answer: Any
    act: Act
    scope: Scope
    own: bool
    open: bool
    persons: bool
    matches: bool
    repeatable: bool
    versioned: bool
    status: int
    sends: str
    files: tuple[str, ...]


def operation(method: str, route: str, **facts: Unpack[Facts]) -> Callable[[View], View]:
    """Register an operation: `view(request, ...)` after the guard let the caller through.

    A POST can be repeated under an Idempotency-Key unless `repeatable` is False.
    """

    def register(view: View) -> View:
        said: dict[str, Any] = {"repeatable": method == "POST", **facts}
        OPERATIONS.append(Operation(method=method, route=route, name=view.__name__, view=view, **said))
        return view

    return register


def guard(one: Operation) -> Callable[[HttpRequest], bool]:
    """What lets a caller through, before any value of the request is read."""

    def allow(request: HttpRequest) -> bool:
        request.goes_away = headers_of(one.name, request.GET)  # type: ignore[attr-defined]
        if not one.open:
            request.caller = _placed(request, one, caller_of(request))  # type: ignore[attr-defined]
        unknown = sorted(set(request.GET) - PARAMETERS.get(one.name, frozenset()))
        if unknown:
            errors = [{"pointer": f"#/{name[:60]}", "in": "query", "detail": "unknown"} for name in unknown[:20]]
            raise InvalidError(detail="the address holds parameters that the operation does not know", errors=errors)
        if request.method not in SAFE and _has_body(request) and request.content_type != one.sends:
            raise MediaTypeError(detail=f"send {one.sends}, not {(request.content_type or '')[:60]!r}")
        return True

    return allow


def _has_body(request: HttpRequest) -> bool:
    return request.META.get("CONTENT_LENGTH") not in {None, "", "0"}


def _placed(request: HttpRequest, one: Operation, caller: Caller) -> Caller:
    """The caller as what he is where he asks. Raises OutOfSightError, NotAllowedError, ScopeMissingError."""
    code = str(request.resolver_match.kwargs.get("code", "")) if request.resolver_match else ""
    place = (place_of(code) or "") if one.in_organisation else ""
    if one.in_organisation and not place:
        raise OutOfSightError(detail="there is nothing here")
    standing = _standing(one, caller, place)
    if caller.scopes is not None:
        if one.persons:
            raise PersonNeededError(detail="this is done by a person who is signed in, not by a key")
        if one.scope is not None and one.scope not in caller.scopes:
            raise ScopeMissingError(detail=f"the key was not given the scope {one.scope.value}")
    return replace(caller, standing=standing, place=place)


def _standing(one: Operation, caller: Caller, place: str) -> Standing | None:
    if one.act is None:
        return caller.viewer.standings[0] if caller.viewer.standings else None
    try:
        return caller.viewer.at(one.act, path=place)
    except NotAllowedError:
        if not one.own:
            raise
        return caller.viewer.at(Act.OWN_WALLET, path=place)


def wrapped(one: Operation) -> View:
    """The operation as the framework calls it: in the caller's name, once per Idempotency-Key, answered as promised."""
    answered = TypeAdapter(one.answer) if one.answer is not None else None

    @wraps(one.view)
    def call(request: ApiRequest, **values: Any) -> HttpResponseBase:  # noqa: ANN401 -- typed by each operation
        if one.open:
            return _answer(request, one, answered, one.view(request, **values))
        with acting_as(request.caller.viewer.login):
            if not one.repeatable:
                return _answer(request, one, answered, one.view(request, **values))

            def run() -> HttpResponse:
                try:
                    return _answer(request, one, answered, one.view(request, **values))
                except Refusal as refusal:  # what is refused is an answer, and repeated as one
                    return answer_refusal(request, refusal)

            return once(request, request.caller.name, run)

    return call


def _answer(request: HttpRequest, one: Operation, answered: TypeAdapter[Any] | None, result: Any) -> HttpResponse:  # noqa: ANN401 -- any schema
    if isinstance(result, HttpResponseBase):
        return result  # type: ignore[return-value]  # files are streamed
    said = result if isinstance(result, Answer) else Answer(result, one.status)
    if answered is None:
        return HttpResponse(status=HTTPStatus.NO_CONTENT)
    value = said.value if isinstance(said.value, BaseModel) else answered.validate_python(said.value)
    data = answered.dump_json(value)
    headers = dict(said.headers)
    if one.versioned and "ETag" not in headers:
        headers["ETag"] = etag_of(data)
    if request.method in SAFE and "ETag" in headers and unchanged(request, headers["ETag"]):
        answer = HttpResponse(status=HTTPStatus.NOT_MODIFIED)
    else:
        answer = HttpResponse(data, status=said.status, content_type="application/json")
    for name, text in headers.items():
        answer[name] = text
    return answer
