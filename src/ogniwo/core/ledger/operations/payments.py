"""Payments: what is held and settled, what is paid from several sources, what is undone, and the rules of assets."""

from typing import Annotated, Literal

from msgspec import Meta

from ogniwo.core.ledger.canonical import INTEGER_LIMIT
from ogniwo.core.ledger.intervals import EpochSeconds
from ogniwo.core.ledger.operations.frame import AccountPath, AssetName, Count, Day, Digest, Operation, Part, Word
from ogniwo.core.ledger.operations.transfers import Post

Positive = Annotated[int, Meta(ge=1, le=INTEGER_LIMIT)]
RuleKind = Literal["fixed", "per_energy"]
RuleChannel = Annotated[str, Meta(pattern=r"\A[a-z0-9./-]{0,32}\Z")]


class Hold(Operation, frozen=True, kw_only=True, gc=False, tag="hold"):
    """Reserve `amount` of the giver's for the taker until block time `until`; nothing moves yet."""

    amount: Positive
    asset: AssetName
    giver: AccountPath
    taker: AccountPath
    until: EpochSeconds


class Settle(Operation, frozen=True, kw_only=True, gc=False, tag="settle"):
    """Move `amount` of what a hold reserves to the taker; `final` frees the rest."""

    amount: Positive
    final: bool
    hold: Digest


class Void(Operation, frozen=True, kw_only=True, gc=False, tag="void"):
    """Free what a hold still reserves."""

    hold: Digest


class Dispute(Operation, frozen=True, kw_only=True, gc=False, tag="dispute"):
    """The giver contests a hold; `text` is the commitment of his statement."""

    hold: Digest
    text: Digest


class ResolveDispute(Operation, frozen=True, kw_only=True, gc=False, tag="resolve_dispute"):
    """Decide a dispute: settle `amount` and free the rest, or free all (`amount` 0); `text` commits to the grounds."""

    amount: Count
    hold: Digest
    text: Digest
    verdict: Literal["settle", "void"]


class Source(Part, frozen=True, kw_only=True, gc=False):
    """Where a payment comes from: at most `cap` minor units (0 = no cap)."""

    account: AccountPath
    asset: AssetName
    cap: Count


class Pay(Operation, frozen=True, kw_only=True, gc=False, tag="pay"):
    """Pay `amount` from the sources in their order; all of them have the same scale."""

    amount: Positive
    sources: Annotated[tuple[Source, ...], Meta(min_length=1, max_length=16)]
    taker: AccountPath


class Revert(Operation, frozen=True, kw_only=True, gc=False, tag="revert"):
    """Undo a transfer: `original` with the place of its log entry, which proves that it was accepted."""

    envelope: Digest
    height: Count
    log_index: Count
    original: Post
    position: Count
    time: EpochSeconds


class SetAssetPolicy(Operation, frozen=True, kw_only=True, gc=False, tag="set_asset_policy"):
    """Set an asset's limits: `transfer_max` and `balance_max` in minor units of it (0 = none).

    `lifetime_s` (0 = for ever) and `codes`, the reasons for which units may be spent (none = any), are for marketing
    assets. `spend_rank` orders the sources of a payment, the lower one first.
    """

    asset: AssetName
    balance_max: Count
    codes: Annotated[tuple[Word, ...], Meta(max_length=32)]
    lifetime_s: Annotated[int, Meta(ge=0, le=730 * 86_400)]
    spend_rank: Annotated[int, Meta(ge=0, le=1_000)]
    transfer_max: Count


class SwitchPayments(Operation, frozen=True, kw_only=True, gc=False, tag="switch_payments"):
    """Switch a payment asset on or off; `basis` names the legal basis, `notice` commits to the notice given."""

    active: bool
    asset: AssetName
    basis: Word
    notice: Digest


class DefineRule(Operation, frozen=True, kw_only=True, gc=False, tag="define_rule"):
    """Define how marketing units are earned; nothing in a rule changes later.

    `per_energy`: floor(Wh * numerator / denominator) for the energy of `channel` inside the window of which `window` is
    the salted commitment. `fixed`: `numerator` units at a time. Good for the days from `valid_from` to `valid_to`.
    """

    asset: AssetName
    channel: RuleChannel
    denominator: Positive
    kind: RuleKind
    name: Word
    numerator: Positive
    valid_from: Day
    valid_to: Day
    window: Digest


class Reward(Operation, frozen=True, kw_only=True, gc=False, tag="reward"):
    """Give what a rule promises for days: `point` is where the energy was metered, the account itself for `fixed`.

    `wh` is the energy inside the window; `commitment` binds the document with the quarter-hours and their proofs.
    """

    beneficiary: AccountPath
    commitment: Digest
    days: Annotated[tuple[Day, ...], Meta(min_length=1, max_length=31)]
    point: AccountPath
    rule: Word
    wh: Count


class Lapse(Operation, frozen=True, kw_only=True, gc=False, tag="lapse"):
    """Return the expired units of accounts to the issuer."""

    accounts: Annotated[tuple[AccountPath, ...], Meta(min_length=1, max_length=256)]
    asset: AssetName
