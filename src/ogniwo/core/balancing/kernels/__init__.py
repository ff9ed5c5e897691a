"""Compiled kernels of balancing: single intervals with all their shares, and totals of months without them."""

from ogniwo.core.balancing.kernels.intervals import (
    DYNAMIC,
    FILL,
    MERIT,
    STATIC,
    allocate_tiles,
    net_hours,
    split_columns_tiles,
)
from ogniwo.core.balancing.kernels.months import dynamic_totals_blocks

__all__ = [
    "DYNAMIC",
    "FILL",
    "MERIT",
    "STATIC",
    "allocate_tiles",
    "dynamic_totals_blocks",
    "net_hours",
    "split_columns_tiles",
]
