"""Individual attributes: values under free names on points, meters, members and computing sets, each for a time.

Nothing is overwritten. Another value ends the one before on the day on which it begins, and the log keeps who did it. A
period that ends on its first day never held: that is how a mistake is taken back.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from django.db import transaction
from django.db.models import F, Q

from ogniwo.core.kernel.refusals import Refusal
from ogniwo.records.metering.models import ComputingSet, Meter, MeteringPoint
from ogniwo.records.parties.models import Member, Organisation
from ogniwo.records.remarks.models import Attribute, AttributeQuerySet
from ogniwo.records.visibility import Subject
from ogniwo.services.workspace.audit import acting, record_act
from ogniwo.services.workspace.changing import changing
from ogniwo.services.workspace.model import Workspace

_NAME_MOST: Final = 60
_VALUE_MOST: Final = 200


class BadAttributeError(Refusal):
    """An attribute lacks its name or value, one of them is too long, or a day is no day."""

    code = "attribute.malformed"


class AttributeOverlapError(Refusal):
    """An attribute of this name holds in that time already, or would end before it began."""

    code = "attribute.overlap"


class AttributeNotFoundError(Refusal):
    """There is no such attribute, point, meter, member or set, or the subject may not see it."""

    code = "attribute.not_found"


@dataclass(frozen=True, slots=True, kw_only=True)
class AttributeView:
    """One value in local days, half-open, on a `thing`: point, meter, member or computing_set.

    `about` is its code, serial, number or name.
    """

    attribute_id: int
    thing: str
    about: str
    name: str
    value: str
    valid_from: date
    valid_to: date | None
    set_by: str
    set_at: datetime

    def holds(self, day: date) -> bool:
        """Whether it holds on a day."""
        return self.valid_from <= day and (self.valid_to is None or day < self.valid_to)


@dataclass(frozen=True, slots=True)
class _Thing:
    """What an attribute is on, and in the log of which member, point or set its acts stand."""

    kind: str
    row: MeteringPoint | Meter | Member | ComputingSet
    organisation: Organisation
    log_name: str

    @property
    def name(self) -> str:
        """Its code, serial, number or name."""
        return str(self.row)


def attributes_of_point(*, code: str, subject: Subject) -> tuple[AttributeView, ...]:
    """Those of a point and of the meters that are or were at it, by name and time; members see none."""
    rows = Attribute.objects.all().visible_to(subject)
    at_point = MeteringPoint.objects.all().visible_to(subject).filter(code=code)
    meters = Meter.objects.filter(installations__point__in=at_point).values("pk")
    return _views(rows.filter(Q(point__in=at_point) | Q(meter__in=meters)))


def attributes_of_member(*, number: str, subject: Subject) -> tuple[AttributeView, ...]:
    """Those of a member, by name and time; members see none."""
    return _views(Attribute.objects.all().visible_to(subject).filter(member__number=number))


def attributes_of_set(*, organisation: Organisation, name: str, subject: Subject) -> tuple[AttributeView, ...]:
    """Those of a computing set of an organisation, by name and time; members see none."""
    rows = Attribute.objects.all().visible_to(subject)
    return _views(rows.filter(computing_set__organisation=organisation, computing_set__name=name))


def attributes_of_members(*, subject: Subject, day: date) -> dict[str, str]:
    """What holds on a day for each member that has any: `name: value; name: value` by number."""
    found: dict[str, list[str]] = {}
    for one in _views(Attribute.objects.all().visible_to(subject).filter(member__isnull=False)):
        if one.holds(day):
            found.setdefault(one.about, []).append(f"{one.name}: {one.value}")
    return {number: "; ".join(texts) for number, texts in found.items()}


def set_point_attribute(
    workspace: Workspace, *, subject: Subject, code: str, meter: str = "", name: str, value: str, valid_from: str
) -> bool:
    """Let a value hold for a point, or for a `meter` that is or was at it, from a day (YYYY-MM-DD) on.

    False when it holds already. Raises AttributeNotFoundError, BadAttributeError, AttributeOverlapError, BusyError.
    """
    points = MeteringPoint.objects.all().visible_to(subject).select_related("organisation")
    point = points.filter(code=code).first()
    if point is None:
        raise AttributeNotFoundError(detail=f"there is no point {code}")
    thing = _Thing("point", point, point.organisation, point.code)
    if meter:
        device = Meter.objects.filter(serial=meter, installations__point=point).distinct().first()
        if device is None:
            raise AttributeNotFoundError(detail=f"there was no meter {meter} at {code}")
        thing = _Thing("meter", device, point.organisation, point.code)
    return _set(workspace, thing, name, value, valid_from)


def set_member_attribute(
    workspace: Workspace, *, subject: Subject, number: str, name: str, value: str, valid_from: str
) -> bool:
    """Let a value hold for a member from a day (YYYY-MM-DD) on; the rest as for a point."""
    members = Member.objects.all().visible_to(subject).select_related("organisation")
    member = members.filter(number=number).first()
    if member is None:
        raise AttributeNotFoundError(detail=f"there is no member {number}")
    return _set(workspace, _Thing("member", member, member.organisation, number), name, value, valid_from)


def set_computing_set_attribute(
    workspace: Workspace,
    *,
    subject: Subject,
    organisation: Organisation,
    set_name: str,
    name: str,
    value: str,
    valid_from: str,
) -> bool:
    """Let a value hold for a computing set of an organisation from a day (YYYY-MM-DD) on; the rest as for a point."""
    seen = Organisation.objects.all().visible_to(subject)
    row = ComputingSet.objects.filter(organisation__in=seen.filter(pk=organisation.pk), name=set_name).first()
    if row is None:
        raise AttributeNotFoundError(detail=f"{organisation.code} has no computing set {set_name}")
    thing = _Thing("computing_set", row, organisation, f"{organisation.code} {set_name}")
    return _set(workspace, thing, name, value, valid_from)


def end_attribute(workspace: Workspace, *, subject: Subject, attribute_id: int, valid_to: str) -> AttributeView:
    """Let an open value hold no longer from a day on; its first day takes it back as never having held.

    Raises AttributeNotFoundError, BadAttributeError, AttributeOverlapError, BusyError.
    """
    with changing(workspace, "an attribute ended"), transaction.atomic():
        row = Attribute.objects.all().visible_to(subject).filter(pk=attribute_id, valid_to=None).first()
        if row is None:
            raise AttributeNotFoundError(detail="there is no such attribute that holds still")
        end = _day(valid_to)
        if end < row.valid_from:
            raise AttributeOverlapError(detail=f"{row.name} holds from {row.valid_from} on; it cannot end before")
        row.valid_to = end
        row.save(update_fields=["valid_to"])
        view = _view(row)
        record_act(
            workspace,
            action="attribute.end",
            target=_log_name(row),
            facts={"thing": view.thing, "of": view.about, "name": row.name, "value": row.value, "until": str(end)},
        )
    return view


def _set(workspace: Workspace, thing: _Thing, name: str, value: str, valid_from: str) -> bool:
    said, text, begin = _text(name, "a name", _NAME_MOST), _text(value, "a value", _VALUE_MOST), _day(valid_from)
    with changing(workspace, "an attribute"), transaction.atomic():
        rows = Attribute.objects.filter(organisation=thing.organisation, name=said, **{thing.kind: thing.row})
        before = rows.filter(valid_to=None).first()
        if before is not None and before.value == text and before.valid_from <= begin:
            return False
        if before is not None and begin < before.valid_from:
            raise AttributeOverlapError(
                detail=f"{said} is {before.value} from {before.valid_from} on; give that day or a later one"
            )
        if rows.filter(valid_to__gt=begin).exclude(valid_to=F("valid_from")).exists():
            raise AttributeOverlapError(detail=f"{said} has another value on {begin} already, which ends later")
        if before is not None:
            before.valid_to = begin
            before.save(update_fields=["valid_to"])
        Attribute.objects.create(
            organisation=thing.organisation,
            name=said,
            value=text,
            valid_from=begin,
            set_by=acting(),
            set_at=workspace.now(),
            **{thing.kind: thing.row},
        )
        record_act(
            workspace,
            action="attribute.set",
            target=thing.log_name,
            facts={
                "thing": thing.kind,
                "of": thing.name,
                "from": str(begin),
                "before": {said: before.value if before else ""},
                "after": {said: text},
            },
        )
    return True


def _views(rows: AttributeQuerySet) -> tuple[AttributeView, ...]:
    return tuple(_view(row) for row in rows.select_related("point", "meter", "member", "computing_set"))


def _view(row: Attribute) -> AttributeView:
    things = {"point": row.point, "meter": row.meter, "member": row.member, "computing_set": row.computing_set}
    ((thing, about),) = ((thing, one) for thing, one in things.items() if one is not None)
    return AttributeView(
        attribute_id=row.pk,
        thing=thing,
        about=str(about),
        name=row.name,
        value=row.value,
        valid_from=row.valid_from,
        valid_to=row.valid_to,
        set_by=row.set_by,
        set_at=row.set_at,
    )


def _log_name(row: Attribute) -> str:
    """The point, member or set in whose log an act stands; a meter's is that of its newest place here."""
    if row.computing_set is not None:
        return f"{row.organisation.code} {row.computing_set.name}"
    if row.meter is None:
        return str(row.point or row.member)
    places = row.meter.installations.filter(point__organisation=row.organisation).order_by("-valid_from")
    newest = places.select_related("point").first()
    return newest.point.code if newest else row.organisation.code


def _text(raw: str, what: str, most: int) -> str:
    text = " ".join(raw.split())
    if not text or len(text) > most:
        raise BadAttributeError(detail=f"{what} of 1 to {most} characters is needed")
    return text


def _day(raw: str) -> date:
    try:
        return date.fromisoformat(raw.strip())
    except ValueError as error:
        raise BadAttributeError(detail=f"{raw[:20]!r} is no day such as 2026-11-01") from error
