"""Computing sets of an organisation, and the area balance of a community's points."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

import numpy as np
from django.db import transaction
from numpy.typing import NDArray

from ogniwo.core.balancing.netting import cooperative_balance, net_hourly
from ogniwo.core.kernel.calendar import HOUR_S, Month, SlotGrid, grid_of_month
from ogniwo.core.kernel.quality import QUALITY_WORDS, Quality
from ogniwo.core.kernel.refusals import Refusal
from ogniwo.core.metering.intervals import BucketSize, aggregate, hourly_series
from ogniwo.core.metering.model import IntervalSeries, is_channel
from ogniwo.core.metering.sets import ChannelKey, SetMember, UnknownMemberError, evaluate_set, expand_set
from ogniwo.core.metering.sets import ComputingSet as SetValue
from ogniwo.records.contracts.models import Membership
from ogniwo.records.metering.models import ComputingSet, ComputingSetPart, MeteringPoint
from ogniwo.records.parties.models import Organisation
from ogniwo.records.visibility import Subject
from ogniwo.services.contracts.queries import memberships_in
from ogniwo.services.metering.active import STAGES, Pair, chosen_stage, needed_series
from ogniwo.services.metering.quality import POINTS_AT_ONCE, visible_points
from ogniwo.services.workspace.audit import record_act
from ogniwo.services.workspace.changing import changing
from ogniwo.services.workspace.kept import Kept
from ogniwo.services.workspace.model import Workspace

__all__ = [
    "BadSetNameError",
    "DayBalance",
    "MonthBalance",
    "SetBalance",
    "SetDay",
    "SetExistsError",
    "SetMember",
    "SetNotFoundError",
    "SetValue",
    "community_balance",
    "create_set",
    "list_sets",
    "set_balance",
    "set_series",
]


_NAME: Final = re.compile(r"[^\[\]\s]([^\[\]]{0,98}[^\[\]\s])?")


class BadSetNameError(Refusal):
    """A name is empty, too long, begins or ends with a blank, or holds a bracket, which ends a name in a formula."""

    code = "sets.bad_name"


class SetExistsError(Refusal):
    """The organisation already has a computing set of that name with other members."""

    code = "sets.exists"


class SetNotFoundError(Refusal):
    """The organisation has no computing set of that name."""

    code = "sets.not_found"


@dataclass(frozen=True, slots=True, kw_only=True)
class DayBalance:
    """A day of an area in Wh; hours in which a value is missing are counted and left out.

    `taken` and `given` by its points after their own hourly netting, `exchanged` between them inside the same hour,
    `inflow` from and `outflow` to the grid outside.
    """

    day: date
    hours: int
    missing_hours: int
    taken_wh: int
    given_wh: int
    exchanged_wh: int
    inflow_wh: int
    outflow_wh: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthBalance:
    """The area balance of a community's month: taken = exchanged + inflow, given = exchanged + outflow."""

    community: str
    month: Month
    points: int
    silent_points: tuple[str, ...]
    days: tuple[DayBalance, ...]

    def total(self, name: str) -> int:
        """The month's sum of one figure of the days."""
        return sum(getattr(day, name) for day in self.days)


@dataclass(frozen=True, slots=True, kw_only=True)
class SetDay:
    """A day of a computing set: the signed sum of the slots that have a value, and how many have none."""

    day: date
    energy_wh: int
    missing_slots: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SetBalance:
    """A computing set's month with the worst quality in it, and the versions it came from."""

    name: str
    month: Month
    slot_s: int
    days: tuple[SetDay, ...]
    worst_quality: str
    version: str

    @property
    def energy_wh(self) -> int:
        """The month's signed sum."""
        return sum(day.energy_wh for day in self.days)

    @property
    def missing_slots(self) -> int:
        """Slots without a value."""
        return sum(day.missing_slots for day in self.days)


def list_sets(*, organisation: Organisation) -> tuple[SetValue, ...]:
    """The computing sets of an organisation, by name."""
    records = organisation.sets.prefetch_related("parts__point", "parts__part")
    return tuple(
        SetValue(name=one.name, members=tuple(sorted((_member(part) for part in one.parts.all()), key=_order)))
        for one in records
    )


