"""Check a month's data by the rules, and estimate what is missing as new versions with method and inputs."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

import msgspec
from django.db import transaction

from ogniwo.core.kernel.calendar import Month, grid_of_month
from ogniwo.core.kernel.findings import Finding, Severity
from ogniwo.core.kernel.periods import epoch_of
from ogniwo.core.metering.estimation import (
    EstimatedGap,
    Estimation,
    EstimationContext,
    NoEstimateError,
    RegisterBelowMeasuredError,
    fill_gaps,
)
from ogniwo.core.metering.intervals import RegisterSpan
from ogniwo.core.metering.model import EXPORT, REACTIVE_Q1, REACTIVE_Q4, IntervalSeries
from ogniwo.core.metering.validation.assessment import Assessment, PointMonth, assess
from ogniwo.core.metering.validation.parameters import RuleParameters
from ogniwo.records.metering.models import MeteringPoint, SourceFile
from ogniwo.records.parties.models import Organisation
from ogniwo.records.visibility import Subject
from ogniwo.series.model import NewCell
from ogniwo.services.metering.context import PointContext, load_for_contexts, point_context, series_of_month
from ogniwo.services.workspace.audit import record_act
from ogniwo.services.workspace.changing import changing
from ogniwo.services.workspace.model import Workspace

POINTS_AT_ONCE: Final = 256
"""How many points' months are held in memory together: some 15 kB for a channel."""
_ACTIVE_OF_REACTIVE = {REACTIVE_Q1: "1.29.0", REACTIVE_Q4: "1.29.0"}


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedChannel:
    """One channel of one point: how complete it is and what the rules said."""

    point: str
    channel: str
    slots: int
    present: int
    version: str
    assessment: Assessment


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthQuality:
    """The quality of a month: every channel of every visible point, and points that sent nothing.

    `community_findings` are where the operator's own account of a community does not add up (V20). They are warnings
    and hold up no bill: we bill what we compute from metered values.
    """

    month: Month
    channels: tuple[CheckedChannel, ...]
    silent_points: tuple[str, ...]
    community_findings: tuple[Finding, ...] = ()

    @property
    def findings(self) -> tuple[Finding, ...]:
        """All findings, points without any data and the operator's account among them."""
        silent = tuple(
            Finding(
                code="V1.no_data",
                severity=Severity.ERROR,
                message=f"the point sent nothing for {self.month}",
                point=point,
            )
            for point in self.silent_points
        )
        channels = (finding for one in self.channels for finding in one.assessment.findings)
        return (*channels, *silent, *self.community_findings)

    @property
    def billable(self) -> bool:
        """Whether every channel may be billed and no point is silent."""
        return not self.silent_points and all(one.assessment.billable for one in self.channels)


@dataclass(frozen=True, slots=True, kw_only=True)
class EstimatedChannel:
    """What was, or would be, substituted in one channel."""

    point: str
    channel: str
    gaps: tuple[EstimatedGap, ...]
    replaces_version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EstimatedMonth:
    """The outcome of estimating a month: channels filled, and those for which nothing is known."""

    channels: tuple[EstimatedChannel, ...]
    findings: tuple[Finding, ...]


def visible_points(*, organisation: Organisation, subject: Subject) -> tuple[MeteringPoint, ...]:
    """The points of an organisation that the subject may see, by code."""
    points = MeteringPoint.objects.all().visible_to(subject).filter(organisation=organisation)
    return tuple(points.select_related("member", "organisation", "group"))


def check_month(
    workspace: Workspace,
    *,
    organisation: Organisation,
    subject: Subject,
    month: Month,
    tell: Callable[[], None] = lambda: None,
    looked: Callable[[MeteringPoint, dict[str, IntervalSeries]], None] = lambda _point, _series: None,
) -> MonthQuality:
    """Run every rule on every channel of every visible point; `looked` is shown each point with what was read of it."""
    checked: list[CheckedChannel] = []
    silent: list[str] = []
    points = visible_points(organisation=organisation, subject=subject)
    for first in range(0, len(points), POINTS_AT_ONCE):
        for point, series, history in _loaded(workspace, points[first : first + POINTS_AT_ONCE], month):
            if not series:
                silent.append(point.code)
            context = point_context(point, month)
            looked(point, series)
            for channel, one in sorted(series.items()):
                checked.append(
                    CheckedChannel(
                        point=point.code,
                        channel=channel,
                        slots=one.grid.slots,
                        present=one.grid.slots - int(one.missing.sum()),
                        version=one.version,
                        assessment=assess(_point_month(context, one, series, history)),
                    )
                )
            tell()
    return MonthQuality(
        month=month,
        channels=tuple(checked),
        silent_points=tuple(silent),
        community_findings=community_findings(organisation=organisation, subject=subject, month=month),
    )


