"""The energy inside a window of the day, with its proof: what a reward by energy was calculated from.

The ledger sees only the sum, bounded by what was minted, and a commitment to the document made here. Whoever gets the
document - the member - checks every quarter-hour of it against the signed days on the ledger, and that none inside the
window was left out.
"""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from hashlib import sha256
from typing import Annotated, Literal

import msgspec

from ogniwo.core.kernel.calendar import WARSAW, grid_of_days
from ogniwo.core.kernel.refusals import Refusal
from ogniwo.core.ledger.canonical import encode
from ogniwo.core.ledger.intervals import SALT_BYTES, Channel, Energy, IntervalLeaf, Salt, interval_hash, interval_proof
from ogniwo.core.ledger.merkle import includes
from ogniwo.core.ledger.state_records import RewardRule
from ogniwo.core.ledger.transactions import AccountPath, Count, DayRecord, Digest, Word

_DAY_MINUTES = 1_440


class RebateError(Refusal):
    """A rebate document does not follow from the rule, the readings or itself."""

    code = "ledger.bad_rebate"


class _Part(msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True, kw_only=True):
    """A part of a rebate document."""


class Window(_Part, frozen=True, gc=False, kw_only=True):
    """A part of the day: from `begins` up to but not including `ends`, in minutes on the local clock.

    `weekdays` (1 = Monday to 7 = Sunday, in order) are the days on which it counts.
    """

    begins: Annotated[int, msgspec.Meta(ge=0, lt=_DAY_MINUTES)]
    ends: Annotated[int, msgspec.Meta(gt=0, le=_DAY_MINUTES)]
    schema: Literal["ogniwo.window/1"] = "ogniwo.window/1"
    weekdays: Annotated[tuple[Annotated[int, msgspec.Meta(ge=1, le=7)], ...], msgspec.Meta(min_length=1, max_length=7)]
    zone: Literal["Europe/Warsaw"] = WARSAW  # type: ignore[assignment]  # the calendar's zone is a plain text


class ShownInterval(_Part, frozen=True, gc=False, kw_only=True):
    """One interval of a day: its leaf, its place, and the path (hex, nearest sibling first) to the day's root."""

    index: Count
    leaf: IntervalLeaf
    proof: Annotated[tuple[Digest, ...], msgspec.Meta(max_length=16)]


class RebateDay(_Part, frozen=True, gc=False, kw_only=True):
    """One day: the record that the meter signed, and its intervals inside the window."""

    intervals: tuple[ShownInterval, ...]
    record: DayRecord


class Rebate(_Part, frozen=True, gc=False, kw_only=True):
    """What a reward by energy was calculated from; `wh` is the energy inside the window over all days."""

    channel: Channel
    days: Annotated[tuple[RebateDay, ...], msgspec.Meta(min_length=1, max_length=31)]
    point: AccountPath
    rule: Word
    schema: Literal["ogniwo.rebate/1"] = "ogniwo.rebate/1"
    wh: Energy
    window: Window
    window_salt: Salt


def salted(document: msgspec.Struct, *, salt: bytes) -> str:
    """The commitment (hex) to a window or a rebate: SHA-256(salt of 16 bytes || canonical JSON)."""
    if len(salt) != SALT_BYTES:
        raise ValueError("a commitment takes a salt of 16 bytes")
    return sha256(salt + encode(document)).hexdigest()


def slots_inside(window: Window, *, day: date, count: int) -> tuple[tuple[int, int], ...]:
    """Those of a day's `count` intervals that begin inside the window: (index, start in seconds since 1970)."""
    whole = grid_of_days(day, day + timedelta(days=1))
    length_s = int(whole.slots) * whole.slot_s
    if not count or length_s % count or (length_s // count) % whole.slot_s:
        raise RebateError(detail=f"{count} intervals are no division of {day}")
    grid = grid_of_days(day, day + timedelta(days=1), slot_s=length_s // count)
    if day.isoweekday() not in window.weekdays:
        return ()
    view = grid.view()
    return tuple(
        (slot, int(grid.start_epoch_s[slot]))
        for slot in range(count)
        if window.begins <= int(view.hour[slot]) * 60 + int(view.minute[slot]) < window.ends
    )


def build_rebate(
    *,
    rule: str,
    window: Window,
    window_salt: bytes,
    days: Sequence[tuple[DayRecord, Sequence[IntervalLeaf]]],
) -> Rebate:
    """The document over signed days of one point and channel and all their intervals."""
    shown = []
    for record, leaves in days:
        inside = slots_inside(window, day=date.fromisoformat(record.day), count=len(leaves))
        intervals = tuple(
            ShownInterval(index=index, leaf=leaves[index], proof=tuple(interval_proof(leaves, index)))
            for index, _ in inside
        )
        shown.append(RebateDay(intervals=intervals, record=record))
    return Rebate(
        channel=days[0][0].channel,
        days=tuple(shown),
        point=days[0][0].point,
        rule=rule,
        wh=sum(one.leaf.wh for day in shown for one in day.intervals),
        window=window,
        window_salt=window_salt.hex(),
    )


def check_rebate(rebate: Rebate, *, name: str, rule: RewardRule, minted: Mapping[tuple[str, str, str], str]) -> int:
    """The units that a rebate document earns; raises RebateError saying what does not hold.

    `minted` gives the hash (hex) of the day record on the ledger by point, day and channel. Checked are the rule and
    its window, the signed records, each interval under its day's root, and that none inside the window is missing.
    """
    if (rebate.rule, rebate.channel) != (name, rule.channel) or rule.kind != "per_energy":
        raise RebateError(detail=f"the document is about another rule or channel than {name}")
    if salted(rebate.window, salt=bytes.fromhex(rebate.window_salt)) != rule.window:
        raise RebateError(detail=f"this is not the window of {name}")
    days = [day.record.day for day in rebate.days]
    if days != sorted(set(days)):
        raise RebateError(detail="the days stand each once, in order")
    total = 0
    for day in rebate.days:
        key = (day.record.point, day.record.day, day.record.channel)
        if (key[0], key[2]) != (rebate.point, rebate.channel):
            raise RebateError(detail=f"{key[1]} is of another point or channel")
        if minted.get(key) != sha256(encode(day.record)).hexdigest():
            raise RebateError(detail=f"the ledger holds another record of {key[1]}")
        total += _energy_wh(day, rebate.window)
    if total != rebate.wh:
        raise RebateError(detail=f"the intervals sum to {total} Wh, not to {rebate.wh}")
    return total * rule.numerator // rule.denominator


def _energy_wh(day: RebateDay, window: Window) -> int:
    record = day.record
    wanted = slots_inside(window, day=date.fromisoformat(record.day), count=record.leaf_count)
    if tuple((one.index, one.leaf.start) for one in day.intervals) != wanted:
        raise RebateError(detail=f"{record.day}: these are not all intervals inside the window, or others as well")
    for one in day.intervals:
        if one.leaf.channel != record.channel or not includes(
            leaf=interval_hash(one.leaf),
            index=one.index,
            size=record.leaf_count,
            proof=[bytes.fromhex(step) for step in one.proof],
            root=bytes.fromhex(record.merkle_root),
        ):
            raise RebateError(detail=f"{record.day}: interval {one.index} is not one of the signed day")
    return sum(one.leaf.wh for one in day.intervals)
