"""The ledger: its head, accounts as a tree with balances of any day, one account, and the check of the whole chain."""

from typing import Any, Final

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from ogniwo.interfaces.web.assets import amount_text
from ogniwo.interfaces.web.context import day_of, scope, viewer, workspace
from ogniwo.interfaces.web.pages.ledger_journal import OPERATIONS
from ogniwo.interfaces.web.registry import page
from ogniwo.services.access.roles import Act
from ogniwo.services.access.viewers import Standing, out_of_sight
from ogniwo.services.jobs.asking import start_job
from ogniwo.services.jobs.queries import JobFilter, jobs_below, workers
from ogniwo.services.ledger.access import NoLedgerError
from ogniwo.services.ledger.exploring import balances_at
from ogniwo.services.ledger.queries import AccountBalance, AccountNotFoundError, account_view, ledger_head
from ogniwo.services.ledger.verifying import Check, verify_chain
from ogniwo.services.workspace.queries import Subject

_RESULT: Final = "verified_chain"
_SHOWN_FINDINGS: Final = 20
_PER_PAGE: Final = 100
_JOB: Final = "verify_ledger"


@page("ledger/", name="ledger", act=Act.SEE_LEDGER)
def ledger(request: HttpRequest, standing: Standing, *, code: str) -> HttpResponse:
    """Head and accounts, these as of now or of the end of a day or block."""
    subject = scope(standing, code)
    search, asset = request.GET.get("q", "").strip(), request.GET.get("asset", "")
    day, height = day_of(request.GET.get("at", "")), _height(request.GET.get("height", ""))
    try:
        head = ledger_head(workspace())
        found = balances_at(workspace(), subject=subject, day=day, height=height)
    except NoLedgerError:
        return render(request, "web/ledger.html", {"head": None})
    fits = [one for one in found if asset in {"", one.asset} and _fits(one, search)]
    sums: dict[str, int] = {}
    for one in fits:
        sums[one.asset] = sums.get(one.asset, 0) + one.amount
    query = request.GET.copy()
    query.pop("page", None)
    context = {
        "head": head,
        "paging": Paginator(_tree(fits), _PER_PAGE).get_page(request.GET.get("page")),
        "query": f"{query.urlencode()}&" if query else "",
        "assets": sorted({one.asset for one in found}),
        "asset": asset,
        "search": search,
        "sums": [(name, amount_text(name, amount)) for name, amount in sorted(sums.items())],
        "result": request.session.pop(_RESULT, None),
        "at": day,
        "height": None if day else height,
        "job": _verification(subject, whole=standing.subject == Subject.operator()),
        "workers": workers().alive,
    }
    return render(request, "web/ledger.html", context)


@page("ledger/account/<path:account>/", name="account", act=Act.SEE_LEDGER)
def account(request: HttpRequest, standing: Standing, *, code: str, account: str) -> HttpResponse:
    """One account: what it holds and how that came about."""
    with out_of_sight(AccountNotFoundError, NoLedgerError):
        found = account_view(workspace(), account=account, subject=scope(standing, code))
    context = {
        "account": found,
        "by_code": "/p-" in found.account and bool(found.name),
        "balances": [(one.asset, amount_text(one.asset, one.amount)) for one in found.balances],
        "movements": [
            {
                "row": one,
                "operation": OPERATIONS.get(one.operation, one.operation),
                "amount": amount_text(one.asset, one.amount),
                "after": amount_text(one.asset, one.balance_after),
            }
            for one in found.movements
        ],
    }
    return render(request, "web/account.html", context)


@page("ledger/verify/", name="verify_ledger", act=Act.SEE_LEDGER, methods=("POST",))
def verify(request: HttpRequest, standing: Standing, *, code: str) -> HttpResponse:
    """Check every link of the chain at once: files, readings, documents, ledger."""
    checks = verify_chain(workspace(), pictures=False)
    request.session[_RESULT] = [_check(one, whole=standing.subject == Subject.operator()) for one in checks]
    if all(one.passed for one in checks):
        messages.success(request, _("Everything agrees."))
    return redirect("ledger", code=code)


@page("ledger/verify/job/", name="verify_ledger_job", act=Act.SEE_LEDGER, methods=("POST",))
def verify_job(request: HttpRequest, standing: Standing, *, code: str) -> HttpResponse:  # noqa: ARG001 -- the registry passes it
    """The same check beside the pages: it says how far it is, and goes on when the page is closed."""
    start_job(
        workspace(),
        kind=_JOB,
        organisation_code=code,
        parameters={},
        by=viewer(request).login,
        key=_JOB,
    )
    return redirect("ledger", code=code)


def _verification(subject: Subject, *, whole: bool) -> dict[str, Any] | None:
    """The newest check that ran or runs as a job; findings by code only where others' names could be in them."""
    job = next(iter(jobs_below(subject=subject, wanted=JobFilter(kind=_JOB))[:1]), None)
    if job is None:
        return None
    findings = job.result.get("findings", [])
    return {
        "job": job,
        "checks": job.result.get("checks", []),
        "findings": [{"code": one["code"], "message": one["message"] if whole else ""} for one in findings],
    }


def _height(text: str) -> int | None:
    return int(text) if text.isdecimal() and len(text) < 10 else None


def _check(check: Check, *, whole: bool) -> dict[str, Any]:
    """A link's outcome; what was found is named only to who sees the whole installation, others get its code."""
    shown = check.findings[:_SHOWN_FINDINGS]
    return {
        "name": check.name,
        "compared": check.compared,
        "passed": check.passed,
        "findings": [{"code": one.code, "message": one.message if whole else ""} for one in shown],
    }


def _fits(one: AccountBalance, search: str) -> bool:
    return not search or search.lower() in one.account.lower() or search.lower() in one.name.lower()


def _tree(found: list[AccountBalance]) -> list[dict[str, Any]]:
    """Accounts by path with their depth below the first, each with all its balances."""
    rows: dict[str, dict[str, Any]] = {}
    for one in found:
        row = rows.get(one.account)
        if row is None:
            depth = one.account.count("/") + 1
            row = rows[one.account] = {"account": one.account, "name": one.name, "depth": depth, "balances": []}
        row["balances"].append((one.asset, one.amount))
    return [rows[account] for account in sorted(rows)]
