"""Every byte of the last block cut or changed, and bytes of the database file: found, named, or without any effect.

`OGNIWO_EVERY_BYTE=1` looks at every byte of the database file; otherwise it is every 61st.
"""

import os
import shutil
import sqlite3
import sys
from collections import Counter
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from ogniwo.chain.audit import verify_ledger
from ogniwo.chain.embedded import EmbeddedLedger
from ogniwo.chain.store import DamagedStoreError
from ogniwo.chain.store_sqlite import SqliteStore
from ogniwo.chain.stores import open_store
from ogniwo.core.ledger.canonical import encode
from ogniwo.core.ledger.machine import BlockMismatchError, Machine
from ogniwo.core.ledger.snapshot import chunks_of, manifest_of, restored_machine

STEP = 1 if os.environ.get("OGNIWO_EVERY_BYTE") else 61
BEFORE_THE_RULES = {"header", "previous", "time"}
"""Parts that are compared before a transaction is applied; after any other refusal the machine is of no more use."""


def written(address, network):
    """A ledger of three blocks, the last one with an accepted payment, a refused one and an anchor."""
    with EmbeddedLedger(address, clock=lambda: network.now, workers=1, snapshot_entries=0) as ledger:
        ledger.submit(network.founding())
        ledger.submit([network.signed(network.pay("op/coop/anna", "op/coop/jan", 5), "anna")])
        network.now += 60
        answers = ledger.submit(
            [
                network.signed(network.pay("op/coop/anna", "op/coop/jan", 7), "anna"),
                network.signed(network.pay("op/coop/jan", "op/coop/anna", 10**9), "jan"),
                network.signed(network.anchor("a" * 64)),
            ]
        )
        assert [answer.on_ledger for answer in answers] == [True, False, True]
        return ledger.read(0)


@pytest.fixture(scope="module")
def honest(tmp_path_factory):
    """The file of such a ledger, and its blocks."""
    path = tmp_path_factory.mktemp("every-byte") / "ledger.sqlite3"
    blocks = written(path, sys.modules["ledger_network"].Network())
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    return path, blocks


class Judge:
    """A machine just before the last block, made anew whenever a refusal left it between two blocks."""

    def __init__(self, blocks):
        machine = Machine()
        for block in blocks[:-1]:
            machine.replay(block)
        chunks = list(chunks_of(machine))
        self.parts = manifest_of(machine, chunks), [chunk.data for chunk in chunks]
        self.machine, self.height = machine, machine.height

    def part(self, block):
        """What part of a block is refused; fails when it is taken."""
        try:
            self.machine.replay(block)
        except BlockMismatchError as refusal:
            if refusal.part not in BEFORE_THE_RULES or self.machine.height != self.height:
                self.machine = restored_machine(*self.parts)
            return refusal.part
        pytest.fail(f"a changed block was taken: {block}")


def test_every_changed_byte_of_the_last_block_is_refused(honest):
    block = honest[1][-1]
    judge = Judge(honest[1])
    caught = Counter()
    for field in ("header", "body"):
        whole = getattr(block, field)
        for at in range(len(whole)):
            for change in (1 << at % 8, 0xFF, 0x20):
                data = bytearray(whole)
                data[at] ^= change
                caught[field, judge.part(block._replace(**{field: bytes(data)}))] += 1
    assert sum(caught.values()) == 3 * (len(block.header) + len(block.body))
    assert {part for field, part in caught if field == "body"} <= {"transactions", "signature", "outcomes", "moves"}
    assert {"outcomes", "signature", "transactions", "state", "log", "previous"} <= {part for _, part in caught}
    judge.machine.replay(block)  # the whole one is still taken


def test_the_last_block_cut_at_every_byte_is_refused(honest):
    block = honest[1][-1]
    judge = Judge(honest[1])
    for field in ("header", "body"):
        whole = getattr(block, field)
        for size in range(len(whole)):
            assert judge.part(block._replace(**{field: whole[:size]})) in {"header", "transactions"}
        assert judge.part(block._replace(**{field: whole + b"\x00"})) in {"header", "transactions"}
    judge.machine.replay(block)


