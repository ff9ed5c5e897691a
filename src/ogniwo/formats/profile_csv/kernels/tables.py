"""The tables that the compiled parser works with: the vocabulary and the expected points as arrays."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ogniwo.formats.profile_csv import vocabulary
from ogniwo.formats.profile_csv.kernels.words import Bytes, compiled, mask_of, word_of

_HASH = 0x9E3779B97F4A7C15
_LONGEST_TEXT = 16


class Tables(NamedTuple):
    """`point_keys` and `point_rows` are an open-addressing hash table (key 18 digits, -1 empty).

    Channel texts with their closing `;` are two words and masks each; units and statuses are padded byte rows.
    """

    point_keys: NDArray[np.int64]
    point_rows: NDArray[np.int32]
    channel_words: NDArray[np.uint64]
    channel_masks: NDArray[np.uint64]
    channel_lengths: NDArray[np.int64]
    channel_rows: NDArray[np.int64]
    channel_reactive: NDArray[np.bool_]
    units: Bytes
    unit_lengths: NDArray[np.int64]
    unit_decimals: NDArray[np.int64]
    unit_reactive: NDArray[np.bool_]
    statuses: Bytes
    status_lengths: NDArray[np.int64]
    status_qualities: NDArray[np.uint8]


class Target(NamedTuple):
    """Where rows go: `wh` and `quality` (channels, points, slots) and the raster of the slots."""

    wh: NDArray[np.int32]
    quality: NDArray[np.uint8]
    start_epoch_s: int
    slot_s: int


class Issues(NamedTuple):
    """Deviations by kind: `counts` (kinds,), and `rows`, `offsets` (kinds, located) of the first of each kind."""

    counts: NDArray[np.int64]
    rows: NDArray[np.int64]
    offsets: NDArray[np.int64]


def _padded(texts: Sequence[str]) -> tuple[Bytes, NDArray[np.int64]]:
    encoded = [text.encode() for text in texts]
    width = max(map(len, encoded))
    rows = np.frombuffer(b"".join(text.ljust(width, b"\0") for text in encoded), dtype=np.uint8)
    return rows.reshape(len(encoded), width), np.array([len(text) for text in encoded], dtype=np.int64)


@compiled
def slot_of_key(key: int, size: int) -> int:
    """The first place to look for a key in a table of `size` (a power of two) places."""
    place: int = np.int64((np.uint64(key) * np.uint64(_HASH)) >> np.uint64(32)) & np.int64(size - 1)  # type: ignore[assignment]
    return place


@compiled
def find_point(keys: NDArray[np.int64], rows: NDArray[np.int32], key: int) -> int:
    """The row of a point by its key, or -1."""
    place = slot_of_key(key, len(keys))
    while keys[place] != key:
        if keys[place] == -1:
            return -1
        place = (place + 1) & (len(keys) - 1)
    row: int = rows[place]
    return row


@compiled
def fill_points(keys: NDArray[np.int64], rows: NDArray[np.int32], points: NDArray[np.int64]) -> None:
    """Enter the keys of the points into an empty table at least twice as large."""
    for row in range(len(points)):
        place = slot_of_key(points[row], len(keys))
        while keys[place] != -1:
            place = (place + 1) & (len(keys) - 1)
        keys[place], rows[place] = points[row], row


def make_tables(point_keys: NDArray[np.int64]) -> Tables:
    """The tables for these expected points (their 18 digits as numbers, in the order of the matrix rows)."""
    size = 1 << max(4, (2 * len(point_keys)).bit_length())
    keys, rows = np.full(size, -1, dtype=np.int64), np.zeros(size, dtype=np.int32)
    fill_points(keys, rows, point_keys)
    texts = [f"{text};".encode() for text in vocabulary.CHANNEL_TEXTS]
    if max(map(len, texts)) > _LONGEST_TEXT:
        raise ValueError("a channel text is longer than two words")
    units, unit_lengths = _padded([unit for unit, _, _ in vocabulary.UNITS])
    statuses, status_lengths = _padded(list(vocabulary.STATUS_TEXTS))
    return Tables(
        point_keys=keys,
        point_rows=rows,
        channel_words=np.array([(word_of(text), word_of(text[8:])) for text in texts], dtype=np.uint64),
        channel_masks=np.array([(mask_of(len(text)), mask_of(len(text) - 8)) for text in texts], dtype=np.uint64),
        channel_lengths=np.array([len(text) for text in texts], dtype=np.int64),
        channel_rows=np.array(
            [vocabulary.CHANNELS.index(channel) for channel in vocabulary.CHANNEL_TEXTS.values()], dtype=np.int64
        ),
        channel_reactive=np.array([channel in vocabulary.REACTIVE for channel in vocabulary.CHANNELS]),
        units=units,
        unit_lengths=unit_lengths,
        unit_decimals=np.array([decimals for _, decimals, _ in vocabulary.UNITS], dtype=np.int64),
        unit_reactive=np.array([reactive for _, _, reactive in vocabulary.UNITS]),
        statuses=statuses,
        status_lengths=status_lengths,
        status_qualities=np.array(list(vocabulary.STATUS_TEXTS.values()), dtype=np.uint8),
    )
