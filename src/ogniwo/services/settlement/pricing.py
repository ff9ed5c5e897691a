"""Price what each point still takes from the grid, contract segment by contract segment (docs/sharing.md)."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ogniwo.core.contracts.supply import ContractSegment, segments
from ogniwo.core.kernel.calendar import HOUR_S, Month, SlotGrid
from ogniwo.core.kernel.findings import Finding, Severity
from ogniwo.core.kernel.refusals import Refusal
from ogniwo.core.metering.model import IMPORT, IntervalSeries
from ogniwo.core.tariffs.exceedance import LARGEST_COUNTED
from ogniwo.core.tariffs.explain import days_text
from ogniwo.core.tariffs.model import ChargeLine, PointTerms
from ogniwo.core.tariffs.rating import rate_point
from ogniwo.core.tariffs.rules import TariffBook
from ogniwo.core.tariffs.usage import ReactiveEnergy, Usage, slots_of_days
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
    `grid_wh`. Power and reactive energy are judged on what the meter saw. Days of the month outside the membership are
    billed by whoever supplied them: monthly charges are pro rata to the membership, and what is due in full per month
    is left to the one who billed the contract's first days of the month.
    """
    timeline = segments(
        member.contracts, point=member.point.code, first=member.first, last_exclusive=member.last_exclusive
    )
    if not timeline.segments:
        raise NoContractError(detail=f"{member.point.code} has no supply contract in {month}")
    power_w = _power(book, member, timeline.segments)
    lines: list[ChargeLine] = []
    findings = [*timeline.findings, *_outside_findings(member, month)]
    for index, segment in enumerate(timeline.segments):
        rating = rate_point(
            book=book,
            terms=segment.contract.terms,
            first=segment.first,
            last_exclusive=segment.last_exclusive,
            usage=_usage(member, hours, grid_wh, power_w, segment),
            continues_month=index > 0 or segment.contract.valid_from < segment.first,
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


def _outside_findings(member: MemberPoint, month: Month) -> tuple[Finding, ...]:
    """Say which days of the month are somebody else's to bill."""
    runs = ((month.first, member.first), (member.last_exclusive, month.shifted(1).first))
    return tuple(
        Finding(
            code="rating.outside_membership",
            severity=Severity.NOTE,
            message=f"{days_text(begin, end)}: not a member, left to the supplier of those days",
            point=member.point.code,
        )
        for begin, end in runs
        if begin < end
    )


def _usage(
    member: MemberPoint,
    hours: SlotGrid,
    grid_wh: NDArray[np.int64],
    power_w: NDArray[np.int64] | None,
    segment: ContractSegment[PointTerms],
) -> Usage:
    return Usage(
        grid=hours,
        energy_wh=grid_wh,
        power_w=power_w,
        power_grid=member.imports.grid if member.imports is not None and power_w is not None else None,
        reactive=_reactive(member, segment) if segment.contract.terms.reactive_charged else (),
    )


def _power(
    book: TariffBook, member: MemberPoint, timeline: Sequence[ContractSegment[PointTerms]]
) -> NDArray[np.int64] | None:
    """Mean powers of the metered import in its own quarter-hours or hours (3.2.10); None where they are not known.

    Netted energy is no power of the meter. Ten surpluses count in a month (3.2.9), not in each contract of it: with
    several contracts only the hours of the month's ten largest keep their power.
    """
    imports = member.imports
    if imports is None or imports.channel != IMPORT:
        return None
    power_w = imports.wh.astype(np.int64) * (HOUR_S // imports.grid.slot_s)
    if len(timeline) == 1:
        return power_w
    hourly_w = power_w.reshape(-1, imports.grid.slots_per_hour).max(axis=1)
    surplus_w = np.zeros_like(hourly_w)
    hour_grid = imports.grid.hourly()
    for segment in timeline:
        terms = segment.contract.terms
        if book.group(terms.operator, terms.group, segment.first).exceedance:
            cut = slots_of_days(hour_grid, segment.first, segment.last_exclusive)
            surplus_w[cut] = np.maximum(hourly_w[cut] - terms.contract_power_w, 0)
    largest = np.argsort(-surplus_w, kind="stable")[:LARGEST_COUNTED]
    counted = np.zeros(len(hourly_w), dtype=np.bool_)
    counted[largest] = True
    return np.where(np.repeat(counted, imports.grid.slots_per_hour), power_w, 0)


def _reactive(member: MemberPoint, segment: ContractSegment[PointTerms]) -> tuple[ReactiveEnergy, ...]:
    """Active and reactive energy of the segment's days; empty when the meter counts no reactive energy."""
    if member.imports is None or (member.reactive_q1 is None and member.reactive_q4 is None):
        return ()
    return (
        ReactiveEnergy(
            active_wh=_days_total(member.imports, segment),
            q1_varh=None if member.reactive_q1 is None else _days_total(member.reactive_q1, segment),
            q4_varh=None if member.reactive_q4 is None else _days_total(member.reactive_q4, segment),
        ),
    )


def _days_total(series: IntervalSeries, segment: ContractSegment[PointTerms]) -> int:
    return int(series.wh[slots_of_days(series.grid, segment.first, segment.last_exclusive)].sum(dtype=np.int64))


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
