"""A month's data quality as a map of points and days, made of the same check that decides whether it is billed."""

import threading
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Final

import numpy as np

from ogniwo.core.kernel.calendar import Month, local_day
from ogniwo.core.kernel.findings import Finding, Severity
from ogniwo.core.kernel.quality import Quality
from ogniwo.core.metering.model import IntervalSeries
from ogniwo.records.metering.models import MeteringPoint
from ogniwo.records.parties.models import Organisation
from ogniwo.records.visibility import Subject
from ogniwo.services.metering.quality import MonthQuality, check_month
from ogniwo.services.metering.set_aside import Aside, asides_of_month, digest_of
from ogniwo.services.workspace.audit import last_act_number
from ogniwo.services.workspace.model import Workspace

FULL, FILLED, WARNED, PART, NONE = "full", "filled", "warn", "part", "none"
_KEPT: Final[dict[tuple[str, int, Subject, Month], tuple[object, "HeatMonth"]]] = {}
_KEPT_MAX: Final = 8
_KEPT_GUARD: Final = threading.Lock()
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
    """The map with the check that it was made of; days count only `findings`, those that nobody set aside."""

    days: tuple[date, ...]
    rows: tuple[HeatRow, ...]
    quality: MonthQuality
    findings: tuple[Finding, ...]
    asides: tuple[Aside, ...]


def heat_of_month(workspace: Workspace, *, organisation: Organisation, subject: Subject, month: Month) -> HeatMonth:
    """Check a month and lay what is missing, filled and found over its days.

    Looking again before anything was written gives the last answer again: neither the store's head nor the log moved.
    """
    key = (str(workspace.root), organisation.pk, subject, month)
    state = (workspace.series.head(), last_act_number())
    with _KEPT_GUARD:
        before = _KEPT.get(key)
    if before is not None and before[0] == state:
        return before[1]
    made = _made(workspace, organisation, subject, month)
    with _KEPT_GUARD:
        _KEPT.pop(key, None)
        _KEPT[key] = (state, made)
        while len(_KEPT) > _KEPT_MAX:
            _KEPT.pop(next(iter(_KEPT)))
    return made


def _made(workspace: Workspace, organisation: Organisation, subject: Subject, month: Month) -> HeatMonth:
    names: dict[str, str] = {}
    sums: dict[str, tuple[list[int], list[int], list[int]]] = {}

    def looked(point: MeteringPoint, series: dict[str, IntervalSeries]) -> None:
        names[point.code] = point.member.name
        sums[point.code] = _sums(series, month)

    quality = check_month(workspace, organisation=organisation, subject=subject, month=month, looked=looked)
    days = tuple(date(month.year, month.month, day + 1) for day in range(month.days))
    asides = asides_of_month(organisation=organisation, subject=subject, month=month, findings=quality.findings)
    seen = {one.digest for one in asides}
    findings = tuple(one for one in quality.findings if not seen or digest_of(one) not in seen)
    found = _by_day(findings, month)
    billable = {one.point: True for one in quality.channels}
    for one in quality.channels:
        billable[one.point] &= one.assessment.billable
    rows = []
    for point, (slots, missing, filled) in sums.items():
        cells = tuple(
            _cell(slots[day], missing[day], filled[day], found.get((point, day), 0)) for day in range(len(days))
        )
        rows.append(
            HeatRow(
                point=point,
                member_name=names[point],
                cells=cells,
                findings=found.get((point, -1), 0),
                billable=billable.get(point, False),
            )
        )
    return HeatMonth(days=days, rows=tuple(rows), quality=quality, findings=findings, asides=asides)


def _sums(read: dict[str, IntervalSeries], month: Month) -> tuple[list[int], list[int], list[int]]:
    """Slots, missing and filled ones by day, over every channel of a point."""
    slots, missing, filled = (np.zeros(month.days, dtype=np.int64) for _ in range(3))
    for series in read.values():
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


@lru_cache(maxsize=4_096)
def _cell(slots: int, missing: int, filled: int, findings: int) -> HeatCell:
    """What a day shows; most days are alike, and a month of 1,000 points keeps 31,000 of them."""
    if slots == missing:
        state = NONE
    elif missing:
        state = PART
    elif findings:
        state = WARNED
    else:
        state = FILLED if filled else FULL
    return HeatCell(state, missing, filled, findings)
