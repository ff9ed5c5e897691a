"""Dated rows: half-open validity of local days, looked up by day, refused when nothing is in force."""

from collections.abc import Sequence
from datetime import date
from typing import Protocol, TypeVar

from ogniwo.core.kernel.refusals import Refusal


class MissingRuleError(Refusal):
    """A tariff group, zone clock, offer or dated rule that the calculation needs is not in the book for that day."""

    code = "tariff.missing_rule"


class AmbiguousRuleError(Refusal):
    """The book holds two rules of the same name for the same day."""

    code = "tariff.ambiguous_rule"


class Dated(Protocol):
    """Anything valid from `valid_from` up to but not including `valid_to` (None = open)."""

    @property
    def valid_from(self) -> date:
        """First day."""

    @property
    def valid_to(self) -> date | None:
        """First day after."""


Row = TypeVar("Row", bound=Dated)


def find_on(rows: Sequence[Row], day: date, *, what: str) -> Row | None:
    """The row in force on a day, None when there is none; refuses when there are two."""
    found = [row for row in rows if row.valid_from <= day and (row.valid_to is None or day < row.valid_to)]
    if len(found) > 1:
        raise AmbiguousRuleError(detail=f"the book holds more than one {what} for {day}")
    return found[0] if found else None


def require_on(rows: Sequence[Row], day: date, *, what: str) -> Row:
    """The row in force on a day; refuses when there is none or more than one."""
    row = find_on(rows, day, what=what)
    if row is None:
        raise MissingRuleError(detail=f"no {what} is known for {day}")
    return row
