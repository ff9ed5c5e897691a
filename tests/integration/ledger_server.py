"""A served ledger as a process of its own, and a client that speaks HTTP by hand, for the tests over the network."""

import importlib.util
import json
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ogniwo.chain.embedded import EmbeddedLedger
from ogniwo.chain.projection import Projection
from ogniwo.core.ledger.signed_queries import SignedQuery, sign_query
from ogniwo.interfaces.ledger_http.limits import Limits
from ogniwo.interfaces.ledger_http.server import listen, serve
from ogniwo.services.ledger.reading import ReadRights
from ogniwo.services.ledger.served import ServedLedger

ROOT = Path(__file__).parents[1]


def load_network():
    """The module of the ledger tests' network."""
    if "ledger_network" not in sys.modules:
        place = ROOT / "unit" / "core" / "ledger" / "network.py"
        specification = importlib.util.spec_from_file_location("ledger_network", place)
        sys.modules["ledger_network"] = importlib.util.module_from_spec(specification)
        specification.loader.exec_module(sys.modules["ledger_network"])
    return sys.modules["ledger_network"]


def founding(network, *more):
    """Envelopes of the network's cooperative, with an auditor who may read all and a partner who may read its own."""
    module = load_network()
    everything = tuple(dict.fromkeys((*module.ALL, "read.subtree")))
    roles = (
        module.tx.Role(name="operator", permissions=everything),
        *module.ROLES[1:],
        module.tx.Role(name="auditor", permissions=("read.subtree",)),
    )
    envelopes = network.founding()
    envelopes[0] = network.signed(network.genesis(roles=roles))
    return [
        *envelopes,
        network.signed(network.account("op/auditor", "partner")),
        network.signed(network.register("op/auditor", "auditor"), "op", "auditor"),
        network.signed(network.bind("op/auditor", "auditor", "op")),
        network.signed(network.bind("op/coop", "auditor", "op/coop")),
        *more,
    ]


def write(folder, network, *batches):
    """Put batches on the ledger of a folder, each in a block of its own."""
    with EmbeddedLedger(folder / "ledger.sqlite3", clock=lambda: network.now, workers=2) as ledger:
        for batch in batches:
            answers = ledger.submit(batch)
            assert {answer.code for answer in answers} == {"accepted"}, answers


def found(folder, network):
    """The cooperative's ledger in a folder."""
    write(folder, network, founding(network))


class Server:
    """The process; `reads` are the privileged reads it wrote down. Its clock stands still at the network's."""

    def __init__(self, folder, **limits):
        command = [sys.executable, str(Path(__file__)), str(folder), json.dumps(limits)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.port = int(self.process.stdout.readline())
        self._reads = folder / "reads.jsonl"

    @property
    def reads(self):
        lines = self._reads.read_text(encoding="utf-8").splitlines() if self._reads.exists() else []
        return [json.loads(line) for line in lines]

    def stop(self):
        self.process.terminate()
        self.process.wait(timeout=20)
        self.process.stdout.close()
        return self.process.returncode

    def connect(self):
        return socket.create_connection(("127.0.0.1", self.port), timeout=20)

    def ask(self, method, path, body=b"", **headers):
        """Status, headers and body of one request on a connection of its own."""
        with self.connect() as connection:
            connection.sendall(request(method, path, body, **headers))
            return read_answer(connection)


def request(method, path, body=b"", **headers):
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost", f"Content-Length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def read_answer(connection):
    data = b""
    while b"\r\n\r\n" not in data:
        got = connection.recv(65_536)
        if not got:
            return None
        data += got
    head, _, body = data.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
    while len(body) < int(headers["content-length"]):
        got = connection.recv(65_536)
        if not got:
            return None
        body += got
    kind = headers["content-type"]
    return int(first.split()[1]), headers, json.loads(body) if "json" in kind else body


def query(coop, name, account, path, **changed):
    """A header with a query signed by a named key."""
    coop.count += 1
    fields = {
        "account": account,
        "expires": coop.now + 60,
        "issued": coop.now,
        "network": coop.name,
        "nonce": f"{coop.count:032x}",
        "path": path,
        "reason": "review",
    } | changed
    return {"Ogniwo_Query": sign_query(SignedQuery(**fields), coop.key(name))}


def main(folder, limits):
    network = load_network()
    checkpoint_key = network.Network().checkpoint_key
    path = Path(folder) / "ledger.sqlite3"
    assert isinstance(checkpoint_key, Ed25519PrivateKey)

    def keep(act):
        with (Path(folder) / "reads.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps({name: getattr(act, name) for name in act.__slots__}) + "\n")

    with (
        EmbeddedLedger(path, clock=lambda: network.NOW, workers=2) as ledger,
        Projection(ledger=path, path=Path(folder) / "projection.sqlite3") as projection,
    ):
        rights = ReadRights(ledger, clock=lambda: network.NOW, log_read=keep)
        served = ServedLedger(ledger, projection=projection, key=checkpoint_key, rights=rights)
        listening = listen("127.0.0.1", 0)
        serve(
            served,
            listening=listening,
            limits=replace(Limits(), **json.loads(limits)),
            started=lambda: sys.stdout.write(f"{listening.getsockname()[1]}\n") and sys.stdout.flush(),
        )


if __name__ == "__main__":
    main(*sys.argv[1:])
