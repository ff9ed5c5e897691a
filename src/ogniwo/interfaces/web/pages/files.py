"""The inbox: files in, what was found in them, file by file and row by row."""

from typing import Any, Final

from django.core.files.uploadedfile import UploadedFile
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from ogniwo.core.kernel.findings import finding_row
from ogniwo.interfaces.web.context import scope, workspace
from ogniwo.interfaces.web.registry import page
from ogniwo.services.access.roles import Act
from ogniwo.services.access.viewers import OutOfSightError, Standing
from ogniwo.services.metering.importing import ImportedFile, ImportOptions, import_files
from ogniwo.services.metering.inbox import (
    FILE_BYTES_MAX,
    FILES_MAX,
    FileNotFoundInInboxError,
    received_file,
    received_files,
    require_sizes,
)
from ogniwo.services.workspace.queries import organisation

PER_PAGE: Final = 50
SHOWN_FINDINGS: Final = 50
_RESULT: Final = "imported_files"


@page("files/", name="files", act=Act.SEE_METERING)
def files(request: HttpRequest, standing: Standing, *, code: str) -> HttpResponse:
    """What came in, the form for more, and what became of the files just sent."""
    search = request.GET.get("q", "").strip()
    found = received_files(subject=scope(standing, code), search=search)
    context = {
        "paging": Paginator(found, PER_PAGE).get_page(request.GET.get("page")),
        "query": f"q={search}&" if search else "",
        "search": search,
        "result": request.session.pop(_RESULT, None),
        "files_max": FILES_MAX,
        "megabytes_max": FILE_BYTES_MAX // 1_000_000,
    }
    return render(request, "web/files.html", context)


@page("files/import/", name="import_files", act=Act.IMPORT_FILES, methods=("POST",))
def take_files(request: HttpRequest, standing: Standing, *, code: str) -> HttpResponse:
    """Check or import the files of the form; the same files again change nothing."""
    sent = [one for one in request.FILES.getlist("files") if isinstance(one, UploadedFile)]
    require_sizes([one.size or 0 for one in sent])
    dry_run = request.POST.get("do") == "check"
    imported = import_files(
        workspace(),
        organisation=organisation(code=code, subject=scope(standing, code)),
        files=[(one.name or "?", one.read()) for one in sent],
        options=ImportOptions(
            point=request.POST.get("point", "").strip(),
            skip_unknown=bool(request.POST.get("skip_unknown")),
            accept_errors=bool(request.POST.get("accept_errors")),
            dry_run=dry_run,
        ),
    )
    request.session[_RESULT] = {"dry_run": dry_run, "files": [_row(one) for one in imported]}
    return redirect("files", code=code)


@page("files/<str:sha256>/", name="file", act=Act.SEE_METERING)
def one_file(request: HttpRequest, standing: Standing, *, code: str, sha256: str) -> HttpResponse:
    """One received file with every finding."""
    try:
        found = received_file(subject=scope(standing, code), sha256=sha256)
    except FileNotFoundInInboxError as refusal:
        raise OutOfSightError(detail=refusal.detail) from refusal
    return render(request, "web/file.html", {"file": found})


def _row(one: ImportedFile) -> dict[str, Any]:
    """What became of a file, small enough to be kept until it was shown."""
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
        "findings": [finding_row(finding) for finding in one.findings[:SHOWN_FINDINGS]],
        "more": max(0, len(one.findings) - SHOWN_FINDINGS),
    }
