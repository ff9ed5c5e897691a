"""Who may do what, where and when."""

from ogniwo.core.ledger.call import Call
from ogniwo.core.ledger.outcomes import Code, refused
from ogniwo.core.ledger.state import State
from ogniwo.core.ledger.state_records import Binding
from ogniwo.core.ledger.transactions import Permission


def within(path: str, subtree: str) -> bool:
    """Whether an account path is the subtree's root or below it."""
    return path == subtree or path.startswith(subtree + "/")


def demand(call: Call, permission: Permission, path: str) -> None:
    """Refuse unless the acting account holds a permission over a path now."""
    if not holds(call.state, account=call.account, permission=permission, path=path, valid_from=call.time):
        raise refused(Code.NOT_PERMITTED, f"{call.account} does not hold {permission} over {path}")


def holds(
    state: State, *, account: str, permission: Permission, path: str, valid_from: int, valid_to: int | None = None
) -> bool:
    """Whether one binding gives the account this permission on the path from `valid_from` on.

    `valid_to` None asks for the instant alone; 0 asks for an open end; any other number for the period up to it.
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
        holds(
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
    """Whether the actor could give everything the subject still holds.

    Whoever sets the keys of an account can act as that account, so without this rule the right to register keys
    would be the right to become anybody.
    """
    bindings = [state.bindings[key] for key in state.bindings.grouped(subject)]
    return all(
        may_give(state, giver=actor, binding=binding, block_time=block_time)
        for binding in bindings
        if not binding.valid_to or block_time < binding.valid_to
    )
