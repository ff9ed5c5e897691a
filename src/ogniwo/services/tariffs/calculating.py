"""Price a profile or totals that come with the question: nothing is read from a workspace but its rates."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from ogniwo.core.kernel.calendar import Month, SlotGrid, grid_of_month
from ogniwo.core.kernel.refusals import Refusal
from ogniwo.core.kernel.rounding import split_largest_remainder
from ogniwo.core.tariffs.model import PointTerms
from ogniwo.core.tariffs.rules import TariffBook
from ogniwo.core.tariffs.usage import PointUsage, RegisterUsage, Usage
from ogniwo.services.tariffs.queries import PricedPoint, price

ENERGY_WH_MAX = 10**12
"""A terawatt-hour a month: more than any point, and far from what 64 bits hold."""


class CalculationError(Refusal):
    """The energy to be priced is not that of the month: the wrong number of slots, or given in no or several ways."""

    code = "calculation.energy"


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedEnergy:
    """The energy of a month, in exactly one way: totals by zone, a profile in Wh, or a shape and its total.

    `profile_wh` and `shape` have one whole number for each slot of `slot_s` seconds of the local month; `year_shape`
    one for each of the local year: a standard load profile, of whose `year_total_wh` the month gets its part. The parts
    of twelve months add up to it exactly.
    """

    zones_wh: Mapping[str, int] = field(default_factory=dict)
    profile_wh: Sequence[int] = ()
    shape: Sequence[int] = ()
    shape_total_wh: int = 0
    year_shape: Sequence[int] = ()
    year_total_wh: int = 0
    slot_s: int = 3_600
    maximum_power_w: int | None = None


def calculate(*, book: TariffBook, terms: PointTerms, month: Month, energy: AskedEnergy) -> PricedPoint:
    """The price of a month. Raises CalculationError and the refusals of pricing, such as a rate that is not known."""
    return price(
        book=book,
        terms=terms,
        first=month.first,
        last_exclusive=month.shifted(1).first,
        usage=_usage(month, energy),
        partial=True,
    )


def _usage(month: Month, energy: AskedEnergy) -> PointUsage:
    ways = [bool(energy.zones_wh), bool(energy.profile_wh), bool(energy.shape), bool(energy.year_shape)]
    if sum(ways) != 1:
        raise CalculationError(detail="give the energy in exactly one way: zones, profile, shape or shape of the year")
    if energy.zones_wh:
        return RegisterUsage(energy_wh=tuple(energy.zones_wh.items()), maximum_power_w=energy.maximum_power_w)
    grid = grid_of_month(month, slot_s=energy.slot_s)
    values = energy.profile_wh or (_part_of_year(month, energy) if energy.year_shape else _split(grid, energy))
    if len(values) != grid.slots:
        raise CalculationError(
            detail=f"{month} has {grid.slots} slots of {energy.slot_s} s; {len(values)} values were given"
        )
    if sum(values) > ENERGY_WH_MAX:
        raise CalculationError(detail=f"more than {ENERGY_WH_MAX} Wh in a month")
    energy_wh = np.array(values, dtype=np.int64)
    return Usage(grid=grid, energy_wh=energy_wh, power_w=energy_wh * (3_600 // grid.slot_s))


def _part_of_year(month: Month, energy: AskedEnergy) -> Sequence[int]:
    """The month's part of the year's total laid over the year's shape."""
    months = [grid_of_month(Month(month.year, number), slot_s=energy.slot_s).slots for number in range(1, 13)]
    if len(energy.year_shape) != sum(months):
        raise CalculationError(
            detail=f"{month.year} has {sum(months)} slots of {energy.slot_s} s, not {len(energy.year_shape)}"
        )
    first = sum(months[: month.month - 1])
    year = _laid(energy.year_total_wh, energy.year_shape)
    return year[first : first + months[month.month - 1]]


def _split(grid: SlotGrid, energy: AskedEnergy) -> Sequence[int]:
    """The total laid over the shape, whole Wh in each slot, the sum exact."""
    if len(energy.shape) != grid.slots:
        return energy.shape
    return _laid(energy.shape_total_wh, energy.shape)


def _laid(total_wh: int, shape: Sequence[int]) -> Sequence[int]:
    if not any(shape):
        raise CalculationError(detail="a shape of zeros carries no energy")
    return split_largest_remainder(total=total_wh, weights=shape, ids=[f"{slot:05d}" for slot in range(len(shape))])
