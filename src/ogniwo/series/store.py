"""The interval store: commit cells, read them as they are or as they were known, and lay them out for the kernels."""

import threading
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from itertools import groupby
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ogniwo.core.kernel.calendar import Month, grid_of_month
from ogniwo.core.kernel.findings import Finding
from ogniwo.core.kernel.refusals import Refusal
from ogniwo.core.metering.model import IntervalSeries
from ogniwo.series import log
from ogniwo.series.cells import decode_quality, digest_of, read_rows, values_of, write_cells
from ogniwo.series.completeness import completeness_of
from ogniwo.series.days import DayCache, DaySums
from ogniwo.series.disk import Step, StoreLocked, new_file, no_step, publish_by_rename, publish_once, writer_lock
from ogniwo.series.index import Index, Key, commit_of, latest
from ogniwo.series.log import DataFile, Manifest, StoreDamaged
from ogniwo.series.model import CellVersion, Commit, Completeness, DenseMonth, NewCell, YearByDay, microseconds_of
from ogniwo.series.verify import sweep_store, verify_store
from ogniwo.series.working import WorkingSets

CELLS = "cells"


class KnownAtBackwards(Refusal):
    """A version would claim to have been known before the version it follows: as-of answers would change."""

    code = "series.known_at_backwards"


COMPLETENESS_KEPT: Final = 200_000
"""How many cells' completeness is kept in memory: a few hundred bytes each."""


def _place(version: CellVersion) -> tuple[str, int]:
    return version.path, version.row


