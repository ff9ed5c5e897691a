"""Compiled month close: one pass over a dense matrix of interval energy. The readable twin is in `month_close`.

How it is fast, and why each step is exact: a point's row is small enough for the first-level cache, so every step
below may read it again at little cost. Quarter-hours become hours by two halvings of packed pairs. Zones and days are
sums under masks without branches, in 32 bits where the row's largest value proves that the sums fit, otherwise slot
by slot in 64 bits. The ten largest hours are found under a threshold taken from column maxima, so that nearly all
hours are left out by vector comparisons. Inner functions take whole arrays and a row number: a slice would cost more
than the loop over it, because every view counts references.
"""

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

_offset = np.uint64
"""Type of computed places in arrays: a signed one would be tested for counting from the end and cost the vectors."""

_DAY_HOURS = 24
_MOST_COLUMNS = 20
_INT32_MAX = 2**31 - 1
_LOW_32 = 0xFFFFFFFF


class CalendarTables(NamedTuple):
    """Calendars of one grid, stacked along the first axis.

    `slot_class` (calendars, slots) int8 is zone + 4 x kind: kind 0 off days, 1 selected hours, 2 other hours.
    `zones` (calendars,) int64 counts zones; `zone_mask` (calendars, 3, hours) int32 of 0 or -1 marks the hours of all
    zones but the last, `kind_mask` (calendars, 2, hours) the selected and the other hours. `whole_hours` (calendars,)
    bool tells whether classes change at whole hours only, so that the masks hold. `periods` (calendars,) int64 counts
    qualification periods, `period_day` (calendars, days + 1) int64 bounds their days and `hour_weights`
    (calendars, days, 2) int64 holds their n_S and n_PS without a common divisor. `day_slot` (days + 1,) int64 bounds
    the slots of each day, `plain_runs` (runs, 2) int64 the runs of days of 24 whole hours, `odd_days` names the rest.
    `limits` int64 are 105, 110, 115 for 5, 10, 15 %.
    """

    slot_class: NDArray[np.int8]
    zones: NDArray[np.int64]
    zone_mask: NDArray[np.int32]
    kind_mask: NDArray[np.int32]
    whole_hours: NDArray[np.bool_]
    periods: NDArray[np.int64]
    period_day: NDArray[np.int64]
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


@njit(cache=True, nogil=True)
def _extremes(wh, point):  # type: ignore[no-untyped-def]
    """The largest value of a row, and the bitwise union of all values, which is negative when any of them is."""
    largest = wh[point, 0]
    union = wh[point, 0]
    slots = wh.shape[1]
    for slot in range(slots - slots % LANES):
        largest = max(largest, wh[point, slot])
        union |= wh[point, slot]
    tail = _offset(max(slots - LANES, 0))
    for slot in range(_offset(min(slots, LANES))):  # overlaps the first loop, so that both run on whole vectors
        largest = max(largest, wh[point, tail + slot])
        union |= wh[point, tail + slot]
    return largest, union


