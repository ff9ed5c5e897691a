"""Compiled kernel of the month totals of many communities. `communities.py` holds the readable form, the tests' oracle.

A community is worked off in blocks of slots that fit the cache. Inside a block slots lie side by side: every inner loop
runs over slots ("lanes"), never over members, so a member of a community of ten costs what a member of a thousand does.

Column sums of need and offer come first and settle most slots without any division. Where the offer covers the need
everybody gets his need; where the need covers the offer everybody sells his offer. What remains is one split for a slot
in which both are positive and differ: of the offer by the needs of all members, or of the need by the offers of the
producers. Only these columns are gathered into a tile.

A split does not sort the remainders. Bit by bit, in all lanes at once, it finds the remainder above which the missing
units suffice, and gives the units left to the members at that remainder in id order. All arithmetic is integer. The
caller keeps every sum of a community below 2^31, and energy not negative.
"""

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

Array = NDArray[Any]
"""Integers: matrices and sums of a block int32, tiles and lanes uint32, rows, slots and month totals int64."""
Scalar = Any
"""One integer, Python's own when called from outside, NumPy's inside."""

BLOCK_CELLS = 1 << 16
"""Readings of one direction in a block (256 KiB), unless that leaves fewer slots than BLOCK_SLOTS."""
BLOCK_SLOTS = 128
TILE_CELLS = 1 << 12
TILE_LANES = 32
VECTOR = 16
"""Tiles are as wide as whole vectors: spare lanes split nothing."""
GROUP = 4
"""Members counted together. A tile is filled up to whole groups with members of remainder zero, who get no unit."""

USED, SUPPLIED, TAKEN, GIVEN = range(4)
"""Rows of a community's sums and columns of the totals."""

TOTAL = 0
WHOLE = 1
RATIO = 2
MISSING = 3
LOW = 4
COUNT = 5
LANE_ROWS = 6
"""Rows of the scratch that holds some numbers for each lane of a tile."""


@njit(cache=True)
def _grouped(members: int) -> int:
    """Members filled up to whole groups."""
    return (members + GROUP - 1) // GROUP * GROUP


