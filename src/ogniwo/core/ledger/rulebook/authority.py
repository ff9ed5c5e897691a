"""Rules of roles made later, rights lent, quorums and validators: nobody passes on or binds more than he holds."""

from ogniwo.core.ledger.call import Call, RuleBook
from ogniwo.core.ledger.outcomes import Code, refused
from ogniwo.core.ledger.rulebook.permissions import demand, holds_by_role, within, working_keys
from ogniwo.core.ledger.rulebook.quorum import VOICES_MOST, nearest, require_policy, satisfied, voices
from ogniwo.core.ledger.state import State
from ogniwo.core.ledger.state_records import Loan, Policy, RoleRecord, Validator
from ogniwo.core.ledger.transactions import (
    DefineRole,
    Group,
    LendRight,
    ReclaimRight,
    SetPolicy,
    SetValidator,
    Voice,
)

ROLES_MOST = 1_000
LOANS_MOST = 64
"""How many loans an account may have borrowed at once."""
VALIDATORS_MOST = 100


def define_role(call: Call, payload: DefineRole) -> None:
    """Name a set of permissions; the definer holds each of them over the whole tree by a role."""
    state, root = call.state, _root(call.state)
    if state.permissions_of(payload.name) is not None:
        raise refused(Code.ROLE_EXISTS, f"role {payload.name} is defined; what it means never changes")
    demand(call, "role.define", root)
    for permission in payload.permissions:
        if not holds_by_role(state, account=call.account, permission=permission, path=root, valid_from=call.time):
            raise refused(Code.BEYOND_OWN_RIGHTS, f"{call.account} does not hold {permission} over {root}")
    if len(state.roles) >= ROLES_MOST:
        raise refused(Code.TOO_MANY, f"there are {ROLES_MOST} roles")
    state.roles.put(payload.name, RoleRecord(permissions=tuple(sorted(set(payload.permissions)))))


def lend_right(call: Call, payload: LendRight) -> None:
    """Lend a permission that the lender holds by a role, over all of the subtree and for the whole time."""
    state = call.state
    for path in (payload.subject, payload.subtree):
        if path not in state.accounts:
            raise refused(Code.UNKNOWN_ACCOUNT, f"{path} is not open")
    begins = max(payload.valid_from, call.time)
    if payload.valid_to <= begins:
        raise refused(Code.EMPTY_PERIOD, "the loan would end before it begins")
    key = (payload.subject, call.account, payload.permission, payload.subtree)
    held = [other for other in state.loans.grouped(payload.subject) if call.time < state.loans[other].valid_to]
    if payload.subject == call.account or key in held:
        raise refused(Code.ALREADY_BOUND, f"{payload.subject} has {payload.permission} over {payload.subtree} already")
    if not holds_by_role(
        state,
        account=call.account,
        permission=payload.permission,
        path=payload.subtree,
        valid_from=begins,
        valid_to=payload.valid_to,
    ):
        raise refused(
            Code.BEYOND_OWN_RIGHTS,
            f"{call.account} does not hold {payload.permission} over {payload.subtree} by a role for that time",
        )
    if len(held) >= LOANS_MOST:
        raise refused(Code.TOO_MANY, f"{payload.subject} has borrowed {LOANS_MOST} rights")
    for past in sorted(set(state.loans.grouped(payload.subject)) - set(held)):
        state.loans.drop(past)
    state.loans.put(key, Loan(valid_from=begins, valid_to=payload.valid_to))


def reclaim_right(call: Call, payload: ReclaimRight) -> None:
    """End a loan: the lender, the borrower, or who holds the right there by a role and may bind roles."""
    state = call.state
    key = (payload.subject, payload.lender, payload.permission, payload.subtree)
    if key not in state.loans:
        raise refused(Code.NOT_LENT, f"{payload.lender} has not lent {payload.subject} this")
    if call.account not in (payload.lender, payload.subject):
        demand(call, "role.bind", payload.subtree)
        if not holds_by_role(
            state,
            account=call.account,
            permission=payload.permission,
            path=payload.subtree,
            valid_from=call.time,
        ):
            raise refused(Code.BEYOND_OWN_RIGHTS, f"{call.account} does not hold {payload.permission} there")
    state.loans.drop(key)


