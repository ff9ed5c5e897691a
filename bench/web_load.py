"""Load for the web's benchmark: a server, people at their wallets, processes that write, the records in PostgreSQL.

Everything speaks over loopback and sockets only, and ends after a given time.
"""

import asyncio
import contextlib
import importlib
import importlib.util
import json
import multiprocessing
import os
import random
import shutil
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path

import psycopg

ANSWER_S = 30.0
"""Who waits longer for a page has got none."""
TESTS = Path(__file__).resolve().parents[1] / "tests"
HEAVY = ("series", "cache", "documents", "received", "checkpoints", "ledger*")


def told(what: str) -> None:
    """A line of progress."""
    print(f"  {time.strftime('%H:%M:%S')} {what}", file=sys.stderr, flush=True)


@dataclass
class Crowd:
    """What people got: milliseconds of every page, what went wrong, seconds it lasted."""

    times: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def per_s(self) -> float:
        """Pages a second."""
        return len(self.times) / self.seconds

    def percentile(self, percent: int) -> float:
        """Milliseconds within which so many per cent were answered."""
        return statistics.quantiles(self.times, n=100)[percent - 1]


@dataclass(frozen=True)
class Visit:
    """How a crowd behaves: pages are asked for during `seconds`, people look at each `look_s` (from, to) long."""

    port: int
    paths: tuple[str, ...]
    seconds: float
    look_s: tuple[float, float]


async def _page(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, path: str, cookie: str) -> str:
    """Ask for one page and read all of it; gives the line of its status."""
    fields = f"Host: 127.0.0.1\r\nCookie: sessionid={cookie}\r\nAccept-Language: pl"
    writer.write(f"GET {path} HTTP/1.1\r\n{fields}\r\n\r\n".encode())
    await writer.drain()
    status, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    found = dict(line.lower().split(": ", 1) for line in lines if ": " in line)
    if "content-length" in found:
        await reader.readexactly(int(found["content-length"]))
    else:
        while size := int(await reader.readline(), 16):
            await reader.readexactly(size + 2)
        await reader.readline()
    return status


async def _person(visit: Visit, number: str, cookie: str, crowd: Crowd, until: float) -> None:
    chance = random.Random(number)  # noqa: S311 -- the same people at every run
    await asyncio.sleep(chance.uniform(0, visit.look_s[1]))  # nobody comes on the stroke
    reader, writer = await asyncio.open_connection("127.0.0.1", visit.port)
    turn = chance.randrange(len(visit.paths))
    while time.perf_counter() < until:
        path = visit.paths[turn % len(visit.paths)].format(number=number)
        start = time.perf_counter()
        status = await asyncio.wait_for(_page(reader, writer, path, cookie), ANSWER_S)
        crowd.times.append((time.perf_counter() - start) * 1e3)
        if " 200 " not in f"{status} ":
            crowd.errors.append(f"{path}: {status}")
        turn += 1
        await asyncio.sleep(chance.uniform(*visit.look_s))
    writer.close()


async def _visited(visit: Visit, people: Sequence[tuple[str, str]]) -> Crowd:
    crowd, start = Crowd(), time.perf_counter()
    ended = await asyncio.gather(
        *(_person(visit, number, cookie, crowd, start + visit.seconds) for number, cookie in people),
        return_exceptions=True,
    )
    crowd.seconds = time.perf_counter() - start
    crowd.errors += [repr(one) for one in ended if one is not None]
    return crowd


def visited(visit: Visit, people: Sequence[tuple[str, str]]) -> Crowd:
    """Let people, as (member number, sign-in key), look at their pages, each after the last was answered."""
    return asyncio.run(_visited(visit, people))


