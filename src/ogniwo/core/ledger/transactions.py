"""What can be written on the ledger: one typed struct per operation, all with the same frame.

Field names are short where they stand in every record and are part of the signed bytes: they never change within a
version. Every payload carries the format version, the network (so that nothing can be replayed on another one), the
operation, an id made by the client (so that a repeat is recognised), the acting account, an expiry, references and a
reason code. Personal data has no place here: paths are opaque, documents are commitments. `gc=False` because the
structs hold no cycles: the garbage collector need not walk thousands of them.
"""

from typing import Annotated, Literal, TypeAlias

import msgspec

from ogniwo.core.ledger.canonical import INTEGER_LIMIT
from ogniwo.core.ledger.intervals import Channel, Energy, EpochSeconds, QualityWord
from ogniwo.core.ledger.signing import Coordinate, PublicKey, Signature

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
KeyPurpose = Literal["transaction", "reading"]
AssetKind = Literal["metering", "payment", "claim"]
AnchorKind = Literal["statement", "invoice", "rate_book", "allocation"]

Permission = Literal[
    "account.register",
    "anchor.write",
    "asset.define",
    "asset.issue",
    "claim.post",
    "key.recover",
    "key.register",
    "key.revoke",
    "metering.mint",
    "metering.sign",
    "role.bind",
]


class _Strict(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, gc=False):
    """A part of a payload."""


class Role(_Strict, frozen=True, kw_only=True, gc=False):
    """A named set of permissions."""

    name: Word
    permissions: Annotated[tuple[Permission, ...], Meta(max_length=64)]


class Posting(_Strict, frozen=True, kw_only=True, gc=False):
    """One line of a transfer: what an account gets (positive) or gives (negative), in the asset's minor units."""

    account: Annotated[str, Meta(max_length=200)]
    amount: Amount
    asset: Annotated[str, Meta(max_length=20)]


class QualityPart(_Strict, frozen=True, kw_only=True, gc=False):
    """How much of a day has one quality: energy in Wh and number of intervals."""

    quality: QualityWord
    slots: Count
    wh: Energy


class DayRecord(_Strict, frozen=True, kw_only=True, gc=False):
    """What the meter or its gateway signs for one point, local day and channel.

    `merkle_root` is the root over `leaf_count` interval leaves (intervals.py); `version` counts from 1, a higher one
    replaces the lower; `total_wh` is the sum of the parts, a missing interval adds nothing.
    """

    channel: Channel
    day: Day
    leaf_count: Annotated[int, Meta(ge=1, le=1_500)]
    merkle_root: Digest
    network: Network
    parts: Annotated[tuple[QualityPart, ...], Meta(min_length=1, max_length=6)]
    point: AccountPath
    record: Literal["metering-day"] = "metering-day"
    total_wh: Energy
    v: Annotated[int, Meta(ge=1, le=INTEGER_LIMIT)] = FORMAT_VERSION
    version: Annotated[int, Meta(ge=1, le=INTEGER_LIMIT)]


class Operation(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, gc=False, tag_field="op"):
    """The frame of every payload: `id` is 128 random bits in hex, `expires` seconds since 1970 (UTC)."""

    account: Annotated[str, Meta(max_length=200)]
    expires: EpochSeconds
    id: ClientId
    network: Annotated[str, Meta(max_length=64)]
    reason: Reason
    references: Annotated[tuple[Digest, ...], Meta(max_length=64)]
    v: Annotated[int, Meta(ge=1, le=INTEGER_LIMIT)] = FORMAT_VERSION


class Genesis(Operation, frozen=True, kw_only=True, gc=False, tag="genesis"):
    """The first transaction: names the network, its operator with the first key, and what roles mean.

    `account` is the operator's path and the root of all others. `operator_role` is bound to it over the whole tree.
    `checkpoint_key` is the C2SP verifier key (`name+hash+key`) whose Ed25519 signature stands on checkpoints.
    """

    account: AccountPath
    checkpoint_key: Annotated[str, Meta(max_length=200)]
    key: PublicKey
    network: Network
    operator_role: Word
    roles: Annotated[tuple[Role, ...], Meta(min_length=1, max_length=64)]


class RegisterAccount(Operation, frozen=True, kw_only=True, gc=False, tag="register_account"):
    """Open an account below an existing one."""

    kind: AccountKind
    path: AccountPath


class RegisterKey(Operation, frozen=True, kw_only=True, gc=False, tag="register_key"):
    """Give an account a key. The new key signs too, which proves that its holder wants this."""

    device: Annotated[str, Meta(max_length=64)]
    key: PublicKey
    purpose: KeyPurpose
    subject: AccountPath
    valid_from: EpochSeconds


class RevokeKey(Operation, frozen=True, kw_only=True, gc=False, tag="revoke_key"):
    """End a key at the time of the block; what it signed before stays valid."""

    kid: Coordinate


class BindRole(Operation, frozen=True, kw_only=True, gc=False, tag="bind_role"):
    """Give an account the permissions of a role over a subtree, for a time (`valid_to` 0 = open end)."""

    role: Word
    subject: AccountPath
    subtree: AccountPath
    valid_from: EpochSeconds
    valid_to: EpochSeconds


class UnbindRole(Operation, frozen=True, kw_only=True, gc=False, tag="unbind_role"):
    """Take a role binding away."""

    role: Word
    subject: AccountPath
    subtree: AccountPath


class DefineAsset(Operation, frozen=True, kw_only=True, gc=False, tag="define_asset"):
    """Define an asset `NAME/scale`; neither scale nor policy can change later.

    `issuer` is the control account whose negative balance is the supply. `domain` is the subtree that may hold it.
    `channels` lists the channels a metering asset is minted for and is empty for the others.
    """

    asset: AssetName
    channels: Annotated[tuple[Channel, ...], Meta(max_length=16)]
    domain: AccountPath
    issuer: AccountPath
    kind: AssetKind
    transferable: bool


class MintMetering(Operation, frozen=True, kw_only=True, gc=False, tag="mint_metering"):
    """Put a signed day of readings on the ledger; the point's account gets the day's energy as metering tokens.

    `reading` is the detached JWS signature (RFC 7515, appendix F) over the canonical bytes of `record`.
    """

    asset: AssetName
    reading: Signature
    record: DayRecord


class Anchor(Operation, frozen=True, kw_only=True, gc=False, tag="anchor"):
    """Fix the salted commitment of a document that concerns `subject`; references name what it was made from."""

    commitment: Digest
    kind: AnchorKind
    subject: AccountPath


class Post(Operation, frozen=True, kw_only=True, gc=False, tag="post"):
    """Move assets: the amounts sum to zero per asset."""

    postings: Annotated[tuple[Posting, ...], Meta(min_length=2, max_length=256)]


Payload: TypeAlias = (
    Genesis
    | RegisterAccount
    | RegisterKey
    | RevokeKey
    | BindRole
    | UnbindRole
    | DefineAsset
    | MintMetering
    | Anchor
    | Post
)
