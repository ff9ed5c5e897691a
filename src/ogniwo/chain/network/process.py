"""A running node: the application's socket server and CometBFT beside it; one ends, both end."""

import asyncio
import contextlib
import fcntl
import os
import signal
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

from ogniwo.chain.network.abci import AbciServer
from ogniwo.chain.network.application import Application
from ogniwo.chain.network.home import NodeHome, write_file
from ogniwo.chain.store import LockedError
from ogniwo.core.kernel.refusals import Refusal

STOP_SECONDS_MAX = 20
LOCK_SECONDS_MAX = 10
ORPHAN_SECONDS_MAX = 2
_LOG_TAIL_BYTES = 1_500


class CometStoppedError(Refusal):
    """CometBFT ended by itself; the end of its log says why."""

    code = "node.cometbft_stopped"


async def run_node(
    home: NodeHome, *, binary: Path, stop: asyncio.Event, application: Callable[[Path], Application] | None = None
) -> None:
    """Run a founded node until `stop` is set; raises CometStoppedError, or what the application could not do.

    There is one lock for this process and one that CometBFT inherits. When this process is killed, CometBFT usually
    ends by itself, but not always; a new start then ends it, so one key never votes twice from this folder.
    """
    with tempfile.TemporaryDirectory(prefix="ogniwo-node-") as short:  # a socket's path must be short
        socket = Path(short) / "abci"
        home.configure(socket)
        with (home.folder / "lock").open("wb") as own, (home.comet / "lock").open("wb") as lock:
            if not await _locked(own, seconds=LOCK_SECONDS_MAX):
                raise LockedError(detail=f"another process runs the node of {home.folder}")
            await _without_orphan(home, lock)
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


async def _locked(lock: IO[bytes], *, seconds: int) -> bool:
    for _ in range(seconds * 10):
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        await asyncio.sleep(0.1)
    return False


async def _without_orphan(home: NodeHome, lock: IO[bytes]) -> None:
    """Take the lock of CometBFT; one that outlived its application is ended first. Raises LockedError."""
    if await _locked(lock, seconds=ORPHAN_SECONDS_MAX):
        return
    _end_orphan(home)
    if not await _locked(lock, seconds=LOCK_SECONDS_MAX):
        raise LockedError(detail=f"another CometBFT runs on {home.comet}")


def _end_orphan(home: NodeHome) -> None:
    """Kill the process that was noted last, if it is the CometBFT of this folder."""
    with contextlib.suppress(OSError, ValueError):
        pid = int((home.comet / "pid").read_text())
        if str(home.comet).encode() in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0"):
            os.kill(pid, signal.SIGKILL)


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
    write_file(home.comet / "pid", str(comet.pid).encode())
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