def set_policy(call: Call, payload: SetPolicy) -> None:
    """Let a permission over a subtree depend on a quorum.

    What weakens a quorum needs a quorum: the one of "policy.set" there or, where none stands on that, the one that
    applied to the permission so far. The first one on "policy.set" itself needs every quorum that it will then govern,
    or one person could set it for himself and undo the others by it.
    """
    state, subtree = call.state, payload.subtree
    for path in (subtree, *payload.veto_accounts):
        if path not in state.accounts:
            raise refused(Code.UNKNOWN_ACCOUNT, f"{path} is not open")
    flaw = _flaw(call, payload.policy)
    if flaw:
        raise refused(Code.POLICY_FORM, flaw)
    demand(call, "policy.set", subtree)
    if not holds_by_role(
        state, account=call.account, permission=payload.permission, path=subtree, valid_from=call.time
    ):
        raise refused(Code.BEYOND_OWN_RIGHTS, f"{call.account} does not hold {payload.permission} over {subtree}")
    if nearest(state, "policy.set", subtree) is None:
        for key in _loosened(state, payload):
            require_policy(call, key)
    state.policies.put(
        (payload.permission, subtree),
        Policy(lifetime_s=payload.lifetime_s, policy=payload.policy, veto_accounts=payload.veto_accounts),
    )


def _loosened(state: State, payload: SetPolicy) -> list[tuple[str, str]]:
    if payload.permission == "policy.set":
        return sorted(
            key for key in state.policies if within(key[1], payload.subtree) or within(payload.subtree, key[1])
        )
    before = nearest(state, payload.permission, payload.subtree)
    return [] if before is None else [before]


def _flaw(call: Call, policy: Group) -> str:
    accounts = voices(policy)
    if len(accounts) > VOICES_MOST:
        return f"a policy has at most {VOICES_MOST} voices"
    if len(set(accounts)) < len(accounts):
        return "an account has one voice in a policy"
    for account in accounts:
        if not working_keys(call.state, account, call.time):
            return f"{account} has no working key and could not speak"
    return "" if _reachable(policy) else "a group needs more than its members weigh"


def _reachable(group: Group) -> bool:
    inner = all(isinstance(member, Voice) or _reachable(member) for member in group.members)
    return inner and satisfied(group, frozenset(voices(group)))


def set_validator(call: Call, payload: SetValidator) -> None:
    """Give a validator a voting power, or take it out; the last one stays."""
    state = call.state
    if payload.subject not in state.accounts:
        raise refused(Code.UNKNOWN_ACCOUNT, f"{payload.subject} is not open")
    demand(call, "validator.set", _root(state))
    if payload.power:
        if payload.validator not in state.validators and len(state.validators) >= VALIDATORS_MOST:
            raise refused(Code.TOO_MANY, f"there are {VALIDATORS_MOST} validators")
        state.validators.put(payload.validator, Validator(account=payload.subject, power=payload.power))
        return
    if payload.validator not in state.validators:
        raise refused(Code.UNKNOWN_VALIDATOR, f"{payload.validator} is no validator")
    if len(state.validators) == 1:
        raise refused(Code.LAST_VALIDATOR, "the network would be left without a validator")
    state.validators.drop(payload.validator)


def _root(state: State) -> str:
    return state.foundation.operator if state.foundation else ""


RULES: RuleBook = {
    DefineRole: define_role,
    LendRight: lend_right,
    ReclaimRight: reclaim_right,
    SetPolicy: set_policy,
    SetValidator: set_validator,
}
