"""Somebody changes the file: by accident, or as an operator who computes everything anew."""

import importlib.util
import random
import shutil
import sqlite3
import sys
from pathlib import Path

import pytest

from ogniwo.chain.audit import verify_ledger
from ogniwo.chain.embedded import EmbeddedLedger
from ogniwo.chain.proofs import checkpoint_of
from ogniwo.chain.store import DamagedStoreError
from ogniwo.chain.store_sqlite import SqliteStore
from ogniwo.core.ledger.admission import open_transaction
from ogniwo.core.ledger.blocks import read_body, read_header
from ogniwo.core.ledger.checkpoints import parse_checkpoint
from ogniwo.core.ledger.machine import Machine
from ogniwo.core.ledger.merkle import consistent

NETWORK = Path(__file__).parents[1] / "unit" / "core" / "ledger" / "network.py"
PARTS = {"header", "previous", "time", "transactions", "signature", "outcomes", "state", "log"}


def new_network():
    if "ledger_network" not in sys.modules:
        specification = importlib.util.spec_from_file_location("ledger_network", NETWORK)
        sys.modules["ledger_network"] = importlib.util.module_from_spec(specification)
        specification.loader.exec_module(sys.modules["ledger_network"])
    return sys.modules["ledger_network"].Network()


@pytest.fixture(scope="module")
def honest(tmp_path_factory):
    """A ledger of five blocks, its blocks, and the checkpoint that a partner kept after block 3."""
    coop = new_network()
    path = tmp_path_factory.mktemp("honest") / "ledger.sqlite3"
    with EmbeddedLedger(path, clock=lambda: coop.now, workers=1) as ledger:
        ledger.submit(coop.founding())
        for amount in (10, 20, 30, 40):
            coop.now += 60
            ledger.submit([coop.signed(coop.pay("op/coop/anna", "op/coop/jan", amount + n), "anna") for n in range(3)])
            if amount == 30:
                note = checkpoint_of(ledger, key=coop.checkpoint_key)
        blocks = ledger.read(0)
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    return path, blocks, note


@pytest.fixture
def copy(honest, tmp_path):
    return Path(shutil.copy(honest[0], tmp_path / "ledger.sqlite3"))


def change(path, sql, *values):
    connection = sqlite3.connect(path)
    connection.execute(sql, values)
    connection.commit()
    connection.close()


def test_an_honest_ledger_has_no_findings(honest, copy):
    assert verify_ledger(copy, checkpoints=[honest[2]]) == []


def test_any_flipped_byte_of_the_last_block_is_found_and_located(honest, copy):
    block = honest[1][-1]
    draw = random.Random(1)  # noqa: S311 -- a repeatable choice of test cases
    places = [("header", at) for at in draw.sample(range(len(block.header)), 60)]
    places += [("body", at) for at in draw.sample(range(len(block.body)), 120)]
    for column, at in places:
        data = bytearray(block.header if column == "header" else block.body)
        data[at] ^= 1 << draw.randrange(8)
        change(copy, f"UPDATE blocks SET {column} = ? WHERE height = 4", bytes(data))  # noqa: S608 -- two names of ours
        (finding,) = verify_ledger(copy)
        assert finding.code == "ledger.block_mismatch", (column, at)
        assert dict(finding.facts)["height"] == "4"
        assert finding.column in (PARTS if column == "header" else {"transactions", "signature", "outcomes"})
        change(copy, f"UPDATE blocks SET {column} = ? WHERE height = 4", getattr(block, column))  # noqa: S608 -- two names of ours
    assert verify_ledger(copy) == []


