"""What a point used in a rated period: a profile on a slot grid, or register totals by zone.

Every charge has its own base, because settlement waives charges one by one (community energy, deposits, clusters).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ogniwo.core.kernel.calendar import Clock, SlotGrid
from ogniwo.core.kernel.refusals import Refusal
from ogniwo.core.kernel.rounding import split_largest_remainder
from ogniwo.core.tariffs.capacity_rules import CapacityRules
from ogniwo.core.tariffs.parts import Part
from ogniwo.core.tariffs.rules import ZoneClock
from ogniwo.core.tariffs.zones import OTHER, SELECTED, capacity_slots, zone_of_slots

ALL_ZONES = "all"
"""The name of the zone of a tariff with one zone."""


class MissingUsageError(Refusal):
    """A charge needs energy or power that was not given."""

    code = "tariff.missing_usage"


class Base(StrEnum):
    """The energy a charge is counted on."""

    NETWORK = "network"
    TRADE = "trade"
    QUALITY = "quality"
    STATUTORY = "statutory"
    CAPACITY = "capacity"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReactiveEnergy:
    """Active and reactive energy of one zone (or `all`) that reactive energy is judged by: Wh and varh.

    None is a quadrant that the meter did not deliver: it is not charged, and the lines say so.
    """

    zone: str = ALL_ZONES
    active_wh: int
    q1_varh: int | None
    q4_varh: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SelectedEnergy:
    """Energy of one qualification period by the operator's registers: selected hours, other hours of working days."""

    first: date
    last_exclusive: date
    selected_wh: int
    other_wh: int


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class HourlyPower:
    """The largest mean power of each hour: arrays (hours,) of W, of instants where hours start, and local days."""

    power_w: NDArray[np.int64]
    start_epoch_s: NDArray[np.int64]
    days: tuple[date, ...]


