"""Sums of local days kept in memory: a year of a member is twelve small arrays, not thirty-five thousand values."""

import threading
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from itertools import groupby
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ogniwo.core.kernel.calendar import SlotGrid, grid_of_month
from ogniwo.core.kernel.quality import Quality
from ogniwo.series.cells import ROW_GROUP, decode_quality, digest_of, read_rows, values_of
from ogniwo.series.log import StoreDamaged
from ogniwo.series.model import CellVersion

_KEPT: Final = 50_000
_BY_OPERATOR: Final = np.uint8(Quality.ESTIMATED_BY_OPERATOR)
_BY_US: Final = np.uint8(Quality.SUBSTITUTED)
_MISSING: Final = np.uint8(Quality.MISSING)
_MANUAL: Final = np.uint8(Quality.MANUAL)

_Cell = tuple[CellVersion, NDArray[np.int32], NDArray[np.uint8]]


class DaySums(NamedTuple):
    """One cell by local days, arrays (days,): `wh` int64 of the slots that have a value, then counts of slots.

    `slot_s` is the cell's raster, `until_epoch_s` the end of its last slot that has a value (0: none has).
    """

    wh: NDArray[np.int64]
    slots: NDArray[np.int64]
    missing: NDArray[np.int64]
    estimated: NDArray[np.int64]
    manual: NDArray[np.int64]
    slot_s: int
    until_epoch_s: int


class DayCache:
    """Day sums by content of the cell. Reading one cell decodes its whole row group, so its neighbours are kept too."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._kept: OrderedDict[str, DaySums] = OrderedDict()
        self._guard = threading.Lock()

    def of(self, version: CellVersion, neighbours: Iterable[CellVersion]) -> DaySums:
        """The sums of a cell; `neighbours` are the cells of its month. Raises StoreDamaged."""
        with self._guard:
            found = self._kept.get(version.digest)
            if found is not None:
                self._kept.move_to_end(version.digest)
                return found
        group = version.row // ROW_GROUP
        together = sorted(
            (one for one in neighbours if one.path == version.path and one.row // ROW_GROUP == group),
            key=lambda one: one.row,
        )
        sums = self._read(together)
        with self._guard:
            self._kept.update(sums)
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        return sums[version.digest]

    def _read(self, versions: Sequence[CellVersion]) -> dict[str, DaySums]:
        path = versions[0].path
        found: dict[str, DaySums] = {}
        try:
            for places, table in read_rows(
                self._root / path, rows=[one.row for one in versions], columns=("wh", "quality")
            ):
                values, offsets = values_of(table)
                cells = [
                    (versions[place], values[offsets[row] : offsets[row + 1]], decode_quality(packed))
                    for row, (place, packed) in enumerate(zip(places, table.column("quality").to_pylist(), strict=True))
                ]
                for _, raster in groupby(
                    sorted(cells, key=lambda cell: cell[0].slot_s), key=lambda cell: cell[0].slot_s
                ):
                    found.update(_summed(list(raster)))
        except (OSError, pa.ArrowException, ValueError) as error:
            raise StoreDamaged(detail=f"{path} cannot be read: {error}") from error
        return found


def _raster(cell: _Cell) -> int:
    return cell[0].slot_s


def _summed(cells: list[_Cell]) -> dict[str, DaySums]:
    """Cells of one month and raster summed together; refuses any that is not what was committed."""
    first = cells[0][0]
    for version, wh, quality in cells:
        digest = digest_of(
            point=version.point,
            channel=version.channel,
            month=str(version.month),
            slot_s=version.slot_s,
            wh=wh,
            quality=quality,
        )
        if digest.hex() != version.digest:
            raise StoreDamaged(detail=f"row {version.row} of {version.path} is not what was committed")
    grid = grid_of_month(first.month, slot_s=first.slot_s)
    bounds = grid.day_offsets
    qualities = np.stack([quality for _, _, quality in cells])
    energy_wh = _by_day(np.stack([values for _, values, _ in cells]), bounds)
    missing = _by_day(qualities == _MISSING, bounds)
    estimated = _by_day((qualities == _BY_OPERATOR) | (qualities == _BY_US), bounds)
    manual = _by_day(qualities == _MANUAL, bounds)
    slots = np.diff(bounds).astype(np.int64)
    return {
        version.digest: DaySums(
            energy_wh[row], slots, missing[row], estimated[row], manual[row], first.slot_s, _until(qualities[row], grid)
        )
        for row, (version, _, _) in enumerate(cells)
    }


def _until(quality: NDArray[np.uint8], grid: SlotGrid) -> int:
    present = np.flatnonzero(quality != _MISSING)
    return int(grid.start_epoch_s[present[-1]]) + grid.slot_s if len(present) else 0


def _by_day(values: NDArray[np.int32] | NDArray[np.bool_], bounds: NDArray[np.int32]) -> NDArray[np.int64]:
    sums: NDArray[np.int64] = np.add.reduceat(values, bounds[:-1], axis=1, dtype=np.int64)
    return sums
