"""Snapshots: a machine taken apart into bounded chunks of bytes, and a machine built again from them.

Three kinds of chunks, in this order: `state` (what the state root covers, by key), `memory` (the client ids still
remembered, by hour of expiry) and `log` (the leaf hashes of the Merkle log). A manifest in canonical JSON names the
header of the block and the SHA-256 of every chunk. The same machine gives the same bytes on every node, so chunks of
several nodes can be mixed, and the full chunks of a growing log never change.

What is restored is compared with the header: state root, log size and log root are computed anew from the content. The
memory of ids stands in no root. It is bound by the manifest alone; who does not trust that one's author compares it
with the blocks of the last 31 days (`check_memory`).
"""

from collections.abc import Iterable, Iterator
from hashlib import sha256
from itertools import pairwise
from typing import Annotated, Literal, NamedTuple

import msgspec

from ogniwo.core.kernel.refusals import Refusal
from ogniwo.core.ledger.admission import open_transaction
from ogniwo.core.ledger.blocks import (
    Block,
    BlockHeader,
    TransactionEntry,
    header_hash,
    read_body,
    read_header,
)
from ogniwo.core.ledger.canonical import decode, encode
from ogniwo.core.ledger.machine import Machine
from ogniwo.core.ledger.merkle import leaf_hash, root_of
from ogniwo.core.ledger.state import LIFETIME_S_MAX, Seen, State
from ogniwo.core.ledger.transactions import Count, Digest

SNAPSHOT_VERSION: Literal[1] = 1
CHUNK_BYTES = 1 << 20
"""Where a chunk is closed; only an entry that alone is larger makes a larger one."""

CHUNK_BYTES_MAX = 16 << 20
CHUNKS_MAX = 1 << 20
_HASH_BYTES = 32
_CHUNK_LEAVES = CHUNK_BYTES // _HASH_BYTES
_HOUR_S = 3_600

ChunkKind = Literal["state", "memory", "log"]
_ORDER: tuple[ChunkKind, ...] = ("state", "memory", "log")


class SnapshotFormError(Refusal):
    """A manifest or a chunk cannot be read: no canonical JSON or MessagePack, wrong order, unknown version."""

    code = "ledger.snapshot_form"


class SnapshotChunkError(Refusal):
    """A chunk is not the one that the manifest names."""

    code = "ledger.snapshot_chunk"


class SnapshotMismatchError(Refusal):
    """The content does not give the roots of the header; `part` is "header", "state", "log" or "memory"."""

    code = "ledger.snapshot_mismatch"

    def __init__(self, *, detail: str, part: str) -> None:
        super().__init__(detail=detail)
        self.part = part


class NoSnapshotError(Refusal):
    """A ledger without a block has nothing to take a snapshot of."""

    code = "ledger.snapshot_empty"


class ChunkReference(msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True, kw_only=True):
    """One chunk as the manifest names it; `sha256` in hex, `size` in bytes."""

    kind: ChunkKind
    sha256: Digest
    size: Annotated[int, msgspec.Meta(ge=1, le=CHUNK_BYTES_MAX)]


class Manifest(msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True, kw_only=True):
    """What a snapshot consists of: `block` is the hash of `header`; `entries` and `remembered` count state and ids."""

    block: Digest
    chunks: Annotated[tuple[ChunkReference, ...], msgspec.Meta(min_length=1, max_length=CHUNKS_MAX)]
    entries: Count
    header: BlockHeader
    remembered: Count
    snapshot: Literal[1] = SNAPSHOT_VERSION


class Chunk(NamedTuple):
    """The bytes of one part of a machine, and how many entries, ids or leaves they hold."""

    kind: ChunkKind
    data: bytes
    rows: int

    def reference(self) -> ChunkReference:
        """How the manifest names it."""
        return ChunkReference(kind=self.kind, sha256=sha256(self.data).hexdigest(), size=len(self.data))


class Remembered(msgspec.Struct, frozen=True, gc=False, array_like=True, order=True):
    """One remembered client id: hour of expiry (since 1970), account, id, name of the transaction, outcome."""

    hour: int
    account: str
    client_id: str
    transaction: str
    outcome: str


_MANIFEST = msgspec.json.Decoder(Manifest)
_PACK = msgspec.msgpack.Encoder()
_ENTRIES = msgspec.msgpack.Decoder(tuple[tuple[bytes, bytes], ...])
_MEMORY = msgspec.msgpack.Decoder(tuple[Remembered, ...])


