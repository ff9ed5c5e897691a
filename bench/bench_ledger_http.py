"""The ledger over HTTP on loopback: one signed transfer per request, keep-alive connections, a client of its own.

The client is a process of its own with one event loop: a raw protocol per connection that sends the next request when
the answer is in. Server and client share the machine's processors, so the figure is lower than a remote client's. The
server has been busy before: what it starts once (processes that verify, compiled hashes) is not measured.
"""

import asyncio
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from time import perf_counter

import msgspec
import uvloop
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bench_ledger import Load
from common import Row
from ogniwo.chain.embedded import EmbeddedLedger
from ogniwo.chain.projection import Projection
from ogniwo.chain.replica import Replica
from ogniwo.core.ledger import hashing
from ogniwo.interfaces.ledger_http.server import listen, serve
from ogniwo.services.ledger.reading import ReadRights
from ogniwo.services.ledger.served import ServedLedger

CONNECTIONS = 64
TRANSFERS = {"small": 10_000, "full": 40_000}
ROUNDS = {"small": 3, "full": 5}
TARGET_REQUESTS_PER_S = 8_000
TARGET_P99_S = 0.020
BATCH = 1_000
WARMING = 6_000
"""Transfers before the clock runs: the server starts its processes at the thousandth."""


class Client(asyncio.Protocol):
    """One keep-alive connection: the next request of a common stack as soon as the answer is whole."""

    def __init__(self, requests, spent, finished):
        self.requests, self.spent, self.finished = requests, spent, finished
        self.received = b""

    def connection_made(self, transport):
        """Keep the transport."""
        self.transport = transport

    def go(self):
        """Send the next request, or finish."""
        if not self.requests:
            self.finished()
            return
        self.started = perf_counter()
        self.transport.write(self.requests.pop())

    def data_received(self, data):
        """Take the answer in; the next request follows when it is whole."""
        self.received += data
        head, gap, body = self.received.partition(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]) if gap else -1
        if not gap or len(body) < length:
            return
        self.spent.append(perf_counter() - self.started)
        assert head.startswith(b"HTTP/1.1 200"), self.received
        self.received = b""
        self.go()


async def drive(port, path, kind, bodies, connections):
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {kind}\r\nContent-Length: "
    requests = [f"{head}{len(body)}\r\n\r\n".encode() + body for body in reversed(bodies)]
    loop, spent, done = asyncio.get_running_loop(), [], asyncio.Event()
    open_connections = connections

    def finished():
        nonlocal open_connections
        open_connections -= 1
        if not open_connections:
            done.set()

    clients = [
        (await loop.create_connection(lambda: Client(requests, spent, finished), "127.0.0.1", port))[1]
        for _ in range(connections)
    ]
    start = perf_counter()
    for client in clients:
        client.go()
    await done.wait()
    wall = perf_counter() - start
    for client in clients:
        client.transport.close()
    spent.sort()
    return {"wall": wall, "p50": statistics.median(spent), "p99": spent[int(len(spent) * 0.99)], "count": len(spent)}


def client_main(port, path, kind, file, connections):
    bodies = msgspec.msgpack.decode(Path(file).read_bytes())
    print(json.dumps(uvloop.run(drive(port, path, kind, bodies, connections))))


def server_main(folder):
    path = Path(folder) / "ledger.sqlite3"
    with (
        EmbeddedLedger(path) as ledger,
        Projection(ledger=path, path=Path(folder) / "projection.sqlite3") as projection,
    ):
        rights = ReadRights(ledger, clock=lambda: int(time.time()), log_read=print)
        served = ServedLedger(ledger, projection=projection, key=Ed25519PrivateKey.generate(), rights=rights)
        listening = listen("127.0.0.1", 0)
        serve(served, listening=listening, started=lambda: print(listening.getsockname()[1], flush=True))


