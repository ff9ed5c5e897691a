"""Whoever holds a checkpoint recognises the log it was of, and every other."""

import hashlib
import json

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ogniwo.core.kernel.refusals import Refusal
from ogniwo.core.ledger.checkpoints import (
    Checkpoint,
    CheckpointFormError,
    CheckpointSignatureError,
    parse_checkpoint,
    parse_verifier_key,
    sign_checkpoint,
    verifier_key,
)
from ogniwo.core.ledger.continuity import (
    ConsistencyMissingError,
    ForkedError,
    LogShrankError,
    build_consistency,
    check_against_held,
    check_consistency,
)
from ogniwo.core.ledger.cosignatures import (
    CosignatureError,
    NotFinalError,
    WitnessPolicy,
    cosign,
    verify_cosignature,
    witness_key,
)
from ogniwo.core.ledger.merkle import Tree, leaf_hash
from ogniwo.core.ledger.notes import key_text

ORIGIN = "test.example/one"
KEY = Ed25519PrivateKey.from_private_bytes(hashlib.sha256(b"log").digest())
PUBLISHED = verifier_key(ORIGIN, KEY).text()
TREE = Tree(leaf_hash(str(number).encode()) for number in range(60))
FORK = Tree(leaf_hash(str(number).encode()) for number in (*range(5), 500, *range(6, 60)))


def note(size, tree=TREE, origin=ORIGIN):
    return sign_checkpoint(Checkpoint(origin, size, tree.root(size)), name=ORIGIN, key=KEY)


def between(old, new, tree=TREE, older=None, newer=None):
    return build_consistency(
        older=older or note(old), newer=newer or note(new), proof=tree.consistency(old, new), checkpoint_key=PUBLISHED
    )


@pytest.mark.parametrize(("old", "new"), [(1, 60), (7, 32), (32, 33), (60, 60)])
def test_an_honest_log_continues(old, new):
    older, newer = check_consistency(between(old, new), checkpoint_key=PUBLISHED)
    assert (older.size, newer.size) == (old, new)


def test_no_proof_can_be_built_for_another_past():
    with pytest.raises(ForkedError):
        between(10, 20, FORK, newer=note(20, FORK))
    with pytest.raises(ForkedError):
        between(10, 20, newer=note(20, FORK))
    with pytest.raises(LogShrankError):
        between(10, 20, older=note(20), newer=note(10))
    with pytest.raises(ForkedError):
        between(10, 20, newer=note(20, origin="other/network"))


def test_the_document_is_read_strictly_and_under_the_readers_key():
    document = between(3, 9)
    other = verifier_key(ORIGIN, Ed25519PrivateKey.from_private_bytes(bytes(32))).text()
    with pytest.raises(CheckpointSignatureError):
        check_consistency(document, checkpoint_key=other)
    with pytest.raises(Refusal) as caught:
        check_consistency(document + b"\n", checkpoint_key=PUBLISHED)
    assert caught.value.code == "ledger.not_canonical"
    changed = json.loads(document)
    changed["proof"][0] = "0" * 64
    with pytest.raises(ForkedError):
        check_consistency(
            json.dumps(changed, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode(),
            checkpoint_key=PUBLISHED,
        )


def test_who_holds_a_checkpoint_takes_only_the_same_log():
    given = {"held": note(10), "checkpoint_key": PUBLISHED}
    assert check_against_held(note(10), **given).size == 10
    assert check_against_held(note(20), proof=between(10, 20), **given).size == 20
    assert check_against_held(note(4), proof=between(4, 10), **given).size == 4
    for proof in (None, between(10, 21), between(9, 20)):
        with pytest.raises(ConsistencyMissingError):
            check_against_held(note(20), proof=proof, **given)
    with pytest.raises(ForkedError):
        check_against_held(note(10, FORK), **given)
    with pytest.raises(ForkedError):
        check_against_held(note(10, origin="other/network"), **given)
    with pytest.raises(ConsistencyMissingError):
        check_against_held(note(20, FORK), proof=between(10, 20), **given)


@pytest.mark.parametrize("size", [2**53, 2**64, "9" * 5_000, "007", "+7", "\u0663"])
def test_sizes_beyond_exact_numbers_are_no_checkpoint(size):
    with pytest.raises(CheckpointFormError):
        parse_checkpoint(f"{ORIGIN}\n{size}\n" + note(7).split("\n", 2)[2])


def test_base64_has_one_spelling():
    """A lenient reader would take four spellings of the last letters of a line or a key."""
    text = note(7)
    *_, line = text.splitlines()
    assert line.endswith("=")
    other = line[:-3] + chr(ord(line[-3]) + 1) + line[-2:]
    with pytest.raises(CheckpointSignatureError):
        check_against_held(text.replace(line, other), held=note(7), checkpoint_key=PUBLISHED)


@pytest.mark.parametrize(
    "raw",
    [
        "00" * 32,
        "01" + "00" * 31,
        "ec" + "ff" * 30 + "7f",
        "ed" + "ff" * 30 + "ff",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
    ],
)
def test_keys_that_anybody_can_sign_for_are_refused(raw):
    with pytest.raises(CheckpointFormError):
        parse_verifier_key(key_text(ORIGIN, bytes.fromhex(raw), kind=b"\x01"))


def test_a_policy_demands_its_number_and_a_time_that_can_be():
    witness = Ed25519PrivateKey.from_private_bytes(hashlib.sha256(b"w").digest())
    public = witness_key("w", witness)
    policy = WitnessPolicy(witnesses=(public,), quorum=1)
    with pytest.raises(NotFinalError):
        policy.demand_final(note(5))
    assert policy.demand_final(note(5) + cosign(note(5), name="w", key=witness, time_s=9)) == (("w", 9),)
    with pytest.raises(CosignatureError):
        verify_cosignature(note(5) + cosign(note(5), name="w", key=witness, time_s=2**53), key=public)
