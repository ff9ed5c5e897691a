"""Everything of a member as one file: what is registered, billed, settled, metered, written and done about him."""

import io
import json
import zipfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, Final

import msgspec

from ogniwo.core.kernel.calendar import Month
from ogniwo.core.kernel.ids import is_nip
from ogniwo.records.audit.models import AuditEvent
from ogniwo.records.billing.models import InvoiceRecord
from ogniwo.records.media.models import MediaMeter, MediaPhoto, MediaReading
from ogniwo.records.messages.models import Consent, ReadingPhoto
from ogniwo.records.metering.models import MeteringPoint, RegisterState
from ogniwo.records.parties.models import Member, Organisation
from ogniwo.records.settlement.models import StatementRecord
from ogniwo.records.visibility import Subject
from ogniwo.services.messages.queries import messages_of
from ogniwo.services.metering.declaring import declared_readings
from ogniwo.services.metering.media.model import log_name
from ogniwo.services.metering.media.queries import own_media
from ogniwo.services.metering.media.readings import declared_media
from ogniwo.services.metering.queries import interval_lines, point_details
from ogniwo.services.workspace.audit import record_act
from ogniwo.services.workspace.model import Workspace

_MADE: Final = (2020, 1, 1, 0, 0, 0)
"""One time for all entries: the same data give the same bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberData:
    """What is registered of a member."""

    number: str
    name: str
    kind: str
    street: str
    post_code: str
    town: str
    nip: str
    organisation: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """Whom to write to."""

    name: str
    street: str
    post_code: str
    town: str
    nip: str
    krs: str


def member_data(*, subject: Subject) -> MemberData:
    """The member himself."""
    row = _member(subject)
    return MemberData(
        number=row.number,
        name=row.name,
        kind=row.kind,
        street=row.street,
        post_code=row.post_code,
        town=row.town,
        nip=row.nip if is_nip(row.nip) else "",
        organisation=row.organisation.name,
    )


def contact_of(*, subject: Subject) -> Contact:
    """The organisation that settles with the member."""
    row: Organisation = _member(subject).organisation
    return Contact(name=row.name, street=row.street, post_code=row.post_code, town=row.town, nip=row.nip, krs=row.krs)


def export_member(workspace: Workspace, *, subject: Subject, by: str) -> bytes:
    """A ZIP of JSON and CSV; who took it is written down."""
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in _entries(workspace, subject):
            archive.writestr(zipfile.ZipInfo(name, _MADE), text, compress_type=zipfile.ZIP_DEFLATED)
    record_act(workspace, action="member.export", target=subject.member_number, facts={}, subject=by)
    return sink.getvalue()


def _entries(workspace: Workspace, subject: Subject) -> Iterator[tuple[str, str | bytes]]:
    points = list(MeteringPoint.objects.all().visible_to(subject).values_list("code", flat=True))
    yield "member.json", _json(asdict(member_data(subject=subject)))
    yield "points.json", _json([asdict(point_details(workspace, code=code, subject=subject)) for code in points])
    for record in InvoiceRecord.objects.all().visible_to(subject):
        yield f"bills/{record.number.replace('/', '-')}.json", record.document
    for row in StatementRecord.objects.all().visible_to(subject).select_related("run", "point"):
        yield f"statements/{row.run.month}-{row.point.code}-v{row.run.version}.json", row.document
    states = RegisterState.objects.filter(point__code__in=points).values(
        "point__code", "meter_serial", "obis", "epoch_s", "value_e3", "unit", "origin", "multiplier"
    )
    yield "register-states.json", _json(list(states))
    yield "declared-readings.json", _json([asdict(one) for one in declared_readings(subject=subject, limit=10_000)])
    for photo in ReadingPhoto.objects.filter(reading__point__code__in=points):
        yield f"photos/reading-{photo.reading_id}.{photo.kind}", bytes(photo.data)
    yield from _media(workspace, subject)
    said = Consent.objects.all().visible_to(subject).values("kind", "version", "text", "given", "by", "at")
    yield "consents.json", _json(list(said))
    yield "messages.json", _json([asdict(one) for one in messages_of(subject=subject, limit=10_000)])
    yield "log.json", _json(list(_acts(subject, points)))
    for month, group in _series(workspace, points).items():
        yield f"intervals/{month}.csv", "".join(interval_lines(group, form="csv"))


def _media(workspace: Workspace, subject: Subject) -> Iterator[tuple[str, str | bytes]]:
    """Meters of gas, heat and water with every state, readings of them, their photos."""
    yield "media-meters.json", _json([asdict(one) for one in own_media(workspace, subject=subject)])
    yield "media-readings.json", _json([asdict(one) for one in declared_media(subject=subject, limit=10_000)])
    for photo in MediaPhoto.objects.filter(reading__in=MediaReading.objects.all().visible_to(subject)):
        yield f"photos/media-reading-{photo.reading_id}.{photo.kind}", bytes(photo.data)


def _series(workspace: Workspace, points: list[str]) -> dict[Month, list[Any]]:
    found: dict[Month, list[Any]] = {}
    for code, channel, month in workspace.series.keys():  # noqa: SIM118 -- no mapping
        if code in points:
            found.setdefault(month, []).append(workspace.series.read(point=code, channel=channel, month=month))
    return found


def _acts(subject: Subject, points: list[str]) -> Iterator[dict[str, Any]]:
    """What the log says of the member, his points and his bills."""
    numbers = InvoiceRecord.objects.all().visible_to(subject).values_list("number", flat=True)
    meters = MediaMeter.objects.all().visible_to(subject).select_related("member")
    names = [subject.member_number, *points, *numbers, *(log_name(one) for one in meters)]
    for row in AuditEvent.objects.filter(target__in=names).order_by("at", "id"):
        yield {"at": row.at, "who": row.subject, "action": row.action, "target": row.target, "facts": row.facts}


def _member(subject: Subject) -> Member:
    rows = Member.objects.all().visible_to(subject).select_related("organisation")
    return rows.get(number=subject.member_number)


def _json(value: Any) -> str:  # noqa: ANN401 -- plain values of any shape
    return json.dumps(msgspec.to_builtins(value, str_keys=True), ensure_ascii=False, indent=1, sort_keys=True)
