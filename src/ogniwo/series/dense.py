"""The dense working set: a cache file named by the versions it holds, mapped into memory for the kernels.

Layout: 128 bytes of header (magic, name, digest of the body, points, slots), then `wh` int32 row by row, then the
presence bits row by row. A file appears under its name only when it is whole and on disk; anyone may delete it.
"""

import fcntl
import hashlib
import os
import struct
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ogniwo.core.kernel.calendar import Month, SlotGrid
from ogniwo.series.disk import TEMPORARY, make_folder, sync_folder
from ogniwo.series.model import DenseMonth

FOLDER = "working"
SUFFIX = ".dense"
_MAGIC = b"ogniwo dense 1\n\0"
_HEADER = struct.Struct("<16s32s32sqq32x")

Fill = Callable[[NDArray[np.int32], NDArray[np.uint8]], None]


def name_of(*, month: Month, channel: str, slot_s: int, points: Sequence[str], versions: Sequence[str]) -> bytes:
    """The 32 bytes that name a working set: a digest of whose values it holds, in which versions and order."""
    lines = (f"{point} {version}" for point, version in zip(points, versions, strict=True))
    text = "\n".join((f"ogniwo working set 1 {month} {channel} {slot_s}", *lines))
    return hashlib.sha256(text.encode()).digest()


def path_of(root: Path, month: Month, name: bytes) -> Path:
    """Where a working set lies."""
    return root / FOLDER / f"{month}-{name.hex()}{SUFFIX}"


def open_dense(
    root: Path,
    *,
    name: bytes,
    channel: str,
    month: Month,
    grid: SlotGrid,
    points: tuple[str, ...],
    versions: tuple[str, ...],
) -> DenseMonth | None:
    """Map the working set of that name, or None when there is none (or a file that is not one)."""
    path = path_of(root, month, name)
    if not is_whole(path, name=name, shape=(len(points), grid.slots)):
        return None
    os.utime(path)  # the time of last use: sweeping goes by it
    wh, present = _map(path, "r", (len(points), grid.slots))
    return DenseMonth(month=month, channel=channel, grid=grid, points=points, versions=versions, wh=wh, present=present)


def build_dense(root: Path, *, month: Month, name: bytes, shape: tuple[int, int], fill: Fill) -> None:
    """Make the file of a working set; `fill` gets the zeroed matrices. A killed builder leaves a name to be swept."""
    folder = root / FOLDER
    make_folder(folder)
    temporary = folder / f"{TEMPORARY}{os.urandom(12).hex()}"
    with temporary.open("xb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # tells a sweep that the builder lives
        file.truncate(_HEADER.size + _body_bytes(shape))
        wh, present = _map(temporary, "r+", shape)
        fill(wh, present)
        digest = hashlib.sha256(wh.data)
        digest.update(present.data)
        for matrix in (wh, present):
            if isinstance(matrix, np.memmap):
                matrix.flush()
        file.write(_HEADER.pack(_MAGIC, name, digest.digest(), *shape))
        file.flush()
        os.fsync(file.fileno())
        temporary.rename(path_of(root, month, name))
    sync_folder(folder)


def is_whole(path: Path, *, name: bytes, shape: tuple[int, int]) -> bool:
    """Whether the file is there with the right header and size."""
    try:
        with path.open("rb") as file:
            header = file.read(_HEADER.size)
            size = os.fstat(file.fileno()).st_size
    except FileNotFoundError:  # never built, or swept
        return False
    if len(header) != _HEADER.size or size != _HEADER.size + _body_bytes(shape):
        return False
    magic, named, _, points, slots = _HEADER.unpack(header)
    return bool((magic, named, points, slots) == (_MAGIC, name, *shape))


def is_intact(path: Path) -> bool:
    """Whether a cache file is byte for byte as it was built (reads all of it)."""
    content = path.read_bytes()
    if len(content) < _HEADER.size:
        return False
    magic, name, digest, points, slots = _HEADER.unpack_from(content)
    body = memoryview(content)[_HEADER.size :]
    named = path.name.endswith(f"-{name.hex()}{SUFFIX}")
    reserved = not any(content[_HEADER.size - 32 : _HEADER.size])
    sized = len(body) == _body_bytes((points, slots))
    return magic == _MAGIC and named and reserved and sized and hashlib.sha256(body).digest() == digest


def _body_bytes(shape: tuple[int, int]) -> int:
    points, slots = shape
    return points * (4 * slots + (slots + 7) // 8)


def _map(path: Path, mode: Literal["r", "r+"], shape: tuple[int, int]) -> tuple[NDArray[np.int32], NDArray[np.uint8]]:
    points, slots = shape
    if points == 0:
        return np.zeros(shape, np.int32), np.zeros((0, (slots + 7) // 8), np.uint8)
    wh = np.memmap(path, dtype="<i4", mode=mode, offset=_HEADER.size, shape=shape)
    behind = _HEADER.size + 4 * points * slots
    return wh, np.memmap(path, dtype=np.uint8, mode=mode, offset=behind, shape=(points, (slots + 7) // 8))
