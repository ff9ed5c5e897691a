"""Hourly netting: one sign per member and hour, and the balance of a whole cooperative.

Source: regulation of 23 March 2022 (Dz.U. 2022 poz. 703) par. 2, law.md 4.2: Eb = Ep - Ew of the hour, summed over all
phases; Ebs = sum of Eb over the members.
"""

from typing import cast

import numpy as np
from numpy.typing import NDArray

from ogniwo.core.balancing.model import CooperativeBalance, WhMatrix


def net_hourly(
    import_wh: NDArray[np.integer], export_wh: NDArray[np.integer], slots_per_hour: int
) -> tuple[WhMatrix, WhMatrix]:
    """Net each member's import and export within every hour: (taken, given), one of them zero in every hour.

    `import_wh`, `export_wh` (members, slots) int32 or int64 Wh; results (members, hours) int64 Wh. Slots with no value
    must have been dealt with before: they cannot be told from zero here.
    """
    _same_shape(import_wh, export_wh)
    members, slots = import_wh.shape
    if slots % slots_per_hour:
        raise ValueError(f"{slots} slots are no whole hours of {slots_per_hour}")
    from ogniwo.core.balancing.kernels.intervals import net_hours  # noqa: PLC0415 -- numba is loaded only where it pays

    taken = np.empty((members, slots // slots_per_hour), dtype=np.int64)
    given = np.empty_like(taken)
    net_hours(np.ascontiguousarray(import_wh), np.ascontiguousarray(export_wh), slots_per_hour, taken, given)
    return taken, given


def cooperative_balance(taken: WhMatrix, given: WhMatrix) -> CooperativeBalance:
    """Balance all members of a cooperative by the hour.

    `taken`, `given` (members, hours) int64 Wh as `net_hourly` gives them; results (hours,) int64 Wh.
    """
    _same_shape(taken, given)
    together = cast("NDArray[np.int64]", taken.sum(axis=0) - given.sum(axis=0))
    remaining = np.maximum(together, 0)
    return CooperativeBalance(taken=remaining, given=np.maximum(-together, 0), exchanged=taken.sum(axis=0) - remaining)


def _same_shape(first: NDArray[np.integer], second: NDArray[np.integer]) -> None:
    if first.ndim != 2 or first.shape != second.shape:
        raise ValueError(f"two matrices of one shape are needed, not {first.shape} and {second.shape}")
