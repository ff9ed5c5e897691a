"""E-contracts of a workspace: propose, sign, withdraw, terminate, close months; what stands where."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

import msgspec
from cryptography.hazmat.primitives.asymmetric import ec
from django.db import transaction

from ogniwo.chain.inbox import Answer
from ogniwo.core.kernel.calendar import Month
from ogniwo.core.kernel.refusals import Refusal
from ogniwo.core.ledger.admission import open_transaction
from ogniwo.core.ledger.canonical import encode
from ogniwo.core.ledger.state_records import ContractPeriod
from ogniwo.core.ledger.state_records import EContract as ContractState
from ogniwo.core.ledger.transactions import (
    CloseContractPeriod,
    Measured,
    ProposeContract,
    SignContract,
    TerminateContract,
    WithdrawContract,
)
from ogniwo.core.posting.contract_terms import proposed, read_terms
from ogniwo.records.contracts.models import EContract, EContractParty
from ogniwo.records.visibility import Subject
from ogniwo.services.contracts.drafting import drawn
from ogniwo.services.contracts.econtract_parties import ContractParty, contract_party, operator_of
from ogniwo.services.ledger.access import (
    OPERATOR_KEY,
    LedgerRefusedError,
    frame,
    key_store,
    open_ledger,
    signed,
    submit,
)
from ogniwo.services.ledger.founding import ensure_ledger
from ogniwo.services.ledger.viewing import wait_for_ledger
from ogniwo.services.workspace.audit import record_act
from ogniwo.services.workspace.changing import changing
from ogniwo.services.workspace.model import Workspace

SIGNING_S = 30 * 86_400
_PARTY_OPERATIONS = (SignContract, WithdrawContract, TerminateContract, CloseContractPeriod)


class EContractNotFoundError(Refusal):
    """There is no such e-contract, or the subject may not see it."""

    code = "econtract.not_found"


class ErasedContractError(Refusal):
    """The terms and the document of the contract were erased."""

    code = "econtract.erased"


class DifferentDocumentError(Refusal):
    """What is to be signed is not what the terms look like when they are drawn again."""

    code = "econtract.different_document"


class NotAContractOperationError(Refusal):
    """An envelope holds something else than an act of a party in a contract of this workspace."""

    code = "econtract.not_an_act"


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractView:
    """A contract as the ledger and the workspace know it together; times are seconds since 1970, 0 = not."""

    name: str
    template: str
    status: str
    parties: tuple[str, ...]
    signed_by: tuple[str, ...]
    valid_from_s: int
    ends_s: int
    replaces: str
    successor: str
    commitment: str
    document: str
    erased: bool
    seals: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PeriodView:
    """What one obligation of a contract came to in a month, in minor units of its asset."""

    period: str
    obligation: int
    kind: str
    payer: str
    taker: str
    asset: str
    quantity: int
    amount: int
    posted: int
    shortfall: int
    holds: tuple[str, ...]


def econtract(name: str, *, subject: Subject) -> EContract:
    """The stored contract whose name begins like this; refuses none, and several."""
    found = list(EContract.objects.all().visible_to(subject).filter(name__startswith=name.lower()).distinct()[:2])
    if len(found) != 1 or not name:
        raise EContractNotFoundError(
            detail=f"{'several contracts begin' if found else 'there is no contract that begins'} with {name!r}"
        )
    return found[0]


def propose(
    workspace: Workspace, *, terms: bytes, subject: Subject, by: tuple[ContractParty, ec.EllipticCurvePrivateKey] | None
) -> str:
    """Put a contract before its parties and give its name.

    `by` is a party with its key; None lets the operator propose. The parties' accounts must be those of members or
    organisations of this workspace.
    """
    draft = drawn(terms)
    salted = read_terms(terms)
    parties = [contract_party(_word(one.number, one.account, subject), subject=subject) for one in salted.terms.parties]
    organisation = parties[0].organisation
    with changing(workspace, "contract propose"), open_ledger(workspace) as ledger:
        ensure_ledger(workspace, ledger, community=organisation)
        account, key = (
            (by[0].account, by[1]) if by else (operator_of(ledger), key_store(workspace).signing_key(OPERATOR_KEY))
        )
        now = workspace.now()
        payload = ProposeContract(
            **frame(workspace, account=account),
            document=draft.document,
            sign_until=_sign_until(proposed(salted).valid_to, now),
            **proposed(salted)._asdict(),
        )
        name = sha256(encode(payload)).hexdigest()
        record = _stored(name, payload, draft.terms, draft.pdf, parties, now)
        try:
            submit(ledger, [signed(payload, key)])
        except Refusal:
            record.delete()
            raise
        record_act(workspace, action="contract.propose", target=name, facts={"template": payload.template})
    return name


def _sign_until(valid_to: int, now: datetime) -> int:
    latest = int(now.timestamp()) + SIGNING_S
    return min(latest, valid_to) if valid_to else latest


def _word(number: str, account: str, subject: Subject) -> str:
    """What a party of the terms is asked for by: its number, where its account is the one of the terms."""
    for word in (number, account.rpartition("/")[2]):
        try:
            if contract_party(word, subject=subject).account == account:
                return word
        except Refusal:
            continue
    raise EContractNotFoundError(detail=f"the terms name {account}, which is no party known here")


@transaction.atomic
def _stored(
    name: str, payload: ProposeContract, terms: bytes, pdf: bytes, parties: Sequence[ContractParty], now: datetime
) -> EContract:
    record = EContract.objects.create(
        organisation=parties[0].organisation,
        name=name,
        template=payload.template,
        terms=terms.decode(),
        pdf=pdf,
        proposed_at=now,
    )
    for party in parties:
        EContractParty.objects.create(contract=record, account=party.account, member=party.member)
    return record


def signing_payload(workspace: Workspace, *, name: str, party: ContractParty, subject: Subject) -> bytes:
    """The canonical payload that a party signs on its own device.

    The terms are drawn again first: what is signed is the hash of what the terms look like, not of what was stored.
    """
    record = _readable(econtract(name, subject=subject))
    draft = drawn(record.terms.encode())
    if draft.pdf != bytes(record.pdf):
        raise DifferentDocumentError(detail=f"the stored document of {record.name} is not the one of its terms")
    payload = SignContract(
        **frame(workspace, account=party.account),
        contract=record.name,
        document=draft.document,
        terms=draft.commitment,
    )
    return encode(payload)


def take_envelope(workspace: Workspace, envelope: bytes, *, subject: Subject) -> str:
    """Put on the ledger what a party signed elsewhere, and give the transaction; only acts in contracts known here."""
    answer = act_of_party(workspace, envelope, subject=subject)
    if not answer.on_ledger:
        raise LedgerRefusedError(detail=f"{answer.code}: {answer.detail}")
    return answer.original or answer.transaction


def act_of_party(workspace: Workspace, envelope: bytes, *, subject: Subject, wait_s: float = 0) -> Answer:
    """The same, with the ledger's answer, also where it refuses; waits so long for whoever writes the ledger now."""
    payload = open_transaction(envelope).payload
    if not isinstance(payload, _PARTY_OPERATIONS):
        raise NotAContractOperationError(detail=f"{type(payload).__name__} is no act in a contract")
    record = econtract(payload.contract, subject=subject)
    with changing(workspace, f"contract {record.name[:16]}"), wait_for_ledger(workspace, seconds=wait_s) as ledger:
        (answer,) = ledger.submit([envelope])
        if answer.on_ledger:
            record_act(
                workspace,
                action=f"contract.{type(payload).__struct_config__.tag}",
                target=record.name,
                facts={"transaction": answer.original or answer.transaction},
            )
    return answer


