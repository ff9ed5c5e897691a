"""A machine restored from a snapshot answers like the one it was taken from, or is refused."""

import hashlib

import ledger_network  # made by conftest.py; hypothesis takes no function-scoped fixture
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ogniwo.core.ledger import snapshot
from ogniwo.core.ledger import transactions as tx
from ogniwo.core.ledger.admission import admit
from ogniwo.core.ledger.canonical import encode
from ogniwo.core.ledger.machine import Machine
from ogniwo.core.ledger.snapshot import (
    Chunk,
    Manifest,
    NoSnapshotError,
    Remembered,
    Restoration,
    SnapshotChunkError,
    SnapshotFormError,
    SnapshotMismatchError,
    check_memory,
    chunks_of,
    manifest_of,
    read_manifest,
    restored_machine,
)


def taken(machine):
    """The manifest, through its bytes, and the chunks."""
    chunks = list(chunks_of(machine))
    return read_manifest(encode(manifest_of(machine, chunks))), chunks


def twin_of(machine):
    manifest, chunks = taken(machine)
    return restored_machine(manifest, [chunk.data for chunk in chunks])


def assert_equal(one, other):
    assert (one.height, one.time, one.previous, one.header) == (other.height, other.time, other.previous, other.header)
    assert one.state.root() == other.state.root()
    assert (one.log.size, one.log.root()) == (other.log.size, other.log.root())
    assert set(one.ring) <= set(other.ring)  # a key that came by recovery is loaded when it first signs
    assert dict(one.state.entries()) == dict(other.state.entries())
    assert sorted(one.state.memory(), key=repr) == sorted(other.state.memory(), key=repr)
    assert one.state.sums == other.state.sums


PEOPLE = {"op/coop/anna": "anna", "op/coop/jan": "jan", "op/issuer": "op"}
STEP = st.one_of(
    st.tuples(
        st.just("pay"),
        st.sampled_from(sorted(PEOPLE)),
        st.sampled_from(sorted(PEOPLE)),
        st.sampled_from([1, 60_000, 2**53 - 1]),
    ),
    st.tuples(st.just("mint"), st.integers(10, 28), st.integers(1, 3)),
    st.tuples(st.just("anchor"), st.integers(0, 5)),
    st.tuples(st.just("unbind"), st.sampled_from(["gateway", "partner"])),
    st.tuples(st.just("bind"), st.sampled_from(["gateway", "partner"]), st.integers(0, 1)),
    st.tuples(st.just("revoke"), st.sampled_from(["anna", "jan", "gateway"])),
    st.tuples(st.just("account"), st.integers(0, 3)),
    st.tuples(st.just("key"), st.integers(0, 3)),
    st.tuples(st.just("wait"), st.sampled_from([1, 3_600, 86_400, 32 * 86_400])),
    st.tuples(st.just("again"), st.integers(0, 30)),
)


def payload_of(network, step):
    """The payload of one step of a history, and who signs."""
    gateway = {"gateway": "op/coop/gateway", "partner": "op/coop"}
    match step:
        case "pay", giver, taker, amount:
            lines = (giver, "PLN/2", -amount), (taker, "PLN/2", amount)
            found = network.post(*lines, account="op" if giver == "op/issuer" else giver), PEOPLE[giver]
        case "mint", day, version:
            record = network.record(day=f"2027-01-{day}", version=version)
            found = network.mint(record, reason="exchange" if version > 1 else ""), "gateway"
        case "anchor", number:
            found = network.anchor(f"{number}" * 64), "op"
        case "unbind", role:
            found = tx.UnbindRole(**network.frame(), role=role, subject=gateway[role], subtree="op/coop"), "op"
        case "bind", role, late:
            found = network.bind(gateway[role], role, "op/coop", valid_to=late * (network.now + 3_600)), "op"
        case "revoke", name:
            found = tx.RevokeKey(**network.frame(), kid=network.kid(name)), "op"
        case "account", number:
            found = network.account(f"op/coop/new-{number}", account="op/coop"), "coop"
        case "key", number:
            payload = network.register(f"op/coop/new-{number}", f"new-{number}", account="op/coop")
            found = payload, "coop", f"new-{number}"
    return found


