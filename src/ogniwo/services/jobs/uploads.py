"""Bytes that wait for a job: kept under their hash in the workspace, gone when the last job that needs them is over."""

import secrets
from pathlib import Path

from ogniwo.core.kernel.ids import sha256_hex
from ogniwo.records.jobs.models import Job
from ogniwo.services.jobs.kinds import kinds
from ogniwo.services.jobs.model import UploadGoneError
from ogniwo.services.workspace.changing import keep_whole
from ogniwo.services.workspace.model import Workspace


def folder(workspace: Workspace) -> Path:
    """Where they are; readable by the owner only, since mails hold links that let people in."""
    path = workspace.root / "jobs"
    path.mkdir(mode=0o700, exist_ok=True)
    return path


def keep_upload(workspace: Workspace, data: bytes) -> str:
    """Keep bytes for a job that is about to be asked for; gives their name, the SHA-256 and a few random letters.

    Each sending has a file of its own, so that the end of one job takes nothing from another that begins just now.
    """
    name = f"{sha256_hex(data)}.{secrets.token_hex(4)}"
    keep_whole(folder(workspace) / name, data)
    return name


def upload(workspace: Workspace, name: str) -> bytes:
    """The bytes kept under a name. Raises UploadGoneError."""
    path = folder(workspace) / Path(name).name
    if not path.is_file():
        raise UploadGoneError(detail=f"what was sent as {name[:16]} is not kept any more; send it again")
    data = path.read_bytes()
    if sha256_hex(data) != name.partition(".")[0]:
        raise UploadGoneError(detail=f"what was sent as {name[:16]} was damaged on disk; send it again")
    return data


def drop_uploads(workspace: Workspace, *, names: tuple[str, ...]) -> int:
    """Remove bytes that no open job needs; gives how many went."""
    needed = _needed()
    gone = 0
    for name in names:
        path = folder(workspace) / Path(name).name
        if name not in needed and path.is_file():
            path.unlink()
            gone += 1
    return gone


def _needed() -> frozenset[str]:
    """The names that queued and running jobs name."""
    known = kinds()
    open_jobs = Job.objects.filter(state__in=("queued", "running")).values_list("kind", "parameters")
    return frozenset(
        name for kind, parameters in open_jobs if kind in known for name in known[kind].uploads(parameters)
    )
