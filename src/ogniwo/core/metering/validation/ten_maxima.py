"""V24: the ten largest hourly powers that a meter or a form reports (OBIS 1.6.200 to 1.6.209)."""

from collections.abc import Sequence
from itertools import pairwise

from ogniwo.core.kernel.calendar import HOUR_S, WARSAW, Month
from ogniwo.core.kernel.findings import Finding, Severity
from ogniwo.core.kernel.periods import epoch_of
from ogniwo.core.metering.intervals import hourly_series
from ogniwo.core.metering.maxima import MAXIMA, power_maxima
from ogniwo.core.metering.model import IntervalSeries, MaximumPower
from ogniwo.core.metering.validation.parameters import RuleParameters


def _finding(code: str, message: str, maximum: MaximumPower, **facts: object) -> Finding:
    return Finding(
        code=code,
        severity=Severity.WARNING,
        message=message,
        source=maximum.source,
        row=maximum.row,
        point=maximum.point,
        start_epoch_s=maximum.epoch_s - HOUR_S,
        end_epoch_s=maximum.epoch_s,
        facts=(
            ("month", maximum.month),
            ("rank", str(maximum.rank)),
            ("power_w", str(maximum.power_w)),
            *((name, str(value)) for name, value in facts.items()),
        ),
    )


def check_ten_maxima(
    maxima: Sequence[MaximumPower],
    parameters: RuleParameters,
    *,
    slot_maximum_w: int | None = None,
    profile: IntervalSeries | None = None,
    zone: str = WARSAW,
) -> tuple[Finding, ...]:
    """V24 for one point and month: order, period, the 15-minute maximum, and the profile where there is one.

    Args:
        maxima: What was reported for one point and month.
        parameters: `v24_tolerance_w` is the last digit of the report x multiplier.
        slot_maximum_w: The largest 15-minute mean power of the month (OBIS 1.6.0); no hourly mean can be above it.
        profile: Import energy of the month; its hourly means must be the reported ones. Incomplete hours are skipped.
        zone: The zone of the month.

    Raises:
        ValueError: maxima of several points or months.
    """
    if not maxima:
        return ()
    if len({(maximum.point, maximum.month) for maximum in maxima}) != 1:
        raise ValueError("ten maxima of several points or months")
    ordered = sorted(maxima, key=lambda maximum: (maximum.rank, maximum.row))
    findings = [*_rank_findings(ordered), *_period_findings(ordered, zone=zone)]
    if slot_maximum_w is not None:
        findings.extend(
            _finding(
                "V24.above_slot_maximum",
                f"the mean power of an hour, {maximum.power_w} W, is above the 15-minute maximum {slot_maximum_w} W",
                maximum,
                slot_maximum_w=slot_maximum_w,
            )
            for maximum in ordered
            if maximum.power_w > slot_maximum_w + parameters.v24_tolerance_w
        )
    if profile is not None:
        findings.extend(_profile_findings(ordered, profile, tolerance_w=parameters.v24_tolerance_w))
    return tuple(findings)


def _rank_findings(ordered: Sequence[MaximumPower]) -> list[Finding]:
    findings: list[Finding] = []
    if [maximum.rank for maximum in ordered] != list(range(1, MAXIMA + 1)):
        ranks = ", ".join(str(maximum.rank) for maximum in ordered)
        message = f"ten maxima have the ranks 1 to {MAXIMA}, each once; found {ranks}"
        findings.append(_finding("V24.ranks", message, ordered[-1], ranks=ranks))
    for earlier, later in pairwise(ordered):
        if later.power_w > earlier.power_w:
            message = f"rank {later.rank} is larger than rank {earlier.rank}"
            findings.append(_finding("V24.not_descending", message, later, previous_power_w=earlier.power_w))
    return findings


def _period_findings(ordered: Sequence[MaximumPower], *, zone: str) -> list[Finding]:
    month = Month.parse(ordered[0].month).period(zone)
    start, end = epoch_of(month.start), epoch_of(month.end)
    findings: list[Finding] = []
    seen: set[int] = set()
    for maximum in ordered:
        if not start < maximum.epoch_s <= end:
            findings.append(_finding("V24.outside_period", f"the hour does not end in {maximum.month}", maximum))
        if (maximum.epoch_s - start) % HOUR_S:
            findings.append(_finding("V24.not_an_hour", "the time is not the end of an hour", maximum))
        if maximum.epoch_s in seen:
            findings.append(_finding("V24.hour_twice", "the same hour is reported twice", maximum))
        seen.add(maximum.epoch_s)
    return findings


def _profile_findings(ordered: Sequence[MaximumPower], profile: IntervalSeries, *, tolerance_w: int) -> list[Finding]:
    hours = hourly_series(profile)
    findings: list[Finding] = []
    for maximum in ordered:
        hour = hours.grid.slot_of(maximum.epoch_s - HOUR_S)
        if hour is None or hours.missing[hour]:
            continue
        mean_w = int(hours.wh[hour])
        if abs(mean_w - maximum.power_w) > tolerance_w:
            message = f"the profile has {mean_w} W in that hour, reported are {maximum.power_w} W"
            findings.append(_finding("V24.differs_from_profile", message, maximum, profile_power_w=mean_w))
    computed = power_maxima(profile)
    if computed.incomplete_hours:
        return findings
    for maximum, largest in zip(ordered, computed.hourly, strict=False):
        if largest.power_w - maximum.power_w > tolerance_w:
            message = f"the profile has a larger hour for rank {maximum.rank}: {largest.power_w} W"
            findings.append(
                _finding(
                    "V24.larger_hour_in_profile",
                    message,
                    maximum,
                    profile_power_w=largest.power_w,
                    profile_hour_end_epoch_s=largest.epoch_s,
                )
            )
    return findings
