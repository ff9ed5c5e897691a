"""Gather everything a cooperative's month is settled from: series, memberships, contracts, rules, the pool before."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from ogniwo.core.balancing.model import SharingChoice, SharingMethod
from ogniwo.core.balancing.netting import net_hourly
from ogniwo.core.contracts.supply import SupplyContract
from ogniwo.core.kernel.calendar import HOUR_S, Month, SlotGrid, grid_of_month
from ogniwo.core.kernel.quality import QUALITY_WORDS, Quality
from ogniwo.core.kernel.quantities import Share
from ogniwo.core.kernel.refusals import Refusal
from ogniwo.core.metering.model import REACTIVE_Q1, REACTIVE_Q4, IntervalSeries
from ogniwo.core.settlement.cooperative import PoolLot, PoolRules
from ogniwo.core.settlement.model import QualityShare
from ogniwo.core.tariffs.model import PointTerms
from ogniwo.records.contracts.models import Membership
from ogniwo.records.metering.models import MeteringPoint
from ogniwo.records.parties.models import Organisation
from ogniwo.records.settlement.models import CommunityRules, SettlementRun
from ogniwo.services.contracts.queries import contracts_of_points, memberships_in, rules_on
from ogniwo.services.metering.active import STAGES, chosen_stage, needed_series
from ogniwo.services.metering.context import point_context
from ogniwo.services.metering.quality import POINTS_AT_ONCE
from ogniwo.services.settlement.carrying import UsedBefore, carried_into, used_before
from ogniwo.services.settlement.yearly_use import with_yearly_use
from ogniwo.services.workspace.model import Workspace

_NAMED_POINTS = 5
_CHANNELS: Final = (*sorted(STAGES), REACTIVE_Q1, REACTIVE_Q4)
_Read = Callable[[str], IntervalSeries | None]
"""A point's series of the month, by channel."""


class IncompleteMonthError(Refusal):
    """A month cannot be settled while intervals are missing: missing is not zero."""

    code = "period.incomplete"


class NoMembersError(Refusal):
    """A community has no member in the month."""

    code = "period.no_members"


class PartialParticipationError(Refusal):
    """A point takes part with less than all its energy, which a cooperative's hourly netting does not know."""

    code = "period.partial_participation"


class TwoMembershipsError(Refusal):
    """A point has two memberships of one community in a month: a key or rank changes on the first of a month only."""

    code = "period.two_memberships"


