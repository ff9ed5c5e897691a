"""Register states that members read themselves: what is plausible, declaring one, and the partner's decision.

A declared reading never enters a settlement by itself. Accepted, it is a register state of origin `manual`, as one that
the operator delivered by hand would be; refused, it stays with the reason.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final

from django.db import transaction

from ogniwo.core.kernel.calendar import Month, local_day
from ogniwo.core.kernel.ids import sha256_hex
from ogniwo.core.kernel.periods import epoch_of
from ogniwo.core.kernel.quantities import NotADecimalError, parse_decimal
from ogniwo.core.kernel.refusals import Refusal
from ogniwo.core.metering.model import EXPORT, IMPORT
from ogniwo.core.metering.obis import normalise_obis
from ogniwo.formats.photos.read import read_photo
from ogniwo.records.messages.models import DeclaredReading, DeclaredReadingQuerySet
from ogniwo.records.metering.models import MeteringPoint, MeterInstallation, RegisterState
from ogniwo.records.visibility import Subject
from ogniwo.services.contracts.queries import contracts_of_points
from ogniwo.services.messages.operations import tell
from ogniwo.services.metering.declared import TEXT_MOST, DeclaredView, ReadingDecidedError, reason_of, shared_fields
from ogniwo.services.metering.photos import keep_photo
from ogniwo.services.workspace.audit import record_act
from ogniwo.services.workspace.model import Workspace

_REGISTERS: Final = ((IMPORT, normalise_obis("1.8.0")), (EXPORT, normalise_obis("2.8.0")))
_ROLES: Final = {"consumer": 1, "prosumer": 2, "producer": 2}
_LOOKED_BACK_DAYS: Final = 60
_SPREAD_PERCENT: Final = 40
_SLACK_WH: Final = 20_000
_YEAR_DAYS: Final = 365


class BadReadingError(Refusal):
    """A declared reading is no number, lies in the future, or its register is not one of the member's."""

    code = "reading.malformed"


class ImplausibleReadingError(Refusal):
    """A declared reading lies outside the plausible band, and the member has not said that he looked again."""

    code = "reading.implausible"


class BackwardsReadingError(Refusal):
    """A declared reading is below an earlier state of the same meter: a counter never runs back."""

    code = "reading.backwards"


class ReadingNotFoundError(Refusal):
    """There is no such declared reading, or the subject may not see it."""

    code = "reading.not_found"


