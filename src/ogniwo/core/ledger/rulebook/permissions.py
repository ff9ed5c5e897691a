"""Who may do what, where and when."""

from ogniwo.core.ledger.call import Call
from ogniwo.core.ledger.outcomes import Code, refused
from ogniwo.core.ledger.rulebook.quorum import require
from ogniwo.core.ledger.state import State
from ogniwo.core.ledger.state_records import Binding
from ogniwo.core.ledger.transactions import Permission


def within(path: str, subtree: str) -> bool:
    """Whether an account path is the subtree's root or below it."""
    # Most paths lie outside or below, so the text is compared before anything is built.
    return path.startswith(subtree) and (len(path) == len(subtree) or path[len(subtree)] == "/")


def demand(call: Call, permission: Permission, path: str) -> None:
    """Refuse unless the acting account holds a permission over a path now, with the quorum that may be set on it."""
    state = call.state
    if not holds(state, account=call.account, permission=permission, path=path, valid_from=call.time):
        raise refused(Code.NOT_PERMITTED, f"{call.account} does not hold {permission} over {path}")
    if state.policies:
        require(call, permission, path)


def holds(state: State, *, account: str, permission: Permission, path: str, valid_from: int) -> bool:
    """Whether the account may use this permission on the path at an instant: by a role, or by a loan that still counts.

    A loan counts while its lender holds the permission by a role over all that is lent.
    """
    if holds_by_role(state, account=account, permission=permission, path=path, valid_from=valid_from):
        return True
    for key in state.loans.grouped(account):
        _, lender, lent, subtree = key
        loan = state.loans[key]
        if lent != permission or not within(path, subtree) or not loan.valid_from <= valid_from < loan.valid_to:
            continue
        if holds_by_role(state, account=lender, permission=permission, path=subtree, valid_from=valid_from):
            return True
    return False


def holds_by_role(
    state: State, *, account: str, permission: Permission, path: str, valid_from: int, valid_to: int | None = None
) -> bool:
    """Whether one binding gives the account this permission on the path from `valid_from` on.

    `valid_to` None asks for the instant alone; 0 asks for an open end; any other number for the period up to it.
    Only what is held by a role can be bound or lent to others.
    """
    for key in state.bindings.grouped(account):
        binding = state.bindings[key]
        allowed = state.permissions_of(binding.role)
        if allowed and permission in allowed and within(path, binding.subtree):
            begins = binding.valid_from <= valid_from
            if valid_to is None:
                lasts = not binding.valid_to or valid_from < binding.valid_to
            else:
                lasts = not binding.valid_to or 0 < valid_to <= binding.valid_to
            if begins and lasts:
                return True
    return False


def may_give(state: State, *, giver: str, binding: Binding, block_time: int) -> bool:
    """Whether the giver holds every permission of the binding's role, over its subtree and for its whole time."""
    return all(
        holds_by_role(
            state,
            account=giver,
            permission=permission,
            path=binding.subtree,
            valid_from=max(block_time, binding.valid_from),
            valid_to=binding.valid_to,
        )
        for permission in state.permissions_of(binding.role) or ()
    )


def outranks(state: State, *, actor: str, subject: str, block_time: int) -> bool:
    """Whether the actor could give everything the subject still holds, by roles and by loans.

    Whoever sets the keys of an account can act as that account, so without this rule the right to register keys
    would be the right to become anybody.
    """
    bindings = [state.bindings[key] for key in state.bindings.grouped(subject)]
    loans = [key for key in state.loans.grouped(subject) if block_time < state.loans[key].valid_to]
    return all(
        may_give(state, giver=actor, binding=binding, block_time=block_time)
        for binding in bindings
        if not binding.valid_to or block_time < binding.valid_to
    ) and all(
        holds_by_role(state, account=actor, permission=permission, path=subtree, valid_from=block_time)  # type: ignore[arg-type]
        for _, _, permission, subtree in loans
    )


def administrators(state: State, block_time: int) -> dict[tuple[str, str, str], str]:
    """The bindings that let an account bind roles over the whole tree for good, each with its account.

    It counts as long as the account has a working key and is not frozen.
    """
    root = state.foundation.operator if state.foundation else ""
    return {
        key: binding.subject
        for key, binding in state.bindings.items()
        if binding.subtree == root
        and not binding.valid_to
        and binding.valid_from <= block_time
        and "role.bind" in (state.permissions_of(binding.role) or ())
        and binding.subject not in state.frozen
        and working_keys(state, binding.subject, block_time)
    }


def keep_an_administrator(call: Call, *, binding: tuple[str, str, str] | None = None, account: str = "") -> None:
    """Refuse to let the last administrator go: with the binding that is about to end, or the account to be stopped."""
    found = administrators(call.state, call.time)
    if found and all(key == binding or holder == account for key, holder in found.items()):
        raise refused(Code.LAST_ADMINISTRATOR, "nobody would be left who can bind roles over the whole tree")


def working_keys(state: State, account: str, block_time: int) -> tuple[str, ...]:
    """The keys an account can sign transactions with, sorted."""
    keys = state.keys
    return tuple(
        sorted(
            kid for kid in keys.grouped(account) if keys[kid].purpose == "transaction" and keys[kid].active(block_time)
        )
    )
