"""The month of an energy cooperative: hourly exchange, the twelve-month pool, and what is left to pay in full.

Sources: art. 38c of the act on renewable sources, regulation Dz.U. 2022 poz. 703; the computable model is law.md 4.3,
an honest reconstruction of paragraphs 3 to 8. What is not confirmed there is in `PoolRules` (docs/sharing.md).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from ogniwo.core.balancing.keys import allocate, split_columns
from ogniwo.core.balancing.model import SharingChoice, SharingMethod, WhMatrix, WhVector
from ogniwo.core.balancing.netting import cooperative_balance
from ogniwo.core.kernel.calendar import Month
from ogniwo.core.kernel.quantities import Share
from ogniwo.core.kernel.refusals import Refusal
from ogniwo.core.kernel.rounding import split_largest_remainder
from ogniwo.core.settlement.kept import Earlier, KeptParts, keep_parts, withheld_now
from ogniwo.core.settlement.model import EnergyFlows

STORED_PART = Share(6, 10)
"""Wi of art. 38c ust. 3: for 1 kWh fed in, 0.6 kWh may be taken back (law.md 4.3, one source)."""


class PoolOutOfOrderError(Refusal):
    """The pool handed in does not stand before the month to settle: a month was settled twice or out of order."""

    code = "cooperative.pool_out_of_order"


class PoolSpread(StrEnum):
    """Over which hours a member's part of the pool is spread; it decides the tariff zone of what he pays in full.

    The law does not say (law.md 4.3, "zone by zone is not confirmed"): PROPORTIONAL treats all hours alike,
    CHRONOLOGICAL covers the earliest hours of the month first.
    """

    PROPORTIONAL = "proportional"
    CHRONOLOGICAL = "chronological"


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolRules:
    """The parameters of the settlement with the obliged seller, with the values of law.md 4.3.

    `wi` is the part of the energy fed in that may be taken back. A lot may be used in the month of injection and in
    `pool_months` months after its end.
    """

    wi: Share = STORED_PART
    pool_months: int = 12
    spread: PoolSpread = PoolSpread.PROPORTIONAL


@dataclass(frozen=True, slots=True, order=True)
class PoolLot:
    """Energy that may still be taken back: the month it was fed in and the Wh left, after the factor wi."""

    month: Month
    wh: int


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class CooperativeMonth:
    """A settled month. Scalars are Wh of the whole cooperative, matrices are int64 Wh of (members, hours).

    `taken_wh` P and `given_wh` W remain after balancing all members in each hour, `exchanged_wh` C passed between
    members. `credited_wh` is wi x W floored to Wh, `settled_wh` S is covered by the pool, `charged_wh` R paid in full.
    `drawn`, `expired` and `pool` (oldest first) are the lots used, lost, and carried to the next month.
    Exactly: taken = community_in + from_pool + grid and given = community_out + surplus for each member and hour.
    `redistributed` (hours,) is the energy that the sharing key left over and that went by need instead.

    With S, R and the lots the seller's account is settled; members get `settled_wh` - `withheld_wh` + `advanced_wh`
    of the pool (`core.settlement.kept`). `usual_parts` is what each would get of it if nothing had been used before.
    """

    month: Month
    ids: tuple[str, ...]
    taken_wh: int
    given_wh: int
    exchanged_wh: int
    credited_wh: int
    settled_wh: int
    charged_wh: int
    drawn: tuple[PoolLot, ...]
    expired: tuple[PoolLot, ...]
    pool: tuple[PoolLot, ...]
    taken: WhMatrix
    given: WhMatrix
    community_in: WhMatrix
    community_out: WhMatrix
    from_pool: WhMatrix
    grid: WhMatrix
    surplus: WhMatrix
    redistributed: WhVector
    withheld_wh: int
    advanced_wh: int
    usual_parts: tuple[int, ...]


def settle_cooperative_month(
    *,
    month: Month,
    ids: tuple[str, ...],
    taken: WhMatrix,
    given: WhMatrix,
    pool: Sequence[PoolLot],
    sharing: SharingChoice,
    rules: PoolRules | None = None,
    earlier: Earlier | None = None,
) -> CooperativeMonth:
    """Settle one month of a cooperative.

    Args:
        month: The month of the energy.
        ids: One stable id for each member row.
        taken: Hourly energy taken after netting each member, (members, hours) int64 Wh, complete.
        given: Hourly energy fed in, the same shape (`balancing.netting.net_hourly` makes both).
        pool: The lots carried from the month before.
        sharing: The key by which members share what they exchange inside an hour.
        rules: The parameters of the pool, by default those of law.md 4.3.
        earlier: What was used of an earlier version and stays, and the shortage that earlier months carry on.

    Raises:
        PoolOutOfOrderError: the pool holds a lot of this month or a later one.
        SharingRulesError: the sharing key does not fit the members.
    """
    rules = rules or PoolRules()
    balance = cooperative_balance(taken, given)
    taken_wh, given_wh = int(balance.taken.sum()), int(balance.given.sum())
    credited_wh = given_wh * rules.wi.numerator // rules.wi.denominator
    usable, too_old = _usable_lots(pool, month, rules)
    drawn, left = _draw([*usable, PoolLot(month, credited_wh)], taken_wh)
    settled_wh = sum(lot.wh for lot in drawn)
    community_in, community_out, redistributed = _share_hours(taken, given, ids, sharing)
    rest = taken - community_in
    earlier = earlier or Earlier()
    withheld_wh = withheld_now(carried_wh=earlier.carried_wh, settled_wh=settled_wh, taken_wh=taken_wh)
    usual, kept = _parts(settled_wh - withheld_wh, rest, community_in, ids, earlier.used_wh)
    from_pool = _spread_pool(kept.parts, rest, rules.spread)
    return CooperativeMonth(
        month=month,
        ids=ids,
        taken_wh=taken_wh,
        given_wh=given_wh,
        exchanged_wh=int(balance.exchanged.sum()),
        credited_wh=credited_wh,
        settled_wh=settled_wh,
        charged_wh=taken_wh - settled_wh,
        drawn=drawn,
        expired=(*too_old, *(lot for lot in left if _last_month(lot, rules) <= month)),
        pool=tuple(lot for lot in left if _last_month(lot, rules) > month),
        taken=taken,
        given=given,
        community_in=community_in,
        community_out=community_out,
        from_pool=from_pool,
        grid=rest - from_pool,
        surplus=given - community_out,
        redistributed=redistributed,
        withheld_wh=withheld_wh,
        advanced_wh=kept.advanced_wh,
        usual_parts=usual,
    )


def member_flows(
    settled: CooperativeMonth, *, metered_in_wh: Sequence[int], metered_out_wh: Sequence[int]
) -> tuple[EnergyFlows, ...]:
    """The month of each member in sums; the metered energy is before netting, in the order of `settled.ids`."""
    sums = [
        matrix.sum(axis=1).tolist()
        for matrix in (
            settled.taken,
            settled.given,
            settled.community_in,
            settled.community_out,
            settled.from_pool,
            settled.grid,
            settled.surplus,
        )
    ]
    return tuple(
        EnergyFlows(
            metered_in_wh=metered_in,
            metered_out_wh=metered_out,
            taken_wh=taken,
            given_wh=given,
            community_in_wh=community_in,
            community_out_wh=community_out,
            pool_wh=pool,
            grid_wh=grid,
            surplus_wh=surplus,
        )
        for metered_in, metered_out, taken, given, community_in, community_out, pool, grid, surplus in zip(
            metered_in_wh, metered_out_wh, *sums, strict=True
        )
    )


def _last_month(lot: PoolLot, rules: PoolRules) -> Month:
    return lot.month.shifted(rules.pool_months)


def _usable_lots(
    pool: Sequence[PoolLot], month: Month, rules: PoolRules
) -> tuple[tuple[PoolLot, ...], tuple[PoolLot, ...]]:
    """The lots that may be used this month, oldest first, and those whose time was over before it."""
    for lot in pool:
        if lot.month >= month:
            raise PoolOutOfOrderError(detail=f"the pool before {month} holds energy of {lot.month}")
    ordered = sorted(lot for lot in pool if lot.wh)
    return (
        tuple(lot for lot in ordered if _last_month(lot, rules) >= month),
        tuple(lot for lot in ordered if _last_month(lot, rules) < month),
    )


def _draw(lots: Sequence[PoolLot], needed_wh: int) -> tuple[tuple[PoolLot, ...], tuple[PoolLot, ...]]:
    """Take up to `needed_wh` from the lots in their order: (drawn, left), without empty lots."""
    drawn, left = [], []
    for lot in lots:
        used = min(lot.wh, needed_wh)
        needed_wh -= used
        drawn.append(PoolLot(lot.month, used))
        left.append(PoolLot(lot.month, lot.wh - used))
    return tuple(lot for lot in drawn if lot.wh), tuple(lot for lot in left if lot.wh)


def _share_hours(
    taken: WhMatrix, given: WhMatrix, ids: tuple[str, ...], sharing: SharingChoice
) -> tuple[WhMatrix, WhMatrix, WhVector]:
    """Share the energy exchanged in each hour: by the key first, what it leaves over by need.

    The operator balances all members, so min(sum taken, sum given) changes hands in law whatever the key says (law.md
    4.4: unused parts are redistributed). Static keys, or hybrid ones with a key of zero, leave some of it over.
    """
    first = allocate(
        method=sharing.method, need_wh=taken, offer_wh=given, ids=ids, keys=sharing.keys, order=sharing.order
    )
    second = allocate(method=SharingMethod.DYNAMIC, need_wh=first.rest, offer_wh=first.surplus, ids=ids)
    return first.used + second.used, first.supplied + second.supplied, second.used.sum(axis=0)


def _parts(
    available_wh: int, rest: WhMatrix, community_in: WhMatrix, ids: tuple[str, ...], used_wh: Mapping[str, int]
) -> tuple[tuple[int, ...], KeptParts]:
    """Each member's part of the pool by what he still takes, and the same where what was used stays with him."""
    totals = rest.sum(axis=1).tolist()
    usual = split_largest_remainder(total=available_wh, weights=totals, ids=ids)
    exchanged = community_in.sum(axis=1).tolist()
    floors = [
        min(still, max(0, used_wh.get(one, 0) - shared))
        for one, still, shared in zip(ids, totals, exchanged, strict=True)
    ]
    return usual, keep_parts(ids=ids, usual=usual, floors=floors)


def _spread_pool(parts: Sequence[int], rest: WhMatrix, spread: PoolSpread) -> WhMatrix:
    """Spread each member's part of the pool over the hours in which he still takes; Wh exact.

    Floors and gives missing Wh to the largest remainders; ties go to the earlier hour.
    """
    totals = np.array(parts, dtype=np.int64)
    if spread is PoolSpread.CHRONOLOGICAL:
        before = np.cumsum(rest, axis=1) - rest
        return np.clip(totals[:, np.newaxis] - before, 0, rest)
    hours = [f"{hour:05d}" for hour in range(rest.shape[1])]
    spread_wh = split_columns(totals=totals, weights=np.ascontiguousarray(rest.T), ids=hours)
    return np.ascontiguousarray(spread_wh.T)
