"""Try sharing methods and prices on a real month, side by side; nothing is stored."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ogniwo.core.balancing.model import SharingMethod
from ogniwo.core.kernel.calendar import Month
from ogniwo.core.kernel.quantities import GROSZ_DECIMALS, RATE_DECIMALS, Rate, RateUnit
from ogniwo.core.kernel.rounding import divide_half_up
from ogniwo.core.settlement.compare import ComparisonPrices, MethodResult, compare_methods
from ogniwo.core.settlement.corridor import PriceCorridor, price_corridor
from ogniwo.core.tariffs.rules import TariffBook
from ogniwo.records.parties.models import Organisation
from ogniwo.services.settlement.loading import MemberPoint, MonthInputs, load_month
from ogniwo.services.settlement.pricing import price_point
from ogniwo.services.workspace.model import Workspace

METHODS = tuple(SharingMethod)
"""In the order in which they are shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceTrial:
    """Prices to try: `sale` is what a seller would get outside; price and fee are those of the rules when None."""

    sale: Rate
    price: Rate | None = None
    fee: Rate | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedMonth:
    """Every method on the same month. Without prices no gains; `corridor` is where every member would gain.

    `purchase` is what each buying point would pay outside for one MWh that it takes, all charges per energy included.
    """

    community: str
    month: Month
    current_method: str
    prices: ComparisonPrices | None
    corridor: PriceCorridor | None
    results: tuple[MethodResult, ...]
    members: tuple[tuple[str, str], ...]


def compare_month(
    workspace: Workspace, *, community: Organisation, month: Month, book: TariffBook, trial: PriceTrial | None = None
) -> ComparedMonth:
    """Share one month by every method, with each point's result; with prices also its gain over staying outside.

    The rules are those of the month for keys and ranks. Refuses what loading a month refuses. A method stands for
    itself here: what a static key leaves over stays surplus, while a settlement shares it by need.
    """
    inputs = load_month(workspace, community=community, month=month)
    prices = _prices(inputs, book, trial) if trial is not None else None
    results = compare_methods(
        choices={method.value: inputs.choice(method.value) for method in METHODS},
        need_wh=inputs.taken,
        offer_wh=inputs.given,
        ids=inputs.ids,
        prices=prices,
    )
    return ComparedMonth(
        community=community.code,
        month=month,
        current_method=inputs.rules.method,
        prices=prices,
        corridor=_corridor(prices) if prices is not None else None,
        results=results,
        members=tuple((one.point.code, one.point.member.number) for one in inputs.points),
    )


def _prices(inputs: MonthInputs, book: TariffBook, trial: PriceTrial) -> ComparisonPrices:
    rules = inputs.rules
    return ComparisonPrices(
        price=trial.price or Rate(rules.internal_price_e8, RateUnit.MWH),
        fee=trial.fee or Rate(rules.community_fee_e8, RateUnit.MWH),
        purchase={
            one.point.code: purchase_price(book=book, member=one, inputs=inputs)
            for one in inputs.points
            if one.taken.any()
        },
        sale={one.point.code: trial.sale for one in inputs.points if one.given.any()},
    )


def purchase_price(*, book: TariffBook, member: MemberPoint, inputs: MonthInputs) -> Rate:
    """What a point would pay per MWh if it took everything from the grid, net, half up to 10^-8 zł.

    It is the whole bill less the bill of a month without any energy, divided by the energy: energy price, variable
    network charge and every levy per energy, with the amounts rounded as on a bill.
    """

    def bill_grosz(grid_wh: NDArray[np.int64]) -> int:
        priced = price_point(book=book, member=member, month=inputs.month, hours=inputs.hours, grid_wh=grid_wh)
        return sum(line.net_grosz for line in priced.lines)

    avoided_grosz = bill_grosz(member.taken) - bill_grosz(np.zeros_like(member.taken))
    scale = RateUnit.MWH.base_units * 10 ** (RATE_DECIMALS - GROSZ_DECIMALS)
    return Rate(divide_half_up(avoided_grosz * scale, int(member.taken.sum())), RateUnit.MWH)


def _corridor(prices: ComparisonPrices) -> PriceCorridor | None:
    """The prices at which every point gains; None where nobody sells or nobody buys."""
    if not prices.purchase or not prices.sale:
        return None
    return price_corridor(purchase=prices.purchase, sale=prices.sale, fee=prices.fee)
