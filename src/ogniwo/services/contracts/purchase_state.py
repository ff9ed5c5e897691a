"""Read a group purchase back from its anchored documents, and check each of them against the ledger.

Everything that decides (who declared how much, which offers there are, who voted for which) is read from the documents
themselves, so what is compared and chosen is what stands behind the commitments.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from hashlib import sha256
from typing import Any

from ogniwo.core.billing.canonical import Json, canonical_bytes
from ogniwo.core.contracts.group_purchase import (
    Band,
    Choice,
    Decision,
    Declaration,
    Offer,
    PurchaseTerms,
    Weight,
    decide,
)
from ogniwo.core.kernel.refusals import Refusal
from ogniwo.core.ledger.signing import load_public_key, open_envelope, verify
from ogniwo.core.ledger.state import State
from ogniwo.records.contracts.models import PurchaseEntry
from ogniwo.records.parties.models import Organisation
from ogniwo.records.visibility import Subject
from ogniwo.services.ledger.viewing import view_ledger
from ogniwo.services.workspace.model import Workspace


class Step(StrEnum):
    """What a document of a group purchase is."""

    OPEN = "open"
    JOIN = "join"
    OFFER = "offer"
    REVEAL = "reveal"
    VOTE = "vote"
    RESULT = "result"
    CONTRACT = "contract"


class PurchaseNotFoundError(Refusal):
    """There is no such group purchase, or the subject may not see it."""

    code = "purchase.not_found"


class ErasedPurchaseError(Refusal):
    """A document of the group purchase was erased: it can be proved that it was there, not what it said."""

    code = "purchase.erased"


class PurchaseSignatureError(Refusal):
    """A declaration or a vote is not signed with a key that the ledger knows as that member's."""

    code = "purchase.signature"


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupPurchase:
    """A purchase as its documents say. `opening` is the commitment of its terms, which every document names.

    `accounts`, `points` and `votes` are by member number, `sealed` (commitments of offers) and `offers` by supplier;
    a vote names the supplier. `result` and `contracts` (by point) are empty while there are none.
    """

    code: str
    organisation: Organisation
    opening: str
    terms: PurchaseTerms
    declarations: tuple[Declaration, ...]
    accounts: Mapping[str, str]
    points: Mapping[str, tuple[str, ...]]
    sealed: Mapping[str, str]
    offers: tuple[Offer, ...]
    votes: Mapping[str, str]
    result: Mapping[str, Any]
    contracts: Mapping[str, str]
    commitments: tuple[str, ...]

    def decision(self) -> Decision:
        """What the rule says of the documents."""
        return decide(self.terms, self.declarations, self.offers, self.votes)


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedEntry:
    """A document beside the ledger: its commitment, where and when (block time) it stands, and what is wrong."""

    step: str
    word: str
    commitment: str
    transaction: str
    time_s: int
    faults: tuple[str, ...]


def entries_of(*, organisation: Organisation, code: str, subject: Subject) -> list[PurchaseEntry]:
    """The steps of a purchase in their order. Raises PurchaseNotFoundError."""
    visible = PurchaseEntry.objects.all().visible_to(subject).filter(organisation=organisation, purchase=code)
    found = list(visible.select_related("commitment", "member"))
    if not found or found[0].step != Step.OPEN:
        raise PurchaseNotFoundError(detail=f"{organisation.code} has no group purchase {code!r}")
    return found


