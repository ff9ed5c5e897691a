"""Write series of intervals as Parquet, one row group for each."""

from collections.abc import Iterable
from typing import IO, Final

import numpy as np
import pyarrow as pa
from pyarrow import parquet

from ogniwo.core.kernel.quality import QUALITY_WORDS, Quality
from ogniwo.core.metering.model import REACTIVE_Q1, REACTIVE_Q4, IntervalSeries

_WORDS: Final = pa.dictionary(pa.int16(), pa.string())
SCHEMA: Final = pa.schema(
    [
        pa.field("ppe", _WORDS, nullable=False),
        pa.field("channel", _WORDS, nullable=False),
        pa.field("start", pa.timestamp("s", tz="UTC"), nullable=False),
        pa.field("seconds", pa.int32(), nullable=False),
        pa.field("energy", pa.int32()),
        pa.field("unit", _WORDS, nullable=False),
        pa.field("quality", _WORDS, nullable=False),
        pa.field("version", _WORDS, nullable=False),
    ]
)


def unit_of(channel: str) -> str:
    """What a channel counts: Wh, or varh where it is reactive."""
    return "varh" if channel in {REACTIVE_Q1, REACTIVE_Q4} else "Wh"


def write_intervals(sink: IO[bytes], series: Iterable[IntervalSeries]) -> None:
    """Write them in the order given."""
    with parquet.ParquetWriter(sink, SCHEMA, compression="zstd") as writer:
        for one in series:
            writer.write_table(_table(one))


def _table(one: IntervalSeries) -> pa.Table:
    slots = one.grid.slots
    codes = sorted(QUALITY_WORDS)
    words = pa.array([QUALITY_WORDS[Quality(code)] for code in codes])
    quality = pa.DictionaryArray.from_arrays(np.searchsorted(codes, one.quality).astype(np.int16), words)
    columns = [
        _same(one.point, slots),
        _same(one.channel, slots),
        pa.array(one.grid.start_epoch_s.astype("datetime64[s]")).cast(pa.timestamp("s", tz="UTC")),
        pa.array(np.full(slots, one.grid.slot_s, dtype=np.int32)),
        pa.array(one.wh, type=pa.int32(), mask=one.missing),
        _same(unit_of(one.channel), slots),
        quality,
        _same(one.version, slots),
    ]
    return pa.Table.from_arrays(columns, schema=SCHEMA)


def _same(word: str, slots: int) -> pa.DictionaryArray:
    return pa.DictionaryArray.from_arrays(np.zeros(slots, dtype=np.int16), pa.array([word]))
