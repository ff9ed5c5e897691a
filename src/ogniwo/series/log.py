"""The commit log: one small file per commit, numbered, each carrying the digest of the one before.

A file is `{"body":<manifest>,"sha256":"<of the body>"}` and a line feed. It makes the data files it names visible. A
changed byte breaks its own digest; a replaced file breaks the digest in the next one. That the last files were not
taken away only an outsider who noted `head` can tell.
"""

from pathlib import Path

import msgspec

from ogniwo.core.kernel.ids import sha256_hex
from ogniwo.core.kernel.refusals import Refusal

FOLDER = "log"
FORMAT = 1
GENESIS = "0" * 64
_BEFORE, _BETWEEN, _AFTER = b'{"body":', b',"sha256":"', b'"}\n'


class StoreDamaged(Refusal):
    """A file of the store is not what was committed; `verify` tells what and where."""

    code = "series.damaged"


class DataFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A file of cells: the month it belongs to, its path below the root, digest, bytes and rows."""

    month: str
    path: str
    sha256: str
    size: int
    rows: int


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What one commit added. `previous` is the digest of the file before (zeros for the first)."""

    format: int
    number: int
    previous: str
    commit_id: str
    known_at_us: int
    source: str
    author: str
    stored: int
    unchanged: int
    files: tuple[DataFile, ...]


def path_of(root: Path, number: int) -> Path:
    """The file of a commit."""
    return root / FOLDER / f"{number:08d}.json"


def encode(manifest: Manifest) -> bytes:
    """The bytes of a log file."""
    body = msgspec.json.encode(manifest)
    return _BEFORE + body + _BETWEEN + sha256_hex(body).encode() + _AFTER


def decode(content: bytes, *, path: Path) -> Manifest:
    """Read a log file. Raises StoreDamaged when a byte of it is not as written."""
    tail = len(_BETWEEN) + 64 + len(_AFTER)
    body = content[len(_BEFORE) : -tail]
    if content != _BEFORE + body + _BETWEEN + sha256_hex(body).encode() + _AFTER:
        raise StoreDamaged(detail=f"{path} is not as it was committed")
    try:
        manifest = msgspec.json.decode(body, type=Manifest)
    except msgspec.DecodeError as error:
        raise StoreDamaged(detail=f"{path} is no manifest: {error}") from error
    if manifest.format != FORMAT:
        raise StoreDamaged(detail=f"{path} has format {manifest.format}, this program reads {FORMAT}")
    return manifest


def check_link(manifest: Manifest, *, number: int, previous: str, path: Path) -> None:
    """Check that a manifest is the one that follows. Raises StoreDamaged."""
    if manifest.number != number or manifest.previous != previous:
        raise StoreDamaged(detail=f"{path} does not follow the commit before it")
