"""The ledger: its head, accounts as a tree with balances, one account, and the check of the whole chain."""

from typing import Any, Final

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from ogniwo.interfaces.web.assets import amount_text
from ogniwo.interfaces.web.context import scope, workspace
from ogniwo.interfaces.web.registry import page
from ogniwo.services.access.roles import Act
from ogniwo.services.access.viewers import OutOfSightError, Standing
from ogniwo.services.ledger.access import NoLedgerError
from ogniwo.services.ledger.queries import (
    AccountBalance,
    AccountNotFoundError,
    account_view,
    balances,
    ledger_head,
)
from ogniwo.services.ledger.verifying import Check, verify_chain
from ogniwo.services.workspace.queries import Subject

_RESULT: Final = "verified_chain"
_SHOWN_FINDINGS: Final = 20


@page("ledger/", name="ledger", act=Act.SEE_LEDGER)
def ledger(request: HttpRequest, standing: Standing, *, code: str) -> HttpResponse:
    """Head and accounts."""
    subject = scope(standing, code)
    search, asset = request.GET.get("q", "").strip(), request.GET.get("asset", "")
    try:
        head, found = ledger_head(workspace()), balances(workspace(), subject=subject)
    except NoLedgerError:
        return render(request, "web/ledger.html", {"head": None})
    fits = [one for one in found if asset in {"", one.asset} and _fits(one, search)]
    sums: dict[str, int] = {}
    for one in fits:
        sums[one.asset] = sums.get(one.asset, 0) + one.amount
    context = {
        "head": head,
        "accounts": _tree(fits),
        "assets": sorted({one.asset for one in found}),
        "asset": asset,
        "search": search,
        "sums": [(name, amount_text(name, amount)) for name, amount in sorted(sums.items())],
        "result": request.session.pop(_RESULT, None),
    }
    return render(request, "web/ledger.html", context)


@page("ledger/account/<path:account>/", name="account", act=Act.SEE_LEDGER)
def account(request: HttpRequest, standing: Standing, *, code: str, account: str) -> HttpResponse:
    """One account: what it holds and how that came about."""
    try:
        found = account_view(workspace(), account=account, subject=scope(standing, code))
    except (AccountNotFoundError, NoLedgerError) as refusal:
        raise OutOfSightError(detail=refusal.detail) from refusal
    context = {
        "account": found,
        "balances": [(one.asset, amount_text(one.asset, one.amount)) for one in found.balances],
        "movements": [
            {
                "row": one,
                "amount": amount_text(one.asset, one.amount),
                "after": amount_text(one.asset, one.balance_after),
            }
            for one in found.movements
        ],
    }
    return render(request, "web/account.html", context)


@page("ledger/verify/", name="verify_ledger", act=Act.SEE_LEDGER, methods=("POST",))
def verify(request: HttpRequest, standing: Standing, *, code: str) -> HttpResponse:
    """Check every link of the chain: files, readings, documents, ledger."""
    checks = verify_chain(workspace(), pictures=False)
    request.session[_RESULT] = [_check(one, whole=standing.subject == Subject.operator()) for one in checks]
    if all(one.passed for one in checks):
        messages.success(request, _("Everything agrees."))
    return redirect("ledger", code=code)


def _check(check: Check, *, whole: bool) -> dict[str, Any]:
    """A link's outcome; what was found is named only to who sees the whole installation, others get its code."""
    shown = check.findings[:_SHOWN_FINDINGS]
    return {
        "name": check.name,
        "compared": check.compared,
        "passed": check.passed,
        "findings": [f"{one.code}: {one.message}" if whole else one.code for one in shown],
    }


def _fits(one: AccountBalance, search: str) -> bool:
    return not search or search.lower() in one.account.lower() or search.lower() in one.name.lower()


def _tree(found: list[AccountBalance]) -> list[dict[str, Any]]:
    """Accounts by path with their depth below the first, each with all its balances."""
    rows: dict[str, dict[str, Any]] = {}
    for one in found:
        row = rows.setdefault(
            one.account,
            {"account": one.account, "name": one.name, "depth": one.account.count("/") + 1, "balances": []},
        )
        row["balances"].append((one.asset, amount_text(one.asset, one.amount)))
    return [rows[account] for account in sorted(rows)]