class PoolGapError(Refusal):
    """An earlier month of the community is missing between settled months, so the pool is not known."""

    code = "period.pool_gap"


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class MemberPoint:
    """One point of the month: its series, its netted hours (zero outside the membership) and its contracts.

    `taken`, `given` (hours,) int64 Wh inside the membership, which holds the local days [first, last_exclusive) of the
    month. `imports` is None for a point that only feeds in.
    """

    point: MeteringPoint
    membership: Membership
    first: date
    last_exclusive: date
    imports: IntervalSeries | None
    exports: IntervalSeries | None
    reactive_q1: IntervalSeries | None
    reactive_q4: IntervalSeries | None
    taken: NDArray[np.int64]
    given: NDArray[np.int64]
    metered_in_wh: int
    metered_out_wh: int
    contracts: tuple[SupplyContract[PointTerms], ...]

    @property
    def series(self) -> tuple[IntervalSeries, ...]:
        """Every series that the numbers come from."""
        found = (self.imports, self.exports, self.reactive_q1, self.reactive_q4)
        return tuple(series for series in found if series is not None)

    def inside(self, grid: SlotGrid) -> NDArray[np.bool_]:
        """Which slots of a grid of the month lie in the membership."""
        mask = np.zeros(grid.slots, dtype=np.bool_)
        bounds = ((day - grid.days[0]).days for day in (self.first, self.last_exclusive))
        mask[slice(*(int(grid.day_offsets[bound]) for bound in bounds))] = True
        return mask

    def missing_slots(self) -> int:
        """Slots of the membership without a value, in all series."""
        return sum(int((series.missing & self.inside(series.grid)).sum()) for series in self.series)

    def quality(self) -> tuple[QualityShare, ...]:
        """How the active energy of the point was got, import and export together."""
        totals: dict[int, list[int]] = {}
        for series in (self.imports, self.exports):
            if series is None:
                continue
            inside = self.inside(series.grid)
            for code in np.unique(series.quality[inside]).tolist():
                mask = inside & (series.quality == code)
                part = totals.setdefault(code, [0, 0])
                part[0] += int(series.wh[mask].sum(dtype=np.int64))
                part[1] += int(mask.sum())
        return tuple(
            QualityShare(quality=QUALITY_WORDS[Quality(code)], energy_wh=energy_wh, slots=slots)
            for code, (energy_wh, slots) in sorted(totals.items())
        )


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class MonthInputs:
    """Everything a month is settled from, ordered by point code."""

    community: Organisation
    month: Month
    hours: SlotGrid
    rules: CommunityRules
    points: tuple[MemberPoint, ...]
    pool: tuple[PoolLot, ...]
    used: UsedBefore
    carried_wh: int

    @property
    def ids(self) -> tuple[str, ...]:
        """The point codes: the stable ids of every split."""
        return tuple(one.point.code for one in self.points)

    @property
    def taken(self) -> NDArray[np.int64]:
        """(points, hours) Wh taken."""
        return np.stack([one.taken for one in self.points])

    @property
    def given(self) -> NDArray[np.int64]:
        """(points, hours) Wh fed in."""
        return np.stack([one.given for one in self.points])

    @property
    def pool_rules(self) -> PoolRules:
        """The pool's parameters."""
        return PoolRules(
            wi=Share(self.rules.injection_numerator, self.rules.injection_denominator),
            pool_months=self.rules.pool_months,
        )

    def choice(self, method: str = "") -> SharingChoice:
        """The sharing key of the rules, or another method with the members' keys and ranks."""
        chosen = SharingMethod(method or self.rules.method)
        keyed = chosen in {SharingMethod.STATIC, SharingMethod.HYBRID}
        ranked = sorted(self.points, key=lambda one: (one.membership.merit_rank, one.point.code))
        return SharingChoice(
            method=chosen,
            keys=tuple(one.membership.share_key for one in self.points) if keyed else None,
            order=tuple(one.point.code for one in ranked) if chosen is SharingMethod.MERIT_ORDER else None,
        )


def load_month(
    workspace: Workspace, *, community: Organisation, month: Month, as_of: datetime | None = None
) -> MonthInputs:
    """Load a month; refuses missing intervals, partial participation, a community without members."""
    first, last_exclusive = month.first, month.shifted(1).first
    memberships = memberships_in(community=community, first=first, last_exclusive=last_exclusive)
    if not memberships:
        raise NoMembersError(detail=f"{community.code} has no member in {month}")
    partial = [one.point.code for one in memberships if one.participation_percent < 100]
    if partial:
        raise PartialParticipationError(detail=f"{', '.join(partial)} takes part with less than 100 %")
    twice = sorted(code for code, times in Counter(one.point.code for one in memberships).items() if times > 1)
    if twice:
        raise TwoMembershipsError(detail=f"{', '.join(twice)} is in {community.code} twice in {month}")
    contracts: dict[str, list[SupplyContract[PointTerms]]] = {}
    for one in contracts_of_points([each.point for each in memberships]):
        contracts.setdefault(one.point, []).append(one)
    points = tuple(
        _member_point(membership, month, contracts.get(membership.point.code, []), read)
        for membership, read in _with_series(workspace, memberships, month, as_of=as_of)
    )
    _refuse_incomplete(points, month)
    rules = rules_on(community=community, day=first)
    return MonthInputs(
        community=community,
        month=month,
        hours=grid_of_month(month, slot_s=HOUR_S),
        rules=rules,
        points=points,
        pool=pool_before(community=community, month=month),
        used=used_before(community=community, month=month, rules=rules),
        carried_wh=carried_into(community=community, month=month),
    )


def _with_series(
    workspace: Workspace, memberships: Sequence[Membership], month: Month, *, as_of: datetime | None
) -> Iterator[tuple[Membership, _Read]]:
    """Each membership with its point's series by channel; the files are read for many points together."""
    for first in range(0, len(memberships), POINTS_AT_ONCE):
        part = memberships[first : first + POINTS_AT_ONCE]
        codes = {one.point.code for one in part}
        found = workspace.series.read_points(points=codes, month=month, channels=_CHANNELS, as_of=as_of)
        for one in part:
            yield one, {channel: found.get((one.point.code, channel)) for channel in _CHANNELS}.__getitem__


