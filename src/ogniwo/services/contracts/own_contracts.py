"""A member's own e-contracts: what each says, who signed it when; signing, declining and withdrawing by a device."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from ogniwo.core.ledger.admission import open_transaction
from ogniwo.core.ledger.canonical import encode
from ogniwo.core.ledger.state_records import EContract as ContractState
from ogniwo.core.ledger.transactions import SignContract, WithdrawContract
from ogniwo.core.posting.contract_terms import read_terms
from ogniwo.formats.contract_pdf.render import all_contract_texts, contract_words
from ogniwo.records.contracts.models import EContract
from ogniwo.records.visibility import Subject
from ogniwo.services.contracts.econtract_parties import contract_party
from ogniwo.services.contracts.econtracts import (
    ContractView,
    EContractNotFoundError,
    act_of_party,
    contract_view,
    econtract,
    readable,
    signing_payload,
)
from ogniwo.services.contracts.evidence import evidence_pack
from ogniwo.services.ledger.sending import WAIT_S, NotYoursError, Taken, placed, taken
from ogniwo.services.ledger.viewing import view_ledger
from ogniwo.services.ledger.wallets import account_of
from ogniwo.services.workspace.model import Workspace

_NAME_LENGTH: Final = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class PartyStanding:
    """A party as the terms name it ("" where they were erased), and when it signed: block time, 0 = not yet."""

    word: str
    name: str
    role: str
    own: bool
    signed_s: int
    transaction: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnContract:
    """A contract of a member; times are seconds since 1970, 0 = not.

    `version` counts the contracts that it amends, one after another, from 1. `sign_until_s` is when a proposal ends,
    `withdraw_until_s` until when the member may withdraw as a consumer. `leaving` is what he may do to get out of it
    now: "decline" a proposal, "withdraw" as a consumer, or "".
    """

    view: ContractView
    title: str
    version: int
    parties: tuple[PartyStanding, ...]
    sign_until_s: int
    signed_s: int
    withdraw_until_s: int
    may_sign: bool
    leaving: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractTerms:
    """The words of the PDF (`contract_words`), and the terms with salt as the canonical JSON a device can check."""

    words: Mapping[str, Any]
    salted: str


def own_contracts(workspace: Workspace, *, subject: Subject, language: str) -> tuple[OwnContract, ...]:
    """Every contract the member is a party of, newest first; titles in "pl" or "en"."""
    return _listed(workspace, subject, account_of(subject), language)


def contracts_below(workspace: Workspace, *, subject: Subject, language: str) -> tuple[OwnContract, ...]:
    """Every contract with a party below the path of an office, which is no party itself; the rest is the same."""
    return _listed(workspace, subject, "", language)


def _listed(workspace: Workspace, subject: Subject, own: str, language: str) -> tuple[OwnContract, ...]:
    rows = EContract.objects.all().visible_to(subject).prefetch_related("parties__member").distinct()
    records = list(rows.order_by("-proposed_at", "name"))
    if not records:
        return ()
    with view_ledger(workspace) as (ledger, _), ledger.reading() as state:
        held = {record.name: state.contracts.get(record.name) for record in records}
    before = {name: one.replaces for name, one in held.items() if one is not None}
    now = int(workspace.now().timestamp())
    return tuple(_own(record, held[record.name], before, own, now, language) for record in records)


def own_contract(workspace: Workspace, *, name: str, subject: Subject, language: str) -> OwnContract:
    """One of them by its whole name; raises EContractNotFoundError, also for a contract of others."""
    found = [one for one in own_contracts(workspace, subject=subject, language=language) if one.view.name == name]
    if not found:
        raise EContractNotFoundError(detail="you have no such contract")
    return found[0]


def _own(
    record: EContract, state: ContractState | None, before: Mapping[str, str], own: str, now: int, language: str
) -> OwnContract:
    parties = _parties(record, state, own)
    view = contract_view(record, state, now)
    words = all_contract_texts()[language]
    party = state.party(own) if state else None
    may_withdraw = state is not None and state.signed and party is not None and party.role == "consumer"
    withdraw_until_s = state.signed + state.withdraw_s if state is not None and may_withdraw else 0
    unsigned = any(one.own and not one.signed_s for one in parties)
    return OwnContract(
        view=view,
        title=words.get(f"title_{record.template}", record.template),
        version=_version(record.name, before),
        parties=parties,
        sign_until_s=state.sign_until if state else 0,
        signed_s=state.signed if state else 0,
        withdraw_until_s=withdraw_until_s,
        may_sign=view.status == "proposed" and unsigned and record.erased_at is None,
        leaving=_leaving(state, party is not None, withdraw_until_s, now),
    )


def _leaving(state: ContractState | None, is_party: bool, withdraw_until_s: int, now: int) -> str:  # noqa: FBT001
    """How the member may get out, as the rules of the ledger have it (`withdraw_contract`)."""
    if state is None or state.withdrawn or not is_party:
        return ""
    if not state.signed:
        return "decline" if state.status(now) == "proposed" else ""
    return "withdraw" if now < withdraw_until_s and not state.superseded else ""


def _version(name: str, before: Mapping[str, str]) -> int:
    count = 1
    while name := before.get(name, ""):
        count += 1
    return count


def _parties(record: EContract, state: ContractState | None, own: str) -> tuple[PartyStanding, ...]:
    signatures = {one.account: one for one in state.signatures} if state else {}
    named: dict[str, tuple[str, str]] = {}
    if record.terms:
        terms = read_terms(record.terms.encode()).terms
        words = all_contract_texts()[terms.language]
        named = {one.account: (one.name, words[f"role_{one.role}"]) for one in terms.parties}
    found = []
    for party in record.parties.all():
        signature = signatures.get(party.account)
        name, role = named.get(party.account, ("", ""))
        found.append(
            PartyStanding(
                word=party.member.number if party.member else party.account.rpartition("/")[2],
                name=name,
                role=role,
                own=party.account == own,
                signed_s=signature.time if signature else 0,
                transaction=signature.transaction if signature else "",
            )
        )
    return tuple(found)


def terms_of(*, name: str, subject: Subject) -> ContractTerms | None:
    """What a contract of the member says; None when terms and document were erased."""
    record = _whole_name(name, subject)
    if record.erased_at is not None:
        return None
    salted = read_terms(record.terms.encode())
    return ContractTerms(words=contract_words(salted), salted=encode(salted).decode())


def document_of(*, name: str, subject: Subject, signed: bool) -> bytes:
    """The agreed PDF, or the one with PAdES signatures; raises EContractNotFoundError and ErasedContractError."""
    record = readable(_whole_name(name, subject).name, subject=subject)
    if signed and not record.signed_pdf:
        raise EContractNotFoundError(detail="nobody has signed the PDF itself")
    return bytes(record.signed_pdf if signed else record.pdf)


def evidence_of(workspace: Workspace, *, name: str, subject: Subject) -> bytes:
    """The evidence pack of a contract of the member's.

    Raises EContractNotFoundError, ErasedContractError, NotSignedError.
    """
    return evidence_pack(workspace, name=_whole_name(name, subject).name, subject=subject)


def offered_signature(workspace: Workspace, *, name: str, subject: Subject) -> bytes:
    """What the member's device is to sign, canonical JSON with an id of its own and an hour to live."""
    record = _whole_name(name, subject)
    party = contract_party(subject.member_number, subject=subject)
    return signing_payload(workspace, name=record.name, party=party, subject=subject)


