"""Interactive reads (W5) and the store: a member's year by day, a correction, a read as of earlier, bytes on disk.

The yardstick is pandas.read_parquet with a filter over twelve Parquet files sorted by point, then a sum per local day.
Both must give the same integers before anything is timed. Wall time, warm.
"""

import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from common import Row, cpu_seconds
from ogniwo.core.kernel.calendar import Month, grid_of_month
from ogniwo.core.metering.model import IMPORT
from ogniwo.series import IntervalStore, NewCell

YEAR = 2026
MONTHS = tuple(Month(YEAR, month) for month in range(1, 13))
YEAR_MS_TARGET = 1.0
PANDAS_TARGET = 100.0
BYTES_PER_VALUE_TARGET = 1.1
CORRECTION_MS_TARGET = 50.0
AS_OF_TARGET = 1 / 3
FIRST_KNOWN = datetime(2027, 1, 1, tzinfo=UTC)


def energy(month: Month, points: int) -> np.ndarray:
    """Households with an evening peak, in Wh per quarter-hour."""
    random = np.random.default_rng(month.month)
    hour = grid_of_month(month).view().hour
    level = random.lognormal(3.4, 0.6, (points, 1))
    return (level * random.gamma(2, 0.5, (points, len(hour))) * np.where(hour >= 17, 1.6, 0.8)).astype(np.int32)


def fill(store: IntervalStore, folder: Path, points: list[str]) -> None:
    """The same year into the store and into long Parquet files."""
    for month in MONTHS:
        grid, wh = grid_of_month(month), energy(month, len(points))
        quality = np.ones(grid.slots, np.uint8)
        cells = [
            NewCell(point=point, channel=IMPORT, grid=grid, wh=row, quality=quality, reason="")
            for point, row in zip(points, wh, strict=True)
        ]
        store.commit(cells, known_at=FIRST_KNOWN, source="bench", author="bench")
        starts = pa.array(np.tile(grid.start_epoch_s, len(points)), type=pa.timestamp("s", tz="UTC"))
        names = pa.array(np.repeat(points, grid.slots).tolist()).dictionary_encode()
        table = pa.table({"point": names, "start": starts, "wh": wh.ravel()})
        pq.write_table(table, folder / f"{month}.parquet", compression="zstd", row_group_size=131_072)


def by_pandas(folder: Path, point: str) -> np.ndarray:
    frame = pd.read_parquet(folder, filters=[("point", "==", point)])
    return frame.groupby(frame["start"].dt.tz_convert("Europe/Warsaw").dt.date)["wh"].sum().to_numpy()


def milliseconds(function: Callable[[str], object], points: list[str]) -> np.ndarray:
    spent = []
    for point in points:
        start = time.perf_counter()
        function(point)
        spent.append((time.perf_counter() - start) * 1e3)
    return np.array(spent)


def measure(store: IntervalStore, folder: Path, points: list[str]) -> list[Row]:
    random = np.random.default_rng(5)
    sample = [points[place] for place in random.choice(len(points), min(400, len(points)), replace=False)]

    def ours(point: str) -> np.ndarray:
        return store.member_year_by_day(point=point, channel=IMPORT, year=YEAR).wh

    cells = milliseconds(ours, sample[:40])
    for month in MONTHS:
        store.map_month(month=month, channel=IMPORT)
    for point in sample[:5]:
        assert np.array_equal(ours(point), by_pandas(folder, point))
    milliseconds(ours, sample)
    mine, theirs = milliseconds(ours, sample), milliseconds(lambda point: by_pandas(folder, point), sample[:20])
    middle, late = (float(np.percentile(mine, share)) for share in (50, 95))
    text = f"p50 {middle:.2f} ms, p95 {late:.2f} ms"
    name = f"member's year by day, {len(points)} PPE"
    yardstick = f"p50 {np.median(theirs):.0f} ms, p95 {np.percentile(theirs, 95):.0f} ms"
    from_cells = f"p50 {np.median(cells):.0f} ms, p95 {np.percentile(cells, 95):.0f} ms"
    return [
        Row(name, text, f"{YEAR_MS_TARGET} ms p95", YEAR_MS_TARGET / late, 1.0, "warm, mapped"),
        Row(
            f"{name}, pandas",
            text,
            yardstick,
            float(np.median(theirs)) / middle,
            PANDAS_TARGET,
            "read_parquet, filters",
        ),
        Row(f"{name}, not mapped", from_cells, text, middle / float(np.median(cells)), 0.0, "from the cells"),
    ]


