"""Computing sets: signed sums of channels and of other sets (virtual summators), and the balance of an area."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ogniwo.core.kernel.quality import Quality
from ogniwo.core.kernel.refusals import Refusal
from ogniwo.core.metering.intervals import to_wh32
from ogniwo.core.metering.model import IntervalSeries

ChannelKey = tuple[str, str]
"""Metering point and channel."""


class CyclicSetError(Refusal):
    """A set contains itself, directly or through other sets."""

    code = "sets.cycle"


class UnknownMemberError(Refusal):
    """A set names a set or a channel that is not there, or a member that is neither."""

    code = "sets.unknown_member"


class DifferentGridsError(Refusal):
    """The members of a set do not lie on the same slots."""

    code = "sets.different_grids"


@dataclass(frozen=True, slots=True, kw_only=True)
class SetMember:
    """One signed member: either a channel of a point, or another set by its name. `sign` is +1 or -1."""

    sign: int
    point: str = ""
    channel: str = ""
    set_name: str = ""

    def __post_init__(self) -> None:
        if self.sign not in {1, -1}:
            raise UnknownMemberError(detail=f"the sign of a set member is +1 or -1, not {self.sign}")
        if bool(self.set_name) == bool(self.point) or bool(self.point) != bool(self.channel):
            raise UnknownMemberError(detail="a set member is a channel of a point or another set")


@dataclass(frozen=True, slots=True, kw_only=True)
class ComputingSet:
    """A named sum of signed members."""

    name: str
    members: tuple[SetMember, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AreaBalance:
    """What came into an area, what left it, and what is left over (losses, or a member nobody entered).

    Sums are over the slots in which both sides have a value; `missing_slots` counts the others.
    """

    inflow_wh: int
    outflow_wh: int
    difference_wh: int
    missing_slots: int
    largest_slot_difference_wh: int
    largest_slot_epoch_s: int | None


def expand_set(name: str, *, sets: Mapping[str, ComputingSet]) -> dict[ChannelKey, int]:
    """How often each channel counts in a set, signs multiplied along the hierarchy; zero where members cancel.

    Raises CyclicSetError and UnknownMemberError.
    """
    return _expand(name, sets=sets, path=(), done={})


def _expand(
    name: str, *, sets: Mapping[str, ComputingSet], path: tuple[str, ...], done: dict[str, dict[ChannelKey, int]]
) -> dict[ChannelKey, int]:
    if name in path:
        raise CyclicSetError(detail=f"set {name} contains itself: {' > '.join((*path, name))}")
    if name in done:
        return done[name]
    if name not in sets:
        raise UnknownMemberError(detail=f"set {name} is not defined" + (f" (needed by {path[-1]})" if path else ""))
    counts: dict[ChannelKey, int] = {}
    for member in sets[name].members:
        inner = (
            _expand(member.set_name, sets=sets, path=(*path, name), done=done)
            if member.set_name
            else {(member.point, member.channel): 1}
        )
        for key, count in inner.items():
            counts[key] = counts.get(key, 0) + member.sign * count
    done[name] = counts
    return counts


def evaluate_set(
    name: str, *, sets: Mapping[str, ComputingSet], series: Mapping[ChannelKey, IntervalSeries], channel: str
) -> IntervalSeries:
    """The signed sum of a set as a series of the virtual point `name`.

    Every slot has the worst quality of its members; where one is missing the sum is missing, also when that member
    cancels out. `version` names the members' versions. Raises CyclicSetError, UnknownMemberError, DifferentGridsError
    and EnergyTooLargeError.
    """
    counts = expand_set(name, sets=sets)
    if not counts:
        raise UnknownMemberError(detail=f"set {name} has no members, so it has no slots")
    absent = sorted(key for key in counts if key not in series)
    if absent:
        raise UnknownMemberError(detail=f"set {name}: no series for {absent[0][0]} {absent[0][1]}")
    members = [(series[key], count) for key, count in sorted(counts.items())]
    grid = members[0][0].grid
    if any(not _same_slots(member, members[0][0]) for member, _ in members):
        raise DifferentGridsError(detail=f"set {name}: its members lie on different slots")
    total = np.zeros(grid.slots, dtype=np.int64)
    worst = np.zeros(grid.slots, dtype=np.uint8)
    for member, count in members:
        total += np.int64(count) * member.wh
        np.maximum(worst, member.quality, out=worst)
    total[worst == Quality.MISSING] = 0
    version = ",".join(sorted({member.version for member, _ in members if member.version}))
    return IntervalSeries(point=name, channel=channel, grid=grid, wh=to_wh32(total), quality=worst, version=version)


def _same_slots(one: IntervalSeries, other: IntervalSeries) -> bool:
    if one.grid is other.grid:
        return True
    return one.grid.slot_s == other.grid.slot_s and np.array_equal(one.grid.start_epoch_s, other.grid.start_epoch_s)


def area_balance(*, inflow: IntervalSeries, outflow: IntervalSeries) -> AreaBalance:
    """Compare what flowed into an area with what left it, both in Wh on the same slots."""
    if not _same_slots(inflow, outflow):
        raise DifferentGridsError(detail="inflow and outflow lie on different slots")
    both = ~(inflow.missing | outflow.missing)
    difference = np.where(both, inflow.wh.astype(np.int64) - outflow.wh, 0)
    slot = int(np.argmax(np.abs(difference)))
    return AreaBalance(
        inflow_wh=int(inflow.wh[both].sum(dtype=np.int64)),
        outflow_wh=int(outflow.wh[both].sum(dtype=np.int64)),
        difference_wh=int(difference.sum()),
        missing_slots=int((~both).sum()),
        largest_slot_difference_wh=int(difference[slot]),
        largest_slot_epoch_s=int(inflow.grid.start_epoch_s[slot]) if both.any() else None,
    )


def members_of(points: Sequence[str], *, channel: str, sign: int = 1) -> tuple[SetMember, ...]:
    """Members for one channel of many points."""
    return tuple(SetMember(sign=sign, point=point, channel=channel) for point in points)
