"""Members from a file: template, what each row would do, its faults as a file, and saving what was shown."""

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
from ogniwo.services.parties.member_import import (
    STATES,
    ImportPreview,
    PreviewNotFoundError,
    faulty_rows,
    look_again,
    look_at,
    save,
)
from ogniwo.services.parties.sheet import BYTES_MAX, COLUMNS, ROWS_MAX, TableRefusedError, template
from ogniwo.services.workspace.queries import Organisation, organisation


@page("member-import/", name="member_import", act=Act.MANAGE_MEMBERS, methods=("GET", "POST"))
def member_import(request: HttpRequest, standing: Standing, *, code: str) -> HttpResponse:
    """The form for a file; what is sent is looked at and kept for a day, nothing is saved."""
    refusal: Refusal | None = None
    if request.method == "POST":
        try:
            data, name = sent_file(request)
            preview = look_at(workspace(), organisation=_place(standing, code), data=data, file_name=name)
        except (TableRefusedError, NoFileError) as found:
            refusal = found
        else:
            return redirect("member_preview", code=code, preview=preview.key)
    context = {
        "refusal": refusal,
        "columns": COLUMNS,
        "megabytes_max": BYTES_MAX // 1_000_000,
        "rows_max": ROWS_MAX,
    }
    return render(request, "web/member_import.html", context, status=422 if refusal else 200)


@page("member-import/template/<str:form>/", name="member_template", act=Act.MANAGE_MEMBERS)
def member_template(request: HttpRequest, standing: Standing, *, code: str, form: str) -> HttpResponse:  # noqa: ARG001
    """The headings with one example row, in the language of the page."""
    wanted = _form(form)
    return download(template(wanted, language()), name=f"members.{wanted}")


@page("member-import/<str:preview>/", name="member_preview", act=Act.MANAGE_MEMBERS, methods=("GET", "POST"))
def member_preview(request: HttpRequest, standing: Standing, *, code: str, preview: str) -> HttpResponse:
    """What each row would do; saved when confirmed, exactly as shown."""
    place = _place(standing, code)
    if request.method == "POST":
        with out_of_sight(PreviewNotFoundError):
            done = save(
                workspace(),
                organisation=place,
                key=preview,
                digest=request.POST.get("digest", ""),
                leave_refused=request.POST.get("do") == "leave",
            )
        say_saved(request, done)
        return redirect("members", code=code)
    found = _looked_at(place, preview)
    context = shown_preview(request, found, states=STATES, form="member_import")
    return render(request, "web/member_preview.html", context)


@page("member-import/<str:preview>/errors/<str:form>/", name="member_errors", act=Act.MANAGE_MEMBERS)
def member_errors(request: HttpRequest, standing: Standing, *, code: str, preview: str, form: str) -> HttpResponse:  # noqa: ARG001
    """The refused rows as a file with a column of reasons."""
    wanted = _form(form)
    with out_of_sight(PreviewNotFoundError):
        data = faulty_rows(
            workspace(), organisation=_place(standing, code), key=preview, form=wanted, language=language()
        )
    return download(data, name=f"members-errors.{wanted}")


def _looked_at(place: Organisation, key: str) -> ImportPreview:
    with out_of_sight(PreviewNotFoundError):
        return look_again(workspace(), organisation=place, key=key)


def _place(standing: Standing, code: str) -> Organisation:
    return organisation(code=code, subject=scope(standing, code))


def _form(word: str) -> str:
    return "xlsx" if word == "xlsx" else "csv"
