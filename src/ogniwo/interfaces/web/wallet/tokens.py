"""Tokens: what proves energy, what pays, what is reserved; history both ways and its statement."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from ogniwo.interfaces.web.context import month_of, workspace
from ogniwo.interfaces.web.downloads import download
from ogniwo.interfaces.web.registry import wallet_page
from ogniwo.interfaces.web.templatetags.console import local
from ogniwo.interfaces.web.wallet.answers import facts_of, shared_texts, view_of
from ogniwo.services.access.viewers import Standing
from ogniwo.services.ledger.wallets import HistoryRow, metering_tokens, wallet_history
from ogniwo.services.parties.sheet import table_bytes

_PAGE = 25
_STATEMENT_MAX = 5_000


@wallet_page("tokens/", name="wallet_tokens")
def tokens(request: HttpRequest, standing: Standing, *, code: str, number: str) -> HttpResponse:
    """The kinds side by side, what is reserved, and what moved."""
    seen = view_of(standing)
    place = {"code": code, "number": number}
    month = month_of(request)
    direction = request.GET.get("direction", "")
    direction = direction if direction in {"in", "out"} else ""
    before = request.GET.get("before", "")
    history: tuple[HistoryRow, ...] = ()
    if seen is not None:
        history = wallet_history(
            workspace(),
            subject=standing.subject,
            direction=direction,
            before=int(before) if before.isdecimal() else None,
            limit=_PAGE,
        )
    urls = {"submit": reverse("wallet_tokens_submit", kwargs=place)}
    context = {
        "seen": seen,
        "marketing": [one for one in seen.holdings if one.kind == "marketing"] if seen else [],
        "metering": metering_tokens(workspace(), subject=standing.subject, month=month) if seen else (),
        "shown_month": month,
        "months": (month.shifted(-1), month.shifted(1)),
        "history": history,
        "direction": direction,
        "older": history[-1].log_index if len(history) == _PAGE else "",
        "facts": facts_of(request, standing, seen, code=code, urls=urls),
        "texts": {**shared_texts(), "done": _("Done. It stands on the ledger.")},
    }
    return render(request, "web/wallet/tokens.html", context)


@wallet_page("tokens/statement/<str:form>/", name="wallet_tokens_statement")
def statement(request: HttpRequest, standing: Standing, *, code: str, number: str, form: str) -> HttpResponse:  # noqa: ARG001
    """Everything that moved, newest first, as CSV or XLSX; amounts in minor units beside their decimals."""
    form = form if form == "xlsx" else "csv"
    rows = wallet_history(workspace(), subject=standing.subject, limit=_STATEMENT_MAX)
    heads = (
        _("Time"),
        _("Asset"),
        _("Amount in minor units"),
        _("Other side"),
        _("Name"),
        _("Text"),
        _("Bill"),
        _("Transaction"),
        _("Block"),
    )
    data = table_bytes(
        form,
        heads,
        (
            (
                local(one.time_s),
                one.asset,
                one.amount,
                one.other_number,
                one.other,
                one.text,
                one.bill,
                one.transaction,
                one.height,
            )
            for one in rows
        ),
    )
    return download(data, name=f"tokens-{number}.{form}")
