"""Moving the records of a workspace from the file in its folder into a schema of a PostgreSQL database.

Everything is copied in one transaction of the database while nobody can write into the file, both sides are read again
and compared row by row, and only then the settings file names the new place. Whatever stops before that leaves the file
in force; a schema that such an attempt left is known by a mark of its own and made anew.
"""

import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from hashlib import sha256
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from django.core.management import call_command
from django.db import DatabaseError, connection, connections, transaction

from ogniwo.core.kernel.refusals import Refusal
from ogniwo.records.jobs.models import Job
from ogniwo.services.workspace.changing import changing, keep_whole
from ogniwo.services.workspace.model import Workspace
from ogniwo.services.workspace.records_place import POSTGRESQL, address_in_use, database_of, quoted_schema, server_for
from ogniwo.services.workspace.settings_line import with_setting

Row = tuple[Any, ...]
Step = Callable[[str], None]

_ALIAS: Final = "records_to_come"
_MARK: Final = "ogniwo_unfinished_move"
_MADE_ANEW: Final = frozenset({"django_migrations", _MARK})
_ROWS_AT_ONCE: Final = 2_000


class RecordsMoveError(Refusal):
    """The records cannot be moved now, or not there; they stay where they are."""

    code = "workspace.records_move"


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """Where the records are now, the rows of each table, and the file they were in (kept, no longer read)."""

    address: str
    tables: tuple[tuple[str, int], ...]
    kept: Path


def move_records(workspace: Workspace, *, address: str, dry_run: bool = False, step: Step = lambda _: None) -> Moved:
    """Copy all records to the database, compare, and let the workspace use them; with `dry_run` all but the last.

    `address` is postgresql://USER@HOST/DATABASE, with #SCHEMA or a schema named by the folder; a password belongs into
    libpq's password file. `step` hears what is being done. Users and jobs are records too, so Django must be set up for
    people. Raises RecordsMoveError, BadSettingsError, BusyError.
    """
    file, kept = workspace.root / "ogniwo.sqlite3", workspace.root / "ogniwo.sqlite3.moved"
    if connection.vendor == "postgresql":
        raise RecordsMoveError(detail=f"the records of {workspace.root} are in a database already")
    if kept.exists():
        raise RecordsMoveError(detail=f"{kept} is there from another move; put it elsewhere first")
    target = server_for(workspace.root, address)
    with changing(workspace, "the move of the records"):
        if Job.objects.filter(state="running").exists():
            raise RecordsMoveError(detail="a job is running; let it end or cancel it, and stop `ogniwo jobs run`")
        with _target(target, workspace) as new_address, _unwritten(file) as source:
            step("copying")
            tables = _copied(source, commit=not dry_run)
            if not dry_run:
                _switch(workspace, new_address)
    if not dry_run:
        _set_aside(file, kept)
    return Moved(address=new_address, tables=tables, kept=kept)


@contextmanager
def _target(settings: dict[str, Any], workspace: Workspace) -> Iterator[str]:
    """The database with empty tables of today's form, served as `_ALIAS`; gives the address without a password."""
    connections.databases[_ALIAS] = {**connections.databases["default"], **settings}
    schema = quoted_schema(str(settings["OPTIONS"]["options"]).rpartition("=")[2])
    ours = False
    try:
        _make_room(schema, workspace)
        ours = True
        call_command("migrate", database=_ALIAS, verbosity=0, interactive=False)
        yield address_in_use(_ALIAS)
        ours = database_of(workspace.root, wanted="")["ENGINE"] != POSTGRESQL
    finally:
        if ours:
            with connections[_ALIAS].cursor() as cursor:
                cursor.execute(f"DROP SCHEMA {schema} CASCADE")
        connections[_ALIAS].close()
        del connections[_ALIAS]
        del connections.databases[_ALIAS]