@njit(cache=True, nogil=True)
def _fill_hours(wh, packed, point, slots_per_hour, hours, pairs, pairs_packed):  # type: ignore[no-untyped-def]
    """Fill `hours` with the energy of each hour, zeros behind; quarter-hours by two vectorised halvings."""
    if slots_per_hour == 4:
        count = packed.shape[1]
        for index in range(count - count % LANES):
            pair = packed[point, index]
            pairs[index] = np.int32(pair + (pair >> 32))
        tail = _offset(max(count - LANES, 0))
        for index in range(_offset(min(count, LANES))):  # overlaps the first loop
            pair = packed[point, tail + index]
            pairs[tail + index] = np.int32(pair + (pair >> 32))
        for index in range(hours.size):
            pair = pairs_packed[index]
            hours[index] = np.int32(pair + (pair >> 32))
    else:
        for hour in range(wh.shape[1] // slots_per_hour):
            energy = np.int64(0)
            for slot in range(hour * slots_per_hour, (hour + 1) * slots_per_hour):
                energy += wh[point, slot]
            hours[hour] = energy


@njit(cache=True, nogil=True)
def _plain_sums(wh, point, slot_class, calendar, day_slot, zone_wh, selected_days, other_days):  # type: ignore[no-untyped-def]
    """Zones and days slot by slot in 64 bits: any calendar, any energy. Gives the total."""
    total = np.int64(0)
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
        selected_days[day] = selected
        other_days[day] = other
    return total


@njit(cache=True, nogil=True)
def _zone_sums(hours, masks, calendar, zones, zone_wh, point):  # type: ignore[no-untyped-def]
    """Zones of a row under masks in 32 bits; the last zone is what is left of the total. Gives the total."""
    total = np.int32(0)
    for hour in range(masks.shape[2]):
        total = np.int32(total + hours[hour])
    rest = total
    for zone in range(zones - 1):
        energy = np.int32(0)
        for hour in range(masks.shape[2]):
            energy = np.int32(energy + (hours[hour] & masks[calendar, zone, hour]))
        zone_wh[point, zone] = energy
        rest = np.int32(rest - energy)
    zone_wh[point, zones - 1] = rest
    return total


@njit(cache=True, nogil=True)
def _run_sums(hours, masks, calendar, first, first_day, days, masked, packed, selected, other):  # type: ignore[no-untyped-def]
    """Selected and other hours of a run of days of 24 hours that begins at hour `first`, in 32 bits.

    Twelve packed pairs of hours are added as int64: the low halves cannot carry, as the whole month fits 32 bits.
    """
    start = _offset(first)
    for index in range(_offset((days * _DAY_HOURS + LANES - 1) // LANES * LANES)):
        masked[0, index] = hours[start + index] & masks[calendar, 0, start + index]
    for index in range(_offset((days * _DAY_HOURS + LANES - 1) // LANES * LANES)):
        masked[1, index] = hours[start + index] & masks[calendar, 1, start + index]
    for day in range(_offset(days)):
        inside = np.int64(0)
        outside = np.int64(0)
        for pair in range(_DAY_HOURS // 2):
            place = day * _offset(_DAY_HOURS // 2) + _offset(pair)
            inside += packed[0, place]
            outside += packed[1, place]
        selected[_offset(first_day) + day] = (inside >> 32) + (inside & _LOW_32)
        other[_offset(first_day) + day] = (outside >> 32) + (outside & _LOW_32)


@njit(cache=True, nogil=True)
def _odd_day_sums(hours, masks, calendar, first, end, day, selected, other):  # type: ignore[no-untyped-def]
    """The same for one day of another length."""
    inside = np.int64(0)
    outside = np.int64(0)
    for hour in range(first, end):
        inside += hours[hour] & masks[calendar, 0, hour]
        outside += hours[hour] & masks[calendar, 1, hour]
    selected[day] = inside
    other[day] = outside


@njit(cache=True, nogil=True)
def _store_days(day_sums, day_wh, point):  # type: ignore[no-untyped-def]
    """Copy a row out and give its sum. Results are never read back: their cache lines are still on the way."""
    month = np.int64(0)
    for day in range(day_sums.size):
        month += day_sums[day]
    for day in range(day_wh.shape[1]):
        day_wh[point, day] = day_sums[day]
    return month


@njit(cache=True, nogil=True)
def _period_sums(day_sums, period_day, calendar, periods, sums):  # type: ignore[no-untyped-def]
    """Sum days to qualification periods."""
    for period in range(periods):
        energy = np.int64(0)
        for day in range(period_day[calendar, period], period_day[calendar, period + 1]):
            energy += day_sums[day]
        sums[period] = energy


@njit(cache=True, nogil=True)
def _qualify(selected, other, weights, calendar, limits, zero_resolution_wh, groups, group_wh, point):  # type: ignore[no-untyped-def]
    """The group of each period without division (act on the capacity market, art. 70a): 1 to 4, 0 without a fee."""
    low, middle, high = limits[0], limits[1], limits[2]
    for period in range(groups.size):
        inside = 100 * selected[period] * weights[calendar, 1, period]
        outside = other[period] * weights[calendar, 0, period]
        group = 1 + (inside >= low * outside) + (inside >= middle * outside) + (inside >= high * outside)
        group = 4 if 2 * other[period] < zero_resolution_wh else group
        groups[period] = 0 if selected[period] == 0 else group
    for group in range(1, 5):
        energy = np.int64(0)
        for period in range(groups.size):
            energy += selected[period] if groups[period] == group else 0
        group_wh[point, group - 1] = energy


@njit(cache=True, nogil=True)
def _store_groups(groups, period_day, calendar, periods, day_sums, day_group, point):  # type: ignore[no-untyped-def]
    for period in range(periods):
        for day in range(period_day[calendar, period], period_day[calendar, period + 1]):
            day_group[point, day] = groups[period] if day_sums[day] else 0


@njit(cache=True, nogil=True)
def _insert(values, places, point, value, place):  # type: ignore[no-untyped-def]
    """Put a value that is larger than the last one of a row into descending order, behind its equals."""
    position = TOP - 1
    while position > 0 and values[point, position - 1] < value:
        values[point, position] = values[point, position - 1]
        places[point, position] = places[point, position - 1]
        position -= 1
    values[point, position] = value
    places[point, position] = place


@njit(cache=True, nogil=True)
def _plain_top(hours, count, values, places, point):  # type: ignore[no-untyped-def]
    """The ten largest hours in descending order, equal ones in order of time; unused places hold 0 and -1."""
    for rank in range(TOP):
        values[point, rank] = -1
        places[point, rank] = -1
    for hour in range(count):
        if hours[hour] > values[point, TOP - 1]:
            _insert(values, places, point, hours[hour], hour)
    for rank in range(TOP):
        values[point, rank] = max(values[point, rank], 0)


@njit(cache=True, nogil=True)
def _column_maxima(hours, columns):  # type: ignore[no-untyped-def]
    """The largest hour of each column of a table that is as wide as `columns`."""
    for column in range(columns.size):
        columns[column] = hours[column]
    for first in range(columns.size, hours.size - LANES, columns.size):
        for column in range(_offset(columns.size)):
            columns[column] = max(columns[column], hours[_offset(first) + column])


@njit(cache=True, nogil=True)
def _threshold(columns):  # type: ignore[no-untyped-def]
    """A value that at least ten and few more column maxima reach, so that at least ten hours reach it; 0 if none."""
    low = np.int32(0)
    high = np.int32(0)
    for column in range(columns.size):
        high = max(high, columns[column])
    while high - low > 1:
        middle = np.int32((low + high) >> 1)
        reached = np.int32(0)
        for column in range(columns.size):
            reached = np.int32(reached + (columns[column] >= middle))
        if reached < TOP:
            high = middle
        else:
            low = middle
            if reached <= TOP + 2:
                break
    return low


@njit(cache=True, nogil=True)
def _candidates(hours, columns, threshold, chosen, keys):  # type: ignore[no-untyped-def]
    """Write a key for every hour that reaches the threshold; keys descend by energy, then ascend by time.

    Without branches, as none could be predicted. Gives the number of keys, or -1 where equal values make too many.
    """
    width = columns.size
    columns_found = np.uint64(0)
    for column in range(width):
        chosen[columns_found] = column
        columns_found += np.uint64(columns[column] >= threshold)
    if columns_found > _MOST_COLUMNS:
        return np.int64(-1)
    found = np.uint64(0)
    for index in range(columns_found):
        for hour in range(chosen[index], hours.size - LANES, width):
            keys[found] = (np.int64(hours[hour]) << 32) | (_LOW_32 - hour)
            found += np.uint64(hours[hour] >= threshold)
    return np.int64(found)


@njit(cache=True, nogil=True)
def _rank(keys, count, values, places, point):  # type: ignore[no-untyped-def]
    for candidate in range(count):
        key = keys[candidate]
        rank = 0
        for rival in range(count):
            rank += keys[rival] > key
        if rank < TOP:
            values[point, rank] = key >> 32
            places[point, rank] = _LOW_32 - (key & _LOW_32)


@njit(cache=True, nogil=True)
def _largest_surpluses(wh, point, slots_per_hour, contract_power_w, values, places):  # type: ignore[no-untyped-def]
    """The sum of the ten largest hourly surpluses in W: largest slot's mean power of an hour over contract power."""
    limit_wh = contract_power_w // slots_per_hour
    for rank in range(TOP):
        values[0, rank] = 0
    for first in range(0, wh.shape[1], slots_per_hour):
        largest = wh[point, first]
        for slot in range(first + 1, first + slots_per_hour):
            largest = max(largest, wh[point, slot])
        if largest > limit_wh:
            surplus = np.int64(largest) * slots_per_hour - contract_power_w
            if surplus > values[0, TOP - 1]:
                _insert(values, places, 0, surplus, first)
    return values.sum()


@njit(cache=True, nogil=True)
def close_rows(first, end, wh, packed, calendar_of_point, contract_power_w, tables, out):  # type: ignore[no-untyped-def]
    """Close the points [first, end) of `wh` (points, slots) int32 into `out`; see `month_close.close_month`.

    `packed` is `wh` seen as int64 pairs (points, slots / 2) where an hour has four slots, otherwise it is not read.
    A row with a value below 0 or above LARGEST_SLOT_WH is only marked in `out.refused`.
    """
    (slot_class, zones, zone_mask, kind_mask, whole_hours, periods, period_day, weights, day_slot, runs, odd_days) = (
        tables[:11]
    )
    (limits, zero_resolution_wh, per_hour) = tables[11:]
    (total_wh, zone_wh, selected_wh, other_wh, selected_by_day_wh, other_by_day_wh, day_group, group_wh) = out[:8]
    (largest_slot_wh, top_wh, top_index, surplus_sum_w, refused) = out[8:]
    slots, days = wh.shape[1], day_slot.size - 1
    hour_count = slots // per_hour
    padded = (hour_count + LANES - 1) // LANES * LANES
    padded_days = (days + LANES - 1) // LANES * LANES
    pairs = np.zeros(2 * padded + 2 * LANES, np.int32)
    pairs_packed = pairs.view(np.int64)
    masked = np.zeros((2, padded + LANES), np.int32)
    masked_packed = masked.view(np.int64)
    hours, maxima = np.zeros(padded + LANES, np.int32), np.zeros(LANES, np.int32)
    chosen, keys = np.zeros(LANES + 1, np.int64), np.zeros(_MOST_COLUMNS * (padded // LANES) + 1, np.int64)
    selected_days, other_days = np.zeros(padded_days, np.int64), np.zeros(padded_days, np.int64)
    selected, other = np.zeros(padded_days, np.int64), np.zeros(padded_days, np.int64)
    groups = np.zeros(padded_days, np.int64)
    surplus_w, surplus_hour = np.zeros((1, TOP), np.int64), np.zeros((1, TOP), np.int64)
    for point in range(first, end):
        calendar = calendar_of_point[point]
        largest, union = _extremes(wh, point)
        refused[point] = union < 0 or largest > LARGEST_SLOT_WH
        if refused[point]:
            continue
        largest_slot_wh[point] = largest
        for zone in range(4):
            zone_wh[point, zone] = 0
        _fill_hours(wh, packed, point, per_hour, hours, pairs, pairs_packed)
        if whole_hours[calendar] and np.int64(largest) * slots <= _INT32_MAX:
            total_wh[point] = _zone_sums(hours, zone_mask, calendar, zones[calendar], zone_wh, point)
            for run in range(runs.shape[0]):
                day, length = runs[run, 0], runs[run, 1] - runs[run, 0]
                start = day_slot[day] // per_hour
                _run_sums(
                    hours, kind_mask, calendar, start, day, length, masked, masked_packed, selected_days, other_days
                )
            for index in range(odd_days.size):
                day = odd_days[index]
                start, stop = day_slot[day] // per_hour, day_slot[day + 1] // per_hour
                _odd_day_sums(hours, kind_mask, calendar, start, stop, day, selected_days, other_days)
        else:
            total_wh[point] = _plain_sums(wh, point, slot_class, calendar, day_slot, zone_wh, selected_days, other_days)
        count = periods[calendar]
        selected_wh[point] = _store_days(selected_days, selected_by_day_wh, point)
        other_wh[point] = _store_days(other_days, other_by_day_wh, point)
        _period_sums(selected_days, period_day, calendar, count, selected)
        _period_sums(other_days, period_day, calendar, count, other)
        for period in range(count, padded_days):
            selected[period] = 0
        _qualify(selected, other, weights, calendar, limits, zero_resolution_wh, groups, group_wh, point)
        _store_groups(groups, period_day, calendar, count, selected_days, day_group, point)
        _column_maxima(hours, maxima)
        threshold = _threshold(maxima)
        found = _candidates(hours, maxima, threshold, chosen, keys) if threshold > 0 else -1
        if found < 0:
            _plain_top(hours, hour_count, top_wh, top_index, point)
        else:
            _rank(keys, found, top_wh, top_index, point)
        surplus_sum_w[point] = 0
        if contract_power_w[point] and np.int64(largest) * per_hour > contract_power_w[point]:
            surplus_sum_w[point] = _largest_surpluses(
                wh, point, per_hour, contract_power_w[point], surplus_w, surplus_hour
            )
