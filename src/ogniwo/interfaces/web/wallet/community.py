"""A member's community: what it makes and uses, its prices, its rule of sharing in plain words."""

from typing import Final

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext_lazy as _

from ogniwo.interfaces.web.context import language, viewer, workspace
from ogniwo.interfaces.web.registry import wallet_page
from ogniwo.services.access.viewers import Standing
from ogniwo.services.messages.queries import notices_of
from ogniwo.services.parties.choices import COMPARISON, agrees, consent_texts, say_consent
from ogniwo.services.wallet.community import community_view, comparison

METHODS: Final = {
    "static": _("In each hour, everybody gets the part of the local energy that his sharing key gives him."),
    "dynamic": _("In each hour, the local energy is divided in proportion to what everybody uses just then."),
    "hybrid": _("First by sharing key; what somebody does not use goes to the others in proportion to their use."),
    "equal": _("In each hour, the local energy is divided into equal parts; what is left goes to who still needs it."),
    "merit_order": _("In each hour, members are served one after the other by their rank."),
}


@wallet_page("community/", name="wallet_community", methods=("GET", "POST"))
def community(request: HttpRequest, standing: Standing, *, code: str, number: str) -> HttpResponse:
    """Sums of the community, rules and notices; the comparison only when the member switched it on."""
    if request.method == "POST":
        say_consent(
            workspace(),
            subject=standing.subject,
            kind=COMPARISON,
            given=request.POST.get("compare") == "on",
            version=consent_texts()[COMPARISON].version,
            language=language(),
            by=viewer(request).login,
        )
        return redirect("wallet_community", code=code, number=number)
    view = community_view(workspace(), code=code, day=workspace().today())
    compares = agrees(COMPARISON, subject=standing.subject)
    context = {
        "view": view,
        "rule": METHODS.get(view.method, ""),
        "notices": [one for one in notices_of(subject=standing.subject, limit=20) if not one.to],
        "compares": compares,
        "consent": consent_texts()[COMPARISON],
        "polish": language() == "pl",
        "comparison": comparison(workspace(), code=code, subject=standing.subject) if compares else None,
    }
    return render(request, "web/wallet/community.html", context)
