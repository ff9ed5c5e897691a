"""Shapes that answers share: amounts as text with their asset, instants with Z, months; nothing is a float."""

from datetime import UTC, datetime
from typing import Annotated, Any

from ninja import Schema as NinjaSchema
from pydantic import AfterValidator, AwareDatetime, ConfigDict, Field, PlainSerializer, StringConstraints

from ogniwo.core.kernel.calendar import Month
from ogniwo.core.kernel.findings import Finding, finding_row
from ogniwo.core.kernel.quantities import format_decimal


def _no_zero_bytes(text: str) -> str:
    if "\x00" in text:
        raise ValueError("a text holds no zero bytes")
    return text


def instant_text(moment: datetime) -> str:
    """ISO 8601 in UTC."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


Text = Annotated[str, StringConstraints(max_length=500), AfterValidator(_no_zero_bytes)]
"""A text that somebody sends."""

Instant = Annotated[
    AwareDatetime, PlainSerializer(instant_text, return_type=str), Field(json_schema_extra={"format": "date-time"})
]
MonthText = Annotated[
    str, Field(pattern=r"^20[0-9]{2}-(0[1-9]|1[0-2])$", description="A calendar month of local time: YYYY-MM.")
]
Code = Annotated[str, Field(max_length=40, description="The code of the organisation.")]


class In(NinjaSchema):
    """What is sent: an unknown field is refused."""

    model_config = ConfigDict(extra="forbid")


class Out(NinjaSchema):
    """What is answered."""


class Money(Out):
    """An exact amount: never a floating-point number."""

    amount: Annotated[str, Field(pattern=r"^-?[0-9]+(\.[0-9]+)?$", examples=["12.34"])]
    asset: Annotated[str, Field(examples=["PLN"])]


class FindingOut(Out):
    """What is wrong or noteworthy in data, with its place."""

    code: str
    severity: str
    message: str
    source: str
    row: int
    column: str
    point: str
    channel: str
    start: Instant | None
    end: Instant | None
    facts: dict[str, str]


def zl(grosz: int) -> Money:
    """Grosze as an amount in zł."""
    return Money(amount=format_decimal(grosz, decimals=2), asset="PLN")


def month_of(text: str) -> Month:
    """The month of a checked text."""
    return Month.parse(text)


def moment(epoch_s: int) -> datetime:
    """Seconds since 1970 as an instant."""
    return datetime.fromtimestamp(epoch_s, tz=UTC)


def moment_or_none(epoch_s: int | None) -> datetime | None:
    """The same where there may be none."""
    return None if epoch_s is None else moment(epoch_s)


def finding_of(finding: Finding) -> FindingOut:
    """A finding as it is answered."""
    return finding_of_row(finding_row(finding))


def finding_of_row(row: dict[str, Any]) -> FindingOut:
    """A finding as it was kept with its file."""
    kept = {name: row[name] for name in ("code", "severity", "message", "source", "row", "column", "point", "channel")}
    return FindingOut(
        **kept,
        start=moment_or_none(row["start_epoch_s"]),
        end=moment_or_none(row["end_epoch_s"]),
        facts={name: str(value) for name, value in row["facts"].items()},
    )