def read_manifest(data: bytes) -> Manifest:
    """Decode a manifest; raises SnapshotFormError, or SnapshotMismatchError when it contradicts itself."""
    try:
        manifest = decode(data, _MANIFEST)
    except Refusal as refusal:
        raise SnapshotFormError(detail=f"the manifest cannot be read: {refusal.detail}") from refusal
    kinds = [_ORDER.index(chunk.kind) for chunk in manifest.chunks]
    if kinds != sorted(kinds):
        raise SnapshotFormError(detail="the chunks are not in the order state, memory, log")
    if header_hash(encode(manifest.header)) != manifest.block:
        raise SnapshotMismatchError(detail="the header is not that of the block it names", part="header")
    return manifest


def chunks_of(machine: Machine) -> Iterator[Chunk]:
    """Take a machine apart; it must not move meanwhile. Raises NoSnapshotError before genesis."""
    _demand_block(machine)
    # By key, so that the bytes depend on the state alone and not on the history that led there.
    yield from _packed("state", sorted(machine.state.entries()))
    yield from _packed("memory", _memory(machine))
    log = machine.log
    for start in range(0, log.size, _CHUNK_LEAVES):
        end = min(start + _CHUNK_LEAVES, log.size)
        yield Chunk("log", log.leaves(start, end), end - start)


def manifest_of(machine: Machine, chunks: Iterable[Chunk]) -> Manifest:
    """The manifest over all chunks of a machine, which may be consumed one by one."""
    header = _demand_block(machine)
    counts = dict.fromkeys(_ORDER, 0)
    references = []
    for chunk in chunks:
        counts[chunk.kind] += chunk.rows
        references.append(chunk.reference())
    return Manifest(
        block=machine.previous,
        chunks=tuple(references),
        entries=counts["state"],
        header=header,
        remembered=counts["memory"],
    )


def _demand_block(machine: Machine) -> BlockHeader:
    if machine.header is None:
        raise NoSnapshotError(detail="the ledger has no block yet")
    return machine.header


def _memory(machine: Machine) -> list[Remembered]:
    """The ids that can still matter: what expired by the last block is forgotten before the next one looks."""
    first = machine.time // _HOUR_S
    return sorted(
        Remembered(hour, account, client_id, seen.transaction, seen.code)
        for hour, account, client_id, seen in machine.state.memory()
        if hour >= first
    )


def _packed(kind: ChunkKind, rows: Iterable[msgspec.Struct | tuple[bytes, bytes]]) -> Iterator[Chunk]:
    # Each row is encoded once; an array of n rows is its header and then the rows.
    waiting: list[bytes] = []
    size = 0
    for row in rows:
        data = _PACK.encode(row)
        if waiting and size + len(data) > CHUNK_BYTES:
            yield _array(kind, waiting)
            waiting, size = [], 0
        waiting.append(data)
        size += len(data)
    if waiting:
        yield _array(kind, waiting)


def _array(kind: ChunkKind, rows: list[bytes]) -> Chunk:
    return Chunk(kind, _PACK.encode([msgspec.Raw(row) for row in rows]), len(rows))


class Restoration:
    """Builds a machine from the chunks of a manifest, given one by one in its order."""

    def __init__(self, manifest: Manifest) -> None:
        self.manifest = manifest
        self.taken = 0
        self._entries: list[tuple[bytes, bytes]] = []
        self._memory: list[Remembered] = []
        self._leaves: list[bytes] = []

    def add(self, data: bytes) -> None:
        """Take the next chunk; raises SnapshotChunkError or SnapshotFormError, and may be given another one then."""
        if self.taken == len(self.manifest.chunks):
            raise SnapshotChunkError(detail=f"the manifest names {self.taken} chunks, this is one more")
        wanted = self.manifest.chunks[self.taken]
        if len(data) != wanted.size or sha256(data).hexdigest() != wanted.sha256:
            raise SnapshotChunkError(detail=f"chunk {self.taken} is not the one that the manifest names")
        try:
            if wanted.kind == "state":
                _extend(self._entries, _ENTRIES.decode(data), [key for key, _ in self._entries[-1:]])
            elif wanted.kind == "memory":
                self._memory.extend(_MEMORY.decode(data))
            else:
                self._leaves.append(data)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise SnapshotFormError(detail=f"chunk {self.taken} cannot be read: {error}") from error
        self.taken += 1

    def machine(self) -> Machine:
        """The machine as it stood after the block; raises SnapshotFormError or SnapshotMismatchError."""
        header = self.manifest.header
        if self.taken < len(self.manifest.chunks):
            detail = f"{self.taken} of {len(self.manifest.chunks)} chunks are there"
            raise SnapshotFormError(detail=detail)
        machine = Machine()
        machine.state = self._state()
        self._remember(machine.state)
        leaves = b"".join(self._leaves)
        if len(leaves) % _HASH_BYTES:
            raise SnapshotFormError(detail="a leaf of the log is cut short")
        machine.log.extend([leaves])
        if (machine.log.size, machine.log.root().hex()) != (header.log_size, header.log_root):
            raise SnapshotMismatchError(detail="the log is not that of the header", part="log")
        for record in machine.state.keys.values():
            machine.ring.add(record.key)
        machine.height, machine.time, machine.header = header.height, header.time, header
        machine.previous = self.manifest.block
        return machine

    def _state(self) -> State:
        header = self.manifest.header
        if len(self._entries) != self.manifest.entries:
            raise SnapshotFormError(detail=f"{len(self._entries)} entries instead of {self.manifest.entries}")
        try:
            state = State.restored(self._entries)
        except (Refusal, ValueError, LookupError) as error:
            raise SnapshotFormError(detail=f"the state cannot be read: {error}") from error
        if state.root().hex() != header.state_root:
            raise SnapshotMismatchError(detail="the state is not that of the header", part="state")
        if state.foundation is None or state.foundation.network != header.network:
            raise SnapshotMismatchError(detail="the state is of another network than the header", part="state")
        return state

    def _remember(self, state: State) -> None:
        rows = self._memory
        if len(rows) != self.manifest.remembered:
            raise SnapshotFormError(detail=f"{len(rows)} remembered ids instead of {self.manifest.remembered}")
        places = {(row.account, row.client_id) for row in rows}
        if len(places) < len(rows) or any(one >= other for one, other in pairwise(rows)):
            raise SnapshotFormError(detail="the remembered ids are not in order, or one stands twice")
        for row in rows:
            seen = Seen(row.transaction, row.outcome)
            state.remember(account=row.account, client_id=row.client_id, expires=row.hour * _HOUR_S, seen=seen)


