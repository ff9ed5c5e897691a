"""A member's profile: data, safety, how the pages look, who looked at them, everything of his as a file; help."""

from typing import Final

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from ogniwo.interfaces.web.context import APPEARANCE, language, viewer, workspace
from ogniwo.interfaces.web.downloads import download
from ogniwo.interfaces.web.pages.help import WORDS
from ogniwo.interfaces.web.registry import wallet_page
from ogniwo.services.access.looking import looks_at
from ogniwo.services.access.looks import SIZES, choose_page_look, page_look
from ogniwo.services.access.viewers import Standing
from ogniwo.services.parties.choices import (
    ConsentTextError,
    choose_document_language,
    consents_of,
    own_document_language,
    say_consent,
)
from ogniwo.services.wallet.export import contact_of, export_member, member_data

LOOKS: Final = (("", _("usual")), ("large", _("large")), ("larger", _("very large")))
DOCUMENTS: Final = (("", _("that of the page")), ("pl", "Polski"), ("en", "English"))


@wallet_page("profile/", name="wallet_profile", methods=("GET", "POST"))
def profile(request: HttpRequest, standing: Standing, *, code: str, number: str) -> HttpResponse:
    """Data and settings; POST keeps how the pages look, for the user wherever he signs in."""
    if request.method == "POST":
        user_id = viewer(request).user_id
        size = request.POST.get("size", "")
        choose_page_look(
            user_id=user_id, size=size if size in SIZES else "", contrast=request.POST.get("contrast") == "on"
        )
        request.session[APPEARANCE] = list(page_look(user_id))
        return redirect("wallet_profile", code=code, number=number)
    kept = page_look(viewer(request).user_id)
    context = {
        "member": member_data(subject=standing.subject),
        "login": viewer(request).login,
        "sizes": LOOKS,
        "size": next((one for one in kept if one in SIZES), ""),
        "contrast": "contrast" in kept,
        "looks": looks_at(number=number),
        "consents": consents_of(subject=standing.subject),
        "polish": language() == "pl",
        "documents": DOCUMENTS,
        "documents_in": own_document_language(subject=standing.subject),
    }
    return render(request, "web/wallet/profile.html", context)


@wallet_page("profile/documents/", name="wallet_profile_documents", methods=("POST",))
def documents(request: HttpRequest, standing: Standing, *, code: str, number: str) -> HttpResponse:
    """Keep in which language the member wants his documents."""
    chosen = request.POST.get("documents", "")
    choose_document_language(workspace(), subject=standing.subject, language=chosen, by=viewer(request).login)
    messages.success(request, gettext("Kept."))
    return redirect(reverse("wallet_profile", kwargs={"code": code, "number": number}) + "#documents-title")


@wallet_page("profile/consents/", name="wallet_profile_consents", methods=("POST",))
def consents(request: HttpRequest, standing: Standing, *, code: str, number: str) -> HttpResponse:
    """Give or withdraw one consent, to the text that the page showed."""
    version = request.POST.get("version", "")
    try:
        say_consent(
            workspace(),
            subject=standing.subject,
            kind=request.POST.get("kind", ""),
            given=request.POST.get("say") == "yes",
            version=int(version) if version.isdecimal() else 0,
            language=language(),
            by=viewer(request).login,
        )
    except ConsentTextError:
        messages.error(request, gettext("The text has changed. Read it again."))
    else:
        messages.success(request, gettext("Kept."))
    return redirect(reverse("wallet_profile", kwargs={"code": code, "number": number}) + "#consents-title")


@wallet_page("profile/export/", name="wallet_export")
def export(request: HttpRequest, standing: Standing, *, code: str, number: str) -> HttpResponse:  # noqa: ARG001
    """Everything that concerns the member as a ZIP of JSON and CSV."""
    data = export_member(workspace(), subject=standing.subject, by=viewer(request).login)
    return download(data, name=f"{number}.zip")


@wallet_page("help/", name="wallet_help")
def show_help(request: HttpRequest, standing: Standing, *, code: str, number: str) -> HttpResponse:  # noqa: ARG001
    """Words, why numbers differ, whom to ask."""
    context = {"words": WORDS, "contact": contact_of(subject=standing.subject)}
    return render(request, "web/wallet/help.html", context)
