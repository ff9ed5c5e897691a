"""The sharing methods written to be read, in Python integers of any size.

This is the definition; `kernels` computes the same faster and the tests compare the two. It also serves the rare
inputs whose products do not fit 64 bits. Sources: allocation.md (table of methods, rounding rule), law.md 4.4.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ogniwo.core.balancing.model import SharingMethod, WhMatrix, WhVector
from ogniwo.core.kernel.rounding import split_largest_remainder


def allocate_interval(
    *,
    method: SharingMethod,
    need: Sequence[int],
    offer: Sequence[int],
    ids: Sequence[str],
    keys: Sequence[int],
    order: Sequence[str],
) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
    """Share one interval: (allotted, used, supplied) in Wh, in the order of `ids`.

    `keys` are looked at by STATIC and HYBRID, `order` by MERIT_ORDER. For methods without an allotment the first part
    repeats the second.
    """
    offered = sum(offer)
    if method is SharingMethod.STATIC:
        allotted = split_where_possible(total=offered, weights=keys, ids=ids)
        used = tuple(map(min, allotted, need))
    elif method is SharingMethod.DYNAMIC:
        allotted = split_where_possible(total=offered, weights=need, ids=ids)
        used = tuple(map(min, allotted, need))
    elif method is SharingMethod.MERIT_ORDER:
        used = allotted = _serve_in_order(offered=offered, need=need, ids=ids, order=order)
    else:
        weights = keys if method is SharingMethod.HYBRID else [1] * len(ids)
        used = allotted = _fill(offered=offered, need=need, ids=ids, weights=weights)
    return allotted, used, split_where_possible(total=sum(used), weights=offer, ids=ids)


def split_where_possible(*, total: int, weights: Sequence[int], ids: Sequence[str]) -> tuple[int, ...]:
    """Split by largest remainder; nothing is handed out where every weight is zero (there is nobody to take it)."""
    return split_largest_remainder(total=total if any(weights) else 0, weights=weights, ids=ids)


def _fill(*, offered: int, need: Sequence[int], ids: Sequence[str], weights: Sequence[int]) -> tuple[int, ...]:
    """Static shares, then the unused part again among the unsatisfied, until the offer or the need ends.

    Repeating the rounds with exact fractions fills all members to one level per unit of weight. A member is satisfied
    when his need lies at or below that level; the others divide the rest by weight with one rounding. The share of an
    unsatisfied member is below his need, so rounding it up does not exceed the need.
    """
    used = [0] * len(ids)
    left = offered
    hungry = [index for index, weight in enumerate(weights) if weight > 0]
    while True:
        whole = sum(weights[index] for index in hungry)
        satisfied = [index for index in hungry if need[index] * whole <= left * weights[index]]
        if not satisfied:
            break
        for index in satisfied:
            used[index] = need[index]
        left -= sum(need[index] for index in satisfied)
        hungry = [index for index in hungry if index not in satisfied]
    parts = split_where_possible(
        total=left if hungry else 0,
        weights=[weights[index] for index in hungry],
        ids=[ids[index] for index in hungry],
    )
    for index, part in zip(hungry, parts, strict=True):
        used[index] = part
    return tuple(used)


def _serve_in_order(*, offered: int, need: Sequence[int], ids: Sequence[str], order: Sequence[str]) -> tuple[int, ...]:
    place = {member: index for index, member in enumerate(ids)}
    used = [0] * len(ids)
    for member in order:
        index = place[member]
        used[index] = min(need[index], offered)
        offered -= used[index]
    return tuple(used)


def allocate_reference(
    *,
    method: SharingMethod,
    need_wh: WhMatrix,
    offer_wh: WhMatrix,
    ids: tuple[str, ...],
    keys: NDArray[np.int64],
    order: tuple[str, ...],
) -> tuple[WhMatrix, WhMatrix, WhMatrix]:
    """Share every interval of (members, intervals) matrices: (allotted, used, supplied).

    `keys` has shape (members, intervals) or (members, 1) for keys that never change.
    """
    allotted, used, supplied = (np.zeros_like(need_wh) for _ in range(3))
    for interval in range(need_wh.shape[1]):
        parts = allocate_interval(
            method=method,
            need=need_wh[:, interval].tolist(),
            offer=offer_wh[:, interval].tolist(),
            ids=ids,
            keys=keys[:, interval if keys.shape[1] > 1 else 0].tolist(),
            order=order,
        )
        for matrix, values in zip((allotted, used, supplied), parts, strict=True):
            matrix[:, interval] = values
    return allotted, used, supplied


def split_columns_reference(*, totals: WhVector, weights: WhMatrix, ids: Sequence[str]) -> WhMatrix:
    """Split every column's total by that column's weights."""
    parts = np.zeros_like(weights)
    for column, total in enumerate(totals.tolist()):
        parts[:, column] = split_where_possible(total=total, weights=weights[:, column].tolist(), ids=ids)
    return parts


def net_hourly_reference(
    *, import_wh: NDArray[np.integer], export_wh: NDArray[np.integer], slots_per_hour: int
) -> tuple[WhMatrix, WhMatrix]:
    """Netting in plain NumPy: sum the hour, take the positive and the negative part."""
    members, slots = import_wh.shape
    balance = import_wh.astype(np.int64) - export_wh.astype(np.int64)
    hourly = balance.reshape(members, slots // slots_per_hour, slots_per_hour).sum(axis=2)
    return np.maximum(hourly, 0), np.maximum(-hourly, 0)
