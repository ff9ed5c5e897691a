"""All that can be written on the ledger: one typed struct per operation, all with the frame of `operations.frame`."""

from typing import TypeAlias

from ogniwo.core.ledger.intervals import EpochSeconds
from ogniwo.core.ledger.operations.accounts import (
    BindRole,
    DefineAsset,
    Genesis,
    RegisterAccount,
    RegisterKey,
    RevokeKey,
    Role,
    UnbindRole,
)
from ogniwo.core.ledger.operations.authority import (
    Approve,
    DefineRole,
    FinishRecovery,
    Group,
    KeyLimit,
    LendRight,
    ReclaimRight,
    SetFrozen,
    SetKeyLimits,
    SetPolicy,
    SetValidator,
    StartRecovery,
    StopRecovery,
    Veto,
    Voice,
)
from ogniwo.core.ledger.operations.frame import (
    FORMAT_VERSION,
    AccountKind,
    AccountPath,
    Amount,
    AnchorKind,
    AssetKind,
    AssetName,
    ClientId,
    Count,
    Day,
    Digest,
    KeyPurpose,
    Network,
    Operation,
    Permission,
    Reason,
    Word,
)
from ogniwo.core.ledger.operations.metering import Anchor, DayRecord, MintMetering, QualityPart
from ogniwo.core.ledger.operations.transfers import Post, Posting
from ogniwo.core.ledger.signing import PublicKey

Step: TypeAlias = (
    RegisterAccount
    | RegisterKey
    | RevokeKey
    | BindRole
    | UnbindRole
    | DefineAsset
    | MintMetering
    | Anchor
    | Post
    | DefineRole
    | LendRight
    | ReclaimRight
    | SetPolicy
    | SetKeyLimits
    | SetFrozen
    | StartRecovery
    | StopRecovery
    | FinishRecovery
    | SetValidator
)
"""What can be done by itself, in a batch or by a proposal."""


class Propose(Operation, frozen=True, kw_only=True, gc=False, tag="propose"):
    """Ask those with a voice for an operation that needs a quorum; open up to but not including `until`.

    The frame of `operation` repeats this one's `account`, `expires`, `id`, `network` and `v`.
    """

    operation: Step
    until: EpochSeconds


Payload: TypeAlias = Genesis | Step | Propose | Approve | Veto


def carried_key(payload: Payload) -> PublicKey | None:
    """The key that a payload brings along: it signs for itself before the ledger knows it."""
    if isinstance(payload, Propose):
        return carried_key(payload.operation)
    return payload.key if isinstance(payload, (Genesis, RegisterKey, StartRecovery)) else None


__all__ = [
    "FORMAT_VERSION",
    "AccountKind",
    "AccountPath",
    "Amount",
    "Anchor",
    "AnchorKind",
    "Approve",
    "AssetKind",
    "AssetName",
    "BindRole",
    "ClientId",
    "Count",
    "Day",
    "DayRecord",
    "DefineAsset",
    "DefineRole",
    "Digest",
    "FinishRecovery",
    "Genesis",
    "Group",
    "KeyLimit",
    "KeyPurpose",
    "LendRight",
    "MintMetering",
    "Network",
    "Operation",
    "Payload",
    "Permission",
    "Post",
    "Posting",
    "Propose",
    "QualityPart",
    "Reason",
    "ReclaimRight",
    "RegisterAccount",
    "RegisterKey",
    "RevokeKey",
    "Role",
    "SetFrozen",
    "SetKeyLimits",
    "SetPolicy",
    "SetValidator",
    "StartRecovery",
    "Step",
    "StopRecovery",
    "UnbindRole",
    "Veto",
    "Voice",
    "Word",
    "carried_key",
]
