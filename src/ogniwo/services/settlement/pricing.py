"""Price what each point still takes from the grid, contract segment by contract segment."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ogniwo.core.contracts.supply import ContractSegment, segments
from ogniwo.core.kernel.calendar import QUARTER_S, Month, SlotGrid
from ogniwo.core.kernel.findings import Finding, Severity
from ogniwo.core.kernel.refusals import Refusal
from ogniwo.core.metering.model import IntervalSeries
from ogniwo.core.tariffs.model import ChargeLine, PointTerms
from ogniwo.core.tariffs.rating import rate_point
from ogniwo.core.tariffs.rules import TariffBook
from ogniwo.core.tariffs.usage import ReactiveEnergy, Usage
from ogniwo.services.settlement.loading import MemberPoint


class NoContractError(Refusal):
    """A point has no supply contract in the month."""

    code = "period.no_contract"


@dataclass(frozen=True, slots=True, kw_only=True)
class PricedPoint:
    """The lines of one point, and what could not be judged or is not covered by a contract."""

    lines: tuple[ChargeLine, ...]
    findings: tuple[Finding, ...]


def price_point(
    *, book: TariffBook, member: MemberPoint, month: Month, hours: SlotGrid, grid_wh: NDArray[np.int64]
) -> PricedPoint:
    """Rate the days of one point's membership: energy charges on `grid_wh` (hours,), the rest by terms and power.

    Waived for energy of the community and of the pool are all charges per energy (law.md 4.3): they are never in
    `grid_wh`. Power and reactive energy are judged on what the meter saw.
    """
    timeline = segments(
        member.contracts, point=member.point.code, first=member.first, last_exclusive=member.last_exclusive
    )
    if not timeline.segments:
        raise NoContractError(detail=f"{member.point.code} has no supply contract in {month}")
    lines: list[ChargeLine] = []
    findings = list(timeline.findings)
    for index, segment in enumerate(timeline.segments):
        rating = rate_point(
            book=book,
            terms=segment.contract.terms,
            first=segment.first,
            last_exclusive=segment.last_exclusive,
            usage=_usage(member, hours, grid_wh, segment),
            continues_month=index > 0,
        )
        lines.extend(rating.lines)
        findings.extend(
            Finding(
                code="rating.not_assessed",
                severity=Severity.WARNING,
                message=f"{charge}: {reason}",
                point=member.point.code,
            )
            for charge, reason in rating.facts.not_assessed
        )
    return PricedPoint(lines=tuple(lines), findings=tuple(findings))


def _usage(
    member: MemberPoint, hours: SlotGrid, grid_wh: NDArray[np.int64], segment: ContractSegment[PointTerms]
) -> Usage:
    imports = member.imports
    quarters = imports is not None and imports.grid.slot_s == QUARTER_S
    return Usage(
        grid=hours,
        energy_wh=grid_wh,
        power_w=imports.wh.astype(np.int64) * 4 if imports is not None and quarters else None,
        power_grid=imports.grid if imports is not None and quarters else None,
        reactive=_reactive(member, segment) if segment.contract.terms.reactive_charged else (),
    )


def _reactive(member: MemberPoint, segment: ContractSegment[PointTerms]) -> tuple[ReactiveEnergy, ...]:
    """Active and reactive energy of the segment's days; empty when the meter counts no reactive energy."""
    if member.imports is None or (member.reactive_q1 is None and member.reactive_q4 is None):
        return ()
    return (
        ReactiveEnergy(
            active_wh=_days_total(member.imports, segment),
            q1_varh=_days_total(member.reactive_q1, segment) if member.reactive_q1 is not None else 0,
            q4_varh=_days_total(member.reactive_q4, segment) if member.reactive_q4 is not None else 0,
        ),
    )


def _days_total(series: IntervalSeries, segment: ContractSegment[PointTerms]) -> int:
    grid = series.grid
    first = (segment.first - grid.days[0]).days
    last = (segment.last_exclusive - grid.days[0]).days
    return int(series.wh[grid.day_offsets[first] : grid.day_offsets[last]].sum(dtype=np.int64))


def price_all(
    *, book: TariffBook, members: Sequence[MemberPoint], month: Month, hours: SlotGrid, grid: NDArray[np.int64]
) -> tuple[dict[str, tuple[ChargeLine, ...]], tuple[Finding, ...]]:
    """Rate every point: lines by point code, and all findings."""
    lines: dict[str, tuple[ChargeLine, ...]] = {}
    findings: list[Finding] = []
    for row, member in enumerate(members):
        priced = price_point(book=book, member=member, month=month, hours=hours, grid_wh=grid[row])
        lines[member.point.code] = priced.lines
        findings.extend(priced.findings)
    return lines, tuple(findings)
