"""An application behind a real socket, asked as CometBFT asks it."""

import asyncio
import contextlib
import hashlib
import importlib.util
import socket
import sys
import threading
from pathlib import Path

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ogniwo.chain.network import messages as abci
from ogniwo.chain.network.abci import AbciServer
from ogniwo.chain.network.application import Application
from ogniwo.chain.network.batches import read_answers, write_batch
from ogniwo.chain.network.protobuf import read_varint

if "fake_comet" not in sys.modules:
    _spec = importlib.util.spec_from_file_location("fake_comet", Path(__file__).with_name("comet.py"))
    sys.modules["fake_comet"] = importlib.util.module_from_spec(_spec)
    _spec.loader.exec_module(sys.modules["fake_comet"])

VALIDATORS = [
    Ed25519PrivateKey.from_private_bytes(hashlib.sha256(b"v%d" % number).digest()).public_key().public_bytes_raw()
    for number in range(4)
]


class Client:
    """One of CometBFT's connections."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(10)
        self.socket.connect(str(path))

    def send(self, data):
        self.socket.sendall(data)

    def receive(self):
        data = b""
        while not data or data[-1] & 0x80:
            data += self.socket.recv(1) or self._ended()
        size, _ = read_varint(data, 0)
        data = b""
        while len(data) < size:
            data += self.socket.recv(size - len(data)) or self._ended()
        return abci.unpack(data, abci.RESPONSES)

    @staticmethod
    def _ended():
        raise ConnectionError

    def ask(self, request):
        self.send(abci.pack(request))
        return self.receive()


class Consensus:
    """An application on its ledger file, behind a socket, driven block by block."""

    def __init__(self, folder, network, kind=Application, **options):
        self.network, self.height, self.nonces = network, 0, 0
        self.application = kind(folder / "ledger.sqlite3", threads=2, **options)
        self.path = folder / "abci"
        self.failure = None
        self.clients = []
        started = threading.Event()
        self.thread = threading.Thread(target=lambda: asyncio.run(self._serve(started)))
        self.thread.start()
        started.wait()
        self.client = self.connect()

    async def _serve(self, started):
        self.loop, self.stop = asyncio.get_running_loop(), asyncio.Event()
        async with AbciServer(self.application.answer, path=self.path) as server:
            started.set()
            await self.stop.wait()
            if server.failure.done():
                self.failure = server.failure.exception()

    def connect(self):
        self.clients.append(Client(self.path))
        assert self.clients[-1].ask(abci.RequestEcho("hello")) == abci.ResponseEcho("hello")
        return self.clients[-1]

    def ask(self, request):
        return self.client.ask(request)

    def batch(self, envelopes):
        self.nonces += 1
        return write_batch(envelopes, nonce=self.nonces.to_bytes(16))

    def found(self, envelopes=None, chain_id=None):
        founding = [envelope.decode() for envelope in envelopes or self.network.founding()]
        state = {"cards": [], "commit_ms": 100, "founding": founding, "propose_ms": 500}
        return self.ask(
            abci.RequestInitChain(
                time=abci.Timestamp(self.network.now, 5),
                chain_id=chain_id or self.network.name,
                validators=tuple(abci.ValidatorUpdate(abci.PublicKey(key), 10) for key in VALIDATORS),
                app_state_bytes=msgspec.json.encode(state),
                initial_height=1,
            )
        )

    def finalize(self, *txs, height=None, **more):
        height = height or self.height + 1
        digest = hashlib.sha256(b"%d" % height + b"".join(txs)).digest()
        fields = {"hash": digest, "time": abci.Timestamp(self.network.now, 999_999_999)} | more
        return self.ask(abci.RequestFinalizeBlock(txs=txs, height=height, **fields))

    def commit(self):
        answer = self.ask(abci.RequestCommit())
        self.height += 1
        return answer

    def block(self, *batches, **more):
        """One block of these lists of envelopes, durable; gives the answers per batch."""
        response = self.finalize(*(self.batch(envelopes) for envelopes in batches), **more)
        self.commit()
        return [read_answers(result.data, result.info) for result in response.tx_results]

    def close(self):
        for client in self.clients:
            client.socket.close()
        with contextlib.suppress(RuntimeError):
            self.loop.call_soon_threadsafe(self.stop.set)
        self.thread.join()
        self.application.close()


@pytest.fixture
def consensus(tmp_path, network):
    """Open an application on a folder (the same one again: after a restart); all are closed at the end."""
    opened = []

    def open_(folder=tmp_path, kind=Application, **options):
        opened.append(Consensus(folder, network, kind, **options))
        return opened[-1]

    yield open_
    for one in opened:
        one.close()


@pytest.fixture
def validators():
    """The public keys of four validators."""
    return VALIDATORS
