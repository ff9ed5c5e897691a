"""Lay new values over a month: pure, and it says what it added, changed and could not decide."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ogniwo.core.kernel.calendar import SlotGrid
from ogniwo.core.kernel.findings import Finding, Severity
from ogniwo.core.kernel.quality import Quality
from ogniwo.core.metering.model import IntervalSeries


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Overlay:
    """A month after new values were laid over it: `wh` int32, `quality` uint8 (slots,).

    Slot numbers, int64 ascending: `added` had no value before, `changed` have another value or quality now (`added`
    among them), `replaced` had another value before (validation rule V2), `contradicted` were given two different
    values in the input and keep what they had. `replaced_wh` are the values before, beside `replaced`.
    """

    grid: SlotGrid
    wh: NDArray[np.int32]
    quality: NDArray[np.uint8]
    added: NDArray[np.int64]
    changed: NDArray[np.int64]
    replaced: NDArray[np.int64]
    replaced_wh: NDArray[np.int32]
    contradicted: NDArray[np.int64]
    findings: tuple[Finding, ...]


def overlay(
    *,
    base: IntervalSeries | None,
    grid: SlotGrid,
    point: str,
    channel: str,
    start_epoch_s: NDArray[np.int64],
    wh: NDArray[np.int32],
    quality: NDArray[np.uint8],
) -> Overlay:
    """Lay new values, in any order, over the latest version (None: over nothing).

    A newer value replaces an older one whatever their qualities. A new MISSING never takes a value away. The same value
    twice is one value; two different ones for a slot are a contradiction and neither is laid. Values outside the grid
    or off its raster are findings. Raises ValueError when `base` is not on `grid`.
    """
    if base is not None and base.grid is not grid:
        raise ValueError("the latest version lies on another grid")
    if not len(start_epoch_s) == len(wh) == len(quality):
        raise ValueError("the new values differ in number")
    report = _Report(point, channel, grid)
    since = start_epoch_s - int(grid.start_epoch_s[0])
    outside = (since < 0) | (since >= grid.slots * grid.slot_s)
    off_raster = ~outside & (since % grid.slot_s != 0)
    report.add("series.outside_month", Severity.ERROR, "values outside the month were not used", start_epoch_s[outside])
    report.add("series.off_raster", Severity.ERROR, "values off the raster were not used", start_epoch_s[off_raster])
    usable = ~outside & ~off_raster & (quality != Quality.MISSING)
    slots, contradicted, repeated = _one_per_slot(since[usable] // grid.slot_s, wh[usable], quality[usable])
    report.add_slots("V2.duplicate", Severity.NOTE, "the same value was given more than once", repeated)
    report.add_slots("V2.contradiction", Severity.ERROR, "two different values were given; none was used", contradicted)

    old_wh = np.zeros(grid.slots, np.int32) if base is None else base.wh
    old_quality = np.full(grid.slots, Quality.MISSING, np.uint8) if base is None else base.quality
    new_wh, new_quality = old_wh.copy(), old_quality.copy()
    laid, chosen = slots
    new_wh[laid], new_quality[laid] = wh[usable][chosen], quality[usable][chosen]
    had = old_quality != Quality.MISSING
    replaced = np.flatnonzero(had & (new_wh != old_wh))
    report.add_slots("V2.replaced", Severity.WARNING, "a value replaces another value", replaced)
    return Overlay(
        grid=grid,
        wh=new_wh,
        quality=new_quality,
        added=np.flatnonzero(~had & (new_quality != Quality.MISSING)),
        changed=np.flatnonzero((new_wh != old_wh) | (new_quality != old_quality)),
        replaced=replaced,
        replaced_wh=old_wh[replaced],
        contradicted=contradicted,
        findings=tuple(report.findings),
    )


def _one_per_slot(
    slots: NDArray[np.int64], wh: NDArray[np.int32], quality: NDArray[np.uint8]
) -> tuple[tuple[NDArray[np.int64], NDArray[np.int64]], NDArray[np.int64], NDArray[np.int64]]:
    """((slots to lay, which value), slots contradicted, slots repeated)."""
    order = np.argsort(slots, kind="stable")
    unique, first, counts = np.unique(slots[order], return_index=True, return_counts=True)
    chosen = order[first]
    differs = (wh[order] != np.repeat(wh[chosen], counts)) | (quality[order] != np.repeat(quality[chosen], counts))
    against = np.isin(unique, slots[order][differs])
    return (unique[~against], chosen[~against]), unique[against], unique[~against & (counts > 1)]


class _Report:
    """Collects one finding per kind, bounded by the first and last time concerned, with the count."""

    def __init__(self, point: str, channel: str, grid: SlotGrid) -> None:
        self._point, self._channel, self._grid = point, channel, grid
        self.findings: list[Finding] = []

    def add_slots(self, code: str, severity: Severity, message: str, slots: NDArray[np.int64]) -> None:
        self.add(code, severity, message, self._grid.start_epoch_s[slots])

    def add(self, code: str, severity: Severity, message: str, starts: NDArray[np.int64]) -> None:
        if len(starts):
            self.findings.append(
                Finding(
                    code=code,
                    severity=severity,
                    message=message,
                    point=self._point,
                    channel=self._channel,
                    start_epoch_s=int(starts.min()),
                    end_epoch_s=int(starts.max()) + self._grid.slot_s,
                    facts=(("count", str(len(starts))),),
                )
            )
