"""The price corridor: between which internal prices every member gains, and who makes it empty.

Source: allocation.md "Price corridor". Every buyer gains if price + fee < his alternative, every seller if price > his;
the corridor is the open interval (largest sale alternative, smallest purchase alternative - fee).
"""

from collections.abc import Mapping
from dataclasses import dataclass

from ogniwo.core.kernel.quantities import GROSZ_DECIMALS, RATE_DECIMALS, Rate, RateUnit
from ogniwo.core.kernel.refusals import Refusal
from ogniwo.core.kernel.rounding import divide_half_up

_WH_PER_MWH = RateUnit.MWH.base_units


class PriceUnitError(Refusal):
    """A rate is not a price of energy."""

    code = "settlement.price_unit"


class CorridorWithoutMembersError(Refusal):
    """A corridor needs at least one buyer and one seller."""

    code = "corridor.without_members"


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceCorridor:
    """The open interval of prices at which all gain; bounds in 10^-8 zl per MWh.

    When it is empty, `blocking_buyers` are those for whom no price above all sellers' alternatives is low enough and
    `blocking_sellers` those for whom none below all buyers' alternatives is high enough: without all of the one or all
    of the other group it would not be empty.
    """

    above_e8: int
    below_e8: int
    blocking_buyers: tuple[str, ...]
    blocking_sellers: tuple[str, ...]

    @property
    def is_empty(self) -> bool:
        """Whether no price lets everybody gain."""
        return self.above_e8 >= self.below_e8

    @property
    def middle(self) -> Rate:
        """The price in the middle, per MWh, half up to 10^-8 zl; it shares the gain equally per MWh."""
        return Rate(divide_half_up(self.above_e8 + self.below_e8, 2), RateUnit.MWH)

    def admits(self, price: Rate) -> bool:
        """Whether every member gains at this price."""
        return self.above_e8 < per_mwh_e8(price) < self.below_e8


def price_corridor(*, purchase: Mapping[str, Rate], sale: Mapping[str, Rate], fee: Rate | None = None) -> PriceCorridor:
    """Find the prices at which every member gains.

    `purchase` is what each buyer would otherwise pay (supplier's energy and avoidable variable charges), `sale` what
    each seller would otherwise get, `fee` the community's fee paid by buyers on top; all per kWh or MWh.

    Raises CorridorWithoutMembersError when a side is missing.
    """
    if not purchase or not sale:
        raise CorridorWithoutMembersError(detail="a price corridor needs at least one buyer and one seller")
    fee_e8 = per_mwh_e8(fee) if fee is not None else 0
    limits = {member: per_mwh_e8(rate) - fee_e8 for member, rate in purchase.items()}
    floors = {member: per_mwh_e8(rate) for member, rate in sale.items()}
    above, below = max(floors.values()), min(limits.values())
    empty = above >= below
    return PriceCorridor(
        above_e8=above,
        below_e8=below,
        blocking_buyers=tuple(sorted(member for member, limit in limits.items() if empty and limit <= above)),
        blocking_sellers=tuple(sorted(member for member, floor in floors.items() if empty and floor >= below)),
    )


def gain_grosz(*, used_wh: int, supplied_wh: int, price: Rate, fee: Rate | None, purchase: Rate, sale: Rate) -> int:
    """What a member gains over his alternatives, rounded once, half up; negative when he loses.

    used x (purchase - price - fee) + supplied x (price - sale).
    """
    fee_e8 = per_mwh_e8(fee) if fee is not None else 0
    price_e8 = per_mwh_e8(price)
    gain = used_wh * (per_mwh_e8(purchase) - price_e8 - fee_e8) + supplied_wh * (price_e8 - per_mwh_e8(sale))
    return divide_half_up(gain, _WH_PER_MWH * 10 ** (RATE_DECIMALS - GROSZ_DECIMALS))


def per_mwh_e8(rate: Rate) -> int:
    """A price of energy as 10^-8 zl per MWh; exact. Raises PriceUnitError for a rate not per kWh or MWh."""
    if rate.per not in {RateUnit.KWH, RateUnit.MWH}:
        raise PriceUnitError(detail=f"{rate.text()} zł per {rate.per} is not a price per kWh or MWh")
    return rate.value_e8 * (_WH_PER_MWH // rate.per.base_units)
