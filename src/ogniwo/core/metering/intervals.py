"""Intervals out of cumulative registers, and intervals summed to hours, days and the whole grid with their quality."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ogniwo.core.kernel.calendar import HOUR_S, SlotGrid
from ogniwo.core.kernel.findings import Finding, Severity
from ogniwo.core.kernel.quality import Quality
from ogniwo.core.kernel.refusals import Refusal
from ogniwo.core.metering.model import IntervalSeries
from ogniwo.core.metering.ratios import primary_wh

_INT32: Final = np.iinfo(np.int32)


class EnergyTooLargeError(Refusal):
    """An interval's energy does not fit the 32 bits that a series holds (2.1 GWh in a slot)."""

    code = "metering.energy_too_large"


class BucketSize(StrEnum):
    """What intervals are summed to; MONTH means the whole grid."""

    HOUR = "hour"
    DAY = "day"
    MONTH = "month"


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Aggregate:
    """Sums over hours, local days or the whole grid.

    Shapes: `start_epoch_s`, `end_epoch_s`, `wh` (int64, the slots that have a value), `worst` (uint8 of Quality) are
    (buckets,); `slots` and `energy_wh` are (buckets, 7) int64 by Quality, column 0 unused. A bucket whose `worst` is
    MISSING is not complete.
    """

    start_epoch_s: NDArray[np.int64]
    end_epoch_s: NDArray[np.int64]
    wh: NDArray[np.int64]
    worst: NDArray[np.uint8]
    slots: NDArray[np.int64]
    energy_wh: NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterSpan:
    """Energy known between two register states although not every interval between them is."""

    start_epoch_s: int
    end_epoch_s: int
    energy_wh: int


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class RegisterIntervals:
    """Intervals from register states, the spans between neighbouring states, and what went wrong."""

    series: IntervalSeries
    spans: tuple[RegisterSpan, ...]
    findings: tuple[Finding, ...]


def to_wh32(values: NDArray[np.int64]) -> NDArray[np.int32]:
    """Narrow energies to the 32 bits of a series; raises EnergyTooLargeError instead of wrapping round."""
    if values.size and (int(values.max()) > _INT32.max or int(values.min()) < _INT32.min):
        raise EnergyTooLargeError(detail="the energy of an interval does not fit a series (limit 2.1 GWh)")
    return values.astype(np.int32)


def _bounds(grid: SlotGrid, size: BucketSize) -> NDArray[np.int32]:
    if size is BucketSize.HOUR:
        return grid.hour_offsets
    if size is BucketSize.DAY:
        return grid.day_offsets
    return np.array([0, grid.slots], dtype=np.int32)


def aggregate(series: IntervalSeries, *, size: BucketSize) -> Aggregate:
    """Sum a series to hours, local days or the whole grid with the worst quality and the share of each."""
    grid = series.grid
    bounds = _bounds(grid, size)
    firsts, lasts = bounds[:-1], bounds[1:]
    wh = series.wh.astype(np.int64)
    is_quality = series.quality[:, None] == np.arange(len(Quality) + 1, dtype=np.uint8)
    return Aggregate(
        start_epoch_s=grid.start_epoch_s[firsts],
        end_epoch_s=grid.start_epoch_s[lasts - 1] + grid.slot_s,
        wh=np.add.reduceat(wh, firsts),
        worst=np.maximum.reduceat(series.quality, firsts),
        slots=np.add.reduceat(is_quality.astype(np.int64), firsts, axis=0),
        energy_wh=np.add.reduceat(np.where(is_quality, wh[:, None], 0), firsts, axis=0),
    )


def hourly_series(series: IntervalSeries) -> IntervalSeries:
    """The same channel in hours; an hour with a missing slot is missing, otherwise it has its worst quality."""
    if series.grid.slot_s == HOUR_S:
        return series
    hours = aggregate(series, size=BucketSize.HOUR)
    missing = hours.worst == Quality.MISSING
    return IntervalSeries(
        point=series.point,
        channel=series.channel,
        grid=series.grid.hourly(),
        wh=to_wh32(np.where(missing, 0, hours.wh)),
        quality=hours.worst,
        version=series.version,
    )


def intervals_from_registers(
    states: Sequence[tuple[int, int]], *, point: str, channel: str, grid: SlotGrid, multiplier: Fraction = Fraction(1)
) -> RegisterIntervals:
    """Intervals between the states (epoch seconds, 10^-3 kWh or kvarh) of one counter on the slot boundaries of a grid.

    A slot has a value when both its boundaries were read. Spans join neighbouring states, so their energies add up to
    the register difference; with a ratio that is no whole number every state is scaled first and rounded half up once,
    so the sums stay exact. A state that goes back gives a finding and neither interval nor span. States outside the
    grid or off its raster are not used, and a note counts them.
    """
    end_epoch_s = int(grid.start_epoch_s[-1]) + grid.slot_s
    ordered = sorted(dict(states).items())
    usable = [
        (epoch_s, primary_wh(value_e3=value_e3, multiplier=multiplier))
        for epoch_s, value_e3 in ordered
        if grid.slot_of(epoch_s) is not None or epoch_s == end_epoch_s
    ]
    findings = _unused(len(ordered) - len(usable), point=point, channel=channel)
    wh = np.zeros(grid.slots, dtype=np.int64)
    quality = np.full(grid.slots, Quality.MISSING, dtype=np.uint8)
    spans: list[RegisterSpan] = []
    for (start, old), (end, new) in pairwise(usable):
        if new < old:
            findings.append(_went_back(start, end, old, new, point=point, channel=channel))
            continue
        spans.append(RegisterSpan(start_epoch_s=start, end_epoch_s=end, energy_wh=new - old))
        slot = grid.slot_of(start)
        if slot is not None and end - start == grid.slot_s:
            wh[slot], quality[slot] = new - old, Quality.MEASURED
    series = IntervalSeries(point=point, channel=channel, grid=grid, wh=to_wh32(wh), quality=quality)
    return RegisterIntervals(series=series, spans=tuple(spans), findings=tuple(findings))


def _unused(count: int, *, point: str, channel: str) -> list[Finding]:
    if count == 0:
        return []
    message = f"{count} register states lie outside the period or off its raster and were not used"
    finding = Finding(
        code="V1.register_off_raster",
        severity=Severity.NOTE,
        message=message,
        point=point,
        channel=channel,
        facts=(("states", str(count)),),
    )
    return [finding]


def _went_back(start: int, end: int, old_wh: int, new_wh: int, *, point: str, channel: str) -> Finding:
    return Finding(
        code="V15.manual",
        severity=Severity.ERROR,
        message="the register went back inside a profile; the intervals between the two states stay missing",
        point=point,
        channel=channel,
        start_epoch_s=start,
        end_epoch_s=end,
        facts=(("old_wh", str(old_wh)), ("new_wh", str(new_wh))),
    )
