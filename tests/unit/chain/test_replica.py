import pytest

from ogniwo.chain.embedded import EmbeddedLedger
from ogniwo.chain.projection import Followed, Projection
from ogniwo.chain.replica import Replica
from ogniwo.chain.store import NoStoreError


@pytest.fixture
def ledger(tmp_path, network):
    with EmbeddedLedger(tmp_path / "ledger.sqlite3", clock=lambda: network.now, workers=1) as ledger:
        ledger.submit(network.founding())
        yield ledger


def paid(ledger, network, amount=5):
    return ledger.submit([network.signed(network.pay("op/coop/anna", "op/coop/jan", amount), "anna")])[0]


def test_a_replica_follows_while_the_writer_holds_the_ledger(ledger, network):
    replica = Replica(ledger.address)
    for _ in range(3):
        assert paid(ledger, network).code == "accepted"
        with replica.following() as followed, followed.reading() as state, ledger.reading() as written:
            assert followed.head() == ledger.head()
            assert state.balances == written.balances
            assert followed.log.root() == ledger.log.root()
            assert followed.read(ledger.head().height) == ledger.read(ledger.head().height)


def test_a_replica_goes_over_to_the_ledger_that_took_the_place(ledger, network, tmp_path):
    replica = Replica(ledger.address)
    paid(ledger, network)
    with replica.following():
        assert replica.head().height == 1
    ledger.close()
    for path in tmp_path.glob("ledger.sqlite3*"):
        if path.is_file():
            path.unlink()
    with pytest.raises(NoStoreError), replica.following():
        pass
    with EmbeddedLedger(tmp_path / "ledger.sqlite3", clock=lambda: network.now, workers=1) as fresh:
        fresh.submit(network.founding())
        paid(fresh, network, 7)
        paid(fresh, network, 8)
        with replica.following():
            assert replica.head() == fresh.head()


def test_two_processes_keep_the_same_tables_up(ledger, network, tmp_path):
    path = tmp_path / "projection.sqlite3"
    with Projection(ledger=ledger.address, path=path) as first, Projection(ledger=ledger.address, path=path) as second:
        first.catch_up()
        second.catch_up()
        stale = ledger.read(0)[0]
        for amount in (5, 6):
            paid(ledger, network, amount)
        assert first.catch_up() == 2
        for block in ledger.read(1):
            second.follow([Followed(block, (), ())])  # it knows nothing yet of what the first has written
        assert second.catch_up() == first.catch_up() == 2
        second.follow([Followed(stale, (), ())])
        with ledger.reading() as state:
            assert second.balances() == first.balances() == state.balances