class PointUsage(Protocol):
    """What charges ask of a usage, whether profile or registers."""

    @property
    def reactive(self) -> tuple[ReactiveEnergy, ...]:
        """Reactive energy by zone, empty when not measured."""

    @property
    def storage_returned_wh(self) -> int | None:
        """Energy that a storage gave back to the grid, None where the point is no storage."""

    @property
    def maximum_power_w(self) -> int | None:
        """The largest mean power of the period, for meters that keep no intervals."""

    def hourly_power_w(self, first: date, last_exclusive: date) -> "HourlyPower | None":
        """The largest mean power of each hour of the days, None without intervals of power."""

    def selected_and_other_wh(self, rules: CapacityRules, first: date, last_exclusive: date) -> tuple[int, int]:
        """Energy of working days in the selected hours and in the others; refuses when it is not known."""

    def total_wh(self, base: Base, parts: Sequence[Part]) -> tuple[int, ...]:
        """The energy of a base in each part."""

    def zone_wh(
        self, base: Base, parts: Sequence[Part], zone_clock: ZoneClock | None, clock: Clock
    ) -> tuple[tuple[int, ...], ...]:
        """The energy of a base in each part by zone: of the clock, or one zone without a clock."""


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Usage:
    """A profile: arrays (slots,) int64 of Wh over whole local days, complete (missing slots were dealt with before).

    `energy_wh` is charged by the network's variable rates; the other bases are the same unless given. `power_w` are
    mean powers (slots of `power_grid`, else of `grid`) for the excess over contract power, of quarter-hours or hours.
    """

    grid: SlotGrid
    energy_wh: NDArray[np.int64]
    trade_wh: NDArray[np.int64] | None = None
    capacity_wh: NDArray[np.int64] | None = None
    statutory_wh: NDArray[np.int64] | None = None
    quality_wh: NDArray[np.int64] | None = None
    power_w: NDArray[np.int64] | None = None
    power_grid: SlotGrid | None = None
    maximum_power_w: int | None = None
    reactive: tuple[ReactiveEnergy, ...] = ()
    storage_returned_wh: int | None = None

    def __post_init__(self) -> None:
        for values in (self.energy_wh, self.trade_wh, self.capacity_wh, self.statutory_wh, self.quality_wh):
            _check(values, self.grid)
        _check(self.power_w, self.power_grid or self.grid)

    def base(self, base: Base) -> NDArray[np.int64]:
        """The array of a base."""
        own = {
            Base.NETWORK: None,
            Base.TRADE: self.trade_wh,
            Base.QUALITY: self.quality_wh,
            Base.STATUTORY: self.statutory_wh,
            Base.CAPACITY: self.capacity_wh,
        }[base]
        return self.energy_wh if own is None else own

    def total_wh(self, base: Base, parts: Sequence[Part]) -> tuple[int, ...]:
        """The energy of a base in each part, summed over its slots."""
        values = self.base(base)
        return tuple(int(values[self._slots(part)].sum()) for part in parts)

    def zone_wh(
        self, base: Base, parts: Sequence[Part], zone_clock: ZoneClock | None, clock: Clock
    ) -> tuple[tuple[int, ...], ...]:
        """The energy of a base in each part by zone, slot by slot."""
        if zone_clock is None:
            return tuple((total,) for total in self.total_wh(base, parts))
        values, zones = self.base(base), zone_of_slots(zone_clock, self.grid, clock)
        slices = [self._slots(part) for part in parts]
        return tuple(
            tuple(int(values[cut][zones[cut] == number].sum()) for number in range(len(zone_clock.zones)))
            for cut in slices
        )

    def hourly_power_w(self, first: date, last_exclusive: date) -> HourlyPower | None:
        """The largest mean power of each hour: hours of quarter-hours give their largest quarter."""
        if self.power_w is None:
            return None
        grid = self.power_grid or self.grid
        cut = slots_of_days(grid, first, last_exclusive)
        hourly = self.power_w[cut].reshape(-1, grid.slots_per_hour).max(axis=1)
        starts = np.arange(cut.start, cut.stop, grid.slots_per_hour)
        day_index = np.searchsorted(grid.day_offsets, starts, side="right") - 1
        days = tuple(grid.days[int(index)] for index in day_index)
        return HourlyPower(power_w=hourly, start_epoch_s=grid.start_epoch_s[starts], days=days)

    def selected_and_other_wh(self, rules: CapacityRules, first: date, last_exclusive: date) -> tuple[int, int]:
        """Sums of the capacity base over the slots of the days."""
        cut = slots_of_days(self.grid, first, last_exclusive)
        values, kinds = self.base(Base.CAPACITY)[cut], capacity_slots(rules, self.grid)[cut]
        return int(values[kinds == SELECTED].sum()), int(values[kinds == OTHER].sum())

    def _slots(self, part: Part) -> slice:
        return slots_of_days(self.grid, part.first, part.last_exclusive)


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterUsage:
    """Totals of the rated period by zone, without a profile: ((zone, Wh), ...), one zone named `all`.

    Over a change of rates energy is split by average daily use, missing units to the largest remainders (ENEA 2026
    tariff, 2.3.12). `capacity` holds one entry per qualification period where the operator's registers give them.
    """

    energy_wh: tuple[tuple[str, int], ...]
    trade_wh: tuple[tuple[str, int], ...] | None = None
    statutory_wh: int | None = None
    quality_wh: int | None = None
    capacity: tuple[SelectedEnergy, ...] = ()
    maximum_power_w: int | None = None
    reactive: tuple[ReactiveEnergy, ...] = ()
    storage_returned_wh: int | None = None

    def __post_init__(self) -> None:
        for zones in (self.energy_wh, self.trade_wh or ()):
            if len({zone for zone, _ in zones}) != len(zones) or any(wh < 0 for _, wh in zones):
                raise ValueError("register totals need one non-negative energy per zone")

    def hourly_power_w(self, first: date, last_exclusive: date) -> None:
        """None: registers know no hours."""

    def selected_and_other_wh(self, rules: CapacityRules, first: date, last_exclusive: date) -> tuple[int, int]:
        """What the operator's registers say of exactly these days; refuses when they say nothing."""
        del rules
        for row in self.capacity:
            if (row.first, row.last_exclusive) == (first, last_exclusive):
                return row.selected_wh, row.other_wh
        raise MissingUsageError(
            detail="the capacity fee by volume needs an hourly profile, or energy in selected and other hours of "
            f"{first} .. {last_exclusive} (not included)"
        )

    def total_wh(self, base: Base, parts: Sequence[Part]) -> tuple[int, ...]:
        """The total of a base split over the parts by days."""
        single = {Base.STATUTORY: self.statutory_wh, Base.QUALITY: self.quality_wh}.get(base)
        return _by_days(sum(wh for _, wh in self._zones(base)) if single is None else single, parts)

    def zone_wh(
        self, base: Base, parts: Sequence[Part], zone_clock: ZoneClock | None, clock: Clock
    ) -> tuple[tuple[int, ...], ...]:
        """Each zone's total split over the parts by days; refuses when the registers lack a zone of the clock."""
        del clock  # registers already ran by the meter's own clock
        if zone_clock is None:
            return tuple((total,) for total in self.total_wh(base, parts))
        given = dict(self._zones(base))
        if set(given) != set(zone_clock.zones):
            raise MissingUsageError(
                detail=f"energy by the zones {', '.join(zone_clock.zones)} is needed, given: {', '.join(given)}"
            )
        columns = [_by_days(given[zone], parts) for zone in zone_clock.zones]
        return tuple(tuple(column[index] for column in columns) for index in range(len(parts)))

    def _zones(self, base: Base) -> tuple[tuple[str, int], ...]:
        return self.trade_wh if base is Base.TRADE and self.trade_wh is not None else self.energy_wh


def slots_of_days(grid: SlotGrid, first: date, last_exclusive: date) -> slice:
    """The slots of the local days [first, last_exclusive), which must lie inside the grid."""
    begin, end = (first - grid.days[0]).days, (last_exclusive - grid.days[0]).days
    if not 0 <= begin <= end <= len(grid.days):
        raise ValueError(f"{first} .. {last_exclusive} is not inside the grid of {grid.days[0]} .. {grid.days[-1]}")
    return slice(int(grid.day_offsets[begin]), int(grid.day_offsets[end]))


def _by_days(total: int, parts: Sequence[Part]) -> tuple[int, ...]:
    return split_largest_remainder(
        total=total, weights=[part.days for part in parts], ids=[part.first.isoformat() for part in parts]
    )


def _check(values: NDArray[np.int64] | None, grid: SlotGrid) -> None:
    if values is None:
        return
    if values.shape != (grid.slots,) or values.dtype != np.int64:
        raise ValueError("usage arrays are int64 of one value per slot of their grid")
    if len(values) and int(values.min()) < 0:
        raise ValueError("usage is never negative: net it before rating")
