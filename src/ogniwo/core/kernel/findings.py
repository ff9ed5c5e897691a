"""Findings: what is wrong or noteworthy in data, as values with their place, never as exceptions."""

from dataclasses import dataclass, field
from enum import IntEnum


class Severity(IntEnum):
    """How much a finding holds up: a note, a warning to look at, an error that keeps the data out of a bill."""

    NOTE = 1
    WARNING = 2
    ERROR = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One fact about data that somebody may have to act on.

    `code` is stable and documented (docs/codes.md), e.g. "V1.missing" or "read.not_a_number". `source` is a file name,
    `row` and `column` are 1-based and as a person counts them; 0 and "" mean not applicable. `start_epoch_s` and
    `end_epoch_s` bound the time concerned (UTC, half-open), None when no time is meant.
    """

    code: str
    severity: Severity
    message: str
    source: str = ""
    row: int = 0
    column: str = ""
    point: str = ""
    channel: str = ""
    start_epoch_s: int | None = None
    end_epoch_s: int | None = None
    facts: tuple[tuple[str, str], ...] = field(default=())


def finding_row(finding: Finding) -> dict[str, object]:
    """A finding as JSON, its severity as a word; it is shown and kept in this form."""
    return {
        "code": finding.code,
        "severity": finding.severity.name.lower(),
        "message": finding.message,
        "source": finding.source,
        "row": finding.row,
        "column": finding.column,
        "point": finding.point,
        "channel": finding.channel,
        "start_epoch_s": finding.start_epoch_s,
        "end_epoch_s": finding.end_epoch_s,
        "facts": dict(finding.facts),
    }
