"""A running node: the application's socket server and CometBFT beside it; one ends, both end."""

import asyncio
import contextlib
import fcntl
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

from ogniwo.chain.network.abci import AbciServer
from ogniwo.chain.network.application import Application
from ogniwo.chain.network.home import NodeHome
from ogniwo.chain.store import LockedError
from ogniwo.core.kernel.refusals import Refusal

STOP_SECONDS_MAX = 20
LOCK_SECONDS_MAX = 15
_LOG_TAIL_BYTES = 1_500


class CometStoppedError(Refusal):
    """CometBFT ended by itself; the end of its log says why."""

    code = "node.cometbft_stopped"


async def run_node(
    home: NodeHome, *, binary: Path, stop: asyncio.Event, application: Callable[[Path], Application] | None = None
) -> None:
    """Run a founded node until `stop` is set; raises CometStoppedError, or what the application could not do.

    Both processes share a lock on the folder, which CometBFT inherits: after a crash a new start waits for the old
    CometBFT to be gone, so one key never votes from two processes of this folder.
    """
    with tempfile.TemporaryDirectory(prefix="ogniwo-node-") as short:  # a socket's path must be short
        socket = Path(short) / "abci"
        home.configure(socket)
        with (home.comet / "lock").open("wb") as lock:
            await _locked(lock, home.folder)
            peers = _Peers(home)
            make = application or (lambda path: Application(path, peers=peers))
            with make(home.ledger) as served:
                async with AbciServer(served.answer, path=socket) as server:
                    await _beside(home, binary, lock, server, stop)


class _Peers:
    """The ids of nodes that may connect, read again at each question."""

    def __init__(self, home: NodeHome) -> None:
        self._home = home

    def __call__(self) -> frozenset[str]:
        allowed = (peer.partition("@")[0] for peer in self._home.settings().peers)
        return frozenset((*allowed, *(card.node for card in self._home.cards())))


async def _locked(lock: IO[bytes], folder: Path) -> None:
    for _ in range(LOCK_SECONDS_MAX * 10):
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        await asyncio.sleep(0.1)
    raise LockedError(detail=f"another process runs the node of {folder}")


async def _beside(home: NodeHome, binary: Path, lock: IO[bytes], server: AbciServer, stop: asyncio.Event) -> None:
    with home.log.open("ab") as log:
        comet = await asyncio.create_subprocess_exec(
            binary,
            "start",
            "--home",
            home.comet,
            stdout=log,
            stderr=log,
            stdin=asyncio.subprocess.DEVNULL,
            pass_fds=(lock.fileno(),),
        )
    ended = asyncio.create_task(comet.wait())
    stopped = asyncio.create_task(stop.wait())
    try:
        watched: list[asyncio.Future[Any]] = [ended, stopped, server.failure]
        await asyncio.wait(watched, return_when=asyncio.FIRST_COMPLETED)
        if server.failure.done():
            await server.failure
        if ended.done():
            raise CometStoppedError(detail=f"CometBFT ended with {comet.returncode}: {_tail(home.log)}")
    finally:
        stopped.cancel()
        await _ended(comet, ended)


async def _ended(comet: asyncio.subprocess.Process, ended: "asyncio.Task[int]") -> None:
    if not ended.done():
        comet.terminate()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(asyncio.shield(ended), STOP_SECONDS_MAX)
    if not ended.done():
        comet.kill()
        await ended


def _tail(path: Path) -> str:
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - _LOG_TAIL_BYTES), os.SEEK_SET)
        return file.read().decode(errors="replace").strip()
