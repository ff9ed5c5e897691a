"""Whom a transaction is about, as far as its payload and the names given before it say."""

from typing import NamedTuple

from ogniwo.core.ledger.admission import SignedTransaction
from ogniwo.core.ledger.rulebook.quorum import voices
from ogniwo.core.ledger.signing import key_id
from ogniwo.core.ledger.transactions import (
    Anchor,
    Approve,
    BindRole,
    FinishRecovery,
    Genesis,
    LendRight,
    MintMetering,
    Payload,
    Post,
    Propose,
    ReclaimRight,
    RegisterAccount,
    RegisterKey,
    RevokeKey,
    SetFrozen,
    SetKeyLimits,
    SetPolicy,
    SetValidator,
    StartRecovery,
    StopRecovery,
    UnbindRole,
    Veto,
)


class Concerned(NamedTuple):
    """Accounts besides the acting one; `uses` is a name given earlier whose accounts are concerned as well.

    `gives` are the names, of a key or a proposal, that later transactions use for all these accounts.
    """

    accounts: tuple[str, ...]
    uses: str
    gives: tuple[str, ...]


def concerned(signed: SignedTransaction) -> Concerned:
    """Whom a transaction is about."""
    payload = signed.payload
    step = payload.operation if isinstance(payload, Propose) else payload
    gives = [signed.transaction] if isinstance(payload, Propose) else []
    match step:
        case Genesis(key=key) | RegisterKey(key=key) | StartRecovery(key=key):
            gives.append(key_id(key))
    return Concerned(_accounts(step), _used(step), tuple(gives))


def _used(payload: Payload) -> str:
    match payload:
        case RevokeKey(kid=name) | SetKeyLimits(kid=name) | Approve(proposal=name) | Veto(proposal=name):
            return name
        case _:
            return ""


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
        case Post(postings=postings):
            found = tuple(line.account for line in postings)
        case _:
            found = ()
    return found
