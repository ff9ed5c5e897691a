"""Compiled sums over mapped rows, with the readable form beside as the oracle of the tests."""

import numpy as np
from numba import njit
from numpy.typing import NDArray


@njit(cache=True, nogil=True)
def sum_days(
    wh: NDArray[np.int32],
    present: NDArray[np.uint8],
    day_offsets: NDArray[np.int32],
    sums: NDArray[np.int64],
    missing: NDArray[np.int32],
) -> None:
    """Add up one row by day into `sums` (days,), and count the slots without a value into `missing` (days,)."""
    for day in range(len(day_offsets) - 1):
        total, absent = np.int64(0), 0
        for slot in range(day_offsets[day], day_offsets[day + 1]):
            total += wh[slot]
            absent += 1 - ((present[slot >> 3] >> (7 - (slot & 7))) & 1)
        sums[day], missing[day] = total, absent


def sum_days_reference(
    wh: NDArray[np.int32], present: NDArray[np.uint8], day_offsets: NDArray[np.int32]
) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """The same in NumPy: (sums, missing)."""
    absent = 1 - np.unpackbits(present, count=len(wh)).astype(np.int32)
    return (
        np.add.reduceat(wh, day_offsets[:-1], dtype=np.int64),
        np.add.reduceat(absent, day_offsets[:-1], dtype=np.int32),
    )