def purchase_of(*, organisation: Organisation, code: str, subject: Subject) -> GroupPurchase:
    """A purchase from all its documents. Raises PurchaseNotFoundError, ErasedPurchaseError."""
    entries = entries_of(organisation=organisation, code=code, subject=subject)
    documents: dict[str, dict[str, Any]] = {step.value: {} for step in Step}
    for entry in entries:
        documents[entry.step][entry.word] = said_in(entry)
    (opening,) = documents[Step.OPEN].values()
    sealed = {word: one["sealed"] for word, one in documents[Step.OFFER].items()}
    suppliers = {digest: word for word, digest in sealed.items()}
    joined = documents[Step.JOIN]
    return GroupPurchase(
        code=code,
        organisation=organisation,
        opening=entries[0].commitment.commitment,
        terms=terms_of(opening),
        declarations=tuple(declaration_of(word, one) for word, one in sorted(joined.items())),
        accounts={word: one["account"] for word, one in joined.items()},
        points={word: tuple(one["points"]) for word, one in joined.items()},
        sealed=sealed,
        offers=tuple(offer_of(one["offer"]) for _, one in sorted(documents[Step.REVEAL].items())),
        votes={word: suppliers[one["offer"]] for word, one in documents[Step.VOTE].items()},
        result=next(iter(documents[Step.RESULT].values()), {}),
        contracts={word: one["contract"] for word, one in documents[Step.CONTRACT].items()},
        commitments=tuple(one.commitment.commitment for one in entries),
    )


def said_in(entry: PurchaseEntry) -> dict[str, Any]:
    """What a document says; of a signed one what is under the signature."""
    if not entry.commitment.salt:
        raise ErasedPurchaseError(detail=f"the document {entry} was erased")
    document: dict[str, Any] = json.loads(entry.commitment.payload)
    if "envelope" in document:
        signed: dict[str, Any] = json.loads(open_envelope(document["envelope"].encode()).payload)
        return signed
    return document


def terms_document(terms: PurchaseTerms) -> dict[str, Json]:
    """The terms as they stand in the opening document."""
    return {
        "from": terms.first.isoformat(),
        "to": terms.last_exclusive.isoformat(),
        "join_until_s": terms.join_until_s,
        "offers_until_s": terms.offers_until_s,
        "open_until_s": terms.open_until_s,
        "votes_until_s": terms.votes_until_s,
        "choice": terms.choice.value,
        "weight": terms.weight.value,
        "least_percent": terms.least_percent,
    }


def terms_of(document: Mapping[str, Any]) -> PurchaseTerms:
    """The terms in an opening document."""
    deadlines = ("join_until_s", "offers_until_s", "open_until_s", "votes_until_s", "least_percent")
    return PurchaseTerms(
        first=date.fromisoformat(document["from"]),
        last_exclusive=date.fromisoformat(document["to"]),
        choice=Choice(document["choice"]),
        weight=Weight(document["weight"]),
        **{name: document[name] for name in deadlines},
    )


def declaration_of(member: str, document: Mapping[str, Any]) -> Declaration:
    """The declaration in a member's document."""
    return Declaration(member=member, hours_wh=tuple(document["hours_wh"]), ceiling_e8=document["ceiling_e8"])


def offer_document(offer: Offer) -> dict[str, Json]:
    """An offer as it is sealed."""
    return {
        "supplier": offer.supplier,
        "bands": [{"hours": list(band.hours), "price_e8": band.price_e8} for band in offer.bands],
        "monthly_grosz": offer.monthly_grosz,
        "least_wh": offer.least_wh,
    }


def offer_of(document: Mapping[str, Any]) -> Offer:
    """The offer in an opened document. Raises OfferError."""
    return Offer(
        supplier=document["supplier"],
        bands=tuple(Band(hours=tuple(one["hours"]), price_e8=one["price_e8"]) for one in document["bands"]),
        monthly_grosz=document["monthly_grosz"],
        least_wh=document["least_wh"],
    )


def require_signature(state: State, envelope: bytes, *, account: str, now_s: int) -> bytes:
    """The payload under one good signature of a key that is this account's now. Raises PurchaseSignatureError."""
    opened = open_envelope(envelope)
    key = state.keys.get(opened.checks[0].kid) if len(opened.checks) == 1 else None
    if key is None or key.account != account or key.purpose != "transaction" or not key.active(now_s):
        raise PurchaseSignatureError(detail=f"the signature is not of one key that is now registered for {account}")
    verify(opened.checks[0], load_public_key(key.key))
    return opened.payload


