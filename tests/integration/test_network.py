"""Four real nodes on loopback, each CometBFT and the application as processes of their own, while transfers run."""

import fcntl
import importlib.util
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import closing
from pathlib import Path

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from ogniwo.chain.inbox import BusyError, StoppedError
from ogniwo.chain.network.client import NetworkLedger
from ogniwo.chain.network.genesis import read_card, sign_card
from ogniwo.chain.network.home import NodeHome, _private, write_file
from ogniwo.chain.network.rpc import Rpc
from ogniwo.chain.network.validators import node_id_of
from ogniwo.core.ledger.admission import open_transaction
from ogniwo.core.ledger.blocks import header_hash, read_body
from ogniwo.core.ledger.canonical import encode
from ogniwo.core.ledger.machine import Machine
from ogniwo.services.ledger.founders import constitution
from ogniwo.services.ledger.nodes import admit_peer, create_node, found_network, install_node_program, node_status

NODES = 4
LIAR = 3
PORTS = range(20_000, 32_000, 16)
SECONDS_MAX = 40

_spec = importlib.util.spec_from_file_location(
    "network_of_nodes", Path(__file__).parents[1] / "unit" / "core" / "ledger" / "network.py"
)
ledger_network = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(ledger_network)


@pytest.fixture
def ports():
    """Sixteen ports that no other test process on this machine takes: a lock per block, below the ephemeral ones."""
    for first in PORTS:
        lock = (Path(tempfile.gettempdir()) / f"ogniwo-test-ports-{first}").open("wb")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            for port in range(first, first + 16):
                with closing(socket.socket()) as probe:
                    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                    probe.bind(("127.0.0.1", port))
        except OSError:
            lock.close()
            continue
        yield iter(range(first, first + 16))
        lock.close()
        return
    pytest.fail("no free ports")