@contextlib.contextmanager
def serving(folder: Path) -> Iterator[int]:
    """`ogniwo serve` of a workspace in a process of its own; gives its port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    command = [sys.executable, "-m", "ogniwo", "-w", str(folder), "serve", "--port", str(port), "--without-jobs"]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(600):
            assert server.poll() is None, "the server ended"
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            time.sleep(0.1)
        yield port
    finally:
        server.terminate()
        server.wait(timeout=30)


@dataclass(frozen=True)
class Together:
    """Processes at work on the same records: acts a second of all, and the milliseconds that one waits."""

    per_s: float
    p50: float
    p95: float
    longest: float


class Team:
    """A process that is ready for the records and lets copies of itself work on them together.

    `write` records one act in a transaction of its own, `read` shows a page of members and the newest acts with 50 ms
    between, `hold` keeps a transaction that has written open for 2 s, as an import or a close does while it stores.
    Each takes a connection of its own for each time, as requests do.
    """

    def __init__(self, folder: Path) -> None:
        command = [sys.executable, __file__, "team", str(folder)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self._line() == "ready\n", "the process that works on the records did not start"

    def _line(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline()

    def work(self, seconds: float, **counts: int) -> dict[str, Together]:
        """So many of each kind work for so long beside one another; none may be turned away."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"seconds": seconds, "counts": counts}) + "\n")
        self._process.stdin.flush()
        said = self._line()
        assert said, f"one of {counts} was turned away"
        return {kind: _together(times, seconds) for kind, times in json.loads(said).items()}

    def close(self) -> None:
        """End it."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(timeout=60)


def _together(times: list[float], seconds: float) -> Together:
    times.sort()
    p50, p95 = times[len(times) // 2], times[len(times) * 95 // 100]
    return Together(per_s=len(times) / seconds, p50=p50, p95=p95, longest=times[-1])


def team_main(folder: Path) -> None:
    """`Team` at the other end: who works how long comes in line by line, times in milliseconds go out."""
    from ogniwo.project.entry import prepare  # noqa: PLC0415 -- Django wants its folder first

    prepare(folder, for_people=True)
    from django.db import connection  # noqa: PLC0415 -- after Django is ready

    workspace = importlib.import_module("ogniwo.services.workspace.operations").open_workspace(root=folder)
    acts = _acts(workspace)
    acts["write"](), acts["read"]()
    connection.close()  # a connection is not shared between processes
    copies = multiprocessing.get_context("fork")
    print("ready", flush=True)
    for line in sys.stdin:
        asked = json.loads(line)
        working = []
        for kind in (kind for kind, count in asked["counts"].items() for _ in range(count)):
            out, into = copies.Pipe(duplex=False)
            copies.Process(target=_work, args=(acts[kind], asked["seconds"], into), daemon=True).start()
            into.close()
            working.append((kind, out))
        times: dict[str, list[float]] = {kind: [] for kind in asked["counts"]}
        for kind, out in working:
            times[kind] += out.recv()  # raises EOFError when it failed, which ends all
        print(json.dumps(times), flush=True)


def _work(act: Callable[[], float], seconds: float, into: Connection) -> None:
    """One at work: milliseconds of each time."""
    from django.db import connection  # noqa: PLC0415 -- after Django is ready

    until, spent = time.monotonic() + seconds, []
    while time.monotonic() < until:
        start = time.perf_counter()
        pause = act()
        connection.close()
        spent.append(round((time.perf_counter() - start) * 1e3, 2))
        time.sleep(pause)
    into.send(spent)


def _acts(workspace: object) -> dict[str, Callable[[], float]]:
    """What each kind does once; gives the seconds until the next time."""
    from django.db import transaction  # noqa: PLC0415 -- after Django is ready

    record_act = importlib.import_module("ogniwo.services.workspace.audit").record_act
    log = importlib.import_module("ogniwo.services.workspace.log")
    members = importlib.import_module("ogniwo.services.parties.queries").list_members
    month = importlib.import_module("ogniwo.core.kernel.calendar").Month(2026, 10)
    everybody = importlib.import_module("ogniwo.services.workspace.queries").operator_subject()

    def write(hold_s: float = 0.0) -> float:
        with transaction.atomic():
            record_act(workspace, action="bench.write", target="x", facts={})
            time.sleep(hold_s)
        return 0.0

    def hold() -> float:
        write(2.0)
        return 0.5

    def read() -> float:
        assert members(subject=everybody, month=month)[:100]
        assert log.log_entries(subject=everybody, wanted=log.LogFilter(), limit=50)
        return 0.05

    return {"write": write, "read": read, "hold": hold}


def records_alone(folder: Path) -> Path:
    """A copy of a workspace with its records and none of its readings, so that writing leaves the kept one alone."""
    target = folder.with_name(f"{folder.name}-records")
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(folder, target, ignore=shutil.ignore_patterns(*HEAVY))
    return target


@contextlib.contextmanager
def postgresql() -> Iterator[str]:
    """A PostgreSQL of Debian's package with its own settings, for this run; gives its address."""
    specification = importlib.util.spec_from_file_location("bench_cluster", TESTS / "clusters.py")
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    made = module.Cluster()
    try:
        yield f"postgresql://ogniwo@/postgres?host={made.folder}"
    finally:
        made.remove()


def in_postgresql(folder: Path, address: str) -> Path:
    """The same workspace with its records in PostgreSQL, row by row; made anew each time."""
    target = folder.with_name(f"{folder.name}-postgresql")
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(folder, target)
    ogniwo = [sys.executable, "-m", "ogniwo", "-w", str(target)]
    subprocess.run([*ogniwo, "records", "move", f"{address}#bench"], check=True, stdout=subprocess.DEVNULL)
    with psycopg.connect(address, autocommit=True) as server:
        server.execute("ANALYZE")  # as the server does by itself within a minute
    return target


if __name__ == "__main__":
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    match sys.argv[1:]:
        case ["team", folder]:
            team_main(Path(folder))
