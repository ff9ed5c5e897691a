"""Run the application under uvicorn until a signal asks to stop; then finish what is under way."""

import asyncio
import contextlib
import gc
import signal
import socket
from collections.abc import Callable, Iterator
from typing import Final

import uvicorn

from ogniwo.interfaces.ledger_http.application import LedgerApplication
from ogniwo.interfaces.ledger_http.guard import guarded, sweep
from ogniwo.interfaces.ledger_http.limits import Limits
from ogniwo.services.ledger.served import ServedLedger

GRACE_S: Final = 5


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, started: Callable[[], None]) -> None:
        super().__init__(config)
        self._tell_started = started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to take connections, and say so."""
        await super().startup(sockets)
        self._tell_started()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals ask to stop and are not raised again: the ledger behind has to be closed after this."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self.stop)
        try:
            yield
        finally:
            for number in (signal.SIGINT, signal.SIGTERM):
                loop.remove_signal_handler(number)

    def stop(self) -> None:
        """Take no more connections, and end when what is under way is answered."""
        self.should_exit = True


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes a free one."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
    except BaseException:
        listening.close()
        raise
    return listening


def serve(
    served: ServedLedger,
    *,
    listening: socket.socket,
    limits: Limits | None = None,
    started: Callable[[], None] = lambda: None,
    chore: Callable[[], None] = lambda: None,
    chore_every_s: float = 0,
) -> None:
    """Serve until SIGINT or SIGTERM; `started` is called when connections are taken. In the main thread only.

    `chore` runs in a thread of its own, every so many seconds (0: never), and never twice at a time.
    """
    bounds = limits or Limits()
    application = LedgerApplication(served, limits=bounds)
    config = uvicorn.Config(
        application,
        loop="uvloop",
        http=guarded(bounds),
        ws="none",
        lifespan="off",
        interface="asgi3",
        log_config=None,
        log_level="error",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        date_header=False,
        timeout_graceful_shutdown=GRACE_S,
    )
    server = _Server(config, started)
    # The ledger's own values hold no cycles, and what there is at the start stays: only requests leave garbage.
    gc.freeze()
    gc.set_threshold(10_000, 50, 100)

    async def run() -> None:
        watching = asyncio.create_task(sweep(server.server_state.connections))
        working = asyncio.create_task(_again_and_again(chore, chore_every_s))
        for task in (watching, working):
            task.add_done_callback(lambda _task: server.stop())  # neither ends by itself but by a fault
        try:
            await server.serve(sockets=[listening])
        finally:
            for task in (watching, working):
                task.cancel()
            await application.close()
        for task in (watching, working):
            with contextlib.suppress(asyncio.CancelledError):
                await task

    with asyncio.Runner(loop_factory=config.get_loop_factory()) as runner:
        runner.run(run())


async def _again_and_again(chore: Callable[[], None], every_s: float) -> None:
    while True:
        if every_s:
            await asyncio.to_thread(chore)
        await asyncio.sleep(every_s or 3_600)
