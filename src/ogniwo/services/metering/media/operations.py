"""Meters of other media come, go and are replaced; their states are entered, corrected and taken away."""

from dataclasses import dataclass
from datetime import date
from typing import Final

from django.db import transaction

from ogniwo.core.kernel.refusals import Refusal
from ogniwo.core.metering.media import (
    DECIMALS_MAX,
    DIGITS_MAX,
    MediaState,
    Medium,
    require_fits,
    require_without,
    time_text,
)
from ogniwo.records.media.models import MediaMeter, MediaReading, MediaStateRow
from ogniwo.records.parties.models import Member
from ogniwo.records.visibility import Subject
from ogniwo.services.metering.media.model import (
    MediaMeterNotFoundError,
    Typed,
    counter_of,
    holding,
    log_name,
    meter_row,
    read_day,
    read_typed,
)
from ogniwo.services.workspace.audit import acting, record_act
from ogniwo.services.workspace.changing import changing
from ogniwo.services.workspace.model import Workspace

_REASON_LEAST: Final = 5
_REASON_MOST: Final = 300
_SERIAL_MOST: Final = 40
_PLACE_MOST: Final = 100


class BadMediaMeterError(Refusal):
    """A meter lacks its serial, counts in no unit of its medium, shows more than a counter does, or is there already.

    Also when it is to be removed on a day on which it was not there, or before a state that it showed.
    """

    code = "media.bad_meter"


class NoMediaReasonError(Refusal):
    """A state of a meter was to be corrected or taken away without saying why."""

    code = "media.no_reason"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewMeter:
    """A meter as it was typed: `decimals` 0 to 3, `digits` 1 to 9 or "" when not known, a local day."""

    serial: str
    unit: str
    decimals: str
    digits: str
    place: str
    installed_on: str


def register_meter(workspace: Workspace, *, subject: Subject, member: str, medium: str, new: NewMeter) -> int:
    """Register a meter of a member; returns its id.

    Raises MediaMeterNotFoundError when the subject sees no such member, BadMediaMeterError, BadMediaStateError,
    BusyError.
    """
    with changing(workspace, "a meter registered"), transaction.atomic():
        owner = Member.objects.all().visible_to(subject).select_related("organisation").filter(number=member).first()
        if owner is None:
            raise MediaMeterNotFoundError(detail=f"there is no member {member[:40]!r}")
        return _registered(workspace, owner, medium, new, replaces=None).pk


def remove_meter(workspace: Workspace, *, subject: Subject, meter_id: int, day: str, final: str = "") -> None:
    """A meter counts until a day, on which it showed `final`; without it the use at the end stays unknown.

    Raises MediaMeterNotFoundError, BadMediaMeterError, and what enter_state raises.
    """
    with changing(workspace, "a meter removed"), transaction.atomic():
        _removed(workspace, meter_row(subject=subject, meter_id=meter_id), read_day(day), final)


def replace_meter(
    workspace: Workspace, *, subject: Subject, meter_id: int, final: str, new: NewMeter, first: str
) -> int:
    """Another meter takes the place of one on the day of its installation: last state of the old, first of the new.

    All or nothing; returns the id of the new meter. Raises what remove_meter and register_meter raise.
    """
    with changing(workspace, "a meter replaced"), transaction.atomic():
        old = meter_row(subject=subject, meter_id=meter_id)
        _removed(workspace, old, read_day(new.installed_on), final)
        row = _registered(workspace, old.member, old.medium, new, replaces=old)
        _entered(workspace, row, Typed(day=new.installed_on, value=first), source="partner")
        return row.pk


def enter_state(workspace: Workspace, *, subject: Subject, meter_id: int, typed: Typed) -> bool:
    """Store what a meter showed; False when just that is there already.

    Raises MediaMeterNotFoundError, BadMediaStateError, BackwardsMediaStateError, RolloverError, BusyError.
    """
    with changing(workspace, "a state of a meter"), transaction.atomic():
        row = meter_row(subject=subject, meter_id=meter_id)
        return _entered(workspace, row, typed, source="partner") is not None


