"""A member's bills: the list, one bill with the reason of every line, its PDF."""

from base64 import b64encode
from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy

from ogniwo.core.kernel.periods import epoch_of
from ogniwo.interfaces.web.context import language, workspace
from ogniwo.interfaces.web.downloads import download
from ogniwo.interfaces.web.registry import wallet_page
from ogniwo.services.access.viewers import Standing, out_of_sight
from ogniwo.services.billing.access import corrected_lines, document_pdf
from ogniwo.services.billing.queries import InvoiceNotFoundError
from ogniwo.services.messages.queries import messages_about
from ogniwo.services.parties.choices import own_document_language
from ogniwo.services.wallet.bills import BillLine, MemberBill, due_now, member_bill, member_bills

_STATES: Final = (
    ("", gettext_lazy("all")),
    ("open", gettext_lazy("to pay")),
    ("paid", gettext_lazy("paid")),
    ("corrected", gettext_lazy("corrected")),
)
_OPEN: Final = {"open", "overdue"}


def document_words(standing: Standing) -> str:
    """The language of a document to be drawn for a member: his choice, else that of the page."""
    return own_document_language(subject=standing.subject) or language()


@wallet_page("bills/", name="wallet_bills")
def bills(request: HttpRequest, standing: Standing, *, code: str, number: str) -> HttpResponse:  # noqa: ARG001
    """Every document with its state."""
    found = member_bills(workspace(), subject=standing.subject)
    year = request.GET.get("year", "")
    state = request.GET.get("state", "")
    state = state if state in dict(_STATES) else ""
    shown = [
        one
        for one in found
        if year in {"", one.month[:4]} and (not state or one.state == state or (state == "open" and one.state in _OPEN))
    ]
    context = {
        "due": due_now(found),
        "shown": shown,
        "any": bool(found),
        "years": sorted({one.month[:4] for one in found}, reverse=True),
        "year": year,
        "states": _STATES,
        "state": state,
    }
    return render(request, "web/wallet/bills.html", context)


@wallet_page("bills/<path:bill>/pdf/", name="wallet_bills_pdf")
def bill_pdf(request: HttpRequest, standing: Standing, *, code: str, number: str, bill: str) -> HttpResponse:  # noqa: ARG001
    """The document as PDF, in the language that the member chose for his documents, else in that of the page."""
    drawn_in = document_words(standing)
    with out_of_sight(InvoiceNotFoundError):
        data = document_pdf(workspace(), number=bill, subject=standing.subject, language=drawn_in)
    return download(data, name=f"{bill}.pdf")


@wallet_page("bills/<path:bill>/", name="wallet_bills_one")
def one_bill(request: HttpRequest, standing: Standing, *, code: str, number: str, bill: str) -> HttpResponse:  # noqa: ARG001
    """One document: what to pay and how, why each line is what it is, what changed."""
    with out_of_sight(InvoiceNotFoundError):
        found = member_bill(workspace(), number=bill, subject=standing.subject, language=language())
    context = {
        "bill": found,
        "code_image": _image(found.code_svg),
        "document": found.document,
        "groups": (
            (gettext_lazy("By energy and power"), _lines(found, variable=True)),
            (gettext_lazy("Fixed, by time"), _lines(found, variable=False)),
        ),
        "changes": [one for one in found.changes if one.difference_grosz],
        "change": sum(one.difference_grosz for one in found.changes),
        "pairs": corrected_lines(found.document),
        "polish": language() == "pl",
        "said": messages_about(subject=standing.subject, bill=bill),
    }
    return render(request, "web/wallet/bill.html", context)


def _image(svg: str) -> str:
    return f"data:image/svg+xml;base64,{b64encode(svg.encode()).decode()}" if svg else ""


def _lines(found: MemberBill, *, variable: bool) -> dict[str, Any]:
    """The lines of one kind with their sum."""
    lines = [_line(one) for one in found.lines if one.variable == variable]
    return {"lines": lines, "net_grosz": sum(one["line"].net_grosz for one in lines)}


def _line(one: BillLine) -> dict[str, Any]:
    return {"line": one, "why": one.why, "hours": one.hours, "begins": epoch_of(one.why.intervals.period.start)}
