"""A member's profile: data, safety, how the pages look, who looked at them, everything of his as a file; help."""

from typing import Final

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext_lazy as _

from ogniwo.interfaces.web.context import APPEARANCE, viewer, workspace
from ogniwo.interfaces.web.downloads import download
from ogniwo.interfaces.web.pages.help import WORDS
from ogniwo.interfaces.web.registry import wallet_page
from ogniwo.services.access.looking import looks_at
from ogniwo.services.access.viewers import Standing
from ogniwo.services.wallet.export import contact_of, export_member, member_data

SIZES: Final = (("", _("usual")), ("large", _("large")), ("larger", _("very large")))


@wallet_page("profile/", name="wallet_profile", methods=("GET", "POST"))
def profile(request: HttpRequest, standing: Standing, *, code: str, number: str) -> HttpResponse:
    """Data and settings; POST keeps how the pages look."""
    if request.method == "POST":
        size = request.POST.get("size", "")
        chosen = [size] if size in dict(SIZES) and size else []
        if request.POST.get("contrast") == "on":
            chosen.append("contrast")
        request.session[APPEARANCE] = chosen
        return redirect("wallet_profile", code=code, number=number)
    kept = request.session.get(APPEARANCE, [])
    context = {
        "member": member_data(subject=standing.subject),
        "login": viewer(request).login,
        "sizes": SIZES,
        "size": next((one for one in kept if one in dict(SIZES)), ""),
        "contrast": "contrast" in kept,
        "looks": looks_at(number=number),
    }
    return render(request, "web/wallet/profile.html", context)


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
