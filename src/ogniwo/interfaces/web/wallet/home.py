"""Where a member arrives: his wallet, its home page, the list of everything else."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from ogniwo.interfaces.web.context import viewer, workspace
from ogniwo.interfaces.web.registry import own_page, wallet_page
from ogniwo.interfaces.web.sign_in import WELCOME
from ogniwo.services.access.roles import Act, Role
from ogniwo.services.access.viewers import Standing
from ogniwo.services.ledger.devices import recovery_of
from ogniwo.services.messages.queries import messages_of, unread_count
from ogniwo.services.wallet.overview import overview_of


@own_page("w/", name="wallet", act=Act.OWN_WALLET)
def wallet(request: HttpRequest, standing: Standing) -> HttpResponse:  # noqa: ARG001 -- the registry's signature
    """Open the only wallet, or let choose among several."""
    own = [one for one in viewer(request).standings if one.role == Role.MEMBER]
    if len(own) == 1:
        return redirect("wallet_home", code=own[0].code, number=own[0].member_number)
    return render(request, "web/wallet/choose.html", {"own": own})


@wallet_page("", name="wallet_home")
def home(request: HttpRequest, standing: Standing, *, code: str, number: str) -> HttpResponse:
    """What matters now: money, the community, this month's energy, and how fresh it is."""
    if request.session.pop(WELCOME, False):
        return redirect("wallet_welcome", code=code, number=number)
    subject = standing.subject
    context = {
        "found": overview_of(workspace(), code=code, subject=subject),
        "news": messages_of(subject=subject, limit=3),
        "recovery": recovery_of(workspace(), subject=subject),
        "unread": unread_count(subject=subject),
    }
    return render(request, "web/wallet/home.html", context)


@wallet_page("welcome/", name="wallet_welcome")
def welcome(request: HttpRequest, standing: Standing, *, code: str, number: str) -> HttpResponse:  # noqa: ARG001
    """The first page after an invitation: what is here, and how to keep it safe."""
    return render(request, "web/wallet/welcome.html", {})


@wallet_page("more/", name="wallet_more")
def more(request: HttpRequest, standing: Standing, *, code: str, number: str) -> HttpResponse:  # noqa: ARG001
    """The pages that the bar has no room for."""
    return render(request, "web/wallet/more.html", {})