def envelope_of(network, step, earlier):
    """The envelope of one step of a history, or None for the passing of time."""
    if step[0] == "again":
        return earlier[step[1] % len(earlier)]
    if step[0] == "wait":
        network.now += step[1]
        return None
    return network.signed(*payload_of(network, step))


@settings(max_examples=25, deadline=None)
@given(history=st.lists(STEP, max_size=12), future=st.lists(STEP, max_size=10))
def test_after_any_history_the_restored_machine_goes_on_alike(history, future):
    network = ledger_network.Network()
    earlier = network.founding()
    network.execute(*earlier)
    for step in history:
        envelope = envelope_of(network, step, earlier)
        if envelope is not None:
            earlier.append(envelope)
            network.execute(envelope)
    machine, twin = network.machine, twin_of(network.machine)
    machine.state.forget_expired(machine.time)
    assert_equal(machine, twin)
    for step in [*future, *(("again", number) for number in range(len(earlier)))]:
        envelope = envelope_of(network, step, earlier)
        if envelope is None:
            continue
        earlier.append(envelope)
        executed, shadow = (one.execute([admit(envelope, one.ring)], clock_s=network.now) for one in (machine, twin))
        assert executed == shadow
    assert_equal(machine, twin)


def test_the_bytes_do_not_depend_on_how_the_state_came_about(network):
    coop = network.founded()
    replayed = Machine()
    for block in coop.blocks:
        replayed.replay(block)
    assert taken(replayed) == taken(coop.machine) == taken(twin_of(coop.machine))
    coop.ok(coop.pay("op/coop/anna", "op/coop/jan", 5), "anna")
    first = {chunk.data for chunk in taken(coop.machine)[1]}
    coop.now += 40 * 86_400
    coop.ok(coop.anchor("a" * 64))
    later = taken(coop.machine)
    assert later[0].remembered == 1  # the anchor's: all the others expired
    # An execution that records nothing forgets as well; the snapshot stays the same.
    coop.send(coop.pay("op/coop/anna", "op/coop/jan", 5, expires=1), "anna")
    assert taken(coop.machine) == later
    assert first != {chunk.data for chunk in later[1]}


def test_chunks_are_bounded_and_full_log_chunks_stay(network, monkeypatch):
    monkeypatch.setattr(snapshot, "CHUNK_BYTES", 1_024)
    monkeypatch.setattr(snapshot, "_CHUNK_LEAVES", 4)
    coop = network.founded()
    manifest, before = taken(coop.machine)
    assert len(before) > 10
    assert {chunk.kind for chunk in before} == {"state", "memory", "log"}
    assert all(len(chunk.data) <= 1_024 + 5 or chunk.rows == 1 for chunk in before)
    assert [chunk.reference() for chunk in before] == list(manifest.chunks)
    coop.ok(coop.pay("op/coop/anna", "op/coop/jan", 5), "anna")
    after = taken(coop.machine)[1]
    logs = [[chunk for chunk in some if chunk.kind == "log"] for some in (before, after)]
    assert logs[1][: len(logs[0]) - 1] == logs[0][:-1]
    assert_equal(twin_of(coop.machine), coop.machine)


def test_nothing_to_take_before_genesis():
    with pytest.raises(NoSnapshotError) as caught:
        list(chunks_of(Machine()))
    assert caught.value.code == "ledger.snapshot_empty"


def test_every_flipped_byte_of_a_chunk_is_refused(network):
    manifest, chunks = taken(network.founded().machine)
    refused = 0
    for number, chunk in enumerate(chunks):
        for at in range(0, len(chunk.data), 7):
            data = bytearray(chunk.data)
            data[at] ^= 1 << at % 8
            restoration = Restoration(manifest)
            for before in chunks[:number]:
                restoration.add(before.data)
            with pytest.raises(SnapshotChunkError):
                restoration.add(bytes(data))
            restoration.add(chunk.data)  # the right one is still taken
            refused += 1
    assert refused > 500


