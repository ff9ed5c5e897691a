"""Proposals: what needs a quorum waits on the ledger for voices, a veto, or its end."""

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from ogniwo.core.ledger.call import Call, RuleBook
from ogniwo.core.ledger.outcomes import Code, Outcome, RuleError, refused
from ogniwo.core.ledger.rulebook.keys import demand_free
from ogniwo.core.ledger.rulebook.permissions import holds
from ogniwo.core.ledger.rulebook.quorum import VOICES_MOST, require, voices
from ogniwo.core.ledger.state import State
from ogniwo.core.ledger.state_records import Approval, Proposal
from ogniwo.core.ledger.transactions import Approve, MintMetering, Propose, Veto

OPEN_PROPOSALS_MOST = 16
"""How many proposals of one account may be open at once."""
_APPROVALS_MOST = 2 * VOICES_MOST

Operate = Callable[[Call, Any], None]


class _WaitsError(Exception):
    """The operation would be in order but for voices that are still missing."""


def propose(operate: Operate, call: Call, payload: Propose) -> None:
    """Put an operation to those with a voice; carried out at once when those who signed suffice.

    The operation must be in order but for the quorum: a proposal allows nobody more than he may.
    """
    state, inner = call.state, payload.operation
    if isinstance(inner, MintMetering):
        raise refused(Code.NOT_PROPOSABLE, "readings are proven by their own signature")
    outer = (payload.account, payload.expires, payload.id, payload.network, payload.v)
    if (inner.account, inner.expires, inner.id, inner.network, inner.v) != outer:
        raise refused(Code.PROPOSAL_FRAME, "the frame of the operation is not that of the proposal")
    spoken = tuple(Approval(account=account, kids=_kids(call, account)) for account in sorted(call.givers))
    carried = tuple(sorted(kid for kid in call.signers if kid not in state.keys))
    # Keys that cannot act, such as one for recovery, go along as what the operation may need to see.
    others = tuple(sorted(kid for kid in call.signers if kid in state.keys and not _in(kid, spoken)))
    draft = Proposal(approvals=spoken, carried=(*carried, *others), operation=inner, policies=(), until=payload.until)
    asked, done = _try(operate, call, call.name, draft)
    if not asked:
        raise refused(Code.QUORUM_NOT_NEEDED, "no quorum stands on this; send the operation itself")
    if done:
        return
    longest = min(state.policies[key].lifetime_s for key in asked)
    if not call.time < payload.until <= call.time + longest:
        raise refused(Code.PROPOSAL_LIFETIME, f"a proposal of this kind is open for at most {longest} s")
    _make_room(state, call)
    state.proposals.put(call.name, _with(draft, policies=asked))


def approve(operate: Operate, call: Call, payload: Approve) -> None:
    """Add the voices of those who signed, and carry the operation out when every quorum has spoken."""
    state = call.state
    proposal = _open(call, payload.proposal)
    if call.time >= proposal.until:
        raise refused(Code.PROPOSAL_EXPIRED, f"the proposal ended at {proposal.until}")
    earlier = {approval.account: approval for approval in proposal.approvals}
    if call.account in earlier and _work(state, earlier[call.account].kids, call.time):
        raise refused(Code.ALREADY_APPROVED, f"{call.account} has spoken; each voice counts once")
    earlier |= {account: Approval(account=account, kids=_kids(call, account)) for account in call.givers}
    draft = _with(proposal, approvals=tuple(earlier[account] for account in sorted(earlier)))
    asked, done = _try(operate, call, payload.proposal, draft)
    if done:
        state.proposals.drop(payload.proposal)
        return
    if not any(call.account in voices(state.policies[key].policy) for key in asked):
        raise refused(Code.NO_VOICE, f"{call.account} has no voice in what this needs")
    if len(draft.approvals) > _APPROVALS_MOST:
        raise refused(Code.TOO_MANY, f"a proposal keeps at most {_APPROVALS_MOST} signers")
    state.proposals.put(payload.proposal, _with(draft, policies=asked))


