"""Whom a transaction is about, as far as its payload and the names given before it say."""

from typing import NamedTuple

from ogniwo.core.ledger.operations.contracts import OBLIGATIONS_MAX
from ogniwo.core.ledger.rulebook.contract_periods import contract_hold
from ogniwo.core.ledger.rulebook.quorum import voices
from ogniwo.core.ledger.signing import key_id
from ogniwo.core.ledger.transactions import (
    Anchor,
    Approve,
    BindRole,
    CloseContractPeriod,
    Dispute,
    FinishRecovery,
    Genesis,
    Hold,
    Lapse,
    LendRight,
    MintDays,
    MintMetering,
    Pay,
    Payload,
    Post,
    Propose,
    ProposeContract,
    ReclaimRight,
    RegisterAccount,
    RegisterKey,
    ResolveDispute,
    Revert,
    RevokeKey,
    Reward,
    SetFrozen,
    SetKeyLimits,
    SetPolicy,
    Settle,
    SetValidator,
    SignContract,
    StartRecovery,
    StopRecovery,
    TerminateContract,
    UnbindRole,
    Veto,
    Void,
    WithdrawContract,
    named_parts,
)


class Concerned(NamedTuple):
    """Accounts besides the acting one; `uses` are names given earlier whose accounts are concerned as well.

    `gives` are names, of keys, holds and proposals, that later transactions use, each with the accounts it stands for;
    none stands for all that the transaction is about.
    """

    accounts: tuple[str, ...]
    uses: tuple[str, ...]
    gives: tuple[tuple[str, tuple[str, ...]], ...]


def concerned(payload: Payload, name: str) -> Concerned:
    """Whom a transaction with this payload and name (hex) is about."""
    parts = ((name, payload.operation),) if isinstance(payload, Propose) else named_parts(payload, name)
    accounts: list[str] = []
    uses: list[str] = []
    gives: list[tuple[str, tuple[str, ...]]] = [(name, ())] if isinstance(payload, Propose) else []
    for part_name, part in parts:
        found = _accounts(part)
        accounts += (part.account, *found)
        uses += _used(part)
        match part:
            case Genesis(key=key, account=account):
                gives.append((key_id(key), (account,)))
            case RegisterKey(key=key) | StartRecovery(key=key):
                gives.append((key_id(key), found))
            case Hold() | ProposeContract():
                gives.append((part_name, found))
            case CloseContractPeriod():
                gives += [(contract_hold(part_name, number), ()) for number in range(OBLIGATIONS_MAX)]
    return Concerned(tuple(dict.fromkeys(accounts)), tuple(uses), tuple(gives))


def _used(payload: Payload) -> tuple[str, ...]:
    match payload:
        case (
            RevokeKey(kid=name)
            | SetKeyLimits(kid=name)
            | Approve(proposal=name)
            | Veto(proposal=name)
            | Settle(hold=name)
            | Void(hold=name)
            | Dispute(hold=name)
            | ResolveDispute(hold=name)
            | SignContract(contract=name)
            | WithdrawContract(contract=name)
            | TerminateContract(contract=name)
            | CloseContractPeriod(contract=name)
        ):
            return (name,)
        case _:
            return ()


def _accounts(payload: Payload) -> tuple[str, ...]:
    match payload:
        case RegisterAccount(path=path) | SetFrozen(path=path):
            found: tuple[str, ...] = (path,)
        case (
            RegisterKey(subject=subject)
            | BindRole(subject=subject)
            | UnbindRole(subject=subject)
            | Anchor(subject=subject)
            | LendRight(subject=subject)
            | StartRecovery(subject=subject)
            | StopRecovery(subject=subject)
            | FinishRecovery(subject=subject)
            | SetValidator(subject=subject)
        ):
            found = (subject,)
        case ReclaimRight(subject=subject, lender=lender):
            found = (subject, lender)
        case SetPolicy(policy=policy, subtree=subtree, veto_accounts=vetoes):
            found = (*voices(policy), *vetoes, subtree)
        case MintMetering(record=record):
            found = (record.point,)
        case MintDays(days=days):
            found = tuple(day.record.point for day in days)
        case _:
            found = _moved_between(payload)
    return found


def _moved_between(payload: Payload) -> tuple[str, ...]:
    match payload:
        case Post(postings=postings) | Revert(original=Post(postings=postings)):
            found: tuple[str, ...] = tuple(line.account for line in postings)
        case Hold(giver=giver, taker=taker):
            found = (giver, taker)
        case Pay(sources=sources, taker=taker):
            found = (taker, *(source.account for source in sources))
        case ProposeContract(parties=parties):
            found = tuple(party.account for party in parties)
        case Reward(beneficiary=beneficiary, point=point):
            found = (beneficiary, point)
        case Lapse(accounts=accounts):
            found = accounts
        case _:
            found = ()
    return found
