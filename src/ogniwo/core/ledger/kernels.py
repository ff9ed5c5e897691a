"""SHA-256 (FIPS 180-4) of many nodes at once, compiled; `hashing.Readable` is the definition, the tests' oracle.

Sixteen messages lie side by side: each step of the hash is one loop over them ("lanes"), which becomes one or two
vector instructions. Every message is one byte in front of one hash or two, so it takes one block or two, always the
same, and nothing has to be decided per message. Lanes that are left over at the end compute what nobody reads.
"""

from collections.abc import Iterable
from math import isqrt
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]
Words = NDArray[np.uint32]
Scalar = Any
"""One integer, Python's own when called from outside, NumPy's inside."""

LANES = 16
_HASH = 32
_U = np.uint32


def _fractions(degree: int, count: int) -> Words:
    """The first 32 bits of the fractional parts of roots of the first primes (FIPS 180-4, 4.2.2 and 5.3.3)."""
    found: list[int] = []
    number = 2
    while len(found) < count:
        if all(number % smaller for smaller in range(2, isqrt(number) + 1)):
            found.append(number)
        number += 1
    # In integers: the root of prime * 2^(32 * degree) has 32 binary places.
    return np.array([_root(prime << (32 * degree), degree) & 0xFFFFFFFF for prime in found], np.uint32)


