"""The bounded queue in front of the writer: batches wait here, whole or not at all, and callers wait for answers."""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import NamedTuple

import msgspec

from ogniwo.core.kernel.refusals import Refusal
from ogniwo.core.ledger.outcomes import ACCEPTED, EXISTS


class BusyError(Refusal):
    """More is waiting than the ledger takes; try again later. Nothing of the batch was taken."""

    code = "ledger.busy"


class StoppedError(Refusal):
    """The engine stopped, and it is not known whether this batch is on the ledger: open again and send it again."""

    code = "ledger.stopped"


class Answer(msgspec.Struct, frozen=True, gc=False):
    """What became of one transaction, durable when given.

    `transaction` is its name (hex), "" when it could not be decoded. `code` is "accepted", "ledger.exists" with
    `original`, or a refusal. `height`, `position` and `log_index` are -1 when it was not recorded; `time_s` is the
    time of the block.
    """

    transaction: str
    code: str
    detail: str = ""
    height: int = -1
    position: int = -1
    log_index: int = -1
    time_s: int = 0
    original: str = ""

    @property
    def on_ledger(self) -> bool:
        """Whether the transaction has taken effect, now or before."""
        return self.code in {ACCEPTED, EXISTS}


class Ticket:
    """One caller's batch on its way: answers by position, and an event for the last one.

    `done` is called once, by the writer's thread, when all answers are in or the outcome is unknown: for callers that
    must not wait. It has to return at once and must not raise.
    """

    __slots__ = ("_call", "_done", "_open", "_problem", "answers")

    def __init__(self, size: int, done: Callable[["Ticket"], None] | None = None) -> None:
        self.answers: list[Answer] = [Answer("", "")] * size
        self._open = size
        self._call = done
        self._done = threading.Event()
        self._problem = ""

    def settle(self, start: int, answers: Sequence[Answer]) -> None:
        """Fill in answers from a position on; called by the writer alone."""
        self.answers[start : start + len(answers)] = answers
        self._open -= len(answers)
        if not self._open:
            self._finish()

    def fail(self, problem: str) -> None:
        """Tell the caller that the outcome is unknown; a second time changes nothing."""
        if not self._done.is_set():
            self._problem = problem
            self._finish()

    def _finish(self) -> None:
        self._done.set()
        if self._call is not None:
            self._call(self)

    def wait(self) -> list[Answer]:
        """The answers, once they are durable; raises StoppedError."""
        if self.answers:
            self._done.wait()
        if self._problem:
            raise StoppedError(detail=self._problem)
        return self.answers


class Part(NamedTuple):
    """A run of a batch's envelopes, from position `start` on."""

    ticket: Ticket
    start: int
    envelopes: Sequence[bytes]


class Inbox:
    """Batches in order of arrival, bounded in number and bytes until they are released."""

    def __init__(self, *, transactions_max: int, bytes_max: int) -> None:
        self.transactions_max = transactions_max
        self._bytes_max = bytes_max
        self._parts: deque[Part] = deque()
        self._changed = threading.Condition()
        self._pending = 0
        self._pending_bytes = 0
        self._queued = 0
        self._queued_bytes = 0
        self._problem = ""

    def status(self) -> tuple[int, str]:
        """How many transactions wait, and why none are taken any more ("" while they are)."""
        with self._changed:
            return self._pending, self._problem

    def put(self, envelopes: Sequence[bytes], *, done: Callable[[Ticket], None] | None = None) -> Ticket:
        """Queue a batch; raises BusyError or StoppedError. `done` is told of the answers to one that is not empty."""
        size_bytes = sum(map(len, envelopes))
        ticket = Ticket(len(envelopes), done)
        with self._changed:
            if self._problem:
                raise StoppedError(detail=self._problem)
            if (
                self._pending + len(envelopes) > self.transactions_max
                or self._pending_bytes + size_bytes > self._bytes_max
            ):
                raise BusyError(detail=f"{self._pending} transactions are waiting, {len(envelopes)} more do not fit")
            if envelopes:
                self._pending += len(envelopes)
                self._pending_bytes += size_bytes
                self._queued += len(envelopes)
                self._queued_bytes += size_bytes
                self._parts.append(Part(ticket, 0, envelopes))
                self._changed.notify()
        return ticket

    def take(self, *, transactions_max: int, bytes_max: int, wait: bool = True, whole: bool = False) -> list[Part]:
        """What waits, up to these bounds and at least one envelope; waits for work, and is empty once closed.

        Without `wait` it takes only if as much waits as it may take, so that a block not yet due is not cut short.
        With `whole` no batch is divided: the first is taken whatever its size, and others only if they fit.
        """
        taken: list[Part] = []
        with self._changed:
            if wait:
                self._changed.wait_for(lambda: self._parts or self._problem)
            elif self._queued < transactions_max and self._queued_bytes < bytes_max:
                return taken
            room, room_bytes = transactions_max, bytes_max
            while self._parts and room > 0:
                part = self._parts[0]
                if whole and not taken:
                    taken.append(self._parts.popleft())
                    room, room_bytes = room - len(part.envelopes), room_bytes - sum(map(len, part.envelopes))
                    continue
                count = size_bytes = 0
                for envelope in part.envelopes[:room]:
                    if size_bytes + len(envelope) > room_bytes and (taken or count):
                        break
                    count, size_bytes = count + 1, size_bytes + len(envelope)
                if not count or (whole and count < len(part.envelopes)):
                    break
                taken.append(Part(part.ticket, part.start, part.envelopes[:count]))
                room, room_bytes = room - count, room_bytes - size_bytes
                if count == len(part.envelopes):
                    self._parts.popleft()
                else:
                    self._parts[0] = Part(part.ticket, part.start + count, part.envelopes[count:])
                    break
            self._queued -= transactions_max - room
            self._queued_bytes -= bytes_max - room_bytes
        return taken

    def release(self, parts: Sequence[Part]) -> None:
        """Make room again for what has been answered."""
        with self._changed:
            for part in parts:
                self._pending -= len(part.envelopes)
                self._pending_bytes -= sum(map(len, part.envelopes))

    def close(self, problem: str) -> None:
        """Take no more batches; those that wait are still handed out."""
        with self._changed:
            self._problem = self._problem or problem
            self._changed.notify_all()

    def fail(self, problem: str, parts: Sequence[Part]) -> None:
        """Take no more batches, and tell the callers of these parts and of all that wait."""
        with self._changed:
            self._problem = problem
            waiting, self._parts = [*parts, *self._parts], deque()
            self._queued = self._queued_bytes = 0
        for part in waiting:
            part.ticket.fail(problem)
