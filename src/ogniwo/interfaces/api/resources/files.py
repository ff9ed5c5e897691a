"""Received files: the list, one with its findings, and new ones as a job."""

from typing import Annotated, Any, Final

from ninja import File, Form, Query, Schema
from ninja.files import UploadedFile
from pydantic import Field

from ogniwo.interfaces.api.context import workspace
from ogniwo.interfaces.api.paging import Many, Page, Paged, Sorting, among, page_of
from ogniwo.interfaces.api.registry import Answer, ApiRequest, operation
from ogniwo.interfaces.api.resources.jobs import JobOut, accepted
from ogniwo.interfaces.api.values import FindingOut, In, Instant, Text, finding_of_row
from ogniwo.services.access.roles import Act
from ogniwo.services.access.scopes import Scope
from ogniwo.services.jobs.uploads import keep_upload
from ogniwo.services.metering.inbox import ReceivedFile, received_file, received_files, require_sizes


class FileOut(Schema):
    """A file as it was received; `facts` are what its reader found in its head."""

    sha256: str
    name: str
    layout: str
    size_bytes: int
    received_at: Instant
    intervals: int
    errors: int
    warnings: int
    facts: dict[str, str]


class FileDetailsOut(FileOut):
    """A file with every finding."""

    findings: list[FindingOut]


class FilePage(Page[FileOut]):
    """Files, newest first."""


_SORTS: Final = Sorting[ReceivedFile](
    received_at=lambda one: one.received_at,
    name=lambda one: one.name,
    layout=lambda one: one.layout,
    size_bytes=lambda one: one.size_bytes,
    intervals=lambda one: one.intervals,
    errors=lambda one: one.errors,
    warnings=lambda one: one.warnings,
)


class AskedFiles(Paged):
    """Which files."""

    q: Annotated[Text, Field(description="Looks in the name.")] = ""
    layout: Many = []
    sort: Annotated[str, _SORTS] = ""


class ImportForm(In):
    """How to import: the point of files that name none, whether to leave out unknown points, to accept errors."""

    point: Text = ""
    skip_unknown: bool = False
    accept_errors: bool = False
    dry_run: Annotated[bool, Field(description="Only check; nothing is stored.")] = False


def _values(one: ReceivedFile) -> dict[str, Any]:
    kept = {name: getattr(one, name) for name in FileOut.model_fields if name != "facts"}
    return {**kept, "facts": {name: str(value) for name, value in one.facts}}


@operation("GET", "/organisations/{code}/files", answer=FilePage, act=Act.SEE_METERING, scope=Scope.METERING_READ)
def list_files(request: ApiRequest, code: str, asked: Query[AskedFiles]) -> dict[str, Any]:  # noqa: ARG001 -- the guard read it
    """Received files, newest first."""
    return page_of(
        request,
        (
            one
            for one in received_files(subject=request.caller.subject, search=asked.q)
            if among(one.layout, asked.layout)
        ),
        paged=asked,
        key=lambda one: (-int(one.received_at.timestamp() * 1_000_000), one.sha256),
        shape=lambda one: FileOut(**_values(one)),
        order=_SORTS.by(asked.sort),
    )


@operation(
    "GET",
    "/organisations/{code}/files/{sha256}",
    answer=FileDetailsOut,
    act=Act.SEE_METERING,
    scope=Scope.METERING_READ,
    versioned=True,
)
def get_file(request: ApiRequest, code: str, sha256: str) -> FileDetailsOut:  # noqa: ARG001 -- the guard read the code
    """One received file with every finding."""
    found = received_file(subject=request.caller.subject, sha256=sha256)
    return FileDetailsOut(**_values(found), findings=[finding_of_row(one) for one in found.findings])


@operation(
    "POST",
    "/organisations/{code}/files",
    answer=JobOut,
    act=Act.IMPORT_FILES,
    scope=Scope.METERING_WRITE,
    status=202,
    sends="multipart/form-data",
)
def upload_files(request: ApiRequest, code: str, how: Form[ImportForm], files: File[list[UploadedFile]]) -> Answer:
    """Send meter files; a job imports them. At most 100 files of 20,000,000 bytes, 100,000,000 together."""
    require_sizes([one.size or 0 for one in files])
    kept = [{"name": one.name or "?", "upload": keep_upload(workspace(), one.read())} for one in files]
    return accepted(request, code, kind="import_files", parameters={"files": kept, **how.model_dump()})
