"""The rules of e-contracts up to their end: who may propose, sign, withdraw, terminate; closing is in `periods`."""

import msgspec

from ogniwo.core.ledger.call import Call, RuleBook
from ogniwo.core.ledger.contract_amounts import days_of, month_number, month_of, period_end
from ogniwo.core.ledger.outcomes import Code, refused
from ogniwo.core.ledger.rulebook.keys import demand_strength
from ogniwo.core.ledger.rulebook.permissions import demand, within
from ogniwo.core.ledger.state import State
from ogniwo.core.ledger.state_records import ContractSignature, EContract
from ogniwo.core.ledger.transactions import (
    DiscountByHour,
    Instalment,
    Obligation,
    ProposeContract,
    SignContract,
    Supply,
    TerminateContract,
    WithdrawContract,
)

PROPOSALS_MAX = 256
"""How many unsigned proposals one account may have open; expired ones make room."""

SIGNING_S_MAX = 92 * 86_400
"""How long a proposal may wait for signatures."""

CONSUMER = "consumer"

PAUSES_MAX = 16
"""How many withdrawn amendments leave a pause of their own; those after share the last."""


def propose_contract(call: Call, payload: ProposeContract) -> None:
    """Put a contract before its parties: by one of them, or by whoever may close contracts over all of them."""
    state = call.state
    accounts = tuple(party.account for party in payload.parties)
    for path in accounts:
        if path not in state.accounts:
            raise refused(Code.UNKNOWN_ACCOUNT, f"{path} is not open")
    if call.account not in accounts:
        for path in accounts:
            demand(call, "contract.close", path)
    flaw = _dates(payload, call.time) or _parties(accounts)
    if flaw:
        raise refused(Code.CONTRACT_TERMS, flaw)
    for obligation in payload.obligations:
        _obligation(state, payload, obligation, accounts)
    if payload.replaces:
        _replaceable(call, payload.replaces, accounts)
    _make_room(call)
    state.contracts.put(
        call.name,
        EContract(
            document=payload.document,
            notice_s=payload.notice_s,
            obligations=payload.obligations,
            parties=payload.parties,
            proposer=call.account,
            replaces=payload.replaces,
            sign_until=payload.sign_until,
            template=payload.template,
            terms=payload.terms,
            valid_from=payload.valid_from,
            valid_to=payload.valid_to,
            withdraw_s=payload.withdraw_s,
        ),
    )


def sign_contract(call: Call, payload: SignContract) -> None:
    """A party signs what it has seen; the last signature puts the contract in force and a replaced one out of it."""
    state = call.state
    contract = found(call, payload.contract)
    if contract.party(call.account) is None:
        raise refused(Code.NOT_A_PARTY, f"{call.account} is no party of {payload.contract}")
    if (payload.terms, payload.document) != (contract.terms, contract.document):
        raise refused(Code.CONTRACT_DOCUMENT, "the terms or the document signed are not those of the proposal")
    if any(signature.account == call.account for signature in contract.signatures):
        raise refused(Code.ALREADY_SIGNED, f"{call.account} signed {payload.contract} already")
    status = contract.status(call.time)
    if status != "proposed":
        raise refused(Code.CONTRACT_STATE, f"the contract is {status}: nobody can sign it")
    if any(obligation.payer == call.account for obligation in contract.obligations):
        # What a contract takes later is not held to the limits of a key: so a limited key alone cannot agree to it.
        demand_strength(call, call.account, "a contract that obliges to pay")
    signature = ContractSignature(account=call.account, time=call.time, transaction=call.name)
    signatures = (*contract.signatures, signature)
    complete = len(signatures) == len(contract.parties)
    if complete and contract.replaces:
        _supersede(call, payload.contract, contract)
    state.contracts.put(
        payload.contract,
        msgspec.structs.replace(contract, signatures=signatures, signed=call.time if complete else 0),
    )


