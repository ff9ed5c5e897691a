"""What pages and commands see of meters of other media, and how what was typed of a state is read."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

from ogniwo.core.kernel.refusals import Refusal
from ogniwo.core.metering.media import (
    NO_TIME,
    BadMediaStateError,
    Counter,
    MediaState,
    MediaUse,
    Plausible,
    StateKind,
    parse_state,
    time_text,
)
from ogniwo.records.media.models import MediaMeter, MediaStateRow
from ogniwo.records.visibility import Subject

_MINUTES: int = 60


class MediaMeterNotFoundError(Refusal):
    """There is no such meter, state or reading of another medium, or the subject may not see it."""

    code = "media.not_found"


@dataclass(frozen=True, slots=True, kw_only=True)
class StateView:
    """A state with where it came from; `ended_at` is set when it was corrected or taken away, with the reason.

    `source` is partner, file (then `file_name` and `file_row`) or member. Values are in 10^-3 of the meter's unit.
    """

    state_id: int
    day: date
    minute: int
    value_e3: int
    kind: str
    source: str
    file_name: str
    file_row: int
    entered_by: str
    entered_at: datetime
    ended_by: str
    ended_at: datetime | None
    ended_reason: str
    corrects: bool

    @property
    def time(self) -> str:
        """The time of the day as 07:05, "" when it is not known."""
        return time_text(self.minute)


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterView:
    """A meter with its last state that holds, if any, and how many readings of the member wait for a decision."""

    meter_id: int
    organisation: str
    member: str
    member_name: str
    medium: str
    serial: str
    unit: str
    decimals: int
    digits: int
    place: str
    installed_on: date
    removed_on: date | None
    replaces: str
    replaced_by: str
    last: StateView | None
    waiting: int

    @property
    def counter(self) -> Counter:
        """What it shows."""
        return Counter(unit=self.unit, decimals=self.decimals, digits=self.digits)


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterDetails:
    """A meter with every state, those that no longer hold too, and the use between those that hold.

    `expected` is what it should show today; None when too little is known to say.
    """

    meter: MeterView
    states: tuple[StateView, ...]
    uses: tuple[MediaUse, ...]
    expected: Plausible | None

    @property
    def known_e3(self) -> int | None:
        """The use between the first and the last state, in 10^-3 of the unit; None when a part of it is not known."""
        found = [one.use_e3 for one in self.uses if one.use_e3 is not None]
        return sum(found) if found and len(found) == len(self.uses) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Typed:
    """A state as it was typed: a local day (YYYY-MM-DD), the digits, a time (HH:MM) or "", a kind."""

    day: str
    value: str
    time: str = ""
    kind: str = StateKind.READING.value


def counter_of(meter: MediaMeter) -> Counter:
    """What a meter shows."""
    return Counter(unit=meter.unit, decimals=meter.decimals, digits=meter.digits)


def log_name(meter: MediaMeter) -> str:
    """How the log names a meter: with its member, for serials are unique within an organisation only."""
    return f"{meter.member.number} {meter.serial}"


def read_typed(typed: Typed, meter: MediaMeter, *, until: date) -> MediaState:
    """A typed state of a meter: on a day on which it was there, not after `until`. Raises BadMediaStateError."""
    day = read_day(typed.day)
    if day > until:
        raise BadMediaStateError(detail=f"{day} is yet to come")
    if day < meter.installed_on or (meter.removed_on is not None and day > meter.removed_on):
        there = f"from {meter.installed_on}" + (f" to {meter.removed_on}" if meter.removed_on else "")
        raise BadMediaStateError(detail=f"meter {meter.serial} was there {there}, not on {day}")
    if typed.kind not in set(StateKind):
        raise BadMediaStateError(detail=f"{typed.kind[:20]!r} is no kind; there are {', '.join(StateKind)}")
    return MediaState(
        day=day,
        minute=read_minute(typed.time),
        value_e3=parse_state(typed.value, counter_of(meter)),
        kind=StateKind(typed.kind),
    )


def read_day(text: str) -> date:
    """A day as YYYY-MM-DD. Raises BadMediaStateError."""
    try:
        return date.fromisoformat(text.strip())
    except ValueError as error:
        raise BadMediaStateError(detail=f"{text.strip()[:20]!r} is no day such as 2026-11-01") from error


def read_minute(text: str) -> int:
    """A time as HH:MM in minutes after midnight, NO_TIME for none. Raises BadMediaStateError."""
    if not text.strip():
        return NO_TIME
    try:
        moment = datetime.strptime(text.strip(), "%H:%M")  # noqa: DTZ007 -- the clock on the wall of a local day
    except ValueError as error:
        raise BadMediaStateError(detail=f"{text.strip()[:20]!r} is no time such as 07:05") from error
    return moment.hour * _MINUTES + moment.minute


def state_view(row: MediaStateRow) -> StateView:
    """A state as plain values."""
    return StateView(
        state_id=row.pk,
        day=row.day,
        minute=row.minute,
        value_e3=row.value_e3,
        kind=row.kind,
        source=row.source,
        file_name=row.file_name,
        file_row=row.file_row,
        entered_by=row.entered_by,
        entered_at=row.entered_at,
        ended_by=row.ended_by,
        ended_at=row.ended_at,
        ended_reason=row.ended_reason,
        corrects=row.corrects_id is not None,
    )


def holding(rows: Iterable[MediaStateRow]) -> tuple[MediaState, ...]:
    """Of some states those that hold, as the rules of core see them."""
    return tuple(
        MediaState(day=row.day, minute=row.minute, value_e3=row.value_e3, kind=StateKind(row.kind))
        for row in rows
        if row.ended_at is None
    )


def meter_row(*, subject: Subject, meter_id: int) -> MediaMeter:
    """A meter that the subject sees. Raises MediaMeterNotFoundError."""
    rows = MediaMeter.objects.all().visible_to(subject).select_related("member", "organisation")
    row = rows.filter(pk=meter_id).first()
    if row is None:
        raise MediaMeterNotFoundError(detail="there is no such meter")
    return row