def test_a_flipped_byte_in_an_earlier_block_names_that_block(honest, copy):
    for block in honest[1][:4]:
        data = bytearray(block.body)
        data[len(data) // 2] ^= 4
        change(copy, "UPDATE blocks SET body = ? WHERE height = ?", bytes(data), block.height)
        (finding,) = verify_ledger(copy)
        assert dict(finding.facts)["height"] == str(block.height)
        with pytest.raises(DamagedStoreError, match=f"block {block.height}"):
            EmbeddedLedger(copy)
        change(copy, "UPDATE blocks SET body = ? WHERE height = ?", block.body, block.height)


def test_flipped_bytes_of_the_file_are_found_or_change_nothing(honest, copy):
    whole = copy.read_bytes()
    draw = random.Random(2)  # noqa: S311 -- a repeatable choice of test cases
    found = 0
    for at in [*range(0, 120, 3), *draw.sample(range(len(whole)), 100)]:
        data = bytearray(whole)
        data[at] ^= 1 << draw.randrange(8)
        copy.write_bytes(data)
        findings = verify_ledger(copy)
        if findings:
            found += 1
        else:
            with SqliteStore(copy, write=False) as store:
                assert list(store.blocks()) == honest[1], at
        for extra in ("-wal", "-shm"):
            copy.with_name(copy.name + extra).unlink(missing_ok=True)
    assert found > 10


def test_a_file_cut_short_is_reported(honest, copy):
    whole = copy.read_bytes()
    draw = random.Random(3)  # noqa: S311 -- a repeatable choice of test cases
    for size in [0, 50, 100, 16_384, *draw.sample(range(len(whole)), 25), len(whole) - 1]:
        copy.write_bytes(whole[:size])
        findings = verify_ledger(copy, checkpoints=[honest[2]])
        assert findings, size
        assert {finding.code for finding in findings} <= {
            "ledger.database_damaged",
            "ledger.block_missing",
            "ledger.block_mismatch",
            "ledger.empty",
        }


def test_a_copy_that_lost_its_end_is_found_by_a_checkpoint_alone(honest, copy):
    change(copy, "DELETE FROM blocks WHERE height >= 3")
    assert verify_ledger(copy) == []
    assert [finding.code for finding in verify_ledger(copy, checkpoints=[honest[2]])] == [
        "ledger.log_shorter_than_checkpoint"
    ]


def test_a_missing_block_is_named(copy):
    change(copy, "DELETE FROM blocks WHERE height = 2")
    (finding,) = verify_ledger(copy)
    assert (finding.code, dict(finding.facts)["height"]) == ("ledger.block_missing", "2")


def test_blocks_in_another_place_are_found(honest, copy):
    change(copy, "UPDATE blocks SET header = ?, body = ? WHERE height = 3", honest[1][2].header, honest[1][2].body)
    (finding,) = verify_ledger(copy)
    assert (dict(finding.facts)["height"], finding.column) == ("3", "header")


def recomputed(blocks, path, *, edit):
    """What a malicious operator does: change the transactions or times, and compute every hash anew."""
    machine, written = Machine(), []
    for block in blocks:
        moment = read_header(block.header).time
        envelopes, moment = edit(block.height, [record.envelope for record in read_body(block.body)], moment)
        transactions = []
        for envelope in envelopes:
            transaction = open_transaction(envelope)
            transaction.open_checks = ()
            transactions.append(transaction)
        executed = machine.execute(transactions, clock_s=moment)
        written.append(executed.block)
    with SqliteStore(path, write=True) as store:
        for block in written:
            store.append(block)
    return machine


def edited(height, envelopes, moment):
    """Another amount under Anna's old signature."""
    if height == 2:
        coop = new_network()
        coop.now, coop.count = moment, 900
        forged = coop.signed(coop.pay("op/coop/anna", "op/coop/jan", 90_000), "anna")
        signature = envelopes[1].split(b'"signatures":')[1]
        envelopes[1] = forged.split(b'"signatures":')[0] + b'"signatures":' + signature
    return envelopes, moment


def deleted(height, envelopes, moment):
    return (envelopes[1:] if height == 2 else envelopes), moment


def reordered(height, envelopes, moment):
    return (envelopes[::-1] if height == 2 else envelopes), moment


def backdated(height, envelopes, moment):
    return envelopes, moment - 30 if height == 3 else moment


def inserted(height, envelopes, moment):
    if height == 2:
        coop = new_network()
        coop.now, coop.count = moment, 900
        envelopes.append(coop.signed(coop.post(("op/issuer", "PLN/2", -5), ("op/coop/jan", "PLN/2", 5))))
    return envelopes, moment


@pytest.mark.parametrize("edit", [deleted, reordered, backdated, inserted])
def test_an_operator_who_recomputes_everything_is_caught_by_an_old_checkpoint(honest, tmp_path, edit):
    path = tmp_path / "forged.sqlite3"
    machine = recomputed(honest[1], path, edit=edit)
    assert verify_ledger(path) == []  # the forgery follows from itself: this is why checkpoints are kept elsewhere
    assert [finding.code for finding in verify_ledger(path, checkpoints=[honest[2]])] == [
        "ledger.checkpoint_inconsistent"
    ]
    old = parse_checkpoint(honest[2])
    proof = machine.log.consistency(old.size, machine.log.size)
    assert not consistent(
        old=old.size, new=machine.log.size, proof=proof, old_root=old.root, new_root=machine.log.root()
    )


def test_an_operator_cannot_write_in_a_members_name(honest, tmp_path):
    path = tmp_path / "forged.sqlite3"
    recomputed(honest[1], path, edit=edited)
    (finding,) = verify_ledger(path)
    assert (dict(finding.facts)["height"], finding.column) == ("2", "signature")


def test_an_honest_continuation_is_consistent(honest, tmp_path):
    machine = recomputed(
        honest[1], tmp_path / "same.sqlite3", edit=lambda _height, envelopes, moment: (envelopes, moment)
    )
    old = parse_checkpoint(honest[2])
    assert old.size < machine.log.size
    proof = machine.log.consistency(old.size, machine.log.size)
    assert consistent(old=old.size, new=machine.log.size, proof=proof, old_root=old.root, new_root=machine.log.root())
    assert verify_ledger(tmp_path / "same.sqlite3", checkpoints=[honest[2]]) == []


def test_a_checkpoint_of_another_key_or_form_is_a_finding(honest, copy):
    forged = honest[2].replace("\n25\n", "\n24\n") if "\n25\n" in honest[2] else honest[2].replace("\n3", "\n4", 1)
    assert [finding.code for finding in verify_ledger(copy, checkpoints=[forged, "nonsense"])] == [
        "ledger.checkpoint_signature",
        "ledger.checkpoint_form",
    ]
