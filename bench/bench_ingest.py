"""Ingest (W1): a month of profile CSV to dense matrices, every row checked; repetitions, conflicts, strangers counted.

The yardsticks are the same reading in pandas, as a careful analyst writes it, and row by row in plain Python. All must
give the same integers and the same counts before anything is timed. CPU seconds of one process.
"""

import itertools
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

import numpy as np
import pandas as pd

from common import Row, cpu_seconds
from ogniwo.core.kernel.calendar import QUARTER_S, Month, grid_of_month
from ogniwo.core.kernel.ids import gs1_check_digit
from ogniwo.core.kernel.quality import Quality
from ogniwo.core.metering.model import IMPORT, IntervalSeries
from ogniwo.formats.profile_csv import HEADER, ParsedProfile, ProfileCsvReader, parse_profile_csv, write_profile_csv
from ogniwo.formats.profile_csv.reference import parse_profile_csv_reference
from ogniwo.series import IntervalStore, NewCell

MONTH = Month(2026, 10)
GRID = grid_of_month(MONTH)
BLOCK_BYTES = 64 << 20
PANDAS_TARGET = 10.0
PYTHON_TARGET = 60.0
GIGABYTES_PER_S_TARGET = 0.8
HEAD = f"{HEADER}\n".encode()


def points_of(count: int) -> tuple[str, ...]:
    bodies = (f"59054352{number:09d}" for number in range(count))
    return tuple(body + str(gs1_check_digit(body)) for body in bodies)


def lines_of(points: tuple[str, ...], *, seed: int) -> bytes:
    """Rows of these points without a header: log-normal quarter-hours, 2 % estimated."""
    random = np.random.default_rng(seed)
    series = [
        IntervalSeries(
            point=point,
            channel=IMPORT,
            grid=GRID,
            wh=random.lognormal(4.2, 0.9, GRID.slots).astype(np.int32),
            quality=np.where(np.arange(GRID.slots) % 1_000 < 20, 3, 1).astype(np.uint8),
        )
        for point in points
    ]
    text = write_profile_csv(series).replace(b";measured\r\n", b";+\n").replace(b"\r\n", b"\n")
    return text[text.index(b"\n") + 1 :]


