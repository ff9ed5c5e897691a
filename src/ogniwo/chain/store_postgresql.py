"""Blocks in PostgreSQL: a table per ledger, one row per block, committed before anybody is told.

The writer holds an advisory lock on the same connection that it writes with, and never connects again: who has
lost the connection has lost the lock, and stops. The height is the primary key, for the case that lock and server are
no longer the same, as after a failover.

Waiting for a synchronous replica is no promise by itself: when somebody cancels the wait, the server answers success
with a WARNING, while the row is on the primary alone. Every warning during a commit therefore counts as a failure. And
because such a row is found at the next opening, a writer that opens commits something of its own first: the replica
confirms in order, so whatever was there before is then confirmed as well.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from typing import Any, LiteralString
from urllib.parse import unquote

import psycopg
from psycopg import errors, sql
from psycopg.conninfo import conninfo_to_dict

from ogniwo.chain.store import (
    DEFAULT_NAME,
    BadAddressError,
    BlockStore,
    DamagedStoreError,
    FencedError,
    LockedError,
    NoStoreError,
    StoreUnreachableError,
    StoreWriteError,
)
from ogniwo.core.kernel.findings import Finding, Severity
from ogniwo.core.ledger.blocks import Block

_PAGE = 16
"""Blocks read at once: a block is about a megabyte at most, and more would only fill memory."""

_STRONG_COMMITS = ("on", "remote_apply")
_UNLIMITED = ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout")
"""A limit that strikes during a commit would leave open whether it happened."""

_UNLIMITED_SINCE = {"idle_session_timeout": 140_000, "transaction_timeout": 170_000}
_CONNECT = {"connect_timeout": "10", "keepalives_idle": "20", "keepalives_interval": "5", "keepalives_count": "3"}


class PostgresqlStore(BlockStore):
    """The block table in a PostgreSQL database; see BlockStore.

    `address` is a libpq address, `postgresql://USER@HOST/DATABASE?...#NAME`. Passwords belong into libpq's password
    file, not into the address. A pooler that shares connections (PgBouncer in transaction mode) cannot be used.
    """

    def __init__(self, address: str, *, write: bool) -> None:
        self.address = address
        location, _, fragment = address.partition("#")
        label = unquote(fragment) or DEFAULT_NAME
        digest = sha256(label.encode()).digest()
        self._table = sql.Identifier(f"ogniwo_ledger_{digest.hex()[:16]}")
        self._opened = sql.Identifier(f"ogniwo_ledger_{digest.hex()[:16]}_opened")
        self._mark = sql.Identifier(f"ogniwo_ledger_{digest.hex()[:16]}_unfinished_move")
        self._lock = int.from_bytes(digest[:8], "big", signed=True)
        self._label = label
        self._warned: list[str] = []
        self._connection = _connected(location)
        info = self._connection.info
        self.name = f"postgresql://{info.host}/{info.dbname}#{label}"
        self._pid = info.backend_pid
        try:
            with self._reported():
                self._connection.add_notice_handler(self._noticed)
                if write:
                    self._prepare_writer()
                else:
                    self._connection.execute("SET default_transaction_read_only = on")
                    self._demand_table()
        except BaseException:
            self._connection.close()
            raise

    def _noticed(self, diagnostic: errors.Diagnostic) -> None:
        # By severity and not by text: the text is in the server's language, and nothing we do gives a warning rightly.
        if diagnostic.severity_nonlocalized == "WARNING":
            self._warned.append(diagnostic.message_primary or "a warning without text")

    def _prepare_writer(self) -> None:
        self._become_writer()
        with self._committing(f"{self.name} could not be opened for writing"):
            if not self._has(self._table):
                self._create()
            # Something of our own to commit: once the replicas confirm it, they have every block before it too.
            self._connection.execute(
                sql.SQL(
                    "INSERT INTO {} AS old VALUES (true, 1) ON CONFLICT (only_row) DO UPDATE SET times = old.times + 1"
                ).format(self._opened)
            )

    def _become_writer(self) -> None:
        """Take the lock, and let nothing weaken or cut short what is committed on this connection."""
        execute = self._connection.execute
        if self._value("SELECT pg_is_in_recovery()"):
            raise StoreUnreachableError(detail=f"{self.name} is a replica; the writer needs the primary")
        if not self._value("SELECT pg_try_advisory_lock(%s)", self._lock):
            raise LockedError(detail=f"another process writes {self.name}")
        version = self._connection.info.server_version
        for setting in (*_UNLIMITED, *(name for name, since in _UNLIMITED_SINCE.items() if version >= since)):
            execute(sql.SQL("SET {} = 0").format(sql.Identifier(setting)))
        if self._value("SHOW synchronous_commit") not in _STRONG_COMMITS:
            execute("SET synchronous_commit = on")

    def _create(self) -> None:
        with self._connection.transaction():
            execute = self._connection.execute
            execute(
                sql.SQL(
                    "CREATE TABLE {} "
                    "(height bigint PRIMARY KEY CHECK (height >= 0), header bytea NOT NULL, body bytea NOT NULL)"
                ).format(self._table)
            )
            # Signatures do not shrink, and trying costs more than writing them.
            execute(sql.SQL("ALTER TABLE {} ALTER COLUMN body SET STORAGE EXTERNAL").format(self._table))
            execute(sql.SQL("COMMENT ON TABLE {} IS {}").format(self._table, sql.Literal(f"ledger {self._label}")))
            execute(
                sql.SQL("CREATE TABLE {} (only_row boolean PRIMARY KEY CHECK (only_row), times bigint)").format(
                    self._opened
                )
            )

    def _demand_table(self) -> None:
        if not self._has(self._table):
            raise NoStoreError(detail=f"{self.name} holds no ledger of this name")

    def _has(self, table: sql.Identifier) -> bool:
        return self._value("SELECT to_regclass(%s)", table.as_string()) is not None

    def _value(self, query: LiteralString, *values: object) -> object:
        row = self._connection.execute(query, values).fetchone()
        return None if row is None else row[0]

    def append(self, block: Block) -> None:
        """Make a block durable on the server and on the replicas it waits for."""
        with self._committing(f"block {block.height} could not be written"):
            written = self._connection.execute(
                # A pooler that hands us another connection to the server hands us one without the lock.
                sql.SQL(
                    "INSERT INTO {} (height, header, body) "
                    "SELECT %s::bigint, %s::bytea, %s::bytea WHERE pg_backend_pid() = %s RETURNING height"
                ).format(self._table),
                (block.height, block.header, block.body, self._pid),
                binary=True,
            ).fetchone()
            if written is None:
                raise FencedError(detail=f"block {block.height}: this connection is not the one that holds the lock")

    @contextmanager
    def _committing(self, what: str) -> Iterator[None]:
        """Everything inside is certain to be durable when this ends without a refusal."""
        self._warned.clear()
        try:
            yield
        except errors.UniqueViolation as error:
            raise FencedError(detail=f"{what}: it was written by somebody else") from error
        except psycopg.Error as error:
            raise StoreWriteError(detail=f"{what}: {_text(error)}") from error
        if self._warned:
            raise StoreWriteError(detail=f"{what} for certain; the server warned: {self._warned[0]}")

    def blocks(self, *, from_height: int = 0, limit: int = -1) -> Iterator[Block]:
        """The blocks from a height on, in order, fetched in pages."""
        query = sql.SQL("SELECT height, header, body FROM {} WHERE height >= %s ORDER BY height LIMIT %s").format(
            self._table
        )
        left = limit
        while left:
            page = _PAGE if left < 0 else min(_PAGE, left)
            with self._reported():
                rows = self._connection.execute(query, (from_height, page), binary=True).fetchall()
            for height, header, body in rows:
                yield Block(height, header, body)
            if len(rows) < page:
                return
            from_height = rows[-1][0] + 1
            left -= len(rows) if left > 0 else 0

    def last(self) -> Block | None:
        """The last block, or None when there is none."""
        query = sql.SQL("SELECT height, header, body FROM {} ORDER BY height DESC LIMIT 1").format(self._table)
        with self._reported():
            row = self._connection.execute(query).fetchone()
        return None if row is None else Block(row[0], bytes(row[1]), bytes(row[2]))

    def count(self) -> tuple[int, int]:
        """How many rows the table has, and the first height."""
        query = sql.SQL("SELECT count(*), coalesce(min(height), 0) FROM {}").format(self._table)
        with self._reported():
            found = self._connection.execute(query).fetchone()
        return (int(found[0]), int(found[1])) if found else (0, 0)

    def damage(self) -> list[str]:
        """Rows that the server cannot read, or that its index does not find."""
        counts = []
        with self._reported():
            for scan in ("indexscan", "seqscan"):
                with self._connection.transaction():
                    for other in {"indexscan", "indexonlyscan", "bitmapscan", "seqscan"} - {scan}:
                        self._connection.execute(
                            sql.SQL("SET LOCAL {} = off").format(sql.Identifier(f"enable_{other}"))
                        )
                    query = sql.SQL("SELECT count(*), sum(length(body)) FROM {} WHERE height >= 0").format(self._table)
                    counts.append(self._connection.execute(query).fetchone())
        return [] if counts[0] == counts[1] else [f"the index finds {counts[0]}, the table holds {counts[1]}"]

    def reader(self) -> "PostgresqlStore":
        """A second connection to the same table."""
        return PostgresqlStore(str(self.address), write=False)

    def warnings(self) -> list[Finding]:
        """Settings of the server under which an answer is not durable."""
        with self._reported():
            off = [name for name in ("fsync", "full_page_writes") if self._value(f"SHOW {name}") == "off"]
        return [
            Finding(
                code="ledger.store_not_durable",
                severity=Severity.WARNING,
                message=f"{self.name}: the server runs with {name} = off; a power failure can lose acknowledged blocks",
                source=self.name,
            )
            for name in off
        ]

    @contextmanager
    def _reported(self) -> Iterator[None]:
        try:
            yield
        except (errors.UndefinedTable, errors.UndefinedColumn, errors.DataCorrupted, errors.InternalError) as error:
            raise DamagedStoreError(detail=f"{self.name} cannot be read: {_text(error)}") from error
        except psycopg.Error as error:
            raise StoreUnreachableError(detail=f"{self.name} does not answer: {_text(error)}") from error

    def close(self) -> None:
        """End the connection; the lock goes with it."""
        self._connection.close()


def _connected(location: str) -> psycopg.Connection[tuple[Any, ...]]:
    try:
        given = conninfo_to_dict(location)
    except psycopg.ProgrammingError as error:
        # The text of the error repeats the address, and with it a password.
        raise BadAddressError(detail="the address of the ledger is not one that PostgreSQL understands") from error
    settings = {**_CONNECT, "application_name": "ogniwo ledger", **given}
    try:
        return psycopg.connect(autocommit=True, **settings)  # type: ignore[arg-type]  # libpq takes texts
    except psycopg.Error as error:
        where = f"{given.get('host', 'the local server')}/{given.get('dbname', '')}"
        raise StoreUnreachableError(detail=f"no connection to {where}: {_text(error)}") from error


def _text(error: psycopg.Error) -> str:
    return " ".join((error.diag.message_primary or str(error)).split()) or type(error).__name__
