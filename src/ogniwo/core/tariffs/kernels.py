"""Compiled month close: one pass over a dense matrix of interval energy. The readable twin is in `month_close`.

How it is fast, and why each step is exact: a point's row fits the first-level cache, so every step below may read it
again at little cost. Quarter-hours become hours by two halvings of packed pairs. Zones and days are sums under masks
without branches, in 32 bits where the row's largest value proves that the sums fit, otherwise slot by slot in 64 bits.
The ten largest hours are found under a threshold taken from column maxima, so that vector comparisons leave out nearly
all hours. Points go through the steps in blocks, so that memory is read in long runs and each step's set-up is shared.
Steps take whole arrays and row numbers: a slice would cost more than the loop over it, as every view counts references.
"""
# ruff: noqa: PLR0913, PLR0917, ANN001, ANN202 -- compiled steps take arrays one by one and numba infers their types
# mypy: allow-untyped-defs, allow-incomplete-defs, allow-untyped-calls

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

LARGEST_SLOT_WH = 2**29 - 1
"""Most energy one slot may hold: four of them still fit a 32-bit hour (2.1 GW, more than any single connection)."""

TOP = 10
"""How many hourly means and hourly surpluses are kept."""

LANES = 64
"""Buffers and masks are padded to whole groups of vectors, so that loops have no scalar rest."""

_place = np.uint64
"""Type of computed places in arrays: a signed one would be tested for counting from the end and cost the vectors."""

BLOCK = 32
"""Points that go through each step together; their hours fit the second-level cache."""

_DAY_HOURS = 24
_FEW_COLUMNS = 13
_MOST_COLUMNS = 20
_INT32_MAX = 2**31 - 1
_LOW_32 = 0xFFFFFFFF


class CalendarTables(NamedTuple):
    """Calendars of one grid, stacked along the first axis.

    `slot_class` (calendars, slots) int8 is zone + 4 x kind: kind 0 off days, 1 selected hours, 2 other hours.
    `zones` (calendars,) int64 counts zones; `zone_mask` (calendars, 3, hours) int32 of 0 or -1 marks the hours of all
    zones but the last, `kind_mask` (calendars, 2, hours) the selected and the other hours, both padded with zeros to
    `padded(hours) + LANES`. `whole_hours` (calendars,) bool tells whether classes change at whole hours only, so that
    the masks hold. `period_of_day` (calendars, days) int64 numbers qualification periods, `hour_weights`
    (calendars, 2, padded(days)) int64 holds their n_S and n_PS without a common divisor. `day_slot` (days + 1,) int64
    bounds the slots of each day, `plain_runs` (runs, 2) int64 the runs of days of 24 whole hours, `odd_days` names the
    rest. `limits` int64 are 105, 110, 115 for differences of 5, 10, 15 %.
    """

    slot_class: NDArray[np.int8]
    zones: NDArray[np.int64]
    zone_mask: NDArray[np.int32]
    kind_mask: NDArray[np.int32]
    whole_hours: NDArray[np.bool_]
    period_of_day: NDArray[np.int64]
    hour_weights: NDArray[np.int64]
    day_slot: NDArray[np.int64]
    plain_runs: NDArray[np.int64]
    odd_days: NDArray[np.int64]
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