def dirty_file(points: tuple[str, ...]) -> bytes:
    """A whole file in which a thousandth of the rows stands twice, half of them with another value; and strangers."""
    lines = lines_of(points, seed=1).splitlines(keepends=True)
    random = np.random.default_rng(2)
    chosen = random.choice(len(lines), len(lines) // 1_000, replace=False)
    extra = [lines[place] for place in chosen[::2]]
    extra += [b";".join([*(parts := lines[place].split(b";"))[:3], b"9999,999", *parts[4:]]) for place in chosen[1::2]]
    stranger = points_of(len(points) + 1)[-1]
    kept = [line for place, line in enumerate(lines) if place % 997]
    extra += lines_of((stranger,), seed=3).splitlines(keepends=True)[:100]
    return HEAD + b"".join(kept) + b"".join(extra)


def by_pandas(data: bytes, points: tuple[str, ...]) -> tuple[np.ndarray, np.ndarray, dict[str, int]]:
    """Wh, presence, and counts of duplicates, conflicts and unknown points."""
    frame = pd.read_csv(
        BytesIO(data), sep=";", decimal=",", dtype={"PPE": "category", "OBIS": "category", "Jednostka": "category"}
    )
    start = pd.to_datetime(frame["Początek"], utc=True, format="ISO8601").astype("datetime64[s, UTC]").astype("int64")
    rows = dict(zip(points, range(len(points)), strict=True))
    frame["point"] = frame["PPE"].map(rows).astype("float64").fillna(-1).astype("int64")
    frame["slot"] = (start - int(GRID.start_epoch_s[0])) // QUARTER_S
    frame["wh"] = (frame["Wartość"] * 1000).round().astype("int64")
    known = frame[frame["point"] >= 0]
    key = ["point", "slot"]
    repeated = known[known.duplicated(key, keep=False)]
    values = repeated.groupby(key)[["wh", "Status"]].nunique().max(axis=1)
    sizes = repeated.groupby(key).size() - 1
    counts = {
        "read.duplicate": int(sizes[values == 1].sum()),
        "read.conflict": int(sizes[values > 1].sum()),
        "read.unknown_point": int((frame["point"] < 0).sum()),
    }
    wh, present = np.zeros((len(points), GRID.slots), np.int32), np.zeros((len(points), GRID.slots), np.bool_)
    wh[known["point"], known["slot"]], present[known["point"], known["slot"]] = known["wh"], True
    void = values[values > 1].reset_index()
    wh[void["point"], void["slot"]], present[void["point"], void["slot"]] = 0, False
    return wh, present, counts


def check(parsed: ParsedProfile, wh: np.ndarray, present: np.ndarray, counts: dict[str, int]) -> None:
    assert dict(parsed.counts) == counts, (parsed.counts, counts)
    assert np.array_equal(parsed.wh[0], wh)
    assert np.array_equal(parsed.quality[0] != Quality.MISSING, present)


def one_file(count: int) -> Iterator[Row]:
    points = points_of(count)
    data = dirty_file(points)
    check(parse_profile_csv(data, points=points, grid=GRID), *by_pandas(data, points))
    rows = data.count(b"\n") - 1
    ours = cpu_seconds(lambda: parse_profile_csv(data, points=points, grid=GRID))
    pandas = cpu_seconds(lambda: by_pandas(data, points), repeats=2)
    name = f"ingest {count} PPE-month CSV"
    size = f"{rows:,} rows, {len(data) / 1e6:.0f} MB"
    yield Row(f"{name}, pandas", f"{ours:.3f} s CPU", f"{pandas:.2f} s CPU", pandas / ours, PANDAS_TARGET, size)
    rate = len(data) / ours / 1e9
    yield Row(
        f"{name}, bytes per core",
        f"{rate:.2f} GB/s",
        f"{GIGABYTES_PER_S_TARGET} GB/s",
        rate / GIGABYTES_PER_S_TARGET,
        1.0,
        f"{ours / rows * 1e9:.0f} ns a row, strict",
    )
    few = data[: data.index(b"\n", 4_000_000) + 1]
    start = time.process_time()
    reference = parse_profile_csv_reference(few, points=points, grid=GRID)
    python = (time.process_time() - start) / reference.rows * rows
    note = f"plain Python measured on {reference.rows:,} rows"
    yield Row(f"{name}, row by row", f"{ours:.3f} s CPU", f"{python:.1f} s CPU", python / ours, PYTHON_TARGET, note)
    yield stored(points, data)


def stored(points: tuple[str, ...], data: bytes) -> Row:
    """From bytes to acknowledged versions on disk."""
    taken = itertools.count()

    def ingest() -> None:
        with tempfile.TemporaryDirectory() as folder:
            parsed = parse_profile_csv(data, points=points, grid=GRID)
            cells = [
                NewCell(point=point, channel=IMPORT, grid=GRID, wh=wh, quality=quality, reason="")
                for point, wh, quality in zip(points, parsed.wh[0], parsed.quality[0], strict=True)
            ]
            store = IntervalStore(Path(folder))
            store.commit(cells, known_at=datetime(2026, 11, 1, tzinfo=UTC), source=str(next(taken)), author="bench")

    ours = cpu_seconds(ingest, repeats=3)
    rate = len(data) / ours / 1e9
    return Row(f"ingest {len(points)} PPE-month to disk", f"{ours:.2f} s CPU", "-", rate, 0.0, "ratio is GB/s of CSV")


def by_time(count: int) -> Row:
    """Rows sorted by time instead of by point: another point in every row."""
    points = points_of(count)
    lines = lines_of(points, seed=1).splitlines(keepends=True)
    data = HEAD + b"".join(line for slot in range(GRID.slots) for line in lines[slot :: GRID.slots])
    straight, turned = HEAD + b"".join(lines), data
    assert np.array_equal(
        parse_profile_csv(straight, points=points, grid=GRID).wh[0],
        parse_profile_csv(turned, points=points, grid=GRID).wh[0],
    )
    seconds = [cpu_seconds(lambda d=d: parse_profile_csv(d, points=points, grid=GRID)) for d in (turned, straight)]
    name = f"ingest {count} PPE sorted by time"
    rates = [f"{len(data) / each / 1e9:.2f} GB/s" for each in seconds]
    return Row(name, rates[0], f"{rates[1]} by point", seconds[1] / seconds[0], 0.0, "")


def streamed(count: int) -> Row:
    """A file too large for memory, in blocks; the rows are made between the blocks and not timed."""
    points = points_of(count)
    reader = ProfileCsvReader(points=points, grid=GRID)
    size, spent, block = 0, 0.0, HEAD
    for begin in range(0, count, 50):
        block += lines_of(points[begin : begin + 50], seed=begin)
        if len(block) >= BLOCK_BYTES or begin + 50 >= count:
            start = time.process_time()
            reader.feed(block)
            spent += time.process_time() - start
            size, block = size + len(block), b""
    start = time.process_time()
    parsed = reader.finish()
    spent += time.process_time() - start
    assert (parsed.findings, parsed.rows) == ((), count * GRID.slots)
    assert (parsed.quality[0] != Quality.MISSING).all()
    rate = size / spent / 1e9
    target = f"{GIGABYTES_PER_S_TARGET} GB/s"
    note = f"{parsed.rows:,} rows, {size / 1e9:.2f} GB in 64 MB blocks, {spent:.2f} s CPU"
    return Row(f"ingest {count} PPE streamed", f"{rate:.2f} GB/s", target, rate / GIGABYTES_PER_S_TARGET, 1.0, note)


def run(*, scale: str) -> list[Row]:
    """Rows for `scale` "small" (1,000 PPE) or any other (also 10,000 PPE, streamed)."""
    rows = [*one_file(1_000), by_time(200)]
    if scale != "small":
        rows.append(streamed(10_000))
    return rows


if __name__ == "__main__":
    for line in run(scale=sys.argv[1] if len(sys.argv) > 1 else "small"):
        print(line)
