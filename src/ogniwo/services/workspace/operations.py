"""Create and open workspaces."""

import json
import tomllib
from pathlib import Path

from django.core.management import call_command

from ogniwo.services.workspace.model import (
    BadSettingsError,
    Now,
    NoWorkspaceError,
    Workspace,
    WorkspaceExistsError,
    kept_ledger,
    ledger_setting,
    system_now,
)
from ogniwo.services.workspace.records_place import address_in_use, make_room


def create_workspace(
    *,
    root: Path,
    name: str,
    network: str,
    now: Now = system_now,
    sample_rates: bool = False,
    ledger: str = "",
    dry_run: bool = False,
) -> Workspace:
    """Make the folders and the database of a new workspace; refuses a folder that already is one.

    The settings file is written last, so an interrupted creation is no workspace and can be repeated. With `dry_run`
    everything is checked and nothing written. `ledger` is the address of a PostgreSQL database for the ledger's blocks;
    the records are made where Django was set to look for them (`records_place`), and the settings file keeps where.
    """
    workspace = Workspace(root=root, name=name, network=network, now=now, sample_rates=sample_rates, ledger=ledger)
    if workspace.settings_file.exists():
        raise WorkspaceExistsError(detail=f"{root} already is a workspace")
    settings = _settings_text(workspace, database=address_in_use())
    if dry_run:
        return workspace
    for folder in (root, workspace.received, workspace.documents, workspace.rates, workspace.keys):
        folder.mkdir(parents=True, exist_ok=True)
    workspace.keys.chmod(0o700)
    make_room()
    call_command("migrate", verbosity=0, interactive=False)
    unfinished = workspace.settings_file.with_suffix(".part")
    unfinished.write_text(settings, encoding="utf-8")
    unfinished.replace(workspace.settings_file)
    return workspace


def _settings_text(workspace: Workspace, *, database: str) -> str:
    """The settings as TOML; a JSON string of printable characters is a TOML string too."""
    for setting, text in (("name", workspace.name), ("network", workspace.network)):
        if not text or not text.isprintable():
            raise BadSettingsError(detail=f"the {setting} {text!r} is empty or holds characters that cannot be printed")
    lines = [
        f"name = {json.dumps(workspace.name, ensure_ascii=False)}",
        f"network = {json.dumps(workspace.network, ensure_ascii=False)}",
    ]
    if workspace.ledger:
        lines.append(f"ledger = {json.dumps(ledger_setting(workspace.ledger), ensure_ascii=False)}")
    if database:
        lines.append(f"database = {json.dumps(database, ensure_ascii=False)}")
    if workspace.sample_rates:
        lines.append("sample_rates = true")
    return "\n".join(lines) + "\n"


def open_workspace(*, root: Path, now: Now = system_now) -> Workspace:
    """Open a workspace; refuses a folder that is none, and one whose settings cannot be read."""
    settings_file = root / "ogniwo.toml"
    if not settings_file.is_file():
        raise NoWorkspaceError(
            detail=f"{root.resolve()} is not a workspace; make one with `ogniwo workspace create` or `ogniwo demo`"
        )
    try:
        settings = tomllib.loads(settings_file.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadSettingsError(detail=f"{settings_file}: {error}") from error
    name, network, sample_rates = (settings.get(key) for key in ("name", "network", "sample_rates"))
    if not isinstance(name, str) or not isinstance(network, str) or not isinstance(sample_rates, bool | None):
        raise BadSettingsError(
            detail=f"{settings_file} needs `name` and `network` as texts; `sample_rates` is true or false"
        )
    ledger = kept_ledger(settings_file)
    call_command("migrate", verbosity=0, interactive=False)
    return Workspace(
        root=root,
        name=name,
        network=network,
        now=now,
        sample_rates=bool(sample_rates),
        ledger=ledger,
    )
