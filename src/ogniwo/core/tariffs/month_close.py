"""Month close: everything a tariff needs of a month of interval energy, for one point or 100,000 alike.

Per point in one pass: total, zones, energy in the capacity fee's selected hours and in the other hours of working
days, the fee's groups, the largest slot, the ten largest hourly means, and the hourly surpluses over contract power.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields
from itertools import accumulate
from math import gcd, prod

import numpy as np
from numpy.typing import NDArray

from ogniwo.core.kernel.calendar import SlotGrid
from ogniwo.core.kernel.refusals import Refusal
from ogniwo.core.tariffs.capacity_rules import Coefficients
from ogniwo.core.tariffs.kernels import (
    DAY_LANES,
    LANES,
    LARGEST_SLOT_WH,
    TOP,
    CalendarTables,
    CloseArrays,
    close_rows,
    padded,
)

ZONES = 4
CAPACITY_GROUPS = 4
CACHE_LINE_BYTES = 64
LARGEST_CONTRACT_POWER_W = 2**40
LARGEST_GRID_SLOTS = 2**13
"""Two months of quarter-hours: up to here the products that decide a group fit 64 bits for any allowed energy."""


class EnergyOutOfRangeError(Refusal):
    """A slot holds negative energy or more than any connection can carry."""

    code = "tariff.energy_out_of_range"


@dataclass(frozen=True, eq=False, kw_only=True)
class MonthCalendar:
    """A tariff clock compiled for one grid; calendars are shared and compare by identity.

    `zone` (slots,) int8 is the zone of each slot from 0, `selected` and `other` (slots,) bool its place among the
    hours of working days. `period_of_day` (days,) numbers the qualification periods from 0 and `hours_ratio`
    (periods, 2) is n_S : n_PS in lowest terms. The rest are the masks of `kernels.CalendarTables`.
    """

    grid: SlotGrid
    zones: int
    zone: NDArray[np.int8]
    selected: NDArray[np.bool_]
    other: NDArray[np.bool_]
    period_of_day: NDArray[np.int64]
    hours_ratio: NDArray[np.int64]
    whole_hours: bool
    zone_mask: NDArray[np.int32]
    day_mask: NDArray[np.int32]


@dataclass(frozen=True, eq=False, kw_only=True)
class MonthClose:
    """The month of every point; arrays of shape (points, ...), int64 Wh unless said otherwise.

    `zone_wh` (points, 4); `selected_by_day_wh` and `other_by_day_wh` (points, days) are the energies ZS and ZPS of the
    capacity fee, `selected_wh` and `other_wh` their sums. `capacity_group` (points, days) int8 is 1 to 4, and 0 on a
    day without energy in selected hours; `group_wh` (points, 4) sums ZS by group. `largest_slot_wh` (points,) int32.
    `top_hour_wh` and `top_hour_index` (points, 10) int32 are the ten largest hours in descending order, equal ones in
    order of time, with their number in the grid. `surplus_sum_w` (points,) int64 W is the sum of the ten largest
    hourly surpluses over contract power, 0 for a point without contract power (law.md 3.1).
    """

    total_wh: NDArray[np.int64]
    zone_wh: NDArray[np.int64]
    selected_wh: NDArray[np.int64]
    other_wh: NDArray[np.int64]
    selected_by_day_wh: NDArray[np.int64]
    other_by_day_wh: NDArray[np.int64]
    capacity_group: NDArray[np.int8]
    group_wh: NDArray[np.int64]
    largest_slot_wh: NDArray[np.int32]
    top_hour_wh: NDArray[np.int32]
    top_hour_index: NDArray[np.int32]
    surplus_sum_w: NDArray[np.int64]


def compile_calendar(
    *,
    grid: SlotGrid,
    zone_of_slot: NDArray[np.int8],
    selected: NDArray[np.bool_],
    working: NDArray[np.bool_],
    period_of_day: NDArray[np.int64] | None = None,
) -> MonthCalendar:
    """Compile the clock of a tariff for a grid.

    `zone_of_slot` (slots,) holds 0 to 3. Energy of slots that are both `selected` and `working` counts as selected,
    the rest of `working` as other hours (law.md 1.4). `period_of_day` (days,) names the qualification period of each
    local day (month, decade); by default each day is its own. Raises ValueError on wrong shapes, on slots longer than
    an hour and on grids longer than LARGEST_GRID_SLOTS.
    """
    if grid.slots > LARGEST_GRID_SLOTS or grid.slots_per_hour < 1:
        raise ValueError("a calendar covers at most two months of slots of at most an hour")
    if any(array.shape != (grid.slots,) for array in (zone_of_slot, selected, working)):
        raise ValueError("calendar arrays and grid differ in length")
    zones = int(zone_of_slot.max()) + 1
    if zone_of_slot.min() < 0 or zones > ZONES:
        raise ValueError(f"zones must be 0 to {ZONES - 1}")
    inside, other = selected & working, working & ~selected
    period = _numbered_periods(period_of_day, len(grid.days))
    period_of_slot = np.repeat(period, np.diff(grid.day_offsets))
    classes = zone_of_slot + ZONES * inside + 2 * ZONES * other
    by_hour = classes.reshape(grid.hours, grid.slots_per_hour)
    whole_days = not (grid.day_offsets % grid.slots_per_hour).any()
    return MonthCalendar(
        grid=grid,
        zones=zones,
        zone=zone_of_slot.astype(np.int8),
        selected=inside,
        other=other,
        period_of_day=period,
        hours_ratio=_hours_ratio(_counts(period_of_slot[inside], period), _counts(period_of_slot[other], period)),
        whole_hours=whole_days and bool((by_hour == by_hour[:, :1]).all()),
        zone_mask=_zone_masks(zone_of_slot, grid),
        day_mask=_day_masks((inside, other), grid),
    )


def _numbered_periods(period_of_day: NDArray[np.int64] | None, days: int) -> NDArray[np.int64]:
    if period_of_day is None:
        return np.arange(days, dtype=np.int64)
    if period_of_day.shape != (days,):
        raise ValueError("qualification periods must name each day of the grid")
    return np.unique(period_of_day, return_inverse=True)[1].astype(np.int64)


def _counts(period_of_slots: NDArray[np.int64], periods: NDArray[np.int64]) -> list[int]:
    """How many of some slots fall into each period."""
    return [int(count) for count in np.bincount(period_of_slots, minlength=int(periods.max()) + 1)]


def _hours_ratio(selected_slots: Sequence[int], other_slots: Sequence[int]) -> NDArray[np.int64]:
    """n_S : n_PS of each period in lowest terms; 1 stands for none, as then the energy is 0 too."""
    ratios = []
    for inside, outside in zip(selected_slots, other_slots, strict=True):
        divisor = gcd(inside, outside) or 1
        ratios.append((inside // divisor or 1, outside // divisor or 1))
    return np.array(ratios, dtype=np.int64)


def _zone_masks(zone_of_slot: NDArray[np.int8], grid: SlotGrid) -> NDArray[np.int32]:
    """Masks (3, width) of the zones; a row of hours is so wide that DAY_LANES hours follow the start of each day."""
    last_day = int(grid.day_offsets[-2]) // grid.slots_per_hour
    masks = np.zeros((ZONES - 1, padded(max(grid.hours, last_day + DAY_LANES), LANES)), np.int32)
    zone_of_hour = zone_of_slot[:: grid.slots_per_hour]
    for zone, mask in enumerate(masks):
        mask[: grid.hours] = -(zone_of_hour == zone).astype(np.int32)
    return masks


def _day_masks(kinds: Sequence[NDArray[np.bool_]], grid: SlotGrid) -> NDArray[np.int32]:
    """Masks (2, days, DAY_LANES) of the selected and the other hours of each day."""
    starts = grid.day_offsets // grid.slots_per_hour
    masks = np.zeros((len(kinds), len(grid.days), DAY_LANES), np.int32)
    for rows, slots in zip(masks, kinds, strict=True):
        hours = -slots[:: grid.slots_per_hour].astype(np.int32)
        for row, first, end in zip(rows, starts, starts[1:], strict=False):
            row[: end - first] = hours[first:end]
    return masks


def close_month(
    *,
    wh: NDArray[np.int32],
    calendars: Sequence[MonthCalendar],
    calendar_of_point: NDArray[np.int16],
    contract_power_w: NDArray[np.int64],
    coefficients: Coefficients,
    threads: int = 1,
) -> MonthClose:
    """Close a month of complete interval energy for all points at once.

    `wh` (points, slots) int32 Wh in C order, memory-mapped or not, without missing slots; `calendars` share one grid;
    `calendar_of_point` (points,) indexes them; `contract_power_w` (points,) is 0 for points without contract power.
    `coefficients` are the capacity fee's four groups in force. `threads` splits the points; results do not depend on
    it. Raises EnergyOutOfRangeError on negative energy or more than LARGEST_SLOT_WH in a slot, ValueError on wrong
    shapes.
    """
    grid = _checked_grid(wh, calendars, calendar_of_point, contract_power_w)
    points = len(wh)
    out = _empty_arrays(points, len(grid.days))
    matrix = np.require(wh, np.int32, ("C", "A")).view(np.ndarray)
    matrix.setflags(write=False)
    arguments = (
        matrix,
        calendar_of_point.astype(np.int64),
        contract_power_w.astype(np.int64),
        _tables(calendars, grid, coefficients),
        out,
    )
    if threads <= 1:
        close_rows(0, points, *arguments)
    else:
        bounds = [points * part // threads for part in range(threads + 1)]
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(lambda part: close_rows(bounds[part], bounds[part + 1], *arguments), range(threads)))
    if out.refused.any():
        _refuse(np.flatnonzero(out.refused))
    return MonthClose(**{field.name: getattr(out, field.name) for field in fields(MonthClose)})


def _checked_grid(
    wh: NDArray[np.int32],
    calendars: Sequence[MonthCalendar],
    calendar_of_point: NDArray[np.int16],
    contract_power_w: NDArray[np.int64],
) -> SlotGrid:
    grid = calendars[0].grid
    if any(calendar.grid is not grid for calendar in calendars):
        raise ValueError("all calendars of a close must share one grid")
    if wh.dtype != np.int32 or wh.ndim != 2 or wh.shape[1] != grid.slots:
        raise ValueError(f"energy must be int32 of shape (points, {grid.slots})")
    points = len(wh)
    if calendar_of_point.shape != (points,) or contract_power_w.shape != (points,):
        raise ValueError("each point needs one calendar and one contract power")
    if points and not (calendar_of_point.min() >= 0 and calendar_of_point.max() < len(calendars)):
        raise ValueError("a point names a calendar that is not given")
    if points and not (contract_power_w.min() >= 0 and contract_power_w.max() <= LARGEST_CONTRACT_POWER_W):
        raise ValueError("contract power is negative or beyond any grid")
    return grid


def _empty_arrays(points: int, days: int) -> CloseArrays:
    """All results in one piece of memory, which comes in large pages and is kept for the next close.

    Separate arrays go back to the system; paging them in anew took a quarter of the time of a close of 10,000 points.
    """
    widths: dict[str, tuple[type[np.generic], tuple[int, ...]]] = {
        "total_wh": (np.int64, ()),
        "zone_wh": (np.int64, (ZONES,)),
        "selected_wh": (np.int64, ()),
        "other_wh": (np.int64, ()),
        "selected_by_day_wh": (np.int64, (days,)),
        "other_by_day_wh": (np.int64, (days,)),
        "capacity_group": (np.int8, (days,)),
        "group_wh": (np.int64, (CAPACITY_GROUPS,)),
        "largest_slot_wh": (np.int32, ()),
        "top_hour_wh": (np.int32, (TOP,)),
        "top_hour_index": (np.int32, (TOP,)),
        "surplus_sum_w": (np.int64, ()),
        "refused": (np.bool_, ()),
    }
    sizes = [points * prod(width) * np.dtype(kind).itemsize for kind, width in widths.values()]
    starts = [0, *accumulate(padded(size, CACHE_LINE_BYTES) for size in sizes)]
    memory = np.empty(starts[-1], np.uint8)
    return CloseArrays(
        **{
            name: memory[start : start + size].view(kind).reshape(points, *width)
            for (name, (kind, width)), start, size in zip(widths.items(), starts, sizes, strict=False)
        }
    )


def _tables(calendars: Sequence[MonthCalendar], grid: SlotGrid, coefficients: Coefficients) -> CalendarTables:
    days = len(grid.days)
    count = len(calendars)
    hour_weights = np.ones((count, 2, padded(days, DAY_LANES)), np.int64)
    for index, calendar in enumerate(calendars):
        hour_weights[index, :, : len(calendar.hours_ratio)] = calendar.hours_ratio.T
    day_mask = np.stack([item.day_mask for item in calendars])
    working = day_mask.any(axis=(1, 3))
    return CalendarTables(
        slot_class=np.stack([item.zone + 4 * item.selected + 8 * item.other for item in calendars]).astype(np.int8),
        zones=np.array([item.zones for item in calendars], np.int64),
        zone_mask=np.stack([item.zone_mask for item in calendars]),
        day_mask=day_mask,
        working_days=np.argsort(~working, axis=1, kind="stable"),
        working_count=working.sum(axis=1),
        whole_hours=np.array([item.whole_hours for item in calendars]),
        period_of_day=np.stack([item.period_of_day for item in calendars]),
        hour_weights=hour_weights,
        day_slot=grid.day_offsets.astype(np.int64),
        limits=100 + np.array(_limits_percent(coefficients), np.int64),
        zero_resolution_wh=coefficients.zero_resolution_wh,
        slots_per_hour=grid.slots_per_hour,
    )


def _limits_percent(coefficients: Coefficients) -> list[int]:
    """The differences s at which K2, K3 and K4 begin."""
    limits = [group.below_percent for group in coefficients.groups if group.below_percent is not None]
    if len(limits) != CAPACITY_GROUPS - 1 or limits != sorted(limits):
        raise ValueError("the capacity fee has four groups in ascending order")
    return limits


def _refuse(points: NDArray[np.int64]) -> None:
    first = ", ".join(str(point) for point in points[:5])
    raise EnergyOutOfRangeError(
        detail=f"{len(points)} points (rows {first}) hold a slot below 0 or above {LARGEST_SLOT_WH} Wh"
    )


def close_month_reference(
    *,
    wh: NDArray[np.int32],
    calendars: Sequence[MonthCalendar],
    calendar_of_point: NDArray[np.int16],
    contract_power_w: NDArray[np.int64],
    coefficients: Coefficients,
) -> MonthClose:
    """The same close written for reading, in NumPy: the definition the compiled kernel is tested against."""
    grid = _checked_grid(wh, calendars, calendar_of_point, contract_power_w)
    out = _empty_arrays(len(wh), len(grid.days))
    energy = wh.astype(np.int64)
    bad = (energy < 0).any(axis=1) | (energy > LARGEST_SLOT_WH).any(axis=1)
    if bad.any():
        _refuse(np.flatnonzero(bad))
    out.zone_wh[:] = 0
    day_start = grid.day_offsets[:-1]
    for index, calendar in enumerate(calendars):
        mine = calendar_of_point == index
        rows = energy[mine]
        for zone in range(calendar.zones):
            out.zone_wh[mine, zone] = rows[:, calendar.zone == zone].sum(axis=1)
        selected = np.add.reduceat(rows * calendar.selected, day_start, axis=1)
        other = np.add.reduceat(rows * calendar.other, day_start, axis=1)
        out.selected_by_day_wh[mine], out.other_by_day_wh[mine] = selected, other
        out.capacity_group[mine] = _reference_groups(selected, other, calendar, coefficients)
    out.total_wh[:] = energy.sum(axis=1)
    out.selected_wh[:] = out.selected_by_day_wh.sum(axis=1)
    out.other_wh[:] = out.other_by_day_wh.sum(axis=1)
    for group in range(CAPACITY_GROUPS):
        out.group_wh[:, group] = (out.selected_by_day_wh * (out.capacity_group == group + 1)).sum(axis=1)
    out.largest_slot_wh[:] = wh.max(axis=1)
    _reference_top(energy, contract_power_w, grid, out)
    return MonthClose(**{field.name: getattr(out, field.name) for field in fields(MonthClose)})


def _reference_groups(
    selected: NDArray[np.int64], other: NDArray[np.int64], calendar: MonthCalendar, coefficients: Coefficients
) -> NDArray[np.int8]:
    """The group of each day, from the sums of its qualification period."""
    found = np.zeros(selected.shape, np.int8)
    for period, (inside_hours, outside_hours) in enumerate(calendar.hours_ratio):
        days = calendar.period_of_day == period
        inside = selected[:, days].sum(axis=1)
        outside = other[:, days].sum(axis=1)
        group = np.ones(len(inside), np.int8)
        for limit in _limits_percent(coefficients):
            group += 100 * inside * outside_hours >= (100 + limit) * outside * inside_hours
        group[2 * outside < coefficients.zero_resolution_wh] = 4
        found[:, days] = group[:, np.newaxis]
    found[selected == 0] = 0
    return found


def _reference_top(
    energy: NDArray[np.int64], contract_power_w: NDArray[np.int64], grid: SlotGrid, out: CloseArrays
) -> None:
    by_hour = energy.reshape(len(energy), grid.hours, grid.slots_per_hour)
    hourly = by_hour.sum(axis=2)
    order = np.argsort(-hourly, axis=1, kind="stable")[:, :TOP]
    out.top_hour_wh[:] = np.take_along_axis(hourly, order, axis=1)
    out.top_hour_index[:] = order
    surplus = by_hour.max(axis=2) * grid.slots_per_hour - contract_power_w[:, np.newaxis]
    surplus[contract_power_w == 0] = 0
    largest = np.sort(np.maximum(surplus, 0), axis=1)[:, -TOP:]
    out.surplus_sum_w[:] = largest.sum(axis=1)
