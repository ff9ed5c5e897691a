"""The block table of a node, and beside it what consensus needs to remember: one transaction for both.

A CometBFT block makes at most one ledger block. What stands here is what `Info` reports after a crash, so the height
and the ledger block it made become durable together or not at all.
"""

import sqlite3
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from ogniwo.chain.store import DamagedStoreError, StoreWriteError
from ogniwo.chain.store_sqlite import SqliteStore
from ogniwo.core.ledger.blocks import Block

_TABLES = """
CREATE TABLE IF NOT EXISTS consensus (
    one INTEGER PRIMARY KEY CHECK (one = 1), height INTEGER NOT NULL, app_hash TEXT NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS heights (ledger INTEGER PRIMARY KEY, consensus INTEGER NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS signed (address TEXT PRIMARY KEY, height INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS offences (
    address TEXT NOT NULL, kind TEXT NOT NULL, height INTEGER NOT NULL, time_s INTEGER NOT NULL,
    proven INTEGER NOT NULL, detail TEXT NOT NULL, PRIMARY KEY (address, kind, height)
) STRICT, WITHOUT ROWID;
"""


class Offence(NamedTuple):
    """What a validator did at a CometBFT height.

    `kind`: "duplicate_vote" and "light_client_attack" are proven to everybody by evidence in a block; "bad_proposal" is
    what this node saw itself. `address` is upper-case hex, `time_s` seconds since 1970.
    """

    address: str
    kind: str
    height: int
    time_s: int
    proven: bool
    detail: str = ""


class Committed(NamedTuple):
    """The last durable CometBFT height (0 before the first) and the hash that all nodes agreed on after it (hex)."""

    height: int
    app_hash: str


class NetworkStore(SqliteStore):
    """An SqliteStore that also keeps the height of consensus, who signed last when, and offences."""

    def __init__(self, path: Path, *, write: bool) -> None:
        super().__init__(path, write=write)
        if write:
            self._connection.executescript(_TABLES)

    def last(self) -> Block | None:
        """The last ledger block that consensus made; raises DamagedStoreError where the file cannot be read."""
        highest = self._number("SELECT coalesce(max(ledger), -1) FROM heights")
        return self.block(highest) if highest >= 0 else None

    def consensus_height(self, ledger_height: int) -> int:
        """The CometBFT height that made a ledger block, 0 when it is not known."""
        return self._number("SELECT coalesce(max(consensus), 0) FROM heights WHERE ledger = ?", ledger_height)

    def _number(self, query: str, *values: int) -> int:
        try:
            return int(self._connection.execute(query, values).fetchone()[0])
        except sqlite3.DatabaseError as error:
            raise DamagedStoreError(detail=f"{self.name} cannot be read: {error}") from error

    def committed(self) -> Committed:
        """How far this node has come."""
        row = self._connection.execute("SELECT height, app_hash FROM consensus").fetchone()
        return Committed(*row) if row else Committed(0, "")

    def commit(
        self,
        committed: Committed,
        *,
        blocks: Sequence[Block],
        signers: Iterable[str],
        offences: Iterable[Offence],
    ) -> None:
        """Make a CometBFT height durable with the ledger blocks it made; raises FencedError or StoreWriteError.

        `signers` are those (addresses) who signed the height before.
        """
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                for block in blocks:
                    self.append(block)
                if blocks:
                    self._connection.execute("INSERT INTO heights VALUES (?, ?)", (blocks[-1].height, committed.height))
                self._connection.execute(
                    "INSERT INTO consensus VALUES (1, ?, ?)"
                    " ON CONFLICT (one) DO UPDATE SET height = excluded.height, app_hash = excluded.app_hash",
                    committed,
                )
                self._connection.executemany(
                    "INSERT INTO signed VALUES (?, ?) ON CONFLICT (address) DO UPDATE SET height = excluded.height",
                    [(address, committed.height - 1) for address in signers],
                )
                self._connection.executemany("INSERT OR IGNORE INTO offences VALUES (?, ?, ?, ?, ?, ?)", offences)
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise
        except sqlite3.Error as error:
            raise StoreWriteError(detail=f"height {committed.height} could not be written: {error}") from error

    def signed(self) -> dict[str, int]:
        """The last CometBFT height each validator (address) signed."""
        return dict(self._connection.execute("SELECT address, height FROM signed ORDER BY address"))

    def offences(self) -> list[Offence]:
        """All offences, oldest first."""
        rows = self._connection.execute(
            "SELECT address, kind, height, time_s, proven, detail FROM offences ORDER BY height, address, kind"
        )
        return [
            Offence(address, kind, height, time_s, bool(proven), detail)
            for address, kind, height, time_s, proven, detail in rows
        ]
