"""A file that is looked at before it is saved: what its form sent, and its rows as the page shows them."""

from collections.abc import Sequence
from typing import Any, Final, Protocol

from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.core.paginator import Paginator
from django.http import HttpRequest
from django.utils.translation import ngettext

from ogniwo.services.metering.inbox import NoFileError
from ogniwo.services.parties.sheet import BYTES_MAX, TableRefusedError

PER_PAGE: Final = 200


class _Outcome(Protocol):
    """What one row would do."""

    @property
    def state(self) -> str: ...


class _Preview(Protocol):
    """What a file would do, or did."""

    @property
    def outcomes(self) -> Sequence[_Outcome]: ...

    def count(self, state: str) -> int: ...


def sent_file(request: HttpRequest) -> tuple[bytes, str]:
    """The file of the form and its name; its size is asked before it is read. Raises NoFileError, TableRefusedError."""
    sent = request.FILES.get("file")
    if not isinstance(sent, UploadedFile):
        raise NoFileError(detail="no file was sent")
    if (sent.size or 0) > BYTES_MAX:
        raise TableRefusedError(detail=f"{sent.name} has more than {BYTES_MAX // 1_000_000} MB")
    return sent.read(), (sent.name or "?")[:200]


def shown_preview(request: HttpRequest, preview: _Preview, *, states: Sequence[str], form: str) -> dict[str, Any]:
    """What `web/parts/preview.html` shows: rows of the state asked for; `form` names the page for another file."""
    state = request.GET.get("state", "")
    shown = [one for one in preview.outcomes if state in {"", one.state}]
    return {
        "preview": preview,
        "form": form,
        "counts": [(name, preview.count(name)) for name in states],
        "todo": _stored(preview),
        "refused": preview.count("refused"),
        "state": state,
        "paging": Paginator(shown, PER_PAGE).get_page(request.GET.get("page")),
        "query": f"state={state}&" if state in states else "",
    }


def say_saved(request: HttpRequest, preview: _Preview) -> None:
    """Say how many rows were saved."""
    stored = _stored(preview)
    messages.success(request, ngettext("%(n)d row was saved.", "%(n)d rows were saved.", stored) % {"n": stored})


def _stored(preview: _Preview) -> int:
    return preview.count("new") + preview.count("changed")