def take_signature(workspace: Workspace, *, envelope: bytes, subject: Subject) -> Taken:
    """Put the member's signature of a contract, or his withdrawal, on the ledger, once however often it is sent.

    Raises NotYoursError for any other act or account, EContractNotFoundError, ErasedContractError, BusyError and
    LockedError (send the same again), StoppedError (the outcome is unknown: send the same again) and the refusals of
    `open_transaction`. What the ledger's rules refuse is given as a code.
    """
    opened = open_transaction(envelope)
    payload = opened.payload
    own = payload.account == account_of(subject) and payload.network == workspace.network
    if not own or not isinstance(payload, SignContract | WithdrawContract):
        raise NotYoursError(detail="this is no signature of a contract, and no withdrawal, by this wallet's account")
    record = _whole_name(payload.contract, subject)
    before = placed(workspace, opened.transaction)
    if before is not None:
        return before
    if isinstance(payload, SignContract):
        readable(record.name, subject=subject)
    answer = act_of_party(workspace, envelope, subject=subject, wait_s=WAIT_S)
    there = placed(workspace, opened.transaction) if answer.height < 0 else None
    return there or taken(opened.transaction, answer)


def _whole_name(name: str, subject: Subject) -> EContract:
    if len(name) != _NAME_LENGTH:
        raise EContractNotFoundError(detail="you have no such contract")
    return econtract(name, subject=subject)
