"""The records of the ledger's state, as they stand in the state root."""

import msgspec

from ogniwo.core.ledger.signing import PublicKey
from ogniwo.core.ledger.transactions import AssetKind, Group, KeyLimit, Obligation, Party, Permission, RuleKind, Step


class _Record(msgspec.Struct, frozen=True, gc=False, kw_only=True, forbid_unknown_fields=True):
    """A record of the state; never changed in place."""


class Account(_Record, frozen=True, gc=False, kw_only=True):
    """An account: its kind and when it was opened (block time)."""

    kind: str
    opened: int


class KeyRecord(_Record, frozen=True, gc=False, kw_only=True):
    """A registered key; `revoked` is 0 while it is not."""

    account: str
    device: str
    key: PublicKey
    purpose: str
    revoked: int
    valid_from: int

    def active(self, block_time: int) -> bool:
        """Whether it counts at a block time."""
        return self.valid_from <= block_time and not self.revoked


class Binding(_Record, frozen=True, gc=False, kw_only=True):
    """A role bound to an account over a subtree from `valid_from` up to but not including `valid_to` (0 = open)."""

    role: str
    subject: str
    subtree: str
    valid_from: int
    valid_to: int

    @property
    def key(self) -> tuple[str, str, str]:
        """Its key in the table of bindings."""
        return self.subject, self.role, self.subtree


class Asset(_Record, frozen=True, gc=False, kw_only=True):
    """An asset's policy."""

    channels: tuple[str, ...]
    domain: str
    issuer: str
    kind: AssetKind
    transferable: bool


class Minted(_Record, frozen=True, gc=False, kw_only=True):
    """The version in force of a point's day and channel."""

    asset: str
    record: str
    total_wh: int
    transaction: str
    version: int


class Anchored(_Record, frozen=True, gc=False, kw_only=True):
    """A commitment on the ledger."""

    kind: str
    subject: str
    transaction: str


class Foundation(_Record, frozen=True, gc=False, kw_only=True):
    """What genesis fixed."""

    checkpoint_key: str
    network: str
    operator: str
    roles: dict[str, tuple[Permission, ...]]


class RoleRecord(_Record, frozen=True, gc=False, kw_only=True):
    """What a role defined after genesis allows."""

    permissions: tuple[Permission, ...]


class Validator(_Record, frozen=True, gc=False, kw_only=True):
    """A voice in the ordering of the network; its key in the table is the Ed25519 public key in hex."""

    account: str
    power: int


class Loan(_Record, frozen=True, gc=False, kw_only=True):
    """A permission lent; its key in the table is (borrower, lender, permission, subtree)."""

    valid_from: int
    valid_to: int


class Policy(_Record, frozen=True, gc=False, kw_only=True):
    """The quorum that a permission over a subtree needs; its key in the table is (permission, subtree)."""

    lifetime_s: int
    policy: Group
    veto_accounts: tuple[str, ...]


class Approval(_Record, frozen=True, gc=False, kw_only=True):
    """An account's voice and the keys that gave it; it counts as long as one of them works."""

    account: str
    kids: tuple[str, ...]


class Proposal(_Record, frozen=True, gc=False, kw_only=True):
    """An open proposal: what is to be done, who spoke for it, which policies it needs, when it ends.

    `carried` are the keys that signed the proposal although no account has them yet.
    """

    approvals: tuple[Approval, ...]
    carried: tuple[str, ...]
    operation: Step
    policies: tuple[tuple[str, str], ...]
    until: int


class KeyLimits(_Record, frozen=True, gc=False, kw_only=True):
    """The limits of a key."""

    limits: tuple[KeyLimit, ...]


class KeyUse(_Record, frozen=True, gc=False, kw_only=True):
    """What a limited key gave of an asset on one UTC day (days since 1970-01-01); only the last day is kept."""

    day: int
    used: int


class Frozen(_Record, frozen=True, gc=False, kw_only=True):
    """A frozen account: who froze it, and when."""

    by: str
    since: int


class Recovery(_Record, frozen=True, gc=False, kw_only=True):
    """A recovery that waits: who began it, with whose second key, and from when it may be finished."""

    by: str
    device: str
    due: int
    key: PublicKey
    second: str