class Nodes:
    """Folders, ports and processes of four organisations' nodes."""

    def __init__(self, root, ports, network):
        self.root, self.ports = root, ports
        self.rpc, self.processes = {}, {}
        install_node_program()
        cards = [self.card(number) for number in range(NODES)]
        founders = constitution([read_card(card.read_bytes()) for card in cards], network.key("op"))
        (root / "founding.jsonl").write_bytes(b"\n".join([*network.founding(*network.authority()), *founders]))
        hashes = {
            found_network(
                folder=self.folder(number),
                cards=cards if number % 2 else cards[::-1],
                founding=root / "founding.jsonl",
                commit_ms=50,
                propose_ms=500,
            ).genesis_hash
            for number in range(NODES)
        }
        (self.hash,) = hashes

    def card(self, number):
        """The keys of one more node, and the file of its card."""
        p2p, self.rpc[number] = next(self.ports), next(self.ports)
        path = self.root / f"{number}.card.json"
        path.write_text(
            create_node(
                folder=self.folder(number),
                organisation=f"org{number}",
                network=ledger_network.NETWORK,
                account="op",
                address=f"127.0.0.1:{p2p}",
                listen="127.0.0.1",
                p2p_port=p2p,
                rpc_port=self.rpc[number],
            )
        )
        return path

    def folder(self, name):
        return self.root / f"n{name}"

    def start(self, name, how=""):
        command = [sys.executable, "-m", "ogniwo", "node", "start", "--folder", str(self.folder(name))]
        if how:
            liar = Path(__file__).with_name("byzantine_node.py")
            command = [sys.executable, str(liar), how, str(self.folder(name))]
        with (self.root / f"n{name}.out").open("ab") as log:
            self.processes[name] = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)

    def kill(self, name):
        """The machine is gone: the application and CometBFT at the same instant."""
        os.killpg(self.processes[name].pid, signal.SIGKILL)
        self.processes.pop(name).wait()

    def stop(self, name):
        process = self.processes.pop(name)
        process.terminate()
        process.wait(timeout=30)

    def wipe(self, name):
        """Everything but the keys and what was signed last."""
        home = NodeHome(self.folder(name))
        for path in home.folder.glob("ledger.sqlite3*"):
            path.unlink()
        shutil.rmtree(home.folder / "snapshots", ignore_errors=True)
        for path in (home.comet / "data").iterdir():
            if path.is_dir():
                shutil.rmtree(path)
            elif path.name != "priv_validator_state.json":
                path.unlink()

    def twin(self, name, of):
        """A second node with the same validator key, as a thief or a careless operator would run it."""
        shutil.copytree(
            self.folder(of), self.folder(name), ignore=shutil.ignore_patterns("ledger*", "data", "comet.log")
        )
        home = NodeHome(self.folder(name))
        (home.comet / "data").mkdir()
        write_file(home.comet / "data" / "priv_validator_state.json", b'{"height":"0","round":0,"step":0}')
        settings = json.loads((home.folder / "node.json").read_text())
        settings |= {"p2p_port": next(self.ports), "rpc_port": next(self.ports)}
        write_file(home.folder / "node.json", json.dumps(settings).encode())
        node_key = Ed25519PrivateKey.generate()
        write_file(home.comet / "config" / "node_key.json", json.dumps({"priv_key": _private(node_key)}).encode())
        card = msgspec.structs.replace(
            home.card(),
            address=f"127.0.0.1:{settings['p2p_port']}",
            node=node_id_of(node_key.public_key().public_bytes_raw()),
        )
        write_file(home.folder / "card.json", encode(sign_card(card, home.validator_key())))
        for number in range(NODES):
            admit_peer(folder=self.folder(number), card=home.folder / "card.json")

    def ledger(self, number):
        return NetworkLedger(self.folder(number) / "ledger.sqlite3", rpc_port=self.rpc[number], senders=2)

    def say(self, word, number, *arguments):
        """One of the product's commands at a node; gives what it prints."""
        command = [sys.executable, "-m", "ogniwo", "node", word, "--folder", str(self.folder(number))]
        done = subprocess.run([*command, *map(str, arguments)], capture_output=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout.decode().strip()

    def status(self, number):
        return node_status(folder=self.folder(number))

    def close(self):
        for name in list(self.processes):
            self.kill(name)


@pytest.fixture
def nodes(tmp_path, ports):
    network = ledger_network.Network()
    network.now = int(time.time()) - 60
    made = Nodes(tmp_path, ports, network)
    made.network = network
    made.operator_key = network.key("op").private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    for number in range(NODES):
        made.start(number)
    yield made
    made.close()


class Transfers(threading.Thread):
    """Anna pays Jan one grosz at a time, without end; what was answered is remembered."""

    def __init__(self, ledger, network):
        super().__init__(daemon=True)
        self.ledger, self.network = ledger, network
        self.acknowledged = []
        self.unknown = 0
        self.problem = None
        self.ending = threading.Event()

    def run(self):
        try:
            while not self.ending.is_set():
                network = self.network
                batch = [network.signed(network.pay("op/coop/anna", "op/coop/jan", 1), "anna") for _ in range(5)]
                self.acknowledged += self._answered(batch)
        except BaseException as error:
            self.problem = error
            raise

    def _answered(self, batch):
        while True:
            try:
                answers = self.ledger.submit(batch)
            except (BusyError, StoppedError):
                self.unknown += 1
                time.sleep(0.1)
                continue
            assert all(answer.on_ledger for answer in answers), answers
            return [answer.original or answer.transaction for answer in answers]


def wait_until(true, what):
    deadline = time.monotonic() + SECONDS_MAX
    while not true():
        assert time.monotonic() < deadline, what
        time.sleep(0.1)


def caught_up(ledger, other):
    return lambda: ledger.head().height >= 0 and ledger.health().running and other.head() == ledger.head()


def grows(transfers, count=10):
    seen = len(transfers.acknowledged)
    wait_until(lambda: len(transfers.acknowledged) >= seen + count or transfers.problem, "no transfer is answered")
    assert transfers.problem is None


def chain(ledger):
    """The header hashes by height, after a full replay with all signatures; and the names of what was accepted."""
    machine, hashes, names = Machine(), [], set()
    height = ledger.head().height
    for block in ledger.read(0, limit=height + 1):
        machine.replay(block)
        hashes.append(header_hash(block.header))
        for record in read_body(block.body):
            if record.outcome == "accepted":
                names.add(open_transaction(record.envelope).transaction)
    return hashes, names, machine


def test_a_later_organisation_votes_once_the_founders_agree(nodes):
    honest = [nodes.ledger(number) for number in range(NODES)]
    wait_until(lambda: all(ledger.health().running for ledger in honest), "the nodes do not start")
    card = nodes.card(NODES)
    (nodes.folder(0) / "keys" / "operator.pem").write_bytes(nodes.operator_key)
    (nodes.folder(0) / "keys" / "operator.pem").chmod(0o600)
    for number in range(NODES):
        nodes.say("admit", number, card)
    _pay(nodes, honest[1], 3)
    nodes.stop(0)
    assert "ledger block" in nodes.say("snapshot", 0)
    nodes.start(0)
    wait_until(lambda: honest[0].health().running, "the node does not come back")
    _pay(nodes, honest[1], 3)
    servers = [word for number in (0, 1) for word in ("--sync-from", f"127.0.0.1:{nodes.rpc[number]}")]
    trust = ("--trust", nodes.status(1).trust)
    genesis = ("--genesis", nodes.folder(0) / "comet/config/genesis.json", "--genesis-hash", nodes.hash)
    nodes.say("join", NODES, *genesis, *servers, *trust)
    nodes.start(NODES)
    newcomer = nodes.ledger(NODES)
    wait_until(lambda: newcomer.health().running and newcomer.head() == honest[1].head(), "no state sync")
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
    wait_until(lambda: _powers(nodes, 0) == {f"org{number}": 10 for number in range(NODES + 1)}, "no fifth vote")
    wait_until(lambda: _powers(nodes, NODES) == _powers(nodes, 0), "the fifth node does not follow")
    nodes.say("propose", 1, "--power", "0", nodes.root / f"{LIAR}.card.json")
    (name,) = [line.split()[0] for line in nodes.say("proposals", 2).splitlines()[2:]]
    for number in (0, 2):
        nodes.say("approve", number, name)
    wait_until(lambda: f"org{LIAR}" not in _powers(nodes, 0), "the taken out validator still votes")
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
    wait_until(lambda: all(ledger.health().running for ledger in honest), "the nodes do not start")
    transfers = Transfers(honest[0], nodes.network)
    transfers.start()
    grows(transfers)

    nodes.kill(1)
    grows(transfers)
    nodes.start(1)
    wait_until(lambda: honest[1].health().running, "the killed node does not come back")
    grows(transfers)

    nodes.kill(2)
    nodes.wipe(2)
    nodes.start(2)
    wait_until(lambda: honest[2].health().running, "the emptied node does not come back")
    grows(transfers)

    nodes.twin("twin", of=LIAR)
    nodes.start("twin", "equivocate")
    wait_until(lambda: _named(nodes, 0, "duplicate_vote"), "nobody is named for voting twice")
    nodes.kill("twin")
    grows(transfers)

    nodes.kill(LIAR)
    nodes.start(LIAR, "garbage")
    wait_until(lambda: _named(nodes, 0, "bad_proposal"), "nobody is named for a false proposal")
    nodes.kill(LIAR)
    nodes.start(LIAR, "forge")
    grows(transfers, 20)

    transfers.ending.set()
    transfers.join()
    assert transfers.problem is None
    _judge(nodes, honest, transfers)


def _named(nodes, number, kind):
    found = nodes.status(number).offences
    return any(one.offence.kind == kind and one.organisation == f"org{LIAR}" for one in found)


def _judge(nodes, honest, transfers):
    """All honest nodes have the same chain, every answered transfer in it, and name the same liar."""
    for ledger in honest[1:]:
        wait_until(lambda ledger=ledger: ledger.head() == honest[0].head(), "the honest nodes do not agree")
    chains = [chain(ledger) for ledger in honest]
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
    assert f"MISBEHAVIOUR duplicate_vote by org{LIAR}" in shown.stdout.decode()
    for ledger in honest:
        ledger.close()
