"""The hashes of many nodes of a tree at once: the readable form, and when the compiled one takes its place.

A busy ledger hashes about ten nodes per transfer, of which Python spends most of the time around the hash. `kernels`
has the same three operations for sixteen nodes at a time, without the interpreter lock; the methods here are their
definition, and tests hold both to one result. The compiled form is loaded when a program has much to do (`compile_`),
never by importing this: loading takes half a second, and the first time on a machine, when it is compiled, some
seconds. Either form may be in use in any thread at any time.
"""

from collections.abc import Iterable
from hashlib import sha256
from typing import Protocol

LEAF, NODE = b"\x00", b"\x01"
"""What stands in front of a leaf and of a node when they are hashed (RFC 9162, 2.1.1)."""

HASH_BYTES = 32
FEW = 8
"""Up to so many hashes the call of a kernel costs more than it saves."""


class Form(Protocol):
    """The operations, in either form."""

    def pairs(self, data: bytes) -> bytes:
        """The hashes of the nodes over each 64 bytes (two hashes), one after the other."""

    def leaves(self, data: bytes) -> bytes:
        """The hashes of the leaves that are 32 bytes each, one after the other."""

    def climb(self, nodes: bytearray, changed: Iterable[int]) -> None:
        """Hash anew what stands above some leaves of a whole binary tree.

        `nodes` holds the hash of node i at 32 * i: 1 is the root, 2 * i and 2 * i + 1 stand below i; `changed` are the
        numbers of leaves, all on one level.
        """


class Readable:
    """The definition."""

    def pairs(self, data: bytes) -> bytes:
        """One node after the other."""
        return b"".join(
            [sha256(NODE + data[at : at + 2 * HASH_BYTES]).digest() for at in range(0, len(data), 2 * HASH_BYTES)]
        )

    def leaves(self, data: bytes) -> bytes:
        """One leaf after the other."""
        return b"".join([sha256(LEAF + data[at : at + HASH_BYTES]).digest() for at in range(0, len(data), HASH_BYTES)])

    def climb(self, nodes: bytearray, changed: Iterable[int]) -> None:
        """One level after the other."""
        level = {index >> 1 for index in changed}
        while level and 0 not in level:
            for index in level:
                at = HASH_BYTES * index
                nodes[at : at + HASH_BYTES] = sha256(NODE + nodes[2 * at : 2 * at + 2 * HASH_BYTES]).digest()
            level = {index >> 1 for index in level}


_READABLE = Readable()


class _Chosen:
    """The form in use by this process."""

    def __init__(self) -> None:
        self.form: Form = _READABLE
        self.refused = False


_CHOSEN = _Chosen()


class DifferentHashesError(Exception):
    """The compiled form gives other hashes than the readable one on this processor; the readable one stays."""


def compile_() -> None:
    """Use the compiled form from here on; raises DifferentHashesError, and then nothing has changed."""
    if is_compiled():
        return
    from ogniwo.core.ledger.kernels import Compiled  # noqa: PLC0415 -- numba is loaded only where it pays

    form = Compiled()
    _CHOSEN.refused = not _agree(form)
    if _CHOSEN.refused:
        raise DifferentHashesError
    _CHOSEN.form = form


def is_compiled() -> bool:
    """Whether the compiled form is in use."""
    return _CHOSEN.form is not _READABLE


def is_refused() -> bool:
    """Whether the compiled form was tried and gave other hashes."""
    return _CHOSEN.refused


def readable() -> None:
    """Go back to the readable form."""
    _CHOSEN.form, _CHOSEN.refused = _READABLE, False


def pair_hashes(data: bytes) -> bytes:
    """The hashes of the nodes over each 64 bytes of `data`, one after the other."""
    form = _READABLE if len(data) <= 2 * HASH_BYTES * FEW else _CHOSEN.form
    return form.pairs(data)


def leaf_hashes(data: bytes) -> bytes:
    """The hashes of the leaves of 32 bytes that `data` holds, one after the other."""
    form = _READABLE if len(data) <= HASH_BYTES * FEW else _CHOSEN.form
    return form.leaves(data)


def climb(nodes: bytearray, changed: set[int]) -> None:
    """Hash anew what stands above the `changed` leaves of the tree `nodes` (`Form.climb`)."""
    form = _READABLE if len(changed) <= 1 else _CHOSEN.form
    form.climb(nodes, changed)


def _agree(form: Form) -> bool:
    """Run both forms on the same bytes before the second one is trusted: it is made for the processor at hand."""
    data = b"".join([sha256(bytes([number])).digest() for number in range(128)])
    trees = bytearray(data), bytearray(data)
    changed = {64, 65, 70, 71, 79, *range(90, 121)}
    for each, tree in zip((_READABLE, form), trees, strict=True):
        each.climb(tree, changed)
    ours, theirs = ((each.pairs(data), each.leaves(data)) for each in (_READABLE, form))
    return ours == theirs and trees[0] == trees[1]
