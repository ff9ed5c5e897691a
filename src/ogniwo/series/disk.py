"""Durable steps on the file system: a file appears whole and lasting under its name, or not at all.

Order of a write: temporary name, fsync of the file, rename (or link, which refuses to replace), fsync of the folder.
`step` is called with a name around each of them; tests end the process there.
"""

import fcntl
import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from ogniwo.core.kernel.refusals import Refusal

Step = Callable[[str], None]
TEMPORARY = ".tmp-"


class StoreLocked(Refusal):
    """Another writer is at work in this store."""

    code = "series.locked"


def no_step(_name: str) -> None:
    """Take no notice of steps: what a store does outside tests."""


def sync_folder(folder: Path) -> None:
    """Make the names in a folder lasting."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def make_folder(folder: Path) -> None:
    """Make a folder and its parents, lasting."""
    if folder.is_dir():
        return
    make_folder(folder.parent)
    folder.mkdir(exist_ok=True)
    sync_folder(folder.parent)


@contextmanager
def writer_lock(root: Path) -> Iterator[None]:
    """Hold the store's only writer place; the system frees it when a process dies. Raises StoreLocked when taken."""
    make_folder(root)
    with (root / "LOCK").open("ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise StoreLocked(detail=f"another writer holds the interval store {root}") from error
        yield


def is_held(path: Path) -> bool:
    """Whether a live process still holds the lock on its temporary file."""
    with path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


class HashedFile:
    """A binary sink that hashes and counts what is written (pyarrow writes to it piece by piece)."""

    def __init__(self, file: BinaryIO, step: Step) -> None:
        self._file, self._step, self._hash = file, step, hashlib.sha256()
        self.size, self.closed = 0, False

    def write(self, data: bytes) -> int:
        """Append bytes."""
        self._step("data.write")
        self._hash.update(data)
        self.size += len(data)
        return self._file.write(data)

    def tell(self) -> int:
        """The position, which is the size so far."""
        return self.size

    def flush(self) -> None:
        """Hand everything to the system."""
        self._file.flush()

    def close(self) -> None:
        """Do nothing: who opened the file closes it, after its fsync."""

    @property
    def sha256(self) -> str:
        """Hex digest of what was written so far."""
        return self._hash.hexdigest()


@contextmanager
def new_file(folder: Path, step: Step, name: str) -> Iterator[tuple[Path, HashedFile]]:
    """A temporary file in `folder` that is on disk when the block ends; its caller renames or links it."""
    make_folder(folder)
    path = folder / f"{TEMPORARY}{name}-{os.urandom(6).hex()}"
    step("data.create")
    with path.open("xb") as file:
        yield path, HashedFile(file, step)
        step("data.flush")
        file.flush()
        step("data.fsync")
        os.fsync(file.fileno())


def publish_by_rename(temporary: Path, final: Path, step: Step) -> None:
    """Give a finished file its name, which names its content: replacing the same name replaces equal bytes."""
    step("data.rename")
    temporary.rename(final)
    step("data.fsync_folder")
    sync_folder(final.parent)


def publish_once(final: Path, content: bytes, step: Step) -> bool:
    """Create a small file whole and lasting; False when the name is taken, so that two writers never share it."""
    make_folder(final.parent)
    temporary = final.parent / f"{TEMPORARY}{final.name}-{os.urandom(6).hex()}"
    half = len(content) // 2
    step("manifest.create")
    with temporary.open("xb") as file:
        file.write(content[:half])
        file.flush()
        step("manifest.half")
        file.write(content[half:])
        file.flush()
        step("manifest.fsync")
        os.fsync(file.fileno())
    step("manifest.link")
    try:
        os.link(temporary, final)
    except FileExistsError:
        return False
    finally:
        step("manifest.unlink")
        temporary.unlink()
    step("manifest.fsync_folder")
    sync_folder(final.parent)
    step("manifest.done")
    return True
