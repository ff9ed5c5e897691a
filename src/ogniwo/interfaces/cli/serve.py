"""`ogniwo serve`: the process that people talk to, and the worker beside it."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path
from typing import Final

import click

from ogniwo.interfaces.cli.arguments import opened
from ogniwo.interfaces.cli.main import Runtime
from ogniwo.interfaces.cli.output import answers_refusals, say

_RESTART_S: Final = 5.0
_END_S: Final = 10.0


@click.command("serve")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8000, show_default=True, type=click.IntRange(1, 65_535), help="Port to listen on.")
@click.option(
    "--with-jobs/--without-jobs",
    default=None,
    help="Run jobs beside it, in a process that ends with it (default: on a loopback address).",
)
@click.pass_obj
@answers_refusals
def serve_command(runtime: Runtime, *, host: str, port: int, with_jobs: bool | None) -> None:
    """Serve the console, the wallet and the API of a workspace until stopped.

    Behind a proxy with TLS set OGNIWO_ORIGIN to the public address, for example https://energia.example. As a service
    run it --without-jobs beside `ogniwo jobs run` (docs/operations.md).

    \b
    Examples:
      ogniwo -w demo serve
      OGNIWO_ORIGIN=https://energia.example ogniwo -w coop serve --port 8040
    """  # noqa: D301 -- \b is click's mark for "keep these lines"
    import uvicorn  # noqa: PLC0415 -- only this command needs it
    from django.core.asgi import get_asgi_application  # noqa: PLC0415 -- after the settings are chosen

    from ogniwo.interfaces.web.bodies import BoundedBodies  # noqa: PLC0415 -- after the settings are chosen
    from ogniwo.interfaces.web.crowd import collect_seldom  # noqa: PLC0415 -- only this command needs it

    workspace = opened(runtime)
    say(f"{workspace.name}: {os.environ.get('OGNIWO_ORIGIN', f'http://{host}:{port}')}")
    beside = _worker(workspace.root) if _wanted(host, with_jobs) else contextlib.nullcontext()
    collect_seldom()
    with beside:
        uvicorn.run(
            BoundedBodies(get_asgi_application()),
            host=host,
            port=port,
            log_level="warning",
            lifespan="off",
            server_header=False,
            timeout_keep_alive=30,
            limit_concurrency=400,
        )


def _wanted(host: str, with_jobs: bool | None) -> bool:  # noqa: FBT001 -- click's option
    if with_jobs is not None:
        return with_jobs
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


@contextlib.contextmanager
def _worker(root: Path) -> Iterator[None]:
    """A process that runs jobs as long as this one lives; one that dies is started again."""
    command = [sys.executable, "-m", "ogniwo", "-w", str(root), "jobs", "run", "--with-parent"]
    ending = threading.Event()
    running: list[subprocess.Popen[bytes]] = []

    def keep_alive() -> None:
        while not ending.is_set():
            process = running[-1]
            process.wait()
            if not ending.is_set():
                say(f"the process that runs jobs ended with {process.returncode}; it is started again")
                if not ending.wait(_RESTART_S):
                    running.append(subprocess.Popen(command))  # noqa: S603 -- this very program

    # uvicorn gives a signal on when it has closed: without a handler the process would end before its worker is told.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    running.append(subprocess.Popen(command))  # noqa: S603 -- this very program
    keeper = threading.Thread(target=keep_alive, daemon=True)
    keeper.start()
    try:
        yield
    finally:
        ending.set()
        _end(running[-1])


def _end(process: subprocess.Popen[bytes]) -> None:
    """Tell the worker to end; it puts a running job back at its next sign of progress."""
    process.terminate()
    try:
        process.wait(timeout=_END_S)
    except subprocess.TimeoutExpired:
        say("a job gives no sign of progress; its process is killed and another worker takes the job up")
        process.kill()
        process.wait()