def sign_with(
    workspace: Workspace, *, name: str, party: ContractParty, key: ec.EllipticCurvePrivateKey, subject: Subject
) -> str:
    """Sign with a key that lies beside the command."""
    payload = msgspec.json.decode(
        signing_payload(workspace, name=name, party=party, subject=subject), type=SignContract
    )
    return take_envelope(workspace, signed(payload, key), subject=subject)


def withdraw(
    workspace: Workspace, *, name: str, party: ContractParty, key: ec.EllipticCurvePrivateKey, subject: Subject
) -> str:
    """Take a proposal back, decline it, or withdraw as a consumer."""
    record = econtract(name, subject=subject)
    payload = WithdrawContract(**frame(workspace, account=party.account), contract=record.name)
    return take_envelope(workspace, signed(payload, key), subject=subject)


def terminate(
    workspace: Workspace,
    *,
    name: str,
    party: ContractParty,
    keys: Sequence[ec.EllipticCurvePrivateKey],
    ends: datetime | None,
    subject: Subject,
) -> str:
    """End a contract: with one key by notice, with the keys of all parties at once. Without `ends` as early as may be.

    The earliest end is the agreed notice from now on, with five minutes for the block to come.
    """
    record = econtract(name, subject=subject)
    if ends is None:
        state = _state(workspace, record.name)
        now = int(workspace.now().timestamp()) + 300
        moment = now if len(keys) > 1 else now + (state.notice_s if state else 0)
    else:
        moment = int(ends.timestamp())
    payload = TerminateContract(**frame(workspace, account=party.account), contract=record.name, ends=moment)
    return take_envelope(workspace, signed(payload, *keys), subject=subject)


