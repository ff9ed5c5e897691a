"""Who may do what: permissions by subtree and time, and the rule that nobody gives or takes more than he holds."""

from ogniwo.core.ledger.state import Binding, State
from ogniwo.core.ledger.transactions import Permission


def within(path: str, subtree: str) -> bool:
    """Whether a path is the subtree's root or lies below it."""
    return path == subtree or path.startswith(subtree + "/")


def holds(
    state: State, *, account: str, permission: Permission, path: str, valid_from: int, valid_to: int | None = None
) -> bool:
    """Whether one binding gives the account this permission on the path from `valid_from` on.

    `valid_to` None asks for the instant alone; 0 asks for an open end; any other number for the period up to it.
    """
    if state.foundation is None:
        return False
    for binding in state.bindings.get(account, {}).values():
        if permission in state.foundation.roles[binding.role] and within(path, binding.subtree):
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
    foundation = state.foundation
    return foundation is not None and all(
        holds(
            state,
            account=giver,
            permission=permission,
            path=binding.subtree,
            valid_from=max(block_time, binding.valid_from),
            valid_to=binding.valid_to,
        )
        for permission in foundation.roles[binding.role]
    )


def outranks(state: State, *, actor: str, subject: str, block_time: int) -> bool:
    """Whether the actor could give everything the subject still holds.

    Whoever sets the keys of an account can act as that account, so without this rule the right to register keys
    would be the right to become anybody.
    """
    return all(
        may_give(state, giver=actor, binding=binding, block_time=block_time)
        for binding in state.bindings.get(subject, {}).values()
        if not binding.valid_to or block_time < binding.valid_to
    )