def create_set(
    workspace: Workspace,
    *,
    organisation: Organisation,
    subject: Subject,
    name: str,
    members: Sequence[SetMember],
    dry_run: bool = False,
) -> SetValue:
    """Name a signed sum of channels and of other sets; the same again changes nothing.

    Raises BadSetNameError, UnknownMemberError for a set without members, an unknown point, channel name or set,
    CyclicSetError, SetExistsError when the name is taken, and BusyError.
    """
    if not _NAME.fullmatch(name):
        raise BadSetNameError(
            detail=f"{name[:100]!r}: a set's name has 1 to 100 signs, no bracket [ ] and no blank around it"
        )
    with changing(workspace, "a set"), transaction.atomic():
        return _created(workspace, organisation, subject, name, members, dry_run=dry_run)


def _created(
    workspace: Workspace,
    organisation: Organisation,
    subject: Subject,
    name: str,
    members: Sequence[SetMember],
    *,
    dry_run: bool,
) -> SetValue:
    known = {one.name: one for one in list_sets(organisation=organisation)}
    value = SetValue(name=name, members=tuple(sorted(members, key=_order)))
    if name in known:
        if known[name] != value:
            raise SetExistsError(detail=f"{organisation.code} already has a set {name!r} with other members")
        return value
    if not members:
        raise UnknownMemberError(detail=f"set {name} has no members")
    points = {point.code: point for point in visible_points(organisation=organisation, subject=subject)}
    for member in members:
        if member.point and (member.point not in points or not is_channel(member.channel)):
            raise UnknownMemberError(detail=f"{organisation.code} has no point {member.point} {member.channel}")
    expand_set(name, sets={**known, name: value})
    if not dry_run:
        _store(workspace, organisation, value, points)
    return value


def _store(workspace: Workspace, organisation: Organisation, value: SetValue, points: dict[str, MeteringPoint]) -> None:
    owner = ComputingSet.objects.create(organisation=organisation, name=value.name)
    sets = {one.name: one for one in organisation.sets.all()}
    for member in value.members:
        ComputingSetPart.objects.create(
            owner=owner,
            sign=member.sign,
            point=points[member.point] if member.point else None,
            channel=member.channel,
            part=sets[member.set_name] if member.set_name else None,
        )
    record_act(
        workspace,
        action="balance.set_create",
        target=f"{organisation.code} {value.name}",
        facts={"members": [f"{one.sign:+d} {one.set_name or f'{one.point} {one.channel}'}" for one in value.members]},
    )


def _member(part: ComputingSetPart) -> SetMember:
    return SetMember(
        sign=part.sign,
        point=part.point.code if part.point else "",
        channel=part.channel,
        set_name=part.part.name if part.part else "",
    )


def _order(member: SetMember) -> tuple[str, str, str, int]:
    return member.set_name, member.point, member.channel, member.sign


def set_balance(workspace: Workspace, *, organisation: Organisation, name: str, month: Month) -> SetBalance:
    """Evaluate a computing set over a month: in its own slots, or in hours where its members lie on both rasters.

    Raises SetNotFoundError, and what `core.metering.sets` raises when a member has no series.
    """
    sets = {one.name: one for one in list_sets(organisation=organisation)}
    if name not in sets:
        raise SetNotFoundError(
            detail=f"{organisation.code} has no computing set {name!r}; known: {', '.join(sets) or 'none'}"
        )
    total = set_series(workspace, sets=sets, name=name, month=month)
    days = aggregate(total, size=BucketSize.DAY)
    return SetBalance(
        name=name,
        month=month,
        slot_s=total.grid.slot_s,
        days=tuple(
            SetDay(day=day, energy_wh=energy_wh, missing_slots=missing)
            for day, energy_wh, missing in zip(
                total.grid.days, days.wh.tolist(), days.slots[:, Quality.MISSING].tolist(), strict=True
            )
        ),
        worst_quality=QUALITY_WORDS[Quality(int(days.worst.max()))],
        version=total.version,
    )


def set_series(workspace: Workspace, *, sets: Mapping[str, SetValue], name: str, month: Month) -> IntervalSeries:
    """The signed sum of a set's month, in hours where its members lie on both rasters.

    Raises what `core.metering.sets` raises when a member has no series.
    """
    series = {}
    for key in expand_set(name, sets=sets):
        found = workspace.series.read(point=key[0], channel=key[1], month=month)
        if found is not None:
            series[key] = found
    return evaluate_set(name, sets=sets, series=_one_raster(series), channel="set")


