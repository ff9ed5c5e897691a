"""V22, V23: data that arrive after the month was closed, and whether point, meter and member belong together."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ogniwo.core.kernel.findings import Finding, Severity
from ogniwo.core.kernel.ids import is_ppe
from ogniwo.core.metering.model import IntervalSeries, RegisterReading
from ogniwo.core.metering.readings import reading_finding
from ogniwo.core.metering.runs import runs_of
from ogniwo.core.metering.validation.reporting import slot_finding


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """Something that belongs to a point from an instant to another: a meter, or a membership (`what` = its name).

    `end_epoch_s` is None while it lasts.
    """

    point: str
    what: str
    start_epoch_s: int
    end_epoch_s: int | None = None

    def covers(self, start_epoch_s: int, end_epoch_s: int) -> bool:
        """Whether the whole of [start, end) lies inside."""
        return self.start_epoch_s <= start_epoch_s and (self.end_epoch_s is None or end_epoch_s <= self.end_epoch_s)


def check_late_data(*, closed: IntervalSeries, arrived: IntervalSeries) -> tuple[Finding, ...]:
    """V22: values that differ from those a closed month was settled with; each run of changed slots is a finding.

    `closed` is the series the settlement used, `arrived` the newest one. The settlement needs a correction (a new
    version); `difference_wh` is what it will change, missing slots counted apart because missing is not zero.
    """
    if closed.grid is not arrived.grid:
        raise ValueError("closed and arrived series must lie on the same grid")
    changed = (closed.wh != arrived.wh) | (closed.missing != arrived.missing)
    findings: list[Finding] = []
    for first, last in runs_of(changed):
        before = int(closed.wh[first:last].sum(dtype=np.int64))
        after = int(arrived.wh[first:last].sum(dtype=np.int64))
        findings.append(
            slot_finding(
                arrived,
                "V22.late",
                Severity.WARNING,
                f"{last - first} slots changed after the month was closed, by {after - before} Wh: correct it",
                slots=(first, last),
                closed_version=closed.version,
                arrived_version=arrived.version,
                closed_wh=before,
                arrived_wh=after,
                difference_wh=after - before,
                closed_missing_slots=int(closed.missing[first:last].sum()),
                arrived_missing_slots=int(arrived.missing[first:last].sum()),
            )
        )
    return tuple(findings)


def check_point(point: str, *, source: str = "", row: int = 0) -> tuple[Finding, ...]:
    """V23: a metering point code has 18 digits and a valid check digit."""
    if is_ppe(point):
        return ()
    message = f"{point!r} is no metering point code: 18 digits with a GS1 check digit are"
    return (
        Finding(code="V23.check_digit", severity=Severity.ERROR, message=message, source=source, row=row, point=point),
    )


def check_meters(readings: Sequence[RegisterReading], *, assignments: Sequence[Assignment]) -> tuple[Finding, ...]:
    """V23: the meter of each reading belongs to its point at that instant (its last instant included)."""
    findings: list[Finding] = []
    for reading in readings:
        owners = [
            entry
            for entry in assignments
            if entry.what == reading.meter and entry.covers(reading.epoch_s, reading.epoch_s)
        ]
        if any(entry.point == reading.point for entry in owners):
            continue
        places = ", ".join(sorted({entry.point for entry in owners})) or "no point"
        message = f"meter {reading.meter} does not belong to {reading.point} at that time, but to {places}"
        findings.append(
            reading_finding(
                "V23.meter",
                Severity.ERROR,
                message,
                first=reading,
                last=reading,
                meter=reading.meter,
                belongs_to=places,
            )
        )
    return tuple(findings)


def check_membership(series: IntervalSeries, *, memberships: Sequence[Assignment]) -> tuple[Finding, ...]:
    """V23: slots with values lie inside a membership of the point; each run outside is a finding."""
    starts = series.grid.start_epoch_s
    inside = np.zeros(series.grid.slots, dtype=np.bool_)
    for entry in memberships:
        if entry.point == series.point:
            ends = starts + series.grid.slot_s
            inside |= (starts >= entry.start_epoch_s) & (entry.end_epoch_s is None or ends <= entry.end_epoch_s)
    return tuple(
        slot_finding(
            series,
            "V23.outside_membership",
            Severity.ERROR,
            f"{last - first} slots have values outside every membership of the point",
            slots=(first, last),
            slots_outside=last - first,
            energy_wh=int(series.wh[first:last].sum(dtype=np.int64)),
        )
        for first, last in runs_of(~inside & ~series.missing)
    )
