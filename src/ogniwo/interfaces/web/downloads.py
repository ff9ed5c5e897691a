"""Files that a page hands out to be kept."""

from typing import Final

from django.http import HttpResponse

_TYPES: Final = {
    "csv": "text/csv; charset=utf-8",
    "json": "application/json",
    "pdf": "application/pdf",
    "tsv": "text/tab-separated-values; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "zip": "application/zip",
}


def download(data: bytes, *, name: str) -> HttpResponse:
    """A file; its type follows from the ending of its name, in which a slash would not do."""
    answer = HttpResponse(data, content_type=_TYPES[name.rpartition(".")[2]])
    answer["Content-Disposition"] = f'attachment; filename="{name.replace("/", "-")}"'
    return answer
