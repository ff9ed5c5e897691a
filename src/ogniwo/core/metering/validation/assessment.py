"""All rules for one channel of one point and month, with a verdict for each rule and one for the bill."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from ogniwo.core.kernel.findings import Finding, Severity
from ogniwo.core.metering.model import EXPORT, IntervalSeries, MaximumPower, RegisterReading
from ogniwo.core.metering.registers import RegisterUse
from ogniwo.core.metering.solar import Location
from ogniwo.core.metering.validation.administration import (
    Assignment,
    check_late_data,
    check_membership,
    check_meters,
    check_point,
)
from ogniwo.core.metering.validation.completeness import check_completeness, check_estimated_share
from ogniwo.core.metering.validation.parameters import RuleParameters
from ogniwo.core.metering.validation.plausibility import (
    check_high_limit,
    check_negative,
    check_night_generation,
    check_reactive,
    check_spikes,
    check_stuck_values,
    check_zero_runs,
)
from ogniwo.core.metering.validation.register_checks import check_profile_against_register, check_zones
from ogniwo.core.metering.validation.ten_maxima import check_ten_maxima
from ogniwo.core.metering.validation.time_base import check_repeated_hour, check_time_base


class Outcome(StrEnum):
    """What a rule said: NOT_CHECKED when it had nothing to check with, DISABLED when switched off for the point."""

    PASSED = "passed"
    NOTED = "noted"
    WARNED = "warned"
    FAILED = "failed"
    NOT_CHECKED = "not_checked"
    DISABLED = "disabled"


@dataclass(frozen=True, slots=True, kw_only=True)
class PointMonth:
    """One channel of one point and month, and what the rules may compare it with; absent context is not checked.

    `power_w` is the installed, contracted or fuse power that bounds this channel. `location` is given for
    photovoltaic plants only. `import_findings` are those that reading and deduplication gave for this channel (V2, V4
    on labels). `readings` may hold any registers of the point; `uses` are consumptions of this channel's total
    register. `active` is the active energy to a reactive channel. `maxima` belong to the import channel.
    """

    series: IntervalSeries
    parameters: RuleParameters = field(default_factory=RuleParameters)
    power_w: int | None = None
    location: Location | None = None
    history: IntervalSeries | None = None
    active: IntervalSeries | None = None
    closed: IntervalSeries | None = None
    readings: tuple[RegisterReading, ...] = ()
    uses: tuple[RegisterUse, ...] = ()
    maxima: tuple[MaximumPower, ...] = ()
    slot_maximum_w: int | None = None
    meters: tuple[Assignment, ...] | None = None
    memberships: tuple[Assignment, ...] | None = None
    import_findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleVerdict:
    """What one rule said of a point and month."""

    rule: str
    outcome: Outcome
    findings: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessment:
    """The findings of all rules, a verdict for each, and whether the month may be billed: no ERROR anywhere."""

    findings: tuple[Finding, ...]
    verdicts: tuple[RuleVerdict, ...]
    billable: bool

    @property
    def blocking(self) -> tuple[str, ...]:
        """The rules that keep the month out of a bill."""
        return tuple(verdict.rule for verdict in self.verdicts if verdict.outcome is Outcome.FAILED)


Checked = Sequence[Finding] | None
"""Findings of a rule; None when there was nothing to check with."""


def _from_uses(rule: str) -> Callable[[PointMonth], Checked]:
    def check(month: PointMonth) -> Checked:
        if not month.uses:
            return None
        return [found for use in month.uses for found in use.findings if rule_of(found) == rule]

    return check


def _completeness(month: PointMonth) -> Checked:
    uses = [found for use in month.uses for found in use.findings if rule_of(found) == "V1"]
    return [*check_completeness(month.series, month.parameters), *uses]


def _duplicates(month: PointMonth) -> Checked:
    states = [found for use in month.uses for found in use.findings if rule_of(found) == "V2"]
    return [*(found for found in month.import_findings if rule_of(found) == "V2"), *states]


def _time_base(month: PointMonth) -> Checked:
    if month.location is None or month.series.channel != EXPORT:
        return None
    return check_time_base(month.series, month.parameters, location=month.location)


def _day_shape(month: PointMonth) -> Checked:
    labels = [found for found in month.import_findings if rule_of(found) == "V4"]
    return [*labels, *check_repeated_hour(month.series)]


def _profile_sum(month: PointMonth) -> Checked:
    if not month.uses:
        return None
    return [
        found for use in month.uses for found in check_profile_against_register(month.series, use, month.parameters)
    ]


def _zones(month: PointMonth) -> Checked:
    return check_zones(month.readings, month.parameters) if month.readings else None


def _high_limit(month: PointMonth) -> Checked:
    if month.power_w is None:
        return None
    return check_high_limit(month.series, month.parameters, power_w=month.power_w)


def _zero_runs(month: PointMonth) -> Checked:
    return check_zero_runs(month.series, month.parameters, history=month.history, location=month.location)


def _night(month: PointMonth) -> Checked:
    if month.location is None or month.series.channel != EXPORT:
        return None
    return check_night_generation(month.series, month.parameters, location=month.location, peak_w=month.power_w)


def _reactive(month: PointMonth) -> Checked:
    return None if month.active is None else check_reactive(month.active, month.series, month.parameters)


def _late(month: PointMonth) -> Checked:
    return None if month.closed is None else check_late_data(closed=month.closed, arrived=month.series)


def _identity(month: PointMonth) -> Checked:
    findings = list(check_point(month.series.point))
    if month.meters is not None:
        findings.extend(check_meters(month.readings, assignments=month.meters))
    if month.memberships is not None:
        findings.extend(check_membership(month.series, memberships=month.memberships))
    return findings


def _maxima(month: PointMonth) -> Checked:
    if not month.maxima:
        return None
    return check_ten_maxima(
        month.maxima,
        month.parameters,
        slot_maximum_w=month.slot_maximum_w,
        profile=month.series,
        zone=month.series.grid.zone,
    )


RULES: Final[tuple[tuple[str, Callable[[PointMonth], Checked]], ...]] = (
    ("V1", _completeness),
    ("V2", _duplicates),
    ("V3", _time_base),
    ("V4", _day_shape),
    ("V5", _profile_sum),
    ("V6", _zones),
    ("V7", lambda month: check_spikes(month.series, month.parameters)),
    ("V8", _high_limit),
    ("V9", _zero_runs),
    ("V10", lambda month: check_stuck_values(month.series, month.parameters)),
    ("V11", _night),
    ("V12", lambda month: check_negative(month.series)),
    ("V14", _reactive),
    ("V15", _from_uses("V15")),
    ("V16", _from_uses("V16")),
    ("V17", _from_uses("V17")),
    ("V21", lambda month: check_estimated_share(month.series, month.parameters)),
    ("V22", _late),
    ("V23", _identity),
    ("V24", _maxima),
)
"""The rules of one point and month in the order of the table; V20 looks at a whole community (see community.py)."""


def rule_of(finding: Finding) -> str:
    """The rule a finding's code belongs to: `V1` of `V1.missing`."""
    return finding.code.partition(".")[0]


