"""The network engine: the same four calls as the embedded one, over the node that runs on this machine.

Callers hand batches in and wait; a few senders gather what waits into CometBFT transactions of up to 1,000 envelopes or
1 MB and keep several of them under way, so that many fit into one block. An answer is given once the block is decided
by more than two thirds of the validators and durable on this node. When the node does not answer, or not in time, the
outcome is unknown: send the same envelopes again, each takes effect once.
"""

import secrets
import threading
import time
from base64 import b64decode, b64encode
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ogniwo.chain.closing import Closing
from ogniwo.chain.embedded import Head, Health
from ogniwo.chain.inbox import Answer, Inbox, Part
from ogniwo.chain.network.batches import (
    BATCH_BYTES_MAX,
    BATCH_ENVELOPES_MAX,
    NONCE_BYTES,
    BatchFormError,
    read_answers,
    read_wrong,
    write_batch,
)
from ogniwo.chain.network.rpc import Rpc, RpcRefusedError
from ogniwo.chain.network.store import NetworkStore
from ogniwo.chain.opening import SnapshotKeeper
from ogniwo.chain.store import DamagedStoreError
from ogniwo.chain.store_sqlite import SqliteStore
from ogniwo.core.kernel.findings import Finding
from ogniwo.core.kernel.refusals import Refusal
from ogniwo.core.ledger.admission import open_transaction
from ogniwo.core.ledger.blocks import NO_BLOCK, Block, header_hash, read_header
from ogniwo.core.ledger.machine import BlockMismatchError, Machine
from ogniwo.core.ledger.merkle import Tree
from ogniwo.core.ledger.state import State

PENDING_MAX = 20_000
PENDING_BYTES_MAX = 64_000_000
SENDERS = 8
_FULL = ("mempool is full", "still rechecking")
_RETRY_SECONDS = 0.05
_RETRIES_MAX = 600
_ENVELOPE_SUSPECT_BYTES = 65_536
"""A larger envelope is looked at here: no batch could carry it, so the node cannot be asked."""


