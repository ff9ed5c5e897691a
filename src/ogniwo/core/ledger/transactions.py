"""All that can be written on the ledger: one typed struct per operation, all with the frame of `operations.frame`."""

from typing import TypeAlias

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

Step: TypeAlias = (
    RegisterAccount | RegisterKey | RevokeKey | BindRole | UnbindRole | DefineAsset | MintMetering | Anchor | Post
)
"""What can be done by itself, in a batch or by a proposal."""

Payload: TypeAlias = Genesis | Step

__all__ = [
    "FORMAT_VERSION",
    "AccountKind",
    "AccountPath",
    "Amount",
    "Anchor",
    "AnchorKind",
    "AssetKind",
    "AssetName",
    "BindRole",
    "ClientId",
    "Count",
    "Day",
    "DayRecord",
    "DefineAsset",
    "Digest",
    "Genesis",
    "KeyPurpose",
    "MintMetering",
    "Network",
    "Operation",
    "Payload",
    "Permission",
    "Post",
    "Posting",
    "QualityPart",
    "Reason",
    "RegisterAccount",
    "RegisterKey",
    "RevokeKey",
    "Role",
    "Step",
    "UnbindRole",
    "Word",
]
