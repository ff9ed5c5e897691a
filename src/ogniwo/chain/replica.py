"""A ledger that others write, held in memory to be read: it follows the stored blocks and locks nobody out."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ogniwo.chain.embedded import Head
from ogniwo.chain.opening import SnapshotKeeper
from ogniwo.chain.store import BlockStore, DamagedStoreError, LedgerAddress
from ogniwo.chain.stores import open_store, short_name, snapshot_folder
from ogniwo.core.ledger.blocks import Block, header_hash
from ogniwo.core.ledger.machine import BlockMismatchError, Machine
from ogniwo.core.ledger.merkle import Tree
from ogniwo.core.ledger.state import State


class Replica:
    """The state and the log as of the last stored block; for processes that read while another one writes.

    Each `following` block looks for new blocks first. Hashes, rules and roots are checked, signatures are not: they
    were when the block was made, and `audit.verify_ledger` does it again. Safe to use from several threads. Raises the
    refusals of `BlockStore`.
    """

    def __init__(self, address: LedgerAddress, *, snapshots: Path | None = None) -> None:
        self._address = address
        self._snapshots = snapshots or snapshot_folder(address)
        self._guard = threading.RLock()
        self._machine = Machine()

    @contextmanager
    def following(self) -> Iterator["Replica"]:
        """Up to date with the store, and standing still while the block of code runs."""
        with self._guard:
            with open_store(self._address, write=False) as store:
                self._follow(store)
            yield self

    def head(self) -> Head:
        """The last block followed; `height` -1 before genesis."""
        machine = self._machine
        header = machine.header
        if header is None:
            return Head("", -1, machine.previous, 0, "", 0, machine.log.root().hex())
        return Head(
            header.network,
            header.height,
            machine.previous,
            header.time,
            header.state_root,
            header.log_size,
            header.log_root,
        )

    def read(self, from_height: int, *, limit: int = 100) -> list[Block]:
        """Up to `limit` blocks from a height on."""
        with open_store(self._address, write=False) as store:
            return list(store.blocks(from_height=from_height, limit=limit))

    @property
    def name(self) -> str:
        """What messages call this ledger."""
        return short_name(self._address)

    @property
    def log(self) -> Tree:
        """The Merkle log up to `head().log_size`."""
        return self._machine.log

    @contextmanager
    def reading(self) -> Iterator[State]:
        """The state after the last block followed. Do not change it."""
        with self._guard:
            yield self._machine.state

    def _follow(self, store: BlockStore) -> None:
        machine = self._machine
        known = store.block(machine.height) if machine.height >= 0 else None
        if known is None or header_hash(known.header) != machine.previous:
            # Nothing yet, or another ledger has taken the place of the one followed so far.
            self._machine = SnapshotKeeper(self._snapshots).open(store)
            return
        try:
            for block in store.blocks(from_height=machine.height + 1):
                machine.replay(block, check_signatures=False)
        except BlockMismatchError as refusal:
            self._machine = Machine()  # it stands between two blocks and is of no more use
            raise DamagedStoreError(detail=f"{self.name}: {refusal.part}: {refusal.detail}") from refusal
