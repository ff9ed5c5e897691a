"""Where the records of a workspace are: a file in its folder, or a schema of its own in a PostgreSQL database.

`OGNIWO_DATABASE_URL` counts when a workspace is made. Its settings file then keeps the address, so that nobody opens
the folder over the wrong records later, and several workspaces can share one database without meeting.
"""

import os
import re
import tomllib
from hashlib import sha256
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, urlencode

from django.db import DEFAULT_DB_ALIAS, connection, connections

from ogniwo.services.workspace.model import BadSettingsError, WorkspaceExistsError

VARIABLE: Final = "OGNIWO_DATABASE_URL"
SQLITE: Final = "django.db.backends.sqlite3"
POSTGRESQL: Final = "django.db.backends.postgresql"
SQLITE_WAITS_S: Final = 20.0
"""How long one waits for another's write: the longest single transaction of ours (a month's statements) is shorter."""

_CONNECT: Final = {
    "connect_timeout": "10",
    "keepalives_idle": "20",
    "keepalives_interval": "5",
    "keepalives_count": "3",
}
_SCHEMA: Final = re.compile(r"[a-z_][a-z0-9_]{0,62}\Z")
_PLAIN_HOST: Final = re.compile(r"[A-Za-z0-9.-]+\Z")
_SECRET: Final = frozenset({"password", "sslpassword"})
_SQLITE_SETUP: Final = "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;"


class RecordsElsewhereError(BadSettingsError):
    """The records of this workspace are in its folder, while the environment names a database."""

    code = "workspace.records_elsewhere"


def database_of(folder: Path, *, wanted: str | None = None) -> dict[str, Any]:
    """Django's settings of the database with the records of a workspace, existing or still to be made.

    `wanted` is an address (default: that of the environment); for a workspace that exists its own settings file
    decides, and `wanted` adds the password. Raises BadSettingsError, RecordsElsewhereError.
    """
    wanted = os.environ.get(VARIABLE, "") if wanted is None else wanted
    exists, kept = _kept(folder)
    if not exists:
        return _server(wanted, schema=_own_schema(folder)) if wanted else _file(folder)
    if kept:
        found = _server(kept)
        if wanted:
            asked = _server(wanted, schema="any")
            if all(asked[part] == found[part] for part in ("NAME", "USER", "HOST", "PORT")):
                found["PASSWORD"] = asked["PASSWORD"]
        return found
    if wanted:
        raise RecordsElsewhereError(
            detail=f"the records of {folder} are in its own file, but {VARIABLE} names a database; it counts when a "
            "workspace is made: unset it for this one"
        )
    return _file(folder)


def address_in_use(alias: str = DEFAULT_DB_ALIAS) -> str:
    """The address of the records that Django serves now, without a password; "" for a file of the workspace."""
    settings = connections[alias].settings_dict
    if settings["ENGINE"] != POSTGRESQL:
        return ""
    options = dict(settings["OPTIONS"])
    schema = str(options.pop("options")).rpartition("=")[2]
    more = {key: value for key, value in options.items() if key not in _SECRET and _CONNECT.get(key) != value}
    host = str(settings["HOST"])
    if not _PLAIN_HOST.match(host):
        more, host = {"host": host, **more} if host else more, ""
    port = f":{settings['PORT']}" if settings["PORT"] else ""
    if port and not host:
        more, port = {**more, "port": settings["PORT"]}, ""
    user = f"{quote(str(settings['USER']), safe='')}@" if settings["USER"] else ""
    query = f"?{urlencode(more)}" if more else ""
    return f"postgresql://{user}{host}{port}/{quote(str(settings['NAME']), safe='')}{query}#{schema}"


def server_for(folder: Path, address: str) -> dict[str, Any]:
    """Django's settings for records that are to come into a database; raises BadSettingsError, also for a password."""
    found = _server(address, schema=_own_schema(folder))
    if found["PASSWORD"] or _SECRET & set(found["OPTIONS"]):
        raise BadSettingsError(
            detail="the address holds a password; put it into ~/.pgpass (or the file PGPASSFILE names)"
        )
    return found


