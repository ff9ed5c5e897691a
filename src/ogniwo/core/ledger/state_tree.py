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
        self._levels: tuple[dict[int, bytes], ...] = tuple({} for _ in range(BUCKET_BITS + 1))

    def root(self) -> bytes:
        """The root over all entries."""
        return self._levels[BUCKET_BITS].get(0, _EMPTY[BUCKET_BITS])

    def update(self, changes: Mapping[bytes, bytes | None]) -> bytes:
        """Set each key to its value, or remove it where the value is None; gives the new root."""
        touched: dict[int, bytes] = {}
        for key, value in changes.items():
            key_hash = sha256(key).digest()
            bucket = key_hash[0] << 8 | key_hash[1]
            entries = self._buckets.setdefault(bucket, {})
            if value is None:
                entries.pop(key_hash, None)
            else:
                entries[key_hash] = sha256(b"\x00" + key_hash + value).digest()
            touched[bucket] = b""
        for bucket in touched:
            entries = self._buckets[bucket]
            if entries:
                hashes = [entries[key_hash] for key_hash in sorted(entries)] if len(entries) > 1 else entries.values()
                touched[bucket] = sha256(b"\x02" + b"".join(hashes)).digest()
            else:
                touched[bucket] = _EMPTY[0]
                del self._buckets[bucket]
        return self._climb(touched)

    def _climb(self, changed: dict[int, bytes]) -> bytes:
        for height in range(BUCKET_BITS):
            level, empty = self._levels[height], _EMPTY[height]
            level.update(changed)
            get = level.get
            changed = {
                parent: sha256(b"\x01" + get(2 * parent, empty) + get(2 * parent + 1, empty)).digest()
                for parent in {index >> 1 for index in changed}
            }
        self._levels[BUCKET_BITS].update(changed)
        return self.root()
