"""Received files with what was found in them, and what may be sent at once through a page."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from ogniwo.core.kernel.refusals import Refusal
from ogniwo.records.metering.models import SourceFile
from ogniwo.records.visibility import Subject

FILE_BYTES_MAX: Final = 20_000_000
"""A year of quarter-hours of one point has less than two million bytes; larger files come through the command line."""
FILES_MAX: Final = 100
TOGETHER_BYTES_MAX: Final = 100_000_000


class TooMuchAtOnceError(Refusal):
    """Too many or too large files were sent to a page at once; nothing of them was read."""

    code = "import.too_much_at_once"


class NoFileError(Refusal):
    """Nothing was sent."""

    code = "import.no_file"


class FileNotFoundInInboxError(Refusal):
    """No such file was received, or the subject may not see it."""

    code = "import.file_not_found"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceivedFile:
    """A file as received; `findings` are rows as `finding_row` writes them, without the file."""

    sha256: str
    name: str
    layout: str
    size_bytes: int
    received_at: datetime
    intervals: int
    facts: tuple[tuple[str, Any], ...]
    findings: tuple[dict[str, Any], ...]

    @property
    def errors(self) -> int:
        """How many findings are errors."""
        return sum(one["severity"] == "error" for one in self.findings)

    @property
    def warnings(self) -> int:
        """How many findings are warnings."""
        return sum(one["severity"] == "warning" for one in self.findings)


def require_sizes(sizes: Iterable[int]) -> None:
    """Refuse what is too much for one request, before anything is read."""
    known = tuple(sizes)
    if not known:
        raise NoFileError(detail="choose at least one file")
    if len(known) > FILES_MAX:
        raise TooMuchAtOnceError(detail=f"{len(known)} files; at most {FILES_MAX} at once")
    if max(known) > FILE_BYTES_MAX:
        raise TooMuchAtOnceError(detail=f"a file of {max(known)} bytes; at most {FILE_BYTES_MAX} through a page")
    if sum(known) > TOGETHER_BYTES_MAX:
        raise TooMuchAtOnceError(detail=f"{sum(known)} bytes together; at most {TOGETHER_BYTES_MAX} at once")


def received_files(*, subject: Subject, search: str = "") -> tuple[ReceivedFile, ...]:
    """The files that the subject sees, newest first."""
    rows = SourceFile.objects.all().visible_to(subject).order_by("-received_at", "-pk")
    return tuple(_received(row) for row in (rows.filter(name__icontains=search) if search else rows))


def received_file(*, subject: Subject, sha256: str) -> ReceivedFile:
    """One file by its hash. Raises FileNotFoundInInboxError."""
    row = SourceFile.objects.all().visible_to(subject).filter(sha256=sha256).first()
    if row is None:
        raise FileNotFoundInInboxError(detail=f"no file {sha256[:16]} was received")
    return _received(row)


def _received(row: SourceFile) -> ReceivedFile:
    return ReceivedFile(
        sha256=row.sha256,
        name=row.name,
        layout=row.layout,
        size_bytes=row.size_bytes,
        received_at=row.received_at,
        intervals=row.intervals,
        facts=tuple(sorted(row.facts.items())),
        findings=tuple(row.findings),
    )
