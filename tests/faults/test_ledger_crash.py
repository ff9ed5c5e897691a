"""Kill -9 while transactions are being submitted: nothing acknowledged is lost, and the file follows from itself."""

import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from ogniwo.chain.audit import verify_ledger
from ogniwo.chain.embedded import EmbeddedLedger
from ogniwo.chain.projection import Projection
from ogniwo.core.ledger.blocks import read_body

NETWORK = Path(__file__).parents[1] / "unit" / "core" / "ledger" / "network.py"

SUBMITTER = """
import os, signal, sys, time
from pathlib import Path
sys.path.insert(0, sys.argv[1])
import network
from ogniwo.chain.embedded import EmbeddedLedger
from ogniwo.chain.store_sqlite import SqliteStore

path, first, point, run = Path(sys.argv[2]), int(sys.argv[3]), sys.argv[4], int(sys.argv[5])
append = SqliteStore.append
def dying_append(self, block):
    if block.height >= run and point == "before_write":
        os.kill(os.getpid(), signal.SIGKILL)
    append(self, block)
    if block.height >= run and point == "after_write":
        os.kill(os.getpid(), signal.SIGKILL)
SqliteStore.append = dying_append

coop = network.Network()
coop.now, coop.count = int(time.time()), first
ledger = EmbeddedLedger(path)
def send(envelopes):
    print(*("try " + network.admit(e, ledger._machine.ring).transaction for e in envelopes), sep="\\n", flush=True)
    for answer in ledger.submit(envelopes):
        assert answer.code == "accepted", answer
        print("ack", answer.transaction, flush=True)
if ledger.head().height < 0:
    send(coop.founding())
while True:
    send([coop.signed(coop.pay("op/coop/anna", "op/coop/jan", 1), "anna") for _ in range(7)])
"""


@pytest.fixture
def path(tmp_path):
    return tmp_path / "ledger.sqlite3"


def run_until_killed(path, *, first, point="", run=0, after_s=None):
    """Run the submitter; kill it `after_s` seconds after its first acknowledgement, or let it kill itself."""
    process = subprocess.Popen(
        [sys.executable, "-c", SUBMITTER, NETWORK.parent, path, str(first), point, str(run)],
        stdout=subprocess.PIPE,
        text=True,
    )
    lines = []
    acknowledged = threading.Event()

    def read():
        for line in process.stdout:
            lines.append(line.split())
            if line.startswith("ack"):
                acknowledged.set()

    reader = threading.Thread(target=read)
    reader.start()
    if after_s is not None:
        assert acknowledged.wait(30)
        time.sleep(after_s)
        process.kill()
    assert process.wait(30) == -signal.SIGKILL
    reader.join()
    process.stdout.close()
    whole = [line for line in lines if len(line) == 2 and len(line[1]) == 64]
    return {name for word, name in whole if word == "ack"}, {name for word, name in whole if word == "try"}


def on_ledger(path):
    with Projection(ledger=path, path=path.with_name("projection.sqlite3")) as projection:
        projection.rebuild()
        rows = projection._connection.execute(
            "SELECT lower(hex(name)) FROM transactions WHERE outcome = 'accepted'"
        ).fetchall()
    return {name for (name,) in rows}


def test_nothing_acknowledged_is_lost_by_kill_9(path):
    moments = random.Random(7)  # noqa: S311 -- a repeatable choice of test cases
    acknowledged, tried = set(), set()
    for attempt in range(4):
        acks, tries = run_until_killed(path, first=100_000 * attempt, after_s=moments.uniform(0.02, 0.3))
        acknowledged |= acks
        tried |= tries
        kept = on_ledger(path)
        assert len(acks) > 0
        assert acknowledged <= kept <= tried
        assert verify_ledger(path) == []
    with EmbeddedLedger(path) as ledger, ledger.reading() as state:
        assert state.balance("op/coop/jan", "PLN/2") == len(kept) - 18


@pytest.mark.parametrize(("point", "kept_more"), [("before_write", 0), ("after_write", 7)])
def test_killed_around_the_write(path, point, kept_more):
    acknowledged, tried = run_until_killed(path, first=0, point=point, run=3)
    kept = on_ledger(path)
    assert acknowledged <= kept
    assert len(kept) == len(acknowledged) + kept_more
    assert len(tried) == len(acknowledged) + 7
    assert verify_ledger(path) == []


def test_a_client_sends_again_after_a_crash_and_pays_once(path):
    acknowledged, tried = run_until_killed(path, first=0, point="after_write", run=3)
    assert len(tried - acknowledged) == 7
    with EmbeddedLedger(path) as ledger:
        (block,) = ledger.read(3)
        unanswered = [record.envelope for record in read_body(block.body)]
        with ledger.reading() as state:
            before = state.balance("op/coop/jan", "PLN/2")
        assert {answer.code for answer in ledger.submit(unanswered)} == {"ledger.exists"}
        with ledger.reading() as state:
            assert state.balance("op/coop/jan", "PLN/2") == before == 21
