"""What watches and alarms are shown as, and why something about them is refused."""

from dataclasses import dataclass, field
from datetime import date, datetime

from ogniwo.core.kernel.calendar import local_day
from ogniwo.core.kernel.refusals import Refusal
from ogniwo.records.watches.models import Alarm, Watch


class BadWatchError(Refusal):
    """A watch lacks its name, or what it is about, its limit, hours, step or an address do not fit its kind."""

    code = "watch.malformed"


class WatchExistsError(Refusal):
    """The organisation already has a watch of that name which says something else."""

    code = "watch.exists"


class WatchNotFoundError(Refusal):
    """There is no such watch, it was removed, or the subject may not see it."""

    code = "watch.not_found"


class AlarmNotFoundError(Refusal):
    """There is no such alarm, or the subject may not see it."""

    code = "alarm.not_found"


class AlarmAcknowledgedError(Refusal):
    """An alarm was acknowledged before: who did it and the note stay as they are."""

    code = "alarm.acknowledged"


class NoNoteError(Refusal):
    """An alarm is acknowledged with a few words on what was found or done."""

    code = "alarm.no_note"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewWatch:
    """A watch as it is asked for; see records.watches.Watch for the units. `valid_from` None: from today on.

    Neither `point` nor `computing_set`: all points of the organisation. `after_h` None: what is usual for the kind.
    """

    name: str
    kind: str
    point: str = ""
    computing_set: str = ""
    channel: str = ""
    step: str = ""
    limit: int = 0
    after_h: int | None = None
    valid_from: date | None = None
    addresses: tuple[str, ...] = field(default=())
    tell_member: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchView:
    """A watch with how many of its alarms are open and how many there are."""

    watch_id: int
    organisation: str
    name: str
    kind: str
    point: str
    computing_set: str
    channel: str
    step: str
    limit: int
    after_h: int
    valid_from: date
    addresses: tuple[str, ...]
    tell_member: bool
    made_by: str
    made_at: datetime
    paused: bool
    open_alarms: int
    alarms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmView:
    """An alarm; `worst` and `limit` are in Wh, W, slots or hours, by the kind; `ended_because` "" means open."""

    alarm_id: int
    organisation: str
    watch_id: int
    watch: str
    kind: str
    step: str
    point: str
    computing_set: str
    channel: str
    start_epoch_s: int
    end_epoch_s: int
    worst: int
    worst_epoch_s: int
    limit: int
    met: int
    unknown: int
    raised_at: datetime
    ended_at: datetime | None
    ended_because: str
    corrected_at: datetime | None
    acknowledged_at: datetime | None
    acknowledged_by: str
    note: str

    @property
    def state(self) -> str:
        """In one word: open, over, corrected or stopped."""
        return self.ended_because or "open"

    @property
    def waits(self) -> bool:
        """Whether somebody has to look: it is open, or nobody has acknowledged it."""
        return self.ended_at is None or self.acknowledged_at is None

    @property
    def first_day(self) -> date:
        """The local day on which it begins."""
        return local_day(self.start_epoch_s)

    @property
    def last_day(self) -> date:
        """The local day of its last moment so far."""
        return max(local_day(self.end_epoch_s - 1), self.first_day)

    @property
    def unit(self) -> str:
        """What `worst` and `limit` count."""
        return {"silent": "h", "missing": "slots", "power": "W"}.get(self.kind, "Wh")


def watch_view(row: Watch, *, open_alarms: int, alarms: int) -> WatchView:
    """A row with its point, set and organisation as it is shown."""
    return WatchView(
        watch_id=row.pk,
        organisation=row.organisation.code,
        name=row.name,
        kind=row.kind,
        point=row.point.code if row.point else "",
        computing_set=row.computing_set.name if row.computing_set else "",
        channel=row.channel,
        step=row.step,
        limit=row.limit,
        after_h=row.after_h,
        valid_from=row.valid_from,
        addresses=tuple(row.addresses),
        tell_member=row.tell_member,
        made_by=row.made_by,
        made_at=row.made_at,
        paused=row.paused_at is not None,
        open_alarms=open_alarms,
        alarms=alarms,
    )


def alarm_view(row: Alarm) -> AlarmView:
    """A row with its watch, point and organisation as it is shown."""
    return AlarmView(
        alarm_id=row.pk,
        organisation=row.organisation.code,
        watch_id=row.watch.pk,
        watch=row.watch.name,
        kind=row.watch.kind,
        step=row.watch.step,
        point=row.point.code if row.point else "",
        computing_set="" if row.point else row.target,
        channel=row.channel,
        start_epoch_s=row.start_epoch_s,
        end_epoch_s=row.end_epoch_s,
        worst=row.worst,
        worst_epoch_s=row.worst_epoch_s,
        limit=row.limit,
        met=row.met,
        unknown=row.unknown,
        raised_at=row.raised_at,
        ended_at=row.ended_at,
        ended_because=row.ended_because,
        corrected_at=row.corrected_at,
        acknowledged_at=row.acknowledged_at,
        acknowledged_by=row.acknowledged_by,
        note=row.note,
    )