def veto(call: Call, payload: Veto) -> None:
    """End a proposal: the proposer withdraws it, a veto account of a policy stops it, or "proposal.veto" does."""
    state = call.state
    proposal = _open(call, payload.proposal)
    policies = [state.policies[key] for key in proposal.policies if key in state.policies]
    if call.account != proposal.operation.account and not any(
        call.account in policy.veto_accounts for policy in policies
    ):
        for _, subtree in proposal.policies:
            if not holds(state, account=call.account, permission="proposal.veto", path=subtree, valid_from=call.time):
                raise refused(Code.NOT_PERMITTED, f"{call.account} may not veto this")
            require(call, "proposal.veto", subtree)
    state.proposals.drop(payload.proposal)


def book(operate: Operate) -> RuleBook:
    """The rules of proposals; `operate` carries out any operation of a call."""
    return {Propose: partial(propose, operate), Approve: partial(approve, operate), Veto: veto}


def _try(operate: Operate, call: Call, name: str, proposal: Proposal) -> tuple[tuple[tuple[str, str], ...], bool]:
    """Carry a proposal out if its voices suffice; gives the policies it needs, and whether it was done.

    Voices count as long as the key that gave them works and the account is not frozen; the proposer must still be
    able to act. Raises the refusal of the operation itself.
    """
    state, inner = call.state, proposal.operation
    demand_free(call, inner.account)
    counted = {
        approval.account: kids
        for approval in proposal.approvals
        if approval.account not in state.frozen and (kids := _work(state, approval.kids, call.time))
    }
    if inner.account not in counted:
        raise refused(Code.KEY_NOT_ACTIVE, f"the key by which {inner.account} proposed this no longer works")
    accounts, asked = frozenset(counted), dict[tuple[str, str], bool]()
    signers = (*(kid for account in sorted(counted) for kid in counted[account]), *proposal.carried)
    trial = call._replace(
        account=inner.account, name=name, signers=signers, givers=accounts, approvals=accounts, readers=(), asked=asked
    )
    try:
        with state.all_or_nothing():
            operate(trial, inner)
            _complete(asked)
    except _WaitsError:
        return tuple(sorted(asked)), False
    except RuleError as error:
        # A harmless repeat is not recorded; the voice for it is.
        raise RuleError(Outcome(error.outcome.code, error.outcome.detail)) from error
    return tuple(sorted(asked)), True


def _complete(asked: dict[tuple[str, str], bool]) -> None:
    if not asked or not all(asked.values()):
        raise _WaitsError


def _open(call: Call, name: str) -> Proposal:
    proposal = call.state.proposals.get(name)
    if proposal is None:
        raise refused(Code.UNKNOWN_PROPOSAL, f"no proposal {name} is open")
    return proposal


def _make_room(state: State, call: Call) -> None:
    """Forget the proposer's expired proposals; refuse more open ones than one account may have."""
    mine = sorted(state.proposals.grouped(call.account))
    expired = [name for name in mine if state.proposals[name].until <= call.time]
    if len(mine) - len(expired) >= OPEN_PROPOSALS_MOST:
        raise refused(Code.TOO_MANY, f"{call.account} has {OPEN_PROPOSALS_MOST} open proposals")
    for name in expired:
        state.proposals.drop(name)


def _kids(call: Call, account: str) -> tuple[str, ...]:
    return tuple(sorted(kid for kid in call.signers if _owner(call.state, kid) == account))


def _owner(state: State, kid: str) -> str:
    record = state.keys.get(kid)
    return record.account if record is not None and record.purpose == "transaction" else ""


def _in(kid: str, approvals: Iterable[Approval]) -> bool:
    return any(kid in approval.kids for approval in approvals)


def _work(state: State, kids: Iterable[str], block_time: int) -> tuple[str, ...]:
    return tuple(kid for kid in kids if state.keys[kid].active(block_time))


def _with(
    proposal: Proposal,
    *,
    approvals: tuple[Approval, ...] | None = None,
    policies: tuple[tuple[str, str], ...] | None = None,
) -> Proposal:
    return Proposal(
        approvals=proposal.approvals if approvals is None else approvals,
        carried=proposal.carried,
        operation=proposal.operation,
        policies=proposal.policies if policies is None else policies,
        until=proposal.until,
    )
