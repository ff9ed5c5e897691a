"""What is registered is never changed in passing: the same facts again change nothing, other facts are refused."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import TypeVar

from django.db import models

from ogniwo.core.kernel.refusals import Refusal

Record = TypeVar("Record", bound=models.Model)


class RegisteredDifferentlyError(Refusal):
    """Something is registered already, with other facts; a registration does not change what is there."""

    code = "register.differs"


def require_same(record: models.Model, expected: Mapping[str, object], *, name: str) -> None:
    """Refuse when a record that was there before differs from what is registered now, naming each difference."""
    differing = [
        f"{field} is {getattr(record, field)!s} there and {value!s} now"
        for field, value in expected.items()
        if getattr(record, field) != value
    ]
    if differing:
        raise RegisteredDifferentlyError(detail=f"{name} is registered differently: {'; '.join(differing)}")


def end_period(record: Record, valid_to: date | datetime | None, *, name: str) -> None:
    """Give an open period its end, which is how a contract, a membership or an installation stops.

    A period that has ended keeps its end: another one, or none, is refused.
    """
    known: date | datetime | None = getattr(record, "valid_to")  # noqa: B009 -- three models share the field, no base
    if known == valid_to:
        return
    if known is not None:
        wanted = f"until {valid_to:%Y-%m-%d}" if valid_to else "without an end"
        raise RegisteredDifferentlyError(detail=f"{name} is registered until {known:%Y-%m-%d}, not {wanted}")
    setattr(record, "valid_to", valid_to)  # noqa: B010 -- the same
    record.save(update_fields=["valid_to"])
