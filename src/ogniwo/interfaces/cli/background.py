"""Start `ogniwo serve` as a process of its own that outlives the command, find it again, end it."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from http.client import HTTPException
from pathlib import Path
from typing import Final
from urllib.request import urlopen

from ogniwo.core.kernel.refusals import Refusal

PORTS: Final = range(8000, 8021)
_FILE: Final = "serve.json"
_LOG: Final = "serve.log"
_STARTS_WITHIN_S: Final = 90
_ENDS_WITHIN_S: Final = 20
_STARTED: Final[list[subprocess.Popen[bytes]]] = []


class NotServedError(Refusal):
    """The server did not come up, or did not end."""

    code = "serve.failed"


def start_serving(folder: Path) -> str:
    """Serve the workspace on the first free port of loopback and give the address once it answers."""
    port = _free_port()
    # Browsers bind passkeys to a name, not to a number: the address says localhost.
    address = f"http://localhost:{port}"
    command = [sys.executable, *_served(folder), "--port", str(port)]
    with (folder / _LOG).open("ab") as log:
        process = subprocess.Popen(  # noqa: S603 -- our own command
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env={**os.environ, "OGNIWO_ORIGIN": address},
            start_new_session=True,
        )
    _STARTED.append(process)
    (folder / _FILE).write_text(json.dumps({"pid": process.pid, "address": address}), encoding="utf-8")
    deadline = time.monotonic() + _STARTS_WITHIN_S
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError, HTTPException), urlopen(f"http://127.0.0.1:{port}/help/", timeout=5):
            return address
        time.sleep(0.2)
    stop_serving(folder)
    raise NotServedError(detail=f"the server did not answer; see {folder / _LOG}")


def stop_serving(folder: Path) -> bool:
    """End the server that `start_serving` started for this folder; whether there was one."""
    file = folder / _FILE
    if not file.is_file():
        return False
    try:
        process_id = int(json.loads(file.read_text(encoding="utf-8"))["pid"])
    except (ValueError, KeyError, TypeError) as error:
        raise NotServedError(detail=f"{file} is damaged; remove it when nothing is served any more") from error
    running = _is_ours(process_id, folder)
    if running:
        os.kill(process_id, signal.SIGTERM)
        deadline = time.monotonic() + _ENDS_WITHIN_S
        while _is_ours(process_id, folder):
            if time.monotonic() > deadline:
                raise NotServedError(detail=f"process {process_id} does not end")
            time.sleep(0.1)
    file.unlink(missing_ok=True)
    return running


def _is_ours(process_id: int, folder: Path) -> bool:
    """Whether this process serves this folder: numbers of processes are used again."""
    for process in _STARTED:
        process.poll()  # what ended is forgotten by the system only once it was asked for
    try:
        words = Path(f"/proc/{process_id}/cmdline").read_text(encoding="utf-8", errors="replace").split("\0")
    except OSError:
        return False
    # A process that has ended but was not waited for has no words left.
    return _served(folder) == words[1 : 1 + len(_served(folder))]


def _served(folder: Path) -> list[str]:
    return ["-m", "ogniwo", "-w", str(folder.resolve()), "serve"]


def _free_port() -> int:
    for port in PORTS:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with contextlib.suppress(OSError):
                probe.bind(("127.0.0.1", port))
                return port
    raise NotServedError(detail=f"no port between {PORTS.start} and {PORTS.stop - 1} is free")
