"""Lists in pages: a cursor names the last row that was given, so that rows that come or go move nothing."""

import base64
import binascii
import json
from collections.abc import Callable, Iterable, Sequence
from typing import Annotated, Any, Generic, TypeVar

from django.http import HttpRequest
from ninja import Schema
from pydantic import Field

from ogniwo.interfaces.api.problems import InvalidError

LIMIT_MAX = 500
Row = TypeVar("Row")
Out = TypeVar("Out")


class Paged(Schema):
    """How much of a list is asked for, and from where on."""

    limit: Annotated[int, Field(ge=1, le=LIMIT_MAX, description="How many rows at most.")] = 100
    cursor: Annotated[
        str, Field(max_length=400, description="Where the page before ended: taken from its `next`, not made up.")
    ] = ""


class Page(Schema, Generic[Out]):
    """A page of a list; `next` is the address of the next one, null on the last."""

    items: list[Out]
    next: str | None


def page_of(
    request: HttpRequest,
    rows: Iterable[Row],
    *,
    paged: Paged,
    key: Callable[[Row], tuple[str | int, ...]],
    shape: Callable[[Row], Out],
) -> dict[str, Any]:
    """The rows after the cursor, in the order of their unique key. Raises InvalidError for a cursor of none of ours."""
    ordered = sorted(rows, key=key)
    if paged.cursor:
        after = _decoded(paged.cursor)
        try:
            ordered = [row for row in ordered if list(key(row)) > after]
        except TypeError as error:
            raise _no_cursor() from error
    found = ordered[: paged.limit]
    more = len(ordered) > paged.limit
    return {
        "items": [shape(row) for row in found],
        "next": _address(request, list(key(found[-1]))) if more else None,
    }


def _address(request: HttpRequest, last: Sequence[str | int]) -> str:
    query = request.GET.copy()
    query["cursor"] = base64.urlsafe_b64encode(json.dumps(last).encode()).decode().rstrip("=")
    return f"{request.path}?{query.urlencode()}"


def _decoded(cursor: str) -> list[Any]:
    try:
        found = json.loads(base64.urlsafe_b64decode(cursor.encode() + b"=" * (-len(cursor) % 4)))
    except (ValueError, binascii.Error, RecursionError) as error:
        raise _no_cursor() from error
    if not isinstance(found, list):
        raise _no_cursor()
    return found


def _no_cursor() -> InvalidError:
    where = {"pointer": "#/cursor", "in": "query", "detail": "not a cursor of ours"}
    return InvalidError(detail="the cursor is not one that a page gave", errors=[where])
