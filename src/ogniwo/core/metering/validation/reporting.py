"""How rules write findings about a series: place, period, facts."""

from ogniwo.core.kernel.findings import Finding, Severity
from ogniwo.core.metering.model import IntervalSeries
from ogniwo.core.metering.runs import span_of


def slot_finding(
    series: IntervalSeries, code: str, severity: Severity, message: str, *, slots: tuple[int, int], **facts: object
) -> Finding:
    """A finding about the slots [first, last) of a series; `facts` are the numbers that led to it."""
    start, end = span_of(series.grid, *slots)
    return Finding(
        code=code,
        severity=severity,
        message=message,
        source=series.version,
        point=series.point,
        channel=series.channel,
        start_epoch_s=start,
        end_epoch_s=end,
        facts=tuple((name, str(value)) for name, value in facts.items()),
    )


def day_slots(series: IntervalSeries, day: int) -> tuple[int, int]:
    """The slots [first, last) of a local day of the series' grid, by its position."""
    offsets = series.grid.day_offsets
    return int(offsets[day]), int(offsets[day + 1])
