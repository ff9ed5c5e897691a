import pytest

from ogniwo.chain.embedded import EmbeddedLedger
from ogniwo.chain.projection import Located, Projection
from ogniwo.core.ledger.admission import open_transaction


@pytest.fixture
def ledger(tmp_path, network):
    with EmbeddedLedger(tmp_path / "ledger.sqlite3", clock=lambda: network.now, workers=1) as ledger:
        ledger.submit(network.founding())
        yield ledger


@pytest.fixture
def projection(tmp_path, ledger):
    with Projection(ledger=ledger.path, path=tmp_path / "projection.sqlite3") as projection:
        yield projection


def test_tables_follow_the_blocks_and_equal_the_state(ledger, projection, network):
    assert projection.catch_up() == 0
    ledger.submit([network.signed(network.pay("op/coop/anna", "op/coop/jan", 2_500), "anna")])
    ledger.submit([network.signed(network.pay("op/coop/jan", "op/coop/anna", 10**9), "jan")])
    first = network.record()
    (minted,) = ledger.submit([network.signed(network.mint(first), "gateway")])
    second = network.record(version=2, leaves=network.leaves(wh=10))
    correction = network.mint(second, reason="exchange", references=(minted.transaction,))
    ledger.submit([network.signed(correction, "gateway")])
    assert projection.catch_up() == 4
    with ledger.reading() as state:
        assert projection.balances() == state.balances
    assert [move.amount for move in projection.movements("op/coop/meter", "KWH-IN/3")] == [
        second.total_wh - first.total_wh,
        first.total_wh,
    ]
    assert projection.rebuild() == 4
    with ledger.reading() as state:
        assert projection.balances() == state.balances


def test_history_shows_both_sides_and_pages(ledger, projection, network):
    envelopes = [network.signed(network.pay("op/coop/anna", "op/coop/jan", 1 + n), "anna") for n in range(5)]
    ledger.submit(envelopes)
    projection.catch_up()
    names = [open_transaction(envelope).transaction for envelope in envelopes]
    page = projection.history("op/coop/jan", limit=2)
    assert [place.name for place in page] == names[:2:-1]
    more = projection.history("op/coop/jan", limit=10, before=page[-1].log_index)
    assert [place.operation for place in more] == ["post", "post", "post", "register_key", "register_account"]
    assert [move.amount for move in projection.movements("op/coop/anna", "PLN/2")] == [-5, -4, -3, -2, -1, 100_000]


def test_find_gives_the_place_in_the_log(ledger, projection, network):
    envelope = network.signed(network.pay("op/coop/jan", "op/coop/anna", 1), "jan")
    (answer,) = ledger.submit([envelope])
    projection.catch_up()
    assert projection.find(answer.transaction) == Located(
        answer.transaction, 1, 0, 20, network.now, "post", "op/coop/jan", "ledger.insufficient_balance"
    )
    assert projection.find("0" * 64) is None


def test_balances_of_a_subtree(projection, ledger):
    projection.catch_up()
    assert projection.balances(subtree="op/coop") == {("op/coop/anna", "PLN/2"): 100_000}
    assert projection.balances(subtree="op/co") == {}


def test_another_chain_underneath_is_noticed(tmp_path, network, projection, ledger):
    ledger.submit([network.signed(network.pay("op/coop/anna", "op/coop/jan", 5), "anna")])
    projection.catch_up()
    network.now += 1
    other = tmp_path / "other.sqlite3"
    with EmbeddedLedger(other, clock=lambda: network.now, workers=1) as fresh:
        fresh.submit(network.founding())
    with Projection(ledger=other, path=tmp_path / "projection.sqlite3") as moved:
        assert moved.catch_up() == 0
        assert moved.balances() == {("op/issuer", "PLN/2"): -100_000, ("op/coop/anna", "PLN/2"): 100_000}
