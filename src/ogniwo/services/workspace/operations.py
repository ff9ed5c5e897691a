"""Create and open workspaces."""

import tomllib
from pathlib import Path

from django.core.management import call_command

from ogniwo.services.workspace.model import Now, NoWorkspaceError, Workspace, WorkspaceExistsError, system_now


def create_workspace(*, root: Path, name: str, network: str, now: Now = system_now) -> Workspace:
    """Make the folders and the database of a new workspace; refuses a folder that holds anything of one.

    The settings file is written last, so an interrupted creation is no workspace and can be repeated elsewhere.
    """
    workspace = Workspace(root=root, name=name, network=network, now=now)
    if workspace.settings_file.exists():
        raise WorkspaceExistsError(detail=f"{root} already is a workspace")
    for folder in (root, workspace.received, workspace.documents, workspace.keys):
        folder.mkdir(parents=True, exist_ok=True)
    workspace.keys.chmod(0o700)
    call_command("migrate", verbosity=0, interactive=False)
    workspace.settings_file.write_text(f'name = "{name}"\nnetwork = "{network}"\n', encoding="utf-8")
    return workspace


def open_workspace(*, root: Path, now: Now = system_now) -> Workspace:
    """Open a workspace; refuses a folder that is none."""
    settings_file = root / "ogniwo.toml"
    if not settings_file.is_file():
        raise NoWorkspaceError(
            detail=f"{root.resolve()} is not a workspace; make one with `ogniwo workspace create` or `ogniwo demo`"
        )
    settings = tomllib.loads(settings_file.read_text(encoding="utf-8"))
    call_command("migrate", verbosity=0, interactive=False)
    return Workspace(root=root, name=settings["name"], network=settings["network"], now=now)
