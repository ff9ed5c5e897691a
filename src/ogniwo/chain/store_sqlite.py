"""Blocks in an SQLite file: one row per block, synced before anybody is told.

The lock is on the file beside it, `NAME.lock`, which the operating system releases when its holder dies.
"""

import fcntl
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ogniwo.chain.store import BlockStore, DamagedStoreError, FencedError, LockedError, NoStoreError, StoreWriteError
from ogniwo.core.ledger.blocks import Block

APPLICATION_ID = 0x4F474E57
"""`OGNW` in the SQLite header, so that a wrong file is recognised."""

_READERS_MS = 20_000
"""How long who moves the file waits for those that read it."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS blocks (
    height INTEGER PRIMARY KEY CHECK (height >= 0),
    header BLOB NOT NULL,
    body BLOB NOT NULL
) STRICT
"""


class SqliteStore(BlockStore):
    """The block table in a file; see BlockStore."""

    def __init__(self, path: Path, *, write: bool) -> None:
        self.path = path
        self.address, self.name = path, str(path)
        self._lock = _lock(path) if write else None
        try:
            self._connection = self._open(write=write)
        except BaseException:
            self._release()
            raise

    def _open(self, *, write: bool) -> sqlite3.Connection:
        if not write and not self.path.is_file():
            raise NoStoreError(detail=f"{self.path} does not exist")
        with _reported(self.path):
            connection = sqlite3.connect(
                f"{self.path.absolute().as_uri()}?mode={'rwc' if write else 'ro'}",
                uri=True,
                isolation_level=None,
                check_same_thread=False,
            )
            try:
                self._prepare(connection, write=write)
            except BaseException:
                connection.close()
                raise
        return connection

    def _prepare(self, connection: sqlite3.Connection, *, write: bool) -> None:
        if write:
            fresh = not connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]
            if fresh:
                # 16 KiB pages: a full block is half a megabyte, and fewer pages make a cheaper commit.
                connection.execute("PRAGMA page_size = 16384")
                connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            if fresh:
                connection.execute(_SCHEMA)
        if connection.execute("PRAGMA application_id").fetchone()[0] != APPLICATION_ID:
            raise DamagedStoreError(detail=f"{self.path} is not a ledger of this product")
        connection.execute("SELECT max(height) FROM blocks").fetchone()

    def append(self, block: Block) -> None:
        """Make a block durable; raises FencedError or StoreWriteError."""
        try:
            self._connection.execute(
                "INSERT INTO blocks (height, header, body) VALUES (?, ?, ?)", (block.height, block.header, block.body)
            )
        except sqlite3.IntegrityError as error:
            raise FencedError(detail=f"block {block.height} was written by somebody else") from error
        except sqlite3.Error as error:
            raise StoreWriteError(detail=f"block {block.height} could not be written: {error}") from error

    def blocks(self, *, from_height: int = 0, limit: int = -1) -> Iterator[Block]:
        """The blocks from a height on, in order; raises DamagedStoreError where the file cannot be read."""
        with _reported(self.path):
            rows = self._connection.execute(
                "SELECT height, header, body FROM blocks WHERE height >= ? ORDER BY height LIMIT ?",
                (from_height, limit),
            )
            for height, header, body in rows:
                # A changed byte in a row's own header makes it another type; SQLite checks that when writing only.
                if not (isinstance(height, int) and isinstance(header, bytes) and isinstance(body, bytes)):
                    raise DamagedStoreError(detail=f"{self.path}: the row of block {height} does not hold bytes")
                yield Block(height, header, body)

    def last(self) -> Block | None:
        """The last block, or None when there is none."""
        with _reported(self.path):
            row = self._connection.execute(
                "SELECT height, header, body FROM blocks ORDER BY height DESC LIMIT 1"
            ).fetchone()
        return None if row is None else Block(*row)

    def count(self) -> tuple[int, int]:
        """How many rows the table has, and the first height."""
        with _reported(self.path):
            found = self._connection.execute("SELECT count(*), coalesce(min(height), 0) FROM blocks").fetchone()
        return int(found[0]), int(found[1])

    def damage(self) -> list[str]:
        """What SQLite itself finds wrong with the file; empty when nothing."""
        with _reported(self.path):
            rows = self._connection.execute("PRAGMA integrity_check(10)").fetchall()
        return [text for (text,) in rows if text != "ok"]

    def reader(self) -> "SqliteStore":
        """A second connection to the same file."""
        return SqliteStore(self.path, write=False)

    def take_in_log(self) -> None:
        """Bring all that SQLite's own log still holds into the file itself; raises StoreWriteError when it cannot."""
        try:
            self._connection.execute(f"PRAGMA busy_timeout = {_READERS_MS}")
            busy = self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
        except sqlite3.Error as error:
            raise StoreWriteError(detail=f"{self.path}: {error}") from error
        if busy:
            raise StoreWriteError(detail=f"{self.path}: somebody has been reading it for long; try again")

    def set_aside(self, kept: Path) -> None:
        """Close the file, give it another name and the lock back; `take_in_log` must have come before."""
        self._connection.close()
        self.path.rename(kept)
        for end in ("-wal", "-shm"):
            self.path.with_name(self.path.name + end).unlink(missing_ok=True)
        folder = os.open(self.path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
        self._release()

    def close(self) -> None:
        """Close the file and give the lock back."""
        self._connection.close()
        self._release()

    def _release(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


@contextmanager
def _reported(path: Path) -> Iterator[None]:
    try:
        yield
    except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
        raise DamagedStoreError(detail=f"{path} cannot be read: {error}") from error


def _lock(path: Path) -> int:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path.with_name(path.name + ".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(handle)
        raise LockedError(detail=f"another process writes {path}") from error
    return handle
