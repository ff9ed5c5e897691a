"""The ten largest hourly mean powers of a month and its largest slot (OBIS 1.6.200 to 1.6.209), from intervals."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from ogniwo.core.kernel.calendar import HOUR_S
from ogniwo.core.kernel.quality import Quality
from ogniwo.core.metering.intervals import BucketSize, aggregate
from ogniwo.core.metering.model import IntervalSeries, MaximumPower

MAXIMA: Final = 10
"""So many hours are recorded: the fee for exceeding contract power sums ten excesses (law.md 3.1)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PowerMaxima:
    """Largest powers of a period; final only when `incomplete_hours` is 0.

    `hourly` holds at most ten hours, largest first; `slot_power_w` is the largest mean power of one slot (OBIS 1.6.0
    when slots are quarters) and `slot_end_epoch_s` its end, both None when no slot has a value.
    """

    hourly: tuple[MaximumPower, ...]
    slot_power_w: int | None
    slot_end_epoch_s: int | None
    incomplete_hours: int


def power_maxima(series: IntervalSeries) -> PowerMaxima:
    """The ten largest hourly means in W, each with the end of its hour, and the largest slot; ties: earlier first.

    A mean power over an hour in W is the energy of that hour in Wh, so nothing is rounded. Hours with a missing slot
    do not take part and are counted.
    """
    hours = aggregate(series, size=BucketSize.HOUR)
    complete = np.flatnonzero(hours.worst != Quality.MISSING)
    order = complete[np.argsort(-hours.wh[complete], kind="stable")][:MAXIMA]
    first_day = series.grid.days[0]
    hourly = tuple(
        MaximumPower(
            point=series.point,
            month=f"{first_day:%Y-%m}",
            rank=rank,
            power_w=int(hours.wh[hour]),
            epoch_s=int(hours.end_epoch_s[hour]),
            source=series.version,
        )
        for rank, hour in enumerate(order.tolist(), start=1)
    )
    present = np.flatnonzero(~series.missing)
    largest = int(present[np.argmax(series.wh[present])]) if present.size else None
    return PowerMaxima(
        hourly=hourly,
        slot_power_w=None if largest is None else int(series.wh[largest]) * HOUR_S // series.grid.slot_s,
        slot_end_epoch_s=None if largest is None else int(series.grid.start_epoch_s[largest]) + series.grid.slot_s,
        incomplete_hours=series.grid.hours - int(complete.size),
    )
