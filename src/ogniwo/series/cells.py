"""Cells as rows of Parquet: one row per point, channel, month and version, values in a list, quality in runs.

Written with BYTE_STREAM_SPLIT (0.86 B per value of synthetic households, against 1.07 delta and 1.21 plain; pyarrow
honours it in nested lists) and zstd in row groups of 64: 1.2 ms to read one cell (performance.md 5). Other readers find
plain columns; only `quality` and `present` need the lines of `decode_quality` and `packbits`.
"""

import hashlib
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from ogniwo.core.kernel.quality import Quality
from ogniwo.series.disk import HashedFile
from ogniwo.series.model import NewCell

ROW_GROUP = 64
_ZSTD_LEVEL = 3
_RUN = np.dtype([("length", "<u2"), ("quality", "u1")])

SCHEMA = pa.schema(
    [
        ("point", pa.string()),
        ("channel", pa.string()),
        ("month", pa.string()),
        ("slot_s", pa.int32()),
        ("version", pa.int32()),
        ("known_at_us", pa.int64()),
        ("source", pa.string()),
        ("reason", pa.string()),
        ("author", pa.string()),
        ("digest", pa.binary(32)),
        ("worst", pa.uint8()),
        ("present", pa.binary()),
        ("quality", pa.binary()),
        ("wh", pa.list_(pa.field("element", pa.int32(), nullable=False))),
    ]
)
KEYS = ("point", "channel", "month", "slot_s", "version", "known_at_us", "source", "reason", "author", "digest")
"""The columns that the index is made of; no values."""
_TEXTS = ("point", "channel", "month", "source", "reason", "author")


def encode_quality(quality: NDArray[np.uint8]) -> bytes:
    """Runs of equal quality, three bytes each: length (16 bits, little-endian) and quality. Exact for any array."""
    starts = np.concatenate(([0], np.flatnonzero(quality[1:] != quality[:-1]) + 1))
    runs = np.empty(len(starts), dtype=_RUN)
    runs["length"], runs["quality"] = np.diff(starts, append=len(quality)), quality[starts]
    return runs.tobytes()


def decode_quality(packed: bytes) -> NDArray[np.uint8]:
    """The inverse of `encode_quality`."""
    runs = np.frombuffer(packed, dtype=_RUN)
    return np.repeat(runs["quality"], runs["length"])


def present_bits(quality: NDArray[np.uint8]) -> bytes:
    """One bit per slot, first slot highest, 1 where there is a value."""
    return np.packbits(quality != Quality.MISSING).tobytes()


def worst_present(quality: NDArray[np.uint8]) -> int:
    """The least trusted quality of the slots that have a value, 0 when none has."""
    return int(np.where(quality == Quality.MISSING, 0, quality).max())


def digest_of(
    *, point: str, channel: str, month: str, slot_s: int, wh: NDArray[np.int32], quality: NDArray[np.uint8]
) -> bytes:
    """The SHA-256 that names a cell's content: whose month it is, and every value with its quality."""
    content = hashlib.sha256(f"ogniwo cell 1\n{point}\n{channel}\n{month}\n{slot_s}\n".encode())
    content.update(np.ascontiguousarray(wh, dtype="<i4").tobytes())
    content.update(np.ascontiguousarray(quality).tobytes())
    return content.digest()


def write_cells(
    sink: HashedFile, cells: Sequence[tuple[NewCell, int, bytes]], *, known_at_us: int, source: str, author: str
) -> None:
    """Write (cell, version, digest) rows of one commit as one Parquet file."""
    with pq.ParquetWriter(
        pa.PythonFile(sink, mode="w"),
        SCHEMA,
        compression="zstd",
        compression_level=_ZSTD_LEVEL,
        use_dictionary=list(_TEXTS),
        column_encoding={"wh.list.element": "BYTE_STREAM_SPLIT"},
        write_statistics=["point", "channel", "known_at_us"],
        write_page_checksum=True,
    ) as writer:
        for begin in range(0, len(cells), ROW_GROUP):
            block = cells[begin : begin + ROW_GROUP]
            writer.write_table(_table(block, known_at_us, source, author), row_group_size=ROW_GROUP)


