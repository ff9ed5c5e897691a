import hashlib
import sqlite3

import pytest

from ogniwo.chain.embedded import EmbeddedLedger
from ogniwo.chain.journal import Located
from ogniwo.chain.projection import Projection, _Rows, _transferred
from ogniwo.core.ledger import transactions as tx
from ogniwo.core.ledger.admission import open_transaction
from ogniwo.core.ledger.blocks import Recorded


@pytest.fixture
def ledger(tmp_path, network):
    with EmbeddedLedger(tmp_path / "ledger.sqlite3", clock=lambda: network.now, workers=1) as ledger:
        ledger.submit(network.founding())
        yield ledger


@pytest.fixture
def projection(tmp_path, ledger):
    with Projection(ledger=ledger.address, path=tmp_path / "projection.sqlite3") as projection:
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


def test_both_sides_of_a_hold_see_what_happens_to_it(ledger, projection, network):
    anna, jan = "op/coop/anna", "op/coop/jan"

    def hold(**frame):
        terms = {"amount": 500, "asset": "PLN/2", "giver": anna, "taker": jan, "until": network.now + 60}
        return tx.Hold(**network.frame(account=anna, **frame), **terms)

    single = network.signed(hold(), "anna")
    name = open_transaction(single).transaction
    settled = tx.Settle(**network.frame(account=jan), amount=200, final=False, hold=name)
    frame = network.frame(account=anna)
    parts = tuple(hold(id=frame["id"]) for _ in range(2))
    batch = network.signed(tx.Batch(**frame, operations=parts), "anna")
    second = hashlib.sha256(f"{open_transaction(batch).transaction}/1".encode()).hexdigest()
    voids = [tx.Void(**network.frame(account=jan), hold=one) for one in (name, second)]
    answers = ledger.submit([single, network.signed(settled, "jan"), batch, *(network.signed(v, "jan") for v in voids)])
    assert {answer.code for answer in answers} == {"accepted"}
    projection.catch_up()
    expected = ["void", "void", "batch", "settle", "hold"]
    assert [entry.operation for entry in projection.history(anna, limit=5)] == expected
    assert [entry.operation for entry in projection.history(jan, limit=5)] == expected
    assert [move.amount for move in projection.movements(jan, "PLN/2")] == [200]
    with ledger.reading() as state:
        assert projection.balances() == state.balances


def garble(path, change):
    """Change the file of the tables as a bad disk would, while nobody has it open."""
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    path.write_bytes(change(path.read_bytes()))


GARBAGE = {
    "garbage": lambda data: b"no database at all " * 500,
    "garbled header": lambda data: b"\xff" * 100 + data[100:],
    "garbled pages": lambda data: data[:4_096] + b"\x5a" * (len(data) - 4_096),
    "cut short": lambda data: data[: len(data) // 2],
    "other tables": None,
}


@pytest.mark.parametrize("kind", GARBAGE)
def test_a_damaged_file_is_made_again(tmp_path, ledger, network, kind):
    path = tmp_path / "projection.sqlite3"
    (answer,) = ledger.submit([network.signed(network.pay("op/coop/anna", "op/coop/jan", 5), "anna")])
    with Projection(ledger=ledger.address, path=path) as projection:
        projection.catch_up()
        expected = projection.balances(), projection.history("op/coop/jan"), projection.find(answer.transaction)
    if GARBAGE[kind]:
        garble(path, GARBAGE[kind])
    else:
        path.unlink()
        connection = sqlite3.connect(path)
        connection.execute("CREATE TABLE progress (n)")
        connection.close()
    with Projection(ledger=ledger.address, path=path) as projection:
        assert projection.catch_up() == 1
        found = projection.balances(), projection.history("op/coop/jan"), projection.find(answer.transaction)
        assert found == expected
        assert projection.damage() == []


def test_damage_that_shows_only_while_reading_is_cured_too(tmp_path, ledger, network):
    path = tmp_path / "projection.sqlite3"
    with Projection(ledger=ledger.address, path=path) as projection:
        projection.catch_up()
        expected = projection.history("op/coop/anna")
    whole = path.read_bytes()
    cured = 0
    for page in range(1, len(whole) // 4_096):
        path.write_bytes(whole[: page * 4_096] + b"\xa5" * 4_096 + whole[(page + 1) * 4_096 :])
        with Projection(ledger=ledger.address, path=path) as projection:
            damage = projection.damage()
            assert projection.history("op/coop/anna") == expected
            assert projection.balances()["op/coop/anna", "PLN/2"] == 100_000
            cured += bool(damage) and not projection.damage()
    assert cured >= 3


def test_a_disk_that_is_full_is_no_reason_to_start_over(tmp_path, projection, ledger):
    projection.catch_up()
    with pytest.raises(sqlite3.OperationalError):
        projection._rows("SELECT 1 FROM balances WHERE account = ?", (_Busy(),))


class _Busy:
    """A value whose conversion fails as a full disk does."""

    def __conform__(self, protocol):
        error = sqlite3.OperationalError("database or disk is full")
        error.sqlite_errorcode = sqlite3.SQLITE_FULL
        raise error


def test_days_together_stand_in_the_tables_one_by_one(ledger, projection, network):
    days = [network.record(day=f"2027-01-{day}") for day in (15, 16, 17)]
    (alone,) = ledger.submit([network.signed(network.mint(days[1]), "gateway")])
    (answer,) = ledger.submit([network.signed(network.mint_days(*days), "gateway")])
    projection.catch_up()
    rows = projection._rows("SELECT day, total_wh, log_index FROM days ORDER BY day", ())
    wanted = [answer.log_index, alone.log_index, answer.log_index]
    assert rows == [(one.day, one.total_wh, index) for one, index in zip(days, wanted, strict=True)]
    assert [move.amount for move in projection.movements("op/coop/meter", "KWH-IN/3")] == [
        2 * days[0].total_wh,
        days[0].total_wh,
    ]
    assert "op/coop/meter" in projection.involved(answer.log_index)
    with ledger.reading() as state:
        assert projection.balances() == state.balances
    assert projection.rebuild() == ledger.head().height
    assert projection._rows("SELECT day, total_wh, log_index FROM days ORDER BY day", ()) == rows


def test_a_transfer_takes_the_short_way_to_the_same_rows(network, tmp_path):
    posts = [
        network.pay("op/coop/anna", "op/coop/jan", 5),
        network.post(("op/issuer", "PLN/2", -7), ("op/coop/anna", "PLN/2", 3), ("op/coop/jan", "PLN/2", 4)),
        network.post(
            ("op", "PLN/2", -1), ("op/coop/jan", "PLN/2", 1), ("op/coop/jan", "DUE/2", 2), ("op", "DUE/2", -2)
        ),
    ]
    name = bytes(32)
    with Projection(ledger=tmp_path / "none", path=tmp_path / "tables.sqlite3") as projection:
        for payload in posts:
            short, whole = _Rows(), _Rows()
            _transferred(short, 7, payload.account, payload)
            there = projection._apply(whole, 7, payload, name, Recorded("accepted", b""))
            about = projection._about(payload, name, accepted=True)
            whole.concerned += [(who, 7, "", 0) for who in {payload.account, *about} - there]
            assert (short.concerned, short.balances) == (whole.concerned, whole.balances)
