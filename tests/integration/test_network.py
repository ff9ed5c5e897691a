"""A network of four real nodes while transfers run: crashes, losses, liars; and a fifth organisation that joins."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

from ogniwo.chain.network.rpc import Rpc

NODES = 4
LONG = 35
LIAR = 3

_spec = importlib.util.spec_from_file_location("nodes_of_a_network", Path(__file__).with_name("nodes_of_a_network.py"))
lab = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(lab)


@pytest.fixture
def nodes(tmp_path):
    with lab.running(tmp_path, NODES) as made:
        yield made


def test_a_later_organisation_votes_once_the_founders_agree(nodes):
    honest = [nodes.ledger(number) for number in range(NODES)]
    lab.wait_until(lambda: all(ledger.health().running for ledger in honest), "the nodes do not start")
    card = nodes.card(NODES)
    (nodes.folder(0) / "keys" / "operator.pem").write_bytes(nodes.operator_key)
    (nodes.folder(0) / "keys" / "operator.pem").chmod(0o600)
    for number in range(NODES):
        nodes.say("admit", number, card)
    _pay(nodes, honest[1], 3)
    nodes.stop(0)
    assert "ledger block" in nodes.say("snapshot", 0)
    nodes.start(0)
    lab.wait_until(lambda: honest[0].health().running, "the node does not come back")
    _pay(nodes, honest[1], 3)
    servers = [word for number in (0, 1) for word in ("--sync-from", f"127.0.0.1:{nodes.rpc[number]}")]
    trust = ("--trust", nodes.status(1).trust)
    genesis = ("--genesis", nodes.folder(0) / "comet/config/genesis.json", "--genesis-hash", nodes.hash)
    nodes.say("join", NODES, *genesis, *servers, *trust)
    nodes.start(NODES)
    newcomer = nodes.ledger(NODES)
    lab.wait_until(lambda: newcomer.health().running and newcomer.head() == honest[1].head(), "no state sync")
    with Rpc(nodes.rpc[NODES]) as rpc:
        assert int(rpc.call("status")["sync_info"]["earliest_block_height"]) > 1  # it has not executed all blocks
    assert newcomer.read(0, limit=1_000) == honest[1].read(0, limit=1_000)
    assert newcomer.log.root() == bytes.fromhex(honest[1].head().log_root)
    assert nodes.say("enrol", 0, card) == f"op/org{NODES}"
    proposal = nodes.say("propose", 0, "--power", "10", card)
    assert proposal in nodes.say("proposals", 1)
    nodes.say("approve", 1, proposal)
    assert len(_powers(nodes, 0)) == NODES
    nodes.say("approve", 2, proposal)
    lab.wait_until(lambda: _powers(nodes, 0) == {f"org{number}": 10 for number in range(NODES + 1)}, "no fifth vote")
    lab.wait_until(lambda: _powers(nodes, NODES) == _powers(nodes, 0), "the fifth node does not follow")
    nodes.say("propose", 1, "--power", "0", nodes.root / f"{LIAR}.card.json")
    (name,) = [line.split()[0] for line in nodes.say("proposals", 2).splitlines()[2:]]
    for number in (0, 2):
        nodes.say("approve", number, name)
    lab.wait_until(lambda: f"org{LIAR}" not in _powers(nodes, 0), "the taken out validator still votes")
    for ledger in (*honest, newcomer):
        ledger.close()


def _pay(nodes, ledger, count):
    network = nodes.network
    for _ in range(count):
        (answer,) = ledger.submit([network.signed(network.pay("op/coop/anna", "op/coop/jan", 1), "anna")])
        assert answer.on_ledger


def _powers(nodes, number):
    return {one.organisation: one.power for one in nodes.status(number).validators}


def test_a_crash_a_loss_and_liars_while_transfers_run(nodes):
    honest = [nodes.ledger(number) for number in range(LIAR)]
    lab.wait_until(lambda: all(ledger.health().running for ledger in honest), "the nodes do not start")
    transfers = lab.Transfers(honest[0], nodes.network)
    transfers.start()
    lab.grows(transfers)

    nodes.kill(1)
    lab.grows(transfers)
    nodes.start(1)
    lab.wait_until(lambda: honest[1].health().running, "the killed node does not come back")
    lab.grows(transfers)

    nodes.kill(2)
    nodes.wipe(2)
    nodes.start(2)
    lab.wait_until(lambda: honest[2].health().running, "the emptied node does not come back")
    lab.grows(transfers)

    nodes.twin("twin", of=LIAR)
    nodes.start("twin", "equivocate")
    lab.wait_until(lambda: _named(nodes, 0, "duplicate_vote"), "nobody is named for voting twice")
    nodes.kill("twin")
    lab.grows(transfers)

    nodes.kill(LIAR)
    nodes.start(LIAR, "garbage")
    lab.wait_until(lambda: _named(nodes, 0, "bad_proposal"), "nobody is named for a false proposal")
    nodes.kill(LIAR)
    nodes.start(LIAR, "forge")
    # The dead node was silent before the forger came up in its place; only a long silence is the forger's own.
    lab.wait_until(lambda: _silence(nodes, 0) > LONG, "nobody sees that the forger has dropped out")
    assert _silent(nodes, 0) == {f"org{LIAR}"}

    transfers.ending.set()
    transfers.join()
    assert transfers.problem is None
    _judge(nodes, honest, transfers)


def _silent(nodes, number):
    return {one.organisation for one in nodes.status(number).validators if one.silent}


def _silence(nodes, number):
    """For how many heights the liar has signed nothing."""
    status = nodes.status(number)
    return next(status.height - one.signed for one in status.validators if one.organisation == f"org{LIAR}")


def _named(nodes, number, kind):
    found = nodes.status(number).offences
    return any(one.offence.kind == kind and one.organisation == f"org{LIAR}" for one in found)


def _judge(nodes, honest, transfers):
    """All honest nodes have the same chain, every answered transfer in it, and name the same liar."""
    for ledger in honest[1:]:
        lab.wait_until(lambda ledger=ledger: ledger.head() == honest[0].head(), "the honest nodes do not agree")
    chains = [lab.chain(ledger) for ledger in honest]
    assert chains[0][0] == chains[1][0] == chains[2][0]
    acknowledged = set(transfers.acknowledged)
    assert len(acknowledged) == len(transfers.acknowledged) > 50
    for _, names, machine in chains:
        assert acknowledged <= names
        assert not any(machine.state.sums.values())
        assert machine.state.balance("op/coop/jan", "PLN/2") >= len(acknowledged)
    proven = [
        {(one.organisation, one.offence) for one in nodes.status(number).offences if one.offence.proven}
        for number in range(LIAR)
    ]
    assert proven[0]
    assert proven[0] == proven[1] == proven[2]
    assert {organisation for organisation, _ in proven[0]} == {f"org{LIAR}"}
    command = [sys.executable, "-m", "ogniwo", "node", "status", "--folder", str(nodes.folder(0))]
    shown = subprocess.run(command, capture_output=True, check=False)
    assert shown.returncode == 3
    assert f"SILENT org{LIAR}" in shown.stdout.decode()
    assert f"MISBEHAVIOUR duplicate_vote by org{LIAR}" in shown.stdout.decode()
    for ledger in honest:
        ledger.close()
