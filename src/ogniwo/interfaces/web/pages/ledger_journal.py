"""The ledger's journal: what was recorded, narrowed by the address, and one transaction with what it stands for."""

from dataclasses import asdict
from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _

from ogniwo.interfaces.web.assets import amount_text
from ogniwo.interfaces.web.context import day_of, scope, workspace
from ogniwo.interfaces.web.downloads import download
from ogniwo.interfaces.web.registry import page
from ogniwo.services.access.roles import Act
from ogniwo.services.access.viewers import Standing, out_of_sight
from ogniwo.services.ledger.access import NoLedgerError
from ogniwo.services.ledger.exploring import (
    Change,
    Entry,
    Filters,
    TransactionNotFoundError,
    journal,
    journal_csv,
    transaction_view,
)
from ogniwo.services.ledger.proving import prove_transaction

OPERATIONS: Final = {
    "genesis": _("The ledger was founded"),
    "register_account": _("Account opened"),
    "register_key": _("Key registered"),
    "revoke_key": _("Key revoked"),
    "bind_role": _("Role given"),
    "unbind_role": _("Role taken away"),
    "define_role": _("Role defined"),
    "define_asset": _("Asset defined"),
    "set_asset_policy": _("Rules of an asset set"),
    "switch_payments": _("Payments switched on or off"),
    "mint_days": _("Days of readings"),
    "mint_metering": _("Day of readings"),
    "anchor": _("Document committed to"),
    "post": _("Amounts posted"),
    "pay": _("Payment"),
    "revert": _("Payment reverted"),
    "hold": _("Amount held"),
    "settle": _("Held amount paid out"),
    "void": _("Held amount released"),
    "dispute": _("Dispute opened"),
    "resolve_dispute": _("Dispute resolved"),
    "define_rule": _("Reward rule defined"),
    "reward": _("Reward"),
    "lapse": _("Tokens lapsed"),
    "lend_right": _("Right lent"),
    "reclaim_right": _("Right taken back"),
    "set_policy": _("Quorum set"),
    "set_key_limits": _("Limits of a key set"),
    "set_frozen": _("Account frozen or thawed"),
    "start_recovery": _("Recovery started"),
    "stop_recovery": _("Recovery stopped"),
    "finish_recovery": _("Recovery finished"),
    "set_validator": _("Validator set"),
    "propose_contract": _("Contract proposed"),
    "sign_contract": _("Contract signed"),
    "withdraw_contract": _("Contract withdrawn"),
    "terminate_contract": _("Contract terminated"),
    "close_contract_period": _("Period of a contract closed"),
    "batch": _("Several operations at once"),
    "propose": _("Proposal"),
    "approve": _("Voice for a proposal"),
    "veto": _("Veto"),
}
SOURCES: Final = {
    "invoice": _("invoice"),
    "claims": _("claim of the invoice"),
    "statement": _("settlement statement"),
    "allocation": _("allocation of the month"),
    "readings": _("readings of a day"),
    "purchase": _("step of a group purchase"),
}


@page("ledger/journal/", name="ledger_journal", act=Act.SEE_LEDGER)
def ledger_journal(request: HttpRequest, standing: Standing, *, code: str) -> HttpResponse:
    """Entries that fit, newest first."""
    filters, before = filters_of(request), _whole(request.GET.get("before", ""))
    try:
        found = journal(workspace(), subject=scope(standing, code), filters=filters, before=before)
    except NoLedgerError:
        return render(request, "web/ledger_journal.html", {"journal": None})
    query = request.GET.copy()
    query.pop("before", None)
    context = {
        "journal": found,
        "entries": [_row(one) for one in found.entries],
        "filters": asdict(filters),
        "narrowed": filters != Filters(),
        "operations": [(one, OPERATIONS.get(one, one)) for one in found.operations],
        "query": query.urlencode(),
        "paged": before is not None,
    }
    return render(request, "web/ledger_journal.html", context)


@page("ledger/journal/csv/", name="ledger_journal_file", act=Act.SEE_LEDGER)
def ledger_journal_file(request: HttpRequest, standing: Standing, *, code: str) -> HttpResponse:
    """All entries that fit as CSV."""
    data = journal_csv(workspace(), subject=scope(standing, code), filters=filters_of(request))
    return download(data, name="journal.csv")


@page("ledger/transaction/<slug:name>/", name="ledger_transaction", act=Act.SEE_LEDGER)
def ledger_transaction(request: HttpRequest, standing: Standing, *, code: str, name: str) -> HttpResponse:
    """One transaction: when, who, what changed, what it stands for, and its fields."""
    with out_of_sight(TransactionNotFoundError, NoLedgerError):
        found = transaction_view(workspace(), name=name, subject=scope(standing, code))
    context = {
        "transaction": found,
        "row": _row(found.entry),
        "sources": [{"kind": SOURCES[one.kind], "data": one} for one in found.sources],
    }
    return render(request, "web/ledger_transaction.html", context)


@page("ledger/transaction/<slug:name>/proof/", name="ledger_proof", act=Act.SEE_LEDGER)
def ledger_proof(request: HttpRequest, standing: Standing, *, code: str, name: str) -> HttpResponse:  # noqa: ARG001 -- the registry passes it
    """The receipt of a transaction that concerns accounts in sight; anyone can check it offline."""
    with out_of_sight(TransactionNotFoundError, NoLedgerError):
        transaction_view(workspace(), name=name, subject=scope(standing, code))
    return download(prove_transaction(workspace(), name=name), name=f"receipt-{name[:12]}.json")


def filters_of(request: HttpRequest) -> Filters:
    """The filters that the address names; days that are none are left out."""
    asked = request.GET
    return Filters(
        account=asked.get("account", "").strip().strip("/"),
        operation=asked.get("operation", "") if asked.get("operation", "") in OPERATIONS else "",
        asset=asked.get("asset", ""),
        outcome="accepted" if asked.get("outcome") == "accepted" else "",
        name=asked.get("name", "").strip().lower(),
        first=day_of(asked.get("from", "")),
        last=day_of(asked.get("to", "")),
    )


def _whole(text: str) -> int | None:
    return int(text) if text.isdecimal() and len(text) < 18 else None


def _row(one: Entry) -> dict[str, Any]:
    return {
        "entry": one,
        "operation": OPERATIONS.get(one.operation, one.operation),
        "changes": [_change(each) for each in one.changes],
    }


def _change(one: Change) -> dict[str, Any]:
    return {"data": one, "amount": amount_text(one.asset, one.amount)}
