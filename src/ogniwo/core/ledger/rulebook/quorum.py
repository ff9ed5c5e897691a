"""Quorums: which policy stands on a right, and whether enough of those with a voice have spoken."""

from collections.abc import Set as AbstractSet

from ogniwo.core.ledger.call import Call
from ogniwo.core.ledger.outcomes import Code, refused
from ogniwo.core.ledger.state import State
from ogniwo.core.ledger.transactions import Group, Permission, Voice

VOICES_MOST = 64

DANGEROUS: tuple[Permission, ...] = (
    "account.freeze",
    "asset.issue",
    "asset.policy",
    "key.recover",
    "key.revoke",
    "payments.switch",
    "policy.set",
    "role.bind",
    "role.define",
    "validator.set",
)
"""Rights that one person alone should not use once several organisations rely on the ledger."""


def nearest(state: State, permission: str, path: str) -> tuple[str, str] | None:
    """The key of the policy with the longest subtree that covers a path, or None when the right needs no quorum."""
    while path:
        if (permission, path) in state.policies:
            return permission, path
        path = path.rpartition("/")[0]
    return None


def require(call: Call, permission: str, path: str) -> None:
    """Refuse unless the quorum that stands on a right over a path, if one does, has spoken."""
    key = nearest(call.state, permission, path)
    if key is not None:
        require_policy(call, key)


def require_policy(call: Call, key: tuple[str, str]) -> None:
    """Refuse unless the voices of one policy suffice; a proposal on trial only notes it."""
    enough = satisfied(call.state.policies[key].policy, call.approvals)
    if call.asked is not None:
        call.asked[key] = enough
    elif not enough:
        raise refused(Code.QUORUM_NEEDED, f"{key[0]} over {key[1]} needs a quorum; propose it, or let more sign")


def satisfied(group: Group, approvals: AbstractSet[str]) -> bool:
    """Whether the members that speak weigh as much as the group needs."""
    return sum(member.weight for member in group.members if _speaks(member, approvals)) >= group.need


def _speaks(member: Voice | Group, approvals: AbstractSet[str]) -> bool:
    return member.account in approvals if isinstance(member, Voice) else satisfied(member, approvals)


def voices(group: Group) -> tuple[str, ...]:
    """The accounts with a voice, as they stand in the tree."""
    found: list[str] = []
    for member in group.members:
        found.extend((member.account,) if isinstance(member, Voice) else voices(member))
    return tuple(found)