def _one_raster(series: dict[ChannelKey, IntervalSeries]) -> dict[ChannelKey, IntervalSeries]:
    if len({one.grid.slot_s for one in series.values()}) <= 1:
        return series
    return {key: hourly_series(one) for key, one in series.items()}


def community_balance(workspace: Workspace, *, community: Organisation, month: Month) -> MonthBalance:
    """Balance all member points of a community by the hour, like the settlement, but also while data are missing.

    An hour in which any member's value is missing is left out and counted. Points that should have sent something and
    sent nothing are named; they make every hour of their membership missing.
    """
    memberships = memberships_in(community=community, first=month.first, last_exclusive=month.shifted(1).first)
    points = tuple((one.point.code, one.point.role, one.valid_from, one.valid_to) for one in memberships)
    key = (str(workspace.root), workspace.series.head(), community.code, month, points)
    return _BALANCES.answer(key, lambda: _balanced(workspace, community.code, month, memberships))


_BALANCES: Final = Kept[MonthBalance](12)


def _balanced(workspace: Workspace, community: str, month: Month, memberships: Sequence[Membership]) -> MonthBalance:
    """The balance anew: nothing but the store, the points' roles and the days of membership goes into it."""
    grid = grid_of_month(month, slot_s=HOUR_S)
    imports, exports = (np.zeros((len(memberships), grid.slots), dtype=np.int64) for _ in range(2))
    within = np.zeros((len(memberships), grid.slots), dtype=np.bool_)
    lacking = np.zeros(grid.slots, dtype=np.bool_)
    silent = []
    for row, (membership, pair) in enumerate(_with_series(workspace, month, memberships)):
        within[row] = _inside(grid, membership)
        if None in needed_series(membership.point, pair):
            silent.append(membership.point.code)
            lacking |= within[row]
            continue
        for wh, series in zip((imports, exports), pair, strict=True):
            if series is not None:
                wh[row] = series.wh.reshape(grid.slots, -1).sum(axis=1, dtype=np.int64)
                lacking |= series.missing.reshape(grid.slots, -1).any(axis=1) & within[row]
    taken, given = net_hourly(imports, exports, 1)
    counted = within & ~lacking
    return MonthBalance(
        community=community,
        month=month,
        points=len({one.point.code for one in memberships}),
        silent_points=tuple(silent),
        days=_days(grid, taken * counted, given * counted, lacking),
    )


def _with_series(
    workspace: Workspace, month: Month, memberships: Sequence[Membership]
) -> Iterator[tuple[Membership, Pair]]:
    """Each membership with its point's import and export; the files are read for many points together."""
    for first in range(0, len(memberships), POINTS_AT_ONCE):
        part = memberships[first : first + POINTS_AT_ONCE]
        codes = {one.point.code for one in part}
        read = workspace.series.read_points(points=codes, month=month, channels=STAGES)
        for one in part:
            of_point = {channel: read.get((one.point.code, channel)) for channel in STAGES}
            yield one, chosen_stage(of_point.__getitem__)


def _inside(grid: SlotGrid, membership: Membership) -> NDArray[np.bool_]:
    """(hours,) whether the membership holds."""
    first, end = membership.valid_from, membership.valid_to
    return np.repeat([first <= day and (end is None or day < end) for day in grid.days], np.diff(grid.day_offsets))


def _days(
    grid: SlotGrid, taken: NDArray[np.int64], given: NDArray[np.int64], lacking: NDArray[np.bool_]
) -> tuple[DayBalance, ...]:
    balance = cooperative_balance(taken, given)
    columns = (
        np.ones(grid.slots, dtype=np.int64),
        lacking.astype(np.int64),
        taken.sum(axis=0),
        given.sum(axis=0),
        balance.exchanged,
        balance.taken,
        balance.given,
    )
    sums = [np.add.reduceat(column, grid.day_offsets[:-1]).tolist() for column in columns]
    return tuple(
        DayBalance(
            day=day,
            hours=hours,
            missing_hours=missing,
            taken_wh=took,
            given_wh=gave,
            exchanged_wh=exchanged,
            inflow_wh=inflow,
            outflow_wh=outflow,
        )
        for day, hours, missing, took, gave, exchanged, inflow, outflow in zip(grid.days, *sums, strict=True)
    )
