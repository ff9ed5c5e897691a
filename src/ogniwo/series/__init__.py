"""The interval store."""

from ogniwo.series.disk import StoreLocked
from ogniwo.series.log import StoreDamaged
from ogniwo.series.model import CellVersion, Commit, Completeness, DenseMonth, NewCell, YearByDay
from ogniwo.series.overlay import Overlay, overlay
from ogniwo.series.store import IntervalStore, KnownAtBackwards
from ogniwo.series.working import RasterDiffers

__all__ = [
    "CellVersion",
    "Commit",
    "Completeness",
    "DenseMonth",
    "IntervalStore",
    "KnownAtBackwards",
    "NewCell",
    "Overlay",
    "RasterDiffers",
    "StoreDamaged",
    "StoreLocked",
    "YearByDay",
    "overlay",
]
