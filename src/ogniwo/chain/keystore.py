"""Private keys as files: PKCS#8 in PEM, readable by their owner only, with or without a passphrase.

For keys that a machine uses unattended: the operator's, a gateway's, the checkpoint key. Members' keys stay with them.
"""

import os
import re
import secrets
import stat
from pathlib import Path
from typing import Literal

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ogniwo.core.kernel.refusals import Refusal

KeyKind = Literal["p256", "ed25519"]
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}\Z")
_OWNER_ONLY = 0o600
_TEMPORARY = ".tmp-"
"""No key's name begins like this, and no such file ends in `.pem`."""


class KeyNameError(Refusal):
    """A key's name has letters that a file name should not have."""

    code = "keystore.name"


class KeyFileExistsError(Refusal):
    """A key of this name exists; keys are never overwritten."""

    code = "keystore.exists"


class KeyMissingError(Refusal):
    """There is no key of this name, or none of this kind."""

    code = "keystore.missing"


class KeyExposedError(Refusal):
    """Others than the owner may read the key file or the passphrase file."""

    code = "keystore.exposed"


class KeyLockedError(Refusal):
    """The passphrase is missing or wrong, or the file is damaged."""

    code = "keystore.locked"


class KeyStore:
    """A folder of private keys; `passphrase_file` encrypts new ones and opens encrypted ones."""

    def __init__(self, folder: Path, *, passphrase_file: Path | None = None) -> None:
        self._folder = folder
        self._passphrase_file = passphrase_file

    def names(self) -> list[str]:
        """The names of the keys, sorted."""
        return sorted(path.stem for path in self._folder.glob("*.pem"))

    def create(self, name: str, *, kind: KeyKind = "p256") -> ec.EllipticCurvePrivateKey | Ed25519PrivateKey:
        """Make a key and write it: P-256 for transactions and readings, Ed25519 for checkpoints.

        The name stands for the whole key or is not there, also when the process is killed on the way. Raises
        KeyFileExistsError.
        """
        key = ec.generate_private_key(ec.SECP256R1()) if kind == "p256" else Ed25519PrivateKey.generate()
        self.keep(name, key)
        return key

    def keep(self, name: str, key: ec.EllipticCurvePrivateKey | Ed25519PrivateKey) -> None:
        """Write a key made elsewhere, as `create` does; raises KeyFileExistsError."""
        passphrase = self._passphrase()
        data = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(passphrase) if passphrase else serialization.NoEncryption(),
        )
        path = self._path(name)
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _write_once(path, data)

    def signing_key(self, name: str) -> ec.EllipticCurvePrivateKey:
        """The P-256 key of this name."""
        key = self._load(name)
        if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
            raise KeyMissingError(detail=f"{name} is no P-256 key")
        return key

    def checkpoint_key(self, name: str) -> Ed25519PrivateKey:
        """The Ed25519 key of this name."""
        key = self._load(name)
        if not isinstance(key, Ed25519PrivateKey):
            raise KeyMissingError(detail=f"{name} is no Ed25519 key")
        return key

    def _load(self, name: str) -> object:
        path = self._path(name)
        data = _private_bytes(path)
        passphrase = self._passphrase() if b"ENCRYPTED" in data else None
        try:
            return serialization.load_pem_private_key(data, passphrase)
        except (ValueError, TypeError) as error:
            raise KeyLockedError(detail=f"{path} cannot be opened: {error}") from error

    def _passphrase(self) -> bytes | None:
        return None if self._passphrase_file is None else _private_bytes(self._passphrase_file).rstrip(b"\r\n")

    def _path(self, name: str) -> Path:
        if not _NAME.match(name):
            raise KeyNameError(detail=f"{name!r} cannot name a key file")
        return self._folder / f"{name}.pem"


def _write_once(path: Path, data: bytes) -> None:
    """Give a file its name when all of it is on disk; a killed writer leaves a temporary name, which is no key's."""
    temporary = path.parent / f"{_TEMPORARY}{path.stem}-{secrets.token_hex(6)}"
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, _OWNER_ONLY)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.link(temporary, path)  # unlike a rename it refuses to replace
    except FileExistsError as error:
        raise KeyFileExistsError(detail=f"{path} exists") from error
    finally:
        temporary.unlink()
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _private_bytes(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            if stat.S_IMODE(os.fstat(file.fileno()).st_mode) & 0o077:
                raise KeyExposedError(detail=f"{path} can be read by others; set its mode to 600")
            return file.read()
    except FileNotFoundError as error:
        raise KeyMissingError(detail=f"{path} does not exist") from error
