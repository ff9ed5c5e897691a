"""What people ask the ledger, as SQL tables: balances, histories, where a transaction stands, which days are minted.

The tables live in a file of their own and follow from the blocks alone: they may lag, they can be deleted, and
`rebuild` makes them again. `catch_up` continues where it stopped, and starts over when the chain below is not the one
it followed.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from ogniwo.chain.closing import Closing
from ogniwo.chain.store import BlockStore
from ogniwo.core.ledger.admission import SignedTransaction, open_transaction
from ogniwo.core.ledger.blocks import Block, BlockHeader, header_hash, read_body, read_header
from ogniwo.core.ledger.outcomes import ACCEPTED
from ogniwo.core.ledger.transactions import (
    Anchor,
    BindRole,
    DefineAsset,
    MintMetering,
    Post,
    RegisterAccount,
    RegisterKey,
    UnbindRole,
)

_SCHEMA = """
CREATE TABLE IF NOT EXISTS progress (height INTEGER PRIMARY KEY, hash TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS transactions (
    log_index INTEGER PRIMARY KEY, name TEXT NOT NULL, height INTEGER NOT NULL, position INTEGER NOT NULL,
    time_s INTEGER NOT NULL, operation TEXT NOT NULL, account TEXT NOT NULL, outcome TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX IF NOT EXISTS transactions_name ON transactions (name);
CREATE TABLE IF NOT EXISTS involved (
    account TEXT NOT NULL, log_index INTEGER NOT NULL, PRIMARY KEY (account, log_index)
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS involved_log_index ON involved (log_index);
CREATE TABLE IF NOT EXISTS movements (
    log_index INTEGER NOT NULL, account TEXT NOT NULL, asset TEXT NOT NULL, amount INTEGER NOT NULL,
    PRIMARY KEY (account, asset, log_index)
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS movements_log_index ON movements (log_index);
CREATE TABLE IF NOT EXISTS balances (
    account TEXT NOT NULL, asset TEXT NOT NULL, amount INTEGER NOT NULL, PRIMARY KEY (account, asset)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS assets (name TEXT PRIMARY KEY, issuer TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS days (
    point TEXT NOT NULL, day TEXT NOT NULL, channel TEXT NOT NULL, version INTEGER NOT NULL,
    total_wh INTEGER NOT NULL, log_index INTEGER NOT NULL, PRIMARY KEY (point, day, channel, version)
) STRICT, WITHOUT ROWID;
"""
_TABLES = ("progress", "transactions", "involved", "movements", "balances", "assets", "days")


class Located(NamedTuple):
    """A transaction's place and fate; `name` is the SHA-256 of its payload in hex."""

    name: str
    height: int
    position: int
    log_index: int
    time_s: int
    operation: str
    account: str
    outcome: str


class Movement(NamedTuple):
    """One change of a balance."""

    log_index: int
    account: str
    asset: str
    amount: int


class Projection(Closing):
    """The tables over the blocks of one store; `ledger` is the block database, `path` the file of the tables."""

    def __init__(self, *, ledger: Path, path: Path) -> None:
        self._ledger = ledger
        self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = NORMAL")
        self._connection.executescript(_SCHEMA)

    def catch_up(self) -> int:
        """Follow the chain to its end and give the height reached (-1 for an empty ledger)."""
        with BlockStore(self._ledger, write=False) as store:
            height, digest = self._progress()
            if height >= 0:
                block = next(store.blocks(from_height=height, limit=1), None)
                if block is None or block.height != height or header_hash(block.header) != digest:
                    self._clear()
                    height = -1
            for block in store.blocks(from_height=height + 1):
                with self._transaction():
                    self._follow(block)
                height = block.height
        return height

    def rebuild(self) -> int:
        """Throw the tables away and make them again from the blocks; gives the height reached."""
        self._clear()
        return self.catch_up()

    def find(self, name: str) -> Located | None:
        """Where a transaction stands, or None when it is not on the ledger."""
        row = self._connection.execute(_LOCATED + " WHERE name = ?", (name,)).fetchone()
        return None if row is None else Located(*row)

    def history(self, account: str, *, limit: int = 100, before: int | None = None) -> list[Located]:
        """What concerned an account, both sides, newest first; page with `before` = the last log_index seen."""
        rows = self._connection.execute(
            _LOCATED
            + " JOIN involved USING (log_index) WHERE involved.account = ? AND log_index < ?"
            + " ORDER BY log_index DESC LIMIT ?",
            (account, 2**62 if before is None else before, limit),
        )
        return [Located(*row) for row in rows]

    def page(self, *, from_index: int, limit: int = 100) -> list[Located]:
        """Recorded transactions in the order of the log, from a log index on."""
        rows = self._connection.execute(
            _LOCATED + " WHERE log_index >= ? ORDER BY log_index LIMIT ?", (from_index, limit)
        )
        return [Located(*row) for row in rows]

    def involved(self, log_index: int) -> frozenset[str]:
        """The accounts that a transaction concerns."""
        rows = self._connection.execute("SELECT account FROM involved WHERE log_index = ?", (log_index,))
        return frozenset(account for (account,) in rows)

    def changes(self, log_index: int) -> list[Movement]:
        """Every balance that a transaction changed."""
        rows = self._connection.execute(
            "SELECT log_index, account, asset, amount FROM movements WHERE log_index = ? ORDER BY account, asset",
            (log_index,),
        )
        return [Movement(*row) for row in rows]

    def movements(self, account: str, asset: str, *, limit: int = 100, before: int | None = None) -> list[Movement]:
        """How an account's balance of an asset changed, newest first."""
        rows = self._connection.execute(
            "SELECT log_index, account, asset, amount FROM movements WHERE account = ? AND asset = ? AND log_index < ?"
            " ORDER BY log_index DESC LIMIT ?",
            (account, asset, 2**62 if before is None else before, limit),
        )
        return [Movement(*row) for row in rows]

    def balances(self, *, subtree: str = "") -> dict[tuple[str, str], int]:
        """Balances by (account, asset), of one subtree or all."""
        rows = self._connection.execute(
            "SELECT account, asset, amount FROM balances WHERE ?1 = '' OR account = ?1 OR account GLOB ?1 || '/*'",
            (subtree,),
        )
        return {(account, asset): amount for account, asset, amount in rows}

    def _progress(self) -> tuple[int, str]:
        row = self._connection.execute("SELECT height, hash FROM progress").fetchone()
        return (-1, "") if row is None else (row[0], row[1])

    def _clear(self) -> None:
        with self._transaction():
            for table in _TABLES:
                self._connection.execute(f"DELETE FROM {table}")  # noqa: S608 -- the names stand above

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")

    def _follow(self, block: Block) -> None:
        header = read_header(block.header)
        records = read_body(block.body)
        first = header.log_size - len(records)
        for position, record in enumerate(records):
            self._transact(open_transaction(record.envelope), record.outcome, header, position, first + position)
        self._connection.execute("DELETE FROM progress")
        self._connection.execute("INSERT INTO progress VALUES (?, ?)", (block.height, header_hash(block.header)))

    def _transact(
        self, signed: SignedTransaction, outcome: str, header: BlockHeader, position: int, log_index: int
    ) -> None:
        payload = signed.payload
        operation = type(payload).__struct_config__.tag
        self._connection.execute(
            "INSERT INTO transactions VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                log_index,
                signed.transaction,
                header.height,
                position,
                header.time,
                operation,
                payload.account,
                outcome,
            ),
        )
        movements: dict[tuple[str, str], int] = {}
        if outcome == ACCEPTED:
            if isinstance(payload, DefineAsset):
                self._connection.execute("INSERT INTO assets VALUES (?, ?)", (payload.asset, payload.issuer))
            elif isinstance(payload, Post):
                movements = {(line.account, line.asset): line.amount for line in payload.postings}
            elif isinstance(payload, MintMetering):
                movements = self._mint(payload, log_index)
        self._connection.executemany(
            "INSERT INTO movements VALUES (?, ?, ?, ?)",
            [(log_index, account, asset, amount) for (account, asset), amount in movements.items()],
        )
        self._connection.executemany(
            "INSERT INTO balances VALUES (?, ?, ?)"
            " ON CONFLICT (account, asset) DO UPDATE SET amount = amount + excluded.amount",
            [(account, asset, amount) for (account, asset), amount in movements.items()],
        )
        involved = {payload.account, *_concerned(signed), *(account for account, _ in movements)}
        self._connection.executemany(
            "INSERT INTO involved VALUES (?, ?)", [(account, log_index) for account in sorted(involved)]
        )

    def _mint(self, payload: MintMetering, log_index: int) -> dict[tuple[str, str], int]:
        record = payload.record
        day = (record.point, record.day, record.channel)
        earlier = self._connection.execute(
            "SELECT total_wh FROM days WHERE point = ? AND day = ? AND channel = ? ORDER BY version DESC LIMIT 1", day
        ).fetchone()
        self._connection.execute(
            "INSERT INTO days VALUES (?, ?, ?, ?, ?, ?)", (*day, record.version, record.total_wh, log_index)
        )
        issuer = self._connection.execute("SELECT issuer FROM assets WHERE name = ?", (payload.asset,)).fetchone()[0]
        change = record.total_wh - (earlier[0] if earlier else 0)
        return {(record.point, payload.asset): change, (issuer, payload.asset): -change} if change else {}

    def close(self) -> None:
        """Close the file."""
        self._connection.close()


_LOCATED = (
    "SELECT name, height, position, log_index, time_s, operation, transactions.account, outcome FROM transactions"
)


def _concerned(signed: SignedTransaction) -> tuple[str, ...]:
    """The accounts besides the acting one that a transaction is about."""
    match signed.payload:
        case RegisterAccount(path=path):
            return (path,)
        case RegisterKey(subject=subject) | BindRole(subject=subject) | UnbindRole(subject=subject):
            return (subject,)
        case Anchor(subject=subject):
            return (subject,)
        case MintMetering(record=record):
            return (record.point,)
        case Post(postings=postings):
            return tuple(line.account for line in postings)
        case _:
            return ()
