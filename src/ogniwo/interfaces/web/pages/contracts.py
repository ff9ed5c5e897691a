"""E-contracts below the organisation: who signed what and when, how long it lasts, the document and the evidence."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _

from ogniwo.interfaces.web.context import language, scope, workspace
from ogniwo.interfaces.web.downloads import download
from ogniwo.interfaces.web.registry import page
from ogniwo.services.access.roles import Act
from ogniwo.services.access.viewers import Standing, out_of_sight
from ogniwo.services.contracts.econtracts import EContractNotFoundError, ErasedContractError
from ogniwo.services.contracts.evidence import NotSignedError
from ogniwo.services.contracts.own_contracts import contracts_below, document_of, evidence_of

_UNSEEN = (EContractNotFoundError, ErasedContractError, NotSignedError)
_STATES = (
    ("", _("all")),
    ("proposed", _("waits for signatures")),
    ("signed", _("signed, begins later")),
    ("active", _("agreement in force")),
    ("ended", _("agreement ended")),
    ("withdrawn", _("agreement withdrawn")),
    ("expired", _("expired unsigned")),
)


@page("contracts/", name="contracts", act=Act.SEE_LEDGER)
def contracts(request: HttpRequest, standing: Standing, *, code: str) -> HttpResponse:
    """Every contract in sight, newest first; by state and by party."""
    state, search = request.GET.get("state", ""), request.GET.get("q", "").strip().lower()
    found = contracts_below(workspace(), subject=scope(standing, code), language=language())
    shown = [
        one
        for one in found
        if (not state or one.view.status == state)
        and (not search or any(search in f"{party.word} {party.name}".lower() for party in one.parties))
    ]
    context = {"contracts": shown, "any": bool(found), "states": _STATES, "state": state, "search": search}
    return render(request, "web/contracts.html", context)


@page("contracts/<slug:name>/pdf/", name="contract_pdf", act=Act.SEE_LEDGER)
def contract_pdf(request: HttpRequest, standing: Standing, *, code: str, name: str) -> HttpResponse:  # noqa: ARG001 -- the registry passes it
    """The agreed document."""
    with out_of_sight(*_UNSEEN):
        data = document_of(name=name, subject=scope(standing, code), signed=False)
    return download(data, name=f"contract-{name[:16]}.pdf")


@page("contracts/<slug:name>/evidence/", name="contract_evidence", act=Act.SEE_LEDGER)
def contract_evidence(request: HttpRequest, standing: Standing, *, code: str, name: str) -> HttpResponse:  # noqa: ARG001 -- the same
    """Terms, document, receipts and certificates in one file that anyone can check offline."""
    with out_of_sight(*_UNSEEN):
        data = evidence_of(workspace(), name=name, subject=scope(standing, code))
    return download(data, name=f"contract-{name[:16]}.zip")