def padded(count: int) -> int:
    """A count rounded up to whole groups of vectors."""
    return -(-count // LANES) * LANES


@njit(cache=True, nogil=True)
def _check(wh, first, count, largest_wh, refused):
    """Note each row's largest slot and refuse bad rows; the union of all bits is negative when any value is.

    This first touch of a block does nothing else, so that memory delivers it at full speed. The loop over the tail of
    a row overlaps the one before, so that both run on whole vectors.
    """
    slots = wh.shape[1]
    tail = _place(max(slots - LANES, 0))
    for row in range(count):
        point = first + row
        largest = wh[point, 0]
        union = wh[point, 0]
        for slot in range(slots - slots % LANES):
            largest = max(largest, wh[point, slot])
            union |= wh[point, slot]
        for slot in range(_place(min(slots, LANES))):
            largest = max(largest, wh[point, tail + slot])
            union |= wh[point, tail + slot]
        largest_wh[point] = largest
        refused[point] = union < 0 or largest > LARGEST_SLOT_WH


@njit(cache=True, nogil=True)
def _quarters_to_hours(packed, first, count, pairs, pairs_packed, hours):
    """Turn the quarter-hours of a block of rows into hours with zeros behind.

    Two quarter-hours read as one int64 become half-hours and these hours: the low half of pair + (pair >> 32) is the
    sum of both halves, on machines of either byte order.
    """
    size = packed.shape[1]
    tail = _place(max(size - LANES, 0))
    for row in range(count):
        for index in range(size - size % LANES):
            pair = packed[first + row, index]
            pairs[index] = np.int32(pair + (pair >> 32))
        for index in range(_place(min(size, LANES))):
            pair = packed[first + row, tail + index]
            pairs[tail + index] = np.int32(pair + (pair >> 32))
        for index in range(hours.shape[1]):
            pair = pairs_packed[index]
            hours[row, index] = np.int32(pair + (pair >> 32))


@njit(cache=True, nogil=True)
def _slots_to_hours(wh, first, count, slots_per_hour, hours):
    """The same for slots of any length."""
    for row in range(count):
        for hour in range(wh.shape[1] // slots_per_hour):
            energy = np.int64(0)
            for slot in range(hour * slots_per_hour, (hour + 1) * slots_per_hour):
                energy += wh[first + row, slot]
            hours[row, hour] = energy


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
def _run_sums(hours, calendars, masks, runs, day_hour, masked, packed, selected, other, first, count):
    """Selected and other hours of all days of 24 hours, run by run, in 32 bits.

    Twelve packed pairs of hours are added as int64: the low halves cannot carry, as the whole month fits 32 bits.
    """
    for run in range(runs.shape[0]):
        begin, end = runs[run, 0], runs[run, 1]
        start, day_place = _place(day_hour[begin]), _place(begin)
        hour_count = _place(((end - begin) * _DAY_HOURS + LANES - 1) // LANES * LANES)
        for row in range(count):
            calendar = calendars[first + row]
            for index in range(hour_count):
                masked[0, index] = hours[row, start + index] & masks[calendar, 0, start + index]
            for index in range(hour_count):
                masked[1, index] = hours[row, start + index] & masks[calendar, 1, start + index]
            for day in range(_place(end - begin)):
                inside = np.int64(0)
                outside = np.int64(0)
                for pair in range(_DAY_HOURS // 2):
                    inside += packed[0, day * _place(_DAY_HOURS // 2) + _place(pair)]
                    outside += packed[1, day * _place(_DAY_HOURS // 2) + _place(pair)]
                selected[row, day_place + day] = (inside >> 32) + (inside & _LOW_32)
                other[row, day_place + day] = (outside >> 32) + (outside & _LOW_32)


@njit(cache=True, nogil=True)
def _odd_day_sums(hours, calendars, masks, odd_days, day_hour, selected, other, first, count):
    """The same for the days of another length."""
    for odd in range(odd_days.size):
        day = odd_days[odd]
        for row in range(count):
            calendar = calendars[first + row]
            inside = np.int64(0)
            outside = np.int64(0)
            for index in range(_place(day_hour[day]), _place(day_hour[day + 1])):
                inside += hours[row, index] & masks[calendar, 0, index]
                outside += hours[row, index] & masks[calendar, 1, index]
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
    last = period_of_day.shape[1] - 1
    for row in range(count):
        calendar = calendars[first + row]
        if period_of_day[calendar, last] == last:  # each day is its own period
            for period in range(sums.shape[1]):
                sums[row, period] = day_sums[row, period]
        else:
            for period in range(sums.shape[1]):
                sums[row, period] = 0
            for day in range(last + 1):
                sums[row, _place(period_of_day[calendar, day])] += day_sums[row, day]


@njit(cache=True, nogil=True)
def _qualify(selected, other, calendars, weights, limits, zero_resolution_wh, groups, group_wh, first, count):
    """The group of each period without division (act on the capacity market, art. 70a): 1 to 4, 0 without a fee."""
    low, middle, high = limits[0], limits[1], limits[2]
    for row in range(count):
        calendar = calendars[first + row]
        for period in range(groups.shape[1]):
            inside = 100 * selected[row, period] * weights[calendar, 1, period]
            outside = other[row, period] * weights[calendar, 0, period]
            group = 1 + (inside >= low * outside) + (inside >= middle * outside) + (inside >= high * outside)
            group = 4 if 2 * other[row, period] < zero_resolution_wh else group
            groups[row, period] = 0 if selected[row, period] == 0 else group
        for group in range(1, 5):
            energy = np.int64(0)
            for period in range(groups.shape[1]):
                energy += selected[row, period] if groups[row, period] == group else 0
            group_wh[first + row, group - 1] = energy


@njit(cache=True, nogil=True)
def _store_groups(groups, calendars, period_of_day, day_sums, day_group, first, count):
    for row in range(count):
        calendar = calendars[first + row]
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
    """The largest hour of each column of a row's table (rows, LANES) of hours."""
    for block_row in range(count):
        for column in range(columns.shape[1]):
            columns[block_row, column] = table[block_row, 0, column]
        for row in range(1, table.shape[1]):
            for column in range(columns.shape[1]):
                columns[block_row, column] = max(columns[block_row, column], table[block_row, row, column])


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
    """Write a key for every hour that reaches the threshold; keys descend by energy, then ascend by time.

    Without branches, as none could be predicted. Gives their number, or -1 where equal values make too many.
    """
    for block_row in range(count):
        threshold = thresholds[block_row]
        columns_found = _place(0)
        for column in range(_place(columns.shape[1])):
            chosen[columns_found] = column
            columns_found += _place(columns[block_row, column] >= threshold)
        keys_found = _place(0)
        for index in range(min(columns_found, _place(_MOST_COLUMNS))):
            column = chosen[index]
            for row in range(table.shape[1]):
                energy = table[block_row, row, column]
                keys[block_row, keys_found] = (np.int64(energy) << 32) | (_LOW_32 - row * LANES - np.int64(column))
                keys_found += _place(energy >= threshold)
        found[block_row] = -1 if threshold == 0 or columns_found > _MOST_COLUMNS else np.int64(keys_found)


@njit(cache=True, nogil=True)
def _top_hours(hours, hour_count, keys, found, values, places, first, count):
    """Sort the candidates, or all hours where there are too many."""
    for row in range(count):
        point = first + row
        if found[row] < 0:
            _plain_top(hours, row, hour_count, values, places, point)
        for candidate in range(found[row]):
            key = keys[row, candidate]
            rank = 0
            for rival in range(found[row]):
                rank += keys[row, rival] > key
            if rank < TOP:
                values[point, rank] = key >> 32
                places[point, rank] = _LOW_32 - (key & _LOW_32)


@njit(cache=True, nogil=True)
def _surpluses(wh, slots_per_hour, contract_power_w, largest_wh, surplus_sum_w, values, places, first, count):
    """The sum of the ten largest hourly surpluses in W: largest slot's mean power of an hour over contract power."""
    for point in range(first, first + count):
        contract_w = contract_power_w[point]
        surplus_sum_w[point] = 0
        if contract_w == 0 or np.int64(largest_wh[point]) * slots_per_hour <= contract_w:
            continue
        for rank in range(TOP):
            values[0, rank] = 0
        for hour in range(wh.shape[1] // slots_per_hour):
            largest = np.int64(0)
            for slot in range(hour * slots_per_hour, (hour + 1) * slots_per_hour):
                largest = max(largest, np.int64(wh[point, slot]))
            surplus_w = largest * slots_per_hour - contract_w
            if surplus_w > values[0, TOP - 1]:
                _insert(values, places, 0, surplus_w, hour)
        for rank in range(TOP):
            surplus_sum_w[point] += values[0, rank]


@njit(cache=True, nogil=True)
def close_rows(begin, end, wh, packed, calendars, contract_power_w, tables, out) -> None:
    """Close the points [begin, end) of `wh` (points, slots) int32 into `out`; see `month_close.close_month`.

    `packed` is `wh` seen as int64 pairs (points, slots / 2) where an hour has four slots, otherwise it is not read.
    `calendars` (points,) int64 is the place of each point's calendar in `tables`, `contract_power_w` (points,) int64.
    A row with a value below 0 or above LARGEST_SLOT_WH is marked in `out.refused`; its results mean nothing.
    """
    (slot_class, zones, zone_mask, kind_mask, whole_hours, period_of_day, weights) = tables[:7]
    (day_slot, runs, odd_days, limits, zero_resolution_wh, per_hour) = tables[7:]
    (total_wh, zone_wh, selected_wh, other_wh, selected_by_day_wh, other_by_day_wh, day_group, group_wh) = out[:8]
    (largest_wh, top_wh, top_index, surplus_sum_w, refused) = out[8:]
    slots, width, padded_days, day_hour = wh.shape[1], kind_mask.shape[2], weights.shape[2], day_slot // per_hour
    hours, pairs, masked = (
        np.zeros((BLOCK, width), np.int32),
        np.zeros(2 * width, np.int32),
        np.zeros((2, width), np.int32),
    )
    table = hours.reshape(BLOCK, width // LANES, LANES)
    pairs_packed, masked_packed = pairs.view(np.int64), masked.view(np.int64)
    columns, thresholds = np.zeros((BLOCK, LANES), np.int32), np.zeros(BLOCK, np.int32)
    chosen, found = np.zeros(LANES + 1, np.uint64), np.zeros(BLOCK, np.int64)
    keys = np.zeros((BLOCK, _MOST_COLUMNS * table.shape[1] + 1), np.int64)
    selected_days, other_days = np.zeros((BLOCK, padded_days), np.int64), np.zeros((BLOCK, padded_days), np.int64)
    selected, other = np.zeros((BLOCK, padded_days), np.int64), np.zeros((BLOCK, padded_days), np.int64)
    groups = np.zeros((BLOCK, padded_days), np.int64)
    surplus_w, surplus_hour = np.zeros((1, TOP), np.int64), np.zeros((1, TOP), np.int64)
    for first in range(begin, end, BLOCK):
        count = min(BLOCK, end - first)
        _check(wh, first, count, largest_wh, refused)
        if per_hour == 4:
            _quarters_to_hours(packed, first, count, pairs, pairs_packed, hours)
        else:
            _slots_to_hours(wh, first, count, per_hour, hours)
        _zone_sums(hours, calendars, zone_mask, zones, total_wh, zone_wh, first, count)
        _run_sums(
            hours, calendars, kind_mask, runs, day_hour, masked, masked_packed, selected_days, other_days, first, count
        )
        _odd_day_sums(hours, calendars, kind_mask, odd_days, day_hour, selected_days, other_days, first, count)
        for point in range(first, first + count):
            calendar = calendars[point]
            if not whole_hours[calendar] or np.int64(largest_wh[point]) * slots > _INT32_MAX:
                total_wh[point] = _plain_sums(
                    wh, point, point - first, slot_class, calendar, day_slot, zone_wh, selected_days, other_days
                )
        _surpluses(wh, per_hour, contract_power_w, largest_wh, surplus_sum_w, surplus_w, surplus_hour, first, count)
        _store_days(selected_days, selected_by_day_wh, selected_wh, first, count)
        _store_days(other_days, other_by_day_wh, other_wh, first, count)
        _period_sums(selected_days, calendars, period_of_day, selected, first, count)
        _period_sums(other_days, calendars, period_of_day, other, first, count)
        _qualify(selected, other, calendars, weights, limits, zero_resolution_wh, groups, group_wh, first, count)
        _store_groups(groups, calendars, period_of_day, selected_days, day_group, first, count)
        _column_maxima(table, columns, count)
        _thresholds(columns, thresholds, count)
        _candidates(table, columns, thresholds, chosen, keys, found, count)
        _top_hours(hours, slots // per_hour, keys, found, top_wh, top_index, first, count)
