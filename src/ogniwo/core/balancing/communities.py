"""Month totals of many communities at once, without keeping the share of every interval.

The shares of one community can be computed again from the same readings in milliseconds (`keys.allocate`), so a close
of thousands of members stores totals only (performance.md W3).
"""

import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ogniwo.core.balancing.keys import allocate, id_order
from ogniwo.core.balancing.model import SharingMethod, WhVector
from ogniwo.core.balancing.netting import net_hourly

_INT32_LIMIT = 2**31


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class MonthTotals:
    """Totals of each member over all intervals, int64 Wh of shape (members,).

    `used` and `supplied` are shared energy of the slots; `taken` and `given` what is left of import and export after
    netting it by the hour.
    """

    used: WhVector
    supplied: WhVector
    taken: WhVector
    given: WhVector


def dynamic_month_totals(
    *,
    import_wh: NDArray[np.int32],
    export_wh: NDArray[np.int32],
    ids: tuple[str, ...],
    community_offsets: NDArray[np.int64],
    slots_per_hour: int,
) -> MonthTotals:
    """Share every slot in proportion to need inside each community, then net the remainder by the hour.

    Args:
        import_wh: Energy taken, (members, slots) int32 Wh, not negative; the members of a community are neighbours.
        export_wh: Energy fed in, the same shape.
        ids: One stable id for each row, unique in its community; they decide ties.
        community_offsets: (communities + 1,) bounds of the rows of each community, from 0 to the number of members.
        slots_per_hour: 4 for quarter-hours, 1 for hours.

    The same numbers as `allocate` (DYNAMIC) and `net_hourly` one after the other.
    """
    if import_wh.shape != export_wh.shape or import_wh.shape[0] != len(ids) or import_wh.shape[1] % slots_per_hour:
        raise ValueError(f"matrices {import_wh.shape} and {export_wh.shape} do not fit {len(ids)} ids or whole hours")
    bounds = community_offsets.tolist()
    if bounds[0] != 0 or bounds[-1] != len(ids) or bounds != sorted(bounds):
        raise ValueError("community offsets must rise from 0 to the number of members")
    largest = max(int(import_wh.max(initial=0)), int(export_wh.max(initial=0)))
    widest = max((end - start for start, end in itertools.pairwise(bounds)), default=0)
    if largest * widest >= _INT32_LIMIT:
        return dynamic_month_totals_reference(
            import_wh=import_wh,
            export_wh=export_wh,
            ids=ids,
            community_offsets=community_offsets,
            slots_per_hour=slots_per_hour,
        )
    from ogniwo.core.balancing.kernels.months import dynamic_totals_blocks  # noqa: PLC0415 -- numba is loaded only where it pays

    order = np.concatenate(
        [id_order(ids[start:end]) + start for start, end in itertools.pairwise(bounds)] or [np.empty(0, dtype=np.int64)]
    )
    totals = np.zeros((len(ids), 4), dtype=np.int64)
    dynamic_totals_blocks(import_wh, export_wh, order, np.array(bounds), slots_per_hour, totals)
    return MonthTotals(used=totals[:, 0], supplied=totals[:, 1], taken=totals[:, 2], given=totals[:, 3])


def dynamic_month_totals_reference(
    *,
    import_wh: NDArray[np.int32],
    export_wh: NDArray[np.int32],
    ids: tuple[str, ...],
    community_offsets: NDArray[np.int64],
    slots_per_hour: int,
) -> MonthTotals:
    """The same one community after the other through the public functions: readable, for any size of energy."""
    totals = np.zeros((4, len(ids)), dtype=np.int64)
    bounds = community_offsets.tolist()
    for start, end in itertools.pairwise(bounds):
        shared = allocate(
            method=SharingMethod.DYNAMIC,
            need_wh=import_wh[start:end].astype(np.int64),
            offer_wh=export_wh[start:end].astype(np.int64),
            ids=ids[start:end],
        )
        taken, given = net_hourly(shared.rest, shared.surplus, slots_per_hour)
        for row, matrix in enumerate((shared.used, shared.supplied, taken, given)):
            totals[row, start:end] = matrix.sum(axis=1)
    return MonthTotals(used=totals[0], supplied=totals[1], taken=totals[2], given=totals[3])
