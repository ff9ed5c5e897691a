"""Working sets of a process: found or built on disk, kept mapped, and summed by day."""

import threading
from collections.abc import Callable, Sequence
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ogniwo.core.kernel.calendar import Month, grid_of_month
from ogniwo.core.kernel.refusals import Refusal
from ogniwo.core.metering.model import IntervalSeries
from ogniwo.series.cells import read_rows, values_of
from ogniwo.series.dense import build_dense, name_of, open_dense
from ogniwo.series.log import StoreDamaged
from ogniwo.series.model import CellVersion, DenseMonth


class RasterDiffers(Refusal):
    """A point's values lie on another raster (hours, quarter-hours) than the matrix asked for."""

    code = "series.raster_differs"


class _Row(NamedTuple):
    version: CellVersion
    wh: NDArray[np.int32]
    present: NDArray[np.uint8]


class WorkingSets:
    """Opens and builds working sets below `root`; `read` reads one cell where no mapped row serves."""

    def __init__(self, root: Path, read: Callable[[CellVersion], IntervalSeries]) -> None:
        self._root, self._read = root, read
        self._mapped: dict[tuple[Month, str, int], tuple[DenseMonth, dict[str, int], list[CellVersion]]] = {}
        self._guard = threading.Lock()

    def open(
        self,
        *,
        month: Month,
        channel: str,
        slot_s: int,
        points: tuple[str, ...],
        versions: Sequence[CellVersion | None],
    ) -> DenseMonth:
        """The working set of these versions, built when it is not on disk. Raises RasterDiffers, StoreDamaged."""
        for version in versions:
            if version is not None and version.slot_s != slot_s:
                raise RasterDiffers(
                    detail=f"{version.point} {channel} {month} has values every {version.slot_s} s, not {slot_s} s"
                )
        names = tuple("" if version is None else f"{version.version}@{version.digest}" for version in versions)
        grid = grid_of_month(month, slot_s=slot_s)
        name = name_of(month=month, channel=channel, slot_s=slot_s, points=points, versions=names)
        shown = tuple("" if version is None else version.name for version in versions)

        def opened() -> DenseMonth | None:
            return open_dense(
                self._root, name=name, channel=channel, month=month, grid=grid, points=points, versions=shown
            )

        dense = opened()
        if dense is None:
            rows = [(row, version) for row, version in enumerate(versions) if version is not None]

            def fill(wh: NDArray[np.int32], present: NDArray[np.uint8]) -> None:
                _fill(self._root, rows, wh, present)

            build_dense(self._root, month=month, name=name, shape=(len(points), grid.slots), fill=fill)
            dense = opened()
        if dense is None:
            raise StoreDamaged(detail=f"the working set {name.hex()} vanished while it was being opened")
        return dense

    def map_all(self, month: Month, channel: str, versions: Sequence[CellVersion]) -> tuple[DenseMonth, ...]:
        """Map all these points, one working set per raster, and remember them for `sum_days`."""
        sets = []
        for slot_s in sorted({version.slot_s for version in versions}):
            of_raster = [version for version in versions if version.slot_s == slot_s]
            points = tuple(version.point for version in of_raster)
            dense = self.open(month=month, channel=channel, slot_s=slot_s, points=points, versions=of_raster)
            rows = {point: row for row, point in enumerate(points)}
            with self._guard:
                self._mapped[month, channel, slot_s] = (dense, rows, of_raster)
            sets.append(dense)
        return tuple(sets)

    def sum_days(
        self,
        version: CellVersion,
        sums: NDArray[np.int64],
        missing: NDArray[np.int32],
        slots: NDArray[np.int32],
    ) -> None:
        """Daily sums, missing and all slots of one cell into arrays (days,): mapped row if it is of this version."""
        from ogniwo.series.kernels import sum_days  # noqa: PLC0415 -- numba is loaded only where it pays

        grid = grid_of_month(version.month, slot_s=version.slot_s)
        slots[:] = np.diff(grid.day_offsets)
        mapped = self._mapped.get((version.month, version.channel, version.slot_s))
        row = None if mapped is None else mapped[1].get(version.point)
        if mapped is not None and row is not None and mapped[2][row].digest == version.digest:
            sum_days(mapped[0].wh[row], mapped[0].present[row], grid.day_offsets, sums, missing)
            return
        series = self._read(version)
        sum_days(series.wh, np.packbits(~series.missing), grid.day_offsets, sums, missing)


def _fill(root: Path, rows: list[tuple[int, CellVersion]], wh: NDArray[np.int32], present: NDArray[np.uint8]) -> None:
    """Put cells into rows of the matrices, file by file and row group by row group."""
    rows = sorted(rows, key=lambda item: (item[1].path, item[1].row))
    for path, group in groupby(rows, key=lambda item: item[1].path):
        items = list(group)
        try:
            for places, table in read_rows(
                root / path, rows=[version.row for _, version in items], columns=("wh", "present", "digest")
            ):
                targets = [items[place][0] for place in places]
                digests = [bytes.fromhex(items[place][1].digest) for place in places]
                if table.column("digest").to_pylist() != digests:
                    raise StoreDamaged(detail=f"{path} does not hold the cells that were committed")
                values, offsets = values_of(table)
                wh[targets] = values[offsets[0] : offsets[-1]].reshape(len(places), wh.shape[1])
                bits = b"".join(table.column("present").to_pylist())
                present[targets] = np.frombuffer(bits, np.uint8).reshape(len(places), present.shape[1])
        except (OSError, pa.ArrowException, ValueError) as error:
            raise StoreDamaged(detail=f"{path} cannot be read: {error}") from error
