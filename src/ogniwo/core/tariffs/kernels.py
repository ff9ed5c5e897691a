"""Compiled month close: one pass over a dense matrix of interval energy. The readable twin is in `month_close`.

How it is fast, and why each step is exact: one pass over the matrix turns slots into hours and finds the largest slot;
the rest reads hours only. Zones and days are sums under masks without branches, in 32 bits where the row's largest
value proves that the sums fit, otherwise slot by slot in 64 bits. The ten largest hours are found under a threshold
taken from column maxima, so that vector comparisons leave out nearly all hours; hourly maxima of points over their
contract power go through the same steps. Points pass in blocks, so that each step's set-up is shared.
Steps take whole arrays and row numbers: a slice would cost more than the loop over it, as every view counts references.
"""
# ruff: noqa: PLR0913, PLR0917, ANN001, ANN202 -- compiled steps take arrays one by one and numba infers their types
# mypy: allow-untyped-defs, allow-incomplete-defs, allow-untyped-calls

from typing import NamedTuple

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic
from numpy.typing import NDArray

LARGEST_SLOT_WH = 2**29 - 1
"""Most energy one slot may hold: four of them still fit a 32-bit hour (2.1 GW, more than any single connection)."""

TOP = 10
"""How many hourly means and hourly surpluses are kept."""

ROWS = 8
"""A row of hours is read as a table of so many rows when its largest hours are sought."""

LANES = 16 * ROWS
"""Rows of hours are padded to this, so that loops over the columns of the table are whole vectors."""

DAY_LANES = 32
"""Hours read for each day, more than any day has; masks leave out the rest. Days are padded to it too."""

_place = np.uint64
"""Type of computed places in arrays: a signed one would be tested for counting from the end and cost the vectors."""

BLOCK = 32
"""Points that go through each step together; their hours fit the second-level cache."""

_FEW_COLUMNS = 12
_MOST_COLUMNS = 20
_MOST_KEYS = 24
_INT32_MAX = 2**31 - 1
_LOW_32 = 0xFFFFFFFF


_AHEAD_BYTES = 6_144
_STRETCH_HOURS = 64
_LINE_BYTES = 64


@intrinsic
def _prefetch(_typing_context, _address):
    """Ask for the cache line at an address, as processors stop reading ahead at each page; any address is harmless."""

    def generate(context, builder, _signature, arguments):
        pointer, word = ir.IntType(8).as_pointer(), ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), (pointer, word, word, word))
        function = builder.module.declare_intrinsic("llvm.prefetch", (pointer,), kind)
        for_reading, all_caches, data = word(0), word(3), word(1)
        builder.call(function, (builder.inttoptr(arguments[0], pointer), for_reading, all_caches, data))
        return context.get_dummy_value()

    return types.void(types.int64), generate


class CalendarTables(NamedTuple):
    """Calendars of one grid, stacked along the first axis.

    `slot_class` (calendars, slots) int8 is zone + 4 x kind: kind 0 off days, 1 selected hours, 2 other hours.
    `zones` (calendars,) int64 counts zones; `zone_mask` (calendars, 3, width) int32 of 0 or -1 marks the hours of all
    zones but the last, padded with zeros. `day_mask` (calendars, 2, days, DAY_LANES) int32 marks the
    selected and the other hours of each day from its first hour on; the first `working_count` (calendars,) int64
    entries of `working_days` (calendars, days) int64 name the days that have any. `whole_hours` (calendars,) bool tells
    whether classes change at whole hours only, so that the masks hold. `period_of_day` (calendars, days) int64 numbers
    qualification periods, `hour_weights` (calendars, 2, padded days) int64 holds their n_S and n_PS without a common
    divisor. `day_slot` (days + 1,) int64 bounds the slots of each day. `limits` int64 are 105, 110, 115 for differences
    of 5, 10, 15 %.
    """

    slot_class: NDArray[np.int8]
    zones: NDArray[np.int64]
    zone_mask: NDArray[np.int32]
    day_mask: NDArray[np.int32]
    working_days: NDArray[np.int64]
    working_count: NDArray[np.int64]
    whole_hours: NDArray[np.bool_]
    period_of_day: NDArray[np.int64]
    hour_weights: NDArray[np.int64]
    day_slot: NDArray[np.int64]
    limits: NDArray[np.int64]
    zero_resolution_wh: int
    slots_per_hour: int


class CloseArrays(NamedTuple):
    """What a close writes, one row per point; meanings and units are those of `month_close.MonthClose`."""

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
    refused: NDArray[np.bool_]


