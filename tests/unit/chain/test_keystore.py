import stat

import pytest
from cryptography.hazmat.primitives import serialization

from ogniwo.chain.keystore import (
    KeyExposedError,
    KeyFileExistsError,
    KeyLockedError,
    KeyMissingError,
    KeyNameError,
    KeyStore,
)


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "keys"


def numbers(key):
    return key.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def test_keys_come_back_as_they_were_made(folder):
    store = KeyStore(folder)
    operator, checkpoint = store.create("operator"), store.create("checkpoint", kind="ed25519")
    assert numbers(KeyStore(folder).signing_key("operator")) == numbers(operator)
    assert numbers(KeyStore(folder).checkpoint_key("checkpoint")) == numbers(checkpoint)
    assert store.names() == ["checkpoint", "operator"]


def test_files_are_for_their_owner_alone(folder):
    KeyStore(folder).create("operator")
    path = folder / "operator.pem"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.read_bytes().startswith(b"-----BEGIN PRIVATE KEY-----")
    path.chmod(0o640)
    with pytest.raises(KeyExposedError):
        KeyStore(folder).signing_key("operator")


def test_a_passphrase_encrypts(folder, tmp_path):
    secret = tmp_path / "passphrase"
    secret.write_text("correct horse\n")
    secret.chmod(0o600)
    key = KeyStore(folder, passphrase_file=secret).create("operator")
    assert (folder / "operator.pem").read_bytes().startswith(b"-----BEGIN ENCRYPTED PRIVATE KEY-----")
    assert numbers(KeyStore(folder, passphrase_file=secret).signing_key("operator")) == numbers(key)
    with pytest.raises(KeyLockedError):
        KeyStore(folder).signing_key("operator")
    secret.write_text("wrong horse\n")
    with pytest.raises(KeyLockedError):
        KeyStore(folder, passphrase_file=secret).signing_key("operator")
    secret.chmod(0o644)
    with pytest.raises(KeyExposedError):
        KeyStore(folder, passphrase_file=secret).signing_key("operator")


def test_keys_are_never_overwritten(folder):
    key = KeyStore(folder).create("operator")
    with pytest.raises(KeyFileExistsError):
        KeyStore(folder).create("operator")
    assert numbers(KeyStore(folder).signing_key("operator")) == numbers(key)


def test_wrong_names_kinds_and_files(folder):
    store = KeyStore(folder)
    store.create("operator")
    store.create("checkpoint", kind="ed25519")
    for name in ("../operator", "", "A", "a/b"):
        with pytest.raises(KeyNameError):
            store.signing_key(name)
    for call in (store.signing_key, store.checkpoint_key):
        with pytest.raises(KeyMissingError):
            call("nobody")
    with pytest.raises(KeyMissingError):
        store.signing_key("checkpoint")
    with pytest.raises(KeyMissingError):
        store.checkpoint_key("operator")
    (folder / "operator.pem").write_bytes(b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")
    with pytest.raises(KeyLockedError):
        store.signing_key("operator")
