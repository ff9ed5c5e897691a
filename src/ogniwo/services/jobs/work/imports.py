"""Meter files: checked or imported as they were sent."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from ogniwo.core.kernel.findings import finding_row
from ogniwo.core.kernel.ids import sha256_hex
from ogniwo.services.access.roles import Act
from ogniwo.services.jobs.asking import start_job
from ogniwo.services.jobs.kinds import JobContext, job_kind
from ogniwo.services.jobs.model import JobView
from ogniwo.services.jobs.uploads import drop_uploads, keep_upload, upload
from ogniwo.services.jobs.work.watches import ask_after_import
from ogniwo.services.metering.importing import ImportedFile, ImportOptions, import_files
from ogniwo.services.workspace.model import Workspace
from ogniwo.services.workspace.queries import organisation

KEPT_FINDINGS: Final = 50
"""Of each file; all findings of an imported file are kept with the file itself."""


def ask_for_import(
    workspace: Workspace,
    *,
    organisation_code: str,
    files: Iterable[tuple[str, bytes]],
    options: ImportOptions,
    by: str,
) -> JobView:
    """Keep files (name, bytes) and ask for their import, or with `dry_run` for their check."""
    kept = [{"name": Path(name).name, "upload": keep_upload(workspace, data)} for name, data in files]
    chosen = asdict(options)
    # The same files sent twice, by an impatient finger, are one job: named by content and choices.
    names = sorted(one["name"] + one["upload"].partition(".")[0] for one in kept)
    key = sha256_hex(json.dumps([names, chosen], sort_keys=True).encode())
    started = start_job(
        workspace,
        kind="import_files",
        organisation_code=organisation_code,
        parameters={"files": kept, **chosen},
        by=by,
        key=key,
    )
    uploads = tuple(one["upload"] for one in kept)
    if started.parameters.get("files") != kept:
        drop_uploads(workspace, names=uploads)
    return started


def _uploads(parameters: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(str(one["upload"]) for one in parameters.get("files", ()))


@job_kind("import_files", act=Act.IMPORT_FILES, uploads=_uploads)
def run(
    context: JobContext,
    *,
    files: list[dict[str, str]],
    point: str = "",
    layout: str = "",
    skip_unknown: bool = False,
    accept_errors: bool = False,
    dry_run: bool = False,
) -> dict[str, Any]:
    """Import files, `files` as {"name", "upload"}; the result has a row for each: `files`, and `dry_run`.

    Each file is stored whole or not at all; a job that is cancelled keeps the files stored before, which are skipped
    when the same files are sent again.
    """
    total, done = len(files), 0
    options = ImportOptions(
        point=point, layout=layout, skip_unknown=skip_unknown, accept_errors=accept_errors, dry_run=dry_run
    )

    def sent() -> Iterator[tuple[str, bytes]]:
        for number, one in enumerate(files):
            context.progress(number, total, f"reading {one['name']}")
            yield one["name"], upload(context.workspace, one["upload"])

    def tell() -> None:
        nonlocal done
        done += 1
        context.progress(done, total, "checking" if dry_run else "importing")

    found = import_files(
        context.workspace,
        organisation=organisation(code=context.organisation.code, subject=context.subject),
        files=sent(),
        options=options,
        tell=tell,
    )
    if any(one.cells_stored for one in found) and not dry_run:
        ask_after_import(
            context.workspace, organisation_code=context.organisation.code, subject=context.subject, by=context.by
        )
    return {"dry_run": dry_run, "files": [_row(one) for one in found]}


def _row(one: ImportedFile) -> dict[str, Any]:
    """What became of a file."""
    return {
        "name": one.name,
        "state": one.state,
        "layout": one.layout,
        "sha256": one.sha256,
        "intervals": one.intervals,
        "cells_stored": one.cells_stored,
        "cells_unchanged": one.cells_unchanged,
        "registers": one.registers,
        "reason": one.reason,
        "findings": [finding_row(finding) for finding in one.findings[:KEPT_FINDINGS]],
        "more": max(0, len(one.findings) - KEPT_FINDINGS),
    }