def _make_room(schema: str, workspace: Workspace) -> None:
    """A new schema with the mark of this move; what an unfinished one of the same workspace left goes."""
    own = [workspace.network, str(workspace.root.resolve())]
    with connections[_ALIAS].cursor() as cursor:
        cursor.execute("SELECT to_regnamespace(%s), to_regclass(%s)", [schema, f"{schema}.{_MARK}"])
        there, mark = cursor.fetchone()
        if mark is not None:
            cursor.execute(f"SELECT network, folder FROM {schema}.{_MARK}")  # noqa: S608 -- names of our own
            if [list(row) for row in cursor.fetchall()] == [own]:
                cursor.execute(f"DROP SCHEMA {schema} CASCADE")
                there = None
        if there is not None:
            # It may hold anything, and would be dropped when something fails.
            raise RecordsMoveError(detail=f"the schema {schema} is in use; name a new one: postgresql://...#NAME")
        cursor.execute(f"CREATE SCHEMA {schema}")
        cursor.execute(f"CREATE TABLE {_MARK} (network text NOT NULL, folder text NOT NULL)")
        cursor.execute(f"INSERT INTO {_MARK} VALUES (%s, %s)", own)  # noqa: S608 -- a name of our own


@contextmanager
def _unwritten(file: Path) -> Iterator[sqlite3.Connection]:
    """The file, in a transaction that keeps everybody else from writing."""
    with closing(sqlite3.connect(f"{file.resolve().as_uri()}?mode=rw", uri=True, isolation_level=None)) as source:
        source.execute("PRAGMA busy_timeout = 20000")
        source.execute("BEGIN IMMEDIATE")
        yield source


