import base64
import hashlib
from http import HTTPStatus

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from ogniwo.core.ledger.checkpoints import Checkpoint, sign_checkpoint, verifier_key, verify_checkpoint
from ogniwo.core.ledger.cosignatures import (
    CosignatureError,
    WitnessKeyError,
    WitnessPolicy,
    WitnessPolicyError,
    cosign,
    parse_witness_key,
    verify_cosignature,
    witness_key,
)
from ogniwo.core.ledger.merkle import Tree, leaf_hash
from ogniwo.core.ledger.witness import WitnessRefusalError, WitnessRequest, judge, parse_request

ORIGIN = "test.example/one"


def private(name):
    return Ed25519PrivateKey.from_private_bytes(hashlib.sha256(name.encode()).digest())


LOG_KEY = private("log")
LOGS = {ORIGIN: verifier_key(ORIGIN, LOG_KEY)}


def tree(count, flavour=b""):
    return Tree(leaf_hash(flavour + str(number).encode()) for number in range(count))


def checkpoint(log, size):
    return Checkpoint(ORIGIN, size, log.root(size))


def note(log, size, key=LOG_KEY):
    return sign_checkpoint(checkpoint(log, size), name=ORIGIN, key=key)


def test_a_cosignature_has_the_bytes_of_the_specification():
    """Key hash, eight bytes of time, then Ed25519 over `cosignature/v1`, time and checkpoint."""
    key, text = private("w"), note(tree(3), 3)
    line = cosign(text, name="w.example", key=key, time_s=1_679_315_147)
    mark, name, encoded = line.rstrip("\n").split(" ")
    raw = base64.b64decode(encoded)
    public = key.public_key().public_bytes_raw()
    assert (mark, name) == ("\u2014", "w.example")
    assert raw[:4] == hashlib.sha256(b"w.example\n\x04" + public).digest()[:4]
    assert int.from_bytes(raw[4:12], "big") == 1_679_315_147
    body = text.partition("\n\n")[0] + "\n"
    key.public_key().verify(raw[12:], b"cosignature/v1\ntime 1679315147\n" + body.encode())
    assert verify_cosignature(text + line, key=witness_key("w.example", key)) == 1_679_315_147
    assert verify_checkpoint(text + line, key=LOGS[ORIGIN]).size == 3


def test_a_cosignature_is_not_valid_over_another_checkpoint_or_time():
    key, public = private("w"), witness_key("w.example", private("w"))
    log = tree(4)
    line = cosign(note(log, 3), name="w.example", key=key, time_s=5)
    with pytest.raises(CosignatureError):
        verify_cosignature(note(log, 4) + line, key=public)
    raw = bytearray(base64.b64decode(line.split(" ")[2]))
    raw[11] ^= 1
    forged = f"\u2014 w.example {base64.b64encode(raw).decode()}\n"
    with pytest.raises(CosignatureError):
        verify_cosignature(note(log, 3) + forged, key=public)
    assert verify_cosignature(note(log, 3), key=public) is None


def test_keys_are_read_as_they_are_written_and_refused_otherwise():
    public = witness_key("w.example", private("w"))
    assert parse_witness_key(public.text()) == public
    for text in (
        "",
        "w+00000000+AAAA",
        public.text().replace("w.", "v."),
        verifier_key("w.example", private("w")).text(),
    ):
        with pytest.raises(WitnessKeyError):
            parse_witness_key(text)
    with pytest.raises(WitnessKeyError):
        witness_key("two words", private("w"))


def test_a_policy_counts_each_witness_once():
    first, second, third = (witness_key(name, private(name)) for name in "abc")
    policy = WitnessPolicy(witnesses=(first, second, third), quorum=2)
    text = note(tree(2), 2)
    line = cosign(text, name="a", key=private("a"), time_s=1)
    assert not policy.is_final(text + line + line)
    both = text + line + cosign(text, name="b", key=private("b"), time_s=2)
    assert policy.cosigners(both) == (("a", 1), ("b", 2))
    assert policy.is_final(both)
    for witnesses, quorum in (((first,), 0), ((first,), 2), ((first, first), 1), ((), 1)):
        with pytest.raises(WitnessPolicyError):
            WitnessPolicy(witnesses=witnesses, quorum=quorum)


@given(st.integers(0, 40), st.integers(1, 40))
def test_an_honest_log_is_signed_at_every_step_and_requests_round_trip(old, grown):
    log = tree(old + grown)
    seen = checkpoint(log, old) if old else None
    proof = tuple(log.consistency(old, old + grown)) if old else ()
    request = parse_request(WitnessRequest(old, proof, note(log, old + grown)).encode())
    assert request == WitnessRequest(old, proof, note(log, old + grown))
    assert judge(request, logs=LOGS, seen=seen) == checkpoint(log, old + grown)


def _refused(request, *, seen=None, logs=LOGS):
    with pytest.raises(WitnessRefusalError) as caught:
        judge(request, logs=logs, seen=seen)
    return caught.value


def test_a_rewritten_log_is_refused_whatever_proof_it_brings():
    """The operator drops and recomputes: neither the old proof nor one of the new log leads from what was signed."""
    honest, rewritten = tree(8), tree(12, b"x")
    seen = checkpoint(honest, 8)
    for proof in ((), tuple(honest.consistency(4, 8)), tuple(rewritten.consistency(8, 12))):
        refusal = _refused(WitnessRequest(8, proof, note(rewritten, 12)), seen=seen)
        assert refusal.status == HTTPStatus.UNPROCESSABLE_ENTITY


def test_a_fork_of_the_same_size_is_named():
    refusal = _refused(WitnessRequest(8, (), note(tree(8, b"x"), 8)), seen=checkpoint(tree(8), 8))
    assert refusal.status == HTTPStatus.CONFLICT
    assert "forked" in refusal.detail


def test_who_starts_elsewhere_is_told_where_the_witness_stands():
    log = tree(9)
    refusal = _refused(WitnessRequest(0, (), note(log, 9)), seen=checkpoint(log, 5))
    assert (refusal.status, refusal.body) == (HTTPStatus.CONFLICT, "5\n")
    assert _refused(WitnessRequest(9, (), note(log, 5)), seen=checkpoint(log, 9)).status == HTTPStatus.BAD_REQUEST


def test_strangers_are_refused():
    log = tree(2)
    assert _refused(WitnessRequest(0, (), note(log, 2)), logs={}).status == HTTPStatus.NOT_FOUND
    assert _refused(WitnessRequest(0, (), note(log, 2, private("thief")))).status == HTTPStatus.FORBIDDEN
    assert _refused(WitnessRequest(0, (b"\0" * 32,), note(log, 2))).status == HTTPStatus.BAD_REQUEST
    assert _refused(WitnessRequest(0, (), "no checkpoint")).status == HTTPStatus.BAD_REQUEST


@pytest.mark.parametrize(
    "body", ["", "old 1", "new 1\n\nx", "old -1\n\nx", "old 1\n!!!\n\nx", "old 1\n" + "AA==\n" * 64 + "\nx"]
)
def test_what_is_no_request_is_refused(body):
    with pytest.raises(WitnessRefusalError) as caught:
        parse_request(body)
    assert caught.value.status == HTTPStatus.BAD_REQUEST
