"""Files that a page hands out to be kept."""

from typing import Final

from django.http import HttpResponse

_TYPES: Final = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


def download(data: bytes, *, name: str) -> HttpResponse:
    """A file; its type follows from the ending of its name."""
    answer = HttpResponse(data, content_type=_TYPES[name.rpartition(".")[2]])
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer
