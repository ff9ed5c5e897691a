"""The embedded engine: orders transactions on one machine and makes them durable in groups.

Four calls: `submit(batch)`, `read(from height)`, `head()`, `health()`. Callers hand batches in and wait; one writer
thread makes the blocks. A block takes whatever waits, up to 1,000 transactions or 1 MB, and what arrives meanwhile
forms the next one, so nobody waits for company and a busy ledger still syncs once per thousand.

Processes of their own decode and verify (verifiers.py); meanwhile the writer applies the block before and makes it one
durable row. When full blocks wait, up to two are verified ahead. Few transactions are verified by the writer itself.
"""

import os
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from ogniwo.chain.closing import Closing
from ogniwo.chain.inbox import Answer, Inbox, Part, Ticket
from ogniwo.chain.opening import SNAPSHOT_ENTRIES, SnapshotKeeper
from ogniwo.chain.projection import BLOCKS_TOGETHER, Followed, Projection
from ogniwo.chain.store import LedgerAddress
from ogniwo.chain.stores import open_store, snapshot_folder
from ogniwo.chain.verifiers import AHEAD_MAX, START_AFTER, Handed, Verifiers
from ogniwo.core.kernel.findings import Finding, Severity
from ogniwo.core.kernel.refusals import Refusal
from ogniwo.core.ledger import hashing
from ogniwo.core.ledger.admission import SignedTransaction, TurnedAway
from ogniwo.core.ledger.blocks import Block, BlockHeader
from ogniwo.core.ledger.machine import Placed
from ogniwo.core.ledger.merkle import Tree
from ogniwo.core.ledger.state import State

BLOCK_TRANSACTIONS_MAX = 1_000
BLOCK_BYTES_MAX = 1_000_000
PENDING_MAX = 20_000
PENDING_BYTES_MAX = 64_000_000
_CLOSED = "the ledger is closed"


class Head(NamedTuple):
    """The last durable block; `height` -1 before genesis."""

    network: str
    height: int
    hash: str
    time_s: int
    state_root: str
    log_size: int
    log_root: str


class Health(NamedTuple):
    """Whether the engine takes transactions, and how full it is."""

    running: bool
    problem: str
    height: int
    pending: int
    pending_max: int