def withdraw_contract(call: Call, payload: WithdrawContract) -> None:
    """Take a proposal back or decline it; after signing only a consumer may, within the agreed time.

    A contract that the withdrawn one had replaced is in force again.
    """
    state = call.state
    contract = found(call, payload.contract)
    party = contract.party(call.account)
    if party is None and call.account != contract.proposer:
        raise refused(Code.NOT_A_PARTY, f"{call.account} is no party of {payload.contract}")
    if contract.withdrawn:
        raise refused(Code.CONTRACT_STATE, "the contract is withdrawn already")
    if contract.signed:
        if party is None or party.role != CONSUMER:
            raise refused(Code.CONTRACT_STATE, "a signed contract is withdrawn from by a consumer only; terminate it")
        if call.time >= contract.signed + contract.withdraw_s:
            raise refused(
                Code.CONTRACT_STATE, f"the time to withdraw was over at {contract.signed + contract.withdraw_s}"
            )
        if contract.superseded:
            raise refused(Code.CONTRACT_STATE, f"{contract.successor} has replaced the contract")
    earlier = state.contracts.get(contract.replaces) if contract.signed else None
    if earlier is not None and earlier.successor == payload.contract:
        pauses = _paused(call, payload.contract, contract, earlier)
        state.contracts.put(contract.replaces, msgspec.structs.replace(earlier, superseded=0, pauses=pauses))
    state.contracts.put(payload.contract, msgspec.structs.replace(contract, withdrawn=call.time))


def terminate_contract(call: Call, payload: TerminateContract) -> None:
    """End a signed contract: one party by notice, all parties together whenever they like from now on."""
    contract = found(call, payload.contract)
    if contract.party(call.account) is None:
        raise refused(Code.NOT_A_PARTY, f"{call.account} is no party of {payload.contract}")
    status = contract.status(call.time)
    if status not in {"signed", "active"}:
        raise refused(Code.CONTRACT_STATE, f"the contract is {status}: there is nothing to terminate")
    together = all(party.account in call.givers for party in contract.parties)
    earliest = call.time if together else call.time + contract.notice_s
    if payload.ends < earliest:
        raise refused(Code.NOTICE_TOO_SHORT, f"the notice of {contract.notice_s} s ends at {earliest} at the earliest")
    if contract.ends() and payload.ends >= contract.ends():
        raise refused(Code.CONTRACT_STATE, f"the contract ends at {contract.ends()} anyway")
    call.state.contracts.put(payload.contract, msgspec.structs.replace(contract, terminated=payload.ends))


def found(call: Call, name: str) -> EContract:
    """The contract of this name."""
    contract = call.state.contracts.get(name)
    if contract is None:
        raise refused(Code.UNKNOWN_CONTRACT, f"there is no contract {name}")
    return contract


def _dates(payload: ProposeContract, time: int) -> str:
    if payload.valid_to and payload.valid_to <= max(payload.valid_from, time):
        return "the contract would end before it begins, or has ended already"
    if not time < payload.sign_until <= time + SIGNING_S_MAX:
        return f"a proposal waits for signatures at least a second and at most {SIGNING_S_MAX} s"
    if payload.valid_to and payload.sign_until > payload.valid_to:
        return "the contract would end before everybody has to have signed"
    return ""


def _parties(accounts: tuple[str, ...]) -> str:
    return "" if len(set(accounts)) == len(accounts) else "a party stands twice"


def _obligation(state: State, payload: ProposeContract, obligation: Obligation, accounts: tuple[str, ...]) -> None:
    payer, taker = obligation.payer, obligation.taker
    if payer == taker or payer not in accounts or taker not in accounts:
        raise refused(Code.CONTRACT_TERMS, "an obligation is owed by one party to another")
    _means(state, obligation)
    if isinstance(obligation, (Supply, DiscountByHour)):
        point = state.accounts.get(obligation.point)
        if point is None or point.kind != "meter":
            raise refused(Code.UNKNOWN_ACCOUNT, f"{obligation.point} is no metering point")
    elif isinstance(obligation, Instalment):
        last = month_of(month_number(obligation.first) + obligation.count - 1)
        for month in (obligation.first, last):
            if not days_of(month, valid_from=payload.valid_from, ends=payload.valid_to):
                raise refused(Code.CONTRACT_TERMS, f"an instalment would fall due in {month}, outside the contract")


