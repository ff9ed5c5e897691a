"""Snapshots in a folder: written beside the running ledger, read when it opens.

A snapshot is a file `HEIGHT.manifest` and the chunks it names, each in a file called by its SHA-256, so that snapshots
share the chunks they have in common. A chunk is on disk before the manifest that names it. The two newest snapshots are
kept. Nothing here is the truth: whatever is damaged or does not fit the blocks is passed over, and told.
"""

import os
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

from ogniwo.core.kernel.refusals import Refusal
from ogniwo.core.ledger.canonical import encode
from ogniwo.core.ledger.machine import Machine
from ogniwo.core.ledger.snapshot import (
    Chunk,
    Manifest,
    Restoration,
    SnapshotChunkError,
    chunks_of,
    manifest_of,
    read_manifest,
)

KEPT = 2
_MANIFEST = ".manifest"
_CHUNK = ".chunk"
_UNFINISHED = ".part"


class SnapshotFolder:
    """The snapshots of one ledger. One process at a time writes: the one that holds the writer's lock."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def heights(self) -> list[int]:
        """The heights of the snapshots there are, newest first."""
        names = [path.stem for path in self.folder.glob(f"*{_MANIFEST}")]
        return sorted((int(name) for name in names if name.isdecimal()), reverse=True)

    def manifest(self, height: int) -> Manifest:
        """A manifest; raises OSError, SnapshotFormError or SnapshotMismatchError."""
        return read_manifest(self._manifest_file(height).read_bytes())

    def chunk(self, manifest: Manifest, index: int) -> bytes:
        """The bytes of a chunk as they are on disk; raises OSError. Whoever uses them compares the hash."""
        return self._chunk_file(manifest.chunks[index].sha256).read_bytes()

    def machine(self, manifest: Manifest) -> Machine:
        """The machine of a snapshot; raises OSError or the refusals of `Restoration`."""
        restoration = Restoration(manifest)
        for index, reference in enumerate(manifest.chunks):
            # The size first: a file of another size is not worth reading.
            if self._chunk_file(reference.sha256).stat().st_size != reference.size:
                raise SnapshotChunkError(detail=f"chunk {index} has another size than the manifest says")
            restoration.add(self.chunk(manifest, index))
        return restoration.machine()

    def write(self, machine: Machine) -> Manifest:
        """Take a snapshot, durable when this returns, and remove all but the newest; raises OSError."""
        self.folder.mkdir(parents=True, exist_ok=True)
        manifest = manifest_of(machine, self._written(machine))
        _sync(self.folder)
        self._replace(self._manifest_file(machine.height), encode(manifest))
        _sync(self.folder)
        self._prune(machine.height)
        return manifest

    def _written(self, machine: Machine) -> Iterator[Chunk]:
        for chunk in chunks_of(machine):
            path = self._chunk_file(chunk.reference().sha256)
            # A chunk of an earlier snapshot is used again only if it is still whole.
            if not path.is_file() or path.read_bytes() != chunk.data:
                self._replace(path, chunk.data)
            yield chunk

    @staticmethod
    def _replace(path: Path, data: bytes) -> None:
        unfinished = path.with_name(path.name + _UNFINISHED)
        with unfinished.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)

    def _prune(self, newest: int) -> None:
        """Remove older snapshots, chunks that none of the kept ones names, and what an interrupted one left.

        Snapshots of later blocks are of a chain that is no longer there, and go as well.
        """
        named: set[str] = set()
        kept = 0
        for height in self.heights():
            if height <= newest and kept < KEPT:
                try:
                    named |= {chunk.sha256 for chunk in self.manifest(height).chunks}
                except Refusal:
                    pass  # damaged: of no use, nor are the chunks that only it names
                else:
                    kept += 1
                    continue
            self._manifest_file(height).unlink()
        for path in self.folder.iterdir():
            if path.suffix == _UNFINISHED or (path.suffix == _CHUNK and path.stem not in named):
                path.unlink()

    def _manifest_file(self, height: int) -> Path:
        return self.folder / f"{height:012d}{_MANIFEST}"

    def _chunk_file(self, digest: str) -> Path:
        return self.folder / f"{digest}{_CHUNK}"


def digest_of(manifest: Manifest) -> str:
    """The SHA-256 (hex) of a manifest's bytes: what somebody vouches for."""
    return sha256(encode(manifest)).hexdigest()


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