def make_room() -> None:
    """Make the schema for the records of a new workspace; refuses one in which others are at work.

    Raises WorkspaceExistsError.
    """
    if connection.vendor != "postgresql":
        return
    schema = address_in_use().rpartition("#")[2]
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass(%s)", [f"{schema}.records_organisation"])
        if cursor.fetchone()[0] is not None:
            cursor.execute(f"SELECT EXISTS (SELECT FROM {quoted_schema(schema)}.records_organisation)")  # noqa: S608 -- quoted
            if cursor.fetchone()[0]:
                raise WorkspaceExistsError(
                    detail=f"the schema {schema} of the database {connection.settings_dict['NAME']} holds the records "
                    f"of a workspace; name another one as {VARIABLE}=postgresql://...#NAME, or drop it yourself: "
                    f"DROP SCHEMA {schema} CASCADE"
                )
        cursor.execute(f"CREATE SCHEMA IF NOT EXISTS {quoted_schema(schema)}")


def clear_room() -> None:
    """Remove all records of the workspace that Django serves, for ever, where they are not in its folder."""
    if connection.vendor != "postgresql":
        return
    schema = address_in_use().rpartition("#")[2]
    with connection.cursor() as cursor:
        cursor.execute(f"DROP SCHEMA IF EXISTS {quoted_schema(schema)} CASCADE")


def quoted_schema(schema: str) -> str:
    """The name in SQL; only names of letters, digits and underscores come here."""
    if not _SCHEMA.match(schema):
        raise BadSettingsError(detail=f"{schema!r} is no name of a schema: small letters, digits and underscores")
    return f'"{schema}"'


def _kept(folder: Path) -> tuple[bool, str]:
    """Whether a workspace is in the folder, and the address its settings file keeps."""
    settings_file = folder / "ogniwo.toml"
    try:
        settings = tomllib.loads(settings_file.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return False, ""
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadSettingsError(detail=f"{settings_file}: {error}") from error
    kept = settings.get("database", "")
    if not isinstance(kept, str):
        raise BadSettingsError(detail=f"{settings_file}: `database` is the address of a PostgreSQL database, a text")
    return True, kept


def _own_schema(folder: Path) -> str:
    """Named by the folder, so that an interrupted creation is taken up again."""
    return f"ogniwo_{sha256(str(folder.resolve()).encode()).hexdigest()[:12]}"


def _file(folder: Path) -> dict[str, Any]:
    return {
        "ENGINE": SQLITE,
        "NAME": folder / "ogniwo.sqlite3",
        "USER": "",
        "PASSWORD": "",
        "HOST": "",
        "PORT": "",
        # A transaction takes its place for writing when it begins: one that reads first and writes then could not wait.
        "OPTIONS": {"init_command": _SQLITE_SETUP, "transaction_mode": "IMMEDIATE", "timeout": SQLITE_WAITS_S},
    }


def _server(address: str, *, schema: str = "") -> dict[str, Any]:
    """Settings for an address of libpq's with the schema behind "#"; else `schema` is taken."""
    location, _, named = address.partition("#")
    if not location.startswith(("postgresql://", "postgres://")) or not location.isprintable():
        raise BadSettingsError(detail=f"{VARIABLE} is an address of the form postgresql://USER@HOST/DATABASE")
    try:
        from psycopg import ProgrammingError  # noqa: PLC0415 -- the driver is an optional part
        from psycopg.conninfo import conninfo_to_dict  # noqa: PLC0415 -- the same
    except ImportError as error:
        detail = f"PostgreSQL needs the part `postgresql` (pip install ogniwo[postgresql]): {error}"
        raise BadSettingsError(detail=detail) from error
    try:
        parts = {key: str(value) for key, value in conninfo_to_dict(location).items() if value is not None}
    except ProgrammingError as error:
        # libpq's own words could repeat a password
        raise BadSettingsError(detail=f"{VARIABLE} or `database` is no address that PostgreSQL understands") from error
    if not parts.get("dbname"):
        raise BadSettingsError(detail=f"{VARIABLE} names no database: postgresql://USER@HOST/DATABASE")
    chosen = named or schema
    quoted_schema(chosen)
    own = {part: parts.pop(key, "") for part, key in _DJANGO_PARTS}
    options = f"{parts.pop('options', '')} -c search_path={chosen}".strip()
    return {"ENGINE": POSTGRESQL, **own, "OPTIONS": {**_CONNECT, **parts, "options": options}}


_DJANGO_PARTS: Final = (
    ("NAME", "dbname"),
    ("USER", "user"),
    ("PASSWORD", "password"),
    ("HOST", "host"),
    ("PORT", "port"),
)