def _means(state: State, obligation: Obligation) -> None:
    """Whether the asset can pass from payer to taker by contract."""
    payer, taker, name = obligation.payer, obligation.taker, obligation.asset
    asset = state.assets.get(name)
    if asset is None:
        raise refused(Code.UNKNOWN_ASSET, f"{name} is not defined")
    if asset.kind == "metering":
        raise refused(Code.CONTRACT_TERMS, f"{name} never pays")
    if payer == asset.issuer:
        raise refused(Code.CONTRACT_TERMS, f"{payer} issues {name}: what it gives is issued, never owed by contract")
    if asset.kind != "claim" and not asset.transferable and taker != asset.issuer:
        raise refused(Code.NOT_TRANSFERABLE, f"{name} passes between its issuer and its holders only")
    for path in (payer, taker):
        if not within(path, asset.domain):
            raise refused(Code.OUTSIDE_DOMAIN, f"{path} is outside {asset.domain}, the domain of {name}")


def _replaceable(call: Call, name: str, accounts: tuple[str, ...]) -> EContract:
    """The contract to be replaced: in force, not replaced already, and each of its parties has a say in the new one."""
    contract = found(call, name)
    status = "replaced" if contract.superseded else contract.status(call.time)
    if status not in {"signed", "active"}:
        raise refused(Code.CONTRACT_STATE, f"the contract to be replaced is {status}")
    if any(party.account not in accounts for party in contract.parties):
        raise refused(Code.CONTRACT_TERMS, "every party of the contract to be replaced is a party of the new one")
    return contract


def _supersede(call: Call, name: str, contract: EContract) -> None:
    """End the earlier contract where the new one begins, so that each day belongs to one of them."""
    earlier = _replaceable(call, contract.replaces, tuple(party.account for party in contract.parties))
    begins = max(contract.valid_from, 1)
    if begins < _settled(call, contract.replaces, earlier):
        raise refused(
            Code.CONTRACT_STATE, "the new contract begins before the one it replaces, or in a month that is closed"
        )
    changed = msgspec.structs.replace(earlier, successor=name, superseded=begins)
    call.state.contracts.put(contract.replaces, changed)


def _settled(call: Call, name: str, contract: EContract) -> int:
    """Up to when nothing about a contract can change: its first day, its closed months, its pauses."""
    months = [period_end(key[2]) for key in call.state.contract_periods.grouped(name)]
    return max(contract.valid_from, *months, *(end for _, end in contract.pauses), 0)


def _paused(call: Call, name: str, amendment: EContract, earlier: EContract) -> tuple[tuple[int, int], ...]:
    """The pauses of a contract that comes back when its amendment is withdrawn: what that has charged stays with it."""
    until = _settled(call, name, amendment)
    if until <= amendment.valid_from:
        return earlier.pauses
    kept = earlier.pauses
    if len(kept) == PAUSES_MAX:
        return (*kept[:-1], (kept[-1][0], until))
    return (*kept, (amendment.valid_from, until))


def _make_room(call: Call) -> None:
    """Forget expired proposals of the account when it has too many open ones."""
    state = call.state
    pending = state.contracts.grouped(call.account)
    if len(pending) < PROPOSALS_MAX:
        return
    expired = [name for name in pending if state.contracts[name].status(call.time) == "expired"]
    if not expired:
        raise refused(Code.TOO_MANY_PROPOSALS, f"{call.account} has {len(pending)} proposals waiting")
    for name in expired:
        state.contracts.drop(name)


RULES: RuleBook = {
    ProposeContract: propose_contract,
    SignContract: sign_contract,
    WithdrawContract: withdraw_contract,
    TerminateContract: terminate_contract,
}
