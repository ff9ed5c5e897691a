"""The state of the ledger and its one way to change: `apply`.

Pure and deterministic: the same transactions in the same order with the same block times give the same state and the
same root, on every machine. There is no clock here but the time of the block, and no randomness. A refused transaction
changes nothing but the memory of its id.
"""

from collections.abc import Iterator, Mapping

import msgspec

from ogniwo.core.ledger.canonical import encode
from ogniwo.core.ledger.signing import PublicKey
from ogniwo.core.ledger.state_tree import StateTree
from ogniwo.core.ledger.transactions import AssetKind, Permission

LIFETIME_S_MAX = 31 * 86_400
"""How far ahead a transaction may expire; ids are remembered exactly that long, so memory stays bounded."""

_HOUR_S = 3_600


class InvariantError(Exception):
    """The books do not balance: a fault in the program, never in a transaction."""


class Account(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """An account: its kind and when it was opened (block time)."""

    kind: str
    opened: int


class KeyRecord(msgspec.Struct, frozen=True, gc=False, kw_only=True):
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


class Binding(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """A role bound to an account over a subtree from `valid_from` up to but not including `valid_to` (0 = open)."""

    role: str
    subject: str
    subtree: str
    valid_from: int
    valid_to: int


class Asset(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """An asset's policy."""

    channels: tuple[str, ...]
    domain: str
    issuer: str
    kind: AssetKind
    transferable: bool


class Minted(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """The version in force of a point's day and channel."""

    asset: str
    record: str
    total_wh: int
    transaction: str
    version: int


class Anchored(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """A commitment on the ledger."""

    kind: str
    subject: str
    transaction: str


class Foundation(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """What genesis fixed."""

    checkpoint_key: str
    network: str
    operator: str
    roles: dict[str, tuple[Permission, ...]]


class Seen(msgspec.Struct, frozen=True, gc=False):
    """How a client's id was used."""

    transaction: str
    code: str


class State:
    """Everything the ledger knows. Read the attributes freely; change them only through `put_*` and `move`."""

    def __init__(self) -> None:
        self.foundation: Foundation | None = None
        self.accounts: dict[str, Account] = {}
        self.keys: dict[str, KeyRecord] = {}
        self.keys_of: dict[str, list[str]] = {}
        self.bindings: dict[str, dict[tuple[str, str], Binding]] = {}
        self.assets: dict[str, Asset] = {}
        self.balances: dict[tuple[str, str], int] = {}
        self.sums: dict[str, int] = {}
        self.minted: dict[tuple[str, str, str], Minted] = {}
        self.anchors: dict[str, Anchored] = {}
        self._seen: dict[tuple[str, str], Seen] = {}
        self._seen_until: dict[int, list[tuple[str, str]]] = {}
        self._tree = StateTree()
        self._changed: dict[str, msgspec.Struct | None] = {}
        self._moved: set[tuple[str, str]] = set()

    def found(self, foundation: Foundation) -> None:
        """Set what genesis fixes."""
        self.foundation = foundation
        self._changed["foundation"] = foundation

    def put_account(self, path: str, account: Account) -> None:
        """Open an account."""
        self.accounts[path] = account
        self._changed[f"account/{path}"] = account

    def put_key(self, kid: str, record: KeyRecord) -> None:
        """Register a key or change its record."""
        if kid not in self.keys:
            self.keys_of.setdefault(record.account, []).append(kid)
        self.keys[kid] = record
        self._changed[f"key/{kid}"] = record

    def put_binding(self, binding: Binding) -> None:
        """Bind a role."""
        self.bindings.setdefault(binding.subject, {})[binding.role, binding.subtree] = binding
        self._changed[_binding_key(binding)] = binding

    def remove_binding(self, binding: Binding) -> None:
        """Take a role binding away."""
        del self.bindings[binding.subject][binding.role, binding.subtree]
        self._changed[_binding_key(binding)] = None

    def put_asset(self, name: str, asset: Asset) -> None:
        """Define an asset."""
        self.assets[name] = asset
        self.sums[name] = 0
        self._changed[f"asset/{name}"] = asset

    def put_minted(self, natural_id: tuple[str, str, str], minted: Minted) -> None:
        """Set the version in force of (point, day, channel)."""
        self.minted[natural_id] = minted
        self._changed["minted/" + "|".join(natural_id)] = minted

    def put_anchor(self, commitment: str, anchored: Anchored) -> None:
        """Fix a commitment."""
        self.anchors[commitment] = anchored
        self._changed[f"anchor/{commitment}"] = anchored

    def move(self, amounts: Mapping[tuple[str, str], int]) -> None:
        """Add amounts to balances, keyed by (account, asset); raises InvariantError if an asset no longer sums to 0."""
        balances, sums = self.balances, self.sums
        for place, amount in amounts.items():
            balances[place] = balances.get(place, 0) + amount
            sums[place[1]] += amount
        self._moved.update(amounts)
        for _, asset in amounts:
            if sums[asset]:
                raise InvariantError(f"{asset} sums to {sums[asset]}")

    def balance(self, account: str, asset: str) -> int:
        """An account's balance in minor units."""
        return self.balances.get((account, asset), 0)

    def seen(self, account: str, client_id: str) -> Seen | None:
        """How an account used a client id before, as long as it is remembered."""
        return self._seen.get((account, client_id))

    def remember(self, *, account: str, client_id: str, expires: int, seen: Seen) -> None:
        """Use up a client id until it expires."""
        self._seen[account, client_id] = seen
        self._seen_until.setdefault(expires // _HOUR_S, []).append((account, client_id))

    def forget_expired(self, block_time: int) -> None:
        """Drop ids that expiry alone refuses from this block time on."""
        hour = block_time // _HOUR_S
        for past in sorted(due for due in self._seen_until if due < hour):
            for place in self._seen_until.pop(past):
                del self._seen[place]

    def root(self) -> bytes:
        """The hash over foundation, accounts, keys, bindings, assets, balances, minted days and anchors.

        The memory of ids is not part of it: it follows from the log, whose root stands in the same block.
        """
        changes: dict[bytes, bytes | None] = {
            f"balance/{asset}|{account}".encode(): b"%d" % self.balances[account, asset]
            for account, asset in self._moved
        }
        for key, value in self._changed.items():
            changes[key.encode()] = None if value is None else encode(value)
        self._moved.clear()
        self._changed.clear()
        return self._tree.update(changes) if changes else self._tree.root()

    def entries(self) -> Iterator[tuple[bytes, bytes]]:
        """All entries that the root covers, rebuilt from the attributes: for snapshots and for checking the root."""
        if self.foundation:
            yield b"foundation", encode(self.foundation)
        tables: tuple[tuple[str, Mapping[str, msgspec.Struct]], ...] = (
            ("account", self.accounts),
            ("key", self.keys),
            ("asset", self.assets),
            ("anchor", self.anchors),
            ("minted", {"|".join(place): minted for place, minted in self.minted.items()}),
        )
        for word, table in tables:
            for name, value in table.items():
                yield f"{word}/{name}".encode(), encode(value)
        for bound in self.bindings.values():
            for binding in bound.values():
                yield _binding_key(binding).encode(), encode(binding)
        for (account, name), amount in self.balances.items():
            yield f"balance/{name}|{account}".encode(), b"%d" % amount


def _binding_key(binding: Binding) -> str:
    return f"binding/{binding.subject}|{binding.role}|{binding.subtree}"
