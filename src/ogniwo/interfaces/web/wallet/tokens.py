"""Tokens: what proves energy, what pays, what is reserved; history both ways and its statement."""

from collections.abc import Iterator
from datetime import date

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _

from ogniwo.interfaces.web.context import day_of, month_of, viewer, workspace
from ogniwo.interfaces.web.downloads import download
from ogniwo.interfaces.web.registry import wallet_page
from ogniwo.interfaces.web.templatetags.console import local
from ogniwo.interfaces.web.wallet.answers import facts_of, shared_texts, view_of
from ogniwo.interfaces.web.wallet.bills import document_words
from ogniwo.services.access.viewers import Standing, out_of_sight
from ogniwo.services.ledger.contesting import dispute_paid, payment_of
from ogniwo.services.ledger.statements import (
    AssetStatement,
    StatementPeriodError,
    StatementTooLongError,
    TokenStatement,
    first_day,
    statement_pdf,
    token_statement,
)
from ogniwo.services.ledger.wallets import HistoryRow, NoSuchTransactionError, metering_tokens, wallet_history
from ogniwo.services.messages.queries import disputed_payments, messages_about_payment
from ogniwo.services.parties.sheet import table_bytes

_PAGE = 25


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
        "disputed": disputed_payments(subject=standing.subject),
        "direction": direction,
        "older": history[-1].log_index if len(history) == _PAGE else "",
        "facts": facts_of(request, standing, seen, code=code, urls=urls),
        "until": workspace().today(),
        "texts": _texts(),
    }
    return render(request, "web/wallet/tokens.html", context)


def _texts() -> dict[str, str]:
    return {
        **shared_texts(),
        "done": _("Done. It stands on the ledger."),
        "why": _("Write in a few words what is wrong."),
        "refused ledger.disputed": _("This reservation is disputed already."),
        "refused ledger.hold_expired": _("This reservation has ended already."),
        "refused wallet.text": _("Write in a few words what is wrong."),
    }


@wallet_page("tokens/statement/<str:form>/", name="wallet_tokens_statement")
def statement(request: HttpRequest, standing: Standing, *, code: str, number: str, form: str) -> HttpResponse:
    """What moved in a period, oldest first, with the balances around it, as PDF, CSV or XLSX.

    `from` and `to` are local days, both included; without them everything up to today.
    """
    form = form if form in {"pdf", "csv", "xlsx"} else "csv"
    today = workspace().today()
    try:
        first = _day(request.GET.get("from", ""), otherwise=first_day(workspace()))
        last = _day(request.GET.get("to", ""), otherwise=max(first, today))
        found = token_statement(workspace(), subject=standing.subject, first=first, last=last)
    except (StatementPeriodError, StatementTooLongError) as refusal:
        long = isinstance(refusal, StatementTooLongError)
        messages.error(
            request,
            _("More moved than one statement takes. Choose a shorter period.")
            if long
            else _("That is no period: choose two days, the first before the last, not in the future."),
        )
        return redirect(reverse("wallet_tokens", kwargs={"code": code, "number": number}) + "#statement")
    data = statement_pdf(found, language=document_words(standing)) if form == "pdf" else _table(form, found)
    return download(data, name=f"tokens-{number}-{first}-{last}.{form}")


@wallet_page("tokens/payments/<str:name>/", name="wallet_tokens_payment", methods=("GET", "POST"))
def payment(request: HttpRequest, standing: Standing, *, code: str, number: str, name: str) -> HttpResponse:
    """One payment: who, what for, where it stands on the ledger; what is wrong with it, and what the partner says."""
    with out_of_sight(NoSuchTransactionError):
        found = payment_of(workspace(), subject=standing.subject, name=name)
        if request.method == "POST":
            text = request.POST.get("text", "")
            dispute_paid(workspace(), subject=standing.subject, name=name, text=text, by=viewer(request).login)
            messages.success(request, _("Your message was sent. The answer will stand here."))
            return redirect("wallet_tokens_payment", code=code, number=number, name=name)
    said = messages_about_payment(subject=standing.subject, name=name)
    return render(request, "web/wallet/payment.html", {"payment": found, "said": said})


def _day(text: str, *, otherwise: date) -> date:
    if not text:
        return otherwise
    found = day_of(text)
    if found is None:
        raise StatementPeriodError(detail=f"{text[:20]!r} is no day of a ledger")
    return found


def _table(form: str, found: TokenStatement) -> bytes:
    """A row for each balance and movement; amounts in minor units beside the asset, whose name says their decimals."""
    heads = (
        _("Time"),
        _("Asset"),
        _("Entry"),
        _("Amount in minor units"),
        _("Balance in minor units"),
        _("Other side"),
        _("Name"),
        _("Text"),
        _("Bill"),
        _("Transaction"),
        _("Block"),
    )
    return table_bytes(form, heads, [row for one in found.assets for row in _rows(found, one)])


def _rows(found: TokenStatement, one: AssetStatement) -> Iterator[tuple[str | int | None, ...]]:
    nothing = ("", "", "", "", "", None)
    yield (f"{found.first}", one.asset, _("Opening balance"), None, one.opening, *nothing)
    for row, balance in one.rows:
        words = (row.other_number, row.other, row.text, row.bill, row.transaction)
        yield (local(row.time_s), one.asset, _("Movement"), row.amount, balance, *words, row.height)
    yield (f"{found.last}", one.asset, _("Closing balance"), None, one.closing, *nothing)