def test_a_cut_row_keeps_the_ledger_closed_until_it_is_removed(honest, tmp_path):
    """No torn block is taken for the end: SQLite writes a row whole, so a cut one is damage and not an interruption."""
    path = Path(shutil.copy(honest[0], tmp_path / "ledger.sqlite3"))
    block = honest[1][-1]
    for size in (0, 1, len(block.body) // 2, len(block.body) - 1):
        with SqliteStore(path, write=True) as store:
            store._connection.execute("UPDATE blocks SET body = ? WHERE height = 2", (block.body[:size],))
        (finding,) = verify_ledger(path)
        assert (finding.code, dict(finding.facts)["height"]) == ("ledger.block_mismatch", "2")
        with pytest.raises(DamagedStoreError, match="block 2"):
            EmbeddedLedger(path)


def test_rows_changed_in_postgresql_are_found(postgresql):
    location = f"postgresql://{postgresql['USER']}@/{postgresql['NAME']}?host={postgresql['HOST']}"
    address = f"{location}#every-byte"
    block = written(address, sys.modules["ledger_network"].Network())[-1]
    with open_store(address, write=False) as store:
        table = store._table
    with psycopg.connect(location, autocommit=True) as connection:
        for field in ("header", "body"):
            whole = getattr(block, field)
            query = sql.SQL("UPDATE {} SET {} = %s WHERE height = 2").format(table, sql.Identifier(field))
            for at in range(0, len(whole), 61):
                data = bytearray(whole)
                data[at] ^= 1 << at % 8
                connection.execute(query, (bytes(data),))
                (finding,) = verify_ledger(address)
                assert (finding.code, dict(finding.facts)["height"]) == ("ledger.block_mismatch", "2")
            connection.execute(query, (whole,))
    assert verify_ledger(address) == []


def test_changed_bytes_of_the_file_are_found_or_change_nothing(honest, tmp_path):
    """Caught by SQLite's own checks, by the audit, or harmless: the blocks read are byte for byte the honest ones."""
    path = Path(shutil.copy(honest[0], tmp_path / "ledger.sqlite3"))
    whole = path.read_bytes()
    last = honest[1][-1]
    # All of the last block's row is looked at whatever the step: its bytes lie in the file as they are.
    rows = [(whole.index(part), len(part)) for part in (last.header, encode_tail(last))]
    every = {at for start, size in rows for at in range(start, start + size, max(STEP // 4, 1))}
    caught = Counter()
    # Where a row begins, its types lie beside its length: a changed one makes other types of the same row.
    starts = {at for start, _ in rows[:1] for at in range(start - 16, start)}
    for at in sorted(every | starts | set(range(0, len(whole), STEP)) | set(range(100))):
        with path.open("r+b") as file:
            file.seek(at)
            file.write(bytes([whole[at] ^ (1 << at % 8)]))
        caught[verdict(path, honest[1])] += 1
        with path.open("r+b") as file:
            file.seek(at)
            file.write(whole[at : at + 1])
        for extra in ("-wal", "-shm"):
            path.with_name(path.name + extra).unlink(missing_ok=True)
    assert verify_ledger(path) == []
    assert set(caught) <= {"SQLite", "audit", "nothing changed"}, caught
    assert caught["audit"] > 50
    print(f"{sum(caught.values())} of {len(whole)} bytes: {dict(caught)}")  # noqa: T201 -- shown by pytest -s


def encode_tail(block):
    """The beginning of a body that is sure to lie in one piece: long rows go on in overflow pages."""
    return block.body[:1_000]


def verdict(path, blocks):
    """What notices the change, if anything has to."""
    try:
        with SqliteStore(path, write=False) as store:
            found = list(store.blocks())
            damage = store.damage() if found == blocks else []
    except DamagedStoreError:
        return "SQLite"
    if found != blocks:
        return "audit" if verify_ledger(path) else "MISSED"
    return "SQLite" if damage else "nothing changed"


def test_the_judge_makes_its_machine_anew_as_it_was(honest):
    judge = Judge(honest[1])
    again = restored_machine(*judge.parts)
    assert encode(again.header) == encode(judge.machine.header)
    assert again.state.root() == judge.machine.state.root()
