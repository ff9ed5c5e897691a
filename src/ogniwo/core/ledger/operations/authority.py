"""Authority: roles made later, rights lent, quorums, limits of keys, freezing, recovery, validators."""

from typing import Annotated, TypeAlias

from msgspec import Meta

from ogniwo.core.ledger.intervals import EpochSeconds
from ogniwo.core.ledger.operations.frame import AccountPath, AssetName, Count, Digest, Operation, Part, Permission, Word
from ogniwo.core.ledger.signing import Coordinate, PublicKey

Weight: TypeAlias = Annotated[int, Meta(ge=1, le=1_000_000)]
LIFETIME_S_LEAST = 60
LIFETIME_S_MOST = 31 * 86_400
DEPTH_MOST = 4


class DefineRole(Operation, frozen=True, kw_only=True, gc=False, tag="define_role"):
    """Name a set of permissions after genesis; what a name means never changes."""

    name: Word
    permissions: Annotated[tuple[Permission, ...], Meta(min_length=1, max_length=64)]


class LendRight(Operation, frozen=True, kw_only=True, gc=False, tag="lend_right"):
    """Lend one permission over a subtree until `valid_to`; it counts as long as the lender holds it by a role."""

    permission: Permission
    subject: AccountPath
    subtree: AccountPath
    valid_from: EpochSeconds
    valid_to: Annotated[int, Meta(ge=1, le=253_402_300_799)]


class ReclaimRight(Operation, frozen=True, kw_only=True, gc=False, tag="reclaim_right"):
    """End a loan: the lender, the borrower, or whoever could bind the right there."""

    lender: AccountPath
    permission: Permission
    subject: AccountPath
    subtree: AccountPath


class Voice(Part, frozen=True, kw_only=True, gc=False, tag_field="part", tag="voice"):
    """An account's voice in a policy."""

    account: AccountPath
    weight: Weight


class Group(Part, frozen=True, kw_only=True, gc=False, tag_field="part", tag="group"):
    """Voices and groups of voices: it speaks, with its own weight, when the weights that speak in it reach `need`.

    A deeper tree than DEPTH_MOST cannot be written down: what decodes on one machine decodes on every one.
    """

    members: Annotated[tuple["Voice | Group", ...], Meta(min_length=1, max_length=64)]
    need: Annotated[int, Meta(ge=1, le=64_000_000)]
    weight: Weight

    def __post_init__(self) -> None:
        """Refuse a tree that is too deep; the groups inside were checked when they were made."""
        if _depth(self) > DEPTH_MOST:
            raise ValueError(f"a policy has at most {DEPTH_MOST} groups inside one another")


def _depth(part: Voice | Group) -> int:
    return 1 + max(map(_depth, part.members)) if isinstance(part, Group) else 0


class SetPolicy(Operation, frozen=True, kw_only=True, gc=False, tag="set_policy"):
    """Make a permission over a subtree depend on a quorum; replaces the policy that stood there.

    `policy` is a tree at most 4 groups deep with at most 64 voices, each account once. `veto_accounts` may end a
    proposal that needs this policy; a proposal stays open for at most `lifetime_s` seconds.
    """

    lifetime_s: Annotated[int, Meta(ge=LIFETIME_S_LEAST, le=LIFETIME_S_MOST)]
    permission: Permission
    policy: Group
    subtree: AccountPath
    veto_accounts: Annotated[tuple[AccountPath, ...], Meta(max_length=16)]


class Approve(Operation, frozen=True, kw_only=True, gc=False, tag="approve"):
    """Add the signers' voices to a proposal; the voice that completes every quorum carries it out."""

    proposal: Digest


class Veto(Operation, frozen=True, kw_only=True, gc=False, tag="veto"):
    """End an open proposal: by who may veto it, or withdrawn by who made it."""

    proposal: Digest


class KeyLimit(Part, frozen=True, kw_only=True, gc=False):
    """What one key alone may give of an asset, in minor units: at once, and per UTC day of block time; 0 is nothing."""

    asset: AssetName
    per_day: Count
    per_transfer: Count


class SetKeyLimits(Operation, frozen=True, kw_only=True, gc=False, tag="set_key_limits"):
    """Set all limits of a key; an asset that is not named has none."""

    kid: Coordinate
    limits: Annotated[tuple[KeyLimit, ...], Meta(max_length=32)]


class SetFrozen(Operation, frozen=True, kw_only=True, gc=False, tag="set_frozen"):
    """Freeze an account or let it act again. A frozen account neither acts nor gives; it may receive and be charged."""

    frozen: bool
    path: AccountPath


class StartRecovery(Operation, frozen=True, kw_only=True, gc=False, tag="start_recovery"):
    """Begin to give an account a new key in place of those it lost. The new key signs, and a second person's."""

    device: Annotated[str, Meta(max_length=64)]
    key: PublicKey
    subject: AccountPath


class StopRecovery(Operation, frozen=True, kw_only=True, gc=False, tag="stop_recovery"):
    """Stop a recovery: the account itself with any working key, also a frozen account; or who began it."""

    subject: AccountPath


class FinishRecovery(Operation, frozen=True, kw_only=True, gc=False, tag="finish_recovery"):
    """After the waiting time: register the new key and end the account's old transaction keys."""

    subject: AccountPath


class SetValidator(Operation, frozen=True, kw_only=True, gc=False, tag="set_validator"):
    """Give a validator of the network a voting power, or take it out with 0.

    `validator` is its Ed25519 public key in hex, `subject` the account that answers for it.
    """

    power: Annotated[int, Meta(ge=0, le=1_000)]
    subject: AccountPath
    validator: Digest
