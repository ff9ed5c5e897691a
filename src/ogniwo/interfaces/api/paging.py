"""Lists in pages: a cursor names the last row that was given, so that rows that come or go move nothing."""

import base64
import binascii
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Any, Generic, TypeVar

from django.http import HttpRequest
from ninja import Schema
from pydantic import Field, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from ogniwo.interfaces.api.problems import InvalidError
from ogniwo.interfaces.api.values import Text

LIMIT_MAX = 500
Row = TypeVar("Row")
Out = TypeVar("Out")

Many = Annotated[list[Text], Field(max_length=100, description="Given again for many values; none: all.")]
"""A filter that may be repeated."""


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


@dataclass(frozen=True, slots=True)
class Order(Generic[Row]):
    """The order that was asked for: by the values of a field, ties by the list's own key."""

    text: str
    value: Callable[[Row], str | int | date | None]

    @property
    def descending(self) -> bool:
        """Whether the largest value comes first."""
        return self.text.startswith("-")

    def of(self, row: Row) -> str | int | None:
        """The value of a row as it stands in a cursor: instants in microseconds, days as text."""
        found = self.value(row)
        if isinstance(found, datetime):
            return round(found.timestamp() * 1_000_000)
        return found.isoformat() if isinstance(found, date) else found

    def arrange(self, rows: Iterable[Row]) -> list[Row]:
        """Rows that are in the order of their key, in this order; those without a value come last either way."""
        valued = [(self.of(row), row) for row in rows]
        known = [one for one in valued if one[0] is not None]
        known.sort(key=lambda one: one[0], reverse=self.descending)  # type: ignore[arg-type,return-value]
        return [row for _, row in known] + [row for value, row in valued if value is None]

    def is_after(self, row: Row, last: Any) -> bool | None:  # noqa: ANN401 -- taken from a cursor
        """Whether a row comes after the value with which a page ended; None where the key has to decide."""
        value = self.of(row)
        if value == last:
            return None
        if value is None or last is None:
            return value is None
        return bool(value < last) if self.descending else bool(value > last)


class Sorting(Generic[Row]):
    """The fields that a list can be sorted by: `sort: Annotated[str, Sorting(start=lambda row: row.start)] = ""`."""

    def __init__(self, **fields: Callable[[Row], str | int | date | None]) -> None:
        self._fields = fields
        self._names = ["", *(f"{sign}{name}" for name in fields for sign in ("", "-"))]

    def by(self, text: str) -> Order[Row] | None:
        """The order that a checked `sort` names, None for the list's own."""
        return Order(text, self._fields[text.removeprefix("-")]) if text else None

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:  # noqa: ANN401 -- the framework's protocol
        """Let only the known names through."""
        return core_schema.no_info_after_validator_function(self._known, handler(source))

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """Name them in the document."""
        said = "The field to sort by, the largest first with -; ties and an empty `sort`: the list's own order."
        return {**handler(core), "enum": self._names, "description": said}

    def _known(self, text: str) -> str:
        if text not in self._names:
            raise PydanticCustomError("sort", "Input should be one of {names}", {"names": ", ".join(self._names[1:])})
        return text


def page_of(
    request: HttpRequest,
    rows: Iterable[Row],
    *,
    paged: Paged,
    key: Callable[[Row], tuple[str | int, ...]],
    shape: Callable[[Row], Out],
    order: Order[Row] | None = None,
) -> dict[str, Any]:
    """The rows after the cursor, in the order asked for or that of their unique key.

    A cursor names its order and the last row's value in it. Raises InvalidError for a cursor of none of ours, or of
    another order.
    """
    ordered = sorted(rows, key=key)
    if order:
        ordered = order.arrange(ordered)
    if paged.cursor:
        after = _decoded(paged.cursor)
        if after.pop("sort", "") != (order.text if order else ""):
            raise _no_cursor()
        try:
            ordered = [row for row in ordered if _is_after(row, after, key, order)]
        except TypeError as error:
            raise _no_cursor() from error
    found = ordered[: paged.limit]
    more = len(ordered) > paged.limit
    return {
        "items": [shape(row) for row in found],
        "next": _address(request, found[-1], key, order) if more else None,
    }


def _is_after(
    row: Row, after: dict[str, Any], key: Callable[[Row], tuple[str | int, ...]], order: Order[Row] | None
) -> bool:
    said = order.is_after(row, after["value"]) if order else None
    return list(key(row)) > after["key"] if said is None else said


def _address(
    request: HttpRequest, last: Row, key: Callable[[Row], tuple[str | int, ...]], order: Order[Row] | None
) -> str:
    own = list(key(last))
    place = {"sort": order.text, "value": order.of(last), "key": own} if order else own
    query = request.GET.copy()
    query["cursor"] = base64.urlsafe_b64encode(json.dumps(place).encode()).decode().rstrip("=")
    return f"{request.path}?{query.urlencode()}"


def _decoded(cursor: str) -> dict[str, Any]:
    """The place that a cursor names; one of a list's own order is the key alone."""
    try:
        found = json.loads(base64.urlsafe_b64decode(cursor.encode() + b"=" * (-len(cursor) % 4)))
    except (ValueError, binascii.Error, RecursionError) as error:
        raise _no_cursor() from error
    if isinstance(found, list):
        return {"key": found}
    if not isinstance(found, dict) or set(found) != {"sort", "value", "key"}:
        raise _no_cursor()
    if not found["sort"] or not isinstance(found["key"], list) or not isinstance(found["value"], str | int | None):
        raise _no_cursor()
    return found


def _no_cursor() -> InvalidError:
    where = {"pointer": "#/cursor", "in": "query", "detail": "not a cursor of ours, or of another order"}
    return InvalidError(detail="the cursor is not one that a page gave", errors=[where])


def among(value: str, wanted: Sequence[str]) -> bool:
    """Whether a filter that may be repeated lets a value through; empty texts filter nothing."""
    return value in wanted or not any(wanted)


def only(wanted: Sequence[str]) -> str:
    """The one value of a filter that may be repeated, "" for none or many: for what asks the database."""
    return wanted[0] if len(wanted) == 1 else ""
