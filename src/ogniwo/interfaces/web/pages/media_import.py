"""States of meters of gas, heat and water from a file: what each row would do, and saving what was shown."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from ogniwo.core.kernel.refusals import Refusal
from ogniwo.interfaces.web.context import language, scope, workspace
from ogniwo.interfaces.web.downloads import download
from ogniwo.interfaces.web.previews import say_saved, sent_file, shown_preview
from ogniwo.interfaces.web.registry import page
from ogniwo.services.access.roles import Act
from ogniwo.services.access.viewers import Standing, out_of_sight
from ogniwo.services.metering.inbox import NoFileError
from ogniwo.services.metering.media.importing import (
    STATES,
    MediaPreviewNotFoundError,
    look_at_states,
    look_at_states_again,
    save_states,
)
from ogniwo.services.metering.media.sheet import COLUMNS, states_template
from ogniwo.services.parties.sheet import BYTES_MAX, ROWS_MAX, TableRefusedError
from ogniwo.services.workspace.queries import organisation


@page("media-import/", name="media_import", act=Act.IMPORT_FILES, methods=("GET", "POST"))
def media_import(request: HttpRequest, standing: Standing, *, code: str) -> HttpResponse:
    """The form for a file; what is sent is looked at and kept for a day, nothing is saved."""
    refusal: Refusal | None = None
    subject = scope(standing, code)
    if request.method == "POST":
        try:
            data, name = sent_file(request)
            preview = look_at_states(
                workspace(),
                organisation=organisation(code=code, subject=subject),
                subject=subject,
                data=data,
                file_name=name,
            )
        except (TableRefusedError, NoFileError) as found:
            refusal = found
        else:
            return redirect("media_preview", code=code, preview=preview.key)
    context = {
        "refusal": refusal,
        "columns": COLUMNS,
        "megabytes_max": BYTES_MAX // 1_000_000,
        "rows_max": ROWS_MAX,
    }
    return render(request, "web/media_import.html", context, status=422 if refusal else 200)


@page("media-import/template/", name="media_template", act=Act.IMPORT_FILES)
def media_template(request: HttpRequest, standing: Standing, *, code: str) -> HttpResponse:  # noqa: ARG001
    """The headings with two example rows, in the language of the page."""
    return download(states_template(language()), name="states.csv")


@page("media-import/<str:preview>/", name="media_preview", act=Act.IMPORT_FILES, methods=("GET", "POST"))
def media_preview(request: HttpRequest, standing: Standing, *, code: str, preview: str) -> HttpResponse:
    """What each row would do; saved when confirmed, exactly as shown."""
    subject = scope(standing, code)
    place = organisation(code=code, subject=subject)
    if request.method == "POST":
        with out_of_sight(MediaPreviewNotFoundError):
            done = save_states(
                workspace(),
                organisation=place,
                subject=subject,
                key=preview,
                digest=request.POST.get("digest", ""),
                leave_refused=request.POST.get("do") == "leave",
            )
        say_saved(request, done)
        return redirect("media", code=code)
    with out_of_sight(MediaPreviewNotFoundError):
        found = look_at_states_again(workspace(), organisation=place, subject=subject, key=preview)
    context = shown_preview(request, found, states=STATES, form="media_import")
    return render(request, "web/media_preview.html", context)
