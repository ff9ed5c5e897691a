"""Meters of other media as lists and one by one."""

from collections import Counter as Tally
from collections.abc import Sequence

from django.db.models import Count, OuterRef, Q, QuerySet, Subquery

from ogniwo.core.metering.media import plausible, uses
from ogniwo.records.media.models import MediaMeter, MediaReading, MediaStateRow
from ogniwo.records.parties.models import Organisation
from ogniwo.records.visibility import Subject
from ogniwo.services.metering.media.model import (
    MediaMeterNotFoundError,
    MeterDetails,
    MeterView,
    counter_of,
    holding,
    meter_row,
    state_view,
)
from ogniwo.services.workspace.listed import Listed
from ogniwo.services.workspace.model import Workspace


def meters_below(*, subject: Subject, medium: str = "", search: str = "") -> Listed[MeterView]:
    """The meters that the subject sees, by member and medium; `search` looks in serial, place, member."""
    rows = MediaMeter.objects.all().visible_to(subject)
    if medium:
        rows = rows.filter(medium=medium)
    if search:
        looked = Q(serial__icontains=search) | Q(place__icontains=search)
        rows = rows.filter(looked | Q(member__number__icontains=search) | Q(member__name__icontains=search))
    return Listed(rows, _views)


def meters_by_medium(*, subject: Subject) -> dict[str, int]:
    """How many meters the subject sees of each medium that there is."""
    rows = MediaMeter.objects.all().visible_to(subject).order_by("medium")
    return dict(rows.values_list("medium").annotate(Count("pk")))


def meter_details(workspace: Workspace, *, subject: Subject, meter_id: int) -> MeterDetails:
    """One meter with its states and the use between them. Raises MediaMeterNotFoundError."""
    row = meter_row(subject=subject, meter_id=meter_id)
    (view,) = _views(MediaMeter.objects.filter(pk=row.pk))
    return _details(workspace, view, list(MediaStateRow.objects.filter(meter=row)))


def own_media(workspace: Workspace, *, subject: Subject) -> tuple[MeterDetails, ...]:
    """Every meter that the subject sees with its states: for a member's own page."""
    rows = MediaMeter.objects.all().visible_to(subject)
    states: dict[int, list[MediaStateRow]] = {}
    for one in MediaStateRow.objects.filter(meter__in=rows):
        states.setdefault(one.meter_id, []).append(one)
    return tuple(_details(workspace, view, states.get(view.meter_id, [])) for view in _views(rows))


def meter_of_serial(*, organisation: Organisation, subject: Subject, serial: str) -> MeterView:
    """The meter of an organisation with a serial. Raises MediaMeterNotFoundError."""
    rows = MediaMeter.objects.all().visible_to(subject).filter(organisation=organisation, serial=serial)
    found = _views(rows)
    if not found:
        raise MediaMeterNotFoundError(detail=f"{organisation.code} has no meter {serial[:40]!r} of gas, heat or water")
    return found[0]


def _details(workspace: Workspace, view: MeterView, rows: Sequence[MediaStateRow]) -> MeterDetails:
    states = holding(rows)
    return MeterDetails(
        meter=view,
        states=tuple(state_view(one) for one in rows),
        uses=uses(states, view.counter),
        expected=None if view.removed_on else plausible(states, day=workspace.today(), counter=view.counter),
    )


def _views(meters: QuerySet[MediaMeter]) -> tuple[MeterView, ...]:
    """Meters as plain values, with three questions to the database for however many."""
    newest = MediaStateRow.objects.filter(meter=OuterRef("pk"), ended_at=None).order_by("-day", "-minute")
    listed = list(
        meters.select_related("member", "organisation", "replaces", "replaced_by").annotate(
            last_state=Subquery(newest.values("pk")[:1])
        )
    )
    last = MediaStateRow.objects.in_bulk([one.last_state for one in listed if one.last_state is not None])
    keys = [one.pk for one in listed]
    waiting = Tally(MediaReading.objects.filter(meter__in=keys, state="waiting").values_list("meter", flat=True))
    return tuple(_view(one, last.get(one.last_state), waiting[one.pk]) for one in listed)


def _view(row: MediaMeter, last: MediaStateRow | None, waiting: int) -> MeterView:
    counter, after = counter_of(row), getattr(row, "replaced_by", None)
    return MeterView(
        meter_id=row.pk,
        organisation=row.organisation.code,
        member=row.member.number,
        member_name=row.member.name,
        medium=row.medium,
        serial=row.serial,
        unit=counter.unit,
        decimals=counter.decimals,
        digits=counter.digits,
        place=row.place,
        installed_on=row.installed_on,
        removed_on=row.removed_on,
        replaces=row.replaces.serial if row.replaces else "",
        replaced_by=after.serial if after else "",
        last=state_view(last) if last else None,
        waiting=waiting,
    )