def check_purchase(
    workspace: Workspace, *, organisation: Organisation, code: str, subject: Subject
) -> tuple[CheckedEntry, ...]:
    """Hold every document against the ledger: its commitment is anchored, in time, and signed; the result follows.

    Of one document alone a member has a receipt (`services.ledger.proving`), with its salt and content.
    """
    entries = entries_of(organisation=organisation, code=code, subject=subject)
    purchase = purchase_of(organisation=organisation, code=code, subject=subject)
    checked = []
    with view_ledger(workspace) as (ledger, projection), ledger.reading() as state:
        for entry in entries:
            row = entry.commitment
            salted = bytes.fromhex(row.salt) + row.payload.encode()
            faults = (
                [] if sha256(salted).hexdigest() == row.commitment else ["the document is not the one committed to"]
            )
            anchored = state.anchors.get(row.commitment)
            place = projection.find(anchored.transaction) if anchored else None
            if anchored is None or anchored.transaction != row.transaction_id or place is None:
                faults.append("the commitment is not on the ledger")
            faults += _signature_faults(state, entry, purchase)
            faults += _time_faults(purchase.terms, Step(entry.step), place.time_s if place else None)
            if entry.step == Step.REVEAL:
                faults += _reveal_faults(purchase, entry)
            if entry.step == Step.RESULT:
                faults += _result_faults(purchase)
            checked.append(
                CheckedEntry(
                    step=entry.step,
                    word=entry.word,
                    commitment=row.commitment,
                    transaction=row.transaction_id,
                    time_s=place.time_s if place else 0,
                    faults=tuple(faults),
                )
            )
    return tuple(checked)


def _signature_faults(state: State, entry: PurchaseEntry, purchase: GroupPurchase) -> list[str]:
    """A key that was revoked since still signed then, so only whose key it is and the signature are checked."""
    if entry.step not in {Step.JOIN, Step.VOTE}:
        return []
    opened = open_envelope(json.loads(entry.commitment.payload)["envelope"].encode())
    key = state.keys.get(opened.checks[0].kid)
    if key is None or key.account != purchase.accounts.get(entry.word):
        return ["the key is not the member's"]
    try:
        verify(opened.checks[0], load_public_key(key.key))
    except Refusal as refusal:
        return [refusal.detail]
    return []


_WINDOWS = {Step.JOIN: 0, Step.OFFER: 1, Step.REVEAL: 2, Step.VOTE: 3}


def _time_faults(terms: PurchaseTerms, step: Step, time_s: int | None) -> list[str]:
    if step not in _WINDOWS or time_s is None:
        return []
    bounds = (0, terms.join_until_s, terms.offers_until_s, terms.open_until_s, terms.votes_until_s)
    begins, ends = bounds[_WINDOWS[step]], bounds[_WINDOWS[step] + 1]
    return [] if begins <= time_s < ends else [f"it was put on the ledger at {time_s}, outside {begins} to {ends}"]


def seal_of(*, salt: str, document: Mapping[str, Json]) -> str:
    """The commitment to a sealed offer: SHA-256 of the salt's bytes and the canonical offer, in hex."""
    return sha256(bytes.fromhex(salt) + canonical_bytes(dict(document))).hexdigest()


def _reveal_faults(purchase: GroupPurchase, entry: PurchaseEntry) -> list[str]:
    document = said_in(entry)
    sealed = seal_of(salt=document["salt"], document=document["offer"])
    return [] if sealed == purchase.sealed.get(entry.word) else ["the opened offer is not the sealed one"]


def decision_document(decision: Decision) -> dict[str, Json]:
    """What was decided, as it stands in the result; suppliers and members by their words."""
    return {
        "chosen": decision.chosen,
        "outcome": decision.outcome.value,
        "weights": dict(decision.weights),
        "voted": decision.voted,
        "weight": decision.weight,
        "stays": list(decision.stays),
        "out": list(decision.out),
    }


def _result_faults(purchase: GroupPurchase) -> list[str]:
    said = {name: purchase.result.get(name) for name in decision_document(purchase.decision())}
    return [] if said == decision_document(purchase.decision()) else ["the result does not follow from the documents"]