def storage(folder: Path, points: int) -> Row:
    size = sum(path.stat().st_size for path in folder.rglob("*.parquet"))
    values = points * sum(grid_of_month(month).slots for month in MONTHS)
    per_value = size / values
    wanted = f"{BYTES_PER_VALUE_TARGET} B/value"
    note = "values, qualities, presence, keys, digests"
    return Row("cells on disk", f"{per_value:.3f} B/value", wanted, BYTES_PER_VALUE_TARGET / per_value, 1.0, note)


def corrections(store: IntervalStore, points: list[str]) -> list[Row]:
    """One corrected month of one point at a time, on disk and acknowledged; then reads as of before and after."""
    month, known_at = MONTHS[9], FIRST_KNOWN
    grid, wh = grid_of_month(month), energy(month, len(points))
    quality = np.ones(grid.slots, np.uint8)
    spent = []
    for place, point in enumerate(points[:40]):
        known_at += timedelta(hours=1)
        cell = NewCell(point=point, channel=IMPORT, grid=grid, wh=wh[place] + 1, quality=quality, reason="correction")
        start = time.perf_counter()
        store.commit([cell], known_at=known_at, source="bench", author="bench")
        spent.append((time.perf_counter() - start) * 1e3)
    for as_of, more in ((FIRST_KNOWN, 0), (None, 1)):
        series = store.read(point=points[0], channel=IMPORT, month=month, as_of=as_of)
        assert series is not None
        assert np.array_equal(series.wh, wh[0] + more)
    now = np.median(milliseconds(lambda point: store.read(point=point, channel=IMPORT, month=month), points[:200]))
    earlier = np.median(
        milliseconds(
            lambda point: store.read(point=point, channel=IMPORT, month=month, as_of=FIRST_KNOWN), points[:200]
        )
    )
    middle = float(np.median(spent))
    wanted = f"{CORRECTION_MS_TARGET:.0f} ms"
    return [
        Row("correction of one PPE-month", f"p50 {middle:.1f} ms", wanted, CORRECTION_MS_TARGET / middle, 1.0, "fsync"),
        Row("read as of earlier", f"{earlier:.2f} ms", f"{now:.2f} ms latest", float(now / earlier), AS_OF_TARGET, ""),
    ]


def working_set(store: IntervalStore, folder: Path, points: list[str]) -> Row:
    """Building the dense matrix of a month from its cells, and mapping it again."""
    month = MONTHS[6]

    def build() -> None:
        for path in (folder / "working").glob(f"{month}-*"):
            path.unlink()
        store.working_set(month=month, channel=IMPORT, points=points, slot_s=900)

    built = cpu_seconds(build, repeats=3)
    mapped = cpu_seconds(lambda: store.working_set(month=month, channel=IMPORT, points=points, slot_s=900))
    values = len(points) * grid_of_month(month).slots / built / 1e6
    note = f"{values:.0f} M values per CPU s with digest"
    return Row("dense month from cells", f"{built:.3f} s CPU", f"{mapped * 1e3:.1f} ms mapped", values, 0.0, note)


def run(*, scale: str) -> list[Row]:
    """Rows for `scale` "small" (1,000 PPE) or any other (3,000 PPE), twelve months."""
    points = [f"590543520000{number:06d}" for number in range(1_000 if scale == "small" else 3_000)]
    with tempfile.TemporaryDirectory() as folder:
        root, long = Path(folder) / "store", Path(folder) / "long"
        long.mkdir()
        store = IntervalStore(root)
        fill(store, long, points)
        disk = storage(root, len(points))
        rows = measure(store, long, points)
        return [*rows, disk, working_set(store, root, points), *corrections(store, points)]


if __name__ == "__main__":
    for line in run(scale=sys.argv[1] if len(sys.argv) > 1 else "small"):
        print(line)
