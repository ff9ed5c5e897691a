"""A month's data quality as a map of points and days, made of the same check that decides whether it is billed."""

from dataclasses import dataclass
from datetime import date

import numpy as np

from ogniwo.core.kernel.calendar import Month, local_day
from ogniwo.core.kernel.findings import Finding, Severity
from ogniwo.core.kernel.quality import Quality
from ogniwo.records.parties.models import Organisation
from ogniwo.records.visibility import Subject
from ogniwo.services.metering.context import series_of_month
from ogniwo.services.metering.quality import MonthQuality, check_month, visible_points
from ogniwo.services.workspace.model import Workspace

FULL, FILLED, WARNED, PART, NONE = "full", "filled", "warn", "part", "none"
_FILLED = (Quality.ESTIMATED_BY_OPERATOR, Quality.SUBSTITUTED, Quality.MANUAL)


@dataclass(frozen=True, slots=True)
class HeatCell:
    """One day of one point, all channels together: the state, missing and filled slots, findings that need a look."""

    state: str
    missing: int
    filled: int
    findings: int


@dataclass(frozen=True, slots=True, kw_only=True)
class HeatRow:
    """One point's month; `findings` counts those that name no day."""

    point: str
    member_name: str
    cells: tuple[HeatCell, ...]
    findings: int
    billable: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class HeatMonth:
    """The map with the check that it was made of."""

    days: tuple[date, ...]
    rows: tuple[HeatRow, ...]
    quality: MonthQuality


def heat_of_month(workspace: Workspace, *, organisation: Organisation, subject: Subject, month: Month) -> HeatMonth:
    """Check a month and lay what is missing, filled and found over its days."""
    quality = check_month(workspace, organisation=organisation, subject=subject, month=month)
    days = tuple(date(month.year, month.month, day + 1) for day in range(month.days))
    found = _by_day(quality.findings, month)
    billable = {one.point: True for one in quality.channels}
    for one in quality.channels:
        billable[one.point] &= one.assessment.billable
    rows = []
    for point in visible_points(organisation=organisation, subject=subject):
        slots, missing, filled = _sums(workspace, point.code, month)
        cells = tuple(
            _cell(slots[day], missing[day], filled[day], found.get((point.code, day), 0)) for day in range(len(days))
        )
        rows.append(
            HeatRow(
                point=point.code,
                member_name=point.member.name,
                cells=cells,
                findings=found.get((point.code, -1), 0),
                billable=billable.get(point.code, False),
            )
        )
    return HeatMonth(days=days, rows=tuple(rows), quality=quality)


def _sums(workspace: Workspace, point: str, month: Month) -> tuple[list[int], list[int], list[int]]:
    """Slots, missing and filled ones by day, over every channel of a point."""
    slots, missing, filled = (np.zeros(month.days, dtype=np.int64) for _ in range(3))
    for series in series_of_month(workspace, point=point, month=month).values():
        bounds = series.grid.day_offsets[:-1]
        slots += np.diff(series.grid.day_offsets)
        missing += np.add.reduceat(series.missing.astype(np.int64), bounds)
        filled += np.add.reduceat(np.isin(series.quality, _FILLED).astype(np.int64), bounds)
    return slots.tolist(), missing.tolist(), filled.tolist()


def _by_day(findings: tuple[Finding, ...], month: Month) -> dict[tuple[str, int], int]:
    """How many warnings and errors touch a point's day (counted from 0); -1 stands for no day."""
    counts: dict[tuple[str, int], int] = {}
    for one in findings:
        if one.severity is Severity.NOTE or not one.point:
            continue
        for day in _days_of(one, month):
            counts[(one.point, day)] = counts.get((one.point, day), 0) + 1
    return counts


def _days_of(finding: Finding, month: Month) -> range | tuple[int]:
    if finding.start_epoch_s is None:
        return (-1,)
    end_s = finding.start_epoch_s + 1 if finding.end_epoch_s is None else finding.end_epoch_s
    last_s = max(end_s - 1, finding.start_epoch_s)
    first = (local_day(finding.start_epoch_s) - month.first).days
    last = (local_day(last_s) - month.first).days
    if last - first + 1 >= month.days:
        return (-1,)
    return range(max(first, 0), min(last + 1, month.days))


def _cell(slots: int, missing: int, filled: int, findings: int) -> HeatCell:
    if slots == missing:
        state = NONE
    elif missing:
        state = PART
    elif findings:
        state = WARNED
    else:
        state = FILLED if filled else FULL
    return HeatCell(state, missing, filled, findings)
