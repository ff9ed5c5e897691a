"""Many connections, one batch: what arrives in one turn of the event loop goes to the engine together.

No thread per request and no call between threads per transaction: one `offer` per turn, one wake-up per batch.
"""

import asyncio
from collections.abc import Callable, Sequence

from ogniwo.core.kernel.refusals import Refusal
from ogniwo.services.ledger.served import Answer, StoppedError, Ticket

Offer = Callable[[Sequence[bytes], Callable[[Ticket], None]], None]


class Joiner:
    """Collects envelopes and settles one future per caller; lives in one event loop.

    `offer` hands a batch over, raises a refusal at once, and has its callback called from another thread.
    """

    def __init__(self, offer: Offer, *, loop: asyncio.AbstractEventLoop) -> None:
        self._offer = offer
        self._loop = loop
        self._envelopes: list[bytes] = []
        self._callers: list[tuple[asyncio.Future[list[Answer]], int]] = []
        self._under_way = 0
        self._idle = asyncio.Event()
        self._idle.set()

    def put(self, envelopes: Sequence[bytes]) -> "asyncio.Future[list[Answer]]":
        """Queue one caller's envelopes; the future gives their answers, or the refusal."""
        future: asyncio.Future[list[Answer]] = self._loop.create_future()
        if not self._callers:
            self._loop.call_soon(self._flush)
        self._envelopes.extend(envelopes)
        self._callers.append((future, len(envelopes)))
        return future

    async def drained(self) -> None:
        """Wait until nothing is under way."""
        await self._idle.wait()

    def _flush(self) -> None:
        envelopes, callers = self._envelopes, self._callers
        self._envelopes, self._callers = [], []

        def answered(ticket: Ticket) -> None:
            self._loop.call_soon_threadsafe(self._deliver, ticket, callers)

        self._under_way += 1
        self._idle.clear()
        try:
            self._offer(envelopes, answered)
        except Refusal as refusal:
            self._landed()
            for future, _ in callers:
                if not future.done():
                    future.set_exception(refusal)

    def _deliver(self, ticket: Ticket, callers: Sequence[tuple["asyncio.Future[list[Answer]]", int]]) -> None:
        self._landed()
        try:
            answers = ticket.wait()
        except StoppedError as refusal:
            for future, _ in callers:
                if not future.done():
                    future.set_exception(refusal)
            return
        start = 0
        for future, count in callers:
            if not future.done():
                future.set_result(answers[start : start + count])
            start += count

    def _landed(self) -> None:
        self._under_way -= 1
        if not self._under_way:
            self._idle.set()
