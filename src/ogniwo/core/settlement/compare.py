"""Several sharing methods on the same data, with each member's result, before the community decides."""

from collections.abc import Mapping
from dataclasses import dataclass

from ogniwo.core.balancing.keys import allocate
from ogniwo.core.balancing.model import SharingChoice, WhMatrix
from ogniwo.core.kernel.quantities import Rate
from ogniwo.core.kernel.refusals import Refusal
from ogniwo.core.settlement.corridor import gain_grosz


class MissingAlternativeError(Refusal):
    """A member bought or sold in the comparison and his price outside the community is not known."""

    code = "compare.missing_alternative"


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparisonPrices:
    """Prices that turn shared energy into gain: internal price and fee, and each member's alternatives by id.

    A member who never buys needs no purchase price, one who never sells no sale price.
    """

    price: Rate
    fee: Rate | None
    purchase: Mapping[str, Rate]
    sale: Mapping[str, Rate]


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberResult:
    """What one method gives one member over all intervals: Wh, and the gain over the alternatives when priced."""

    member: str
    used_wh: int
    rest_wh: int
    supplied_wh: int
    surplus_wh: int
    gain_grosz: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MethodResult:
    """One method: members in the order of their ids, and how much energy was shared in all."""

    name: str
    choice: SharingChoice
    shared_wh: int
    members: tuple[MemberResult, ...]

    @property
    def gain_grosz(self) -> int | None:
        """The gain of all members together, None without prices."""
        gains = [member.gain_grosz for member in self.members]
        known = [gain for gain in gains if gain is not None]
        return sum(known) if len(known) == len(gains) else None


def compare_methods(
    *,
    choices: Mapping[str, SharingChoice],
    need_wh: WhMatrix,
    offer_wh: WhMatrix,
    ids: tuple[str, ...],
    prices: ComparisonPrices | None = None,
) -> tuple[MethodResult, ...]:
    """Run each named choice on the same energy ((members, intervals) int64 Wh), in the order given.

    Each method stands for itself: what a static key leaves over stays surplus here, so that its cost shows.
    """
    results = []
    for name, choice in choices.items():
        shared = allocate(
            method=choice.method,
            need_wh=need_wh,
            offer_wh=offer_wh,
            ids=ids,
            keys=choice.keys,
            order=choice.order,
        )
        sums = zip(
            ids,
            *(matrix.sum(axis=1).tolist() for matrix in (shared.used, shared.rest, shared.supplied, shared.surplus)),
            strict=True,
        )
        members = (_result(member, wh, prices) for member, *wh in sorted(sums))
        results.append(MethodResult(name=name, choice=choice, shared_wh=int(shared.used.sum()), members=tuple(members)))
    return tuple(results)


def _result(member: str, wh: list[int], prices: ComparisonPrices | None) -> MemberResult:
    used, rest, supplied, surplus = wh
    gain = None
    if prices is not None:
        gain = gain_grosz(
            used_wh=used,
            supplied_wh=supplied,
            price=prices.price,
            fee=prices.fee,
            purchase=_alternative(prices.purchase, member, used, prices.price),
            sale=_alternative(prices.sale, member, supplied, prices.price),
        )
    return MemberResult(
        member=member, used_wh=used, rest_wh=rest, supplied_wh=supplied, surplus_wh=surplus, gain_grosz=gain
    )


def _alternative(known: Mapping[str, Rate], member: str, wh: int, unused: Rate) -> Rate:
    if member not in known and wh:
        raise MissingAlternativeError(detail=f"{member} exchanged {wh} Wh and his price outside is not known")
    return known.get(member, unused)
