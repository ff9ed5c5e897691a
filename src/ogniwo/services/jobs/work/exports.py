"""Large files made for people to take away: kept beside the job for a week."""

import zipfile
from io import BytesIO
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from ogniwo.formats.sheets.writer import Cell, csv_bytes
from ogniwo.services.access.roles import Act
from ogniwo.services.billing.access import document_pdf, listed_documents
from ogniwo.services.jobs.kinds import JobContext, job_kind
from ogniwo.services.jobs.model import JobView, UploadGoneError
from ogniwo.services.plugins.exporting import export_bills_by
from ogniwo.services.workspace.changing import keep_whole
from ogniwo.services.workspace.model import Workspace

KEPT_DAYS: Final = 7
_COLUMNS: Final = ("number", "kind", "month", "issued_on", "due_on", "member", "name", "corrects")


def exports(workspace: Workspace) -> Path:
    """Where the files are, readable by the owner only."""
    path = workspace.root / "exports"
    path.mkdir(mode=0o700, exist_ok=True)
    return path


def made_file(workspace: Workspace, job: JobView) -> Path:
    """The file that a job made. Raises UploadGoneError when it made none or it was cleared away."""
    path = _path(workspace, job.id)
    if not job.result.get("file") or not path.is_file():
        raise UploadGoneError(detail=f"the file of this job is not there any more; files are kept for {KEPT_DAYS} days")
    return path


def _path(workspace: Workspace, job_id: UUID) -> Path:
    return exports(workspace) / f"{job_id}.zip"


@job_kind("export_bills", act=Act.SEE_BILLS, planned=("previous",))
def export_bills(context: JobContext, *, month: str, form: str = "") -> dict[str, Any]:
    """All bills of a month as PDF with a list, in one ZIP file: `month`, `documents`, `file` (its name), `bytes`.

    With `form`, the name of a plug-in's export, its files stand in the ZIP file instead.
    """
    workspace = context.workspace
    if form:
        return _exported_by(context, month=month, form=form)
    listed = listed_documents(subject=context.subject, month=month)
    path = _path(workspace, context.job_id)
    unfinished = path.with_suffix(".part")
    rows: list[tuple[Cell, ...]] = [
        (*(one[name] for name in _COLUMNS), int(one["net_grosz"]), int(one["gross_grosz"])) for one in listed
    ]
    try:
        with zipfile.ZipFile(unfinished, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("bills.csv", csv_bytes((*_COLUMNS, "net_grosz", "gross_grosz"), rows))
            for done, one in enumerate(listed):
                context.progress(done, len(listed), one["number"])
                data = document_pdf(workspace, number=one["number"], subject=context.subject)
                archive.writestr(f"{one['number'].replace('/', '-')}.pdf", data)
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
    name = f"{context.organisation.code}-{month}.zip"
    return {"month": month, "documents": len(listed), "file": name, "bytes": path.stat().st_size}


def _exported_by(context: JobContext, *, month: str, form: str) -> dict[str, Any]:
    """The files that the export of a plug-in makes of a month, in one ZIP file."""
    workspace = context.workspace
    listed = listed_documents(subject=context.subject, month=month)
    context.progress(0, len(listed), form)
    files = export_bills_by(workspace, key=form, subject=context.subject, month=month, language="pl")
    packed = BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for one in files:
            archive.writestr(one.name, one.data)
    path = _path(workspace, context.job_id)
    keep_whole(path, packed.getvalue())
    name = f"{context.organisation.code}-{month}-{form.replace('/', '-')}.zip"
    return {"month": month, "documents": len(listed), "file": name, "bytes": path.stat().st_size}