def test_every_flipped_byte_of_a_manifest_is_refused(network):
    """By its form, by the hash of its header, or by the chunks it then wrongly names."""
    manifest, chunks = taken(network.founded().machine)
    written = encode(manifest)
    for at in range(len(written)):
        data = bytearray(written)
        data[at] ^= 1 << at % 7
        with pytest.raises((SnapshotFormError, SnapshotMismatchError, SnapshotChunkError)):
            restored_machine(read_manifest(bytes(data)), [chunk.data for chunk in chunks])


def test_missing_and_surplus_chunks(network):
    manifest, chunks = taken(network.founded().machine)
    data = [chunk.data for chunk in chunks]
    with pytest.raises(SnapshotFormError, match=f"{len(data) - 1} of {len(data)} chunks"):
        restored_machine(manifest, data[:-1])
    with pytest.raises(SnapshotChunkError, match="one more"):
        restored_machine(manifest, [*data, data[-1]])
    with pytest.raises(SnapshotChunkError):
        restored_machine(manifest, [data[1], data[0], *data[2:]])


def forged(machine, kind, change):
    """A snapshot whose manifest fits its chunks, but whose content was changed by its author."""
    chunks = []
    for chunk in chunks_of(machine):
        rows = change(msgspec.msgpack.decode(chunk.data)) if chunk.kind == kind != "log" else None
        if chunk.kind == kind == "log":
            chunks.append(Chunk("log", change(chunk.data), chunk.rows))
        else:
            chunks.append(chunk if rows is None else Chunk(kind, msgspec.msgpack.encode(rows), len(rows)))
    manifest = read_manifest(encode(manifest_of(machine, chunks)))
    return manifest, [chunk.data for chunk in chunks]


def richer(rows):
    return [[key, b"900000" if key.startswith(b"balance/PLN/2|op/coop/jan") else value] for key, value in rows]


@pytest.mark.parametrize(
    ("kind", "change", "error", "text"),
    [
        ("state", lambda rows: rows[:-1], SnapshotMismatchError, "state"),
        ("state", richer, SnapshotMismatchError, "state"),
        ("state", lambda rows: [*rows, rows[-1]], SnapshotFormError, "stands twice"),
        ("state", lambda rows: rows[::-1], SnapshotFormError, "not in order"),
        ("state", lambda rows: [*rows, [b"zebra/1", b"{}"]], SnapshotFormError, "no table"),
        ("state", lambda rows: [[b"account/\xff", b"{}"], *rows], SnapshotFormError, "not in order|cannot be read"),
        ("state", lambda rows: [[rows[0][0], b"{}"], *rows[1:]], SnapshotFormError, "cannot be read"),
        ("state", lambda rows: [["text"], *rows], SnapshotFormError, "cannot be read"),
        ("memory", lambda rows: rows[::-1], SnapshotFormError, "not in order"),
        ("memory", lambda rows: [*rows, rows[-1]], SnapshotFormError, "stands twice"),
        ("memory", lambda rows: [[1, 2], *rows], SnapshotFormError, "cannot be read"),
        ("log", lambda data: data[32:] + data[:32], SnapshotMismatchError, "log"),
        ("log", lambda data: data[:-32], SnapshotMismatchError, "log"),
        ("log", lambda data: data[:-1], SnapshotFormError, "cut short"),
    ],
)
def test_a_forged_snapshot_is_refused(network, kind, change, error, text):
    coop = network.founded()
    coop.ok(coop.pay("op/coop/anna", "op/coop/jan", 5), "anna")
    with pytest.raises(error, match=text) as caught:
        restored_machine(*forged(coop.machine, kind, change))
    assert caught.value.code.startswith("ledger.snapshot_")


