"""Open a store by its address."""

from pathlib import Path
from urllib.parse import unquote

from ogniwo.chain.store import DEFAULT_NAME, BadAddressError, BlockStore, LedgerAddress, NoStoreError
from ogniwo.chain.store_sqlite import SqliteStore

_SERVERS = ("postgresql://", "postgres://")
DRIVER_MISSING = "PostgreSQL needs the part `postgresql` (pip install ogniwo[postgresql])"


def open_store(address: LedgerAddress, *, write: bool) -> BlockStore:
    """The store at an address; with `write` as its one writer. Raises the refusals of BlockStore."""
    if not is_server(address):
        return SqliteStore(Path(address), write=write)
    try:
        from ogniwo.chain.store_postgresql import PostgresqlStore  # noqa: PLC0415 -- the driver is an optional part
    except ImportError as error:
        raise BadAddressError(detail=f"{DRIVER_MISSING}: {error}") from error
    return PostgresqlStore(str(address), write=write)


def store_exists(address: LedgerAddress) -> bool:
    """Whether there is a ledger at an address, sound or not; raises StoreUnreachableError or BadAddressError."""
    if not is_server(address):
        return Path(address).exists()
    try:
        open_store(address, write=False).close()
    except NoStoreError:
        return False
    return True


def is_server(address: LedgerAddress) -> bool:
    """Whether an address names a database server; refuses what looks like one of a kind that is not known."""
    text = str(address)
    if isinstance(address, str) and text.startswith(_SERVERS):
        return True
    if isinstance(address, str) and "://" in text:
        raise BadAddressError(detail=f"a ledger is a file or {_SERVERS[0]}..., not {text.partition('://')[0]}://")
    return False


def short_name(address: LedgerAddress) -> str:
    """What findings call a ledger: the file's name, or the name of the ledger in its database."""
    if is_server(address):
        return unquote(str(address).partition("#")[2]) or DEFAULT_NAME
    return Path(address).name


def snapshot_folder(address: LedgerAddress) -> Path | None:
    """Where snapshots lie unless told otherwise: beside a file; a server has no place for them."""
    if is_server(address):
        return None
    path = Path(address)
    return path.with_name(path.name + ".snapshots")
