"""The Merkle tree of RFC 9162 (Certificate Transparency 2.0) with SHA-256: root, proofs, their check, and appending.

A leaf is hashed as SHA-256(0x00 || data), a node as SHA-256(0x01 || left || right); the two prefixes keep a node from
being passed off as a leaf. All functions take and return leaf hashes and node hashes of 32 bytes.
"""

from collections.abc import Iterable, Sequence
from hashlib import sha256

from ogniwo.core.kernel.refusals import Refusal
from ogniwo.core.ledger.hashing import pair_hashes

EMPTY_ROOT = sha256(b"").digest()
_HASH_BYTES = 32
_NODE = b"\x01"


class ProofOutOfRangeError(Refusal):
    """A proof was asked for a leaf or a size that the tree does not have."""

    code = "ledger.proof_out_of_range"


def leaf_hash(data: bytes) -> bytes:
    """The hash of a leaf (RFC 9162, 2.1.1)."""
    return sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of an inner node (RFC 9162, 2.1.1)."""
    return sha256(_NODE + left + right).digest()


class Frontier:
    """The right edge of a growing tree: enough to append and to know the root, in O(log n) memory."""

    __slots__ = ("_edge", "size")

    def __init__(self) -> None:
        self.size = 0
        self._edge: list[bytes] = []

    def append(self, leaf: bytes) -> None:
        """Add one leaf hash at the end."""
        size = self.size
        edge = self._edge
        while size & 1:
            leaf = sha256(_NODE + edge.pop() + leaf).digest()
            size >>= 1
        edge.append(leaf)
        self.size += 1

    def extend(self, leaves: Iterable[bytes]) -> None:
        """Add many leaf hashes at the end."""
        for leaf in leaves:
            self.append(leaf)

    def root(self) -> bytes:
        """The root over all leaves so far."""
        if not self._edge:
            return EMPTY_ROOT
        root = self._edge[-1]
        for left in reversed(self._edge[:-1]):
            root = node_hash(left, root)
        return root

    def copy(self) -> "Frontier":
        """An independent frontier with the same leaves."""
        twin = Frontier()
        twin.size, twin._edge = self.size, list(self._edge)
        return twin


def root_of(leaves: Sequence[bytes]) -> bytes:
    """The root over leaf hashes."""
    return root_over(b"".join(leaves))


def root_over(level: bytes) -> bytes:
    """The root over leaf hashes that stand one after the other."""
    if not level:
        return EMPTY_ROOT
    while len(level) > _HASH_BYTES:
        whole = len(level) // (2 * _HASH_BYTES) * 2 * _HASH_BYTES
        level = pair_hashes(level[:whole]) + level[whole:]
    return level


class Tree:
    """All full subtrees of a growing log, 64 bytes per leaf, to answer proofs for every earlier size in O(log n).

    Level k holds the roots of the full subtrees of 2^k leaves, one after the other.
    """

    __slots__ = ("_levels",)

    def __init__(self, leaves: Iterable[bytes] = ()) -> None:
        self._levels: list[bytearray] = [bytearray()]
        self.extend(leaves)

    @property
    def size(self) -> int:
        """Number of leaves."""
        return len(self._levels[0]) // _HASH_BYTES

    def extend(self, leaves: Iterable[bytes]) -> None:
        """Add leaf hashes at the end."""
        self._levels[0] += b"".join(leaves)
        for height, level in enumerate(self._levels):
            pairs = len(level) // (2 * _HASH_BYTES)
            if not pairs:
                return
            if height + 1 == len(self._levels):
                self._levels.append(bytearray())
            upper = self._levels[height + 1]
            upper += pair_hashes(bytes(level[len(upper) * 2 : pairs * 2 * _HASH_BYTES]))

    def leaf(self, index: int) -> bytes:
        """The hash of one leaf."""
        self._demand(0 <= index < self.size, f"the log has no leaf {index}")
        return self._full(0, index)

    def leaves(self, start: int, end: int) -> bytes:
        """The hashes of the leaves from `start` up to but not including `end`, one after the other."""
        self._demand(0 <= start <= end <= self.size, f"the log has {self.size} leaves, not {start} to {end}")
        return bytes(self._levels[0][start * _HASH_BYTES : end * _HASH_BYTES])

    def root(self, size: int | None = None) -> bytes:
        """The root over the first `size` leaves (all when None)."""
        count = self.size if size is None else size
        self._demand(0 <= count <= self.size, f"the log has {self.size} leaves, not {count}")
        return self._range(0, count) if count else EMPTY_ROOT

    def inclusion(self, index: int, size: int) -> list[bytes]:
        """The proof that leaf `index` is among the first `size` leaves (RFC 9162, 2.1.3.1), nearest sibling first."""
        self._demand(0 <= index < size <= self.size, f"no leaf {index} in a log of {size} leaves")
        proof: list[bytes] = []
        start, end = 0, size
        while end - start > 1:
            middle = start + _split(end - start)
            if index < middle:
                proof.append(self._range(middle, end))
                end = middle
            else:
                proof.append(self._range(start, middle))
                start = middle
        return proof[::-1]

    def consistency(self, old: int, new: int) -> list[bytes]:
        """The proof that the first `old` leaves are a prefix of the first `new` ones (RFC 9162, 2.1.4.1)."""
        self._demand(0 < old <= new <= self.size, f"no consistency between sizes {old} and {new}")
        proof: list[bytes] = []
        start, end, whole = 0, new, True
        while old != end:
            middle = start + _split(end - start)
            if old <= middle:
                proof.append(self._range(middle, end))
                end = middle
            else:
                proof.append(self._range(start, middle))
                start, whole = middle, False
        if not whole:
            proof.append(self._range(start, end))
        return proof[::-1]

    def _full(self, height: int, index: int) -> bytes:
        return bytes(self._levels[height][index * _HASH_BYTES : (index + 1) * _HASH_BYTES])

    def _range(self, start: int, end: int) -> bytes:
        count = end - start
        if count & (count - 1) == 0:
            height = count.bit_length() - 1
            return self._full(height, start >> height)
        middle = start + _split(count)
        return node_hash(self._range(start, middle), self._range(middle, end))

    @staticmethod
    def _demand(holds: bool, detail: str) -> None:  # noqa: FBT001 -- a guard reads best as a sentence
        if not holds:
            raise ProofOutOfRangeError(detail=detail)


def _split(count: int) -> int:
    """The largest power of two smaller than `count`."""
    power: int = 1 << (count - 1).bit_length() - 1
    return power


def includes(*, leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> bool:
    """Whether the proof shows the leaf hash at `index` under the root of a tree of `size` (RFC 9162, 2.1.3.2)."""
    if not 0 <= index < size:
        return False
    position, last, value = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            return False
        if position & 1 or position == last:
            value = node_hash(sibling, value)
            while not position & 1 and position:
                position, last = position >> 1, last >> 1
        else:
            value = node_hash(value, sibling)
        position, last = position >> 1, last >> 1
    return last == 0 and value == root


def consistent(*, old: int, new: int, proof: Sequence[bytes], old_root: bytes, new_root: bytes) -> bool:
    """Whether the proof shows that the tree of `new` leaves begins with the tree of `old` ones (RFC 9162, 2.1.4.2).

    Nothing is consistent with every log, so `old` = 0 holds with an empty proof and the root of the empty tree.
    """
    if not 0 <= old <= new:
        return False
    if old == new:
        return not proof and old_root == new_root
    if old == 0:
        return not proof and old_root == EMPTY_ROOT
    path = list(proof) if old & (old - 1) else [old_root, *proof]
    if not path:
        return False
    position, last = old - 1, new - 1
    while position & 1:
        position, last = position >> 1, last >> 1
    old_value = new_value = path[0]
    for sibling in path[1:]:
        if last == 0:
            return False
        if position & 1 or position == last:
            old_value, new_value = node_hash(sibling, old_value), node_hash(sibling, new_value)
            while not position & 1 and position:
                position, last = position >> 1, last >> 1
        else:
            new_value = node_hash(new_value, sibling)
        position, last = position >> 1, last >> 1
    return last == 0 and old_value == old_root and new_value == new_root
