"""Validators: keys, addresses, and the changes that CometBFT is told after a block."""

from collections.abc import Mapping
from hashlib import sha256

ADDRESS_BYTES = 20


def address_of(public_key: bytes) -> str:
    """A validator's address (upper-case hex) from its Ed25519 public key: how CometBFT names it in evidence."""
    return sha256(public_key).digest()[:ADDRESS_BYTES].hex().upper()


def node_id_of(public_key: bytes) -> str:
    """A node's id (lower-case hex) from the Ed25519 key it identifies itself with to its peers."""
    return sha256(public_key).digest()[:ADDRESS_BYTES].hex()


def validator_changes(before: Mapping[str, int], after: Mapping[str, int]) -> list[tuple[str, int]]:
    """The keys (hex) whose power changed, with the new power (0 = removed), in the order of the keys."""
    return [(key, after.get(key, 0)) for key in sorted({*before, *after}) if before.get(key, 0) != after.get(key, 0)]
