"""Read points, their months, intervals and versions, within what the asking subject may see."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

import numpy as np
from django.db.models import Q, QuerySet

from ogniwo.core.kernel.calendar import Month
from ogniwo.core.kernel.quality import QUALITY_WORDS, Quality
from ogniwo.core.kernel.refusals import Refusal
from ogniwo.core.metering.model import IntervalSeries
from ogniwo.records.metering.models import MeteringPoint, PointGroup
from ogniwo.records.parties.models import Organisation
from ogniwo.records.visibility import Subject
from ogniwo.series.model import CellVersion, Completeness
from ogniwo.services.metering.quality import visible_points
from ogniwo.services.workspace.listed import Listed
from ogniwo.services.workspace.model import Workspace

__all__ = [
    "INTERVAL_FIELDS",
    "CellVersion",
    "ChannelMonth",
    "ContractPeriod",
    "IntervalSeries",
    "MembershipPeriod",
    "MeterPeriod",
    "PointDetails",
    "PointNotFoundError",
    "PointSummary",
    "SeriesNotFoundError",
    "interval_lines",
    "intervals_of",
    "list_points",
    "month_completeness",
    "point_details",
    "points_below",
    "versions_of",
]

_COLUMNS: Final = (
    "code",
    "member__number",
    "member__name",
    "role",
    "source",
    "peak_power_w",
    "town",
    "group",
    "organisation",
)
INTERVAL_FIELDS = ("ppe", "channel", "start", "seconds", "wh", "quality", "version")
"""The fields of an interval, in the order they are written."""


class PointNotFoundError(Refusal):
    """There is no such metering point, or the subject may not see it."""

    code = "point.not_found"


class SeriesNotFoundError(Refusal):
    """A point has no values of that channel in the month, or had none at the instant asked for."""

    code = "series.not_found"


@dataclass(frozen=True, slots=True, kw_only=True)
class PointSummary:
    """A point in a list; power in W."""

    code: str
    member: str
    member_name: str
    role: str
    source: str
    peak_power_w: int
    group: str
    town: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterPeriod:
    """A meter at a point with its transformer ratios, as (primary, secondary)."""

    serial: str
    valid_from: datetime
    valid_to: datetime | None
    current: tuple[int, int]
    voltage: tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class RatioPeriod:
    """Transformer ratios (primary, secondary) of a point's meter while it hung there; `valid_to` None: until now."""

    serial: str
    valid_from: datetime
    valid_to: datetime | None
    current: tuple[int, int]
    voltage: tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractPeriod:
    """A supply contract of a point; `terms` are the names and values of PointTerms."""

    operator: str
    group: str
    valid_from: date
    valid_to: date | None
    terms: tuple[tuple[str, Any], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MembershipPeriod:
    """A point's part in a community."""

    community: str
    valid_from: date
    valid_to: date | None
    share_key: int
    merit_rank: int
    participation_percent: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelMonth:
    """How much of a channel is there in a month, and which version is the latest."""

    month: str
    channel: str
    slot_s: int
    slots: int
    present: int
    version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PointDetails:
    """A point with all that is registered of it and the months it has values for."""

    summary: PointSummary
    street: str
    latitude_e6: int | None
    longitude_e6: int | None
    meters: tuple[MeterPeriod, ...]
    ratios: tuple[RatioPeriod, ...]
    contracts: tuple[ContractPeriod, ...]
    memberships: tuple[MembershipPeriod, ...]
    channels: tuple[ChannelMonth, ...]


def list_points(*, organisation: Organisation, subject: Subject, group: str = "") -> tuple[PointSummary, ...]:
    """The points of an organisation that the subject may see, by code; of a group (`a/b`) and all below it if named."""
    found = _rows(MeteringPoint.objects.all().visible_to(subject).filter(organisation=organisation))
    return tuple(one for one in found if not group or f"{one.group}/".startswith(f"{group.strip('/')}/"))


def points_below(*, subject: Subject, search: str = "", member: str = "", role: str = "") -> Listed[PointSummary]:
    """The points of every organisation that the subject sees, by code; `search` looks in code, member and town."""
    points = MeteringPoint.objects.all().visible_to(subject)
    if member:
        points = points.filter(member__number=member)
    if role:
        points = points.filter(role=role)
    if search:
        looked = Q(code__contains=search) | Q(town__icontains=search)
        points = points.filter(looked | Q(member__name__icontains=search) | Q(member__number__icontains=search))
    return Listed(points, _rows)


def _rows(points: QuerySet[MeteringPoint]) -> tuple[PointSummary, ...]:
    """Many points as plain values; the names of their groups are made once for each group."""
    listed = list(points.values_list(*_COLUMNS))
    paths = _group_paths({row[-1] for row in listed if row[-2] is not None})
    return tuple(
        PointSummary(
            code=code,
            member=member,
            member_name=name,
            role=role,
            source=source,
            peak_power_w=peak_power_w,
            group=paths.get(group, ""),
            town=town,
        )
        for code, member, name, role, source, peak_power_w, town, group, _ in listed
    )


def _group_paths(organisations: set[int]) -> dict[int, str]:
    """Where every group of some organisations stands in its tree, by key."""
    groups = PointGroup.objects.filter(organisation__in=organisations) if organisations else ()
    known = {group.pk: group for group in groups}
    for group in known.values():
        if group.parent_id is not None:
            group.parent = known[group.parent_id]
    return {key: group_path(group) for key, group in known.items()}


def group_path(group: PointGroup | None) -> str:
    """Where a group stands in its tree, from the root: `plant/hall 1/line a`; "" for none."""
    names: list[str] = []
    while group is not None:
        names.append(group.name)
        group = group.parent
    return "/".join(reversed(names))


def point_details(workspace: Workspace, *, code: str, subject: Subject) -> PointDetails:
    """Everything known of a point. Raises PointNotFoundError."""
    point = _visible_point(code, subject)
    return PointDetails(
        summary=_summary(point),
        street=point.street,
        latitude_e6=point.latitude_e6,
        longitude_e6=point.longitude_e6,
        meters=_meters(point),
        ratios=_ratios(point),
        contracts=tuple(
            ContractPeriod(
                operator=one.operator,
                group=one.group,
                valid_from=one.valid_from,
                valid_to=one.valid_to,
                terms=tuple(sorted(one.terms.items())),
            )
            for one in point.contracts.all()
        ),
        memberships=tuple(
            MembershipPeriod(
                community=one.community.code,
                valid_from=one.valid_from,
                valid_to=one.valid_to,
                share_key=one.share_key,
                merit_rank=one.merit_rank,
                participation_percent=one.participation_percent,
            )
            for one in point.memberships.select_related("community")
        ),
        channels=_channels(workspace, point.code),
    )


def intervals_of(
    workspace: Workspace, *, code: str, subject: Subject, month: Month, channel: str = "", as_of: datetime | None = None
) -> tuple[IntervalSeries, ...]:
    """The series of a point's month, one channel or all, as they are or as they were known at an instant.

    Raises PointNotFoundError, and SeriesNotFoundError when there is none.
    """
    point = _visible_point(code, subject)
    known = workspace.series.channels(point=point.code, month=month)
    found = [
        series
        for name in known
        if channel in {"", name}
        and (series := workspace.series.read(point=point.code, channel=name, month=month, as_of=as_of)) is not None
    ]
    if not found:
        asked = f" {channel}" if channel else ""
        at = f" as known at {as_of.isoformat()}" if as_of else ""
        raise SeriesNotFoundError(
            detail=f"{point.code}{asked} has no values for {month}{at}; its channels then: {', '.join(known) or 'none'}"
        )
    return tuple(found)


def versions_of(workspace: Workspace, *, code: str, subject: Subject, month: Month) -> tuple[CellVersion, ...]:
    """Every version of every channel of a point's month, oldest first by channel."""
    point = _visible_point(code, subject)
    found = tuple(
        version
        for one, channel, _ in workspace.series.keys(month=month)
        if one == point.code
        for version in workspace.series.versions(point=one, channel=channel, month=month)
    )
    if not found:
        raise SeriesNotFoundError(detail=f"{point.code} has no values for {month}")
    return found


def month_completeness(
    workspace: Workspace, *, organisation: Organisation, subject: Subject, month: Month
) -> tuple[tuple[Completeness, ...], tuple[str, ...]]:
    """How much of each channel is there, from the presence bits alone, and the points that sent nothing."""
    codes = {point.code for point in visible_points(organisation=organisation, subject=subject)}
    found = workspace.series.completeness(month=month, points=codes)
    return found, tuple(sorted(codes - {one.point for one in found}))


def interval_lines(series: Iterable[IntervalSeries], *, form: str) -> Iterator[str]:
    """The intervals as CSV with a header, or as JSON lines; a missing energy is empty or null, never a zero."""
    if form == "csv":
        yield ",".join(INTERVAL_FIELDS) + "\n"
    for one in series:
        starts = np.datetime_as_string(one.grid.start_epoch_s.astype("datetime64[s]")).tolist()
        for start, wh, quality in zip(starts, one.wh.tolist(), one.quality.tolist(), strict=True):
            energy = None if quality == Quality.MISSING else wh
            word = QUALITY_WORDS[Quality(quality)]
            values = (one.point, one.channel, f"{start}Z", one.grid.slot_s, energy, word, one.version)
            if form == "csv":
                yield ",".join("" if value is None else str(value) for value in values) + "\n"
            else:
                yield json.dumps(dict(zip(INTERVAL_FIELDS, values, strict=True)), ensure_ascii=False) + "\n"


def _visible_point(code: str, subject: Subject) -> MeteringPoint:
    points = MeteringPoint.objects.all().visible_to(subject).select_related("member", "group", "organisation")
    point = points.filter(code=code).first()
    if point is None:
        raise PointNotFoundError(detail=f"no metering point {code}; `ogniwo point list` shows all")
    return point


def _summary(point: MeteringPoint) -> PointSummary:
    return PointSummary(
        code=point.code,
        member=point.member.number,
        member_name=point.member.name,
        role=point.role,
        source=point.source,
        peak_power_w=point.peak_power_w,
        group=group_path(point.group),
        town=point.town,
    )


def _meters(point: MeteringPoint) -> tuple[MeterPeriod, ...]:
    periods = []
    for one in point.installations.select_related("meter"):
        ratio = one.meter.ratios.filter(valid_from__lte=one.valid_from).order_by("-valid_from").first()
        periods.append(
            MeterPeriod(
                serial=one.meter.serial,
                valid_from=one.valid_from,
                valid_to=one.valid_to,
                current=(ratio.current_primary, ratio.current_secondary) if ratio else (1, 1),
                voltage=(ratio.voltage_primary, ratio.voltage_secondary) if ratio else (1, 1),
            )
        )
    return tuple(periods)


def _ratios(point: MeteringPoint) -> tuple[RatioPeriod, ...]:
    """Every ratio that was in force at the point, cut to the time its meter was there."""
    periods = []
    for one in point.installations.select_related("meter"):
        rows = list(one.meter.ratios.order_by("valid_from"))
        ends = [*(row.valid_from for row in rows[1:]), None]
        for row, end in zip(rows, ends, strict=True):
            begin = max(row.valid_from, one.valid_from)
            until = min((each for each in (end, one.valid_to) if each is not None), default=None)
            if until is None or begin < until:
                periods.append(
                    RatioPeriod(
                        serial=one.meter.serial,
                        valid_from=begin,
                        valid_to=until,
                        current=(row.current_primary, row.current_secondary),
                        voltage=(row.voltage_primary, row.voltage_secondary),
                    )
                )
    return tuple(periods)


def _channels(workspace: Workspace, code: str) -> tuple[ChannelMonth, ...]:
    return tuple(
        ChannelMonth(
            month=str(month),
            channel=one.channel,
            slot_s=one.slot_s,
            slots=one.slots,
            present=one.present,
            version=one.version,
        )
        for month in workspace.series.months()
        for one in workspace.series.completeness(month=month, points=(code,))
    )
