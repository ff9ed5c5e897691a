"""The embedded engine: orders transactions on one machine and makes them durable in groups.

Four calls: `submit(batch)`, `read(from height)`, `head()`, `health()`. Callers hand batches in and wait; one writer
thread makes the blocks. A block takes whatever waits, up to 1,000 transactions or 1 MB, and what arrives meanwhile
forms the next one, so nobody waits for company and a busy ledger still syncs once per thousand.

The writer works in phases: decode all (Python), verify all signatures (OpenSSL, without the interpreter lock, spread
over the threads), apply all (Python), one durable row. Verifying the next block while this one is applied would gain
only some five per cent (measured on two processors): the threads then wait for one another's interpreter lock.
"""

import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from ogniwo.chain.closing import Closing
from ogniwo.chain.inbox import Answer, Inbox, Part, Ticket
from ogniwo.chain.store import BlockStore, DamagedStoreError
from ogniwo.core.kernel.refusals import Refusal
from ogniwo.core.ledger.admission import SignedTransaction, open_transaction, settle
from ogniwo.core.ledger.blocks import Block, BlockHeader
from ogniwo.core.ledger.machine import BlockMismatchError, Machine, Placed
from ogniwo.core.ledger.merkle import Tree
from ogniwo.core.ledger.state import State

BLOCK_TRANSACTIONS_MAX = 1_000
BLOCK_BYTES_MAX = 1_000_000
PENDING_MAX = 20_000
PENDING_BYTES_MAX = 64_000_000
_SLICE_MIN = 8
"""Fewer signatures than this are not worth waking a thread for."""


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
    """The engine over one SQLite file; safe to call from many threads. Close it, or use it in a `with` block.

    `clock` gives seconds since 1970; `threads` verify (default: one per processor). Opening replays the chain: hashes,
    rules and state roots are checked, signatures only by `audit.verify_ledger`. Raises LockedError, DamagedStoreError.
    """

    def __init__(
        self,
        path: Path,
        *,
        clock: Callable[[], int] = lambda: int(time.time()),
        threads: int | None = None,
        pending_max: int = PENDING_MAX,
    ) -> None:
        self._clock = clock
        self._threads = threads or os.cpu_count() or 1
        self._store = BlockStore(path, write=True)
        self._machine = Machine()
        self._head = Head("", -1, self._machine.previous, 0, "", 0, self._machine.log.root().hex())
        try:
            self._replay()
        except BaseException:
            self._store.close()
            raise
        self._state_lock = threading.Lock()
        self._inbox = Inbox(transactions_max=pending_max, bytes_max=PENDING_BYTES_MAX)
        # The writer verifies a share itself, so the pool needs one thread less.
        self._pool = ThreadPoolExecutor(max(self._threads - 1, 1), thread_name_prefix="ledger-verify")
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
        with BlockStore(self._store.path, write=False) as reader:
            return list(reader.blocks(from_height=from_height, limit=limit))

    def head(self) -> Head:
        """The last durable block."""
        return self._head

    def health(self) -> Health:
        """Whether transactions are taken, and how many wait."""
        pending, problem = self._inbox.status()
        return Health(not problem, problem, self._head.height, pending, self._inbox.transactions_max)

    @property
    def path(self) -> Path:
        """The database file."""
        return self._store.path

    @property
    def log(self) -> Tree:
        """The Merkle log, to ask for proofs up to `head().log_size`; it may already hold a block not yet durable."""
        return self._machine.log

    @contextmanager
    def reading(self) -> Iterator[State]:
        """The state between two blocks; the writer waits meanwhile, so look up and leave. Do not change it."""
        with self._state_lock:
            yield self._machine.state

    def close(self) -> None:
        """Finish what waits, stop the threads, release the file. Closing twice does nothing more."""
        self._inbox.close("the ledger is closed")
        self._writer.join()
        self._pool.shutdown(wait=True)
        self._store.close()

    def _write(self) -> None:
        while parts := self._inbox.take(transactions_max=BLOCK_TRANSACTIONS_MAX, bytes_max=BLOCK_BYTES_MAX):
            try:
                self._commit(parts)
            except Refusal as refusal:
                self._inbox.fail(str(refusal), parts)
            except BaseException as error:
                self._inbox.fail(f"a fault in the writer: {error!r}", parts)
                raise

    def _commit(self, parts: Sequence[Part]) -> None:
        """Make one block of these parts and answer them; nothing is answered before it is durable."""
        members = self._admitted([envelope for part in parts for envelope in part.envelopes])
        transactions = [member for member in members if isinstance(member, SignedTransaction)]
        with self._state_lock:
            executed = self._machine.execute(transactions, clock_s=self._clock())
            if executed.block is not None:
                self._store.append(executed.block)
                header = self._machine.header
                if header is not None:
                    self._head = _head_of(header, self._machine.previous)
        placed = iter(executed.placed)
        answers = [member if isinstance(member, Answer) else self._answer(member, next(placed)) for member in members]
        self._inbox.release(parts)
        start = 0
        for part in parts:
            end = start + len(part.envelopes)
            part.ticket.settle(part.start, answers[start:end])
            start = end

    def _admitted(self, envelopes: Sequence[bytes]) -> list[SignedTransaction | Answer]:
        """Every envelope decoded and verified, or its refusal."""
        members: list[SignedTransaction | Answer] = []
        for envelope in envelopes:
            try:
                members.append(open_transaction(envelope))
            except Refusal as refusal:
                members.append(Answer("", refusal.code, refusal.detail))
        wrong = {id(transaction): refusal for transaction, refusal in self._verified(members)}
        if not wrong:
            return members
        return [
            Answer(member.transaction, wrong[id(member)].code, wrong[id(member)].detail)
            if isinstance(member, SignedTransaction) and id(member) in wrong
            else member
            for member in members
        ]

    def _verified(self, members: Sequence[SignedTransaction | Answer]) -> list[tuple[SignedTransaction, Refusal]]:
        """Verify all signatures whose keys are known, each thread its share; gives those that are wrong."""
        ring = self._machine.ring
        transactions = [member for member in members if isinstance(member, SignedTransaction)]
        share = max(-(-len(transactions) // self._threads), _SLICE_MIN)
        slices = [transactions[start : start + share] for start in range(0, len(transactions), share)] or [[]]
        running = [self._pool.submit(settle, part, ring) for part in slices[1:]]
        wrong = settle(slices[0], ring)
        for other in running:
            wrong += other.result()
        return wrong

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

    def _replay(self) -> None:
        for block in self._store.blocks():
            try:
                header = self._machine.replay(block, check_signatures=False)
            except BlockMismatchError as refusal:
                detail = f"{self._store.path}: block {block.height}, {refusal.part}: {refusal.detail}"
                raise DamagedStoreError(detail=detail) from refusal
            self._head = _head_of(header, self._machine.previous)


def _head_of(header: BlockHeader, digest: str) -> Head:
    return Head(header.network, header.height, digest, header.time, header.state_root, header.log_size, header.log_root)