def _loaded(
    workspace: Workspace, points: Sequence[MeteringPoint], month: Month
) -> Iterator[tuple[MeteringPoint, dict[str, IntervalSeries], dict[str, IntervalSeries]]]:
    """Each point with its channels of the month and of the month before; files and tables are read for all together."""
    load_for_contexts(points)
    codes = {point.code for point in points}
    now, before = (workspace.series.read_points(points=codes, month=each) for each in (month, month.shifted(-1)))
    by_point: dict[str, tuple[dict[str, IntervalSeries], dict[str, IntervalSeries]]] = {}
    for place, found in enumerate((now, before)):
        for (code, channel), series in found.items():
            by_point.setdefault(code, ({}, {}))[place][channel] = series
    for point in points:
        yield point, *by_point.get(point.code, ({}, {}))


@dataclass(frozen=True, slots=True)
class _AccountSpan:
    """The time for which a file has the operator's account of a community; epoch seconds, half-open."""

    community: str
    start_epoch_s: int
    end_epoch_s: int

    def replaces(self, finding: Finding) -> bool:
        """Whether an older file's finding is about figures that this file has anew."""
        start, end = finding.start_epoch_s, finding.end_epoch_s
        return (
            start is not None
            and end is not None
            and self.start_epoch_s <= start
            and end <= self.end_epoch_s
            and ("community", self.community) in finding.facts
        )


def community_findings(*, organisation: Organisation, subject: Subject, month: Month) -> tuple[Finding, ...]:
    """What V20 found in the operator's accounts of a month when their files were read, oldest file first.

    The rule is not run again on the stored values: they are whole Wh, and rounding a community's figures hides more
    than it could add. An account of the same members that came later for the same time takes the place of the earlier
    one; an account of other members does not, so that nothing disappears unseen.
    """
    grid = grid_of_month(month)
    first_epoch_s, end_epoch_s = int(grid.start_epoch_s[0]), epoch_of(grid.period.end)
    files = SourceFile.objects.all().visible_to(subject).filter(organisation=organisation, facts__has_key="community")
    found: list[Finding] = []
    newer: list[_AccountSpan] = []
    for file in files.order_by("-received_at", "-pk"):
        span = _AccountSpan(
            file.facts["community"],
            *(epoch_of(datetime.fromisoformat(file.facts[fact])) for fact in ("community_from", "community_to")),
        )
        if span.end_epoch_s <= first_epoch_s or span.start_epoch_s >= end_epoch_s:
            continue
        stored = [_stored_finding(file, row) for row in file.findings if row["code"].startswith("V20.")]
        of_month = [one for one in stored if _overlaps(one, first_epoch_s, end_epoch_s)]
        found = [one for one in of_month if not any(later.replaces(one) for later in newer)] + found
        newer.append(span)
    return tuple(found)


def _overlaps(finding: Finding, start_epoch_s: int, end_epoch_s: int) -> bool:
    start, end = finding.start_epoch_s, finding.end_epoch_s
    return start is not None and end is not None and start < end_epoch_s and end > start_epoch_s


def _stored_finding(file: SourceFile, row: dict[str, Any]) -> Finding:
    """A finding as it was kept with its file."""
    severity, facts = Severity[row["severity"].upper()], tuple(row["facts"].items())
    return msgspec.convert({**row, "source": file.name, "severity": severity, "facts": facts}, Finding)


def _parameters(context: PointContext, channel: str) -> RuleParameters:
    """Capacitive energy is absent most of the time: runs of zeros (V9) mean nothing in that channel."""
    parameters = context.parameters
    return replace(parameters, disabled=parameters.disabled | {"V9"}) if channel == REACTIVE_Q4 else parameters