def correct_state(workspace: Workspace, *, subject: Subject, state_id: int, typed: Typed, reason: str) -> None:
    """Another state stands in place of one that was wrong; the wrong one stays to be seen, ended with the reason.

    Raises NoMediaReasonError and what enter_state raises.
    """
    said = _reason(reason)
    with changing(workspace, "a state of a meter corrected"), transaction.atomic():
        old = _state(subject, state_id)
        state = read_typed(typed, old.meter, until=workspace.today())
        _end(workspace, old, said)
        require_fits(state, _holding(old.meter), counter_of(old.meter))
        store_state(workspace, old.meter, state, source="partner", corrects=old)
        facts = {"before": _said(old.meter, _core(old)), "after": _said(old.meter, state), "reason": said}
        record_act(workspace, action="media.correct", target=log_name(old.meter), facts=facts)


def take_away_state(workspace: Workspace, *, subject: Subject, state_id: int, reason: str) -> None:
    """A state that was never shown holds no longer; it stays to be seen, with the reason.

    Raises NoMediaReasonError, MediaMeterNotFoundError, BackwardsMediaStateError, RolloverError, BusyError.
    """
    said = _reason(reason)
    with changing(workspace, "a state of a meter taken away"), transaction.atomic():
        old = _state(subject, state_id)
        _end(workspace, old, said)
        require_without((old.day, old.minute), _holding(old.meter), counter_of(old.meter))
        facts = {"before": _said(old.meter, _core(old)), "reason": said}
        record_act(workspace, action="media.take_away", target=log_name(old.meter), facts=facts)


def store_state(
    workspace: Workspace,
    meter: MediaMeter,
    state: MediaState,
    *,
    source: str,
    corrects: MediaStateRow | None = None,
    reading: MediaReading | None = None,
) -> MediaStateRow:
    """A state that was found to fit, as a row; within the transaction and the log of the act itself."""
    return MediaStateRow.objects.create(
        meter=meter,
        day=state.day,
        minute=state.minute,
        value_e3=state.value_e3,
        kind=state.kind.value,
        source=source,
        corrects=corrects,
        reading=reading,
        entered_by=acting(),
        entered_at=workspace.now(),
    )


def _registered(
    workspace: Workspace, owner: Member, medium: str, new: NewMeter, *, replaces: MediaMeter | None
) -> MediaMeter:
    row = _checked(owner, medium, new, replaces)
    if row.installed_on > workspace.today():
        raise BadMediaMeterError(detail=f"{row.installed_on} is yet to come")
    if MediaMeter.objects.filter(organisation=owner.organisation, serial=row.serial).exists():
        raise BadMediaMeterError(detail=f"{owner.organisation.code} has a meter {row.serial} already")
    row.registered_by, row.registered_at = acting(), workspace.now()
    row.save()
    facts = {
        "member": owner.number,
        "medium": row.medium,
        "unit": row.unit,
        "decimals": row.decimals,
        "digits": row.digits,
        "place": row.place,
        "from": str(row.installed_on),
        "replaces": replaces.serial if replaces else "",
    }
    record_act(workspace, action="media.register", target=log_name(row), facts=facts)
    return row


