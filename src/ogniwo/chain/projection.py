"""What people ask the ledger, as SQL tables: balances, histories, where a transaction stands, which days are minted.

The tables live in a file of their own and follow from the blocks alone: they may lag, they can be deleted, and
`rebuild` makes them again. `catch_up` continues where it stopped, and starts over when the chain below is not the one
it followed. A ledger that is running hands its durable blocks over with their transactions (`follow`), so that nothing
is decoded twice; rows go in by the hundred and in the order of their keys, since one statement per row, at random
places of the file, costs three times as much. For the same reason blocks that wait together go in together: each
transaction of SQL writes every page anew that it touches, and those of one block lie all over the file.
"""

import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from itertools import chain
from operator import itemgetter
from pathlib import Path
from typing import Any, NamedTuple

from ogniwo.chain.closing import Closing
from ogniwo.chain.concerned import concerned
from ogniwo.chain.journal import JournalTables, Located, past_the_end
from ogniwo.chain.store import LedgerAddress
from ogniwo.chain.stores import open_store
from ogniwo.core.ledger.admission import read_admitted
from ogniwo.core.ledger.blocks import Block, Recorded, header_hash, read_body, read_header
from ogniwo.core.ledger.outcomes import ACCEPTED
from ogniwo.core.ledger.transactions import (
    Approve,
    DefineAsset,
    MintDays,
    MintMetering,
    Payload,
    Post,
    Propose,
    parts_of,
)

