"""Bills: the list, one bill down to the hours behind its lines, its PDF and its receipt."""

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _

from ogniwo.core.kernel.periods import epoch_of
from ogniwo.interfaces.web.context import language, month_of, scope, viewer, workspace
from ogniwo.interfaces.web.downloads import download
from ogniwo.interfaces.web.registry import page
from ogniwo.services.access.roles import Act
from ogniwo.services.access.viewers import Standing, out_of_sight
from ogniwo.services.billing.access import DocumentView, corrected_lines, document_pdf, document_view, issued_documents
from ogniwo.services.billing.mailing import letters_are_files, letters_of
from ogniwo.services.billing.queries import InvoiceNotFoundError
from ogniwo.services.jobs.asking import start_job
from ogniwo.services.ledger.access import NoLedgerError
from ogniwo.services.ledger.proving import NothingToProveError, prove_document
from ogniwo.services.plugins.exporting import bill_exports
from ogniwo.services.workspace.queries import Subject

_PER_PAGE = 100


@page("bills/", name="bills", act=Act.SEE_BILLS)
def bills(request: HttpRequest, standing: Standing, *, code: str) -> HttpResponse:
    """Issued documents of the month, or of all months."""
    whole = request.GET.get("when") == "all"
    search = request.GET.get("q", "").strip()
    month = "" if whole else str(month_of(request))
    found = issued_documents(subject=scope(standing, code), month=month, search=search)
    net, gross = found.totals("net_grosz", "gross_grosz")
    query = request.GET.copy()
    query.pop("page", None)
    may_mail = not whole and viewer(request).may(Act.ISSUE_BILLS, path=scope(standing, code).path)
    context = {
        "letters": letters_of(subject=scope(standing, code), month=str(month_of(request))) if may_mail else None,
        "files_only": letters_are_files(),
        "paging": Paginator(found, _PER_PAGE).get_page(request.GET.get("page")),
        "query": f"{query.urlencode()}&" if query else "",
        "search": search,
        "whole": whole,
        "exports": bill_exports(workspace()),
        "net": net,
        "gross": gross,
    }
    return render(request, "web/bills.html", context)


@page("bills/take-away/", name="export_bills", act=Act.SEE_BILLS, methods=("POST",))
def take_away(request: HttpRequest, standing: Standing, *, code: str) -> HttpResponse:  # noqa: ARG001
    """Ask for all bills of the month as one file, or for the files that a plug-in makes of them."""
    form = request.POST.get("form", "")
    if form and form not in {one.key for one in bill_exports(workspace())}:
        messages.error(request, _("There is no such export."))
        return redirect(f"{reverse('bills', kwargs={'code': code})}?month={month_of(request)}")
    return _job(request, code, kind="export_bills", **({"form": form} if form else {}))


@page("bills/mail/", name="mail_bills", act=Act.ISSUE_BILLS, methods=("POST",))
def mail(request: HttpRequest, standing: Standing, *, code: str) -> HttpResponse:  # noqa: ARG001
    """Ask for the bills of the month to be sent by e-mail; what was sent already is not sent again."""
    return _job(request, code, kind="mail_bills")


def _job(request: HttpRequest, code: str, *, kind: str, **more: str) -> HttpResponse:
    """Ask for work on the bills of the month, once; its page shows how it goes."""
    month = str(month_of(request))
    by = viewer(request).login
    asked, key = {"month": month, **more}, " ".join((month, *more.values()))
    started = start_job(workspace(), kind=kind, organisation_code=code, parameters=asked, by=by, key=key)
    return redirect("job", code=code, job_id=started.id)


@page("bills/<path:number>/pdf/", name="bill_pdf", act=Act.SEE_BILLS)
def bill_pdf(request: HttpRequest, standing: Standing, *, code: str, number: str) -> HttpResponse:  # noqa: ARG001
    """The document as PDF."""
    with out_of_sight(InvoiceNotFoundError):
        data = document_pdf(workspace(), number=number, subject=scope(standing, code), language=language())
    return download(data, name=f"{number}.pdf")


@page("bills/<path:number>/receipt/", name="bill_receipt", act=Act.SEE_LEDGER)
def bill_receipt(request: HttpRequest, standing: Standing, *, code: str, number: str) -> HttpResponse:  # noqa: ARG001
    """The receipt of the document: anyone can check it offline."""
    with out_of_sight(InvoiceNotFoundError, NothingToProveError):
        data = prove_document(workspace(), kind="invoice", natural_id=number, subject=scope(standing, code))
    return download(data, name=f"receipt-{number}.json")


@page("bills/<path:number>/", name="bill", act=Act.SEE_BILLS)
def bill(request: HttpRequest, standing: Standing, *, code: str, number: str) -> HttpResponse:
    """One document with the reasons of every line and the hours behind it."""
    subject = scope(standing, code)
    with out_of_sight(InvoiceNotFoundError):
        found = document_view(workspace(), number=number, subject=subject, language=language(), with_hours=True)
    context = {
        "number": number,
        "document": found.document,
        "digest": found.digest,
        "lines": _lines(found),
        "pairs": corrected_lines(found.document),
        "corrects": found.corrects,
        "polish": language() == "pl",
        "provable": viewer(request).may(Act.SEE_LEDGER, path=subject.path) and _provable(number, subject),
    }
    return render(request, "web/bill.html", context)


def _lines(found: DocumentView) -> list[dict[str, object]]:
    """Every line with its reasons and, where it counts energy, its hours."""
    return [
        {
            "why": one,
            "hours": found.hours.get(one.line_number),
            "from": one.intervals.first,
            "to": one.intervals.last_exclusive,
            "begins": epoch_of(one.intervals.period.start),
        }
        for one in found.explanations
    ]


def _provable(number: str, subject: Subject) -> bool:
    """Whether the document is on the ledger."""
    try:
        prove_document(workspace(), kind="invoice", natural_id=number, subject=subject)
    except (NoLedgerError, NothingToProveError):
        return False
    return True