def _table(block: Sequence[tuple[NewCell, int, bytes]], known_at_us: int, source: str, author: str) -> Any:  # noqa: ANN401 -- pyarrow is untyped
    cells = [cell for cell, _, _ in block]
    offsets = np.cumsum([0, *(cell.grid.slots for cell in cells)], dtype=np.int32)
    values = pa.array(np.concatenate([cell.wh for cell in cells]))
    columns = {
        "point": [cell.point for cell in cells],
        "channel": [cell.channel for cell in cells],
        "month": [str(cell.month) for cell in cells],
        "slot_s": [cell.grid.slot_s for cell in cells],
        "version": [version for _, version, _ in block],
        "known_at_us": [known_at_us] * len(cells),
        "source": [source] * len(cells),
        "reason": [cell.reason for cell in cells],
        "author": [author] * len(cells),
        "digest": [digest for _, _, digest in block],
        "worst": [worst_present(cell.quality) for cell in cells],
        "present": [present_bits(cell.quality) for cell in cells],
        "quality": [encode_quality(cell.quality) for cell in cells],
    }
    arrays = [pa.array(columns[name], type=SCHEMA.field(name).type) for name in columns]
    arrays.append(pa.ListArray.from_arrays(pa.array(offsets), values, type=SCHEMA.field("wh").type))
    return pa.Table.from_arrays(arrays, schema=SCHEMA)


def _checked(table: Any) -> Any:  # noqa: ANN401 -- pyarrow is untyped
    """The table if it is one that `write_cells` can have written; raises pyarrow's ArrowInvalid."""
    table.validate(full=True)
    if any(column.null_count or column.type != SCHEMA.field(name).type for name, column in _columns(table)):
        raise pa.ArrowInvalid("the columns are not those of cells")
    return table


def _columns(table: Any) -> Iterator[tuple[str, Any]]:  # noqa: ANN401 -- pyarrow is untyped
    return zip(table.column_names, table.columns, strict=True)


def _open(path: Path) -> Any:  # noqa: ANN401 -- pyarrow is untyped
    file = pq.ParquetFile(path, memory_map=True, page_checksum_verification=True)
    if file.schema_arrow != SCHEMA:
        raise pa.ArrowInvalid("the columns are not those of cells")
    return file


def read_rows(path: Path, *, rows: Sequence[int], columns: Sequence[str]) -> Iterator[tuple[list[int], Any]]:
    """Read some rows, given in ascending order, touching only their row groups.

    Yields (places in `rows`, table of exactly these rows) per row group.
    """
    with _open(path) as file:
        for group, members in groupby(range(len(rows)), key=lambda place: rows[place] // ROW_GROUP):
            places = list(members)
            table = _checked(file.read_row_group(group, columns=list(columns), use_threads=False))
            if len(places) < table.num_rows:
                table = table.take([rows[place] - group * ROW_GROUP for place in places])
            yield places, table


def read_columns(path: Path, *, columns: Sequence[str]) -> dict[str, list[Any]]:
    """Whole columns as Python values (for the index)."""
    with _open(path) as file:
        table = _checked(file.read(columns=list(columns), use_threads=False))
        return {name: table.column(name).to_pylist() for name in columns}


def values_of(table: Any) -> tuple[NDArray[np.int32], NDArray[np.int32]]:  # noqa: ANN401 -- pyarrow is untyped
    """The `wh` lists of a table as (flat values, offsets (rows + 1,))."""
    lists = table.column("wh").combine_chunks()
    lists = lists.chunk(0) if isinstance(lists, pa.ChunkedArray) else lists
    offsets = lists.offsets.to_numpy()
    return lists.values.to_numpy(zero_copy_only=True), offsets
