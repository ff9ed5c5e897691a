"""What people ask the ledger, as SQL tables: balances, histories, where a transaction stands, which days are minted.

The tables live in a file of their own and follow from the blocks alone: they may lag, they can be deleted, and
`rebuild` makes them again. `catch_up` continues where it stopped, and starts over when the chain below is not the one
it followed. A file that is damaged, or no database at all, is made again as well: it holds nothing of its own.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from ogniwo.chain.closing import Closing
from ogniwo.chain.concerned import concerned
from ogniwo.chain.store import LedgerAddress
from ogniwo.chain.stores import open_store
from ogniwo.core.ledger.admission import SignedTransaction, open_transaction
from ogniwo.core.ledger.blocks import Block, BlockHeader, Recorded, header_hash, read_body, read_header
from ogniwo.core.ledger.outcomes import ACCEPTED
from ogniwo.core.ledger.transactions import Approve, DefineAsset, MintMetering, Payload, Post, Propose, parts_of

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
CREATE TABLE IF NOT EXISTS movements (
    log_index INTEGER NOT NULL, account TEXT NOT NULL, asset TEXT NOT NULL, amount INTEGER NOT NULL,
    PRIMARY KEY (account, asset, log_index)
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS movements_log_index ON movements (log_index);
CREATE TABLE IF NOT EXISTS balances (
    account TEXT NOT NULL, asset TEXT NOT NULL, amount INTEGER NOT NULL, PRIMARY KEY (account, asset)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS assets (name TEXT PRIMARY KEY, issuer TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS proposed_assets (
    proposal TEXT PRIMARY KEY, name TEXT NOT NULL, issuer TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS named (
    name TEXT NOT NULL, account TEXT NOT NULL, PRIMARY KEY (name, account)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS days (
    point TEXT NOT NULL, day TEXT NOT NULL, channel TEXT NOT NULL, version INTEGER NOT NULL,
    total_wh INTEGER NOT NULL, log_index INTEGER NOT NULL, PRIMARY KEY (point, day, channel, version)
) STRICT, WITHOUT ROWID;
"""
_TABLES = (
    "progress",
    "transactions",
    "involved",
    "movements",
    "balances",
    "assets",
    "proposed_assets",
    "named",
    "days",
)
_VERSION = 2
"""Of the tables; a file of another version is filled again from the blocks."""


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
    """The tables over the blocks of one ledger; `ledger` is its address, `path` the file of the tables."""

    def __init__(self, *, ledger: LedgerAddress, path: Path) -> None:
        self._ledger = ledger
        self._path = path
        try:
            self._connection = self._opened()
        except sqlite3.Error as error:
            if not _damaged(error):
                raise
            self._connection = self._anew()

    def _opened(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False)
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.executescript(_SCHEMA)
            if connection.execute("PRAGMA user_version").fetchone()[0] != _VERSION:
                for table in _TABLES:
                    connection.execute(f"DELETE FROM {table}")  # noqa: S608 -- the names stand above
                connection.execute(f"PRAGMA user_version = {_VERSION}")
        except BaseException:
            connection.close()
            raise
        return connection

    def _anew(self) -> sqlite3.Connection:
        for suffix in ("", "-wal", "-shm"):
            self._path.with_name(self._path.name + suffix).unlink(missing_ok=True)
        return self._opened()

    def _start_over(self) -> None:
        self._connection.close()
        self._connection = self._anew()
        self._catch_up()

    def catch_up(self) -> int:
        """Follow the chain to its end and give the height reached (-1 for an empty ledger)."""
        try:
            return self._catch_up()
        except sqlite3.Error as error:
            if not _damaged(error):
                raise
            self._start_over()
            return self._progress()[0]

    def _catch_up(self) -> int:
        with open_store(self._ledger, write=False) as store:
            height, digest = self._progress()
            if height >= 0:
                block = store.block(height)
                if block is None or header_hash(block.header) != digest:
                    self._clear()
                    height = -1
            for block in store.blocks(from_height=height + 1):
                with self._transaction():
                    self._follow(block)
                height = block.height
        return height

    def damage(self) -> list[str]:
        """What is wrong with the tables, as far as the file itself tells; looks at all of it. Cure: `rebuild`."""
        try:
            rows = self._connection.execute("PRAGMA integrity_check(10)").fetchall()
        except sqlite3.Error as error:
            if not _damaged(error):
                raise
            return [str(error)]
        return [text for (text,) in rows if text != "ok"]

    def rebuild(self) -> int:
        """Throw the tables away and make them again from the blocks; gives the height reached."""
        self._start_over()
        return self._progress()[0]

    def _rows(self, query: str, values: tuple[object, ...]) -> list[tuple[Any, ...]]:
        """The answer of the tables; damaged ones are made again first."""
        try:
            return self._connection.execute(query, values).fetchall()
        except sqlite3.Error as error:
            if not _damaged(error):
                raise
            self._start_over()
            return self._connection.execute(query, values).fetchall()

    def find(self, name: str) -> Located | None:
        """Where a transaction stands, or None when it is not on the ledger."""
        rows = self._rows(_LOCATED + " WHERE name = ?", (name,))
        return Located(*rows[0]) if rows else None

    def history(self, account: str, *, limit: int = 100, before: int | None = None) -> list[Located]:
        """What concerned an account, both sides, newest first; page with `before` = the last log_index seen."""
        rows = self._rows(
            _LOCATED
            + " JOIN involved USING (log_index) WHERE involved.account = ? AND log_index < ?"
            + " ORDER BY log_index DESC LIMIT ?",
            (account, 2**62 if before is None else before, limit),
        )
        return [Located(*row) for row in rows]

    def movements(self, account: str, asset: str, *, limit: int = 100, before: int | None = None) -> list[Movement]:
        """How an account's balance of an asset changed, newest first."""
        rows = self._rows(
            "SELECT log_index, account, asset, amount FROM movements WHERE account = ? AND asset = ? AND log_index < ?"
            " ORDER BY log_index DESC LIMIT ?",
            (account, asset, 2**62 if before is None else before, limit),
        )
        return [Movement(*row) for row in rows]

    def balances(self, *, subtree: str = "") -> dict[tuple[str, str], int]:
        """Balances by (account, asset), of one subtree or all."""
        rows = self._rows(
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
            self._transact(open_transaction(record.envelope), record, header, position, first + position)
        self._connection.execute("DELETE FROM progress")
        self._connection.execute("INSERT INTO progress VALUES (?, ?)", (block.height, header_hash(block.header)))

    def _transact(
        self, signed: SignedTransaction, record: Recorded, header: BlockHeader, position: int, log_index: int
    ) -> None:
        payload, outcome = signed.payload, record.outcome
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
                record.outcome,
            ),
        )
        movements: dict[tuple[str, str], int] = {}
        if record.outcome == ACCEPTED:
            if isinstance(payload, Post):
                movements = {(line.account, line.asset): line.amount for line in payload.postings}
            elif isinstance(payload, MintMetering):
                movements = self._mint(payload, log_index)
            else:
                self._assets(signed.transaction, payload)
                movements = {(move.account, move.asset): move.amount for move in record.moves}
        self._connection.executemany(
            "INSERT INTO movements VALUES (?, ?, ?, ?)",
            [(log_index, account, asset, amount) for (account, asset), amount in movements.items()],
        )
        self._connection.executemany(
            "INSERT INTO balances VALUES (?, ?, ?)"
            " ON CONFLICT (account, asset) DO UPDATE SET amount = amount + excluded.amount",
            [(account, asset, amount) for (account, asset), amount in movements.items()],
        )
        involved = self._involved(signed, accepted=outcome == ACCEPTED) | {account for account, _ in movements}
        self._connection.executemany(
            "INSERT INTO involved VALUES (?, ?)", [(account, log_index) for account in sorted(involved)]
        )

    def _involved(self, signed: SignedTransaction, *, accepted: bool) -> set[str]:
        """The accounts that a transaction concerns, and keep whom the names it gives stand for."""
        about = concerned(signed.payload, signed.transaction)
        found = {signed.payload.account, *about.accounts}
        for name in about.uses:
            rows = self._connection.execute("SELECT account FROM named WHERE name = ?", (name,))
            found.update(account for (account,) in rows)
        if accepted:
            self._connection.executemany(
                "INSERT OR IGNORE INTO named VALUES (?, ?)",
                [(name, account) for name, accounts in about.gives for account in sorted(accounts or found)],
            )
        return found

    def _assets(self, name: str, payload: Payload) -> None:
        """Keep the issuer of an asset: of one defined, and of one proposed.

        Whether a proposal was carried out the tables cannot tell. They need not: once an asset is defined, the rules
        refuse every further voice for another one of that name, so the last one written here is the one that counts.
        """
        for part in parts_of(payload.operation if isinstance(payload, Propose) else payload):
            if isinstance(part, DefineAsset):
                row = (part.asset, part.issuer)
                self._connection.execute("INSERT OR REPLACE INTO assets VALUES (?, ?)", row)
                if isinstance(payload, Propose):
                    self._connection.execute("INSERT OR REPLACE INTO proposed_assets VALUES (?, ?, ?)", (name, *row))
        if isinstance(payload, Approve):
            self._connection.execute(
                "INSERT OR REPLACE INTO assets SELECT name, issuer FROM proposed_assets WHERE proposal = ?",
                (payload.proposal,),
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


_NOT_DAMAGE = frozenset(
    {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_INTERRUPT,
        sqlite3.SQLITE_PERM,
        sqlite3.SQLITE_AUTH,
        sqlite3.SQLITE_MISUSE,
    }
)


def _damaged(error: sqlite3.Error) -> bool:
    """Whether making the file again can help: not when the disk is full or another process holds it."""
    return getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT) & 0xFF not in _NOT_DAMAGE and not isinstance(
        error, sqlite3.ProgrammingError | sqlite3.InterfaceError
    )