def _extend(entries: list[tuple[bytes, bytes]], added: tuple[tuple[bytes, bytes], ...], last: list[bytes]) -> None:
    keys = [*last, *(key for key, _ in added)]
    if any(one >= other for one, other in pairwise(keys)):
        raise SnapshotFormError(detail="the entries of the state are not in order, or one stands twice")
    entries.extend(added)


def restored_machine(manifest: Manifest, chunks: Iterable[bytes]) -> Machine:
    """The machine of a snapshot; raises SnapshotChunkError, SnapshotFormError or SnapshotMismatchError."""
    restoration = Restoration(manifest)
    for data in chunks:
        restoration.add(data)
    return restoration.machine()


def check_memory(machine: Machine, blocks: Iterable[Block]) -> None:
    """Compare a machine's memory of ids with blocks, for a snapshot whose author is not trusted.

    `blocks` run without a gap up to the machine's last one, and begin at genesis or so early that no id recorded
    before them can still be remembered (31 days and an hour before the last block suffice). They are followed back by
    their hashes from the machine's header, so they may come from anybody. Raises SnapshotMismatchError (part
    "memory"), or the refusals of `read_header` and `read_body`.
    """
    first_hour = machine.time // _HOUR_S
    expected: list[Remembered] = []
    previous: str | None = None
    for block in blocks:
        header = read_header(block.header)
        if previous is None:
            if header.height and header.time >= first_hour * _HOUR_S - LIFETIME_S_MAX:
                raise _memory_error(f"block {header.height} is the first one given; older ones are needed")
        elif header.previous != previous:
            raise _memory_error(f"block {header.height} does not follow the one before it")
        expected += [row for row in _recorded(header, block.body) if row.hour >= first_hour]
        previous = header_hash(block.header)
    if previous != machine.previous:
        raise _memory_error("the blocks do not end with the block of the snapshot")
    if sorted(expected) != _memory(machine):
        raise _memory_error("the remembered ids are not those of the blocks")


def _memory_error(detail: str) -> SnapshotMismatchError:
    return SnapshotMismatchError(detail=detail, part="memory")


def _recorded(header: BlockHeader, body: bytes) -> Iterator[Remembered]:
    """The ids that a block used up, once its body is known to be the header's."""
    rows: list[Remembered] = []
    leaves: list[bytes] = []
    digests: list[bytes] = []
    for position, record in enumerate(read_body(body)):
        signed = open_transaction(record.envelope)
        payload = signed.payload
        rows.append(
            Remembered(payload.expires // _HOUR_S, payload.account, payload.id, signed.transaction, record.outcome)
        )
        digests.append(leaf_hash(signed.digest))
        entry = TransactionEntry(
            envelope=signed.digest.hex(),
            height=header.height,
            outcome=record.outcome,
            position=position,
            time=header.time,
            transaction=signed.transaction,
        )
        leaves.append(leaf_hash(encode(entry)))
    if (root_of(digests).hex(), root_of(leaves).hex()) != (header.transactions_root, header.outcomes_root):
        raise _memory_error(f"the body of block {header.height} is not that of its header")
    yield from rows
