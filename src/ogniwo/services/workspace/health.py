"""Whether the installation is well: versions, sizes, heads, and what came last."""

import platform
import shutil
import sqlite3
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Final

import django
from django.db import connection

from ogniwo.records.audit.models import AuditEvent
from ogniwo.records.metering.models import SourceFile
from ogniwo.records.visibility import Subject
from ogniwo.services.ledger.access import has_ledger
from ogniwo.services.ledger.posting import kept_checkpoints
from ogniwo.services.ledger.queries import LedgerHead, ledger_head
from ogniwo.services.workspace.model import Workspace

FREE_BYTES_LEAST: Final = 1_000_000_000
"""Below this a month's import and its documents may not fit any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PartSize:
    """A part of the workspace on disk: files and bytes."""

    name: str
    files: int
    size_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """What an operator looks at first. `series_commits` counts the snapshots of the interval store."""

    versions: tuple[tuple[str, str], ...]
    database: str
    parts: tuple[PartSize, ...]
    disk_bytes: int
    free_bytes: int
    enough_space: bool
    series_commits: int
    series_head: str
    ledger: LedgerHead | None
    checkpoints: int
    last_import: tuple[str, datetime] | None
    last_act: datetime | None


def health_of(workspace: Workspace, *, subject: Subject) -> Health:
    """Look at the installation; the name of the last file only when the subject sees it."""
    disk = shutil.disk_usage(workspace.root)
    commits, head = workspace.series.head()
    newest = SourceFile.objects.all().visible_to(subject).order_by("received_at", "pk").last()
    return Health(
        versions=(
            ("Ogniwo", version("ogniwo")),
            ("Python", platform.python_version()),
            ("Django", django.get_version()),
            ("SQLite", sqlite3.sqlite_version),
        ),
        database=connection.vendor,
        parts=tuple(_sizes(workspace)),
        disk_bytes=disk.total,
        free_bytes=disk.free,
        enough_space=disk.free >= FREE_BYTES_LEAST,
        series_commits=commits,
        series_head=head,
        ledger=ledger_head(workspace) if has_ledger(workspace) else None,
        checkpoints=len(kept_checkpoints(workspace)),
        last_import=(newest.name, newest.received_at) if newest else None,
        last_act=AuditEvent.objects.order_by("at", "id").values_list("at", flat=True).last(),
    )


def _sizes(workspace: Workspace) -> list[PartSize]:
    root = workspace.root
    single = [("database", root / "ogniwo.sqlite3"), ("ledger", workspace.ledger_file)]
    folders = [("series", root / "series"), ("received", workspace.received), ("documents", workspace.documents)]
    return [
        *(PartSize(name=name, files=1, size_bytes=path.stat().st_size) for name, path in single if path.is_file()),
        *(_folder(name, path) for name, path in folders if path.is_dir()),
    ]


def _folder(name: str, path: Path) -> PartSize:
    sizes = [one.stat().st_size for one in path.rglob("*") if one.is_file()]
    return PartSize(name=name, files=len(sizes), size_bytes=sum(sizes))
