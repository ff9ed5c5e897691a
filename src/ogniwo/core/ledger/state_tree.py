"""One hash over the whole state, kept up to date at the price of what changed.

Every entry (key bytes, value bytes) belongs to one of 2^16 buckets, chosen by the first two bytes of SHA-256(key). The
hash of an entry is SHA-256(0x00 || SHA-256(key) || value), of a bucket SHA-256(0x02 || its entry hashes, in order of
their key hashes), of an empty bucket 32 zero bytes; over the buckets stands a binary tree of
SHA-256(0x01 || left || right). The root depends on the entries alone, not on the order in which they came.
"""

from collections.abc import Mapping
from hashlib import sha256

BUCKET_BITS = 16


def _empty_hashes() -> tuple[bytes, ...]:
    value = bytes(32)
    hashes = [value]
    for _ in range(BUCKET_BITS):
        value = sha256(b"\x01" + value + value).digest()
        hashes.append(value)
    return tuple(hashes)


_EMPTY = _empty_hashes()


class StateTree:
    """The bucket tree; `update` takes the changed entries and gives the new root."""

    __slots__ = ("_buckets", "_levels")

    def __init__(self) -> None:
        self._buckets: dict[int, dict[bytes, bytes]] = {}
        self._levels = [[_EMPTY[height]] * (1 << BUCKET_BITS - height) for height in range(BUCKET_BITS + 1)]

    def root(self) -> bytes:
        """The root over all entries."""
        return self._levels[BUCKET_BITS][0]

    def update(self, changes: Mapping[bytes, bytes | None]) -> bytes:
        """Set each key to its value, or remove it where the value is None; gives the new root."""
        touched: set[int] = set()
        buckets = self._buckets
        for key, value in changes.items():
            key_hash = sha256(key).digest()
            bucket = key_hash[0] << 8 | key_hash[1]
            touched.add(bucket)
            entries = buckets.get(bucket)
            if entries is None:
                entries = buckets[bucket] = {}
            if value is None:
                entries.pop(key_hash, None)
            else:
                entries[key_hash] = sha256(b"\x00" + key_hash + value).digest()
        level = self._levels[0]
        for bucket in touched:
            entries = buckets[bucket]
            if entries:
                hashes = [entries[key_hash] for key_hash in sorted(entries)] if len(entries) > 1 else entries.values()
                level[bucket] = sha256(b"\x02" + b"".join(hashes)).digest()
            else:
                level[bucket] = _EMPTY[0]
                del buckets[bucket]
        return self._climb(touched)

    def _climb(self, changed: set[int]) -> bytes:
        """Compute the nodes above the changed buckets anew."""
        lower = self._levels[0]
        for upper in self._levels[1:]:
            changed = {index >> 1 for index in changed}
            for index in changed:
                upper[index] = sha256(b"\x01" + lower[2 * index] + lower[2 * index + 1]).digest()
            lower = upper
        return self.root()
