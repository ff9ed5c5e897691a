"""What of the API goes away: one table of operations, parameters and fields with their dates.

`Deprecation` is RFC 9745 (a date as a structured field), `Sunset` RFC 8594 (an HTTP date): since when not to build on
something, and from when on it may be gone. Headers speak of operations and of parameters that a request names; a field
of a shape is marked in the document alone, since a header would speak of the whole answer.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any, Final

from django.utils.http import http_date

from ogniwo.interfaces.api.problems import PREFIX


@dataclass(frozen=True, slots=True, kw_only=True)
class Deprecation:
    """Since which day, from which day on it may be gone (None: not said yet), and what to use instead."""

    since: date
    sunset: date | None
    instead: str

    def marks(self) -> dict[str, Any]:
        """What the document says of it."""
        sunset = {} if self.sunset is None else {"x-sunset": self.sunset.isoformat()}
        return {"deprecated": True, "x-deprecated-since": self.since.isoformat(), **sunset, "x-instead": self.instead}


DEPRECATED: Final[dict[str, Deprecation]] = {}
"""By operation (`list_points`), by parameter of one (`list_points?member`), by field of a shape (`PointOut.group`)."""


def headers_of(operation: str, parameters: Iterable[str]) -> dict[str, str]:
    """The headers of an answer: the earliest dates of the operation and of what the request names."""
    names = (operation, *(f"{operation}?{name}" for name in parameters))
    found = [DEPRECATED[name] for name in names if name in DEPRECATED]
    if not found:
        return {}
    headers = {
        "Deprecation": f"@{_epoch_s(min(one.since for one in found))}",
        "Link": f'<{PREFIX}/openapi.json>; rel="deprecation"',
    }
    gone = [one.sunset for one in found if one.sunset is not None]
    return {**headers, "Sunset": http_date(_epoch_s(min(gone)))} if gone else headers


def mark(document: Mapping[str, Any]) -> None:
    """Mark what is deprecated in an OpenAPI document. Raises ValueError for a name in the table that nothing has."""
    left = dict(DEPRECATED)
    for methods in document["paths"].values():
        for described in methods.values():
            name = described["operationId"]
            _mark(described, left.pop(name, None))
            for one in described["parameters"]:
                if one["in"] == "query":
                    _mark(one, left.pop(f"{name}?{one['name']}", None))
    for name, schema in document["components"]["schemas"].items():
        for field, shape in schema.get("properties", {}).items():
            _mark(shape, left.pop(f"{name}.{field}", None))
    if left:
        raise ValueError(f"the table of what is deprecated names what is not there: {', '.join(sorted(left))}")


def _mark(place: dict[str, Any], said: Deprecation | None) -> None:
    if said is not None:
        place.update(said.marks())


def _epoch_s(day: date) -> int:
    return int(datetime.combine(day, time(), tzinfo=UTC).timestamp())
