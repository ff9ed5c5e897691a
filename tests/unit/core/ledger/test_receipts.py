"""Receipts, checked by the core and by the independent checker of the documentation."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ogniwo.core.kernel.refusals import Refusal
from ogniwo.core.ledger.admission import open_transaction
from ogniwo.core.ledger.blocks import TransactionEntry, read_body, read_header
from ogniwo.core.ledger.checkpoints import Checkpoint, sign_checkpoint, verifier_key
from ogniwo.core.ledger.intervals import commitment
from ogniwo.core.ledger.receipts import build_receipt, check_receipt, fingerprint

CHECKER = Path(__file__).resolve().parents[4] / "docs" / "check_receipt.py"
SALT = bytes(range(16))
DOCUMENT = {"kind": "statement", "month": "2027-01", "net_grosz": 12_345, "member": "zażółć"}


@pytest.fixture
def coop(network):
    return network.founded()


def receipt_for(coop, block, position, **extra):
    header, record = read_header(block.header), read_body(block.body)[position]
    signed = open_transaction(record.envelope)
    state, size = coop.machine.state, coop.machine.log.size
    log_index = header.log_size - header.transactions + position
    checkpoint = Checkpoint(coop.name, size, coop.machine.log.root())
    return build_receipt(
        envelope=record.envelope,
        entry=TransactionEntry(
            envelope=signed.digest.hex(),
            height=header.height,
            outcome=record.outcome,
            position=position,
            time=header.time,
            transaction=signed.transaction,
        ),
        log_index=log_index,
        inclusion=coop.machine.log.inclusion(log_index, size),
        checkpoint=sign_checkpoint(checkpoint, name=coop.name, key=coop.checkpoint_key),
        checkpoint_key=published(coop),
        keys=[state.keys[kid].key for kid in dict.fromkeys((*signed.signers, *signed.readers))],
        **extra,
    )


def published(coop):
    return verifier_key(coop.name, coop.checkpoint_key).text()


def run_checker(tmp_path, receipt, *options):
    path = tmp_path / "receipt.json"
    path.write_bytes(receipt if isinstance(receipt, bytes) else json.dumps(receipt).encode())
    return subprocess.run(
        [sys.executable, CHECKER, path, *options], capture_output=True, text=True, check=False, encoding="utf-8"
    )


@pytest.fixture
def minted(coop):
    leaves = coop.leaves()
    coop.ok(coop.mint(coop.record(leaves=leaves)), "gateway")
    coop.ok(coop.pay("op/coop/anna", "op/coop/jan", 1), "anna")
    return receipt_for(coop, coop.blocks[1], 0, interval=(leaves, 41))


@pytest.fixture
def many(coop):
    leaves = coop.leaves(wh=7)
    others = [coop.record(day=f"2027-01-{day}", leaves=coop.leaves(wh=day)) for day in (16, 18)]
    coop.ok(coop.mint_days(others[0], coop.record(leaves=leaves), others[1]), "gateway")
    coop.ok(coop.pay("op/coop/anna", "op/coop/jan", 1), "anna")
    return receipt_for(coop, coop.blocks[1], 0, interval=(leaves, 41))


@pytest.fixture
def anchored(coop):
    coop.ok(coop.anchor(commitment(salt=SALT, document=DOCUMENT)))
    return receipt_for(coop, coop.blocks[1], 0, document=(SALT, DOCUMENT))


def test_every_kind_of_transaction_has_a_receipt_the_core_accepts(coop):
    for position in range(18):
        receipt = receipt_for(coop, coop.blocks[0], position)
        assert check_receipt(receipt, checkpoint_key=published(coop)).open_checks == ()
    genesis = receipt_for(coop, coop.blocks[0], 0)
    assert len(fingerprint(genesis)) == 64


def test_the_independent_checker_says_what_it_checked(coop, minted, tmp_path):
    result = run_checker(tmp_path, minted, "--checkpoint-key", published(coop))
    assert result.returncode == 0, result.stdout + result.stderr
    lines = result.stdout.splitlines()
    assert [line[:2] for line in lines] == ["ok"] * 5
    assert "Transaction mint_metering of account op/coop/gateway" in lines[0]
    assert "outcome accepted" in lines[2]
    assert f"6960 Wh: signed by {coop.kid('gateway-reading')}" in lines[3]
    assert "66 Wh, measured" in lines[4]


def test_the_checker_checks_documents_and_says_whose_key_it_trusted(anchored, tmp_path):
    result = run_checker(tmp_path, anchored)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "it is the statement that was anchored" in result.stdout
    assert "came from the receipt itself" in result.stdout


def test_the_checker_uses_nothing_of_the_product():
    text = CHECKER.read_text(encoding="utf-8")
    assert "import ogniwo" not in text
    assert "from ogniwo" not in text
    assert len(text.splitlines()) <= 150


def changed(receipt, path, value):
    document = json.loads(receipt)
    target = document
    for step in path[:-1]:
        target = target[step]
    target[path[-1]] = value(target[path[-1]]) if callable(value) else value
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def flip(text):
    return ("0" if text[0] != "0" else "1") + text[1:]


MINT_CHANGES = [
    (["entry", "outcome"], "ledger.expired"),
    (["entry", "time"], 1_700_000_000),
    (["entry", "transaction"], flip),
    (["entry", "envelope"], flip),
    (["envelope", "signatures", 0, "signature"], lambda text: "B" + text[1:] if text[0] != "B" else "C" + text[1:]),
    (["envelope", "payload"], lambda text: text[:40] + ("A" if text[40] != "A" else "B") + text[41:]),
    (["inclusion", 0], flip),
    (["inclusion"], []),
    (["log_index"], 3),
    (["checkpoint"], lambda text: text.replace("\n22\n", "\n21\n").replace("\n23\n", "\n22\n")),
    (["interval", "leaf", "wh"], 67),
    (["interval", "leaf", "salt"], flip),
    (["interval", "index"], 40),
    (["interval", "proof", 0], flip),
    (["keys"], []),
]


@pytest.mark.parametrize(("path", "value"), MINT_CHANGES)
def test_any_change_of_a_receipt_is_found_by_both(coop, minted, tmp_path, path, value):
    forged = changed(minted, path, value)
    assert forged != minted
    with pytest.raises(Refusal):
        check_receipt(forged, checkpoint_key=published(coop))
    result = run_checker(tmp_path, forged, "--checkpoint-key", published(coop))
    assert (result.returncode, "FAILED" in result.stdout) == (1, True)


def test_an_interval_of_one_day_among_many(coop, many, tmp_path):
    assert len(check_receipt(many, checkpoint_key=published(coop)).readers) == 3
    result = run_checker(tmp_path, many, "--checkpoint-key", published(coop))
    assert result.returncode == 0, result.stdout + result.stderr
    lines = result.stdout.splitlines()
    assert [line[:2] for line in lines] == ["ok"] * 7
    assert "48 Wh, measured; part of 2027-01-15" in lines[6]


@pytest.mark.parametrize(("path", "value"), MINT_CHANGES)
def test_any_change_of_a_receipt_of_many_days_is_found_by_both(coop, many, tmp_path, path, value):
    forged = changed(many, path, value)
    assert forged != many
    with pytest.raises(Refusal):
        check_receipt(forged, checkpoint_key=published(coop))
    result = run_checker(tmp_path, forged, "--checkpoint-key", published(coop))
    assert (result.returncode, "FAILED" in result.stdout) == (1, True)


def test_an_interval_of_no_day_among_many_is_found_by_both(coop, many, tmp_path):
    for leaves in (coop.leaves(wh=9), coop.leaves(wh=7, channel="2.29.0")):
        with pytest.raises(Refusal):
            receipt_for(coop, coop.blocks[1], 0, interval=(leaves, 41))
    forged = changed(many, ["interval", "leaf", "channel"], "2.29.0")
    assert run_checker(tmp_path, forged).returncode == 1


@pytest.mark.parametrize(("path", "value"), [(["document", "content", "net_grosz"], 1), (["document", "salt"], flip)])
def test_another_document_is_found_by_both(coop, anchored, tmp_path, path, value):
    forged = changed(anchored, path, value)
    with pytest.raises(Refusal):
        check_receipt(forged, checkpoint_key=published(coop))
    assert run_checker(tmp_path, forged).returncode == 1


def test_a_checkpoint_by_another_key_is_refused(coop, minted, tmp_path):
    other = verifier_key(coop.name, Ed25519PrivateKey.from_private_bytes(bytes(32))).text()
    with pytest.raises(Refusal):
        check_receipt(minted, checkpoint_key=other)
    assert run_checker(tmp_path, minted, "--checkpoint-key", other).returncode == 1


def test_a_file_that_is_no_receipt(tmp_path):
    assert run_checker(tmp_path, b"not json").returncode == 1
    assert run_checker(tmp_path, {"receipt": 1}).returncode == 1


def test_parts_must_belong_to_the_transaction(coop):
    with pytest.raises(Refusal, match="minted day"):
        receipt_for(coop, coop.blocks[0], 1, interval=(coop.leaves(), 0))
    with pytest.raises(Refusal, match="anchor"):
        receipt_for(coop, coop.blocks[0], 1, document=(SALT, DOCUMENT))