def _member_point(
    membership: Membership, month: Month, contracts: Sequence[SupplyContract[PointTerms]], read: _Read
) -> MemberPoint:
    imports, exports = chosen_stage(read)
    taken, given = _netted(imports, exports, month)
    first = max(month.first, membership.valid_from)
    last_exclusive = min(month.shifted(1).first, membership.valid_to or date.max)
    inside = _membership_hours(first, last_exclusive, month)
    return MemberPoint(
        point=membership.point,
        membership=membership,
        first=first,
        last_exclusive=last_exclusive,
        imports=imports,
        exports=exports,
        reactive_q1=read(REACTIVE_Q1),
        reactive_q4=read(REACTIVE_Q4),
        taken=taken * inside,
        given=given * inside,
        metered_in_wh=int((_hourly(imports, month) * inside).sum()),
        metered_out_wh=int((_hourly(exports, month) * inside).sum()),
        contracts=_with_last_year(membership.point, contracts, month),
    )


def _with_last_year(
    point: MeteringPoint, contracts: Sequence[SupplyContract[PointTerms]], month: Month
) -> tuple[SupplyContract[PointTerms], ...]:
    """The contracts, with last year's use from the registers where they do not state it."""
    if all(contract.terms.yearly_use_wh is not None for contract in contracts):
        return tuple(contracts)
    context = point_context(point, month)
    return tuple(with_yearly_use(contract, context, on=month.first) for contract in contracts)


def _hourly(series: IntervalSeries | None, month: Month) -> NDArray[np.int64]:
    hours = grid_of_month(month, slot_s=HOUR_S).slots
    if series is None:
        return np.zeros(hours, dtype=np.int64)
    sums: NDArray[np.int64] = series.wh.astype(np.int64).reshape(hours, -1).sum(axis=1)
    return sums


def _netted(
    imports: IntervalSeries | None, exports: IntervalSeries | None, month: Month
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Hourly netting of one point; quarter-hours and hours may meet, since the sum of an hour is the same."""
    taken, given = net_hourly(_hourly(imports, month)[np.newaxis], _hourly(exports, month)[np.newaxis], 1)
    return taken[0], given[0]


def _membership_hours(first: date, last_exclusive: date, month: Month) -> NDArray[np.int64]:
    grid = grid_of_month(month, slot_s=HOUR_S)
    inside = np.array([first <= day < last_exclusive for day in grid.days], dtype=np.int64)
    return np.repeat(inside, np.diff(grid.day_offsets))


def _refuse_incomplete(points: Sequence[MemberPoint], month: Month) -> None:
    lacking = []
    for one in points:
        missing = one.missing_slots()
        if None in needed_series(one.point, (one.imports, one.exports)):
            lacking.append(f"{one.point.code}: no series")
        elif missing:
            lacking.append(f"{one.point.code}: {missing} intervals")
    if lacking:
        named, others = lacking[:_NAMED_POINTS], len(lacking) - _NAMED_POINTS
        if others > 0:
            named.append(f"and {others} more")
        raise IncompleteMonthError(
            detail=f"{month} cannot be settled, intervals are missing ({'; '.join(named)}); "
            "import the data or estimate them with `ogniwo quality estimate`"
        )


def latest_run(*, community: Organisation, month: Month) -> SettlementRun | None:
    """The newest run of a month."""
    return community.runs.filter(month=str(month)).order_by("-version").first()


def pool_before(*, community: Organisation, month: Month) -> tuple[PoolLot, ...]:
    """The pool that the month before left; empty before the first settled month; refuses a gap between months."""
    earlier = community.runs.filter(month__lt=str(month)).order_by("-month", "-version").first()
    if earlier is None:
        return ()
    if earlier.month != str(month.shifted(-1)):
        raise PoolGapError(detail=f"{community.code} settled {earlier.month} last; settle the months before {month}")
    return tuple(msgspec.convert(earlier.pool, list[PoolLot]))
