"""The state of the ledger: its tables, its balances, and the one hash over all of it.

Pure and deterministic: the same transactions in the same order with the same block times give the same state and the
same root, on every machine. There is no clock here but the time of the block, and no randomness. A refused transaction
changes nothing but the memory of its id.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import msgspec

from ogniwo.core.kernel.refusals import Refusal
from ogniwo.core.ledger.canonical import decode, encode
from ogniwo.core.ledger.state_records import (
    Account,
    Anchored,
    Asset,
    AssetPolicy,
    Binding,
    ContractPeriod,
    Done,
    EContract,
    Foundation,
    Frozen,
    HoldRecord,
    KeyLimits,
    KeyRecord,
    KeyUse,
    Loan,
    Lots,
    Minted,
    Policy,
    Proposal,
    Recovery,
    RewardRule,
    RoleRecord,
    Switch,
    Validator,
)
from ogniwo.core.ledger.state_tree import StateTree
from ogniwo.core.ledger.tables import Changes, Table
from ogniwo.core.ledger.transactions import Permission

LIFETIME_S_MAX = 31 * 86_400
"""How far ahead a transaction may expire; ids are remembered exactly that long, so memory stays bounded."""

_HOUR_S = 3_600


class InvariantError(Exception):
    """The books do not balance: a fault in the program, never in a transaction."""


class StateEntryError(Refusal):
    """An entry of a stored state is not one this version knows."""

    code = "ledger.state_entry"


class Seen(msgspec.Struct, frozen=True, gc=False):
    """How a client's id was used."""

    transaction: str
    code: str