def measured(folder, founding, bodies, *, path, kind, connections, warming=()):
    """One round on a fresh ledger: the server's process, a client's that only warms it, then the one that counts."""
    folder.mkdir()
    with EmbeddedLedger(folder / "ledger.sqlite3") as ledger:
        assert {answer.code for answer in ledger.submit(founding)} == {"accepted"}
    me = [sys.executable, __file__]
    with subprocess.Popen([*me, "server", str(folder)], stdout=subprocess.PIPE, text=True) as server:
        port = server.stdout.readline().strip()
        if warming:
            sent(me, folder, warming, port, "/v1/transactions", "application/json", CONNECTIONS)
        with Replica(folder / "ledger.sqlite3").following() as replica:
            before = replica.head()
        found = sent(me, folder, bodies, port, path, kind, connections)
        server.terminate()
    with EmbeddedLedger(folder / "ledger.sqlite3") as ledger:
        head = ledger.head()
    return found | {"blocks": head.height - before.height, "entries": head.log_size - before.log_size}


def sent(me, folder, bodies, port, path, kind, connections):
    """What a client measured that sent these bodies."""
    file = folder / "bodies"
    file.write_bytes(msgspec.msgpack.encode(bodies))
    client = subprocess.run(
        [*me, "client", port, path, kind, str(file), str(connections)], check=True, capture_output=True, text=True
    )
    return json.loads(client.stdout)


def run(*, scale):
    hashing.compile_()  # once on a machine this takes some seconds; the servers find it done
    load = Load()
    founding, warming, transfers = load.founding(), load.transfers(WARMING), load.transfers(TRANSFERS[scale])
    batches = [msgspec.msgpack.encode(transfers[at : at + BATCH]) for at in range(0, len(transfers), BATCH)]
    with tempfile.TemporaryDirectory(prefix="bench-ledger-http-", dir=Path.cwd()) as name:
        rounds = [
            measured(
                Path(name) / str(number),
                founding,
                transfers,
                path="/v1/transactions",
                kind="application/json",
                connections=CONNECTIONS,
                warming=warming,
            )
            for number in range(ROUNDS[scale])
        ]
        whole = measured(
            Path(name) / "batches",
            founding,
            batches,
            path="/v1/batches",
            kind="application/msgpack",
            connections=4,
            warming=warming,
        )
        alone = measured(
            Path(name) / "alone",
            founding,
            transfers[:1_000],
            path="/v1/transactions",
            kind="application/json",
            connections=1,
        )
    for one in rounds:
        assert one["entries"] >= len(transfers), one
    middle = sorted(rounds, key=lambda one: one["wall"])[len(rounds) // 2]
    per_s = len(transfers) / middle["wall"]
    best = len(transfers) / min(one["wall"] for one in rounds)
    return [
        Row(
            "ledger HTTP: one transfer per request",
            f"{per_s:,.0f} requests/s",
            f"{TARGET_REQUESTS_PER_S:,}/s wanted, {CONNECTIONS} connections",
            per_s / TARGET_REQUESTS_PER_S,
            1.0,
            f"median of {len(rounds)}, best {best:,.0f}/s; {middle['blocks']} blocks; p50 {middle['p50'] * 1e3:.1f} ms",
        ),
        Row(
            "ledger HTTP: p99",
            f"{middle['p99'] * 1e3:.1f} ms",
            f"{TARGET_P99_S * 1e3:.0f} ms wanted",
            TARGET_P99_S / middle["p99"],
            1.0,
            "the same round",
        ),
        Row(
            "ledger HTTP: batches of 1,000",
            f"{len(transfers) / whole['wall']:,.0f} transfers/s",
            f"{per_s:,.0f} transfers/s one by one",
            len(transfers) / whole["wall"] / per_s,
            0.0,
            "MessagePack, 4 connections",
        ),
        Row(
            "ledger HTTP: one connection",
            f"{alone['count'] / alone['wall']:,.0f} requests/s",
            f"{per_s:,.0f} requests/s on {CONNECTIONS}",
            alone["count"] / alone["wall"] / per_s,
            0.0,
            f"p50 {alone['p50'] * 1e3:.2f} ms",
        ),
    ]


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["server", folder]:
            server_main(folder)
        case ["client", port, path, kind, file, connections]:
            client_main(int(port), path, kind, file, int(connections))
        case arguments:
            for row in run(scale=arguments[0] if arguments else "small"):
                print(f"{row.name:40s} {row.ours:24s} {row.yardstick:42s} {row.ratio:6.2f} ({row.target})  {row.note}")
