"""Signed notes: the forms of keys and of signature lines that checkpoints and cosignatures share (C2SP signed-note).

A published key is `name+hash+base64(kind, key)`; a signature line is an em dash, a blank, the name, a blank and
`base64(key hash, signature)`. The kind is one byte and says what such a key signs.
"""

import base64
from hashlib import sha256

LINE_PREFIX = "\u2014 "
_KEY_HASH_BYTES = 4
_KEY_BYTES = 32
_PRIME = 2**255 - 19
_ORDER_8 = int.from_bytes(bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"), "little")
_SMALL_ORDER = frozenset((0, 1, _PRIME - 1, _ORDER_8, _PRIME - _ORDER_8))
"""The y coordinates of the eight points of Ed25519 whose order divides eight: anybody can sign for such a key."""


def key_hash_of(name: str, key: bytes, *, kind: bytes) -> bytes:
    """The four bytes that pick a key's line: SHA-256(name, newline, kind, key)[:4]."""
    return sha256(name.encode() + b"\n" + kind + key).digest()[:_KEY_HASH_BYTES]


def key_text(name: str, key: bytes, *, kind: bytes) -> str:
    """The form people publish: `name+hash+key`."""
    key_hash = key_hash_of(name, key, kind=kind).hex()
    return f"{name}+{key_hash}+{base64.b64encode(kind + key).decode('ascii')}"


def from_base64(text: str) -> bytes:
    """Read padded base64 in its one spelling; raises ValueError for any other, which lenient readers would take."""
    data = base64.b64decode(text, validate=True)
    if base64.b64encode(data).decode("ascii") != text:
        raise ValueError("not in its one spelling")
    return data


def read_key(text: str, *, kind: bytes) -> tuple[str, bytes] | None:
    """Name and Ed25519 key (32 bytes) of `name+hash+key`; None when the form, the kind or the hash does not fit.

    A key of small order is none either: signatures of it prove nothing. Raises ValueError when the key is not base64.
    """
    name, _, rest = text.partition("+")
    hash_text, _, encoded = rest.partition("+")
    raw = from_base64(encoded)
    key = raw[1:]
    fits = name and raw[:1] == kind and len(key) == _KEY_BYTES and not _of_small_order(key)
    return (name, key) if fits and key_hash_of(name, key, kind=kind).hex() == hash_text else None


def _of_small_order(key: bytes) -> bool:
    return (int.from_bytes(key, "little") & (2**255 - 1)) % _PRIME in _SMALL_ORDER


def signature_line(name: str, key_hash: bytes, signature: bytes) -> str:
    """A signature as a line of a note, with its line end."""
    return f"{LINE_PREFIX}{name} {base64.b64encode(key_hash + signature).decode('ascii')}\n"


def signature_by(note: str, *, name: str, key_hash: bytes) -> bytes | None:
    """What the first line of this key in a note holds behind the key hash; None when the key has no line."""
    for line in note.partition("\n\n")[2].removesuffix("\n").split("\n"):
        signer, _, encoded = line.removeprefix(LINE_PREFIX).partition(" ")
        try:
            raw = from_base64(encoded)
        except ValueError:
            continue  # a line of a kind we do not know; the specification says to ignore it
        if signer == name and raw[:_KEY_HASH_BYTES] == key_hash:
            return raw[_KEY_HASH_BYTES:]
    return None
