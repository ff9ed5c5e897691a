"""State sync: a new node starts from a snapshot of another one, and believes nothing in it that it cannot check.

What is offered is a snapshot of the ledger (core.ledger.snapshot) and the blocks of the last 31 days. CometBFT's light
client vouches for the hash of the last header alone; from it follow the state, the log, the headers before it, the
blocks' bodies, and from these the memory of ids that may not come again.
"""

import threading
from collections.abc import Iterator, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Annotated, NamedTuple

import msgspec

from ogniwo.chain.network import messages as abci
from ogniwo.chain.network.store import NetworkStore
from ogniwo.chain.snapshots import SnapshotFolder
from ogniwo.core.kernel.refusals import Refusal
from ogniwo.core.ledger.blocks import Block, read_header
from ogniwo.core.ledger.canonical import encode
from ogniwo.core.ledger.machine import Machine
from ogniwo.core.ledger.snapshot import Manifest, Restoration, check_memory, read_manifest
from ogniwo.core.ledger.state import LIFETIME_S_MAX
from ogniwo.core.ledger.transactions import Digest

FORMAT = 1
BLOCKS_CHUNK_BYTES = 4 << 20
_HOUR_S = 3_600


class _Metadata(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is offered: the manifest in canonical JSON, and the SHA-256 of each chunk of blocks that follows."""

    manifest: str
    blocks: Annotated[tuple[Digest, ...], msgspec.Meta(max_length=100_000)]


_METADATA = msgspec.json.Decoder(_Metadata)
_BLOCKS = msgspec.msgpack.Decoder(tuple[tuple[int, bytes, bytes], ...])


class _Offer(NamedTuple):
    """A snapshot as it is offered; `runs` are the first and last heights in each chunk of blocks."""

    manifest: Manifest
    snapshot: abci.Snapshot
    runs: tuple[tuple[int, int], ...]


class SnapshotServer:
    """Offers the snapshots of a folder whose blocks are in a node's ledger file."""

    def __init__(self, folder: SnapshotFolder, ledger: Path) -> None:
        self._folder, self._ledger = folder, ledger
        self._guard = threading.Lock()
        self._offers: dict[int, _Offer] = {}

    def offers(self) -> tuple[abci.Snapshot, ...]:
        """The snapshots that can be served; a damaged one is not offered."""
        with self._guard:
            heights = self._folder.heights()
            self._offers = {height: offer for height, offer in self._offers.items() if height in heights}
            for height in heights:
                if height not in self._offers:
                    try:
                        offer = self._offer(height)
                    except (OSError, Refusal):
                        continue
                    if offer is not None:
                        self._offers[height] = offer
            return tuple(offer.snapshot for offer in self._offers.values())

    def _offer(self, height: int) -> _Offer | None:
        manifest = self._folder.manifest(height)
        with NetworkStore(self._ledger, write=False) as store:
            consensus = store.consensus_height(height)
            if not consensus:
                return None
            chunks = [(blocks[0].height, blocks[-1].height, _packed(blocks)) for blocks in _runs(store, manifest)]
        digests = tuple(sha256(data).hexdigest() for _, _, data in chunks)
        metadata = msgspec.json.encode(_Metadata(encode(manifest).decode(), digests))
        snapshot = abci.Snapshot(
            height=consensus,
            format=FORMAT,
            chunks=len(manifest.chunks) + len(digests),
            hash=sha256(metadata).digest(),
            metadata=metadata,
        )
        return _Offer(manifest, snapshot, tuple((first, last) for first, last, _ in chunks))

    def chunk(self, request: abci.RequestLoadSnapshotChunk) -> bytes:
        """The bytes of a chunk; empty when there is none, or it cannot be read."""
        with self._guard:
            found = [offer for offer in self._offers.values() if offer.snapshot.height == request.height]
        if not found or request.format != FORMAT or not 0 <= request.chunk < found[0].snapshot.chunks:
            return b""
        manifest, _, runs = found[0]
        try:
            if request.chunk < len(manifest.chunks):
                return self._folder.chunk(manifest, request.chunk)
            first, last = runs[request.chunk - len(manifest.chunks)]
            with NetworkStore(self._ledger, write=False) as store:
                return _packed(list(store.blocks(from_height=first, limit=last - first + 1)))
        except (OSError, Refusal):
            return b""


def _packed(blocks: Sequence[Block]) -> bytes:
    return msgspec.msgpack.encode(blocks)


def _runs(store: NetworkStore, manifest: Manifest) -> Iterator[list[Block]]:
    """The blocks in which every id can be found that is still remembered, and the one before them, in order."""
    waiting: list[Block] = []
    size = 0
    first = _first(store, manifest)
    for block in store.blocks(from_height=first, limit=manifest.header.height - first + 1):
        waiting.append(block)
        size += len(block.header) + len(block.body)
        if size >= BLOCKS_CHUNK_BYTES:
            yield waiting
            waiting, size = [], 0
    if waiting:
        yield waiting


def _first(store: NetworkStore, manifest: Manifest) -> int:
    """The height of the first block to send: found by halving, since block time never runs backwards."""
    bound = manifest.header.time // _HOUR_S * _HOUR_S - LIFETIME_S_MAX
    low, high = 0, manifest.header.height
    while low < high:
        middle = (low + high + 1) // 2
        block = store.block(middle)
        if block is None or read_header(block.header).time < bound:
            low = middle
        else:
            high = middle - 1
    return low


class Received(NamedTuple):
    """A snapshot that proved true: the machine after CometBFT height `height`, and the latest blocks."""

    height: int
    machine: Machine
    blocks: tuple[Block, ...]


class SnapshotReceiver:
    """Takes an offered snapshot chunk by chunk; `received` is set once all of it is checked."""

    def __init__(self) -> None:
        self._height = 0
        self._restoration: Restoration | None = None
        self._digests: tuple[str, ...] = ()
        self._blocks: list[Block] = []
        self._taken = 0
        self.received: Received | None = None

    def offer(self, request: abci.RequestOfferSnapshot) -> abci.OfferResult:
        """Whether to start with a snapshot: of a known form, and of the header that the light client vouches for."""
        snapshot = request.snapshot
        if snapshot is None or snapshot.format != FORMAT:
            return abci.OfferResult.REJECT_FORMAT
        try:
            metadata = _METADATA.decode(snapshot.metadata)
            manifest = read_manifest(metadata.manifest.encode())
        except (msgspec.DecodeError, UnicodeError, Refusal):
            return abci.OfferResult.REJECT
        if (
            manifest.block != request.app_hash.hex()
            or sha256(snapshot.metadata).digest() != snapshot.hash
            or snapshot.chunks != len(manifest.chunks) + len(metadata.blocks)
        ):
            return abci.OfferResult.REJECT
        self._height, self._restoration, self._digests = snapshot.height, Restoration(manifest), metadata.blocks
        self._blocks, self._taken, self.received = [], 0, None
        return abci.OfferResult.ACCEPT

    def apply(self, request: abci.RequestApplySnapshotChunk) -> abci.ResponseApplySnapshotChunk:
        """Take the next chunk; a false one is fetched from somebody else, a false whole is given up."""
        restoration = self._restoration
        if restoration is None or request.index != self._taken:
            return abci.ResponseApplySnapshotChunk(result=abci.ChunkResult.ABORT)
        try:
            self._take(restoration, request.chunk)
        except (Refusal, msgspec.DecodeError, UnicodeError):
            senders = (request.sender,) if request.sender else ()
            return abci.ResponseApplySnapshotChunk(
                result=abci.ChunkResult.RETRY, refetch_chunks=(request.index,), reject_senders=senders
            )
        self._taken += 1
        if self._taken == len(restoration.manifest.chunks) + len(self._digests):
            try:
                machine = restoration.machine()
                check_memory(machine, self._blocks)
            except Refusal:
                return abci.ResponseApplySnapshotChunk(result=abci.ChunkResult.REJECT_SNAPSHOT)
            self.received = Received(self._height, machine, tuple(self._blocks))
        return abci.ResponseApplySnapshotChunk(result=abci.ChunkResult.ACCEPT)

    def _take(self, restoration: Restoration, data: bytes) -> None:
        if restoration.taken < len(restoration.manifest.chunks):
            restoration.add(data)
            return
        if sha256(data).hexdigest() != self._digests[self._taken - restoration.taken]:
            raise msgspec.DecodeError("another chunk of blocks than announced")
        self._blocks += [Block(*row) for row in _BLOCKS.decode(data)]
