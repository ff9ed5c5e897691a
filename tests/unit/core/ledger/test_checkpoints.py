import base64
import hashlib

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from ogniwo.core.ledger.checkpoints import (
    Checkpoint,
    CheckpointFormError,
    CheckpointSignatureError,
    add_checkpoint_signature,
    parse_checkpoint,
    parse_verifier_key,
    sign_checkpoint,
    verifier_key,
    verify_checkpoint,
)

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
OTHER = Ed25519PrivateKey.from_private_bytes(bytes(32))
CHECKPOINT = Checkpoint("coop.example/log", 42, hashlib.sha256(b"root").digest())


def test_note_has_the_form_of_c2sp():
    note = sign_checkpoint(CHECKPOINT, name="coop.example/log", key=KEY)
    body, signature_line = note.split("\n\n")
    assert body.split("\n") == ["coop.example/log", "42", base64.b64encode(CHECKPOINT.root).decode()]
    dash, name, text = signature_line.removesuffix("\n").split(" ")
    raw = base64.b64decode(text)
    public = KEY.public_key().public_bytes_raw()
    assert (dash, name) == ("—", "coop.example/log")
    assert raw[:4] == hashlib.sha256(b"coop.example/log\n\x01" + public).digest()[:4]
    KEY.public_key().verify(raw[4:], f"{body}\n".encode())


def test_the_note_published_with_the_go_implementation():
    text = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
    key = parse_verifier_key(text)
    assert key.text() == text
    note = (
        "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n\n"
        "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
    )
    body, _, line = note.partition("\n\n")
    raw = base64.b64decode(line.split(" ")[2])
    assert raw[:4] == key.key_hash
    Ed25519PublicKey.from_public_bytes(key.key).verify(raw[4:], f"{body}\n".encode())
    with pytest.raises(CheckpointFormError):
        parse_checkpoint(note)


def test_signed_and_verified():
    note = sign_checkpoint(CHECKPOINT, name="coop.example/log", key=KEY)
    key = parse_verifier_key(verifier_key("coop.example/log", KEY).text())
    assert verify_checkpoint(note, key=key) == CHECKPOINT


def test_a_partner_adds_a_line():
    note = add_checkpoint_signature(
        sign_checkpoint(CHECKPOINT, name="coop.example/log", key=KEY), name="partner.example", key=OTHER
    )
    assert verify_checkpoint(note, key=verifier_key("coop.example/log", KEY)) == CHECKPOINT
    assert verify_checkpoint(note, key=verifier_key("partner.example", OTHER)) == CHECKPOINT
    with pytest.raises(CheckpointSignatureError):
        verify_checkpoint(note, key=verifier_key("nobody.example", OTHER))


@pytest.mark.parametrize("change", [("42", "43"), ("coop.example/log\n42", "coop.example/lox\n42")])
def test_changed_text_is_refused(change):
    note = sign_checkpoint(CHECKPOINT, name="coop.example/log", key=KEY).replace(*change)
    with pytest.raises(CheckpointSignatureError):
        verify_checkpoint(note, key=verifier_key("coop.example/log", KEY))


@pytest.mark.parametrize(
    "note",
    [
        "",
        "a\n1\n\n",
        "a\n1\nAAAA\n\n— a AAAA\n",
        f"a\n-1\n{'A' * 43}=\n\n— a AAAA\n",
        f"a\n01\n{'A' * 43}=\n\n— a AAAA\n",
        f"a\n1\n{'A' * 43}=\nextra\n\n— a AAAA\n",
        f"a\n1\n{'A' * 43}=\n\n- a AAAA\n",
        f"a\n1\n{'A' * 43}=\n\n— a AAAA",
        f"\n1\n{'A' * 43}=\n\n— a AAAA\n",
        "x" * 70_000,
    ],
)
def test_other_forms_are_refused(note):
    with pytest.raises(CheckpointFormError):
        parse_checkpoint(note)


def test_unknown_signature_lines_are_passed_over():
    note = sign_checkpoint(CHECKPOINT, name="coop.example/log", key=KEY)
    body, line = note.split("\n\n")
    noisy = f"{body}\n\n— stranger !!!\n— coop.example/log AAAAAAAA\n{line}"
    assert verify_checkpoint(noisy, key=verifier_key("coop.example/log", KEY)) == CHECKPOINT


@pytest.mark.parametrize("text", ["", "name", "name+00000000+AAAA", "name+zz+!!", "+c74f20a3+AA=="])
def test_malformed_verifier_keys_are_refused(text):
    with pytest.raises(CheckpointFormError):
        parse_verifier_key(text)
