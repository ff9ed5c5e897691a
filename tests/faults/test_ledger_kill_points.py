"""Kill -9 at points of admission, write, sync, projection, checkpoint and snapshot, on SQLite and on PostgreSQL."""

import random
import signal
import subprocess
import sys
import threading
from pathlib import Path

import psycopg
import pytest

from ogniwo.chain.audit import verify_ledger
from ogniwo.chain.embedded import EmbeddedLedger
from ogniwo.chain.inbox import StoppedError
from ogniwo.chain.projection import Projection
from ogniwo.chain.store import LockedError, StoreUnreachableError, StoreWriteError
from ogniwo.core.ledger.admission import open_transaction

TESTS = Path(__file__).parents[1]

VICTIM = """
import os, signal, sys, time
from pathlib import Path
sys.path.insert(0, sys.argv[1])
import network
from ogniwo.chain import embedded, projection, snapshots
from ogniwo.chain.proofs import checkpoint_of
from ogniwo.chain.stores import open_store

address, folder, first, point, nth = sys.argv[2], Path(sys.argv[3]), int(sys.argv[4]), sys.argv[5], int(sys.argv[6])
visits = 0
def visit(name):
    global visits
    visits += name == point
    if visits == nth:
        os.kill(os.getpid(), signal.SIGKILL)
def dying(owner, method, before, after=""):
    original = getattr(owner, method)
    def wrapped(*args, **kwargs):
        visit(before)
        result = original(*args, **kwargs)
        visit(after)
        return result
    setattr(owner, method, wrapped)

address = address if "://" in address else Path(address)
store = open_store(address, write=True)
dying(type(store), "append", "before write", "after sync")
store.close()
dying(embedded.EmbeddedLedger, "_take", "before admission", "after admission")
dying(projection.Projection, "_insert", "in projection")
dying(projection.Projection, "_take", "before projection", "after projection")
dying(projection.Projection, "_gather", "before rows of projection")
dying(snapshots.SnapshotFolder, "write", "before snapshot", "after snapshot")
dying(snapshots.SnapshotFolder, "_prune", "before pruning")
replace = snapshots.SnapshotFolder._replace
def replaced(path, data):
    if path.suffix == ".manifest":
        visit("before manifest")
    else:
        visit("in snapshot")
    unfinished = path.with_name(path.name + ".part")
    unfinished.write_bytes(data[: len(data) // 2])
    visit("half a chunk")
    replace(path, data)
snapshots.SnapshotFolder._replace = staticmethod(replaced)

coop = network.Network()
coop.now, coop.count = int(time.time()), first
ledger = embedded.EmbeddedLedger(address, snapshots=folder / "snapshots", snapshot_entries=8)
def send(envelopes):
    print(*("try " + network.admit(e, ledger._machine.ring).transaction for e in envelopes), sep="\\n", flush=True)
    for answer in ledger.submit(envelopes):
        assert answer.code == "accepted", answer
        print("ack", answer.transaction, flush=True)
if ledger.head().height < 0:
    send(coop.founding())
tables = projection.Projection(ledger=address, path=folder / "tables.sqlite3")
while True:
    send([coop.signed(coop.pay("op/coop/anna", "op/coop/jan", 1), "anna") for _ in range(7)])
    tables.catch_up()
    note = checkpoint_of(ledger, key=coop.checkpoint_key)
    visit("before checkpoint is kept")
    with (folder / "checkpoints").open("a") as file:
        file.write(note + "%")
    visit("after checkpoint")
"""
SNAPSHOT_WORDS = {"snapshot", "chunk", "manifest", "pruning"}
POINTS = (
    "before admission",
    "after admission",
    "before write",
    "after sync",
    "before projection",
    "in projection",
    "after projection",
    "before rows of projection",
    "before snapshot",
    "in snapshot",
    "half a chunk",
    "before manifest",
    "before pruning",
    "after snapshot",
    "before checkpoint is kept",
    "after checkpoint",
)
# What happens to snapshots does not depend on where the blocks are.
POINTS_OF = {
    "sqlite": POINTS,
    "postgresql": tuple(point for point in POINTS if not set(point.split()) & SNAPSHOT_WORDS),
}


def address_on(engine, request, folder):
    if engine == "sqlite":
        return folder / "ledger.sqlite3"
    return request.getfixturevalue("cluster").address(request.node.name)


def killed(address, folder, *, first, point, nth):
    """Run the victim until it dies at the point; gives the names acknowledged and tried."""
    process = subprocess.run(
        [sys.executable, "-c", VICTIM, TESTS / "unit/core/ledger", str(address), folder, str(first), point, str(nth)],
        stdout=subprocess.PIPE,
        text=True,
        timeout=60,
        check=False,
    )
    assert process.returncode == -signal.SIGKILL, (point, process.returncode)
    whole = [line.split() for line in process.stdout.splitlines()]
    whole = [line for line in whole if len(line) == 2 and len(line[1]) == 64]
    return {name for word, name in whole if word == "ack"}, {name for word, name in whole if word == "try"}