def _point_month(
    context: PointContext,
    series: IntervalSeries,
    others: dict[str, IntervalSeries],
    history: dict[str, IntervalSeries],
) -> PointMonth:
    use = context.use(series.channel, series.grid)
    active = others.get(_ACTIVE_OF_REACTIVE.get(series.channel, ""))
    import_side = series.channel == "1.29.0"
    return PointMonth(
        series=series,
        parameters=_parameters(context, series.channel),
        power_w=context.point.peak_power_w or None if series.channel == EXPORT else None,
        location=context.location,
        history=history.get(series.channel),
        active=active if active is not None and active.grid is series.grid else None,
        readings=context.readings if import_side else (),
        uses=(use,) if use is not None else (),
        maxima=context.maxima if import_side else (),
        meters=context.meters if import_side else None,
    )


def preview_estimates(
    workspace: Workspace, *, organisation: Organisation, subject: Subject, month: Month
) -> tuple[tuple[Estimation, ...], tuple[Finding, ...]]:
    """Estimate every gap of a month without storing anything; a gap for which nothing is known is a finding."""
    estimates: list[Estimation] = []
    findings: list[Finding] = []
    points = {point.code: point for point in visible_points(organisation=organisation, subject=subject)}
    gaps = {one.point for one in workspace.series.completeness(month=month, points=points) if one.present < one.slots}
    for code in sorted(gaps):
        point = points[code]
        context = point_context(point, month)
        for series in series_of_month(workspace, point=code, month=month).values():
            if series.complete:
                continue
            try:
                estimates.append(fill_gaps(series, context=_estimation_context(workspace, context, series, month)))
            except (NoEstimateError, RegisterBelowMeasuredError) as refusal:
                findings.append(
                    Finding(
                        code=refusal.code,
                        severity=Severity.ERROR,
                        message=refusal.detail,
                        point=point.code,
                        channel=series.channel,
                    )
                )
    return tuple(estimates), tuple(findings)


def _estimation_context(
    workspace: Workspace, context: PointContext, series: IntervalSeries, month: Month
) -> EstimationContext:
    use = context.use(series.channel, series.grid)
    spans: tuple[RegisterSpan, ...] = ()
    if use is not None and use.energy_wh is not None and not use.estimated:
        spans = (RegisterSpan(start_epoch_s=use.start_epoch_s, end_epoch_s=use.end_epoch_s, energy_wh=use.energy_wh),)
    earlier = (
        workspace.series.read(point=series.point, channel=series.channel, month=month.shifted(-back))
        for back in (1, 12)
    )
    return EstimationContext(
        spans=spans,
        history=tuple(one for one in earlier if one is not None and one.grid.slot_s == series.grid.slot_s),
        photovoltaic=context.point.source == "pv" and series.channel == EXPORT,
    )


@transaction.atomic
def estimate_month(
    workspace: Workspace, *, organisation: Organisation, subject: Subject, month: Month, dry_run: bool = False
) -> EstimatedMonth:
    """Fill every gap of a month by the best method known and store the result as new versions.

    Nothing measured is touched. With `dry_run` nothing is stored. Repeating it changes nothing: a filled month has no
    gap left. Raises BusyError while another use-case changes the workspace.
    """
    with nullcontext() if dry_run else changing(workspace, "quality estimate"):
        return _estimated(workspace, organisation=organisation, subject=subject, month=month, dry_run=dry_run)


def _estimated(
    workspace: Workspace, *, organisation: Organisation, subject: Subject, month: Month, dry_run: bool
) -> EstimatedMonth:
    estimates, findings = preview_estimates(workspace, organisation=organisation, subject=subject, month=month)
    channels = tuple(
        EstimatedChannel(
            point=one.series.point,
            channel=one.series.channel,
            gaps=one.gaps,
            replaces_version=one.replaces_version,
        )
        for one in estimates
    )
    if estimates and not dry_run:
        cells = [
            NewCell(
                point=one.series.point,
                channel=one.series.channel,
                grid=one.series.grid,
                wh=one.series.wh,
                quality=one.series.quality,
                reason="; ".join(f"{gap.method.value}: {', '.join(gap.inputs)}" for gap in one.gaps),
            )
            for one in estimates
        ]
        workspace.series.commit(cells, known_at=workspace.now(), source="estimate", author="operator")
        record_act(
            workspace,
            action="quality.estimate",
            target=f"{organisation.code} {month}",
            facts={
                f"{one.point} {one.channel}": [
                    {"method": gap.method.value, "inputs": list(gap.inputs), "energy_wh": gap.total_wh}
                    for gap in one.gaps
                ]
                for one in channels
            },
        )
    return EstimatedMonth(channels=channels, findings=findings)