def _checked(owner: Member, medium: str, new: NewMeter, replaces: MediaMeter | None) -> MediaMeter:
    """The row of a typed meter, not saved."""
    if medium not in set(Medium):
        raise BadMediaMeterError(detail=f"{medium[:20]!r} is no medium; there are {', '.join(Medium)}")
    if new.unit not in Medium(medium).units:
        raise BadMediaMeterError(detail=f"a meter of {medium} counts in {', '.join(Medium(medium).units)}")
    serial, place = " ".join(new.serial.split()), " ".join(new.place.split())
    if not serial or len(serial) > _SERIAL_MOST or ";" in serial or not serial.isprintable():
        raise BadMediaMeterError(detail=f"a serial of 1 to {_SERIAL_MOST} characters without semicolon is needed")
    if len(place) > _PLACE_MOST:
        raise BadMediaMeterError(detail=f"the place has more than {_PLACE_MOST} characters")
    return MediaMeter(
        organisation=owner.organisation,
        member=owner,
        medium=medium,
        serial=serial,
        unit=new.unit,
        decimals=_number(new.decimals, "decimal places", 0, DECIMALS_MAX),
        digits=_number(new.digits, "digits before the mark", 1, DIGITS_MAX) if new.digits.strip() else 0,
        place=place,
        installed_on=read_day(new.installed_on),
        replaces=replaces,
    )


def _number(text: str, what: str, least: int, most: int) -> int:
    plain = text.strip()
    if not (plain.isascii() and plain.isdigit() and least <= int(plain) <= most):
        raise BadMediaMeterError(detail=f"{plain[:20]!r} is no number of {what} from {least} to {most}")
    return int(plain)


def _removed(workspace: Workspace, row: MediaMeter, day: date, final: str) -> None:
    if row.removed_on is not None:
        raise BadMediaMeterError(detail=f"meter {row.serial} was removed on {row.removed_on}")
    if not row.installed_on <= day <= workspace.today():
        raise BadMediaMeterError(detail=f"meter {row.serial} is there since {row.installed_on}; not removed on {day}")
    later = MediaStateRow.objects.filter(meter=row, ended_at=None, day__gt=day).order_by("day").last()
    if later is not None:
        raise BadMediaMeterError(detail=f"meter {row.serial} showed a state on {later.day}, after {day}")
    if final.strip():
        _entered(workspace, row, Typed(day=str(day), value=final), source="partner")
    row.removed_on = day
    row.save(update_fields=["removed_on"])
    record_act(workspace, action="media.remove", target=log_name(row), facts={"on": str(day), "final": final.strip()})


def _entered(workspace: Workspace, row: MediaMeter, typed: Typed, *, source: str) -> MediaStateRow | None:
    """Store a typed state that fits; None when the same one is there."""
    state, others = read_typed(typed, row, until=workspace.today()), _holding(row)
    if state in others:
        return None
    require_fits(state, others, counter_of(row))
    stored = store_state(workspace, row, state, source=source)
    record_act(workspace, action="media.state", target=log_name(row), facts={"state": _said(row, state)})
    return stored


def _holding(row: MediaMeter) -> tuple[MediaState, ...]:
    return holding(MediaStateRow.objects.filter(meter=row, ended_at=None))


def _state(subject: Subject, state_id: int) -> MediaStateRow:
    rows = MediaStateRow.objects.all().visible_to(subject).select_related("meter__organisation", "meter__member")
    row = rows.filter(pk=state_id, ended_at=None).first()
    if row is None:
        raise MediaMeterNotFoundError(detail="there is no such state that holds")
    return row


def _core(row: MediaStateRow) -> MediaState:
    (state,) = holding([MediaStateRow(day=row.day, minute=row.minute, value_e3=row.value_e3, kind=row.kind)])
    return state


def _end(workspace: Workspace, row: MediaStateRow, reason: str) -> None:
    row.ended_by, row.ended_at, row.ended_reason = acting(), workspace.now(), reason
    row.save(update_fields=["ended_by", "ended_at", "ended_reason"])


def _said(meter: MediaMeter, state: MediaState) -> str:
    """A state in the log, exact and readable."""
    time = f" {time_text(state.minute)}" if state.minute >= 0 else ""
    return f"{state.day}{time} {counter_of(meter).text(state.value_e3)} {state.kind.value}"


def _reason(text: str) -> str:
    said = " ".join(text.split())[:_REASON_MOST]
    if len(said) < _REASON_LEAST:
        raise NoMediaReasonError(detail="say in a few words why the state was wrong")
    return said
