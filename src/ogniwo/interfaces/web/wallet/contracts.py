"""A member's e-contracts: what each says, who signed it when, and the own signature with this device's key."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from ogniwo.interfaces.web.context import language, workspace
from ogniwo.interfaces.web.downloads import download
from ogniwo.interfaces.web.registry import wallet_page
from ogniwo.interfaces.web.wallet.answers import (
    after_signing_in,
    answers_json,
    body_of,
    facts_of,
    said,
    shared_texts,
    text_of,
    view_of,
)
from ogniwo.services.access.viewers import Standing, out_of_sight
from ogniwo.services.contracts.econtracts import EContractNotFoundError, ErasedContractError
from ogniwo.services.contracts.evidence import NotSignedError
from ogniwo.services.contracts.own_contracts import (
    document_of,
    evidence_of,
    offered_signature,
    own_contract,
    own_contracts,
    take_signature,
    terms_of,
)


@wallet_page("contracts/", name="wallet_contracts")
def contracts(request: HttpRequest, standing: Standing, *, code: str, number: str) -> HttpResponse:  # noqa: ARG001
    """Every contract with its state, dates and version; those that wait for the member's signature first."""
    found = own_contracts(workspace(), subject=standing.subject, language=language())
    ordered = sorted(found, key=lambda one: not one.may_sign)
    return render(
        request, "web/wallet/contracts.html", {"contracts": ordered, "waiting": sum(one.may_sign for one in found)}
    )


@wallet_page("contracts/offer/", name="wallet_contracts_offer", methods=("POST",))
@answers_json
@after_signing_in
def offer(request: HttpRequest, standing: Standing, *, code: str, number: str) -> Any:  # noqa: ANN401, ARG001
    """What the device is to sign; the document was drawn anew from the terms and compared."""
    name = text_of(body_of(request), "contract", most=64)
    with out_of_sight(EContractNotFoundError):
        return {"payload": offered_signature(workspace(), name=name, subject=standing.subject).decode()}


@wallet_page("contracts/sign/", name="wallet_contracts_sign", methods=("POST",))
@answers_json
@after_signing_in
def sign(request: HttpRequest, standing: Standing, *, code: str, number: str) -> Any:  # noqa: ANN401, ARG001
    """Put a signature on the ledger; the same again gives the same answer."""
    envelope = text_of(body_of(request), "envelope").encode()
    with out_of_sight(EContractNotFoundError):
        taken = take_signature(workspace(), envelope=envelope, subject=standing.subject)
    return {
        "transaction": taken.transaction,
        **said(taken.code, taken.detail),
        "height": taken.height,
        "time": taken.time_s,
        "again": taken.again,
    }


@wallet_page("contracts/<str:name>/pdf/", name="wallet_contracts_pdf")
def contract_pdf(request: HttpRequest, standing: Standing, *, code: str, number: str, name: str) -> HttpResponse:  # noqa: ARG001
    """The agreed document; with `?signed=1` the one that carries the parties' signatures."""
    signed = request.GET.get("signed") == "1"
    with out_of_sight(EContractNotFoundError, ErasedContractError):
        data = document_of(name=name, subject=standing.subject, signed=signed)
    end = "-signed" if signed else ""
    return download(data, name=f"contract-{name[:16]}{end}.pdf")


@wallet_page("contracts/<str:name>/evidence/", name="wallet_contracts_evidence")
def evidence(request: HttpRequest, standing: Standing, *, code: str, number: str, name: str) -> HttpResponse:  # noqa: ARG001
    """Everything that proves offline what was agreed, by whom, when, and what came of it."""
    with out_of_sight(EContractNotFoundError, ErasedContractError, NotSignedError):
        data = evidence_of(workspace(), name=name, subject=standing.subject)
    return download(data, name=f"contract-{name[:16]}-evidence.zip")


@wallet_page("contracts/<str:name>/", name="wallet_contracts_one")
def one_contract(request: HttpRequest, standing: Standing, *, code: str, number: str, name: str) -> HttpResponse:
    """One contract: its terms in words, its document, its signatures, and the step of signing."""
    place = {"code": code, "number": number}
    with out_of_sight(EContractNotFoundError):
        found = own_contract(workspace(), name=name, subject=standing.subject, language=language())
        terms = terms_of(name=name, subject=standing.subject)
    urls = {
        "offer": reverse("wallet_contracts_offer", kwargs=place),
        "sign": reverse("wallet_contracts_sign", kwargs=place),
        "pdf": reverse("wallet_contracts_pdf", kwargs={**place, "name": name}),
        "devices": reverse("wallet_devices", kwargs=place),
        "check": reverse("wallet_check", kwargs=place),
        "evidence": reverse("wallet_contracts_evidence", kwargs={**place, "name": name}),
    }
    facts = facts_of(request, standing, view_of(standing), code=code, urls=urls)
    facts |= {"contract": name, "salted": terms.salted if terms else ""}
    context = {
        "contract": found,
        "terms": terms,
        "signs": found.may_sign and facts["acts"],
        "leaves": found.leaving if facts["acts"] else "",
        "facts": facts,
        "texts": _texts(),
        "urls": urls,
    }
    return render(request, "web/wallet/contract.html", context)


def _texts() -> dict[str, str]:
    return {
        **shared_texts(),
        "mismatch": _("What the server offered is not this agreement with this document. Nothing was signed."),
        "unknown": _(
            "There was no answer, so it is not known yet whether your signature arrived. Send it again: it counts once."
        ),
        "signed": _("Signed"),
        "was_signed": _("Your signature had arrived already. It counts once."),
        "not_signed": _("Not signed"),
        "block": _("block %(height)s, %(time)s"),
        "refused wallet.not_yours": _("This was signed for another account. Nothing was signed here."),
        "refused access.not_found": _("This agreement is not there any more."),
        "refused econtract.erased": _("Terms and document of this agreement were erased. It cannot be signed."),
        "refused econtract.different_document": _(
            "The stored document is not what its terms look like. Do not sign; tell your organisation."
        ),
        "left": _("Done. It stands on the ledger."),
        "leave_unknown": _("There was no answer. Open this page again: it says whether the agreement still stands."),
        "refused ledger.already_signed": _("You have signed this agreement already, perhaps on another device."),
        "refused ledger.contract_state": _("This agreement can no longer be signed: it ended or was withdrawn."),
        "refused ledger.contract_document": _("This is not the document that was proposed. Nothing was signed."),
        "refused ledger.not_a_party": _("Your account is no party of this agreement. Nothing was signed."),
        "refused ledger.unknown_contract": _("The ledger does not know this agreement. Nothing was signed."),
        "refused ledger.key_not_active": _("The key of this device no longer counts. Nothing was signed."),
        "refused ledger.unknown_key": _("The ledger does not know the key of this device. Nothing was signed."),
        "refused ledger.expired": _("This was signed too long ago and no longer counts. Begin again."),
        "refused ledger.account_frozen": _("Your account is frozen. Nothing was signed; ask your organisation."),
        "refused ledger.second_key_needed": _(
            "This agreement obliges you to pay, and the key of this device has limits. "
            "Ask your organisation to lift them."
        ),
    }