def padded(count: int, lanes: int) -> int:
    """A count rounded up to whole groups of lanes."""
    return -(-count // lanes) * lanes


@njit(cache=True, nogil=True)
def _quarters_to_hours(wh, first, count, hours, largest_wh, refused):
    """Sum the quarter-hours of a block of rows to hours, note each row's largest slot and refuse bad rows.

    The only pass over the matrix: stretch by stretch, with memory asked for some stretches ahead. Compared without
    sign, a negative value is larger than any allowed one.
    """
    base, row_bytes, hour_bytes = wh.ctypes.data, wh.shape[1] * 4, 16
    hour_count = wh.shape[1] // 4
    for row in range(count):
        point = first + row
        largest = np.uint32(0)
        for begin in range(0, hour_count, _STRETCH_HOURS):
            ahead = base + point * row_bytes + begin * hour_bytes + _AHEAD_BYTES
            for line in range(0, _STRETCH_HOURS * hour_bytes, _LINE_BYTES):
                _prefetch(ahead + line)
            for hour in range(_place(begin), _place(min(begin + _STRETCH_HOURS, hour_count))):
                slot = _place(4) * hour
                a, b = wh[point, slot], wh[point, slot + _place(1)]
                c, d = wh[point, slot + _place(2)], wh[point, slot + _place(3)]
                hours[row, hour] = np.int32(a + b + c + d)
                largest = max(largest, np.uint32(a), np.uint32(b), np.uint32(c), np.uint32(d))
        largest_wh[point] = np.int32(largest)
        refused[point] = largest > LARGEST_SLOT_WH


@njit(cache=True, nogil=True)
def _slots_to_hours(wh, first, count, slots_per_hour, hours, largest_wh, refused):
    """The same for slots of any length."""
    for row in range(count):
        point = first + row
        largest = np.uint32(0)
        for hour in range(wh.shape[1] // slots_per_hour):
            energy = np.int64(0)
            for slot in range(hour * slots_per_hour, (hour + 1) * slots_per_hour):
                energy += wh[point, slot]
                largest = max(largest, np.uint32(wh[point, slot]))
            hours[row, hour] = energy
        largest_wh[point] = np.int32(largest)
        refused[point] = largest > LARGEST_SLOT_WH


@njit(cache=True, nogil=True)
def _zone_sums(hours, calendars, masks, zones, total_wh, zone_wh, first, count):
    """Zones under masks in 32 bits; the last zone is what is left of the total."""
    for row in range(count):
        point = first + row
        calendar = calendars[point]
        total = np.int32(0)
        for hour in range(masks.shape[2]):
            total = np.int32(total + hours[row, hour])
        rest = total
        for zone in range(4):
            zone_wh[point, zone] = 0
        for zone in range(zones[calendar] - 1):
            energy = np.int32(0)
            for hour in range(masks.shape[2]):
                energy = np.int32(energy + (hours[row, hour] & masks[calendar, zone, hour]))
            zone_wh[point, zone] = energy
            rest = np.int32(rest - energy)
        zone_wh[point, zones[calendar] - 1] = rest
        total_wh[point] = total


@njit(cache=True, nogil=True)
def _day_sums(hours, calendars, day_mask, working_days, working_count, day_hour, selected, other, first, count):
    """Selected and other hours of each working day under masks in 32 bits; days of 23 and 25 hours are no exception.

    The number of lanes is taken from an array: loops of a known short length would be unrolled to single numbers.
    """
    for row in range(count):
        calendar = calendars[first + row]
        for lane in range(selected.shape[1]):
            selected[row, lane] = 0
            other[row, lane] = 0
        for index in range(working_count[calendar]):
            day = _place(working_days[calendar, index])
            start = _place(day_hour[day])
            inside = np.int32(0)
            outside = np.int32(0)
            for lane in range(_place(day_mask.shape[3])):
                energy = hours[row, start + lane]
                inside = np.int32(inside + (energy & day_mask[calendar, 0, day, lane]))
                outside = np.int32(outside + (energy & day_mask[calendar, 1, day, lane]))
            selected[row, day] = inside
            other[row, day] = outside


@njit(cache=True, nogil=True)
def _plain_sums(wh, point, row, slot_class, calendar, day_slot, zone_wh, selected_days, other_days):
    """Zones and days of a row slot by slot in 64 bits: any calendar, any energy. Gives the total."""
    total = np.int64(0)
    for zone in range(4):
        zone_wh[point, zone] = 0
    for day in range(day_slot.size - 1):
        selected = np.int64(0)
        other = np.int64(0)
        for slot in range(day_slot[day], day_slot[day + 1]):
            energy = np.int64(wh[point, slot])
            code = slot_class[calendar, slot]
            total += energy
            zone_wh[point, code & 3] += energy
            selected += energy * (code >> 2 == 1)
            other += energy * (code >> 2 == 2)
        selected_days[row, day] = selected
        other_days[row, day] = other
    return total


@njit(cache=True, nogil=True)
def _store_days(day_sums, day_wh, month_wh, first, count):
    """Copy days out with their sum. Results are never read back: their cache lines are still on the way."""
    for row in range(count):
        month = np.int64(0)
        for day in range(day_sums.shape[1]):
            month += day_sums[row, day]
        for day in range(day_wh.shape[1]):
            day_wh[first + row, day] = day_sums[row, day]
        month_wh[first + row] = month


@njit(cache=True, nogil=True)
def _period_sums(day_sums, calendars, period_of_day, sums, first, count):
    """Sum days to qualification periods, zeros behind."""
    for row in range(count):
        calendar = calendars[first + row]
        for period in range(sums.shape[1]):
            sums[row, period] = 0
        for day in range(period_of_day.shape[1]):
            sums[row, _place(period_of_day[calendar, day])] += day_sums[row, day]


@njit(cache=True, nogil=True)
def _qualify(selected, other, calendars, weights, limits, zero_resolution_wh, groups, group_wh, first, count):
    """The group of each period without division (act on the capacity market, art. 70a): 1 to 4, 0 without a fee."""
    low, middle, high = limits[0], limits[1], limits[2]
    for row in range(count):
        calendar = calendars[first + row]
        k1, k2, k3, k4 = np.int64(0), np.int64(0), np.int64(0), np.int64(0)
        for period in range(groups.shape[1]):
            energy = selected[row, period]
            inside = 100 * energy * weights[calendar, 1, period]
            outside = other[row, period] * weights[calendar, 0, period]
            group = 1 + (inside >= low * outside) + (inside >= middle * outside) + (inside >= high * outside)
            group = 4 if 2 * other[row, period] < zero_resolution_wh else group
            groups[row, period] = 0 if energy == 0 else group
            k1 += energy if group == 1 else 0
            k2 += energy if group == 2 else 0
            k3 += energy if group == 3 else 0
            k4 += energy if group == 4 else 0
        group_wh[first + row, 0] = k1
        group_wh[first + row, 1] = k2
        group_wh[first + row, 2] = k3
        group_wh[first + row, 3] = k4


@njit(cache=True, nogil=True)
def _store_groups(groups, daily, calendars, period_of_day, day_sums, day_group, first, count):
    """Write the group of each day's period, 0 on days without energy in selected hours; `daily` periods are days."""
    for row in range(count):
        calendar = calendars[first + row]
        if daily:
            for day in range(day_group.shape[1]):
                day_group[first + row, day] = groups[row, day]
        else:
            for day in range(day_group.shape[1]):
                group = groups[row, _place(period_of_day[calendar, day])]
                day_group[first + row, day] = group if day_sums[row, day] else 0


@njit(cache=True, nogil=True)
def _insert(values, places, point, value, place):
    """Put a value that is larger than the last one of a row into descending order, behind its equals."""
    position = TOP - 1
    while position > 0 and values[point, position - 1] < value:
        values[point, position] = values[point, position - 1]
        places[point, position] = places[point, position - 1]
        position -= 1
    values[point, position] = value
    places[point, position] = place


@njit(cache=True, nogil=True)
def _plain_top(hours, row, hour_count, values, places, point):
    """The ten largest hours in descending order, equal ones in order of time; a grid has at least 23 hours."""
    for rank in range(TOP):
        values[point, rank] = -1
    for hour in range(hour_count):
        if hours[row, hour] > values[point, TOP - 1]:
            _insert(values, places, point, hours[row, hour], hour)


@njit(cache=True, nogil=True)
def _column_maxima(table, columns, count):
    """The largest hour of each column of a row's table of hours."""
    for row in range(count):
        for column in range(_place(columns.shape[1])):
            largest = table[row, 0, column]
            for part in range(1, ROWS):
                largest = max(largest, table[row, part, column])
            columns[row, column] = largest


@njit(cache=True, nogil=True)
def _thresholds(columns, thresholds, count):
    """A value that at least ten column maxima and few more reach, so that at least ten hours reach it; 0 if none."""
    for row in range(count):
        low = np.int32(0)
        high = np.int32(0)
        for column in range(columns.shape[1]):
            high = max(high, columns[row, column])
        while high - low > 1:
            middle = np.int32((low + high) >> 1)
            reached = np.int32(0)
            for column in range(columns.shape[1]):
                reached = np.int32(reached + (columns[row, column] >= middle))
            if reached < TOP:
                high = middle
            else:
                low = middle
                if reached <= _FEW_COLUMNS:
                    break
        thresholds[row] = low


@njit(cache=True, nogil=True)
def _candidates(table, columns, thresholds, chosen, keys, found, count):
    """Write a key for every hour that reaches the threshold, -1 behind; keys descend by energy, then ascend by time.

    Without branches, as none could be predicted. Gives their number, or -1 where equal values make too many.
    """
    width = columns.shape[1]
    for row in range(count):
        threshold = thresholds[row]
        columns_found = _place(0)
        for column in range(_place(width)):
            chosen[columns_found] = column
            columns_found += _place(columns[row, column] >= threshold)
        keys_found = _place(0)
        for index in range(min(columns_found, _place(_MOST_COLUMNS))):
            column = chosen[index]
            for part in range(ROWS):
                energy = table[row, part, column]
                keys[row, keys_found] = (np.int64(energy) << 32) | (_LOW_32 - part * width - np.int64(column))
                keys_found += _place(energy >= threshold)
        for unused in range(_place(_MOST_KEYS)):
            keys[row, keys_found + unused] = -1
        many = threshold == 0 or columns_found > _MOST_COLUMNS or keys_found > _MOST_KEYS
        found[row] = -1 if many else np.int64(keys_found)


@njit(cache=True, nogil=True)
def _top_hours(hours, hour_count, keys, found, ranks, ordered, values, places, first, count):
    """Put the candidates at their ranks, or go through all hours where there are too many.

    The keys -1 behind the candidates share the first place after them.
    """
    for row in range(count):
        point = first + row
        if found[row] < 0:
            _plain_top(hours, row, hour_count, values, places, point)
            continue
        for candidate in range(_place(_MOST_KEYS)):
            larger = np.int64(0)
            for rival in range(_place(_MOST_KEYS)):
                larger += keys[row, rival] > keys[row, candidate]
            ranks[candidate] = larger
        for candidate in range(_place(_MOST_KEYS)):
            ordered[_place(ranks[candidate])] = keys[row, candidate]
        for rank in range(TOP):
            values[point, rank] = ordered[rank] >> 32
            places[point, rank] = _LOW_32 - (ordered[rank] & _LOW_32)


@njit(cache=True, nogil=True)
def _exceeding(slots_per_hour, contract_power_w, largest_wh, surplus_sum_w, exceeding, first, count):
    """List the points whose largest slot exceeds contract power; all others have no surplus. Gives their number."""
    listed = 0
    for point in range(first, first + count):
        contract_w = contract_power_w[point]
        surplus_sum_w[point] = 0
        if contract_w > 0 and np.int64(largest_wh[point]) * slots_per_hour > contract_w:
            exceeding[listed] = point
            listed += 1
    return listed


@njit(cache=True, nogil=True)
def _hourly_maxima(wh, slots_per_hour, exceeding, listed, maxima):
    """The largest slot of each hour of the listed points."""
    for row in range(listed):
        point = exceeding[row]
        if slots_per_hour == 4:
            for hour in range(_place(wh.shape[1] // 4)):
                slot = _place(4) * hour
                a, b = wh[point, slot], wh[point, slot + _place(1)]
                c, d = wh[point, slot + _place(2)], wh[point, slot + _place(3)]
                maxima[row, hour] = max(a, b, c, d)
        else:
            for index in range(wh.shape[1] // slots_per_hour):
                largest = np.int32(0)
                for place in range(index * slots_per_hour, (index + 1) * slots_per_hour):
                    largest = max(largest, wh[point, place])
                maxima[row, index] = largest


@njit(cache=True, nogil=True)
def _surpluses(exceeding, listed, slots_per_hour, contract_power_w, top_slot_wh, surplus_sum_w):
    """The sum of the ten largest hourly surpluses in W: largest slot's mean power of an hour over contract power."""
    for row in range(listed):
        point = exceeding[row]
        surplus_w = np.int64(0)
        for rank in range(TOP):
            surplus_w += max(np.int64(top_slot_wh[row, rank]) * slots_per_hour - contract_power_w[point], 0)
        surplus_sum_w[point] = surplus_w


@njit(cache=True, nogil=True)
def close_rows(begin, end, wh, calendars, contract_power_w, tables, out) -> None:
    """Close the points [begin, end) of `wh` (points, slots) int32 into `out`; see `month_close.close_month`.

    `calendars` (points,) int64 is the place of each point's calendar in `tables`, `contract_power_w` (points,) int64.
    A row with a value below 0 or above LARGEST_SLOT_WH is marked in `out.refused`; its results mean nothing.
    """
    (slot_class, zones, zone_mask, day_mask, working_days, working_count, whole_hours) = tables[:7]
    (period_of_day, weights, day_slot, limits, zero_resolution_wh, per_hour) = tables[7:]
    (total_wh, zone_wh, selected_wh, other_wh, selected_by_day_wh, other_by_day_wh, day_group, group_wh) = out[:8]
    (largest_wh, top_wh, top_index, surplus_sum_w, refused) = out[8:]
    slots, width, padded_days, day_hour = wh.shape[1], zone_mask.shape[2], weights.shape[2], day_slot // per_hour
    hours, maxima = np.zeros((BLOCK, width), np.int32), np.zeros((BLOCK, width), np.int32)
    hour_table, maxima_table = hours.reshape(BLOCK, ROWS, width // ROWS), maxima.reshape(BLOCK, ROWS, width // ROWS)
    columns, thresholds = np.zeros((BLOCK, width // ROWS), np.int32), np.zeros(BLOCK, np.int32)
    chosen, found = np.zeros(width // ROWS + 1, np.uint64), np.zeros(BLOCK, np.int64)
    keys = np.zeros((BLOCK, _MOST_COLUMNS * ROWS + _MOST_KEYS), np.int64)
    ranks, ordered = np.zeros(_MOST_KEYS, np.int64), np.zeros(_MOST_KEYS + 1, np.int64)
    selected_days, other_days = np.zeros((BLOCK, padded_days), np.int64), np.zeros((BLOCK, padded_days), np.int64)
    daily = bool((period_of_day[:, -1] == period_of_day.shape[1] - 1).all())
    selected = selected_days if daily else np.zeros((BLOCK, padded_days), np.int64)
    other = other_days if daily else np.zeros((BLOCK, padded_days), np.int64)
    groups, exceeding = np.zeros((BLOCK, padded_days), np.int64), np.zeros(BLOCK, np.int64)
    top_slot_wh, top_slot_hour = np.zeros((BLOCK, TOP), np.int32), np.zeros((BLOCK, TOP), np.int32)
    for first in range(begin, end, BLOCK):
        count = min(BLOCK, end - first)
        if per_hour == 4:
            _quarters_to_hours(wh, first, count, hours, largest_wh, refused)
        else:
            _slots_to_hours(wh, first, count, per_hour, hours, largest_wh, refused)
        _zone_sums(hours, calendars, zone_mask, zones, total_wh, zone_wh, first, count)
        _day_sums(
            hours, calendars, day_mask, working_days, working_count, day_hour, selected_days, other_days, first, count
        )
        for point in range(first, first + count):
            calendar = calendars[point]
            if not whole_hours[calendar] or np.int64(largest_wh[point]) * slots > _INT32_MAX:
                total_wh[point] = _plain_sums(
                    wh, point, point - first, slot_class, calendar, day_slot, zone_wh, selected_days, other_days
                )
        _store_days(selected_days, selected_by_day_wh, selected_wh, first, count)
        _store_days(other_days, other_by_day_wh, other_wh, first, count)
        if not daily:
            _period_sums(selected_days, calendars, period_of_day, selected, first, count)
            _period_sums(other_days, calendars, period_of_day, other, first, count)
        _qualify(selected, other, calendars, weights, limits, zero_resolution_wh, groups, group_wh, first, count)
        _store_groups(groups, daily, calendars, period_of_day, selected_days, day_group, first, count)
        _column_maxima(hour_table, columns, count)
        _thresholds(columns, thresholds, count)
        _candidates(hour_table, columns, thresholds, chosen, keys, found, count)
        _top_hours(hours, slots // per_hour, keys, found, ranks, ordered, top_wh, top_index, first, count)
        listed = _exceeding(per_hour, contract_power_w, largest_wh, surplus_sum_w, exceeding, first, count)
        if listed:
            _hourly_maxima(wh, per_hour, exceeding, listed, maxima)
            _column_maxima(maxima_table, columns, listed)
            _thresholds(columns, thresholds, listed)
            _candidates(maxima_table, columns, thresholds, chosen, keys, found, listed)
            _top_hours(maxima, slots // per_hour, keys, found, ranks, ordered, top_slot_wh, top_slot_hour, 0, listed)
            _surpluses(exceeding, listed, per_hour, contract_power_w, top_slot_wh, surplus_sum_w)