_VERSION = 3
"""Of the tables; a file of another version is emptied and made again."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS blocks (
    height INTEGER PRIMARY KEY, hash TEXT NOT NULL, time_s INTEGER NOT NULL, first_index INTEGER NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS transactions (
    log_index INTEGER PRIMARY KEY, name BLOB NOT NULL, height INTEGER NOT NULL, operation TEXT NOT NULL,
    account TEXT NOT NULL, outcome TEXT NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS names (name BLOB PRIMARY KEY, log_index INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS concerned (
    account TEXT NOT NULL, log_index INTEGER NOT NULL, asset TEXT NOT NULL, amount INTEGER NOT NULL,
    PRIMARY KEY (account, log_index, asset)
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS concerned_log_index ON concerned (log_index);
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
_TABLES = ("blocks", "transactions", "names", "concerned", "balances", "assets", "proposed_assets", "named", "days")
_COLUMNS = {"blocks": 4, "transactions": 6, "names": 2, "concerned": 4, "balances": 3, "days": 6}
BLOCKS_TOGETHER = 8
"""Blocks in one transaction of SQL at most, so that what waits for it stays small."""

_AT_ONCE = 125
# The order of keys only makes the insertion cheaper; by the first column alone it sorts four times as fast.
_FIRST = itemgetter(0)
_ADDING = " ON CONFLICT (account, asset) DO UPDATE SET amount = amount + excluded.amount"


class Movement(NamedTuple):
    """One change of a balance."""

    log_index: int
    account: str
    asset: str
    amount: int


class Followed(NamedTuple):
    """A durable block with its body, decoded, and the payloads of it in order, each with its name (32 bytes)."""

    block: Block
    recorded: Sequence[Recorded]
    payloads: Iterable[tuple[Payload, bytes]]


class _Rows:
    """The rows of some blocks, gathered before they are written."""

    def __init__(self) -> None:
        self.transactions: list[tuple[int, bytes, int, str, str, str]] = []
        self.concerned: list[tuple[str, int, str, int]] = []
        self.balances: dict[tuple[str, str], int] = {}
        self.days: dict[tuple[str, str, str, int], tuple[int, int]] = {}
        self.blocks: list[tuple[int, str, int, int]] = []

    def move(self, log_index: int, account: str, asset: str, amount: int) -> None:
        """A change of a balance."""
        self.concerned.append((account, log_index, asset, amount))
        self.balances[account, asset] = self.balances.get((account, asset), 0) + amount


class Projection(JournalTables, Closing):
    """The tables over the blocks of one ledger; `ledger` is its address, `path` the file of the tables.

    Safe to use from several threads. A damaged file is made again.
    """

    def __init__(self, *, ledger: LedgerAddress, path: Path) -> None:
        self._ledger = ledger
        self._path = path
        self._guard = threading.RLock()
        self._issuers: dict[str, str] = {}
        self._reached = (-1, "")
        try:
            self._open()
        except sqlite3.Error as error:
            if not _damaged(error):
                raise
            self._anew()
            self._catch_up()

    def _open(self) -> None:
        self._connection = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False)
        try:
            # Rows go in all over the tables: the log takes one copy of a large page for several of small ones, and what
            # is rewritten block after block goes to the file but once in a while. The size counts for new files.
            self._connection.execute("PRAGMA page_size = 16384")
            self._connection.execute("PRAGMA journal_mode = WAL")
            self._connection.execute("PRAGMA wal_autocheckpoint = 2000")
            self._connection.execute("PRAGMA synchronous = NORMAL")
            with self._transaction():
                self._prepare()
            self._reached = self._progress()
        except BaseException:
            self._connection.close()
            raise

    def _anew(self) -> None:
        for suffix in ("", "-wal", "-shm"):
            self._path.with_name(self._path.name + suffix).unlink(missing_ok=True)
        self._open()

    def _start_over(self) -> None:
        self._connection.close()
        self._anew()
        self._catch_up()

    def _prepare(self) -> None:
        """Make the tables, in place of those of another version."""
        if self._connection.execute("PRAGMA user_version").fetchone()[0] != _VERSION:
            names = self._connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall()
            for (name,) in names:
                self._connection.execute(f'DROP TABLE "{name}"')
            self._connection.execute(f"PRAGMA user_version = {_VERSION}")
        for statement in _SCHEMA.split(";"):
            self._connection.execute(statement)
        self._issuers = dict(self._connection.execute("SELECT name, issuer FROM assets"))

    def follow(self, blocks: Sequence[Followed]) -> None:
        """Take in blocks that have become durable, one after the other; else `catch_up` will.

        Those that were taken in before are passed over, and so are all when they do not follow from what was.
        """
        with self._guard:
            height, digest = self._reached
            fresh = [each for each in blocks if each.block.height > height]
            if not fresh or fresh[0].block.height != height + 1:
                return
            if height < 0 or read_header(fresh[0].block.header).previous == digest:
                self._take(fresh)

    def catch_up(self) -> int:
        """Follow the chain to its end and give the height reached (-1 for an empty ledger)."""
        with self._guard:
            try:
                self._catch_up()
            except sqlite3.Error as error:
                if not _damaged(error):
                    raise
                self._start_over()
            return self._reached[0]

    def _catch_up(self) -> None:
        with open_store(self._ledger, write=False) as store:
            height, digest = self._reached = self._progress()
            if height >= 0:
                block = store.block(height)
                if block is None or header_hash(block.header) != digest:
                    self._clear()
            group: list[Followed] = []
            try:
                for block in store.blocks(from_height=self._reached[0] + 1):
                    recorded = read_body(block.body)
                    group.append(Followed(block, recorded, (read_admitted(record.envelope) for record in recorded)))
                    if len(group) == BLOCKS_TOGETHER:
                        full, group = group, []
                        self._take(full)
            finally:
                # Where the store is damaged, what stands before the damage still counts.
                if group:
                    self._take(group)

    def damage(self) -> list[str]:
        """What is wrong with the tables, as far as the file itself tells; looks at all of it. Cure: `rebuild`."""
        with self._guard:
            try:
                rows = self._connection.execute("PRAGMA integrity_check(10)").fetchall()
            except sqlite3.Error as error:
                if not _damaged(error):
                    raise
                return [str(error)]
        return [text for (text,) in rows if text != "ok"]

    def rebuild(self) -> int:
        """Throw the tables away and make them again from the blocks; gives the height reached."""
        with self._guard:
            self._start_over()
            return self._reached[0]

    def find(self, name: str) -> Located | None:
        """Where a transaction stands, or None when it is not on the ledger."""
        rows = self._located("JOIN names USING (log_index) WHERE names.name = ?", (bytes.fromhex(name),))
        return rows[0] if rows else None

    def history(self, account: str, *, limit: int = 100, before: int | None = None) -> list[Located]:
        """What concerned an account, both sides, newest first; page with `before` = the last log_index seen."""
        return self._located(
            "JOIN (SELECT DISTINCT log_index FROM concerned WHERE account = ? AND log_index < ?"
            " ORDER BY log_index DESC LIMIT ?) USING (log_index) ORDER BY log_index DESC",
            (account, past_the_end(before), limit),
        )

    def page(self, *, from_index: int, limit: int = 100) -> list[Located]:
        """Recorded transactions in the order of the log, from a log index on."""
        return self._located("WHERE log_index >= ? ORDER BY log_index LIMIT ?", (from_index, limit))

    def involved(self, log_index: int) -> frozenset[str]:
        """The accounts that a transaction concerns."""
        rows = self._rows("SELECT account FROM concerned WHERE log_index = ?", (log_index,))
        return frozenset(account for (account,) in rows)

    def changes(self, log_index: int) -> list[Movement]:
        """Every balance that a transaction changed."""
        return self._movements("log_index = ?", "account, asset LIMIT -1", (log_index,))

    def movements(self, account: str, asset: str, *, limit: int = 100, before: int | None = None) -> list[Movement]:
        """How an account's balance of an asset changed, newest first."""
        return self._movements(
            "account = ? AND asset = ? AND log_index < ?",
            "log_index DESC LIMIT ?",
            (account, asset, past_the_end(before), limit),
        )

    def balances(self, *, subtree: str = "") -> dict[tuple[str, str], int]:
        """Balances by (account, asset), of one subtree or all."""
        rows = self._rows(
            "SELECT account, asset, amount FROM balances WHERE ?1 = '' OR account = ?1 OR account GLOB ?1 || '/*'",
            (subtree,),
        )
        return {(account, asset): amount for account, asset, amount in rows}

    def _rows(self, query: str, values: tuple[object, ...]) -> list[tuple[Any, ...]]:
        """The answer of the tables; damaged ones are made again first."""
        with self._guard:
            try:
                return self._connection.execute(query, values).fetchall()
            except sqlite3.Error as error:
                if not _damaged(error):
                    raise
                self._start_over()
                return self._connection.execute(query, values).fetchall()

    def _movements(self, condition: str, order: str, values: tuple[object, ...]) -> list[Movement]:
        query = f"SELECT log_index, account, asset, amount FROM concerned WHERE {condition} AND asset != ''"  # noqa: S608 -- the conditions stand above
        return [Movement(*row) for row in self._rows(f"{query} ORDER BY {order}", values)]

    def _progress(self) -> tuple[int, str]:
        row = self._connection.execute("SELECT height, hash FROM blocks ORDER BY height DESC LIMIT 1").fetchone()
        return (-1, "") if row is None else (row[0], row[1])

    def _clear(self) -> None:
        with self._transaction():
            for table in _TABLES:
                self._connection.execute(f"DELETE FROM {table}")  # noqa: S608 -- the names stand above
        self._issuers.clear()
        self._reached = (-1, "")

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")

    def _take(self, blocks: Sequence[Followed]) -> None:
        """Write the rows of blocks that follow one another in one transaction."""
        try:
            with self._transaction():
                if self._progress() != self._reached:
                    # Another process keeps the same tables up and was faster.
                    self._issuers = dict(self._connection.execute("SELECT name, issuer FROM assets"))
                    self._reached = self._progress()
                    if self._reached[0] != blocks[0].block.height - 1:
                        return
                rows = _Rows()
                for each in blocks:
                    self._gather(rows, each)
                self._insert("transactions", rows.transactions)
                self._insert("names", sorted([(row[1], row[0]) for row in rows.transactions], key=_FIRST))
                self._insert("concerned", sorted(rows.concerned, key=_FIRST))
                balances = [(*place, amount) for place, amount in sorted(rows.balances.items())]
                self._insert("balances", balances, _ADDING)
                self._insert(
                    "days", [(*day, *said) for day, said in sorted(rows.days.items())], " ON CONFLICT DO NOTHING"
                )
                self._insert("blocks", rows.blocks)
        except BaseException:
            self._issuers = dict(self._connection.execute("SELECT name, issuer FROM assets"))
            raise
        self._reached = rows.blocks[-1][:2]

    def _insert(self, table: str, rows: Sequence[tuple[object, ...]], ending: str = "") -> None:
        row = f"({', '.join('?' * _COLUMNS[table])})"
        whole = len(rows) - len(rows) % _AT_ONCE
        insert = f"INSERT INTO {table} VALUES "  # noqa: S608 -- the names stand above
        many = f"{insert}{', '.join([row] * _AT_ONCE)}{ending}"
        for start in range(0, whole, _AT_ONCE):
            self._connection.execute(many, tuple(chain.from_iterable(rows[start : start + _AT_ONCE])))
        self._connection.executemany(f"{insert}{row}{ending}", rows[whole:])

    def _gather(self, rows: _Rows, followed: Followed) -> None:
        """Gather the rows of one block."""
        block, recorded, payloads = followed
        header = read_header(block.header)
        height, first = header.height, header.log_size - len(recorded)
        rows.blocks.append((height, header_hash(block.header), header.time, first))
        for index, (record, (payload, name)) in enumerate(zip(recorded, payloads, strict=True), start=first):
            outcome, account = record.outcome, payload.account
            rows.transactions.append((index, name, height, _operation(type(payload)), account, outcome))
            if type(payload) is Post and outcome == ACCEPTED and not record.moves:
                _transferred(rows, index, account, payload)
                continue
            there = self._apply(rows, index, payload, name, record) if outcome == ACCEPTED else set()
            about = self._about(payload, name, accepted=outcome == ACCEPTED)
            rows.concerned += [(who, index, "", 0) for who in {account, *about} - there]

    def _about(self, payload: Payload, name: bytes, *, accepted: bool) -> set[str]:
        """The accounts that a transaction concerns; keeps whom the names it gives stand for."""
        if isinstance(payload, Post):
            return {line.account for line in payload.postings}
        about = concerned(payload, name.hex())
        found = {payload.account, *about.accounts}
        for used in about.uses:
            found.update(
                who for (who,) in self._connection.execute("SELECT account FROM named WHERE name = ?", (used,))
            )
        if accepted:
            self._connection.executemany(
                "INSERT OR IGNORE INTO named VALUES (?, ?)",
                [(given, who) for given, accounts in about.gives for who in sorted(accounts or found)],
            )
        return found

    def _apply(self, rows: _Rows, index: int, payload: Payload, name: bytes, record: Recorded) -> set[str]:
        """What an accepted transaction moved, and what else the tables keep of it; gives the accounts with a row."""
        before = len(rows.concerned)
        if record.moves:
            for move in record.moves:
                rows.move(index, move.account, move.asset, move.amount)
        elif isinstance(payload, Post):
            for line in payload.postings:
                rows.move(index, line.account, line.asset, line.amount)
        if isinstance(payload, MintMetering):
            self._mint(rows, index, payload)
        elif isinstance(payload, MintDays):
            for one in payload.days:
                day = one.record
                # A day that was there before stays with the transaction that brought it.
                rows.days.setdefault((day.point, day.day, day.channel, day.version), (day.total_wh, index))
        elif not isinstance(payload, Post):
            self._assets(payload, name.hex())
        return {row[0] for row in rows.concerned[before:]}

    def _assets(self, payload: Payload, name: str) -> None:
        """Keep the issuer of an asset: of one defined, and of one proposed.

        Whether a proposal was carried out the tables cannot tell. They need not: once an asset is defined, the rules
        refuse every further voice for another one of that name, so the last one written here is the one that counts.
        """
        found: list[tuple[str, str]] = []
        for part in parts_of(payload.operation if isinstance(payload, Propose) else payload):
            if isinstance(part, DefineAsset):
                found.append((part.asset, part.issuer))
                if isinstance(payload, Propose):
                    row = (name, part.asset, part.issuer)
                    self._connection.execute("INSERT OR REPLACE INTO proposed_assets VALUES (?, ?, ?)", row)
        if isinstance(payload, Approve):
            kept = "SELECT name, issuer FROM proposed_assets WHERE proposal = ?"
            found += self._connection.execute(kept, (payload.proposal,)).fetchall()
        for asset, issuer in found:
            self._issuers[asset] = issuer
            self._connection.execute("INSERT OR REPLACE INTO assets VALUES (?, ?)", (asset, issuer))

    def _mint(self, rows: _Rows, index: int, payload: MintMetering) -> None:
        record = payload.record
        day = (record.point, record.day, record.channel)
        change = record.total_wh - self._earlier(rows, *day, record.version - 1)
        rows.days.setdefault((*day, record.version), (record.total_wh, index))
        if change:
            rows.move(index, record.point, payload.asset, change)
            rows.move(index, self._issuers[payload.asset], payload.asset, -change)

    def _earlier(self, rows: _Rows, point: str, day: str, channel: str, version: int) -> int:
        """The total of the version before, 0 when this is the first."""
        if not version:
            return 0
        here = rows.days.get((point, day, channel, version))
        if here:
            return here[0]
        found = self._connection.execute(
            "SELECT total_wh FROM days WHERE point = ? AND day = ? AND channel = ? AND version = ?",
            (point, day, channel, version),
        ).fetchone()
        total: int = found[0]
        return total

    def close(self) -> None:
        """Close the file."""
        with self._guard:
            self._connection.close()


def _transferred(rows: _Rows, index: int, account: str, payload: Post) -> None:
    """The rows of an accepted transfer, of which nearly all are: its lines, and the account that acts when in none."""
    concerned, balances = rows.concerned, rows.balances
    acts = True
    for line in payload.postings:
        who, asset, amount = line.account, line.asset, line.amount
        concerned.append((who, index, asset, amount))
        place = who, asset
        balances[place] = balances.get(place, 0) + amount
        if who == account:
            acts = False
    if acts:
        concerned.append((account, index, "", 0))


@cache
def _operation(kind: type[Payload]) -> str:
    return str(kind.__struct_config__.tag)


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
