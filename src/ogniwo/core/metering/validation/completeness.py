"""V1, V21: is every slot of every local day there (23, 24 or 25 hours), and how much of it is estimated."""

from dataclasses import dataclass
from datetime import date

import numpy as np

from ogniwo.core.kernel.findings import Finding, Severity
from ogniwo.core.kernel.quality import Quality
from ogniwo.core.metering.model import IntervalSeries
from ogniwo.core.metering.runs import runs_of
from ogniwo.core.metering.validation.parameters import RuleParameters
from ogniwo.core.metering.validation.reporting import slot_finding


@dataclass(frozen=True, slots=True, kw_only=True)
class DayCompleteness:
    """Slots that a local day should have (92, 96, 100 quarters) and those that have a value."""

    day: date
    expected: int
    present: int

    def reaches(self, threshold_percent: int) -> bool:
        """Whether the share of present slots reaches a threshold, in whole integers."""
        return self.present * 100 >= self.expected * threshold_percent


def completeness_by_day(series: IntervalSeries) -> tuple[DayCompleteness, ...]:
    """Expected and present slots of every local day of a series."""
    offsets = series.grid.day_offsets
    present = np.add.reduceat((~series.missing).astype(np.int64), offsets[:-1])
    return tuple(
        DayCompleteness(day=day, expected=int(offsets[index + 1] - offsets[index]), present=int(present[index]))
        for index, day in enumerate(series.grid.days)
    )


def presence_bitmap(series: IntervalSeries) -> bytes:
    """One bit a slot, the first slot in the highest bit of the first byte, 1 = has a value; padded with zeros."""
    return np.packbits(~series.missing).tobytes()


def check_completeness(series: IntervalSeries, parameters: RuleParameters) -> tuple[Finding, ...]:
    """V1: one finding for each gap, from its first to its last slot.

    An ERROR when a day that the gap touches stays below `v1_threshold_percent`, otherwise a WARNING.
    """
    days = completeness_by_day(series)
    offsets = series.grid.day_offsets
    findings: list[Finding] = []
    for first, last in runs_of(series.missing):
        first_day = int(np.searchsorted(offsets, first, side="right")) - 1
        last_day = int(np.searchsorted(offsets, last - 1, side="right")) - 1
        touched = days[first_day : last_day + 1]
        worst = min(touched, key=lambda day: day.present / day.expected)
        enough = all(day.reaches(parameters.v1_threshold_percent) for day in touched)
        findings.append(
            slot_finding(
                series,
                "V1.missing",
                Severity.WARNING if enough else Severity.ERROR,
                f"{last - first} slots have no value, on {touched[0].day} to {touched[-1].day}",
                slots=(first, last),
                slots_missing=last - first,
                worst_day=worst.day,
                expected=worst.expected,
                present=worst.present,
                threshold_percent=parameters.v1_threshold_percent,
            )
        )
    return tuple(findings)


def check_estimated_share(series: IntervalSeries, parameters: RuleParameters) -> tuple[Finding, ...]:
    """V21: more than `v21_percent` of the slots with a value are estimated or substituted."""
    estimated = np.isin(series.quality, (Quality.ESTIMATED_BY_OPERATOR, Quality.SUBSTITUTED, Quality.MANUAL))
    count, present = int(estimated.sum()), int((~series.missing).sum())
    if count * 100 <= present * parameters.v21_percent:
        return ()
    longest = max(last - first for first, last in runs_of(estimated))
    finding = slot_finding(
        series,
        "V21.estimated",
        Severity.WARNING,
        f"{count} of {present} slots are estimated; the bill has to say so",
        slots=(0, series.grid.slots),
        estimated=count,
        present=present,
        longest_run=longest,
        limit_percent=parameters.v21_percent,
    )
    return (finding,)
