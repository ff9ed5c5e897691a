"""States that members read themselves on meters of other media, with a photo if they like, and what became of them.

As with electricity, a declared reading changes nothing until the partner accepts it; accepted, it is a state of source
`member`, and refused it stays with the reason.
"""

from dataclasses import dataclass
from datetime import date

from django.db import transaction

from ogniwo.core.kernel.ids import sha256_hex
from ogniwo.core.metering.media import (
    NO_TIME,
    BackwardsMediaStateError,
    MediaState,
    plausible,
    require_fits,
    time_text,
)
from ogniwo.formats.photos.read import read_photo
from ogniwo.records.media.models import MediaReading, MediaReadingQuerySet, MediaStateRow
from ogniwo.records.visibility import Subject
from ogniwo.services.messages.operations import tell
from ogniwo.services.metering.declared import TEXT_MOST, DeclaredView, ReadingDecidedError, reason_of, shared_fields
from ogniwo.services.metering.declaring import ImplausibleReadingError, ReadingNotFoundError
from ogniwo.services.metering.media.model import Typed, counter_of, holding, log_name, meter_row, read_typed
from ogniwo.services.metering.media.operations import store_state
from ogniwo.services.metering.photos import keep_photo
from ogniwo.services.workspace.audit import record_act
from ogniwo.services.workspace.changing import changing
from ogniwo.services.workspace.model import Workspace


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaDeclared(DeclaredView):
    """A declared reading with its meter."""

    meter_id: int
    member: str
    serial: str
    medium: str
    place: str
    unit: str
    decimals: int
    day: date
    time: str


def declare_media(
    workspace: Workspace,
    *,
    subject: Subject,
    meter_id: int,
    typed: Typed,
    sure: bool,
    by: str,
    note: str = "",
    photo: bytes = b"",
) -> None:
    """Keep what a member read for the partner to decide; the same again is kept once.

    `sure` says that he looked again at a value outside the band. Raises MediaMeterNotFoundError, BadMediaStateError,
    BackwardsMediaStateError, ImplausibleReadingError, PhotoRefusedError, TooManyPhotosError.
    """
    meter = meter_row(subject=subject, meter_id=meter_id)
    state = read_typed(Typed(day=typed.day, value=typed.value, time=typed.time), meter, until=workspace.today())
    others = holding(MediaStateRow.objects.filter(meter=meter, ended_at=None))
    band = plausible(others, day=state.day, counter=counter_of(meter))
    _require_forward(state, others)
    if band is not None and state.value_e3 > band.high_e3 and not sure:
        raise ImplausibleReadingError(detail=f"expected at most {counter_of(meter).text(band.high_e3)}")
    picture = read_photo(photo) if photo else None
    with transaction.atomic():
        kept, new = MediaReading.objects.get_or_create(
            meter=meter,
            day=state.day,
            minute=state.minute,
            value_e3=state.value_e3,
            defaults={
                "low_e3": band.low_e3 if band else None,
                "high_e3": band.high_e3 if band else None,
                "note": note.strip()[:TEXT_MOST],
                "declared_by": by,
                "declared_at": workspace.now(),
            },
        )
        if picture is not None and kept.state == "waiting":
            keep_photo(kept, picture)
        if new:
            facts = {"day": str(state.day), "time": time_text(state.minute), "value_e3": state.value_e3}
            facts |= {"photo": sha256_hex(picture.data)} if picture else {}
            record_act(workspace, action="media.declare", target=log_name(meter), facts=facts, subject=by)


def _require_forward(state: MediaState, others: tuple[MediaState, ...]) -> None:
    """A member's state is not below one before it; a partner who knows of a rollover enters it himself."""
    before = max((one for one in others if one.place <= state.place), key=lambda one: one.place, default=None)
    if before is not None and state.value_e3 < before.value_e3:
        raise BackwardsMediaStateError(detail=f"the counter stood at {before.value_e3} thousandths on {before.day}")


def declared_media(*, subject: Subject, meter_id: int | None = None, limit: int = 200) -> tuple[MediaDeclared, ...]:
    """Declared readings that the subject sees: those that wait first, then the newest."""
    rows = _readings(subject)
    if meter_id is not None:
        rows = rows.filter(meter=meter_id)
    waiting, decided = rows.filter(state="waiting")[:limit], rows.exclude(state="waiting")[:limit]
    return tuple(_declared(row) for row in (*waiting, *decided))[:limit]


def waiting_media(*, subject: Subject) -> int:
    """How many declared readings wait for a decision."""
    return MediaReading.objects.all().visible_to(subject).filter(state="waiting").count()


def decide_media(workspace: Workspace, *, subject: Subject, reading_id: int, accept: bool, reason: str, by: str) -> int:
    """Accept a declared reading as a state of its meter, or refuse it with a reason; tells the member.

    Returns the id of the meter. Raises ReadingNotFoundError, ReadingDecidedError, BusyError, and when it no longer fits
    BadMediaStateError, BackwardsMediaStateError or RolloverError: then it still waits.
    """
    with changing(workspace, "a member's reading"), transaction.atomic():
        row = _readings(subject).filter(pk=reading_id).first()
        if row is None:
            raise ReadingNotFoundError(detail=f"there is no declared reading {reading_id}")
        said = reason_of(reason, accept=accept)
        if row.state != "waiting":
            raise ReadingDecidedError(detail=f"the reading was {row.state} by {row.decided_by}")
        state = "accepted" if accept else "refused"
        row.state, row.decided_by, row.decided_at = state, by, workspace.now()
        row.reason = said
        row.save(update_fields=["state", "decided_by", "decided_at", "reason"])
        if accept:
            _accept(workspace, row)
        facts = {
            "value_e3": row.value_e3,
            "unit": row.meter.unit,
            "state": row.state,
            "reason": said,
            "point": row.meter.serial,
        }
        record_act(workspace, action=f"media.{state}", target=log_name(row.meter), facts=facts, subject=by)
        tell(workspace, member=row.meter.member, kind="reading", about=f"media reading {row.pk}", facts=facts)
    return row.meter_id


def _accept(workspace: Workspace, row: MediaReading) -> None:
    """Store the state, unless just that is there already."""
    state = MediaState(day=row.day, minute=row.minute, value_e3=row.value_e3)
    others = holding(MediaStateRow.objects.filter(meter=row.meter, ended_at=None))
    if state not in others:
        require_fits(state, others, counter_of(row.meter))
        store_state(workspace, row.meter, state, source="member", reading=row)


def _readings(subject: Subject) -> MediaReadingQuerySet:
    """What a subject sees, with the photos' facts and without their bytes."""
    rows = MediaReading.objects.all().visible_to(subject)
    return rows.select_related("meter__member__organisation", "photo").defer("photo__data")


def _declared(row: MediaReading) -> MediaDeclared:
    return MediaDeclared(
        **shared_fields(row),
        meter_id=row.meter_id,
        member=row.meter.member.number,
        serial=row.meter.serial,
        medium=row.meter.medium,
        place=row.meter.place,
        unit=row.meter.unit,
        decimals=row.meter.decimals,
        day=row.day,
        time=time_text(row.minute if row.minute >= 0 else NO_TIME),
    )
