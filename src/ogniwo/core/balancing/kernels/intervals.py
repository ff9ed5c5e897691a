"""Compiled kernels of single intervals. `reference.py` holds the readable form of the same rules, the oracle in tests.

Every interval is settled on its own, on short arrays that hold the members in the order of their ids: a tie of
remainders goes to the earlier place. Matrices are turned into such arrays tile by tile, LANES intervals at once, so
that each cache line of a member's row is read once.

A split does not sort the remainders. It finds by bisection the threshold above which exactly the missing units fit,
and then walks the ties at the threshold in id order. All arithmetic is integer; the callers guard against overflow.
"""

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from ogniwo.core.balancing.kernels import DYNAMIC, FILL, MERIT, STATIC

Array = NDArray[Any]
"""Integers of 32 or 64 bits; numba compiles a function for each width it meets."""
Scalar = Any
"""One 64-bit integer: Python's own when called from outside, NumPy's inside."""

LANES = 64
INTERPOLATION_MEMBERS = 256

TOTAL_LIMIT = 1 << 21
WEIGHT_LIMIT = 1 << 20
RECIPROCAL_BITS = 41
"""Below the limits a product fits RECIPROCAL_BITS and product x reciprocal fits 63 bits."""


@njit(cache=True)
def _floor_shares(total: Scalar, whole: Scalar, weights: Array, lane: int, parts: Array, remainders: Array) -> Scalar:
    """Floor every share, keep its remainder, return the number of units still missing.

    The quotient product / whole is estimated as product x floor(2^41 / whole) / 2^41: with product < 2^41 the
    estimate is the true floor or one less, which the remainder shows. Integer multiplications become vector
    instructions, divisions do not; numbers too large for that divide.
    """
    missing = total
    seen = np.int64(0)  # the bitwise or of all weights is below a power of two if and only if each weight is
    for place in range(weights.shape[1]):
        seen |= np.int64(weights[lane, place])
    if total < TOTAL_LIMIT and seen < WEIGHT_LIMIT:
        reciprocal = (1 << RECIPROCAL_BITS) // whole
        for place in range(weights.shape[1]):
            product = total * np.int64(weights[lane, place])
            estimate = (product * reciprocal) >> RECIPROCAL_BITS
            rest = product - estimate * whole
            over = np.int64(rest >= whole)
            parts[lane, place] = estimate + over
            remainders[place] = rest - over * whole
            missing -= estimate + over
    else:
        for place in range(weights.shape[1]):
            product = total * np.int64(weights[lane, place])
            part = product // whole
            parts[lane, place] = part
            remainders[place] = product - part * whole
            missing -= part
    return missing


@njit(cache=True)
def _add_missing(whole: Scalar, missing: Scalar, lane: int, parts: Array, remainders: Array) -> None:
    """Add the missing units to the largest remainders, ties to the earlier place.

    Kept true: count(remainder >= low) > missing >= count(remainder >= high). It holds at the start, because the missing
    units are fewer than the positive remainders and every remainder is smaller than `whole`.
    """
    members = parts.shape[1]
    low, count_low = np.int64(0), np.int64(members)
    high, count_high = whole, np.int64(0)
    interpolate = members >= INTERPOLATION_MEMBERS
    while high - low > 1 and count_high != missing:
        middle = (low + high) >> 1
        if interpolate:
            step = (high - low) * (count_low - missing) // (count_low - count_high)
            middle = low + min(max(step, 1), high - low - 1)
        interpolate = not interpolate and members >= INTERPOLATION_MEMBERS
        threshold = remainders.dtype.type(middle)
        count = np.int32(0)
        for place in range(members):
            count += remainders[place] >= threshold
        if count > missing:
            low, count_low = middle, np.int64(count)
        else:
            high, count_high = middle, np.int64(count)
    for place in range(members):
        parts[lane, place] += remainders[place] >= high
    ties = missing - count_high
    place = 0
    while ties > 0:
        if remainders[place] == low:
            parts[lane, place] += 1
            ties -= 1
        place += 1


@njit(cache=True)
def _sum_one(tile: Array, lane: int) -> Scalar:
    total = np.int64(0)
    for place in range(tile.shape[1]):
        total += np.int64(tile[lane, place])
    return total


@njit(cache=True)
def _split_one(total: Scalar, weights: Array, lane: int, parts: Array, remainders: Array) -> None:
    """Split `total` by the weights of one lane into its parts: floor, then largest remainders.

    With no weight at all nothing is split. Tiles are (LANES, n) and go with the number of the lane, because making a
    view for every interval costs more than the work in it when a community is small. `remainders` (n,) is scratch.
    """
    whole = _sum_one(weights, lane)
    if whole == 0 or total == 0:
        for place in range(parts.shape[1]):
            parts[lane, place] = 0
    elif total == whole:
        for place in range(parts.shape[1]):
            parts[lane, place] = weights[lane, place]
    else:
        missing = _floor_shares(total, whole, weights, lane, parts, remainders)
        if missing > 0:
            _add_missing(whole, missing, lane, parts, remainders)