def check(address, folder, acknowledged, tried):
    """Nothing acknowledged is lost, no id stands twice, tables equal the state, and every checkpoint still holds."""
    kept = folder / "checkpoints"
    notes = kept.read_text().split("%")[:-1] if kept.exists() else []
    assert verify_ledger(address, checkpoints=notes) == []
    with Projection(ledger=address, path=folder / "tables.sqlite3") as tables:
        tables.catch_up()
        assert tables.damage() == []
        counted = "SELECT lower(hex(name)), count(*) FROM transactions WHERE outcome = 'accepted' GROUP BY name"
        rows = tables._rows(counted, ())
        balances = {place: amount for place, amount in tables.balances().items() if amount}
    names = {name for name, _ in rows}
    assert {times for _, times in rows} <= {1}
    assert acknowledged <= names <= tried
    with EmbeddedLedger(address, snapshots=folder / "snapshots", snapshot_entries=10**6) as ledger:
        assert [one for one in ledger.findings if one.code != "ledger.store_not_durable"] == []
        opened_from = ledger._keeper.opened_from
        with ledger.reading() as state:
            assert {place: amount for place, amount in state.balances.items() if amount} == balances
    return opened_from


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_killed_at_every_point(engine, request, tmp_path):
    address = address_on(engine, request, tmp_path)
    draw = random.Random(11)  # noqa: S311 -- a repeatable choice of test cases
    acknowledged, tried, opened_from = set(), set(), set()
    for number, point in enumerate(POINTS_OF[engine]):
        # Snapshots come once in several blocks, the rest at every block or transaction.
        nth = draw.randint(1, 2) if set(point.split()) & SNAPSHOT_WORDS else draw.randint(2, 5)
        acks, tries = killed(address, tmp_path, first=100_000 * number, point=point, nth=nth)
        acknowledged |= acks
        tried |= tries
        opened_from.add(check(address, tmp_path, acknowledged, tried))
    assert len(acknowledged) > 50
    assert max(opened_from) > 10  # openings were from snapshots, not only by replay


class Payer(threading.Thread):
    """A client that pays until told to stop, opens again whatever happens, and sends again what got no answer."""

    def __init__(self, address, network):
        super().__init__()
        self.address, self.network = address, network
        self.acknowledged, self.failures = [], []
        self.stopping = threading.Event()
        self.pid = 0

    def run(self):
        envelope = None
        while not self.stopping.is_set():
            try:
                with EmbeddedLedger(self.address, clock=lambda: self.network.now, workers=1) as ledger:
                    self.pid = ledger._store._pid
                    while not self.stopping.is_set() or envelope:
                        envelope = envelope or self.network.signed(
                            self.network.pay("op/coop/anna", "op/coop/jan", 1), "anna"
                        )
                        (answer,) = ledger.submit([envelope])
                        assert answer.on_ledger, answer
                        self.acknowledged.append(open_transaction(envelope).transaction)
                        envelope = None
            except (StoppedError, StoreUnreachableError, StoreWriteError, LockedError) as refusal:
                self.failures.append(refusal.code)
                self.stopping.wait(0.05)


def wait_for(condition):
    pause = threading.Event()
    for _ in range(600):
        if condition():
            return
        pause.wait(0.02)
    pytest.fail("the payer got stuck")


def test_the_server_dies_under_the_writer(cluster, network, tmp_path):
    """The writer's connection ended, its process killed, and the whole server stopped at once, while payments run."""
    address = cluster.address("dying")
    with EmbeddedLedger(address, clock=lambda: network.now, workers=1) as ledger:
        ledger.submit(network.founding())
    payer = Payer(address, network)
    payer.start()

    def terminate():
        with psycopg.connect(f"postgresql://ogniwo@/postgres?host={cluster.folder}") as connection:
            connection.execute("SELECT pg_terminate_backend(%s)", (payer.pid,))

    def kill():
        # The server answers the death of one process by ending all connections and recovering from its log.
        subprocess.run(["kill", "-9", str(payer.pid)], check=True)

    def stop():
        cluster.stop("immediate")
        cluster.start()

    try:
        for blow in (terminate, kill, stop, kill, stop, terminate):
            before, failed = len(payer.acknowledged), len(payer.failures)
            wait_for(lambda before=before: len(payer.acknowledged) > before + 20)
            blow()
            wait_for(lambda failed=failed: len(payer.failures) > failed)
        before = len(payer.acknowledged)
        wait_for(lambda: len(payer.acknowledged) > before + 20)
    finally:
        payer.stopping.set()
        payer.join(20)
    assert len(payer.acknowledged) == len(set(payer.acknowledged)) > 140
    assert {"ledger.stopped"} <= set(payer.failures)
    assert verify_ledger(address) == []
    with Projection(ledger=address, path=tmp_path / "tables.sqlite3") as tables:
        tables.catch_up()
        posted = "SELECT lower(hex(name)) FROM transactions WHERE operation = 'post'"
        names = {name for (name,) in tables._rows(posted, ())}
        assert set(payer.acknowledged) <= names
        assert len(names) - len(payer.acknowledged) <= 2  # the first funding, and one payment nobody waited for
        assert tables.balances()["op/coop/jan", "PLN/2"] == len(names) - 1
