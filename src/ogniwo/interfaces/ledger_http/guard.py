"""The connection's guard: a slow, silent or endless client cannot hold a place or fill the memory.

uvicorn bounds what it buffers of a body, but neither how long a request may take to arrive nor how long its head may
be, and it waits for ever for a client that does not read. One timer for all connections looks at each twice a second;
a request costs a few readings of the clock.
"""

import asyncio
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from ogniwo.interfaces.ledger_http.limits import Limits
from ogniwo.interfaces.ledger_http.problems import problem

SWEEP_S: Final = 0.5
CLOSING_S: Final = 2.0
_ARRIVING, _ANSWERING, _IDLE, _CLOSING = range(4)


class _TooMuchError(Exception):
    """Stops the parser in the middle of a request."""


def raw_answer(code: str, detail: str) -> bytes:
    """A whole answer for a connection that never gets as far as the application."""
    status, headers, body = problem(code, detail)
    lines = [b"HTTP/1.1 %d Closed\r\n" % status, *(b"%s: %s\r\n" % pair for pair in headers)]
    if not any(name == b"connection" for name, _ in headers):
        lines.append(b"connection: close\r\n")
    return b"".join([*lines, b"\r\n", body])


class _Together:
    """A transport that sends what is written in one turn of the loop at once: uvicorn writes head and body apart.

    A system call is a fifth of a small request here, and the client is spared one as well.
    """

    __slots__ = ("_loop", "_pieces", "_transport")

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._pieces: list[bytes] = []

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 -- everything else is the transport's own
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        """Keep it until the answer is whole or the turn is over."""
        if not self._pieces:
            self._loop.call_soon(self.flush)
        self._pieces.append(data)

    def flush(self) -> None:
        """Send what was kept."""
        pieces, self._pieces = self._pieces, []
        if pieces and not self._transport.is_closing():
            self._transport.write(b"".join(pieces))

    def close(self) -> None:
        """Send what was kept, then close."""
        self.flush()
        self._transport.close()


class GuardedProtocol(HttpToolsProtocol):
    """uvicorn's protocol with bounds on time, head, pipelining and connections; `guarded` sets the bounds."""

    limits = Limits()
    _head_bytes = 0
    _phase = _ARRIVING
    _since = 0.0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take a connection, or say that there are enough."""
        super().connection_made(_Together(transport, self.loop))  # type: ignore[arg-type]  # a transport in all it does
        self._since = self.loop.time()
        if len(self.connections) > self.limits.connections:
            self._turn_away("http.overloaded", f"{self.limits.connections} connections are open; try again later")

    def data_received(self, data: bytes) -> None:
        """Parse what came; nothing more once the connection is being closed."""
        if self._phase == _IDLE:
            self._phase, self._since = _ARRIVING, self.loop.time()
        if self._phase != _CLOSING:
            super().data_received(data)

    def on_message_begin(self) -> None:
        """Count what waits on this connection."""
        super().on_message_begin()
        self._head_bytes = 0
        if len(self.pipeline) >= self.limits.pipelined:
            self._stop("http.overloaded", f"at most {self.limits.pipelined} requests wait on one connection")

    def on_url(self, url: bytes) -> None:
        """Count the address to the head."""
        super().on_url(url)
        self._count(len(url))

    def on_header(self, name: bytes, value: bytes) -> None:
        """Count a header to the head."""
        super().on_header(name, value)
        self._count(len(name) + len(value))

    def on_message_complete(self) -> None:
        """From here on the answer's time runs."""
        super().on_message_complete()
        if not self.cycle.response_complete:
            self._phase, self._since = _ANSWERING, self.loop.time()

    def on_response_complete(self) -> None:
        """Wait for the next request, or answer the one that waits."""
        super().on_response_complete()
        self._unset_keepalive_if_required()  # the sweep does it, and does not wait for answers that nobody reads
        if self._phase != _CLOSING:
            self._phase, self._since = (_ANSWERING if self.pipeline else _IDLE), self.loop.time()

    def send_400_response(self, msg: str) -> None:
        """Say that this is no HTTP, unless something was said already."""
        if self._phase != _CLOSING:
            self._turn_away("http.malformed", msg)

    def shutdown(self) -> None:
        """Close at the end of the server; a request that has not arrived is not waited for."""
        if self._phase == _ARRIVING:
            self.transport.close()
        else:
            super().shutdown()

    def overdue(self, now: float) -> None:
        """Close the connection when it has stood still for too long."""
        waited, limits = now - self._since, self.limits
        if self._phase == _ARRIVING:
            if waited > limits.request_s:
                self._turn_away("http.too_slow", f"the request did not arrive in {limits.request_s:g} s")
        elif waited > {_ANSWERING: limits.answer_s, _IDLE: limits.idle_s, _CLOSING: CLOSING_S}[self._phase]:
            self.transport.abort()

    def _count(self, size: int) -> None:
        self._head_bytes += size
        if self._head_bytes > self.limits.header_bytes:
            self._stop("http.too_large", f"the head of a request has at most {self.limits.header_bytes} bytes")

    def _stop(self, code: str, detail: str) -> None:
        self._turn_away(code, detail)
        raise _TooMuchError

    def _turn_away(self, code: str, detail: str) -> None:
        """Say why and close; the sweep ends it when the client does not take even that."""
        self._phase, self._since = _CLOSING, self.loop.time()
        if self.cycle is None or self.cycle.response_complete or not self.cycle.response_started:
            self.transport.write(raw_answer(code, detail))
        self.transport.close()


def guarded(limits: Limits) -> type[GuardedProtocol]:
    """The protocol class of a server with these limits."""
    return type("Guarded", (GuardedProtocol,), {"limits": limits})


async def sweep(connections: set[Any]) -> None:
    """Look at all connections again and again, until cancelled."""
    loop = asyncio.get_running_loop()
    while True:
        await asyncio.sleep(SWEEP_S)
        now = loop.time()
        for connection in tuple(connections):
            connection.overdue(now)