@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    """What a register should show now, in 10^-3 of its unit; `basis` is metered, average or contract."""

    low_e3: int
    expected_e3: int
    high_e3: int
    basis: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnRegister:
    """One register of a member's point with its last state, if any is known, and the band that follows from it."""

    channel: str
    obis: str
    unit: str
    multiplier: int
    value_e3: int | None
    epoch_s: int | None
    origin: str
    band: Band | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnMeter:
    """A point of a member with its meter; `states` are declared readings, the newest first."""

    code: str
    role: str
    town: str
    street: str
    meter: str
    group: str
    registers: tuple[OwnRegister, ...]
    declared: tuple["Declared", ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared(DeclaredView):
    """A declared reading of a register."""

    member: str
    point: str
    meter: str
    obis: str
    epoch_s: int
    unit: str


def own_meters(workspace: Workspace, *, subject: Subject) -> tuple[OwnMeter, ...]:
    """The subject's points with their meters, registers and declared readings."""
    points = MeteringPoint.objects.all().visible_to(subject).select_related("member")
    return tuple(_own_meter(workspace, point, subject) for point in points)


def feeds_in(*, subject: Subject) -> bool:
    """Whether a point of the subject's has a role that gives energy to the network."""
    feeding = [role for role, registers in _ROLES.items() if registers > 1]
    return MeteringPoint.objects.all().visible_to(subject).filter(role__in=feeding).exists()


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What a member read: on which register of which point, when, the counter as it is written, with a remark.

    `photo` is a file as it was sent, b"" for none.
    """

    point: str
    obis: str
    value: str
    at: datetime
    note: str = ""
    photo: bytes = b""


def declare_reading(workspace: Workspace, seen: Seen, *, subject: Subject, sure: bool, by: str) -> None:
    """Keep what a member read on his meter for the partner to decide; the same again is kept once.

    The counter has at most three places. `sure` says that he looked again at a value outside the band. Of a photo
    only the picture is kept. Raises BadReadingError, BackwardsReadingError, ImplausibleReadingError, PhotoRefusedError,
    TooManyPhotosError.
    """
    row = MeteringPoint.objects.all().visible_to(subject).filter(code=seen.point).first()
    if row is None:
        raise BadReadingError(detail=f"there is no metering point {seen.point}")
    register = next((one for one in _registers(workspace, row) if one.obis == seen.obis), None)
    if register is None:
        raise BadReadingError(detail=f"the meter of {seen.point} has no register {seen.obis}")
    value_e3 = _value(seen.value)
    if seen.at > workspace.now() + timedelta(minutes=5):
        raise BadReadingError(detail=f"{seen.at.isoformat()} is yet to come")
    photo = read_photo(seen.photo) if seen.photo else None
    _require_plausible(register, value_e3, epoch_of(seen.at), sure=sure)
    with transaction.atomic():
        kept, new = DeclaredReading.objects.get_or_create(
            point=row,
            meter_serial=_meter(row),
            obis=seen.obis,
            epoch_s=epoch_of(seen.at),
            value_e3=value_e3,
            defaults={
                "unit": register.unit,
                "low_e3": register.band.low_e3 if register.band else None,
                "high_e3": register.band.high_e3 if register.band else None,
                "note": seen.note.strip()[:TEXT_MOST],
                "declared_by": by,
                "declared_at": workspace.now(),
            },
        )
        if photo is not None and kept.state == "waiting":
            keep_photo(kept, photo)
        if new:
            facts = {"obis": seen.obis, "value_e3": value_e3, "at": seen.at.astimezone(UTC).isoformat()}
            facts |= {"photo": sha256_hex(photo.data)} if photo else {}
            record_act(workspace, action="reading.declare", target=row.code, facts=facts, subject=by)


def _require_plausible(register: OwnRegister, value_e3: int, epoch_s: int, *, sure: bool) -> None:
    """Compare with the last state, unless the reading is of an earlier day."""
    if register.value_e3 is None or register.epoch_s is None or epoch_s < register.epoch_s:
        return
    if value_e3 < register.value_e3:
        raise BackwardsReadingError(detail=f"the register stood at {register.value_e3} thousandths before")
    band = register.band
    if band is not None and not band.low_e3 <= value_e3 <= band.high_e3 and not sure:
        raise ImplausibleReadingError(detail=f"expected {band.low_e3} to {band.high_e3} thousandths")


def declared_readings(*, subject: Subject, limit: int = 200) -> tuple[Declared, ...]:
    """Declared readings that the subject sees: those that wait first, then the newest."""
    found = [_declared(row) for row in _readings(subject)[:limit]]
    return tuple(sorted(found, key=lambda one: one.state != "waiting"))


def _readings(subject: Subject) -> DeclaredReadingQuerySet:
    """What a subject sees, with the photos' facts and without their bytes."""
    rows = DeclaredReading.objects.all().visible_to(subject).select_related("point__member", "photo")
    return rows.defer("photo__data")


def waiting_readings(*, subject: Subject) -> int:
    """How many declared readings wait for a decision."""
    return DeclaredReading.objects.all().visible_to(subject).filter(state="waiting").count()


@transaction.atomic
def decide_reading(
    workspace: Workspace, *, subject: Subject, reading_id: int, accept: bool, reason: str, by: str
) -> None:
    """Accept a declared reading as a register state of origin `manual`, or refuse it with a reason; tells the member.

    Raises ReadingNotFoundError, ReadingDecidedError.
    """
    rows = DeclaredReading.objects.all().visible_to(subject).select_related("point__member__organisation")
    row = rows.filter(pk=reading_id).first()
    if row is None:
        raise ReadingNotFoundError(detail=f"there is no declared reading {reading_id}")
    said = reason_of(reason, accept=accept)
    state = "accepted" if accept else "refused"
    changed = DeclaredReading.objects.filter(pk=row.pk, state="waiting").update(
        state=state, decided_by=by, decided_at=workspace.now(), reason=said
    )
    if not changed:
        raise ReadingDecidedError(detail=f"the reading was {row.state} by {row.decided_by}")
    if accept:
        last = _last_state(row.point, row.obis)
        RegisterState.objects.get_or_create(
            point=row.point,
            meter_serial=row.meter_serial,
            obis=row.obis,
            epoch_s=row.epoch_s,
            origin="manual",
            multiplier=last.multiplier if last else 1,
            defaults={"value_e3": row.value_e3, "unit": row.unit, "digits": last.digits if last else 0},
        )
    facts = {"value_e3": row.value_e3, "unit": row.unit, "state": state, "reason": said, "point": row.point.code}
    record_act(workspace, action=f"reading.{state}", target=row.point.code, facts=facts, subject=by)
    tell(workspace, member=row.point.member, kind="reading", about=f"reading {row.pk}", facts=facts)


def _value(text: str) -> int:
    plain = text.strip().replace("\u00a0", "").replace(" ", "").replace(",", ".")
    try:
        value_e3 = parse_decimal(plain, decimals=3)
    except NotADecimalError as error:
        raise BadReadingError(detail=f"{text[:40]!r} is no state of a counter") from error
    if not 0 <= value_e3 < 10**12:
        raise BadReadingError(detail=f"{text[:40]!r} is no state of a counter")
    return value_e3


def _own_meter(workspace: Workspace, point: MeteringPoint, subject: Subject) -> OwnMeter:
    today = workspace.today()
    groups = [one.terms.group for one in contracts_of_points([point]) if one.valid_from <= today]
    rows = _readings(subject).filter(point=point)
    return OwnMeter(
        code=point.code,
        role=point.role,
        town=point.town,
        street=point.street,
        meter=_meter(point),
        group=groups[-1] if groups else "",
        registers=tuple(_registers(workspace, point)),
        declared=tuple(_declared(row) for row in rows[:20]),
    )


def _meter(point: MeteringPoint) -> str:
    found = MeterInstallation.objects.filter(point=point, valid_to=None).select_related("meter").last()
    return found.meter.serial if found else ""


def _last_state(point: MeteringPoint, obis: str) -> RegisterState | None:
    serial = _meter(point)
    rows = RegisterState.objects.filter(point=point, obis=obis)
    return (rows.filter(meter_serial=serial) if serial else rows).order_by("epoch_s", "pk").last()


def _registers(workspace: Workspace, point: MeteringPoint) -> Iterator[OwnRegister]:
    """Energy taken and, where the point feeds in, energy given."""
    for channel, obis in _REGISTERS[: _ROLES.get(point.role, 1)]:
        last = _last_state(point, obis)
        yield OwnRegister(
            channel=channel,
            obis=obis,
            unit=last.unit if last else "kWh",
            multiplier=last.multiplier if last else 1,
            value_e3=last.value_e3 if last else None,
            epoch_s=last.epoch_s if last else None,
            origin=last.origin if last else "",
            band=_band(workspace, point, channel, last) if last else None,
        )


def _band(workspace: Workspace, point: MeteringPoint, channel: str, last: RegisterState) -> Band | None:
    """What the register counted since its last state: metered days as they are, later days by the average before.

    Without metered days the yearly use of the contract stands in; without that nothing can be said.
    """
    since = local_day(last.epoch_s)
    today = workspace.today()
    days = dict(
        _days_with_data(workspace, point.code, channel, min(since, today - timedelta(_LOOKED_BACK_DAYS)), today)
    )
    later = [day for day in days if day >= since]
    unknown = max((today - since).days - len(later), 0)
    if days:
        newest = sorted(days)[-_LOOKED_BACK_DAYS:]
        daily_wh, basis = sum(days[day] for day in newest) // len(newest), "average" if unknown else "metered"
    else:
        yearly = [one.terms.yearly_use_wh for one in contracts_of_points([point]) if one.terms.yearly_use_wh]
        if not yearly or channel != IMPORT:
            return None
        daily_wh, basis = yearly[-1] // _YEAR_DAYS, "contract"
    counted_wh = sum(days[day] for day in later) + daily_wh * unknown
    spread_wh = counted_wh * _SPREAD_PERCENT // 100 + _SLACK_WH
    return Band(
        low_e3=last.value_e3 + max(counted_wh - spread_wh, 0) // last.multiplier,
        expected_e3=last.value_e3 + counted_wh // last.multiplier,
        high_e3=last.value_e3 + (counted_wh + spread_wh) // last.multiplier,
        basis=basis,
    )


def _days_with_data(
    workspace: Workspace, code: str, channel: str, first: date, last: date
) -> Iterator[tuple[date, int]]:
    """Whole days with every interval, in Wh."""
    month = Month(first.year, first.month)
    while month.first <= last:
        sums = workspace.series.day_sums(point=code, channel=channel, month=month)
        if sums is not None:
            for index, (wh, missing) in enumerate(zip(sums.wh.tolist(), sums.missing.tolist(), strict=True)):
                day = month.first + timedelta(days=index)
                if not missing and first <= day < last:
                    yield day, wh
        month = month.shifted(1)


def _declared(row: DeclaredReading) -> Declared:
    return Declared(
        **shared_fields(row),
        member=row.point.member.number,
        point=row.point.code,
        meter=row.meter_serial,
        obis=row.obis,
        epoch_s=row.epoch_s,
        unit=row.unit,
    )
