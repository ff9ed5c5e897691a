"""A workspace: one folder with the database, the interval store, the ledger, keys, received files and documents."""

import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cached_property
from pathlib import Path
from urllib.parse import quote, urlsplit

from ogniwo.core.kernel.calendar import local_day
from ogniwo.core.kernel.refusals import Refusal
from ogniwo.series.store import IntervalStore

Now = Callable[[], datetime]
"""Where a service learns what time it is; tests and the sample month pass a fixed one."""


def system_now() -> datetime:
    """The time of the machine, aware UTC."""
    return datetime.now(tz=UTC)


class NoWorkspaceError(Refusal):
    """The folder given is not a workspace."""

    code = "workspace.not_found"


class BadSettingsError(Refusal):
    """The settings file of a workspace cannot be read, or a setting cannot be kept in it."""

    code = "workspace.bad_settings"


class WorkspaceExistsError(Refusal):
    """A workspace (or something else) is already there."""

    code = "workspace.exists"


def ledger_setting(address: str) -> str:
    """The address of a ledger's database as settings may keep it; raises BadSettingsError, also for a password."""
    if not address.startswith("postgresql://") or not address.isprintable():
        raise BadSettingsError(detail="the setting `ledger` is an address of the form postgresql://USER@HOST/DATABASE")
    if urlsplit(address).password or "password=" in address:
        raise BadSettingsError(
            detail="the setting `ledger` holds a password; put it into ~/.pgpass (or the file PGPASSFILE names)"
        )
    return address


def kept_ledger(settings_file: Path) -> str:
    """The address that a settings file keeps for the ledger, "" for the file; raises BadSettingsError."""
    try:
        kept = tomllib.loads(settings_file.read_text(encoding="utf-8")).get("ledger")
    except FileNotFoundError:
        return ""
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadSettingsError(detail=f"{settings_file}: {error}") from error
    if not isinstance(kept, str | None):
        raise BadSettingsError(detail=f"{settings_file}: `ledger` is the address of a PostgreSQL database, a text")
    return ledger_setting(kept) if kept else ""


@dataclass(frozen=True)
class Workspace:
    """Where everything of one installation lies. `network` is the id every ledger transaction carries.

    `sample_rates` lets the packaged sample values stand in for rates that are not known: for demonstrations only.
    `ledger` is the address of a PostgreSQL database for the ledger's blocks; "" keeps them in a file of the workspace.
    """

    root: Path
    name: str
    network: str
    now: Now = system_now
    sample_rates: bool = False
    ledger: str = ""

    def today(self) -> date:
        """The local calendar day of now."""
        return local_day(int(self.now().timestamp()))

    @property
    def settings_file(self) -> Path:
        """Its name and network, written once."""
        return self.root / "ogniwo.toml"

    @property
    def received(self) -> Path:
        """Every received file under its SHA-256, byte for byte."""
        return self.root / "received"

    @property
    def documents(self) -> Path:
        """Issued documents, by month."""
        return self.root / "documents"

    @property
    def rates(self) -> Path:
        """Rate files of one's own, `*.toml`, that add to the packaged rates."""
        return self.root / "rates"

    @property
    def rate_files(self) -> tuple[Path, ...]:
        """The rate files there are, by name."""
        return tuple(sorted(self.rates.glob("*.toml")))

    @property
    def keys(self) -> Path:
        """Private keys of the operator and the gateways, readable by the owner only."""
        return self.root / "keys"

    @property
    def ledger_file(self) -> Path:
        """The block store of the embedded ledger, unless the workspace names a database."""
        return self.root / "ledger.sqlite3"

    @property
    def ledger_address(self) -> Path | str:
        """Where the blocks are: the file, or the database with the network's name, which tells ledgers in it apart.

        Read anew for a workspace that was opened over the file: the ledger may have moved since.
        """
        ledger = self.ledger or kept_ledger(self.settings_file)
        if not ledger:
            return self.ledger_file
        return ledger if "#" in ledger else f"{ledger}#{quote(self.network)}"

    @property
    def ledger_snapshots(self) -> Path:
        """Snapshots of the ledger's state, from which it opens; they follow from the blocks and may be deleted."""
        return self.root / "ledger-snapshots"

    @cached_property
    def series(self) -> IntervalStore:
        """The interval store."""
        return IntervalStore(self.root / "series")
