"""V3, V4: does the clock of the data fit the place and the changes between winter and summer time."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

import numpy as np

from ogniwo.core.kernel.calendar import QUARTER_S, WARSAW, grid_of_days
from ogniwo.core.kernel.findings import Finding, Severity
from ogniwo.core.metering.model import IntervalSeries
from ogniwo.core.metering.runs import runs_of
from ogniwo.core.metering.solar import Location, minutes_from_solar_noon
from ogniwo.core.metering.validation.parameters import RuleParameters
from ogniwo.core.metering.validation.reporting import day_slots, slot_finding

LocalLabel = tuple[date, int]
"""A local time label as a file shows it: day and minute of the day at which the interval starts."""

_MINUTES_A_DAY: Final = 1_440


def _label_counts(day: date, *, slot_s: int, zone: str) -> Counter[int]:
    """How often each label exists on a local day: once, never in the spring gap, twice in the autumn hour."""
    grid = grid_of_days(day, day + timedelta(days=1), slot_s=slot_s, zone=zone)
    view = grid.view()
    return Counter((view.hour.astype(np.int64) * 60 + view.minute).tolist())


def check_label_shape(
    labels: Iterable[LocalLabel],
    *,
    point: str,
    channel: str = "",
    source: str = "",
    slot_s: int = QUARTER_S,
    zone: str = WARSAW,
) -> tuple[Finding, ...]:
    """V4 on local labels of one channel: the skipped hour must not occur, the repeated one must occur twice.

    Days without a change of clocks are not judged here (V1 and V2 do). A day that lacks more than the repeated hour
    is judged as well: one of two occurrences is an error, neither is a gap for V1.
    """
    by_day: dict[date, Counter[int]] = {}
    for day, minute in labels:
        by_day.setdefault(day, Counter())[minute] += 1
    findings: list[Finding] = []
    for day, found in sorted(by_day.items()):
        legal = _label_counts(day, slot_s=slot_s, zone=zone)
        step = slot_s // 60
        skipped = [minute for minute in range(0, _MINUTES_A_DAY, step) if minute not in legal and minute in found]
        wrong = [minute for minute, count in sorted(legal.items()) if count > 1 and found[minute] not in {0, count}]
        for code, minutes, words in (
            ("V4.skipped_hour_present", skipped, "which the change to summer time skips"),
            ("V4.repeated_hour_count", wrong, "which the change to winter time repeats"),
        ):
            if minutes:
                first = f"{minutes[0] // 60:02d}:{minutes[0] % 60:02d}"
                findings.append(
                    Finding(
                        code=code,
                        severity=Severity.ERROR,
                        message=f"{day} has {len(minutes)} wrong labels from {first} on, {words}",
                        source=source,
                        point=point,
                        channel=channel,
                        facts=(
                            ("day", str(day)),
                            ("labels", ", ".join(f"{minute // 60:02d}:{minute % 60:02d}" for minute in minutes)),
                            ("found", ", ".join(str(found[minute]) for minute in minutes)),
                            ("legal", ", ".join(str(legal[minute]) for minute in minutes)),
                        ),
                    )
                )
    return tuple(findings)


def check_repeated_hour(series: IntervalSeries) -> tuple[Finding, ...]:
    """V4 on a grid: on the autumn day exactly one of the two occurrences of the repeated hour has values.

    That is what a reader leaves behind that overwrote one occurrence with the other or dropped it.
    """
    view = series.grid.view()
    minute_of_day = view.hour.astype(np.int64) * 60 + view.minute
    present = ~series.missing
    findings: list[Finding] = []
    for day in range(len(series.grid.days)):
        first, last = day_slots(series, day)
        labels = minute_of_day[first:last]
        repeated = [minute for minute, count in Counter(labels.tolist()).items() if count > 1]
        if not repeated:
            continue
        occurrences = [np.flatnonzero(labels == minute) + first for minute in repeated]
        earlier = np.array([slots[0] for slots in occurrences])
        later = np.array([slots[1] for slots in occurrences])
        for one, other, words in ((earlier, later, "first"), (later, earlier, "second")):
            if not present[one].any() and present[other].all():
                findings.append(
                    slot_finding(
                        series,
                        "V4.repeated_hour_missing",
                        Severity.ERROR,
                        f"the {words} occurrence of the repeated hour on {series.grid.days[day]} has no values",
                        slots=(int(one[0]), int(one[-1]) + 1),
                        day=series.grid.days[day],
                        slots_missing=len(one),
                    )
                )
    return tuple(findings)


@dataclass(frozen=True, slots=True)
class _SolarDay:
    """A complete local day: its position, its energy, and energy times minutes from solar noon."""

    index: int
    wh: int
    moment: float


def _solar_days(series: IntervalSeries, location: Location) -> list[_SolarDay]:
    middle = series.grid.start_epoch_s + series.grid.slot_s // 2
    from_noon = minutes_from_solar_noon(middle, location=location)
    generated = np.maximum(series.wh, 0).astype(np.int64)
    days: list[_SolarDay] = []
    for index in range(len(series.grid.days)):
        first, last = day_slots(series, index)
        if not series.missing[first:last].any():
            wh = generated[first:last]
            days.append(_SolarDay(index, int(wh.sum()), float((wh * from_noon[first:last]).sum())))
    return days


def check_time_base(series: IntervalSeries, parameters: RuleParameters, *, location: Location) -> tuple[Finding, ...]:
    """V3 for photovoltaic feed-in: its centre over `v3_days` complete days lies over `v3_minutes` from solar noon.

    Single days are weather, so windows of days are pooled by energy; windows with less than `v3_least_percent` of the
    energy of the best one are left out. Overlapping windows on the same side make one finding. A warning only: what is
    fed in after own use is skewed, most of all in winter. Times are no energy: they are floats here, then minutes.
    """
    days = _solar_days(series, location)
    count = parameters.v3_days
    windows = [days[first : first + count] for first in range(len(days) - count + 1)]
    energies = [sum(day.wh for day in window) for window in windows]
    least_wh = max(energies, default=0) * parameters.v3_least_percent
    centres = [
        sum(day.moment for day in window) / energy if energy and energy * 100 >= least_wh else 0.0
        for window, energy in zip(windows, energies, strict=True)
    ]
    findings: list[Finding] = []
    for side, words in ((1, "later"), (-1, "earlier")):
        off = np.array([side * centre > parameters.v3_minutes for centre in centres], dtype=np.bool_)
        for first, last in runs_of(off):
            ordered = sorted(centres[first:last])
            median = round(ordered[len(ordered) // 2])
            begin, end = windows[first][0].index, windows[last - 1][-1].index
            findings.append(
                slot_finding(
                    series,
                    "V3.solar_noon",
                    Severity.WARNING,
                    f"feed-in is centred {abs(median)} minutes {words} than solar noon: wrong clock or zone?",
                    slots=(day_slots(series, begin)[0], day_slots(series, end)[1]),
                    median_minutes=median,
                    windows=last - first,
                    limit_minutes=parameters.v3_minutes,
                )
            )
    return tuple(findings)