class NetworkLedger(Closing):
    """The engine over a node on this machine: its ledger file (only read here) and the port of its RPC.

    Safe to call from many threads. Close it, or use it in a `with` block.
    """

    def __init__(self, path: Path, *, rpc_port: int, pending_max: int = PENDING_MAX, senders: int = SENDERS) -> None:
        self._path = path
        self._rpc_port = rpc_port
        self._machine: Machine | None = None
        self._keeper = SnapshotKeeper(path.with_name("snapshots"))
        self._state_lock = threading.Lock()
        self._inbox = Inbox(transactions_max=pending_max, bytes_max=PENDING_BYTES_MAX)
        self._senders = [
            threading.Thread(target=self._send, name=f"ledger-send-{number}", daemon=True) for number in range(senders)
        ]
        for sender in self._senders:
            sender.start()

    def submit(self, batch: Sequence[bytes]) -> list[Answer]:
        """Put signed envelopes on the ledger in order and give one answer each, decided and durable here.

        Raises BusyError when too much is waiting (nothing was taken), StoppedError when the outcome is unknown.
        """
        return self._inbox.put(batch).wait()

    def read(self, from_height: int, *, limit: int = 100) -> list[Block]:
        """Up to `limit` durable blocks from a height on."""
        with SqliteStore(self._path, write=False) as reader:
            return list(reader.blocks(from_height=from_height, limit=limit))

    def head(self) -> Head:
        """The last durable block of this node; `height` -1 before the network's first block."""
        with NetworkStore(self._path, write=False) as store:
            block = store.last()
        if block is None:
            return Head("", -1, NO_BLOCK, 0, "", 0, Tree().root().hex())
        header = read_header(block.header)
        digest = header_hash(block.header)
        return Head(
            header.network, header.height, digest, header.time, header.state_root, header.log_size, header.log_root
        )

    def health(self) -> Health:
        """Whether this node takes part and follows the others; `problem` says why not."""
        pending, problem = self._inbox.status()
        try:
            with Rpc(self._rpc_port, timeout_s=5) as rpc:
                if rpc.call("status")["sync_info"]["catching_up"]:
                    problem = problem or "the node is catching up with the others"
            height = self.head().height
        except Refusal as refusal:
            problem, height = problem or str(refusal), -1
        return Health(not problem, problem, height, pending, self._inbox.transactions_max)

    @property
    def address(self) -> Path:
        """The node's ledger file."""
        return self._path

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Warnings of following the chain: snapshots passed over."""
        return tuple(self._keeper.findings)

    @property
    def log(self) -> Tree:
        """The Merkle log up to `head()` or further, to ask for proofs; made by replaying what is new."""
        with self._state_lock:
            return self._followed().log

    @contextmanager
    def reading(self) -> Iterator[State]:
        """The state after the last durable block, made by replaying what is new. Do not change it."""
        with self._state_lock:
            yield self._followed().state

    def close(self) -> None:
        """Finish what waits and stop the threads. Closing twice does nothing more."""
        self._inbox.close("the ledger is closed")
        for sender in self._senders:
            sender.join()

    def _followed(self) -> Machine:
        with SqliteStore(self._path, write=False) as reader:
            if self._machine is None:
                self._machine = self._keeper.open(reader)
            for block in reader.blocks(from_height=self._machine.height + 1):
                try:
                    self._machine.replay(block, check_signatures=False)
                except BlockMismatchError as refusal:
                    detail = f"{self._path}: block {block.height}, {refusal.part}: {refusal.detail}"
                    raise DamagedStoreError(detail=detail) from refusal
        return self._machine

    def _send(self) -> None:
        with Rpc(self._rpc_port) as rpc:
            while parts := self._inbox.take(
                transactions_max=BATCH_ENVELOPES_MAX, bytes_max=BATCH_BYTES_MAX, whole=True
            ):
                try:
                    answers = self._decided(rpc, [envelope for part in parts for envelope in part.envelopes])
                except Refusal as refusal:
                    self._settle(parts, problem=str(refusal))
                except BaseException as error:
                    self._inbox.fail(f"a fault in a sender: {error!r}", parts)
                    raise
                else:
                    self._settle(parts, answers=answers)

    def _settle(self, parts: Sequence[Part], *, answers: Sequence[Answer] = (), problem: str = "") -> None:
        self._inbox.release(parts)
        start = 0
        for part in parts:
            end = start + len(part.envelopes)
            if problem:
                part.ticket.fail(problem)
            else:
                part.ticket.settle(part.start, answers[start:end])
            start = end

    @staticmethod
    def _decided(rpc: Rpc, envelopes: Sequence[bytes]) -> list[Answer]:
        """The answers to envelopes in order, in as many CometBFT transactions as it takes, one after the other."""
        answers: dict[int, Answer] = {}
        waiting: list[int] = []
        for index, envelope in enumerate(envelopes):
            if len(envelope) > _ENVELOPE_SUSPECT_BYTES and (refusal := _refusal(envelope)):
                answers[index] = Answer("", refusal.code, refusal.detail)
            else:
                waiting.append(index)
        while waiting:
            chunk = _chunk(envelopes, waiting)
            result = _broadcast(rpc, [envelopes[index] for index in chunk])
            if not result["check_tx"]["code"]:
                answers |= zip(chunk, _answers(result["tx_result"], len(chunk)), strict=True)
                waiting = waiting[len(chunk) :]
                continue
            wrong = read_wrong(b64decode(result["check_tx"]["data"] or ""))
            answers |= {chunk[one.index]: Answer(one.transaction, one.code, one.detail) for one in wrong}
            waiting = [index for index in waiting if index not in answers]
        return [answers[index] for index in range(len(envelopes))]


def _refusal(envelope: bytes) -> Refusal | None:
    try:
        open_transaction(envelope)
    except Refusal as refusal:
        return refusal
    return None


def _chunk(envelopes: Sequence[bytes], waiting: Sequence[int]) -> list[int]:
    """The first of the waiting envelopes that fit into one batch, at least one."""
    chunk: list[int] = []
    size_bytes = 0
    for index in waiting[:BATCH_ENVELOPES_MAX]:
        size_bytes += len(envelopes[index])
        if chunk and size_bytes > BATCH_BYTES_MAX:
            break
        chunk.append(index)
    return chunk


def _broadcast(rpc: Rpc, envelopes: Sequence[bytes]) -> dict[str, Any]:
    """Send one batch and wait for its block; while the node's own queue is full, wait for room."""
    for _ in range(_RETRIES_MAX):
        tx = write_batch(envelopes, nonce=secrets.token_bytes(NONCE_BYTES))
        try:
            result: dict[str, Any] = rpc.call("broadcast_tx_commit", tx=b64encode(tx).decode())
        except RpcRefusedError as refusal:
            if not any(text in refusal.detail for text in _FULL):
                raise
            time.sleep(_RETRY_SECONDS)
        else:
            return result
    raise RpcRefusedError(detail="the node's queue stays full")


def _answers(result: dict[str, Any], count: int) -> list[Answer]:
    answers = read_answers(b64decode(result["data"] or ""), result["info"])
    if len(answers) != count:
        raise BatchFormError(detail=f"{len(answers)} answers to {count} envelopes")
    return answers