@njit(cache=True)
def _tile_width(members: int) -> int:
    """Lanes of a tile that stays in the cache."""
    return max(TILE_CELLS // members // VECTOR * VECTOR, TILE_LANES)


@njit(cache=True)
def _block_slots(members: int, slots_per_hour: int) -> int:
    """Slots of a block: whole hours."""
    wanted = max(BLOCK_CELLS // max(members, 1), BLOCK_SLOTS)
    return max(wanted // slots_per_hour, 1) * slots_per_hour


@njit(cache=True)
def _row_sum(row: Array) -> Scalar:
    """The exact sum of a row of 32-bit numbers."""
    total = np.int64(0)
    for lane in range(len(row)):
        total += np.int64(row[lane])
    return total


@njit(cache=True)
def _column_sums(matrix: Array, rows: Array, start: int, sums: Array, own: Array) -> int:
    """Sum the columns from `start` on of some rows; list the places with any energy in `own`, return how many."""
    sums[:] = 0
    count = 0
    for place in range(len(rows)):
        row = matrix[rows[place], start : start + len(sums)]
        seen = np.int32(0)
        for lane in range(len(sums)):
            sums[lane] += row[lane]
            seen |= row[lane]
        if seen != 0:
            own[count] = place
            count += 1
    return count


@njit(cache=True)
def _classify(
    needs: Array, offers: Array, met: Array, sold: Array, short: Array, plenty: Array
) -> tuple[Scalar, Scalar]:
    """Masks (all bits or none) of slots with every need met and with every offer sold; lists of those to split."""
    shorts: Scalar = 0
    plenties: Scalar = 0
    for slot in range(len(needs)):
        need, offer = needs[slot], offers[slot]
        met[slot] = -np.int32(offer >= need)
        sold[slot] = -np.int32(need >= offer)
        short[shorts] = slot
        shorts += np.int64((offer < need) & (offer > 0))
        plenty[plenties] = slot
        plenties += np.int64((need < offer) & (need > 0))
    return shorts, plenties


@njit(cache=True)
def _take_whole(matrix: Array, row: int, start: int, mask: Array) -> tuple[Scalar, Scalar]:
    """Energy of one member in the slots of the mask, and in all slots of the block."""
    chosen, whole = np.int64(0), np.int64(0)
    values = matrix[row, start : start + len(mask)]
    for slot in range(len(mask)):
        chosen += np.int64(values[slot] & mask[slot])
        whole += np.int64(values[slot])
    return chosen, whole


@njit(cache=True)
def _leave_open(imports: Array, exports: Array, met: Array, sold: Array, open_wh: Array) -> None:
    """What a producer's slots leave for netting, before splits: import that is not met less export that is not sold."""
    for slot in range(len(open_wh)):
        open_wh[slot] = (imports[slot] & ~met[slot]) - (exports[slot] & ~sold[slot])


@njit(cache=True)
def _net_hours(open_wh: Array, own: Array, slots_per_hour: int, taken: Array, given: Array) -> None:
    """Add the hourly balances of the producers: the positive ones to `taken`, the negative ones to `given`."""
    for index in range(len(own)):
        row = open_wh[index]
        positive, negative = np.int64(0), np.int64(0)
        for first in range(0, len(row), slots_per_hour):
            balance: Scalar = np.int64(0)
            for slot in range(first, first + slots_per_hour):
                balance += np.int64(row[slot])
            positive += max(balance, 0)
            negative += max(-balance, 0)
        taken[own[index]] += positive
        given[own[index]] += negative


@njit(cache=True)
def _set_ratio(lanes: Array, lane: int, total: Scalar, whole: Scalar) -> None:
    """Prepare one lane for a split with total < whole < 2^31: the ratio is floor(2^32 x total / whole)."""
    lanes[TOTAL, lane] = total
    lanes[WHOLE, lane] = whole
    lanes[RATIO, lane] = (np.uint64(total) << np.uint64(32)) // np.uint64(whole)
    lanes[MISSING, lane] = total


@njit(cache=True)
def _floor_shares(tile: Array, remainders: Array, lanes: Array, members: int, width: int) -> None:
    """Replace the weights of the tile by their floored shares, keep the remainders, count the missing units.

    weight x ratio / 2^32 is the true floor or one less, because weight < 2^32; the remainder shows which. Products are
    taken modulo 2^32: a remainder is below 2 x whole < 2^32.
    """
    total, whole, ratio, missing = lanes[TOTAL], lanes[WHOLE], lanes[RATIO], lanes[MISSING]
    for place in range(members):
        weights = tile[place]
        rests = remainders[place]
        for lane in range(width):
            weight = weights[lane]
            estimate = np.uint32((np.uint64(weight) * np.uint64(ratio[lane])) >> np.uint64(32))
            rest = np.uint32(np.uint32(weight * total[lane]) - np.uint32(estimate * whole[lane]))
            over = np.uint32(rest >= whole[lane])
            part = np.uint32(estimate + over)
            weights[lane] = part
            rests[lane] = rest - (whole[lane] if over else np.uint32(0))
            missing[lane] -= part


@njit(cache=True)
def _count_at_least(remainders: Array, low: Array, step: int, groups: int, count: Array) -> None:
    """Add to each lane's count the members whose remainder reaches low + step."""
    for group in range(groups):
        block = remainders[group * GROUP : group * GROUP + GROUP]
        for lane in range(len(count)):
            limit = np.uint32(low[lane] + step)
            found = np.uint32(0)
            for place in range(GROUP):
                found += np.uint32(block[place, lane] >= limit)
            count[lane] += found


@njit(cache=True)
def _bisect(remainders: Array, lanes: Array, groups: int, width: int) -> bool:
    """Find each lane's LOW, the largest remainder that more members reach than units are missing, bit by bit.

    Everybody above LOW gets a unit. Afterwards MISSING holds the units left for the members at LOW; False without any.
    Nothing missing leaves LOW at the largest remainder, or at zero when all are zero.
    """
    low, count, missing = lanes[LOW, :width], lanes[COUNT, :width], lanes[MISSING, :width]
    seen = np.uint32(0)
    for lane in range(width):
        seen |= lanes[WHOLE, lane]
        low[lane] = 0
        count[lane] = 0
    step = np.uint32(1)
    while step <= seen >> np.uint32(1):
        step = np.uint32(step << np.uint32(1))
    while step > 0:
        _count_at_least(remainders, low, step, groups, count)
        for lane in range(width):
            low[lane] += step if count[lane] > missing[lane] else np.uint32(0)
            count[lane] = 0
        step = np.uint32(step >> np.uint32(1))
    _count_at_least(remainders, low, np.uint32(1), groups, count)
    ties = np.uint32(0)
    for lane in range(width):
        missing[lane] -= count[lane]
        ties |= missing[lane]
    return bool(ties != 0)


@njit(cache=True)
def _add_missing(tile: Array, remainders: Array, lanes: Array, members: int, width: int) -> None:
    """Add the missing units to the largest remainders, ties to the earlier place."""
    ties_left = _bisect(remainders, lanes, _grouped(members) // GROUP, width)
    low, ties = lanes[LOW, :width], lanes[MISSING, :width]
    for place in range(members):
        parts = tile[place]
        rests = remainders[place]
        if ties_left:
            for lane in range(width):
                rest, left = rests[lane], ties[lane]
                tie = np.uint32((rest == low[lane]) & (left != 0))
                ties[lane] = left - tie
                parts[lane] += np.uint32(tie + np.uint32(rest > low[lane]))
        else:
            for lane in range(width):
                parts[lane] += np.uint32(rests[lane] > low[lane])


@njit(cache=True)
def _split_tile(
    matrix: Array, rows: Array, slots: Array, shared: Array, whole: Array, start: int, tile: Array, remainders: Array
) -> int:
    """Split `shared` of some slots of a block by the columns of `matrix` into `tile`; return its width in lanes.

    Spare lanes, which fill the last vector, split nothing.
    """
    members = len(rows)
    width = (len(slots) + VECTOR - 1) // VECTOR * VECTOR
    lanes = np.empty((LANE_ROWS, width), np.uint32)
    for lane in range(len(slots)):
        _set_ratio(lanes, lane, shared[slots[lane]], whole[slots[lane]])
    for lane in range(len(slots), width):
        _set_ratio(lanes, lane, 0, 1)
    for place in range(members):
        row = matrix[rows[place], start:]
        weights = tile[place]
        for lane in range(len(slots)):
            weights[lane] = row[slots[lane]]
        weights[len(slots) : width] = 0
    for place in range(members, _grouped(members)):
        remainders[place, :width] = 0
    _floor_shares(tile, remainders, lanes, members, width)
    _add_missing(tile, remainders, lanes, members, width)
    return width


@njit(cache=True)
def _split_needs(  # noqa: PLR0913, PLR0917 -- flat arguments are numba's calling form
    imports: Array,
    rows: Array,
    slots: Array,
    offers: Array,
    needs: Array,
    start: int,
    own: Array,
    open_wh: Array,
    used: Array,
) -> None:
    """Slots in which the offer falls short: all of it is split by need."""
    step = _tile_width(len(rows))
    tile = np.empty((len(rows), step), np.uint32)
    remainders = np.empty((_grouped(len(rows)), step), np.uint32)
    for first in range(0, len(slots), step):
        some = slots[first : first + step]
        width = _split_tile(imports, rows, some, offers, needs, start, tile, remainders)
        for place in range(len(rows)):
            used[place] += _row_sum(tile[place, :width])
        for index in range(len(own)):
            for lane in range(len(some)):
                open_wh[index, some[lane]] -= np.int32(tile[own[index], lane])


@njit(cache=True)
def _split_offers(  # noqa: PLR0913, PLR0917 -- flat arguments are numba's calling form
    exports: Array,
    rows: Array,
    slots: Array,
    needs: Array,
    offers: Array,
    start: int,
    own: Array,
    open_wh: Array,
    supplied: Array,
) -> None:
    """Slots in which the offer exceeds the need: all of the need is taken from the producers by offer."""
    step = _tile_width(len(own))
    tile = np.empty((len(own), step), np.uint32)
    remainders = np.empty((_grouped(len(own)), step), np.uint32)
    producers = rows[own]
    for first in range(0, len(slots), step):
        some = slots[first : first + step]
        width = _split_tile(exports, producers, some, needs, offers, start, tile, remainders)
        for index in range(len(own)):
            supplied[own[index]] += _row_sum(tile[index, :width])
            for lane in range(len(some)):
                open_wh[index, some[lane]] += np.int32(tile[index, lane])


@njit(cache=True)
def _share_block(
    imports: Array, exports: Array, rows: Array, start: int, width: int, slots_per_hour: int, sums: Array
) -> None:
    """Add used, supplied, taken and given of one block of whole hours to `sums` (4, members)."""
    members = len(rows)
    needs, offers = np.empty(width, np.int32), np.empty(width, np.int32)
    own = np.empty(members, np.int64)
    own = own[: _column_sums(exports, rows, start, offers, own)]
    if len(own) == 0:
        for place in range(members):
            sums[TAKEN, place] += _row_sum(imports[rows[place], start : start + width])
        return
    _column_sums(imports, rows, start, needs, np.empty(members, np.int64))
    met, sold = np.empty(width, np.int32), np.empty(width, np.int32)
    short, plenty = np.empty(width + 1, np.int64), np.empty(width + 1, np.int64)
    shorts, plenties = _classify(needs, offers, met, sold, short, plenty)
    block_used = np.empty(members, np.int64)
    rest = np.empty(members, np.int64)
    for place in range(members):
        block_used[place], rest[place] = _take_whole(imports, rows[place], start, met)
    open_wh = np.empty((len(own), width), np.int32)
    for index in range(len(own)):
        row = rows[own[index]]
        sums[SUPPLIED, own[index]] += _take_whole(exports, row, start, sold)[0]
        _leave_open(imports[row, start : start + width], exports[row, start : start + width], met, sold, open_wh[index])
    if shorts:
        _split_needs(imports, rows, short[:shorts], offers, needs, start, own, open_wh, block_used)
    if plenties:
        _split_offers(exports, rows, plenty[:plenties], needs, offers, start, own, open_wh, sums[SUPPLIED])
    for place in range(members):
        sums[USED, place] += block_used[place]
        rest[place] -= block_used[place]
    rest[own] = 0
    sums[TAKEN] += rest
    _net_hours(open_wh, own, slots_per_hour, sums[TAKEN], sums[GIVEN])


@njit(cache=True)
def dynamic_totals_blocks(
    imports: Array, exports: Array, order: Array, bounds: Array, slots_per_hour: int, totals: Array
) -> None:
    """Share slot by slot in proportion to need in many communities, then net what is left by the hour.

    `imports`, `exports` (P, S) int32 Wh; community c holds `order[bounds[c]:bounds[c + 1]]`, row numbers in id order.
    `totals` (P, 4) int64 receives used, supplied, taken and given of the month. No share is stored.
    """
    slots = imports.shape[1]
    for community in range(len(bounds) - 1):
        rows = order[bounds[community] : bounds[community + 1]]
        sums = np.zeros((4, len(rows)), np.int64)
        step = _block_slots(len(rows), slots_per_hour)
        for start in range(0, slots, step):
            _share_block(imports, exports, rows, start, min(step, slots - start), slots_per_hour, sums)
        for place in range(len(rows)):
            for column in range(4):
                totals[rows[place], column] = sums[column, place]
