"""Half-open periods of aware UTC instants."""

from dataclasses import dataclass
from datetime import UTC, datetime


@dataclass(frozen=True, slots=True, order=True)
class Period:
    """From `start` up to but not including `end`; both aware UTC, start before end."""

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        for instant in (self.start, self.end):
            if instant.tzinfo is not UTC:
                raise ValueError(f"{instant!r} is not an aware UTC instant")
        if self.start >= self.end:
            raise ValueError(f"empty or reversed period {self.start} .. {self.end}")

    def __contains__(self, instant: object) -> bool:
        return isinstance(instant, datetime) and self.start <= instant < self.end

    def intersection(self, other: "Period") -> "Period | None":
        """The common part, or None when there is none."""
        start, end = max(self.start, other.start), min(self.end, other.end)
        return Period(start, end) if start < end else None

    @property
    def seconds(self) -> int:
        """Length in whole seconds."""
        return int((self.end - self.start).total_seconds())


def instant_of(epoch_s: int) -> datetime:
    """The aware UTC instant of whole seconds since 1970."""
    return datetime.fromtimestamp(epoch_s, tz=UTC)


def epoch_of(instant: datetime) -> int:
    """Whole seconds since 1970 of an aware instant."""
    return int(instant.timestamp())
