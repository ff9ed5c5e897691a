"""The addresses of the API, made from the table of operations and from nothing else."""

from http import HTTPStatus
from importlib import import_module
from typing import Any, Final

from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, URLResolver, path, re_path
from ninja import NinjaAPI
from ninja.errors import HttpError, ValidationError

from ogniwo.core.kernel.refusals import Refusal
from ogniwo.interfaces.api.problems import (
    InternalError,
    InvalidError,
    MalformedError,
    NoSuchAddressError,
    TooLargeError,
    answer_refusal,
    refusal_of_status,
)
from ogniwo.interfaces.api.registry import OPERATIONS, PARAMETERS, guard, wrapped

RESOURCES: Final = (
    "me",
    "organisations",
    "members",
    "points",
    "intervals",
    "files",
    "quality",
    "alarms",
    "settlement_runs",
    "bills",
    "ledger",
    "tariffs",
    "jobs",
    "schedules",
    "webhooks",
    "about",
)
VERSION: Final = "1.2.0"

for _resource in RESOURCES:
    import_module(f"ogniwo.interfaces.api.resources.{_resource}")


def _made() -> NinjaAPI:
    made = NinjaAPI(
        title="Ogniwo",
        version=VERSION,
        description="From the meter reading to the bill and the ledger: see docs/api.md.",
        openapi_url=None,
        docs_url=None,
        urls_namespace="api-v1",
    )
    for one in OPERATIONS:
        responses: dict[int, Any] = {one.status: one.answer}
        made.api_operation(
            [one.method],
            one.route,
            auth=[guard(one)],
            response=responses,
            operation_id=one.name,
            summary=(one.view.__doc__ or one.name).strip().splitlines()[0],
            description=(one.view.__doc__ or "").strip(),
            tags=[one.view.__module__.rpartition(".")[2]],
            by_alias=True,
        )(wrapped(one))
    for bound in made._get_bound_routers():  # noqa: SLF001 -- the framework has no other list of what it made
        for view in bound.path_operations.values():
            for each in view.operations:
                PARAMETERS[str(each.operation_id)] = frozenset(
                    name
                    for model in each.models
                    if model.__ninja_param_source__ == "query"
                    for name in (field.alias or key for key, field in _flat(model))
                )
    return made


def _flat(model: Any) -> list[tuple[str, Any]]:  # noqa: ANN401 -- the framework's own classes
    """The fields of a parameter model, those of the schemas in it taken apart as the framework does."""
    found: list[tuple[str, Any]] = []
    for key, field in model.model_fields.items():
        inner = getattr(field.annotation, "model_fields", None)
        found.extend(inner.items() if inner else [(key, field)])
    return found


def _refused(request: HttpRequest, refusal: Any) -> HttpResponse:  # noqa: ANN401 -- registered for refusals only
    return answer_refusal(request, refusal)


def _invalid(request: HttpRequest, error: Any) -> HttpResponse:  # noqa: ANN401 -- registered for ValidationError only
    errors = []
    for one in error.errors[:50]:
        where, *place = one["loc"]
        if where == "body" and place:
            place = place[1:] if len(place) > 1 else []
        pointer = "#/" + "/".join(str(part).replace("~", "~0").replace("/", "~1") for part in place)
        errors.append({"pointer": pointer, "in": str(where), "detail": str(one["msg"])})
    return answer_refusal(request, InvalidError(detail="values of the request are not right", errors=errors))


def _failed(request: HttpRequest, error: Any) -> HttpResponse:  # noqa: ANN401 -- registered for exceptions
    """What the framework or Django found wrong with a request, and our own mistakes: those are logged and raised."""
    if isinstance(error, RequestDataTooBig):
        return answer_refusal(request, TooLargeError(detail="the body is larger than is taken here"))
    if isinstance(error, SuspiciousOperation | RecursionError):
        return answer_refusal(request, MalformedError(detail="the request cannot be read"))
    if isinstance(error, HttpError):
        if error.status_code == HTTPStatus.BAD_REQUEST:
            return answer_refusal(request, MalformedError(detail="the body is not JSON"))
        return answer_refusal(request, refusal_of_status(error.status_code))
    raise error


api: Final = _made()
api.add_exception_handler(Refusal, _refused)
api.add_exception_handler(ValidationError, _invalid)
api.add_exception_handler(HttpError, _failed)
api.add_exception_handler(Exception, _failed)


def _nothing(request: HttpRequest, **_rest: str) -> HttpResponse:
    return answer_refusal(request, NoSuchAddressError(detail="there is nothing at this address"))


def url_patterns() -> list[URLPattern | URLResolver]:
    """The addresses of the API, and problem+json for every other one below /api/."""
    return [path("api/v1/", api.urls), re_path(r"^api/(?P<rest>.*)$", _nothing, name="api-nothing")]


__all__ = ["InternalError", "api", "url_patterns"]