def _root(value: int, degree: int) -> int:
    """The largest integer whose power of that degree is at most `value`."""
    low, high = 0, 1 << (value.bit_length() // degree + 1)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if middle**degree <= value else (low, middle)
    return low


_ROUNDS = _fractions(3, 64)
_START = _fractions(2, 8)


@njit(cache=True, nogil=True, inline="always")
def _turned(word: Scalar, count: Scalar) -> Scalar:
    """A word turned to the right."""
    return (word >> _U(count)) | (word << _U(32 - count))


@njit(cache=True, nogil=True)
def _compress(state: Words, words: Words, work: Words) -> None:
    """Take one block into the state of each lane: (8, LANES), (64, LANES) of which 16 rows are given, (8, LANES)."""
    for row in range(16, 64):
        for lane in range(LANES):
            early, late = words[row - 15, lane], words[row - 2, lane]
            words[row, lane] = (
                words[row - 16, lane]
                + (_turned(early, 7) ^ _turned(early, 18) ^ (early >> _U(3)))
                + words[row - 7, lane]
                + (_turned(late, 17) ^ _turned(late, 19) ^ (late >> _U(10)))
            )
    for row in range(8):
        for lane in range(LANES):
            work[row, lane] = state[row, lane]
    for turn in range(64):
        constant = _ROUNDS[turn]
        # The variables a to h of the standard change places every turn; here the names of the rows do.
        a, b, c, d = (64 - turn) & 7, (65 - turn) & 7, (66 - turn) & 7, (67 - turn) & 7
        e, f, g, h = (68 - turn) & 7, (69 - turn) & 7, (70 - turn) & 7, (71 - turn) & 7
        for lane in range(LANES):
            at_e, at_a, at_b, at_c = work[e, lane], work[a, lane], work[b, lane], work[c, lane]
            first = (
                work[h, lane]
                + (_turned(at_e, 6) ^ _turned(at_e, 11) ^ _turned(at_e, 25))
                + ((at_e & work[f, lane]) ^ (~at_e & work[g, lane]))
                + constant
                + words[turn, lane]
            )
            second = (_turned(at_a, 2) ^ _turned(at_a, 13) ^ _turned(at_a, 22)) + (
                (at_a & at_b) ^ (at_a & at_c) ^ (at_b & at_c)
            )
            work[d, lane] += first
            work[h, lane] = first + second
    for row in range(8):
        for lane in range(LANES):
            state[row, lane] += work[row, lane]


@njit(cache=True, nogil=True)
def _begin(state: Words) -> None:
    for row in range(8):
        for lane in range(LANES):
            state[row, lane] = _START[row]


@njit(cache=True, nogil=True)
def _load(words: Words, lane: Scalar, front: Scalar, source: Bytes, at: Scalar, count: Scalar) -> None:
    """The byte `front` and the first `4 * count - 1` bytes from `at` on as the first `count` words of a lane."""
    words[0, lane] = _U(front) << _U(24) | _U(source[at]) << _U(16) | _U(source[at + 1]) << _U(8) | _U(source[at + 2])
    for row in range(1, count):
        here = at + 4 * row - 1
        words[row, lane] = (
            _U(source[here]) << _U(24)
            | _U(source[here + 1]) << _U(16)
            | _U(source[here + 2]) << _U(8)
            | _U(source[here + 3])
        )


@njit(cache=True, nogil=True)
def _end(words: Words, lane: Scalar, row: Scalar, last: Scalar, bits: Scalar) -> None:
    """The last byte of a message in `row` with the padding behind it, to the end of the block."""
    words[row, lane] = _U(last) << _U(24) | _U(0x800000)
    for rest in range(row + 1, 15):
        words[rest, lane] = _U(0)
    words[15, lane] = _U(bits)


@njit(cache=True, nogil=True)
def _store(state: Words, lane: Scalar, target: Bytes, at: Scalar) -> None:
    for row in range(8):
        word = state[row, lane]
        target[at + 4 * row] = word >> _U(24)
        target[at + 4 * row + 1] = (word >> _U(16)) & _U(255)
        target[at + 4 * row + 2] = (word >> _U(8)) & _U(255)
        target[at + 4 * row + 3] = word & _U(255)


@njit(cache=True, nogil=True)
def _hash_pairs(source: Bytes, sources: NDArray[np.int64], target: Bytes, targets: NDArray[np.int64]) -> None:
    """SHA-256 of 0x01 and the 64 bytes at each place of `sources`, to the same place of `targets`."""
    state, words = np.empty((8, LANES), np.uint32), np.zeros((64, LANES), np.uint32)
    work = np.empty((8, LANES), np.uint32)
    for start in range(0, len(sources), LANES):
        count = min(LANES, len(sources) - start)
        _begin(state)
        for lane in range(count):
            _load(words, lane, 1, source, sources[start + lane], 16)
        _compress(state, words, work)
        for lane in range(count):
            _end(words, lane, 0, source[sources[start + lane] + 63], 520)
        _compress(state, words, work)
        for lane in range(count):
            _store(state, lane, target, targets[start + lane])


@njit(cache=True, nogil=True)
def _hash_leaves(source: Bytes, target: Bytes) -> None:
    """SHA-256 of 0x00 and each 32 bytes."""
    state, words = np.empty((8, LANES), np.uint32), np.zeros((64, LANES), np.uint32)
    work = np.empty((8, LANES), np.uint32)
    for start in range(0, len(source), LANES * _HASH):
        count = min(LANES, (len(source) - start) // _HASH)
        _begin(state)
        for lane in range(count):
            _load(words, lane, 0, source, start + _HASH * lane, 8)
            _end(words, lane, 8, source[start + _HASH * lane + 31], 264)
        _compress(state, words, work)
        for lane in range(count):
            _store(state, lane, target, start + _HASH * lane)


@njit(cache=True, nogil=True)
def _climb(nodes: Bytes, level: NDArray[np.int64]) -> None:
    """Hash anew what stands above the nodes of `level`, which are sorted; `level` is used up."""
    count = len(level)
    sources, targets = np.empty(count, np.int64), np.empty(count, np.int64)
    while count and level[0] > 1:
        parents = 0
        for at in range(count):
            parent = level[at] >> 1
            if not parents or level[parents - 1] != parent:
                level[parents] = parent
                parents += 1
        count = parents
        for at in range(count):
            sources[at], targets[at] = 2 * _HASH * level[at], _HASH * level[at]
        _hash_pairs(nodes, sources[:count], nodes, targets[:count])


class Compiled:
    """The operations of `hashing.Form`."""

    def pairs(self, data: bytes) -> bytes:
        """Sixteen nodes at a time."""
        target = bytearray(len(data) // 2)
        sources = np.arange(0, len(data), 2 * _HASH, dtype=np.int64)
        _hash_pairs(np.frombuffer(data, np.uint8), sources, np.frombuffer(target, np.uint8), sources >> 1)
        return bytes(target)

    def leaves(self, data: bytes) -> bytes:
        """Sixteen leaves at a time."""
        target = bytearray(len(data))
        _hash_leaves(np.frombuffer(data, np.uint8), np.frombuffer(target, np.uint8))
        return bytes(target)

    def climb(self, nodes: bytearray, changed: Iterable[int]) -> None:
        """Sixteen nodes of a level at a time."""
        _climb(np.frombuffer(nodes, np.uint8), np.array(sorted(changed), np.int64))
