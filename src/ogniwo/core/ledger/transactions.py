"""All that can be written on the ledger: one typed struct per operation, all with the frame of `operations.frame`."""

from hashlib import sha256
from typing import Annotated, TypeAlias

from msgspec import Meta

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
from ogniwo.core.ledger.operations.contracts import (
    Charging,
    CloseContractPeriod,
    DiscountByHour,
    Instalment,
    Measured,
    Obligation,
    Party,
    ProposeContract,
    SignContract,
    StorageRent,
    Supply,
    TerminateContract,
    WithdrawContract,
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
from ogniwo.core.ledger.operations.metering import (
    DAYS_MAX,
    Anchor,
    DayRecord,
    MintDays,
    MintMetering,
    QualityPart,
    SignedDay,
)
from ogniwo.core.ledger.operations.payments import (
    DefineRule,
    Dispute,
    Hold,
    Lapse,
    Pay,
    ResolveDispute,
    Revert,
    Reward,
    RuleKind,
    SetAssetPolicy,
    Settle,
    Source,
    SwitchPayments,
    Void,
)
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
    | Hold
    | Settle
    | Void
    | Dispute
    | ResolveDispute
    | Pay
    | Revert
    | SetAssetPolicy
    | SwitchPayments
    | DefineRule
    | Reward
    | Lapse
    | ProposeContract
    | SignContract
    | WithdrawContract
    | TerminateContract
    | CloseContractPeriod
)
"""What can be done by itself, in a batch or by a proposal."""


class Propose(Operation, frozen=True, kw_only=True, gc=False, tag="propose"):
    """Ask those with a voice for an operation that needs a quorum; open up to but not including `until`.

    The frame of `operation` repeats this one's `account`, `expires`, `id`, `network` and `v`.
    """

    operation: Step
    until: EpochSeconds


class Batch(Operation, frozen=True, kw_only=True, gc=False, tag="batch"):
    """Several operations of several accounts, all or none; each has the batch's frame but its own account.

    Days of readings stay outside: each is proven by itself and harmless to repeat.
    """

    operations: Annotated[tuple[Step, ...], Meta(min_length=2, max_length=64)]


Payload: TypeAlias = Genesis | Step | Batch | MintDays | Propose | Approve | Veto


def parts_of(payload: Payload) -> tuple[Payload, ...]:
    """What a payload does at once, one by one."""
    return payload.operations if isinstance(payload, Batch) else (payload,)


def named_parts(payload: Payload, name: str) -> tuple[tuple[str, Payload], ...]:
    """What a payload of this name (hex) does, each with the name of what it does: part i of a batch has its own."""
    if not isinstance(payload, Batch):
        return ((name, payload),)
    return tuple(
        (sha256(f"{name}/{number}".encode()).hexdigest(), part) for number, part in enumerate(payload.operations)
    )


def signed_days(payload: Payload) -> tuple[MintMetering | SignedDay, ...]:
    """The days of readings that a payload puts on the ledger, each with asset, record and the signature under it."""
    if isinstance(payload, MintMetering):
        return (payload,)
    return payload.days if isinstance(payload, MintDays) else ()


def carried_keys(payload: Payload) -> tuple[PublicKey, ...]:
    """The keys that a payload brings along: each signs for itself before the ledger knows it."""
    if isinstance(payload, Propose):
        return carried_keys(payload.operation)
    return tuple(part.key for part in parts_of(payload) if isinstance(part, (Genesis, RegisterKey, StartRecovery)))


__all__ = [
    "DAYS_MAX",
    "FORMAT_VERSION",
    "AccountKind",
    "AccountPath",
    "Amount",
    "Anchor",
    "AnchorKind",
    "Approve",
    "AssetKind",
    "AssetName",
    "Batch",
    "BindRole",
    "Charging",
    "ClientId",
    "CloseContractPeriod",
    "Count",
    "Day",
    "DayRecord",
    "DefineAsset",
    "DefineRole",
    "DefineRule",
    "Digest",
    "DiscountByHour",
    "Dispute",
    "FinishRecovery",
    "Genesis",
    "Group",
    "Hold",
    "Instalment",
    "KeyLimit",
    "KeyPurpose",
    "Lapse",
    "LendRight",
    "Measured",
    "MintDays",
    "MintMetering",
    "Network",
    "Obligation",
    "Operation",
    "Party",
    "Pay",
    "Payload",
    "Permission",
    "Post",
    "Posting",
    "Propose",
    "ProposeContract",
    "QualityPart",
    "Reason",
    "ReclaimRight",
    "RegisterAccount",
    "RegisterKey",
    "ResolveDispute",
    "Revert",
    "RevokeKey",
    "Reward",
    "Role",
    "RuleKind",
    "SetAssetPolicy",
    "SetFrozen",
    "SetKeyLimits",
    "SetPolicy",
    "SetValidator",
    "Settle",
    "SignContract",
    "SignedDay",
    "Source",
    "StartRecovery",
    "Step",
    "StopRecovery",
    "StorageRent",
    "Supply",
    "SwitchPayments",
    "TerminateContract",
    "UnbindRole",
    "Veto",
    "Voice",
    "Void",
    "WithdrawContract",
    "Word",
    "carried_keys",
    "named_parts",
    "parts_of",
    "signed_days",
]