class EmbeddedLedger(Closing):
    """The engine over one store; safe to call from many threads. Close it, or use it in a `with` block.

    `address` is an SQLite file or a PostgreSQL database (`store.LedgerAddress`). `clock` gives seconds since 1970;
    `workers` processes verify (default: one per processor), started when `workers_after` transactions have come. A
    `projection` of this ledger is kept up by the writer after the callers have their answers, and before it waits for
    the next: a block at a time, or several of those that were queued.
    Opening starts from the newest snapshot that fits the blocks (opening.py) and replays the rest; `snapshots` is their
    folder (default: beside a file, none for a server), and `snapshot_entries` how much the log grows between two of
    them, 0 for none. Raises the refusals of `BlockStore`.
    """

    def __init__(
        self,
        address: LedgerAddress,
        *,
        clock: Callable[[], int] = lambda: int(time.time()),
        workers: int | None = None,
        workers_after: int = START_AFTER,
        pending_max: int = PENDING_MAX,
        snapshots: Path | None = None,
        snapshot_entries: int = SNAPSHOT_ENTRIES,
        projection: Projection | None = None,
    ) -> None:
        self._projection = projection
        self._durable: list[Followed] = []
        self._clock = clock
        self._store = open_store(address, write=True)
        self._keeper = SnapshotKeeper(snapshots or snapshot_folder(address), every=snapshot_entries)
        try:
            self._machine = self._keeper.open(self._store)
        except BaseException:
            self._store.close()
            raise
        header = self._machine.header
        nothing = Head("", -1, self._machine.previous, 0, "", 0, self._machine.log.root().hex())
        self._head = _head_of(header, self._machine.previous) if header else nothing
        self._state_lock = threading.Lock()
        self._inbox = Inbox(transactions_max=pending_max, bytes_max=PENDING_BYTES_MAX)
        count = (os.cpu_count() or 1) if workers is None else workers
        self._verifiers = Verifiers(self._machine.ring, count=count, start_after=workers_after)
        self._writer = threading.Thread(target=self._write, name="ledger-writer", daemon=True)
        self._writer.start()

    def submit(self, batch: Sequence[bytes]) -> list[Answer]:
        """Put signed envelopes on the ledger in order and give one durable answer each.

        Raises BusyError when too much is waiting (nothing was taken), StoppedError when the outcome is unknown.
        """
        return self._inbox.put(batch).wait()

    def offer(self, batch: Sequence[bytes], *, done: Callable[[Ticket], None]) -> None:
        """Like `submit` without waiting: the writer's thread calls `done` once, when the answers are durable.

        `batch` must not be empty. Raises BusyError or StoppedError at once; a later stop is raised by `Ticket.wait`.
        """
        self._inbox.put(batch, done=done)

    def read(self, from_height: int, *, limit: int = 100) -> list[Block]:
        """Up to `limit` durable blocks from a height on."""
        with self._store.reader() as reader:
            return list(reader.blocks(from_height=from_height, limit=limit))

    def head(self) -> Head:
        """The last durable block."""
        return self._head

    def health(self) -> Health:
        """Whether transactions are taken, and how many wait."""
        pending, problem = self._inbox.status()
        return Health(not problem, problem, self._head.height, pending, self._inbox.transactions_max)

    @property
    def address(self) -> LedgerAddress:
        """What opens this ledger again: for readers, audits and projections. It may hold a password."""
        return self._store.address

    @property
    def name(self) -> str:
        """What messages call this ledger."""
        return self._store.name

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What is not as it should be but holds nothing up: snapshots passed over, a server that does not sync."""
        return (*self._keeper.findings, *([_slow_hashes(self.name)] if hashing.is_refused() else []))

    @property
    def log(self) -> Tree:
        """The Merkle log, to ask for proofs up to `head().log_size`; it may already hold a block not yet durable."""
        return self._machine.log

    @contextmanager
    def reading(self) -> Iterator[State]:
        """The state between two blocks; the writer waits meanwhile, so look up and leave. Do not change it."""
        with self._state_lock:
            yield self._machine.state

    @property
    def workers(self) -> list[int]:
        """The processes that verify, as last seen by the writer; none before they are started and ready."""
        return self._verifiers.pids

    def close(self) -> None:
        """Finish what waits, end the processes, release the file. Closing twice does nothing more."""
        self._inbox.close(_CLOSED)
        self._writer.join()
        self._verifiers.close()
        # After a failure the machine may stand at a block that was never written.
        if self._inbox.status()[1] == _CLOSED and self._machine.previous == self._head.hash:
            self._keeper.at_close(self._store, self._machine)
        self._store.close()

    def _write(self) -> None:
        taken: deque[list[Part]] = deque()
        handed: deque[Handed] = deque()
        try:
            while self._take(taken, handed):
                self._commit(taken[0], handed.popleft())
                taken.popleft()
                if not taken or len(self._durable) >= BLOCKS_TOGETHER:
                    self._project()
                self._keeper.after_block(self._store, self._machine)
        except Refusal as refusal:
            self._inbox.fail(str(refusal), [part for parts in taken for part in parts])
        except BaseException as error:
            self._inbox.fail(f"a fault in the writer: {error!r}", [part for parts in taken for part in parts])
            raise

    def _take(self, taken: deque[list[Part]], handed: deque[Handed]) -> bool:
        """Hand blocks in for verification: one, waiting for it, and behind it those that are full; False at the end."""
        while len(taken) <= AHEAD_MAX and (
            parts := self._inbox.take(
                transactions_max=BLOCK_TRANSACTIONS_MAX, bytes_max=BLOCK_BYTES_MAX, wait=not taken
            )
        ):
            taken.append(parts)
            handed.append(self._verifiers.begin([envelope for part in parts for envelope in part.envelopes]))
        return bool(taken)

    def _commit(self, parts: Sequence[Part], handed: Handed) -> None:
        """Make one block of these parts and answer them; nothing is answered before it is durable."""
        slices = self._verifiers.finish(handed)
        members: list[SignedTransaction | TurnedAway] = []
        with self._state_lock:
            executed = self._machine.execute(_transactions(slices, members), clock_s=self._clock())
            if executed.block is not None:
                self._store.append(executed.block)
                header = self._machine.header
                if header is not None:
                    self._head = _head_of(header, self._machine.previous)
        placed = iter(executed.placed)
        answers = [
            Answer(member.transaction, member.code, member.detail)
            if isinstance(member, TurnedAway)
            else self._answer(member, next(placed))
            for member in members
        ]
        self._inbox.release(parts)
        start = 0
        for part in parts:
            end = start + len(part.envelopes)
            part.ticket.settle(part.start, answers[start:end])
            start = end
        if self._projection is not None and executed.block is not None:
            names = ((member.payload, bytes.fromhex(member.transaction)) for member in executed.transactions)
            self._durable.append(Followed(executed.block, executed.recorded, names))

    def _project(self) -> None:
        blocks, self._durable = self._durable, []
        if self._projection is None or not blocks:
            return
        try:
            self._projection.follow(blocks)
        except sqlite3.Error:
            # The blocks are durable and the tables are only derived: they lag from here on, and whoever asks next
            # catches up or is told what is wrong with them.
            self._projection = None

    def _answer(self, transaction: SignedTransaction, placed: Placed) -> Answer:
        outcome = placed.outcome
        height = self._head.height if outcome.recorded else -1
        return Answer(
            transaction.transaction,
            outcome.code,
            outcome.detail,
            height,
            placed.position,
            placed.log_index,
            self._machine.time,
            outcome.original,
        )


def _transactions(
    slices: Iterator[list[SignedTransaction | TurnedAway]], members: list[SignedTransaction | TurnedAway]
) -> Iterator[SignedTransaction]:
    """The transactions of some slices; every member passed over is put down in `members`."""
    for part in slices:
        members += part
        for member in part:
            if isinstance(member, SignedTransaction):
                yield member


def _slow_hashes(source: str) -> Finding:
    text = "the compiled hashes are wrong on this processor; the readable ones, which are slower, are used"
    return Finding(code="ledger.hashes_refused", severity=Severity.WARNING, message=text, source=source)


def _head_of(header: BlockHeader, digest: str) -> Head:
    return Head(header.network, header.height, digest, header.time, header.state_root, header.log_size, header.log_root)
