"""Checkpoints: the size and root of the log, signed so that others can hold the operator to it.

The text forms are those of C2SP: tlog-checkpoint over signed-note, with Ed25519 because that is prescribed there.
A checkpoint is an origin line (the network), the size, the root in base64, a blank line, then signature lines
`-- name base64(key hash, signature)` with an em dash. Partners add their own lines as witnesses.
"""

import base64
import binascii
from typing import NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from ogniwo.core.kernel.refusals import Refusal
from ogniwo.core.ledger import notes
from ogniwo.core.ledger.canonical import INTEGER_LIMIT

_ED25519 = b"\x01"
_HASH_BYTES = 32
_NOTE_BYTES_MAX = 65_536
_SIZE_DIGITS_MAX = 16


class CheckpointFormError(Refusal):
    """A text is not a checkpoint or not a verifier key."""

    code = "ledger.checkpoint_form"


class CheckpointSignatureError(Refusal):
    """No line of a checkpoint is a valid signature by the key asked for."""

    code = "ledger.checkpoint_signature"


class Checkpoint(NamedTuple):
    """The log `origin` had `size` entries with this root (32 bytes)."""

    origin: str
    size: int
    root: bytes

    def body(self) -> str:
        """The signed text."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode('ascii')}\n"


class VerifierKey(NamedTuple):
    """A named Ed25519 public key."""

    name: str
    key: bytes

    @property
    def key_hash(self) -> bytes:
        """The four bytes that pick this key's line: SHA-256(name, newline, 0x01, key)[:4]."""
        return notes.key_hash_of(self.name, self.key, kind=_ED25519)

    def text(self) -> str:
        """The form people publish: `name+hash+key`."""
        return notes.key_text(self.name, self.key, kind=_ED25519)


def verifier_key(name: str, key: Ed25519PrivateKey) -> VerifierKey:
    """The public half of a checkpoint key under a name (the network's id, for the operator)."""
    return VerifierKey(name, key.public_key().public_bytes_raw())


def parse_verifier_key(text: str) -> VerifierKey:
    """Read `name+hash+key`; raises CheckpointFormError when it is malformed or the hash does not fit."""
    try:
        found = notes.read_key(text, kind=_ED25519)
    except ValueError as error:
        raise CheckpointFormError(detail=f"the key is not base64: {error}") from error
    if found is None:
        raise CheckpointFormError(detail="not a verifier key of the form name+hash+key for Ed25519")
    return VerifierKey(*found)


def sign_checkpoint(checkpoint: Checkpoint, *, name: str, key: Ed25519PrivateKey) -> str:
    """The signed note of a checkpoint."""
    return checkpoint.body() + "\n" + _line(checkpoint, name, key)


def add_checkpoint_signature(note: str, *, name: str, key: Ed25519PrivateKey) -> str:
    """The same note with one more signature line."""
    return note + _line(parse_checkpoint(note), name, key)


def _line(checkpoint: Checkpoint, name: str, key: Ed25519PrivateKey) -> str:
    return notes.signature_line(name, verifier_key(name, key).key_hash, key.sign(checkpoint.body().encode()))


def parse_checkpoint(note: str) -> Checkpoint:
    """Read a note without verifying it; raises CheckpointFormError."""
    body = _body(note)
    lines = body.split("\n")
    try:
        origin, size, root_text, *rest = lines
        root = base64.b64decode(root_text, validate=True)
    except (ValueError, binascii.Error) as error:
        raise CheckpointFormError(detail=f"not a checkpoint: {error}") from error
    if not (size.isascii() and size.isdigit()) or len(size) > _SIZE_DIGITS_MAX or int(size) > INTEGER_LIMIT:
        raise CheckpointFormError(detail="the size of a checkpoint is a plain number of at most 2^53 - 1")
    checkpoint = Checkpoint(origin, int(size), root)
    if rest != [""] or not origin or len(root) != _HASH_BYTES or checkpoint.body() != body:
        raise CheckpointFormError(detail="not a checkpoint of three lines: origin, size, root")
    return checkpoint


def verify_checkpoint(note: str, *, key: VerifierKey) -> Checkpoint:
    """The checkpoint in a note that this key signed; raises CheckpointFormError or CheckpointSignatureError."""
    checkpoint = parse_checkpoint(note)
    signature = notes.signature_by(note, name=key.name, key_hash=key.key_hash)
    if signature is None:
        raise CheckpointSignatureError(detail=f"no signature line by {key.name}")
    try:
        Ed25519PublicKey.from_public_bytes(key.key).verify(signature, checkpoint.body().encode())
    except InvalidSignature as error:
        raise CheckpointSignatureError(detail=f"the signature of {key.name} is not over this text") from error
    return checkpoint


def _body(note: str) -> str:
    """The text a note's signatures are over; refuses what has not the form of a note."""
    if len(note) > _NOTE_BYTES_MAX:
        raise CheckpointFormError(detail="longer than a checkpoint may be")
    text, gap, lines = note.partition("\n\n")
    if not gap or not lines.endswith("\n"):
        raise CheckpointFormError(detail="no blank line between text and signatures")
    if any(not line.startswith(notes.LINE_PREFIX) for line in lines.removesuffix("\n").split("\n")):
        raise CheckpointFormError(detail="a signature line begins with an em dash and a space")
    return text + "\n"
