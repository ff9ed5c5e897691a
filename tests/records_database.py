"""Which database the tests keep records in, and workspaces copied with their records.

`OGNIWO_TEST_DATABASE=postgresql` runs the same tests on PostgreSQL: every workspace that Django is pointed at gets a
database of its own, commands that tests start make theirs in the database `postgres` (a schema each), and a copied
folder comes with a copied database. Programs that tests start may import this file too: all they need is in the
environment.
"""

import json
import os
import re
import shutil
import sqlite3
import subprocess
import uuid
from pathlib import Path
from typing import Any

import psycopg
from django.db import connections
from psycopg.types.string import TextLoader

from ogniwo.services.workspace.records_place import VARIABLE, database_of

POSTGRESQL = os.environ.get("OGNIWO_TEST_DATABASE", "sqlite") == "postgresql"
_SETTING = re.compile(r"^database = (.*)$", re.MULTILINE)
_SHARED = "postgres"
_made: dict[str, Path] = {}
"""Databases made by this process, each for the workspace in a folder."""


def _admin(*statements: str) -> None:
    with psycopg.connect(os.environ[VARIABLE], autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement)


def _new_database(folder: Path, template: str = "template0") -> str:
    name = f"w{uuid.uuid4().hex[:16]}"
    # Nobody may be in a database while it is copied; whoever still is left it without closing.
    _admin(
        f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{template}'",  # noqa: S608 -- a name of our own
        f"CREATE DATABASE {name} TEMPLATE {template}",
    )
    _made[name] = folder
    return name


def serve(folder: Path) -> None:
    """Point Django at the records of a workspace; what was written before is kept."""
    connections["default"].close()
    if not POSTGRESQL or (folder / "ogniwo.toml").is_file():
        connections.databases["default"].update(database_of(folder))
        return
    found = [name for name, place in _made.items() if place == folder]
    name = found[0] if found else _new_database(folder)
    connections.databases["default"].update(database_of(folder, wanted=_address(name)))


def _address(name: str) -> str:
    return os.environ[VARIABLE].replace(f"/{_SHARED}", f"/{name}", 1)


def _schema_copied(source: str, schema: str, target: str) -> None:
    """A command made this workspace among others: copy its schema alone."""
    dumped = subprocess.run(["pg_dump", "-n", schema, source], check=True, capture_output=True)
    command = ["psql", "-q", "-v", "ON_ERROR_STOP=1", target]
    subprocess.run(command, input=dumped.stdout, check=True, stdout=subprocess.DEVNULL)


def copy_workspace(source: Path, target: Path) -> Path:
    """Copy a workspace's folder and its records; Django must not be in the middle of writing them."""
    connections["default"].close()
    shutil.copytree(source, target)
    settings = target / "ogniwo.toml"
    kept = _SETTING.search(settings.read_text(encoding="utf-8")) if settings.is_file() else None
    if kept is None:
        return target
    location, _, schema = json.loads(kept[1]).partition("#")
    database = database_of(source)["NAME"]
    if database == _SHARED:
        name = _new_database(target)
        _schema_copied(location, schema, _address(name))
    else:
        name = _new_database(target, database)
    text = _SETTING.sub(f'database = "{_address(name)}#{schema}"', settings.read_text(encoding="utf-8"))
    settings.write_text(text, encoding="utf-8")
    return target


def forget_below(folder: Path) -> None:
    """Drop the databases of workspaces below a folder: a test's own copies end with it."""
    gone = [name for name, place in _made.items() if place.is_relative_to(folder)]
    if not gone:
        return
    connections["default"].close()
    if connections.databases["default"]["NAME"] in gone:  # whoever comes next and points nowhere finds an empty one
        connections.databases["default"].update(database_of(Path("nowhere"), wanted=os.environ[VARIABLE]))
    _admin(*(f"DROP DATABASE {name} WITH (FORCE)" for name in gone))
    for name in gone:
        del _made[name]


def kept_place() -> dict[str, Any]:
    """Where Django is pointed now, for `go_back`."""
    return dict(connections.databases["default"])


def go_back(place: dict[str, Any]) -> None:
    """Point Django where it was."""
    connections["default"].close()
    connections.databases["default"].update(place)


def rows_of(folder: Path, query: str, *values: object) -> list[tuple[Any, ...]]:
    """What a query gives, asked beside the product; `?` marks values."""
    settings = database_of(folder)
    if settings["ENGINE"].endswith("sqlite3"):
        with sqlite3.connect(settings["NAME"]) as connection:
            return connection.execute(query, values).fetchall()
    known = {"host": settings["HOST"], "dbname": settings["NAME"], "user": settings["USER"], **settings["OPTIONS"]}
    with psycopg.connect(**known) as server:
        server.adapters.register_loader("jsonb", TextLoader)  # as text, like SQLite's
        return server.execute(query.replace("?", "%s"), values).fetchall()


def without_triggers(table: str) -> None:
    """Let rows of a table of the records served now be changed, which the product's triggers forbid."""
    with connections["default"].cursor() as cursor:
        if POSTGRESQL:
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
            return
        cursor.execute("SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = %s", [table])
        for (name,) in cursor.fetchall():
            cursor.execute(f'DROP TRIGGER "{name}"')


def files_of_table(folder: Path, table: str) -> bytes:
    """All bytes on disk in which a row of a table may lie, before the database's own log of changes is recycled."""
    # Reading SQLite's file beside an open connection would take that one's locks away.
    connections["default"].close()
    settings = database_of(folder)
    if settings["ENGINE"].endswith("sqlite3"):
        return b"".join(path.read_bytes() for path in sorted(folder.glob("ogniwo.sqlite3*")))
    toast = "(SELECT reltoastrelid FROM pg_class WHERE oid = ?::regclass)"
    [(main, beside)] = rows_of(
        folder, f"SELECT pg_relation_filepath(?::regclass), pg_relation_filepath({toast})", table, table
    )
    data = Path(settings["HOST"]) / "data"
    _admin("CHECKPOINT")
    return b"".join((data / name).read_bytes() for name in (main, beside))
