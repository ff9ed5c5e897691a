"""A new application takes another one's snapshot, chunk by chunk, as CometBFT hands it over; liars try every part."""

from hashlib import sha256

import msgspec
import pytest

from ogniwo.chain.network import messages as abci
from ogniwo.chain.network.client import NetworkLedger
from ogniwo.chain.network.statesync import _METADATA, SnapshotServer, _Metadata
from ogniwo.chain.snapshots import SnapshotFolder
from ogniwo.core.ledger import snapshot as snapshots
from ogniwo.core.ledger.canonical import encode
from ogniwo.core.ledger.snapshot import read_manifest

DAY_S = 86_400


@pytest.fixture
def giver(consensus, network, tmp_path):
    """A node with two months of blocks and a snapshot, and how it tells of it."""
    (tmp_path / "giver").mkdir()
    node = consensus(tmp_path / "giver")
    node.found()
    for _ in range(8):
        node.block([pay(network)], [pay(network)])
        node.block()
        network.now += 8 * DAY_S
    node.application.take_snapshot()
    return node


@pytest.fixture
def taker(consensus, tmp_path):
    """A node without anything."""
    (tmp_path / "taker").mkdir()
    return consensus(tmp_path / "taker")


def pay(network):
    return network.signed(network.pay("op/coop/anna", "op/coop/jan", 1), "anna")


def offered(giver):
    (snapshot,) = giver.ask(abci.RequestListSnapshots()).snapshots
    app_hash = giver.ask(abci.RequestInfo()).last_block_app_hash
    return snapshot, app_hash


def chunks_of(giver, snapshot):
    return [
        giver.ask(abci.RequestLoadSnapshotChunk(snapshot.height, snapshot.format, index)).chunk
        for index in range(snapshot.chunks)
    ]


def apply(taker, chunks):
    return [
        taker.ask(abci.RequestApplySnapshotChunk(index, chunk, "peer")).result for index, chunk in enumerate(chunks)
    ]


def changed(snapshot, *, manifest=None, blocks=None):
    """The same snapshot with another manifest or other blocks, as a liar would announce them."""
    metadata = _METADATA.decode(snapshot.metadata)
    written = msgspec.json.encode(
        _Metadata(
            encode(manifest).decode() if manifest else metadata.manifest,
            tuple(sha256(data).hexdigest() for data in blocks) if blocks is not None else metadata.blocks,
        )
    )
    return msgspec.structs.replace(snapshot, metadata=written, hash=sha256(written).digest())


def test_a_new_node_stands_where_the_other_does_and_goes_on_alike(giver, taker, network, consensus, tmp_path):
    snapshot, app_hash = offered(giver)
    assert taker.ask(abci.RequestOfferSnapshot(snapshot, app_hash)).result == abci.OfferResult.ACCEPT
    assert set(apply(taker, chunks_of(giver, snapshot))) == {abci.ChunkResult.ACCEPT}
    info = taker.ask(abci.RequestInfo())
    assert (info.last_block_height, info.last_block_app_hash) == (15, app_hash)
    taker.close()
    taker = consensus(tmp_path / "taker")
    assert taker.ask(abci.RequestInfo()) == info
    giver.height = taker.height = 15  # the last block was empty: it is decided again here
    giver.application._committed = giver.application._committed._replace(height=15)
    tx = giver.batch([pay(network), pay(network)])
    assert giver.finalize(tx) == taker.finalize(tx)
    giver.commit()
    taker.commit()
    first = next(iter(taker.application._store.blocks())).height
    assert 0 < first < 5  # a month of blocks came along, not all of them
    with NetworkLedger(tmp_path / "taker" / "ledger.sqlite3", rpc_port=1, senders=0) as ledger:
        assert ledger.log.root() == giver.application._machine.log.root()
        with ledger.reading() as state:
            assert state.balance("op/coop/jan", "PLN/2") == 18


def test_what_was_paid_before_the_snapshot_is_not_paid_again(giver, taker, network, consensus):
    envelope = pay(network)
    giver.block([envelope])
    giver.application.take_snapshot()
    snapshot = max(giver.ask(abci.RequestListSnapshots()).snapshots, key=lambda one: one.height)
    app_hash = giver.ask(abci.RequestInfo()).last_block_app_hash
    taker.ask(abci.RequestOfferSnapshot(snapshot, app_hash))
    apply(taker, chunks_of(giver, snapshot))
    taker.height = snapshot.height
    (answers,) = taker.block([envelope])
    assert answers[0].code == "ledger.exists"


def test_a_snapshot_of_another_header_is_not_begun(giver, taker):
    snapshot, app_hash = offered(giver)

    def offer(one, digest=app_hash):
        return taker.ask(abci.RequestOfferSnapshot(one, digest)).result

    assert offer(snapshot, b"\xff" * 32) == abci.OfferResult.REJECT
    assert offer(msgspec.structs.replace(snapshot, format=2)) == abci.OfferResult.REJECT_FORMAT
    assert offer(msgspec.structs.replace(snapshot, chunks=99)) == abci.OfferResult.REJECT
    assert offer(msgspec.structs.replace(snapshot, hash=bytes(32))) == abci.OfferResult.REJECT
    assert offer(msgspec.structs.replace(snapshot, metadata=b"{}")) == abci.OfferResult.REJECT
    assert offer(None) == abci.OfferResult.REJECT_FORMAT
    assert apply(taker, [b"x"]) == [abci.ChunkResult.ABORT]


