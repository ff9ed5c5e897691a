import json

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ogniwo.chain.embedded import EmbeddedLedger
from ogniwo.chain.projection import Projection
from ogniwo.chain.proofs import EmptyLedgerError, NotOnLedgerError, checkpoint_of, consistency_of, receipt_of
from ogniwo.core.ledger.checkpoints import Checkpoint, sign_checkpoint, verifier_key, verify_checkpoint
from ogniwo.core.ledger.continuity import ForkedError, LogShrankError, check_consistency
from ogniwo.core.ledger.intervals import commitment
from ogniwo.core.ledger.merkle import EMPTY_ROOT, consistent
from ogniwo.core.ledger.receipts import check_receipt


@pytest.fixture
def ledger(tmp_path, network):
    with EmbeddedLedger(tmp_path / "ledger.sqlite3", clock=lambda: network.now, workers=1) as ledger:
        yield ledger


@pytest.fixture
def projection(tmp_path, ledger):
    with Projection(ledger=ledger.address, path=tmp_path / "projection.sqlite3") as projection:
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


def test_an_older_checkpoint_is_led_to_the_log_of_now_or_refused(ledger, network):
    key = network.checkpoint_key
    published = verifier_key(network.name, key).text()
    with pytest.raises(EmptyLedgerError):
        consistency_of(ledger, older="", key=key)
    ledger.submit(network.founding())
    older = checkpoint_of(ledger, key=key)
    ledger.submit([network.signed(network.pay("op/coop/anna", "op/coop/jan", 5), "anna")])
    cosigned = checkpoint_of(ledger, key=key) + "\u2014 witness AAAA\n"
    document = consistency_of(ledger, older=older, key=key, notes=(older, cosigned))
    assert [one.size for one in check_consistency(document, checkpoint_key=published)] == [19, 21]
    assert json.loads(document)["newer"] == cosigned
    nothing = sign_checkpoint(Checkpoint(network.name, 0, EMPTY_ROOT), name=network.name, key=key)
    assert check_consistency(consistency_of(ledger, older=nothing, key=key), checkpoint_key=published)[0].size == 0
    forked = sign_checkpoint(Checkpoint(network.name, 19, bytes(32)), name=network.name, key=key)
    with pytest.raises(ForkedError):
        consistency_of(ledger, older=forked, key=key)
    longer = sign_checkpoint(Checkpoint(network.name, 99, bytes(32)), name=network.name, key=key)
    with pytest.raises(LogShrankError):
        consistency_of(ledger, older=longer, key=key)
