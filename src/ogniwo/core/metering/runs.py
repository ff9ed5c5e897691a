"""Contiguous runs in a mask: how gaps and breaches are named."""

import numpy as np
from numpy.typing import NDArray

from ogniwo.core.kernel.calendar import SlotGrid


def runs_of(mask: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """The half-open index ranges [first, last) where `mask` (slots,) is true without interruption."""
    padded = np.concatenate(([False], mask, [False])).astype(np.int8)
    edges = np.diff(padded)
    firsts = np.flatnonzero(edges == 1)
    lasts = np.flatnonzero(edges == -1)
    return list(zip(firsts.tolist(), lasts.tolist(), strict=True))


def span_of(grid: SlotGrid, first: int, last: int) -> tuple[int, int]:
    """The UTC epoch seconds [start, end) that the slots [first, last) of a grid cover."""
    return int(grid.start_epoch_s[first]), int(grid.start_epoch_s[last - 1]) + grid.slot_s
