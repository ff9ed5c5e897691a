"""Batches opened and verified once per node, however often consensus asks about them."""

import os
import threading
from collections import OrderedDict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from typing import NamedTuple

from ogniwo.chain.closing import Closing
from ogniwo.chain.inbox import Answer
from ogniwo.chain.network.batches import Wrong, read_batch
from ogniwo.core.kernel.refusals import Refusal
from ogniwo.core.ledger.admission import SignedTransaction, open_transaction, verify_signatures
from ogniwo.core.ledger.signing import KeyRing

KEPT_BYTES_MAX = 32_000_000
_SLICE_MIN = 8
"""Fewer signatures than this are not worth waking a thread for."""


class Opened(NamedTuple):
    """A batch's envelopes in order: the transaction, or the answer to one that is malformed or falsely signed."""

    members: tuple[SignedTransaction | Answer, ...]

    @property
    def wrong(self) -> list[Wrong]:
        """What would have to be taken out for the batch to be acceptable."""
        return [
            Wrong(index, member.transaction, member.code, member.detail)
            for index, member in enumerate(self.members)
            if isinstance(member, Answer)
        ]


class Opener(Closing):
    """Opens batches with the threads of its own; remembers good ones, bounded by their bytes.

    A signature that was verified with the key of an id stays verified, since the id is the hash of the key; so what is
    remembered never has to be forgotten for the sake of truth.
    """

    def __init__(self, *, threads: int | None = None, kept_bytes_max: int = KEPT_BYTES_MAX) -> None:
        self._threads = threads or os.cpu_count() or 1
        self._pool = ThreadPoolExecutor(self._threads, thread_name_prefix="node-verify")
        self._kept: OrderedDict[bytes, tuple[int, Opened]] = OrderedDict()
        self._kept_bytes = 0
        self._kept_bytes_max = kept_bytes_max
        self._guard = threading.Lock()

    def open(self, tx: bytes, ring: KeyRing) -> Opened:
        """The batch with all signatures verified whose keys are known; raises BatchFormError."""
        name = sha256(tx).digest()
        with self._guard:
            found = self._kept.get(name)
            if found is not None:
                self._kept.move_to_end(name)
        if found is not None:
            return self._settled(found[1].members, ring)
        opened = self._settled(tuple(_member(envelope) for envelope in read_batch(tx)), ring)
        if not opened.wrong:
            self._keep(name, len(tx), opened)
        return opened

    def _keep(self, name: bytes, size_bytes: int, opened: Opened) -> None:
        with self._guard:
            if name not in self._kept:
                self._kept[name] = (size_bytes, opened)
                self._kept_bytes += size_bytes
            while self._kept_bytes > self._kept_bytes_max:
                _, (dropped, _) = self._kept.popitem(last=False)
                self._kept_bytes -= dropped

    def forget(self, tx: bytes) -> None:
        """Drop a batch that was decided."""
        with self._guard:
            size_bytes, _ = self._kept.pop(sha256(tx).digest(), (0, None))
            self._kept_bytes -= size_bytes

    def _settled(self, members: tuple[SignedTransaction | Answer, ...], ring: KeyRing) -> Opened:
        """Verify what is still open, each thread its share."""
        waiting = [member for member in members if isinstance(member, SignedTransaction) and member.open_checks]
        wrong = {id(transaction): refusal for transaction, refusal in self._verified(waiting, ring)}
        if not wrong:
            return Opened(members)
        return Opened(
            tuple(
                Answer(member.transaction, wrong[id(member)].code, wrong[id(member)].detail)
                if isinstance(member, SignedTransaction) and id(member) in wrong
                else member
                for member in members
            )
        )

    def _verified(self, waiting: Sequence[SignedTransaction], ring: KeyRing) -> list[tuple[SignedTransaction, Refusal]]:
        share = max(-(-len(waiting) // self._threads), _SLICE_MIN)
        running = [
            self._pool.submit(_verify, waiting[start : start + share], ring) for start in range(0, len(waiting), share)
        ]
        return [failure for part in running for failure in part.result()]

    def close(self) -> None:
        """Stop the threads."""
        self._pool.shutdown(wait=True)


def _member(envelope: bytes) -> SignedTransaction | Answer:
    try:
        return open_transaction(envelope)
    except Refusal as refusal:
        return Answer("", refusal.code, refusal.detail)


def _verify(transactions: Sequence[SignedTransaction], ring: KeyRing) -> list[tuple[SignedTransaction, Refusal]]:
    """Verify what is open; gives the transactions with a wrong signature."""
    failed: list[tuple[SignedTransaction, Refusal]] = []
    for transaction in transactions:
        try:
            verify_signatures(transaction, ring)
        except Refusal as refusal:
            failed.append((transaction, refusal))
    return failed
