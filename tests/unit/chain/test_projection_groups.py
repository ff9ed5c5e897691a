"""Blocks go into the tables one at a time or several together: the same rows either way."""

import pytest

from ogniwo.chain import embedded
from ogniwo.chain.embedded import EmbeddedLedger
from ogniwo.chain.projection import _TABLES, BLOCKS_TOGETHER, Followed, Projection
from ogniwo.chain.store import DamagedStoreError
from ogniwo.core.ledger.admission import read_admitted
from ogniwo.core.ledger.blocks import read_body


@pytest.fixture
def ledger(tmp_path, network):
    """A history of many kinds in more blocks than go together twice."""
    with EmbeddedLedger(tmp_path / "ledger.sqlite3", clock=lambda: network.now, workers=1) as ledger:
        ledger.submit(network.founding())
        days = [network.record(day=f"2027-01-{day}") for day in (15, 16, 17)]
        first = network.record()
        (minted,) = ledger.submit([network.signed(network.mint(first), "gateway")])
        correction = network.record(version=2, leaves=network.leaves(wh=10))
        for payload, who in [
            (network.mint(correction, reason="exchange", references=(minted.transaction,)), "gateway"),
            (network.mint(days[1]), "gateway"),
            (network.mint_days(*days), "gateway"),
            (network.mint(days[1]), "gateway"),
            (network.pay("op/coop/anna", "op/coop/jan", 10**9), "anna"),
            (network.register("op/coop/anna", "tablet", account="op/coop/anna"), "anna"),
            *((network.pay("op/coop/anna", "op/coop/jan", amount), "anna") for amount in range(1, 12)),
        ]:
            names = (who, "tablet") if type(payload).__name__ == "RegisterKey" else (who,)
            ledger.submit([network.signed(payload, *names)])
        assert ledger.head().height > 2 * BLOCKS_TOGETHER
        yield ledger


def followed(ledger):
    found = []
    for block in ledger.read(0):
        recorded = read_body(block.body)
        found.append(Followed(block, recorded, [read_admitted(record.envelope) for record in recorded]))
    return found


def rows(projection):
    return {
        table: projection._rows(f"SELECT * FROM {table}", ())  # noqa: S608 -- the product's own names
        for table in _TABLES
    }


def test_together_and_one_by_one_give_the_same_rows(ledger, tmp_path):
    blocks = followed(ledger)
    found = []
    for together in (1, 3, len(blocks)):
        with Projection(ledger=ledger.address, path=tmp_path / f"{together}.sqlite3") as projection:
            for start in range(0, len(blocks), together):
                projection.follow(blocks[start : start + together])
            assert projection._reached[0] == ledger.head().height
            found.append(rows(projection))
    with Projection(ledger=ledger.address, path=tmp_path / "caught-up.sqlite3") as projection:
        assert projection.catch_up() == ledger.head().height
        found.append(rows(projection))
        with ledger.reading() as state:
            assert projection.balances() == state.balances
    assert all(each == found[0] for each in found)
    assert all(found[0][table] for table in ("transactions", "names", "concerned", "balances", "days", "named"))


def test_what_was_taken_in_is_passed_over_and_a_gap_is_left_to_catching_up(ledger, tmp_path):
    blocks = followed(ledger)
    with Projection(ledger=ledger.address, path=tmp_path / "tables.sqlite3") as projection:
        projection.follow(blocks[:4])
        projection.follow(blocks[6:9])
        assert projection._reached[0] == 3
        projection.follow(blocks[1:9])
        assert projection._reached[0] == 8
        projection.follow(blocks[2:5])
        assert projection._reached[0] == 8
        assert projection.catch_up() == ledger.head().height
        with ledger.reading() as state:
            assert projection.balances() == state.balances


def test_the_writer_hands_over_together_what_was_queued_together(network, tmp_path, monkeypatch):
    monkeypatch.setattr(embedded, "BLOCK_TRANSACTIONS_MAX", 4)
    path = tmp_path / "ledger.sqlite3"
    sizes = []

    class Watched(Projection):
        def follow(self, blocks):
            sizes.append(len(blocks))
            super().follow(blocks)

    with Watched(ledger=path, path=tmp_path / "tables.sqlite3") as projection:
        with EmbeddedLedger(path, clock=lambda: network.now, workers=0, projection=projection) as ledger:
            ledger.submit(network.founding())
            ledger.submit([network.signed(network.pay("op/coop/anna", "op/coop/jan", 1), "anna") for _ in range(90)])
        assert sum(sizes) == ledger.head().height + 1
        assert max(sizes) == BLOCKS_TOGETHER
        assert projection._reached[0] == ledger.head().height


def test_blocks_before_a_damage_are_taken_in(ledger, tmp_path, monkeypatch):
    blocks = ledger.read(0)

    class Store:
        def blocks(self, *, from_height=0):
            yield from blocks[from_height:11]
            raise DamagedStoreError(detail="block 11 cannot be read")

        def __enter__(self):
            return self

        def __exit__(self, *_):
            pass

    monkeypatch.setattr("ogniwo.chain.projection.open_store", lambda *_, **__: Store())
    with Projection(ledger=ledger.address, path=tmp_path / "tables.sqlite3") as projection:
        with pytest.raises(DamagedStoreError):
            projection.catch_up()
        assert projection._reached[0] == 10
        assert [row[0] for row in projection._rows("SELECT height FROM blocks", ())] == list(range(11))
