"""The frame of every operation and the types of its fields.

Field names are short where they stand in every record and are part of the signed bytes: they never change within a
version. Every payload carries the format version, the network (so that nothing can be replayed on another one), the
operation, an id made by the client (so that a repeat is recognised), the acting account, an expiry, references and a
reason code. Personal data has no place here: paths are opaque, documents are commitments. `gc=False` because the
structs hold no cycles: the garbage collector need not walk thousands of them.
"""

from typing import Annotated, Literal, TypedDict

import msgspec

from ogniwo.core.ledger.canonical import INTEGER_LIMIT
from ogniwo.core.ledger.intervals import EpochSeconds

FORMAT_VERSION = 1

Meta = msgspec.Meta
AccountPath = Annotated[
    str, Meta(pattern=r"\A[a-z0-9][a-z0-9-]{0,39}(/[a-z0-9][a-z0-9-]{0,39}){0,7}\Z", max_length=200)
]
Network = Annotated[str, Meta(pattern=r"\A[a-z0-9][a-z0-9./-]{0,63}\Z")]
ClientId = Annotated[str, Meta(pattern=r"\A[0-9a-f]{32}\Z")]
Digest = Annotated[str, Meta(pattern=r"\A[0-9a-f]{64}\Z")]
Word = Annotated[str, Meta(pattern=r"\A[a-z0-9][a-z0-9._-]{0,63}\Z")]
Reason = Annotated[str, Meta(pattern=r"\A([a-z0-9][a-z0-9._-]{0,63})?\Z")]
Day = Annotated[str, Meta(pattern=r"\A[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])\Z")]
AssetName = Annotated[str, Meta(pattern=r"\A[A-Z][A-Z0-9-]{0,15}/[0-9]\Z")]
Amount = Annotated[int, Meta(ge=-INTEGER_LIMIT, le=INTEGER_LIMIT)]
Count = Annotated[int, Meta(ge=0, le=INTEGER_LIMIT)]
AccountKind = Literal["member", "meter", "gateway", "partner", "control"]
KeyPurpose = Literal["transaction", "reading", "recovery"]
AssetKind = Literal["metering", "payment", "claim", "marketing"]
AnchorKind = Literal["statement", "invoice", "rate_book", "allocation", "identity", "purchase"]

Permission = Literal[
    "account.freeze",
    "account.register",
    "anchor.write",
    "asset.define",
    "asset.issue",
    "asset.policy",
    "claim.post",
    "contract.close",
    "dispute.resolve",
    "key.recover",
    "key.register",
    "key.revoke",
    "metering.mint",
    "metering.sign",
    "payments.switch",
    "policy.set",
    "proposal.veto",
    "read.subtree",
    "reward.give",
    "role.bind",
    "role.define",
    "rule.define",
    "validator.set",
]


class Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, gc=False):
    """A part of a payload."""


class Operation(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, gc=False, tag_field="op"):
    """The frame of every payload: `id` is 128 random bits in hex, `expires` seconds since 1970 (UTC)."""

    account: Annotated[str, Meta(max_length=200)]
    expires: EpochSeconds
    id: ClientId
    network: Annotated[str, Meta(max_length=64)]
    reason: Reason
    references: Annotated[tuple[Digest, ...], Meta(max_length=64)]
    v: Annotated[int, Meta(ge=1, le=INTEGER_LIMIT)] = FORMAT_VERSION


class Frame(TypedDict):
    """The fields that every payload carries, for whoever builds one."""

    account: str
    expires: int
    id: str
    network: str
    reason: str
    references: tuple[str, ...]