def test_a_false_chunk_is_fetched_from_somebody_else(giver, taker):
    snapshot, app_hash = offered(giver)
    taker.ask(abci.RequestOfferSnapshot(snapshot, app_hash))
    for index, chunk in enumerate(chunks_of(giver, snapshot)):
        for false in (chunk[:-1] + bytes([chunk[-1] ^ 1]), b"", chunk + b"\0"):
            answer = taker.ask(abci.RequestApplySnapshotChunk(index, false, "liar"))
            assert (answer.result, answer.refetch_chunks) == (abci.ChunkResult.RETRY, (index,))
            assert answer.reject_senders == ("liar",)
        good = taker.ask(abci.RequestApplySnapshotChunk(index, chunk, "peer"))
        assert good.result == abci.ChunkResult.ACCEPT
    assert taker.ask(abci.RequestInfo()).last_block_height == 15


def test_a_forged_state_is_given_up(giver, taker):
    """The liar's manifest fits its chunks, but the balances are not those of the header."""
    snapshot, app_hash = offered(giver)
    chunks = chunks_of(giver, snapshot)
    manifest = read_manifest(_METADATA.decode(snapshot.metadata).manifest.encode())
    rows = list(msgspec.msgpack.decode(chunks[0], type=list[tuple[bytes, bytes]]))
    place = next(index for index, (key, _) in enumerate(rows) if key == b"balance/PLN/2|op/coop/jan")
    rows[place] = (rows[place][0], b"99")
    chunks[0] = msgspec.msgpack.encode(rows)
    _given_up(taker, snapshot, app_hash, manifest, chunks)


def test_a_forged_memory_is_given_up(giver, taker):
    """An id is missing, so that its payment could come again: roots do not show it, the blocks do."""
    snapshot, app_hash = offered(giver)
    chunks = chunks_of(giver, snapshot)
    manifest = read_manifest(_METADATA.decode(snapshot.metadata).manifest.encode())
    index = next(index for index, chunk in enumerate(manifest.chunks) if chunk.kind == "memory")
    chunks[index] = msgspec.msgpack.encode(msgspec.msgpack.decode(chunks[index])[1:])
    manifest = msgspec.structs.replace(manifest, remembered=manifest.remembered - 1)
    _given_up(taker, snapshot, app_hash, manifest, chunks)


@pytest.mark.parametrize("part", ["header", "body", "order", "missing"])
def test_forged_blocks_are_given_up(giver, taker, part):
    snapshot, app_hash = offered(giver)
    chunks = chunks_of(giver, snapshot)
    manifest = read_manifest(_METADATA.decode(snapshot.metadata).manifest.encode())
    blocks = msgspec.msgpack.decode(chunks[-1])
    if part == "header":
        blocks[1][1] = blocks[1][1].replace(b'"time":1', b'"time":2')
    elif part == "body":
        blocks[1][2], blocks[2][2] = blocks[2][2], blocks[1][2]
    elif part == "order":
        blocks[1], blocks[2] = blocks[2], blocks[1]
    else:
        del blocks[:2]
    chunks[-1] = msgspec.msgpack.encode(blocks)
    _given_up(taker, snapshot, app_hash, manifest, chunks)


def _given_up(taker, snapshot, app_hash, manifest, chunks):
    references = tuple(
        msgspec.structs.replace(reference, sha256=sha256(data).hexdigest(), size=len(data))
        for reference, data in zip(manifest.chunks, chunks, strict=False)
    )
    false = changed(
        snapshot,
        manifest=msgspec.structs.replace(manifest, chunks=references),
        blocks=chunks[len(manifest.chunks) :],
    )
    assert taker.ask(abci.RequestOfferSnapshot(false, app_hash)).result == abci.OfferResult.ACCEPT
    assert apply(taker, chunks)[-1] == abci.ChunkResult.REJECT_SNAPSHOT
    assert taker.ask(abci.RequestInfo()).last_block_height == 0


def test_what_is_damaged_or_unknown_is_not_served(giver, tmp_path):
    snapshot, _ = offered(giver)
    ask = abci.RequestLoadSnapshotChunk
    for request in (ask(1, 1, 0), ask(snapshot.height, 2, 0), ask(snapshot.height, 1, 99), ask(snapshot.height, 1, -1)):
        assert giver.ask(request).chunk == b""
    folder = SnapshotFolder(tmp_path / "giver" / "snapshots")
    for path in folder.folder.glob("*.manifest"):
        path.write_bytes(b"{}")
    assert SnapshotServer(folder, tmp_path / "giver" / "ledger.sqlite3").offers() == ()


def test_a_snapshot_is_the_same_on_every_node(giver):
    machine = giver.application._machine
    snapshot, _ = offered(giver)
    again = snapshots.manifest_of(machine, snapshots.chunks_of(machine))
    assert _METADATA.decode(snapshot.metadata).manifest == encode(again).decode()
