"""Write interval series as the standard profile CSV."""

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from ogniwo.core.kernel.calendar import SlotGrid
from ogniwo.core.kernel.quality import QUALITY_WORDS, Quality
from ogniwo.core.kernel.quantities import WH_PER_KWH_DECIMALS, format_decimal
from ogniwo.core.metering.model import IntervalSeries
from ogniwo.formats.profile_csv.vocabulary import BOM, CHANNELS, HEADER, REACTIVE


@lru_cache(maxsize=32)
def _starts(grid: SlotGrid) -> tuple[str, ...]:
    """The start of each slot as local time with its offset, to the minute."""
    zone = ZoneInfo(grid.zone)
    return tuple(
        datetime.fromtimestamp(int(epoch), tz=zone).isoformat(timespec="minutes") for epoch in grid.start_epoch_s
    )


def _rows(series: IntervalSeries) -> str:
    unit = "kvarh" if series.channel in REACTIVE else "kWh"
    prefix = f"{series.point};{series.channel};"
    ends = {int(quality): f";{unit};{QUALITY_WORDS[quality]}\r\n" for quality in Quality}
    missing = int(Quality.MISSING)
    values = zip(_starts(series.grid), series.wh.tolist(), series.quality.tolist(), strict=True)
    return "".join(
        f"{prefix}{start};"
        f"{'' if quality == missing else format_decimal(wh, decimals=WH_PER_KWH_DECIMALS, mark=',')}{ends[quality]}"
        for start, wh, quality in values
    )


def write_profile_csv(series: Sequence[IntervalSeries]) -> bytes:
    """Write the series one after another: UTF-8 with BOM, CRLF, kWh or kvarh with three decimals, quality words.

    A slot without a value is a row with an empty value and the status `missing`. Raises ValueError for a channel that
    the format does not know.
    """
    for one in series:
        if one.channel not in CHANNELS:
            raise ValueError(f"the profile CSV has no channel {one.channel!r}")
    text = HEADER + "\r\n" + "".join(map(_rows, series))
    return BOM + text.encode()