@njit(cache=True)
def _fill_one(
    offered: Scalar, need: Array, weights: Array, lane: int, used: Array, parts: Array, remainders: Array
) -> None:
    """Raise all members together in proportion to their weights until the offer or their need ends.

    Rounds find exactly who is satisfied (need x sum of weights <= energy x weight); one split divides what is left
    among the others, so there is one rounding. `weights` is consumed.
    """
    used[lane, :] = 0
    left = offered
    moved = True
    while moved:
        moved = False
        whole = _sum_one(weights, lane)
        spent = np.int64(0)
        for place in range(need.shape[1]):
            weight = weights[lane, place]
            if weight > 0 and need[lane, place] * whole <= left * weight:
                used[lane, place] = need[lane, place]
                spent += need[lane, place]
                weights[lane, place] = 0
                moved = True
        left -= spent
    _split_one(left, weights, lane, parts, remainders)
    for place in range(need.shape[1]):
        used[lane, place] += parts[lane, place]


@njit(cache=True)
def _serve_one(offered: Scalar, need: Array, priority: Array, lane: int, used: Array) -> None:
    left = offered
    for place in priority:
        used[lane, place] = min(need[lane, place], left)
        left -= used[lane, place]


@njit(cache=True)
def _load_tile(matrix: Array, rows: Array, start: int, lanes: int, tile: Array) -> bool:
    """Turn columns start .. start + lanes of some rows into tile[lane, place]; False when all of them are zero."""
    seen = tile.dtype.type(0)
    for place in range(len(rows)):
        row = rows[place]
        for lane in range(lanes):
            value = matrix[row, start + lane]
            tile[lane, place] = value
            seen |= value
    return bool(seen != 0)


@njit(cache=True)
def _load_keys(keys: Array, rows: Array, start: int, lanes: int, tile: Array) -> None:
    """Load keys like energy; keys of one column hold for every interval."""
    if keys.shape[1] > 1:
        _load_tile(keys, rows, start, lanes, tile)
        return
    for lane in range(lanes):
        for place in range(len(rows)):
            tile[lane, place] = keys[rows[place], 0]


@njit(cache=True)
def _store_tile(tile: Array, rows: Array, start: int, lanes: int, matrix: Array) -> None:
    for place in range(len(rows)):
        row = rows[place]
        for lane in range(lanes):
            matrix[row, start + lane] = tile[lane, place]


@njit(cache=True)
def allocate_tiles(  # noqa: PLR0913, PLR0917 -- flat arguments are numba's calling form
    method: int,
    need: Array,
    offer: Array,
    keys: Array,
    order: Array,
    priority: Array,
    allotted: Array,
    used: Array,
    supplied: Array,
) -> None:
    """Allocate every interval by one method; results go into `used`, `supplied`, and `allotted` for STATIC and DYNAMIC.

    `need`, `offer` (P, T) int64 Wh; `keys` (P, T) or (P, 1); `order` row numbers by id; `priority` places by merit.
    """
    members = len(order)
    need_tile = np.empty((LANES, members), np.int64)
    offer_tile = np.empty((LANES, members), np.int64)
    key_tile = np.empty((LANES, members), np.int64)
    used_tile = np.empty((LANES, members), np.int64)
    parts = np.empty((LANES, members), np.int64)
    remainders = np.empty(members, np.int64)
    for start in range(0, need.shape[1], LANES):
        lanes = min(LANES, need.shape[1] - start)
        _load_tile(need, order, start, lanes, need_tile)
        _load_tile(offer, order, start, lanes, offer_tile)
        if method in {STATIC, FILL}:
            _load_keys(keys, order, start, lanes, key_tile)
        for lane in range(lanes):
            offered = _sum_one(offer_tile, lane)
            if method == MERIT:
                _serve_one(offered, need_tile, priority, lane, used_tile)
            elif method == FILL:
                _fill_one(offered, need_tile, key_tile, lane, used_tile, parts, remainders)
            else:
                _split_one(offered, need_tile if method == DYNAMIC else key_tile, lane, parts, remainders)
                for place in range(members):
                    used_tile[lane, place] = min(parts[lane, place], need_tile[lane, place])
        if method in {STATIC, DYNAMIC}:
            _store_tile(parts, order, start, lanes, allotted)
        _store_tile(used_tile, order, start, lanes, used)
        for lane in range(lanes):
            _split_one(_sum_one(used_tile, lane), offer_tile, lane, parts, remainders)
        _store_tile(parts, order, start, lanes, supplied)


@njit(cache=True)
def split_columns_tiles(totals: Array, weights: Array, order: Array, parts: Array) -> None:
    """Split every column's total (T,) by that column's weights (N, T) into `parts` (N, T)."""
    weight_tile = np.empty((LANES, len(order)), np.int64)
    part_tile = np.empty((LANES, len(order)), np.int64)
    remainders = np.empty(len(order), np.int64)
    for start in range(0, weights.shape[1], LANES):
        lanes = min(LANES, weights.shape[1] - start)
        _load_tile(weights, order, start, lanes, weight_tile)
        for lane in range(lanes):
            _split_one(totals[start + lane], weight_tile, lane, part_tile, remainders)
        _store_tile(part_tile, order, start, lanes, parts)


@njit(cache=True)
def net_hours(imports: Array, exports: Array, slots_per_hour: int, taken: Array, given: Array) -> None:
    """Hourly balance of every member: the positive part into `taken`, the negative part into `given` (P, H)."""
    for row in range(imports.shape[0]):
        for hour in range(taken.shape[1]):
            balance = np.int64(0)
            for slot in range(hour * slots_per_hour, (hour + 1) * slots_per_hour):
                balance += np.int64(imports[row, slot]) - np.int64(exports[row, slot])
            taken[row, hour] = max(balance, 0)
            given[row, hour] = max(-balance, 0)
