"""A node is killed at random instants: the application, CometBFT, or both; what was answered stays, once each."""

import importlib.util
import os
import random
import signal
import subprocess
import time
from pathlib import Path

import pytest

KILLS = 6

_spec = importlib.util.spec_from_file_location(
    "nodes_killed", Path(__file__).parents[1] / "integration" / "nodes_of_a_network.py"
)
lab = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(lab)


@pytest.fixture
def node(tmp_path):
    with lab.running(tmp_path, 1) as made:
        yield made


def _comet_of(process):
    found = subprocess.run(["pgrep", "-P", str(process.pid)], capture_output=True, check=True)
    return int(found.stdout.split()[0])


def test_nothing_answered_is_lost_however_a_node_dies(node):
    chance = random.Random(7)  # noqa: S311 -- instants of a test
    ledger = node.ledger(0)
    lab.wait_until(lambda: ledger.health().running, "the node does not start")
    transfers = lab.Transfers(ledger, node.network)
    transfers.start()
    for number in range(KILLS):
        lab.grows(transfers, 5)
        time.sleep(chance.random() / 5)
        process = node.processes[0]
        if number % 3 == 0:
            node.kill(0)
        else:
            os.kill(process.pid if number % 3 == 1 else _comet_of(process), signal.SIGKILL)
            process.wait(timeout=30)
        node.start(0)
    lab.grows(transfers, 5)
    transfers.ending.set()
    transfers.join()
    assert transfers.problem is None
    _, names, machine = lab.chain(ledger)
    assert set(transfers.acknowledged) <= names
    assert machine.state.balance("op/coop/jan", "PLN/2") == len(names) - node.founding
    ledger.close()
