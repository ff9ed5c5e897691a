"""What became of the energy a member fed in: credits from members, the pool of all, why there is no deposit."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from ogniwo.interfaces.web.context import language, workspace
from ogniwo.interfaces.web.registry import wallet_page
from ogniwo.services.access.viewers import Standing
from ogniwo.services.metering.declaring import feeds_in
from ogniwo.services.wallet.deposit import community_pool, given_months
from ogniwo.services.wallet.energy import data_until


@wallet_page("deposit/", name="wallet_deposit")
def deposit(request: HttpRequest, standing: Standing, *, code: str, number: str) -> HttpResponse:  # noqa: ARG001
    """Settled months with what was fed in and credited, and the pool of the community."""
    months = given_months(subject=standing.subject)
    context = {
        "months": [one for one in months if one.given_wh],
        "drawn": [one for one in months if one.from_pool_wh],
        "settled": bool(months),
        "feeds_in": feeds_in(subject=standing.subject),
        "pool": community_pool(code=code),
        "polish": language() == "pl",
        "until": data_until(workspace(), subject=standing.subject),
    }
    return render(request, "web/wallet/deposit.html", context)