def close_period(
    workspace: Workspace,
    *,
    name: str,
    month: Month,
    measured: Sequence[tuple[int, int, str]] = (),
    by: tuple[ContractParty, ec.EllipticCurvePrivateKey] | None,
    subject: Subject,
) -> tuple[PeriodView, ...]:
    """Close a past month: `measured` are (obligation, figure, commitment); without `by` the operator closes."""
    record = econtract(name, subject=subject)
    with open_ledger(workspace) as ledger:
        operator = operator_of(ledger)
    account, key = (by[0].account, by[1]) if by else (operator, key_store(workspace).signing_key(OPERATOR_KEY))
    payload = CloseContractPeriod(
        **frame(workspace, account=account),
        contract=record.name,
        measured=tuple(
            Measured(commitment=evidence, obligation=index, quantity=figure) for index, figure, evidence in measured
        ),
        period=str(month),
    )
    take_envelope(workspace, signed(payload, key), subject=subject)
    return periods_of(workspace, name=record.name, subject=subject, month=month)


def contracts(workspace: Workspace, *, subject: Subject) -> tuple[ContractView, ...]:
    """Every contract the subject may see, oldest first."""
    records = list(EContract.objects.all().visible_to(subject).prefetch_related("parties__member").distinct())
    if not records:
        return ()
    now = int(workspace.now().timestamp())
    with open_ledger(workspace) as ledger, ledger.reading() as state:
        return tuple(contract_view(record, state.contracts.get(record.name), now) for record in records)


def contract_view(record: EContract, state: ContractState | None, now: int) -> ContractView:
    """A stored contract beside what the ledger holds of it, at a time (seconds since 1970)."""
    words = {
        party.account: party.member.number if party.member else party.account.rpartition("/")[2]
        for party in record.parties.all()
    }
    return ContractView(
        name=record.name,
        template=record.template,
        status=state.status(now) if state else "not on the ledger",
        parties=tuple(words.values()),
        signed_by=tuple(words.get(one.account, one.account) for one in state.signatures) if state else (),
        valid_from_s=state.valid_from if state else 0,
        ends_s=state.ends() if state else 0,
        replaces=state.replaces if state else "",
        successor=state.successor if state and state.superseded else "",
        commitment=state.terms if state else "",
        document=state.document if state else "",
        erased=record.erased_at is not None,
        seals=len(record.seals),
    )


def periods_of(
    workspace: Workspace, *, name: str, subject: Subject, month: Month | None = None
) -> tuple[PeriodView, ...]:
    """The closed months of a contract, or one of them."""
    record = econtract(name, subject=subject)
    with open_ledger(workspace) as ledger, ledger.reading() as state:
        contract = state.contracts.get(record.name)
        closed = {key: state.contract_periods[key] for key in state.contract_periods.grouped(record.name)}
    if contract is None:
        return ()
    return tuple(
        _period(contract, key, value)
        for key, value in sorted(closed.items(), key=lambda item: (item[0][2], int(item[0][1])))
        if month is None or key[2] == str(month)
    )


def _period(contract: ContractState, key: tuple[str, str, str], closed: ContractPeriod) -> PeriodView:
    obligation = contract.obligations[int(key[1])]
    return PeriodView(
        period=key[2],
        obligation=int(key[1]),
        kind=str(type(obligation).__struct_config__.tag),
        payer=obligation.payer,
        taker=obligation.taker,
        asset=obligation.asset,
        quantity=closed.quantity,
        amount=closed.amount,
        posted=closed.posted,
        shortfall=closed.shortfall,
        holds=closed.holds,
    )


def _state(workspace: Workspace, name: str) -> ContractState | None:
    with open_ledger(workspace) as ledger, ledger.reading() as state:
        return state.contracts.get(name)


def _readable(record: EContract) -> EContract:
    if record.erased_at is not None:
        raise ErasedContractError(detail=f"terms and document of {record.name} were erased")
    return record


def readable(name: str, *, subject: Subject) -> EContract:
    """A stored contract whose terms and document are still there."""
    return _readable(econtract(name, subject=subject))


def erase(workspace: Workspace, *, name: str, subject: Subject) -> None:
    """Erase terms, salt and documents; what stands on the ledger keeps its proofs and says nothing about persons."""
    record = econtract(name, subject=subject)
    with changing(workspace, f"contract erase {record.name[:16]}"):
        record.terms, record.pdf, record.signed_pdf, record.seals = "", b"", b"", []
        record.erased_at = workspace.now()
        record.save()
        record_act(workspace, action="contract.erase", target=record.name, facts={})
