import base64
import hashlib
import json

import msgspec
import pytest

from ogniwo.core.ledger.blocks import (
    MalformedBodyError,
    Recorded,
    TransactionEntry,
    block_entry_of,
    header_hash,
    read_body,
    read_header,
    write_body,
)
from ogniwo.core.ledger.canonical import encode
from ogniwo.core.ledger.machine import BlockMismatchError, Machine
from ogniwo.core.ledger.merkle import leaf_hash, root_of


@pytest.fixture
def coop(network):
    coop = network.founded()
    for amount in (100, 200):
        coop.execute(
            coop.signed(coop.pay("op/coop/anna", "op/coop/jan", amount), "anna"),
            coop.signed(coop.pay("op/coop/anna", "op/coop/jan", 10**9), "anna"),
        )
    return coop


def replay(blocks):
    machine = Machine()
    for block in blocks:
        machine.replay(block)
    return machine


def test_headers_chain_and_count(coop):
    headers = [read_header(block.header) for block in coop.blocks]
    assert [header.height for header in headers] == [0, 1, 2]
    assert headers[0].previous == "0" * 64
    assert (
        headers[2].previous == hashlib.sha256(coop.blocks[1].header).hexdigest() == header_hash(coop.blocks[1].header)
    )
    assert [header.transactions for header in headers] == [18, 2, 2]
    assert headers[2].log_size == 18 + 2 + 2 + 3


def test_roots_follow_from_what_is_documented(coop):
    block, header = coop.blocks[1], read_header(coop.blocks[1].header)
    body = msgspec.msgpack.decode(block.body)
    assert [code for code, _ in body] == ["accepted", "ledger.insufficient_balance"]
    digests = [hashlib.sha256(envelope).digest() for _, envelope in body]
    assert header.transactions_root == root_of([leaf_hash(digest) for digest in digests]).hex()
    entries = []
    for position, (code, envelope) in enumerate(body):
        text = json.loads(envelope)["payload"]
        payload = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        document = {
            "entry": "transaction",
            "envelope": hashlib.sha256(envelope).hexdigest(),
            "height": 1,
            "outcome": code,
            "position": position,
            "time": coop.now,
            "transaction": hashlib.sha256(payload).hexdigest(),
            "v": 1,
        }
        entries.append(json.dumps(document, sort_keys=True, separators=(",", ":")).encode())
    assert header.outcomes_root == root_of([leaf_hash(entry) for entry in entries]).hex()
    leaves = [leaf_hash(block_entry_of(header)), *map(leaf_hash, entries)]
    assert [coop.machine.log.leaf(19 + at) for at in range(3)] == leaves
    assert json.loads(block_entry_of(header))["state_root"] == header.state_root


def test_nothing_recorded_makes_no_block(coop):
    stale = coop.pay("op/coop/anna", "op/coop/jan", 1, expires=coop.now)
    assert coop.send(stale, "anna").code == "ledger.expired"
    assert len(coop.blocks) == 3


def test_replay_reaches_the_same_point(coop):
    machine = replay(coop.blocks)
    assert (machine.previous, machine.height) == (coop.machine.previous, 2)
    assert machine.state.balances == coop.machine.state.balances


def forged_header(block, **changed):
    header = msgspec.structs.replace(read_header(block.header), **changed)
    return block._replace(header=encode(header))


@pytest.mark.parametrize(
    ("changed", "part"),
    [
        ({"height": 3}, "header"),
        ({"previous": "1" * 64}, "previous"),
        ({"time": 1}, "time"),
        ({"time": 1_800_000_001}, "outcomes"),
        ({"transactions": 1}, "transactions"),
        ({"transactions_root": "1" * 64}, "transactions"),
        ({"outcomes_root": "1" * 64}, "outcomes"),
        ({"state_root": "1" * 64}, "state"),
        ({"log_root": "1" * 64}, "log"),
        ({"log_size": 7}, "log"),
        ({"network": "other"}, "header"),
        ({"v": 2}, "header"),
    ],
)
def test_every_field_of_a_header_is_checked(coop, changed, part):
    with pytest.raises(BlockMismatchError) as caught:
        replay([*coop.blocks[:2], forged_header(coop.blocks[2], **changed)])
    assert caught.value.part == part


def test_a_forged_outcome_is_found_even_with_new_roots(coop):
    block = coop.blocks[2]
    recorded = list(read_body(block.body))
    recorded[1] = Recorded("accepted", recorded[1].envelope)
    header = read_header(block.header)
    entries = [
        TransactionEntry(
            envelope=hashlib.sha256(record.envelope).hexdigest(),
            height=2,
            outcome=record.outcome,
            position=position,
            time=header.time,
            transaction=name,
        )
        for position, (record, name) in enumerate(zip(recorded, names_of(block), strict=True))
    ]
    root = root_of([leaf_hash(encode(entry)) for entry in entries]).hex()
    forged = forged_header(block, outcomes_root=root)._replace(body=write_body(recorded))
    with pytest.raises(BlockMismatchError) as caught:
        replay([*coop.blocks[:2], forged])
    assert caught.value.part == "outcomes"


def names_of(block):
    names = []
    for record in read_body(block.body):
        text = json.loads(record.envelope)["payload"]
        names.append(hashlib.sha256(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))).hexdigest())
    return names


@pytest.mark.parametrize("body", [b"", b"\xff", b"\x90", write_body([Recorded("accepted", b"{}")])])
def test_unreadable_bodies_are_located(coop, body):
    with pytest.raises(BlockMismatchError) as caught:
        replay([*coop.blocks[:2], coop.blocks[2]._replace(body=body)])
    assert caught.value.part == "transactions"


def test_body_has_one_byte_form():
    body = write_body([Recorded("accepted", b"x")])
    assert read_body(body) == (Recorded("accepted", b"x"),)
    longer = body.replace(b"\xc4\x01x", b"\xc5\x00\x01x")
    assert longer != body
    with pytest.raises(MalformedBodyError):
        read_body(longer)