def _outcome(findings: Sequence[Finding]) -> Outcome:
    worst = max((finding.severity for finding in findings), default=None)
    if worst is None:
        return Outcome.PASSED
    return {Severity.NOTE: Outcome.NOTED, Severity.WARNING: Outcome.WARNED, Severity.ERROR: Outcome.FAILED}[worst]


def assess(month: PointMonth) -> Assessment:
    """Run every rule on one channel of one point and month.

    Billable means that no rule found an ERROR. A rule without its context is NOT_CHECKED and does not block; what must
    be checked before a bill is the caller's policy, read from the verdicts.
    """
    findings: list[Finding] = []
    verdicts: list[RuleVerdict] = []
    for rule, check in RULES:
        if rule in month.parameters.disabled:
            verdicts.append(RuleVerdict(rule=rule, outcome=Outcome.DISABLED, findings=0))
            continue
        found = check(month)
        if found is None:
            verdicts.append(RuleVerdict(rule=rule, outcome=Outcome.NOT_CHECKED, findings=0))
            continue
        findings.extend(found)
        verdicts.append(RuleVerdict(rule=rule, outcome=_outcome(found), findings=len(found)))
    billable = all(verdict.outcome is not Outcome.FAILED for verdict in verdicts)
    return Assessment(findings=tuple(findings), verdicts=tuple(verdicts), billable=billable)
