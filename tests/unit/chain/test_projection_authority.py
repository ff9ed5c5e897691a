"""The tables over operations of authority: what a proposal moves, and whom keys, proposals and recoveries concern."""

import json

import pytest

from ogniwo.chain.embedded import EmbeddedLedger
from ogniwo.chain.projection import Projection
from ogniwo.chain.proofs import receipt_of
from ogniwo.core.ledger import transactions as tx
from ogniwo.core.ledger.admission import open_transaction
from ogniwo.core.ledger.checkpoints import verifier_key
from ogniwo.core.ledger.receipts import check_receipt
from ogniwo.core.ledger.signing import public_key_of

ANNA, JAN = "op/coop/anna", "op/coop/jan"


@pytest.fixture
def ledger(tmp_path, network):
    with EmbeddedLedger(tmp_path / "ledger.sqlite3", clock=lambda: network.now, workers=1) as ledger:
        ledger.submit(network.founding(*network.authority()))
        yield ledger


@pytest.fixture
def projection(tmp_path, ledger):
    with Projection(ledger=ledger.address, path=tmp_path / "projection.sqlite3") as projection:
        yield projection


@pytest.fixture
def put(network, ledger):
    """Put a payload on the ledger by these keys and give its name."""

    def _put(payload, *names):
        (answer,) = ledger.submit([network.signed(payload, *names)])
        assert answer.code == "accepted", answer
        return answer.transaction

    return _put


def policy(network, permission):
    tree = tx.Group(members=tuple(tx.Voice(account=path, weight=1) for path in ("op", JAN)), need=2, weight=1)
    return tx.SetPolicy(
        **network.frame(), lifetime_s=3_600, permission=permission, policy=tree, subtree="op", veto_accounts=()
    )


def propose(network, operation):
    frame = {name: getattr(operation, name) for name in ("account", "expires", "id")}
    return tx.Propose(**network.frame(**frame), operation=operation, until=network.now + 60)


def operations(projection, account):
    return [place.operation for place in reversed(projection.history(account))]


def test_a_proposal_moves_balances_where_it_is_carried_out(network, ledger, projection, put):
    put(policy(network, "asset.issue"))
    issue = network.post(("op/issuer", "PLN/2", -70), (ANNA, "PLN/2", 70))
    name = put(propose(network, issue))
    projection.catch_up()
    assert projection.balances()[ANNA, "PLN/2"] == 100_000
    last = put(tx.Approve(**network.frame(account=JAN), proposal=name), "jan")
    projection.catch_up()
    with ledger.reading() as state:
        assert projection.balances() == state.balances
    found = projection.find(last)
    assert projection.movements(ANNA, "PLN/2")[0] == (found.log_index, ANNA, "PLN/2", 70)
    assert operations(projection, ANNA)[-2:] == ["propose", "approve"]
    projection.rebuild()
    with ledger.reading() as state:
        assert projection.balances() == state.balances


def test_an_asset_that_was_proposed_is_minted_from_its_own_issuer(network, ledger, projection, put):
    put(network.account("op/other", "control"))
    put(policy(network, "asset.define"))

    def define(issuer):
        return propose(
            network,
            network.asset("KWH-OUT/3", "metering", issuer=issuer, channels=("2.29.0",), transferable=False),
        )

    right, wrong = put(define("op/issuer")), put(define("op/other"))
    put(tx.Approve(**network.frame(account=JAN), proposal=right), "jan")
    (late,) = ledger.submit([network.signed(tx.Approve(**network.frame(account=JAN), proposal=wrong), "jan")])
    assert late.code == "ledger.asset_exists"
    record = network.record(leaves=network.leaves(channel="2.29.0"))
    put(network.mint(record, asset="KWH-OUT/3"), "gateway")
    projection.catch_up()
    with ledger.reading() as state:
        assert projection.balances() == state.balances
        assert state.balance("op/issuer", "KWH-OUT/3") == -record.total_wh


def test_whom_operations_concern(network, projection, put):
    put(network.register(ANNA, "spare", account=ANNA), "anna", "spare")
    limit = tx.KeyLimit(asset="PLN/2", per_day=5, per_transfer=5)
    put(tx.SetKeyLimits(**network.frame(account="op/coop"), kid=network.kid("anna"), limits=(limit,)), "coop")
    put(network.bind(JAN, "officer", "op/coop"))
    start = tx.StartRecovery(
        **network.frame(account=JAN), device="x", key=public_key_of(network.key("anna-new")), subject=ANNA
    )
    put(start, "jan", "op", "anna-new")
    put(tx.StopRecovery(**network.frame(account=ANNA), subject=ANNA), "spare")
    put(tx.SetFrozen(**network.frame(account=JAN), frozen=True, path=ANNA), "jan")
    put(policy(network, "key.revoke"))
    revoke = tx.RevokeKey(**network.frame(), kid=network.kid("anna"))
    name = put(propose(network, revoke))
    put(tx.Veto(**network.frame(), proposal=name))
    projection.catch_up()
    assert operations(projection, ANNA)[3:] == [
        "register_key",
        "set_key_limits",
        "start_recovery",
        "stop_recovery",
        "set_frozen",
        "propose",
        "veto",
    ]
    assert operations(projection, JAN)[-4:] == ["bind_role", "start_recovery", "set_frozen", "set_policy"]


def test_the_receipt_of_a_recovery_carries_the_key_that_is_not_registered_yet(network, ledger, projection, put):
    put(network.bind(JAN, "officer", "op/coop"))
    start = tx.StartRecovery(
        **network.frame(account=JAN), device="x", key=public_key_of(network.key("anna-new")), subject=ANNA
    )
    name = put(start, "jan", "op", "anna-new")
    receipt = receipt_of(ledger, projection, transaction=name, key=network.checkpoint_key)
    published = verifier_key(network.name, network.checkpoint_key).text()
    assert check_receipt(receipt, checkpoint_key=published).transaction == name
    assert len(json.loads(receipt)["keys"]) == 3


def test_a_file_of_older_tables_is_filled_again(tmp_path, network, ledger, projection):
    projection.catch_up()
    projection._connection.execute("PRAGMA user_version = 1")
    projection._connection.execute("DELETE FROM named")
    projection.close()
    with Projection(ledger=ledger.address, path=tmp_path / "projection.sqlite3") as again:
        again.catch_up()
        envelope = network.signed(tx.RevokeKey(**network.frame(account="op/coop"), kid=network.kid("anna")), "coop")
        ledger.submit([envelope])
        again.catch_up()
        assert again.history(ANNA)[0].name == open_transaction(envelope).transaction
