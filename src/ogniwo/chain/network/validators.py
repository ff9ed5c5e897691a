"""Validators: keys, addresses, and the changes that CometBFT is told after a block."""

from collections.abc import Mapping
from hashlib import sha256

POWER_MAX = 1_000_000
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


def next_powers(current: Mapping[str, int], *, before: Mapping[str, int], after: Mapping[str, int]) -> dict[str, int]:
    """The powers in force once the ledger's table of validators went from `before` to `after`; all keys in hex.

    Founders stand in the genesis and need no record; a record, or its removal, overrules it. A change that would leave
    nobody is left out as a whole: consensus cannot go on without validators.
    """
    powers = {key: power for key, power in current.items() if key not in before or key in after}
    for key, power in after.items():
        if power > 0:
            powers[key] = min(power, POWER_MAX)
        else:
            powers.pop(key, None)
    return powers or dict(current)
