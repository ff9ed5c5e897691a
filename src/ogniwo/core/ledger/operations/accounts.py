"""Accounts, keys, roles and assets: who there is and what he may."""

from typing import Annotated

from msgspec import Meta

from ogniwo.core.ledger.intervals import Channel, EpochSeconds
from ogniwo.core.ledger.operations.frame import (
    AccountKind,
    AccountPath,
    AssetKind,
    AssetName,
    KeyPurpose,
    Network,
    Operation,
    Part,
    Permission,
    Word,
)
from ogniwo.core.ledger.signing import Coordinate, PublicKey


class Role(Part, frozen=True, kw_only=True, gc=False):
    """A named set of permissions."""

    name: Word
    permissions: Annotated[tuple[Permission, ...], Meta(max_length=64)]


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
