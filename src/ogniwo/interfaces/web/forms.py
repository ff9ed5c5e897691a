"""Fields of the console's plain forms: what a template needs to draw one, and what was typed into it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from django.http import HttpRequest

Option = tuple[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """A field: its name, label, kind (text, number, date, select, checkbox), value, hint, and choices for a select."""

    name: str
    label: object
    kind: str = "text"
    value: str = ""
    hint: object = ""
    options: tuple[Option, ...] = ()
    required: bool = False
    maximum: int = 200
    autocomplete: str = "off"


def filled(fields: Iterable[Field], values: Mapping[str, object]) -> tuple[Field, ...]:
    """The fields with what is registered or was typed."""
    return tuple(replace(one, value=str(values.get(one.name, one.value) or "")) for one in fields)


def typed(request: HttpRequest, fields: Iterable[Field]) -> dict[str, str]:
    """What a form was sent with, trimmed; a field that was not sent is not there."""
    return {one.name: request.POST[one.name].strip() for one in fields if one.name in request.POST}
