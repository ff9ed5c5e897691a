"""The inbox: files in, what was found in them, file by file and row by row."""

from typing import Final

from django.core.files.uploadedfile import UploadedFile
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse

from ogniwo.interfaces.web.context import scope, viewer, workspace
from ogniwo.interfaces.web.job_view import jobs_of_page
from ogniwo.interfaces.web.registry import page
from ogniwo.services.access.roles import Act
from ogniwo.services.access.viewers import Standing, out_of_sight
from ogniwo.services.jobs.work.imports import ask_for_import
from ogniwo.services.metering.importing import ImportOptions
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


@page("files/", name="files", act=Act.SEE_METERING)
def files(request: HttpRequest, standing: Standing, *, code: str) -> HttpResponse:
    """What came in, the form for more, how far imports are, and what became of the files just sent."""
    search, subject = request.GET.get("q", "").strip(), scope(standing, code)
    found = received_files(subject=subject, search=search)
    shown = jobs_of_page(request, subject=subject, kinds=("import_files",))
    context = {
        **shown.context(),
        "paging": Paginator(found, PER_PAGE).get_page(request.GET.get("page")),
        "query": f"q={search}&" if search else "",
        "search": search,
        "result": shown.ended.result if shown.ended else None,
        "files_max": FILES_MAX,
        "megabytes_max": FILE_BYTES_MAX // 1_000_000,
    }
    return render(request, "web/files.html", context)


@page("files/import/", name="import_files", act=Act.IMPORT_FILES, methods=("POST",))
def take_files(request: HttpRequest, standing: Standing, *, code: str) -> HttpResponse:
    """Keep the files of the form and ask for their check or import; the same files again change nothing."""
    sent = [one for one in request.FILES.getlist("files") if isinstance(one, UploadedFile)]
    require_sizes([one.size or 0 for one in sent])
    owner = organisation(code=code, subject=scope(standing, code))
    started = ask_for_import(
        workspace(),
        organisation_code=owner.code,
        files=((one.name or "?", one.read()) for one in sent),
        options=ImportOptions(
            point=request.POST.get("point", "").strip(),
            skip_unknown=bool(request.POST.get("skip_unknown")),
            accept_errors=bool(request.POST.get("accept_errors")),
            dry_run=request.POST.get("do") == "check",
        ),
        by=viewer(request).login,
    )
    return redirect(f"{reverse('files', kwargs={'code': code})}?job={started.id}")


@page("files/<str:sha256>/", name="file", act=Act.SEE_METERING)
def one_file(request: HttpRequest, standing: Standing, *, code: str, sha256: str) -> HttpResponse:
    """One received file with every finding."""
    with out_of_sight(FileNotFoundInInboxError):
        found = received_file(subject=scope(standing, code), sha256=sha256)
    return render(request, "web/file.html", {"file": found})
