"""Readings as metering tokens: one local day of one channel becomes salted leaves and the record a gateway signs."""

from collections.abc import Sequence

import numpy as np

from ogniwo.core.kernel.quality import QUALITY_WORDS, Quality
from ogniwo.core.ledger.intervals import IntervalLeaf, QualityWord, day_root, interval_salt
from ogniwo.core.ledger.transactions import DayRecord, QualityPart
from ogniwo.core.metering.model import IntervalSeries

_WORDS: dict[int, QualityWord] = {int(quality): word for quality, word in QUALITY_WORDS.items()}  # type: ignore[misc]


def day_leaves(*, series: IntervalSeries, day_index: int, day_secret: bytes) -> tuple[IntervalLeaf, ...]:
    """The intervals of one local day as leaves, in order of start; a missing one stands with 0 Wh and its quality.

    `day_index` counts the days of the series' grid; `day_secret` (at least 128 bits) is what the salts derive from.
    """
    grid = series.grid
    first, last = int(grid.day_offsets[day_index]), int(grid.day_offsets[day_index + 1])
    return tuple(
        IntervalLeaf(
            channel=series.channel,
            quality=_WORDS[int(series.quality[slot])],
            salt=interval_salt(day_secret=day_secret, channel=series.channel, start=int(grid.start_epoch_s[slot])),
            start=int(grid.start_epoch_s[slot]),
            wh=int(series.wh[slot]),
        )
        for slot in range(first, last)
    )


def day_record(*, leaves: Sequence[IntervalLeaf], day: str, point_path: str, network: str, version: int) -> DayRecord:
    """The record of a day as the meter or its gateway signs it (`ledger.transactions.DayRecord`)."""
    totals: dict[QualityWord, list[int]] = {}
    for leaf in leaves:
        part = totals.setdefault(leaf.quality, [0, 0])
        part[0] += 1
        part[1] += leaf.wh
    parts = tuple(
        QualityPart(quality=word, slots=slots, wh=energy_wh) for word, (slots, energy_wh) in sorted(totals.items())
    )
    return DayRecord(
        channel=leaves[0].channel,
        day=day,
        leaf_count=len(leaves),
        merkle_root=day_root(leaves),
        network=network,
        parts=parts,
        point=point_path,
        total_wh=sum(part.wh for part in parts),
        version=version,
    )


def days_with_data(series: IntervalSeries) -> tuple[int, ...]:
    """The indices of the days on which at least one interval has a value."""
    present = series.quality != np.uint8(Quality.MISSING)
    return tuple(
        index
        for index, (first, last) in enumerate(
            zip(series.grid.day_offsets[:-1], series.grid.day_offsets[1:], strict=True)
        )
        if bool(present[first:last].any())
    )
