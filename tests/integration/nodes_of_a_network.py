"""Real nodes of several organisations on loopback, each CometBFT and the application as processes of their own."""

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
from contextlib import closing, contextmanager
from pathlib import Path

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from ogniwo.chain.inbox import BusyError, StoppedError
from ogniwo.chain.network.client import NetworkLedger
from ogniwo.chain.network.genesis import read_card, sign_card
from ogniwo.chain.network.home import NodeHome, _private, write_file
from ogniwo.chain.network.validators import node_id_of
from ogniwo.core.ledger.admission import open_transaction
from ogniwo.core.ledger.blocks import header_hash, read_body
from ogniwo.core.ledger.canonical import encode
from ogniwo.core.ledger.machine import Machine
from ogniwo.services.ledger.founders import constitution
from ogniwo.services.ledger.nodes import admit_peer, create_node, found_network, install_node_program, node_status

PORTS = range(20_000, 32_000, 16)
SECONDS_MAX = 60

_spec = importlib.util.spec_from_file_location(
    "network_of_nodes", Path(__file__).parents[1] / "unit" / "core" / "ledger" / "network.py"
)
ledger_network = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(ledger_network)


@contextmanager
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
    raise OSError("no free ports")


class Nodes:
    """Folders, ports and processes of four organisations' nodes."""

    def __init__(self, root, ports, network, count):
        self.network, self.count = network, count
        self.operator_key = network.key("op").private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        self.root, self.ports = root, ports
        self.rpc, self.processes = {}, {}
        install_node_program()
        cards = [self.card(number) for number in range(self.count)]
        founders = constitution([read_card(card.read_bytes()) for card in cards], network.key("op"))
        founding = [*network.founding(*network.authority()), *founders]
        self.founding = len(founding)
        (root / "founding.jsonl").write_bytes(b"\n".join(founding))
        hashes = {
            found_network(
                folder=self.folder(number),
                cards=cards if number % 2 else cards[::-1],
                founding=root / "founding.jsonl",
                commit_ms=50,
                propose_ms=500,
            ).genesis_hash
            for number in range(self.count)
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
        for number in range(self.count):
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


@contextmanager
def running(root, count):
    """Founded and started nodes; killed at the end."""
    network = ledger_network.Network()
    network.now = int(time.time()) - 60
    with ports() as free:
        nodes = Nodes(root, free, network, count)
        try:
            for number in range(count):
                nodes.start(number)
            yield nodes
        finally:
            nodes.close()


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