def test_manifests_that_contradict_themselves(network):
    manifest, chunks = taken(network.founded().machine)
    data = [chunk.data for chunk in chunks]
    for changed, error in (
        ({"chunks": manifest.chunks[::-1]}, SnapshotFormError),
        ({"block": "0" * 64}, SnapshotMismatchError),
        ({"header": msgspec.structs.replace(manifest.header, time=5)}, SnapshotMismatchError),
        ({"entries": manifest.entries + 1}, SnapshotFormError),
        ({"remembered": manifest.remembered + 1}, SnapshotFormError),
    ):
        with pytest.raises(error):
            restored_machine(read_manifest(encode(msgspec.structs.replace(manifest, **changed))), data)
    for written in (b"", b"{}", encode(manifest) + b" ", encode(manifest).replace(b'"snapshot":1', b'"snapshot":2')):
        with pytest.raises(SnapshotFormError):
            read_manifest(written)
    assert isinstance(manifest, Manifest)


def test_a_header_of_another_network_is_refused(network):
    coop = network.founded()
    chunks = list(chunks_of(coop.machine))
    header = msgspec.structs.replace(coop.machine.header, network="other.example/one")
    manifest = msgspec.structs.replace(
        manifest_of(coop.machine, chunks), header=header, block=hashlib.sha256(encode(header)).hexdigest()
    )
    with pytest.raises(SnapshotMismatchError, match="another network"):
        restored_machine(manifest, [chunk.data for chunk in chunks])


def test_a_memory_without_an_id_is_found_by_the_blocks(network):
    """The one thing no root covers: who leaves an id out makes the next node take that transaction twice."""
    coop = network.founded()
    paid = coop.signed(coop.pay("op/coop/anna", "op/coop/jan", 5), "anna")
    coop.execute(paid)
    coop.send(coop.pay("op/coop/jan", "op/coop/anna", 10**9), "jan")

    def without_it(rows):
        return [row for row in rows if row[1] != "op/coop/anna"]

    machine = restored_machine(*forged(coop.machine, "memory", without_it))
    (twice,) = machine.execute([admit(paid, machine.ring)], clock_s=coop.now).placed
    assert twice.outcome.accepted
    machine = restored_machine(*forged(coop.machine, "memory", without_it))
    with pytest.raises(SnapshotMismatchError, match="not those of the blocks") as caught:
        check_memory(machine, coop.blocks)
    assert caught.value.part == "memory"
    check_memory(twin_of(coop.machine), coop.blocks)


def test_blocks_that_judge_the_memory_are_judged_themselves(network):
    coop = network.founded()
    coop.now += 33 * 86_400
    for amount in (5, 6, 7):
        coop.now += 60
        coop.ok(coop.pay("op/coop/anna", "op/coop/jan", amount), "anna")
    machine = twin_of(coop.machine)
    check_memory(machine, coop.blocks)
    with pytest.raises(SnapshotMismatchError, match="older ones are needed"):
        check_memory(machine, coop.blocks[1:])
    coop.now += 33 * 86_400
    coop.ok(coop.pay("op/coop/anna", "op/coop/jan", 8), "anna")
    check_memory(twin_of(coop.machine), coop.blocks[3:])
    with pytest.raises(SnapshotMismatchError, match="do not end"):
        check_memory(machine, coop.blocks)
    with pytest.raises(SnapshotMismatchError, match="does not follow"):
        check_memory(machine, [coop.blocks[0], *coop.blocks[2:4]])
    with pytest.raises(SnapshotMismatchError, match="not that of its header"):
        check_memory(machine, [coop.blocks[0], coop.blocks[1]._replace(body=coop.blocks[2].body), *coop.blocks[2:4]])


def test_remembered_ids_sort_by_hour_first():
    rows = [Remembered(2, "a", "0", "t", "accepted"), Remembered(1, "b", "0", "t", "accepted")]
    assert min(rows).hour == 1