class IntervalStore:
    """Versions of month-long cells under a folder. Nothing stored is ever changed; a correction is a new version.

    Safe for many readers in many processes and threads beside one writer. `step` is called around every step that
    writes, for tests that end the process there.
    """

    def __init__(self, root: Path, *, step: Step = no_step) -> None:
        self._root, self._step = root, step
        self._index = Index(root)
        self._working = WorkingSets(root, self._read_version)
        self._days = DayCache(root)
        self._guard = threading.RLock()
        self._complete: dict[tuple[str, int], Completeness] = {}
        self._channels: dict[Month, tuple[int, dict[str, tuple[str, ...]]]] = {}

    def commit(
        self, cells: Sequence[NewCell], *, known_at: datetime, source: str, author: str, commit_id: str = ""
    ) -> Commit:
        """Store new versions, all or none, and return when they are on disk.

        Cells that equal their latest version make no new one. The same `commit_id` again does nothing and returns the
        first commit. Raises StoreLocked, KnownAtBackwards, StoreDamaged; ValueError for no cells or one cell twice.
        """
        by_key = {(cell.month, cell.channel, cell.point): cell for cell in cells}
        if not cells or len(by_key) != len(cells):
            raise ValueError("a commit needs at least one cell, and each cell once")
        with self._guard, writer_lock(self._root):
            self._index.refresh()
            before = self._index.commit_by_id(commit_id)
            if before is not None:
                return before
            known_at_us = microseconds_of(known_at)
            files, stored = [], 0
            for month, group in groupby(sorted(by_key), key=lambda key: key[0]):
                fresh = self._fresh(month, [by_key[key] for key in group], known_at)
                if fresh:
                    files.append(self._write(month, fresh, known_at_us, source, author))
                    stored += len(fresh)
            manifest = Manifest(
                format=log.FORMAT,
                number=self._index.number + 1,
                previous=self._index.digest,
                commit_id=commit_id,
                known_at_us=known_at_us,
                source=source,
                author=author,
                stored=stored,
                unchanged=len(cells) - stored,
                files=tuple(files),
            )
            if not publish_once(log.path_of(self._root, manifest.number), log.encode(manifest), self._step):
                raise StoreLocked(detail=f"another writer made commit {manifest.number} of {self._root}")
            self._index.refresh()
            return commit_of(manifest, self._index.digest)

    def _fresh(self, month: Month, cells: list[NewCell], known_at: datetime) -> list[tuple[NewCell, int, bytes]]:
        """The cells that differ from their latest version, with the number of the new version and their digest."""
        versions = self._index.of_month(month)
        fresh = []
        for cell in cells:
            digest = digest_of(
                point=cell.point,
                channel=cell.channel,
                month=str(month),
                slot_s=cell.grid.slot_s,
                wh=cell.wh,
                quality=cell.quality,
            )
            before = versions.get((cell.point, cell.channel), [])
            if before and before[-1].digest == digest.hex():
                continue
            if before and known_at < before[-1].known_at:
                cell_name = f"{cell.point} {cell.channel} {month}"
                raise KnownAtBackwards(
                    detail=f"{cell_name} was last changed at {before[-1].known_at}, after {known_at}"
                )
            fresh.append((cell, len(before) + 1, digest))
        return fresh

    def _write(
        self, month: Month, fresh: list[tuple[NewCell, int, bytes]], known_at_us: int, source: str, author: str
    ) -> DataFile:
        folder = self._root / CELLS / str(month)
        number = self._index.number + 1
        with new_file(folder, self._step, f"{number:08d}") as (temporary, sink):
            write_cells(sink, fresh, known_at_us=known_at_us, source=source, author=author)
        final = folder / f"{number:08d}-{sink.sha256[:16]}.parquet"
        publish_by_rename(temporary, final, self._step)
        path = final.relative_to(self._root).as_posix()
        return DataFile(month=str(month), path=path, sha256=sink.sha256, size=sink.size, rows=len(fresh))

    def _month(self, month: Month) -> dict[Key, list[CellVersion]]:
        with self._guard:
            self._index.refresh()
            return self._index.of_month(month)

    def read(self, *, point: str, channel: str, month: Month, as_of: datetime | None = None) -> IntervalSeries | None:
        """The latest version of a cell, or the latest known at an instant; None when there is none.

        Raises StoreDamaged when the values are not those that were committed.
        """
        version = latest(self._month(month).get((point, channel), []), as_of)
        return None if version is None else self._read_version(version)

    def _read_version(self, version: CellVersion) -> IntervalSeries:
        (series,) = self._read_versions([version])
        return series

    def _read_versions(self, versions: list[CellVersion]) -> Iterator[IntervalSeries]:
        """Rows of one file, in ascending order."""
        path, rows = versions[0].path, [version.row for version in versions]
        try:
            for places, table in read_rows(self._root / path, rows=rows, columns=("wh", "quality")):
                values, offsets = values_of(table)
                for row, place in enumerate(places):
                    wh = values[offsets[row] : offsets[row + 1]].copy()
                    quality = decode_quality(table.column("quality")[row].as_py())
                    yield self._checked(versions[place], wh, quality)
        except (OSError, pa.ArrowException, ValueError) as error:
            raise StoreDamaged(detail=f"rows {rows[0]}.. of {path} cannot be read: {error}") from error

    def _checked(self, version: CellVersion, wh: NDArray[np.int32], quality: NDArray[np.uint8]) -> IntervalSeries:
        month = str(version.month)
        digest = digest_of(
            point=version.point, channel=version.channel, month=month, slot_s=version.slot_s, wh=wh, quality=quality
        )
        if digest.hex() != version.digest:
            raise StoreDamaged(detail=f"row {version.row} of {version.path} is not what was committed")
        grid = grid_of_month(version.month, slot_s=version.slot_s)
        return IntervalSeries(
            point=version.point, channel=version.channel, grid=grid, wh=wh, quality=quality, version=version.name
        )

    def day_sums(self, *, point: str, channel: str, month: Month) -> DaySums | None:
        """The latest version of a cell by local days, kept in memory after the first time; None when there is none.

        Raises StoreDamaged when the values are not those that were committed.
        """
        versions = self._month(month)
        version = latest(versions.get((point, channel), []), None)
        return (
            None if version is None else self._days.of(version, (one for group in versions.values() for one in group))
        )

    def versions(self, *, point: str, channel: str, month: Month) -> tuple[CellVersion, ...]:
        """All versions of a cell, oldest first."""
        return tuple(self._month(month).get((point, channel), ()))

    def keys(self, *, month: Month | None = None) -> tuple[tuple[str, str, Month], ...]:
        """Every (point, channel, month) that has a version, of one month or all, sorted."""
        with self._guard:
            self._index.refresh()
            months = self._index.months() if month is None else (month,)
            return tuple(sorted((*key, each) for each in months for key in self._index.of_month(each)))

    def months(self) -> tuple[Month, ...]:
        """Every month that has values."""
        with self._guard:
            self._index.refresh()
            return self._index.months()

    def head(self) -> tuple[int, str]:
        """Number and manifest digest of the last commit: whoever notes it can later tell that none was taken away."""
        with self._guard:
            self._index.refresh()
            return self._index.number, self._index.digest

    def channels(self, *, point: str, month: Month) -> tuple[str, ...]:
        """The channels of a point that have values in a month, sorted."""
        with self._guard:
            self._index.refresh()
            number, found = self._channels.get(month, (-1, {}))
            if number != self._index.number:
                found = {
                    each: tuple(channel for _, channel in keys)
                    for each, keys in groupby(sorted(self._index.of_month(month)), key=lambda key: key[0])
                }
                self._channels[month] = (self._index.number, found)
        return found.get(point, ())

    def read_points(
        self,
        *,
        points: Collection[str],
        month: Month,
        channels: Collection[str] | None = None,
        as_of: datetime | None = None,
    ) -> dict[tuple[str, str], IntervalSeries]:
        """The latest versions, or those known at an instant, of channels (None: all) of some points.

        Each part of a file is read once.

        Raises StoreDamaged when values are not those that were committed.
        """
        wanted = set(points)
        with self._guard:
            self._index.refresh()
            versions = [
                version
                for (point, channel), version in self._index.as_of(month, as_of).items()
                if point in wanted and (channels is None or channel in channels)
            ]
        versions.sort(key=lambda version: (version.path, version.row))
        found = {}
        for _, group in groupby(versions, key=lambda version: version.path):
            for series in self._read_versions(list(group)):
                found[series.point, series.channel] = series
        return found

    def completeness(
        self, *, month: Month, as_of: datetime | None = None, points: Collection[str] | None = None
    ) -> tuple[Completeness, ...]:
        """How much of each cell of a month (of some points only) is there, sorted by point and channel."""
        wanted = None if points is None else set(points)
        with self._guard:
            self._index.refresh()
            versions = [
                version
                for key, version in sorted(self._index.as_of(month, as_of).items())
                if wanted is None or key[0] in wanted
            ]
        # What a version is never changes, so what is known of it stays true.
        unknown = [version for version in versions if (version.path, version.row) not in self._complete]
        fresh = dict(zip(map(_place, unknown), completeness_of(self._root, unknown), strict=True))
        known = {**self._complete, **fresh} if fresh else self._complete
        answer = tuple(known[_place(version)] for version in versions)
        if fresh:
            self._complete = known if len(known) <= COMPLETENESS_KEPT else fresh
        return answer

    def working_set(
        self, *, month: Month, channel: str, points: Sequence[str], slot_s: int, as_of: datetime | None = None
    ) -> DenseMonth:
        """The points as one mapped matrix, in their order; built when there is none for these versions.

        Raises RasterDiffers when a point's values lie on another raster, StoreDamaged.
        """
        with self._guard:
            self._index.refresh()
            versions = self._index.of_month(month)
            chosen = [latest(versions.get((point, channel), []), as_of) for point in points]
        return self._working.open(month=month, channel=channel, slot_s=slot_s, points=tuple(points), versions=chosen)

    def map_month(self, *, month: Month, channel: str) -> tuple[DenseMonth, ...]:
        """Working sets of all points of a channel, one per raster, kept mapped so that days are summed at once."""
        with self._guard:
            self._index.refresh()
            versions = self._index.as_of(month, None)
        return self._working.map_all(month, channel, [versions[key] for key in sorted(versions) if key[1] == channel])

    def member_year_by_day(self, *, point: str, channel: str, year: int) -> YearByDay:
        """Daily sums of a year from the latest versions: mapped rows where `map_month` made them, cells elsewhere."""
        result = YearByDay.empty(year)
        first = 0
        with self._guard:
            self._index.refresh()
            found = [
                latest(self._index.of_month(Month(year, month)).get((point, channel), []), None)
                for month in range(1, 13)
            ]
        for month, version in enumerate(found, start=1):
            days = Month(year, month).days
            if version is not None:
                part = slice(first, first + days)
                self._working.sum_days(version, result.wh[part], result.missing[part], result.slots[part])
            first += days
        return result

    def verify(self) -> tuple[Finding, ...]:
        """Check every byte against the log, and every cell against its digest; empty when all is as committed."""
        return verify_store(self._root)

    def sweep(self, *, working_unused_since: datetime | None = None) -> tuple[str, ...]:
        """Delete what interrupted writers left, and working sets not opened since an instant. Raises StoreLocked."""
        with self._guard, writer_lock(self._root):
            return sweep_store(self._root, working_unused_since=working_unused_since)
