"""Sharing keys: divide the energy of each interval among the members of a community, in whole Wh and exactly.

Rounding rule of every method: floor each share, give the missing units to the largest remainders, ties to the smaller
id. The result does not depend on the order of the members. Methods, formulas and legal notes: docs/sharing.md.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ogniwo.core.balancing import kernels
from ogniwo.core.balancing.model import Allocation, SharingMethod, SharingRulesError, WhMatrix, WhVector
from ogniwo.core.balancing.reference import allocate_reference, split_columns_reference

_KERNEL_METHOD = {
    SharingMethod.STATIC: kernels.STATIC,
    SharingMethod.DYNAMIC: kernels.DYNAMIC,
    SharingMethod.HYBRID: kernels.FILL,
    SharingMethod.EQUAL: kernels.FILL,
    SharingMethod.MERIT_ORDER: kernels.MERIT,
}
_WITH_KEYS = frozenset({SharingMethod.STATIC, SharingMethod.HYBRID})
_WITH_ALLOTMENT = frozenset({SharingMethod.STATIC, SharingMethod.DYNAMIC})
_LARGEST_PRODUCT = 2**62


def allocate(  # noqa: PLR0913 -- each is a separate part of the statute's sharing rule
    *,
    method: SharingMethod,
    need_wh: WhMatrix,
    offer_wh: WhMatrix,
    ids: tuple[str, ...],
    keys: tuple[int, ...] | None = None,
    key_table: NDArray[np.int64] | None = None,
    order: tuple[str, ...] | None = None,
    participation_percent: tuple[int, ...] | None = None,
    offer_participation_percent: tuple[int, ...] | None = None,
) -> Allocation:
    """Share every interval of a community among its members.

    Args:
        method: Which rule divides the energy.
        need_wh: What each member takes, (members, intervals) int64 Wh, not negative.
        offer_wh: What each member feeds in, the same shape.
        ids: One stable id for each row; they decide ties.
        keys: Integer weights, one for each member, for STATIC and HYBRID.
        key_table: Instead of `keys`: weights per interval, (members, intervals) int64.
        order: Every id once, the first served first, for MERIT_ORDER.
        participation_percent: 1 to 100 for each member: the part of his need that takes part (a meter in several
            communities); the part is floored to whole Wh. The rest stays in `rest`.
        offer_participation_percent: The same for the energy fed in; what does not take part stays in `surplus`.

    Raises:
        SharingRulesError: keys, order or participation are missing, of the wrong number or impossible.
        ValueError: the matrices do not fit each other (a bug of the caller).
    """
    _check_matrices(need_wh, offer_wh, ids)
    weights = _weights(method=method, keys=keys, key_table=key_table, ids=ids, intervals=need_wh.shape[1])
    merit = _checked_order(order, ids) if method is SharingMethod.MERIT_ORDER else ids
    need = _participating(need_wh, participation_percent)
    offer = _participating(offer_wh, offer_participation_percent)
    if _fits_64_bits(method, need, offer, weights):
        allotted, used, supplied = _allocate_compiled(method, need, offer, ids, weights, merit)
    else:
        allotted, used, supplied = allocate_reference(
            method=method, need_wh=need, offer_wh=offer, ids=ids, keys=weights, order=merit
        )
    return Allocation(
        ids=ids,
        method=method,
        allotted=_frozen(allotted) if method in _WITH_ALLOTMENT else None,
        used=_frozen(used),
        supplied=_frozen(supplied),
        surplus=_frozen(offer_wh - supplied),
        rest=_frozen(need_wh - used),
    )


def split_columns(*, totals: WhVector, weights: WhMatrix, ids: Sequence[str]) -> WhMatrix:
    """Split the total of every column by that column's weights: floor, then largest remainders, ties by id.

    `totals` (columns,), `weights` (rows, columns), result like `weights`, all int64 and not negative. A column without
    any weight gets nothing.
    """
    if weights.shape != (len(ids), len(totals)):
        raise ValueError(f"weights {weights.shape} do not fit {len(ids)} ids and {len(totals)} totals")
    if not weights.size:
        return weights.copy()
    if int(totals.max()) * int(weights.max()) >= _LARGEST_PRODUCT:
        return split_columns_reference(totals=totals, weights=weights, ids=ids)
    from ogniwo.core.balancing.kernels.intervals import split_columns_tiles  # noqa: PLC0415 -- numba is loaded only where it pays

    parts = np.empty_like(weights)
    split_columns_tiles(np.ascontiguousarray(totals), weights, id_order(ids), parts)
    return parts


def id_order(ids: Sequence[str]) -> NDArray[np.int64]:
    """Row numbers in the order of the ids; refuses ids that occur twice."""
    if len(set(ids)) != len(ids):
        raise SharingRulesError(detail="member ids must be unique")
    return np.array(sorted(range(len(ids)), key=lambda row: ids[row]), dtype=np.int64)


def _allocate_compiled(
    method: SharingMethod,
    need: WhMatrix,
    offer: WhMatrix,
    ids: tuple[str, ...],
    weights: NDArray[np.int64],
    merit: tuple[str, ...],
) -> tuple[WhMatrix, WhMatrix, WhMatrix]:
    from ogniwo.core.balancing.kernels.intervals import allocate_tiles  # noqa: PLC0415 -- numba is loaded only where it pays

    rows = id_order(ids)
    place = {ids[row]: index for index, row in enumerate(rows.tolist())}
    priority = np.array([place[member] for member in merit], dtype=np.int64)
    allotted, used, supplied = (np.empty_like(need) for _ in range(3))
    allocate_tiles(_KERNEL_METHOD[method], need, offer, weights, rows, priority, allotted, used, supplied)
    return allotted, used, supplied


def _check_matrices(need_wh: WhMatrix, offer_wh: WhMatrix, ids: tuple[str, ...]) -> None:
    if need_wh.ndim != 2 or need_wh.shape != offer_wh.shape or need_wh.shape[0] != len(ids):
        raise ValueError(f"need {need_wh.shape}, offer {offer_wh.shape} and {len(ids)} ids do not fit")
    if need_wh.dtype != np.int64 or offer_wh.dtype != np.int64:
        raise ValueError("energy must be int64")
    if need_wh.size and min(int(need_wh.min()), int(offer_wh.min())) < 0:
        raise ValueError("need and offer must not be negative")


def _weights(
    *,
    method: SharingMethod,
    keys: tuple[int, ...] | None,
    key_table: NDArray[np.int64] | None,
    ids: tuple[str, ...],
    intervals: int,
) -> NDArray[np.int64]:
    """The weights of a method as (members, 1) or (members, intervals); ones where the method has no keys."""
    if method not in _WITH_KEYS:
        return np.ones((len(ids), 1), dtype=np.int64)
    if (keys is None) == (key_table is None):
        raise SharingRulesError(detail=f"the {method} method needs either keys or a table of keys")
    weights = np.array(keys, dtype=np.int64)[:, np.newaxis] if key_table is None else key_table
    if weights.shape[0] != len(ids) or weights.shape[1] not in {1, intervals}:
        raise SharingRulesError(detail=f"keys of shape {weights.shape} do not fit {len(ids)} members")
    if weights.min(initial=0) < 0:
        raise SharingRulesError(detail="a sharing key must not be negative")
    empty = np.flatnonzero(weights.sum(axis=0) == 0)
    if empty.size:
        raise SharingRulesError(detail=f"all sharing keys of interval {int(empty[0])} are zero")
    return np.ascontiguousarray(weights, dtype=np.int64)


def _checked_order(order: tuple[str, ...] | None, ids: tuple[str, ...]) -> tuple[str, ...]:
    if order is None or sorted(order) != sorted(ids):
        raise SharingRulesError(detail="the order of merit must name every member exactly once")
    return order


def _participating(energy_wh: WhMatrix, percent: tuple[int, ...] | None) -> WhMatrix:
    """The part of the energy that takes part, floored to whole Wh for every member and interval."""
    if percent is None:
        return np.ascontiguousarray(energy_wh)
    if len(percent) != energy_wh.shape[0] or not all(1 <= part <= 100 for part in percent):
        raise SharingRulesError(detail="participation must be a whole percentage from 1 to 100 for every member")
    factor = np.array(percent, dtype=np.int64)[:, np.newaxis]
    return energy_wh // 100 * factor + energy_wh % 100 * factor // 100


def _fits_64_bits(method: SharingMethod, need: WhMatrix, offer: WhMatrix, weights: NDArray[np.int64]) -> bool:
    if not need.size:
        return True
    offered = _column_sum_bound(offer)
    largest_need = int(need.max())
    largest_weight = int(weights.max())
    products = [offered * int(offer.max())]
    if method is SharingMethod.DYNAMIC:
        products.append(offered * largest_need)
    elif method is not SharingMethod.MERIT_ORDER:
        products += [offered * largest_weight, largest_need * _column_sum_bound(weights)]
    return max(products) < _LARGEST_PRODUCT


def _column_sum_bound(matrix: NDArray[np.int64]) -> int:
    """Rows x largest value: at least the largest column sum, and a Python integer that cannot overflow."""
    return int(matrix.max()) * len(matrix)


def _frozen(matrix: WhMatrix) -> WhMatrix:
    matrix.setflags(write=False)
    return matrix
