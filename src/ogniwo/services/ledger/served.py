"""A ledger that answers others: takes transactions without waiting, and gives head, checkpoints, proofs and receipts.

What only hashes and places say anybody may ask; payloads take a signed query (`reading`). `offer`, `head` and `health`
return at once; everything else may wait for SQL, the disk or the writer, and belongs on one thread of its own.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ogniwo.chain.embedded import EmbeddedLedger, Head, Health
from ogniwo.chain.inbox import Answer, BusyError, StoppedError, Ticket
from ogniwo.chain.journal import Located
from ogniwo.chain.projection import Projection
from ogniwo.chain.proofs import NotOnLedgerError, checkpoint_of, receipt_of
from ogniwo.core.ledger.blocks import Block
from ogniwo.services.ledger.reading import ReadRights

__all__ = [
    "BLOCKS_MAX",
    "ROWS_MAX",
    "Answer",
    "Block",
    "BusyError",
    "Consistency",
    "Head",
    "Health",
    "HistoryRow",
    "Located",
    "ServedLedger",
    "StoppedError",
    "Ticket",
]

BLOCKS_MAX = 100
"""How many blocks one answer holds at most."""

BLOCKS_BYTES_MAX = 4_000_000
"""An answer with several blocks stays below this."""

ROWS_MAX = 1_000
"""How many rows of a history or of the list of commitments one answer holds at most."""


class Consistency(msgspec.Struct, frozen=True):
    """That the log of `old` entries begins the log of `new` ones: RFC 9162 hashes in hex, and the newer checkpoint."""

    old: int
    new: int
    proof: tuple[str, ...]
    checkpoint: str


class Change(msgspec.Struct, frozen=True):
    """What an account got (positive) or gave (negative), in the asset's minor units."""

    asset: str
    amount: int


class HistoryRow(msgspec.Struct, frozen=True):
    """A transaction that concerned an account: who acted, what became of it, and what the account's balances did."""

    transaction: str
    operation: str
    account: str
    code: str
    height: int
    position: int
    log_index: int
    time: int
    changes: tuple[Change, ...]


class ServedLedger:
    """One open ledger as its callers over a network see it.

    `rights` judges who may read payloads; `kept` is the folder of checkpoints that witnesses have signed too: the
    checkpoint of that size is then given with their lines.
    """

    def __init__(
        self,
        ledger: EmbeddedLedger,
        *,
        projection: Projection,
        key: Ed25519PrivateKey,
        rights: ReadRights,
        kept: Path | None = None,
    ) -> None:
        self._ledger = ledger
        self._projection = projection
        self._key = key
        self._rights = rights
        self._kept = kept
        self._signed = (-1, "")

    def offer(self, envelopes: Sequence[bytes], *, done: Callable[[Ticket], None]) -> None:
        """Hand a batch to the engine; its thread calls `done` when the answers are durable."""
        self._ledger.offer(envelopes, done=done)

    def head(self) -> Head:
        """The last durable block."""
        return self._ledger.head()

    def health(self) -> Health:
        """Whether transactions are taken, and how many wait."""
        return self._ledger.health()

    def checkpoint(self) -> str:
        """The signed checkpoint of the last durable block, with the lines of witnesses where they are kept."""
        size, note = self._signed
        if size != self._ledger.head().log_size:
            note = checkpoint_of(self._ledger, key=self._key)
            size = int(note.split("\n")[1])
            self._signed = (size, note)
        kept = None if self._kept is None else self._kept / f"{size:010d}.txt"
        return kept.read_text(encoding="utf-8") if kept is not None and kept.is_file() else note

    def consistency(self, *, old: int) -> Consistency:
        """The proof that the log still begins with the first `old` entries; raises ProofOutOfRangeError."""
        checkpoint = self.checkpoint()
        new = int(checkpoint.split("\n")[1])
        proof = self._ledger.log.consistency(old, new)
        return Consistency(old, new, tuple(step.hex() for step in proof), checkpoint)

    def place(self, name: str) -> Located:
        """Where a transaction stands; raises NotOnLedgerError."""
        self._projection.catch_up()
        place = self._projection.find(name)
        if place is None:
            raise NotOnLedgerError(detail=f"the ledger holds no transaction {name}")
        return place

    def receipt(self, name: str, *, query: str, path: str) -> bytes:
        """The receipt of a transaction, canonical JSON, for whoever may read a payload that concerns its accounts."""
        reader = self._rights.reader(query, path=path)
        place = self.place(name)
        self._rights.demand_account(reader, self._projection.involved(place.log_index))
        return receipt_of(self._ledger, self._projection, transaction=name, key=self._key, notes=(self.checkpoint(),))

    def blocks(self, *, from_height: int, limit: int, query: str, path: str) -> list[Block]:
        """Whole blocks for whoever may read everything: one where there is one, then up to the bounds above."""
        self._rights.demand_tree(self._rights.reader(query, path=path))
        blocks: list[Block] = []
        room = BLOCKS_BYTES_MAX
        for block in self._ledger.read(from_height, limit=min(limit, BLOCKS_MAX)):
            room -= len(block.header) + len(block.body)
            if blocks and room < 0:
                break
            blocks.append(block)
        return blocks

    def commitments(self, *, from_index: int, limit: int, query: str, path: str) -> list[Located]:
        """Names, places and outcomes from a log index on, without who or what: for every holder of a key."""
        self._rights.reader(query, path=path)
        self._projection.catch_up()
        return self._projection.page(from_index=from_index, limit=min(limit, ROWS_MAX))

    def history(self, account: str, *, before: int | None, limit: int, query: str, path: str) -> list[HistoryRow]:
        """What concerned an account, given and got, newest first; page with `before` = the last log_index seen."""
        self._rights.demand_account(self._rights.reader(query, path=path), frozenset({account}))
        self._projection.catch_up()
        return [
            HistoryRow(
                transaction=one.name,
                operation=one.operation,
                account=one.account,
                code=one.outcome,
                height=one.height,
                position=one.position,
                log_index=one.log_index,
                time=one.time_s,
                changes=tuple(
                    Change(moved.asset, moved.amount)
                    for moved in self._projection.changes(one.log_index)
                    if moved.account == account
                ),
            )
            for one in self._projection.history(account, limit=min(limit, ROWS_MAX), before=before)
        ]

    def balances(self, account: str, *, query: str, path: str) -> dict[str, int]:
        """An account's balances by asset, in minor units."""
        self._rights.demand_account(self._rights.reader(query, path=path), frozenset({account}))
        self._projection.catch_up()
        found = self._projection.balances(subtree=account)
        return {asset: amount for (holder, asset), amount in sorted(found.items()) if holder == account}
