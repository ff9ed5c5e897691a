"""Completeness from the presence bits beside the cells."""

from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ogniwo.core.kernel.calendar import grid_of_month
from ogniwo.core.kernel.quality import Quality
from ogniwo.series.cells import read_rows
from ogniwo.series.log import StoreDamaged
from ogniwo.series.model import CellVersion, Completeness


def completeness_of(root: Path, versions: Sequence[CellVersion]) -> tuple[Completeness, ...]:
    """The completeness of each version, in their order. Raises StoreDamaged."""
    places = sorted(range(len(versions)), key=lambda place: (versions[place].path, versions[place].row))
    found: dict[int, Completeness] = {}
    for path, group in groupby(places, key=lambda place: versions[place].path):
        members = list(group)
        rows = [versions[place].row for place in members]
        try:
            for chosen, table in read_rows(root / path, rows=rows, columns=("present", "worst")):
                parts = zip(chosen, table.column("present").to_pylist(), table.column("worst").to_pylist(), strict=True)
                for place, present, worst in parts:
                    version = versions[members[place]]
                    found[members[place]] = _one(version, np.frombuffer(present, np.uint8), worst)
        except (OSError, pa.ArrowException, ValueError) as error:
            raise StoreDamaged(detail=f"{path} cannot be read: {error}") from error
    return tuple(found[place] for place in range(len(versions)))


def _one(version: CellVersion, present: NDArray[np.uint8], worst: int) -> Completeness:
    grid = grid_of_month(version.month, slot_s=version.slot_s)
    absent = 1 - np.unpackbits(present, count=grid.slots).astype(np.int32)
    missing_by_day = np.add.reduceat(absent, grid.day_offsets[:-1], dtype=np.int32)
    return Completeness(
        point=version.point,
        channel=version.channel,
        month=version.month,
        slot_s=version.slot_s,
        slots=grid.slots,
        present=grid.slots - int(missing_by_day.sum()),
        missing_by_day=missing_by_day,
        worst_present=Quality(worst) if worst else None,
        version=version.name,
    )