class State:
    """Everything the ledger knows.

    Read the attributes freely; change them only through `Table.put` and `Table.drop`, `found` and `move`, so that the
    root, an undo and a snapshot see every change. A new kind of record is a new table here and nowhere else.
    """

    def __init__(self) -> None:
        self._changes = changes = Changes()
        self.foundation: Foundation | None = None
        self.accounts: Table[str, Account] = Table("account", Account, changes)
        self.keys: Table[str, KeyRecord] = Table("key", KeyRecord, changes, group=lambda _, record: record.account)
        self.roles: Table[str, RoleRecord] = Table("role", RoleRecord, changes)
        self.bindings: Table[tuple[str, str, str], Binding] = Table(
            "binding", Binding, changes, group=lambda _, binding: binding.subject
        )
        self.validators: Table[str, Validator] = Table("validator", Validator, changes)
        self.assets: Table[str, Asset] = Table("asset", Asset, changes)
        self.minted: Table[tuple[str, str, str], Minted] = Table("minted", Minted, changes)
        self.anchors: Table[str, Anchored] = Table("anchor", Anchored, changes)
        self.loans: Table[tuple[str, str, str, str], Loan] = Table("loan", Loan, changes, group=lambda key, _: key[0])
        self.policies: Table[tuple[str, str], Policy] = Table("policy", Policy, changes)
        self.proposals: Table[str, Proposal] = Table(
            "proposal", Proposal, changes, group=lambda _, proposal: proposal.operation.account
        )
        self.key_limits: Table[str, KeyLimits] = Table("key-limits", KeyLimits, changes)
        self.key_uses: Table[tuple[str, str], KeyUse] = Table("key-use", KeyUse, changes, group=lambda key, _: key[0])
        self.frozen: Table[str, Frozen] = Table("frozen", Frozen, changes)
        self.recoveries: Table[str, Recovery] = Table("recovery", Recovery, changes)
        self.holds: Table[str, HoldRecord] = Table(
            "hold", HoldRecord, changes, group=lambda _, hold: (hold.giver, hold.asset)
        )
        self.lots: Table[tuple[str, str], Lots] = Table("lots", Lots, changes)
        self.asset_policies: Table[str, AssetPolicy] = Table("asset_policy", AssetPolicy, changes)
        self.switches: Table[str, Switch] = Table("switch", Switch, changes)
        self.reward_rules: Table[str, RewardRule] = Table("reward_rule", RewardRule, changes)
        self.rewarded: Table[tuple[str, str, str], Done] = Table("rewarded", Done, changes)
        self.reverted: Table[str, Done] = Table("reverted", Done, changes)
        self.contracts: Table[str, EContract] = Table(
            "contract",
            EContract,
            changes,
            group=lambda _, contract: "" if contract.signed or contract.withdrawn else contract.proposer,
        )
        self.contract_periods: Table[tuple[str, str, str], ContractPeriod] = Table(
            "contract_period", ContractPeriod, changes, group=lambda key, _: key[0]
        )
        self.tables: dict[str, Table[Any, Any]] = {
            table.word: table for table in vars(self).values() if isinstance(table, Table)
        }
        self.balances: dict[tuple[str, str], int] = {}
        self.sums: dict[str, int] = {}
        self._seen: dict[tuple[str, str], Seen] = {}
        self._seen_until: dict[int, list[tuple[str, str]]] = {}
        self._tree = StateTree()
        self._founded = False
        self._moved: set[tuple[str, str]] = set()
        self._moves: list[Mapping[tuple[str, str], int]] = []

    @classmethod
    def restored(cls, entries: Iterable[tuple[bytes, bytes]]) -> "State":
        """The state that these entries of `entries` describe, without the memory of ids; raises StateEntryError."""
        state = cls()
        for key, value in entries:
            word, _, name = key.decode().partition("/")
            if word == "foundation":
                state.found(decode(value, _FOUNDATION))
            elif word == "balance":
                asset, _, account = name.partition("|")
                state.balances[account, asset] = int(value)
                state.sums[asset] = state.sums.get(asset, 0) + int(value)
                state._moved.add((account, asset))
            elif word in state.tables:
                table = state.tables[word]
                table.put(table.read_key(name), decode(value, table.decoder))
            else:
                raise StateEntryError(detail=f"{word} is no table of this version")
        return state

    def found(self, foundation: Foundation) -> None:
        """Set what genesis fixes."""
        self.foundation = foundation
        self._founded = True

    def permissions_of(self, role: str) -> tuple[Permission, ...] | None:
        """What a role allows, or None when it is not defined."""
        if self.foundation is not None and role in self.foundation.roles:
            return self.foundation.roles[role]
        later = self.roles.get(role)
        return later.permissions if later else None

    def move(self, amounts: Mapping[tuple[str, str], int]) -> None:
        """Add amounts to balances, keyed by (account, asset); raises InvariantError if an asset no longer sums to 0."""
        balances, sums = self.balances, self.sums
        if self._changes.journal is not None:
            fresh = [place for place in amounts if place not in balances]
            self._changes.journal.append(lambda: self._unmove(amounts, fresh))
        for place, amount in amounts.items():
            _, asset = place
            balances[place] = balances.get(place, 0) + amount
            sums[asset] = sums.get(asset, 0) + amount
        self._moved.update(amounts)
        self._moves.append(amounts)
        for _, asset in amounts:
            if sums[asset]:
                raise InvariantError(f"{asset} sums to {sums[asset]}")

    def _unmove(self, amounts: Mapping[tuple[str, str], int], fresh: Iterable[tuple[str, str]]) -> None:
        for place, amount in amounts.items():
            self.balances[place] -= amount
            self.sums[place[1]] -= amount
        for place in fresh:
            del self.balances[place]
        self._moves.pop()

    def take_moves(self) -> list[Mapping[tuple[str, str], int]]:
        """What was moved since this was last asked, in order."""
        moves, self._moves = self._moves, []
        return moves

    @contextmanager
    def all_or_nothing(self) -> Iterator[None]:
        """Undo every change made inside the block when an error leaves it."""
        with self._changes.all_or_nothing():
            yield

    def balance(self, account: str, asset: str) -> int:
        """An account's balance in minor units."""
        return self.balances.get((account, asset), 0)

    def seen(self, account: str, client_id: str) -> Seen | None:
        """How an account used a client id before, as long as it is remembered."""
        return self._seen.get((account, client_id))

    def remember(self, *, account: str, client_id: str, expires: int, seen: Seen) -> None:
        """Use up a client id until it expires."""
        place = (account, client_id)
        self._seen[place] = seen
        due = self._seen_until.get(expires // _HOUR_S)
        if due is None:
            due = self._seen_until[expires // _HOUR_S] = []
        due.append(place)

    def forget_expired(self, block_time: int) -> None:
        """Drop ids that expiry alone refuses from this block time on."""
        hour = block_time // _HOUR_S
        for past in sorted(due for due in self._seen_until if due < hour):
            for place in self._seen_until.pop(past):
                del self._seen[place]

    def memory(self) -> Iterator[tuple[int, str, str, Seen]]:
        """The ids remembered: (hour of expiry, counted from 1970; account; client id; how it was used), unordered."""
        for hour, places in self._seen_until.items():
            for account, client_id in places:
                yield hour, account, client_id, self._seen[account, client_id]

    def root(self) -> bytes:
        """The hash over foundation, tables and balances.

        The memory of ids is not part of it: it follows from the log, whose root stands in the same block.
        """
        balances = self.balances
        changes: dict[bytes, bytes | None] = {
            f"balance/{asset}|{account}".encode(): b"%d" % balances[account, asset]
            for account, asset in self._moved
            if (account, asset) in balances
        }
        for table, key in self._changes.touched:
            value = table.get(key)
            changes[table.entry_key(key)] = None if value is None else encode(value)
        if self._founded and self.foundation:
            changes[b"foundation"] = encode(self.foundation)
        self._moved.clear()
        self._changes.touched.clear()
        self._founded = False
        return self._tree.update(changes) if changes else self._tree.root()

    def entries(self) -> Iterator[tuple[bytes, bytes]]:
        """All entries that the root covers, rebuilt from the attributes: for snapshots and for checking the root."""
        if self.foundation:
            yield b"foundation", encode(self.foundation)
        for table in self.tables.values():
            for key, value in table.items():
                yield table.entry_key(key), encode(value)
        for (account, name), amount in self.balances.items():
            yield f"balance/{name}|{account}".encode(), b"%d" % amount


_FOUNDATION = msgspec.json.Decoder(Foundation)
