import json

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ogniwo.chain.embedded import EmbeddedLedger
from ogniwo.chain.projection import Projection
from ogniwo.chain.proofs import EmptyLedgerError, NotOnLedgerError, checkpoint_of, receipt_of
from ogniwo.core.ledger.checkpoints import verifier_key, verify_checkpoint
from ogniwo.core.ledger.intervals import commitment
from ogniwo.core.ledger.merkle import consistent
from ogniwo.core.ledger.receipts import check_receipt


@pytest.fixture
def ledger(tmp_path, network):
    with EmbeddedLedger(tmp_path / "ledger.sqlite3", clock=lambda: network.now, threads=1) as ledger:
        yield ledger


@pytest.fixture
def projection(tmp_path, ledger):
    with Projection(ledger=ledger.path, path=tmp_path / "projection.sqlite3") as projection:
        yield projection


def test_receipts_of_everything_that_was_recorded(ledger, projection, network):
    answers = ledger.submit(network.founding())
    leaves = network.leaves()
    document = {"month": "2027-01", "net_grosz": 7}
    answers += ledger.submit(
        [
            network.signed(network.mint(network.record(leaves=leaves)), "gateway"),
            network.signed(network.anchor(commitment(salt=bytes(16), document=document))),
            network.signed(network.pay("op/coop/jan", "op/coop/anna", 1), "jan"),
        ]
    )
    options = {18: {"interval": (leaves, 95)}, 19: {"document": (bytes(16), document)}}
    published = verifier_key(network.name, network.checkpoint_key).text()
    for number, answer in enumerate(answers):
        receipt = receipt_of(
            ledger,
            projection,
            transaction=answer.transaction,
            key=network.checkpoint_key,
            **options.get(number, {}),
        )
        assert check_receipt(receipt, checkpoint_key=published).transaction == answer.transaction
        assert json.loads(receipt)["entry"]["outcome"] == answer.code


def test_what_is_not_on_the_ledger_has_no_receipt(ledger, projection, network):
    with pytest.raises(EmptyLedgerError):
        checkpoint_of(ledger, key=network.checkpoint_key)
    ledger.submit(network.founding())
    with pytest.raises(NotOnLedgerError):
        receipt_of(ledger, projection, transaction="0" * 64, key=network.checkpoint_key)


def test_checkpoints_of_a_growing_log_are_consistent(ledger, network):
    key: Ed25519PrivateKey = network.checkpoint_key
    ledger.submit(network.founding())
    old = verify_checkpoint(checkpoint_of(ledger, key=key), key=verifier_key(network.name, key))
    ledger.submit([network.signed(network.pay("op/coop/anna", "op/coop/jan", 5), "anna")])
    new = verify_checkpoint(checkpoint_of(ledger, key=key), key=verifier_key(network.name, key))
    proof = ledger.log.consistency(old.size, new.size)
    assert (old.size, new.size) == (19, 21)
    assert consistent(old=old.size, new=new.size, proof=proof, old_root=old.root, new_root=new.root)