def _copied(source: sqlite3.Connection, *, commit: bool) -> tuple[tuple[str, int], ...]:
    """All tables in one transaction, read again on both sides and compared; kept only with `commit`."""
    columns = _columns()
    there = {name for (name,) in source.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    there -= {name for name in there if name.startswith("sqlite_")}
    if there - _MADE_ANEW != set(columns):
        raise RecordsMoveError(detail=f"tables on one side only: {sorted((there - _MADE_ANEW) ^ set(columns))}")
    counts = []
    with transaction.atomic(using=_ALIAS):
        with connections[_ALIAS].cursor() as cursor:
            # What migrations write into new tables (kinds of things, rights) comes with the rows of the file instead.
            cursor.execute("TRUNCATE " + ", ".join(f'"{name}"' for name in columns))
        for table, kinds in columns.items():
            counts.append((table, _copy_table(source, table, kinds)))
            if _digest(_rows_of_file(source, table, kinds), kinds) != _digest(_rows_of_server(table, kinds), kinds):
                raise RecordsMoveError(detail=f"the table {table} differs after it was copied")
        _continue_numbers(columns)
        if commit:
            with connections[_ALIAS].cursor() as cursor:
                cursor.execute(f"DROP TABLE {_MARK}")  # whole from here on: nobody may take it for a half and drop it
        else:
            transaction.set_rollback(True, using=_ALIAS)
    return tuple(counts)


def _columns() -> dict[str, dict[str, str]]:
    """The columns of every table of the schema with their types in PostgreSQL."""
    found: dict[str, dict[str, str]] = {}
    with connections[_ALIAS].cursor() as cursor:
        cursor.execute(
            "SELECT table_name, column_name, udt_name FROM information_schema.columns JOIN information_schema.tables "
            "USING (table_schema, table_name) WHERE table_schema = current_schema() AND table_type = 'BASE TABLE' "
            "ORDER BY table_name, ordinal_position"
        )
        for table, column, kind in cursor.fetchall():
            if table not in _MADE_ANEW:
                found.setdefault(table, {})[column] = kind
    return found


def _rows_of_file(source: sqlite3.Connection, table: str, kinds: dict[str, str]) -> Iterator[Row]:
    names = ", ".join(f'"{name}"' for name in kinds)
    try:
        for row in source.execute(f'SELECT {names} FROM "{table}"'):  # noqa: S608 -- names of our own tables
            yield tuple(_read(value, kind) for kind, value in zip(kinds.values(), row, strict=True))
    except (ValueError, TypeError, ArithmeticError, sqlite3.Error) as error:
        raise RecordsMoveError(detail=f"the table {table} holds what cannot be read: {error}") from error


def _rows_of_server(table: str, kinds: dict[str, str]) -> Iterator[Row]:
    names = ", ".join(f'"{name}"' for name in kinds)
    with connections[_ALIAS].chunked_cursor() as cursor:
        cursor.execute(f'SELECT {names} FROM "{table}"')  # noqa: S608 -- names of our own tables
        while rows := cursor.fetchmany(_ROWS_AT_ONCE):
            yield from rows


def _copy_table(source: sqlite3.Connection, table: str, kinds: dict[str, str]) -> int:
    names = ", ".join(f'"{name}"' for name in kinds)
    count = 0
    try:
        with connections[_ALIAS].cursor() as cursor, cursor.copy(f'COPY "{table}" ({names}) FROM STDIN') as copy:
            for row in _rows_of_file(source, table, kinds):
                copy.write_row(row)
                count += 1
    except DatabaseError as error:
        raise RecordsMoveError(detail=f"PostgreSQL refuses the rows of {table}: {error}") from error
    return count


def _digest(rows: Iterator[Row], kinds: dict[str, str]) -> bytes:
    """A hash of all rows in whatever order they come."""
    plain = [_PLAIN.get(kind, str) for kind in kinds.values()]
    each = sorted(
        sha256(
            repr([None if value is None else same(value) for same, value in zip(plain, row, strict=True)]).encode()
        ).digest()
        for row in rows
    )
    return sha256(b"".join(each)).digest()


def _continue_numbers(columns: dict[str, dict[str, str]]) -> None:
    """Let new rows be numbered behind those that came."""
    with connections[_ALIAS].cursor() as cursor:
        for table in columns:
            cursor.execute(
                "SELECT column_name FROM information_schema.columns "
                "WHERE table_schema = current_schema() AND table_name = %s AND is_identity = 'YES'",
                [table],
            )
            for (column,) in cursor.fetchall():
                cursor.execute(
                    f'SELECT setval(pg_get_serial_sequence(%s, %s), greatest(max("{column}"), 1), '  # noqa: S608
                    f'max("{column}") IS NOT NULL) FROM "{table}"',
                    [f'"{table}"', column],
                )


def _switch(workspace: Workspace, address: str) -> None:
    """From here on the workspace is opened over the database."""
    settings = workspace.settings_file
    changed = with_setting(settings.read_text(encoding="utf-8"), "database", address)
    if changed is None:
        raise RecordsMoveError(detail=f"write `database` in {settings} as one line at the top, or not at all")
    keep_whole(settings, changed.encode())


def _set_aside(file: Path, kept: Path) -> None:
    """Rename the file, with all that its log of changes holds taken in."""
    connection.close()
    with closing(sqlite3.connect(file, isolation_level=None)) as whole:
        whole.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    file.rename(kept)
    for end in ("-wal", "-shm"):
        file.with_name(file.name + end).unlink(missing_ok=True)


def _read(value: Any, kind: str) -> Any:  # noqa: ANN401 -- whatever a column holds
    """A value of the file as what goes into a column of that type; other types take it as it is."""
    return value if value is None or kind not in _READ else _READ[kind](value)


def _instant(text: str) -> datetime:
    """SQLite keeps UTC without saying so."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


_READ: Final[dict[str, Callable[[Any], object]]] = {
    "bool": bool,
    "bytea": bytes,
    "date": date.fromisoformat,
    "interval": lambda micros: timedelta(microseconds=micros),
    "numeric": lambda number: Decimal(str(number)),
    "timestamptz": _instant,
    "uuid": lambda text: UUID(hex=text),
}

_PLAIN: Final[dict[str, Callable[[Any], object]]] = {
    "bool": bool,
    "bytea": lambda value: bytes(value).hex(),
    "jsonb": lambda value: json.dumps(json.loads(value) if isinstance(value, str) else value, sort_keys=True),
    "numeric": lambda value: str(Decimal(value).normalize()),
    "timestamptz": lambda value: value.astimezone(UTC).isoformat(),
}
"""A value as text that is the same for both sides."""