class HoldRecord(_Record, frozen=True, gc=False, kw_only=True):
    """What is reserved at the giver for the taker; its key in the table is its name.

    `amount` is what is left of it, `cause` names what it follows from (a contract, say) or is empty, `dispute` commits
    to the giver's statement while there is a dispute. It reserves until block time `until`, in a dispute until that is
    decided.
    """

    amount: int
    asset: str
    cause: str
    dispute: str
    giver: str
    taker: str
    until: int

    def open(self, block_time: int) -> bool:
        """Whether it reserves anything at a block time."""
        return bool(self.dispute) or block_time < self.until


class Lot(msgspec.Struct, frozen=True, gc=False, array_like=True, forbid_unknown_fields=True):
    """Units of a marketing asset that expire at the same block time (0 = never)."""

    expires: int
    amount: int


class Lots(_Record, frozen=True, gc=False, kw_only=True):
    """What an account has of a marketing asset, in order of expiry, those that never expire last."""

    lots: tuple[Lot, ...]


class AssetPolicy(_Record, frozen=True, gc=False, kw_only=True):
    """An asset's limits (0 = none), lifetime of new units, reasons for which they may be spent, and order of use."""

    balance_max: int
    codes: tuple[str, ...]
    lifetime_s: int
    spend_rank: int
    transfer_max: int


class Switch(_Record, frozen=True, gc=False, kw_only=True):
    """Whether a payment asset is switched on, on which legal basis, after which notice, and by which transaction."""

    active: bool
    basis: str
    notice: str
    since: int
    transaction: str


class RewardRule(_Record, frozen=True, gc=False, kw_only=True):
    """How units of a marketing asset are earned."""

    asset: str
    channel: str
    denominator: int
    kind: RuleKind
    numerator: int
    valid_from: str
    valid_to: str
    window: str


class Done(_Record, frozen=True, gc=False, kw_only=True):
    """That something happened that happens once, and by which transaction."""

    transaction: str


class ContractSignature(_Record, frozen=True, gc=False, kw_only=True):
    """Who signed a contract, when (block time), and the transaction that carries the signature."""

    account: str
    time: int
    transaction: str


class EContract(_Record, frozen=True, gc=False, kw_only=True):
    """An e-contract between accounts; its key in the table is the name of its proposal.

    Times are block times, 0 = not yet. `signed` is when the last party signed; `superseded` from when the
    contract `successor` takes its place (0 again when it was withdrawn); `terminated` the end that notice was given of.
    In `pauses` (from, up to but not including) an amendment was charged from which somebody then withdrew.
    """

    document: str
    notice_s: int
    obligations: tuple[Obligation, ...]
    parties: tuple[Party, ...]
    pauses: tuple[tuple[int, int], ...] = ()
    proposer: str
    replaces: str
    sign_until: int
    signatures: tuple[ContractSignature, ...] = ()
    signed: int = 0
    successor: str = ""
    superseded: int = 0
    template: str
    terminated: int = 0
    terms: str
    valid_from: int
    valid_to: int
    withdraw_s: int
    withdrawn: int = 0

    def ends(self) -> int:
        """The first instant at which it is no longer in force, 0 while it is open."""
        return min((end for end in (self.valid_to, self.terminated, self.superseded) if end), default=0)

    def status(self, time: int) -> str:
        """proposed, expired, signed, active, ended or withdrawn, at a block time."""
        if self.withdrawn:
            return "withdrawn"
        if not self.signed:
            return "proposed" if time < self.sign_until else "expired"
        if self.ends() and time >= self.ends():
            return "ended"
        return "active" if time >= self.valid_from else "signed"

    def party(self, account: str) -> Party | None:
        """The party that an account is."""
        return next((party for party in self.parties if party.account == account), None)


class ContractPeriod(_Record, frozen=True, gc=False, kw_only=True):
    """What one obligation came to in one month; its key is contract, number of the obligation, month.

    `amount` = `posted` (as a debt, or as pending transfers) + `shortfall` (what the payer's balance did not cover).
    `quantity` is the energy in Wh or the figure reckoned from, `evidence` the commitment of a measured figure.
    `holds` names the pending transfers, `transaction` the one that reckoned.
    """

    amount: int
    evidence: str
    holds: tuple[str, ...]
    posted: int
    quantity: int
    shortfall: int
    transaction: str
