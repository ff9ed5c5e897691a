"""The ledger on four CometBFT nodes of this machine: signed transfers per second, and how long a decision takes."""

import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import get_args

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bench_ledger import Load
from common import Row
from ogniwo.chain.network.client import NetworkLedger
from ogniwo.chain.network.genesis import read_card
from ogniwo.core.ledger import transactions as tx
from ogniwo.core.ledger.canonical import encode
from ogniwo.core.ledger.checkpoints import verifier_key
from ogniwo.core.ledger.signing import public_key_of, sign
from ogniwo.services.ledger.founders import constitution
from ogniwo.services.ledger.nodes import create_node, found_network, install_node_program

NODES = 4
BATCH = 1_000
BATCHES = {"small": 16, "full": 60}
SINGLES = {"small": 20, "full": 100}
UNDER_WAY = 8
TARGET_PER_S = 2_000
START_SECONDS_MAX = 60
NETWORK = "bench.example/ledger"


def free_ports(count: int) -> list[int]:
    """Ports nobody listens on now."""
    with ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


@contextmanager
def running(root: Path, load: Load, genesis: bytes):
    """Four nodes founded with this genesis, as processes of their own; gives their folders and RPC ports."""
    install_node_program()
    ports = free_ports(2 * NODES)
    cards = []
    for number in range(NODES):
        p2p, rpc = ports[2 * number : 2 * number + 2]
        card = create_node(
            folder=root / f"n{number}",
            organisation=f"org{number}",
            network=NETWORK,
            account="op",
            address=f"127.0.0.1:{p2p}",
            listen="127.0.0.1",
            p2p_port=p2p,
            rpc_port=rpc,
        )
        cards.append(root / f"{number}.card.json")
        cards[-1].write_text(card)
    founders = constitution([read_card(card.read_bytes()) for card in cards], load.operator)
    (root / "founding.jsonl").write_bytes(b"\n".join([genesis, *founders]))
    for number in range(NODES):
        found_network(
            folder=root / f"n{number}",
            cards=cards,
            founding=root / "founding.jsonl",
            commit_ms=100,
            propose_ms=2_000,
        )
    with ExitStack() as stack:
        processes = []
        for number in range(NODES):
            log = stack.enter_context((root / f"n{number}.out").open("wb"))
            command = [sys.executable, "-m", "ogniwo", "node", "start", "--folder", str(root / f"n{number}")]
            processes.append(subprocess.Popen(command, stdout=log, stderr=log))
        try:
            yield processes, [(root / f"n{number}", ports[2 * number + 1]) for number in range(NODES)]
        finally:
            for process in processes:
                process.send_signal(signal.SIGTERM)
            for process in processes:
                process.wait(timeout=60)


# Without the right to switch payments they are on from the start, as on ledgers founded before there was a switch.
_RIGHTS = tuple(right for right in get_args(tx.Permission) if right != "payments.switch")


def genesis_of(load: Load) -> bytes:
    """The load's network with all rights in its operator's role: founders need some that transfers do not."""
    payload = tx.Genesis(
        **load.frame(),
        checkpoint_key=verifier_key(NETWORK, Ed25519PrivateKey.generate()).text(),
        key=public_key_of(load.operator),
        operator_role="operator",
        roles=(tx.Role(name="operator", permissions=_RIGHTS),),
    )
    return sign(encode(payload), keys=[load.operator])


def submitted(ledger: NetworkLedger, batches: list[list[bytes]], *, at_once: int) -> tuple[float, list[float]]:
    """Submit batches, some of them at once; gives the seconds for all and for each. Everything must be accepted."""
    taken: list[float] = []
    guard = threading.Lock()

    def one(batch: list[bytes]) -> None:
        start = time.perf_counter()
        answers = ledger.submit(batch)
        with guard:
            taken.append(time.perf_counter() - start)
        assert all(answer.code == "accepted" for answer in answers), {answer.code for answer in answers}

    start = time.perf_counter()
    with ThreadPoolExecutor(at_once) as pool:
        list(pool.map(one, batches))
    return time.perf_counter() - start, taken


def processor_seconds(processes: list[subprocess.Popen]) -> float:
    """What the nodes have used of the processors so far: each application and its CometBFT."""
    ticks = 0
    for process in processes:
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        for pid in (process.pid, *children):
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def percentile(values: list[float], share: float) -> float:
    return sorted(values)[min(int(len(values) * share), len(values) - 1)]


def run(*, scale: str) -> list[Row]:
    """Transfers through one node while all four vote; then what one transfer alone waits."""
    load = Load()
    genesis, founding = genesis_of(load), load.founding()[1:]
    batches = [load.transfers(BATCH) for _ in range(BATCHES[scale])]
    singles = [load.transfers(1) for _ in range(SINGLES[scale])]
    with tempfile.TemporaryDirectory() as folder, running(Path(folder), load, genesis) as (processes, nodes):
        home, port = nodes[0]
        with NetworkLedger(home / "ledger.sqlite3", rpc_port=port, senders=UNDER_WAY) as ledger:
            deadline = time.monotonic() + START_SECONDS_MAX
            while not ledger.health().running:
                assert time.monotonic() < deadline, ledger.health()
                time.sleep(0.2)
            submitted(ledger, [founding], at_once=1)
            before = processor_seconds(processes)
            seconds, each = submitted(ledger, batches, at_once=UNDER_WAY)
            used = processor_seconds(processes) - before
            _, alone = submitted(ledger, singles, at_once=1)
            head = ledger.head()
        time.sleep(3)
        for other, other_port in nodes[1:]:
            with NetworkLedger(other / "ledger.sqlite3", rpc_port=other_port) as ledger:
                assert ledger.head() == head, "the nodes do not agree"
    per_s = BATCH * BATCHES[scale] / seconds
    return [
        Row(
            "network: four nodes, 1,000 per batch",
            f"{per_s:,.0f} tx/s",
            f"{TARGET_PER_S:,} tx/s asked for",
            per_s / TARGET_PER_S,
            1.0,
            f"{os.cpu_count()} cores for all four, {used / seconds:.1f} of them were used",
        ),
        Row(
            "network: processor per transfer",
            f"{used / BATCH / BATCHES[scale] * 1_000:.2f} ms",
            "all four nodes together",
            0.0,
            0.0,
            f"{os.cpu_count() * BATCH * BATCHES[scale] / used:,.0f} tx/s would fill the cores",
        ),
        Row(
            "network: batch under this load",
            f"p50 {statistics.median(each):.2f} s",
            f"p99 {percentile(each, 0.99):.2f} s",
            0.0,
            0.0,
            f"{UNDER_WAY} batches at once",
        ),
        Row(
            "network: one transfer alone",
            f"p50 {statistics.median(alone) * 1_000:.0f} ms",
            f"p99 {percentile(alone, 0.99) * 1_000:.0f} ms",
            0.0,
            0.0,
            "idle network, 100 ms pause per block",
        ),
    ]
