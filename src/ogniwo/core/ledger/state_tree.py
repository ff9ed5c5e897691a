"""One hash over the whole state, kept up to date at the price of what changed.

Every entry (key bytes, value bytes) belongs to one of 2^16 buckets, chosen by the first two bytes of SHA-256(key). The
hash of an entry is SHA-256(0x00 || SHA-256(key) || value), of a bucket SHA-256(0x02 || its entry hashes, in order of
their key hashes), of an empty bucket 32 zero bytes; over the buckets stands a binary tree of
SHA-256(0x01 || left || right). The root depends on the entries alone, not on the order in which they came.
"""

from collections.abc import Mapping
from hashlib import sha256

from ogniwo.core.ledger.hashing import HASH_BYTES, climb

BUCKET_BITS = 16
_BUCKETS = 1 << BUCKET_BITS
_EMPTY_BUCKET = bytes(HASH_BYTES)


def _empty_nodes() -> bytes:
    """The nodes of a tree without entries, as `hashing.Form.climb` numbers them."""
    value = _EMPTY_BUCKET
    levels = [value * _BUCKETS]
    while len(levels) <= BUCKET_BITS:
        value = sha256(b"\x01" + value + value).digest()
        levels.append(value * (_BUCKETS >> len(levels)))
    return b"".join([_EMPTY_BUCKET, *reversed(levels)])


_EMPTY = _empty_nodes()


class StateTree:
    """The bucket tree; `update` takes the changed entries and gives the new root."""

    __slots__ = ("_buckets", "_nodes")

    def __init__(self) -> None:
        self._buckets: dict[int, dict[bytes, bytes]] = {}
        self._nodes = bytearray(_EMPTY)

    def root(self) -> bytes:
        """The root over all entries."""
        return bytes(self._nodes[HASH_BYTES : 2 * HASH_BYTES])

    def update(self, changes: Mapping[bytes, bytes | None]) -> bytes:
        """Set each key to its value, or remove it where the value is None; gives the new root."""
        touched: set[int] = set()
        buckets = self._buckets
        for key, value in changes.items():
            key_hash = sha256(key).digest()
            bucket = _BUCKETS | key_hash[0] << 8 | key_hash[1]
            touched.add(bucket)
            entries = buckets.get(bucket)
            if entries is None:
                entries = buckets[bucket] = {}
            if value is None:
                entries.pop(key_hash, None)
            else:
                entries[key_hash] = sha256(b"\x00" + key_hash + value).digest()
        nodes = self._nodes
        for bucket in touched:
            entries = buckets[bucket]
            at = HASH_BYTES * bucket
            if entries:
                hashes = [entries[key_hash] for key_hash in sorted(entries)] if len(entries) > 1 else entries.values()
                nodes[at : at + HASH_BYTES] = sha256(b"\x02" + b"".join(hashes)).digest()
            else:
                nodes[at : at + HASH_BYTES] = _EMPTY_BUCKET
                del buckets[bucket]
        climb(nodes, touched)
        return self.root()
