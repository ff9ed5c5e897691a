"""Statements of a month and the proof that all of them together agree with the whole."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields

from ogniwo.core.kernel.calendar import Month
from ogniwo.core.kernel.findings import Finding, Severity
from ogniwo.core.kernel.refusals import Refusal
from ogniwo.core.settlement.cooperative import CooperativeMonth
from ogniwo.core.settlement.internal import COMMUNITY_CREDIT, COMMUNITY_ENERGY, COMMUNITY_FEE
from ogniwo.core.settlement.model import EnergyFlows, QualityShare, Statement
from ogniwo.core.tariffs.model import ChargeLine


class StatementsDisagreeError(Refusal):
    """The statements of a month do not add up; nothing may be issued from them."""

    code = "statements.disagree"


class UnknownPointError(Refusal):
    """Lines or credits name a point that has no flows in the month."""

    code = "statements.unknown_point"


@dataclass(frozen=True, slots=True, kw_only=True)
class PointMonth:
    """One point's month before pricing."""

    member: str
    point: str
    flows: EnergyFlows
    quality: tuple[QualityShare, ...]
    inputs: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Check:
    """One equation that must hold: `expected` = `actual`, in Wh, grosz or pieces."""

    code: str
    expected: int
    actual: int
    unit: str

    @property
    def agrees(self) -> bool:
        """Whether both sides are equal."""
        return self.expected == self.actual


@dataclass(frozen=True, slots=True, kw_only=True)
class ReconciledTotals:
    """The sums over all statements of a month, with every check made."""

    statements: int
    flows: EnergyFlows
    charged_grosz: int
    credited_grosz: int
    community_energy_grosz: int
    community_fee_grosz: int
    checks: tuple[Check, ...]

    @property
    def agrees(self) -> bool:
        """Whether every check holds."""
        return all(check.agrees for check in self.checks)

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Each check that does not hold, as an error."""
        return tuple(
            Finding(
                code=f"statements.{check.code}",
                severity=Severity.ERROR,
                message=f"{check.code}: expected {check.expected} {check.unit}, found {check.actual} {check.unit}",
                facts=(("expected", str(check.expected)), ("actual", str(check.actual)), ("unit", check.unit)),
            )
            for check in self.checks
            if not check.agrees
        )


def assemble_statements(
    *,
    community: str,
    month: Month,
    version: int,
    points: Sequence[PointMonth],
    lines: Sequence[Mapping[str, Sequence[ChargeLine]]],
    credit_lines: Sequence[Mapping[str, Sequence[ChargeLine]]],
    inputs: tuple[tuple[str, str], ...],
) -> tuple[Statement, ...]:
    """Build the statement of every point, ordered by point.

    Args:
        community: Name of the community.
        month: The month settled.
        version: 1 for the first run, one more for every re-run.
        points: Flows and quality of each point.
        lines: Sources of charged lines, each by point, in the order in which they shall stand.
        credit_lines: Sources of credits, each by point.
        inputs: What the numbers of all points depend on; a point's own inputs follow.

    Raises:
        UnknownPointError: a line belongs to a point that is not among `points`.
    """
    known = {point.point for point in points}
    for source in (*lines, *credit_lines):
        unknown = sorted(source.keys() - known)
        if unknown:
            raise UnknownPointError(detail=f"there are lines for {', '.join(unknown)}, which has no flows in {month}")
    return tuple(
        Statement(
            community=community,
            month=month,
            version=version,
            member=point.member,
            point=point.point,
            flows=point.flows,
            quality=point.quality,
            lines=_joined(lines, point.point),
            credits=_joined(credit_lines, point.point),
            inputs=(*inputs, *point.inputs),
        )
        for point in sorted(points, key=lambda point: point.point)
    )


def reconcile(statements: Sequence[Statement], *, cooperative: CooperativeMonth | None = None) -> ReconciledTotals:
    """Sum all statements of a month and check that they agree with one another and with the cooperative's month."""
    flows = _summed(statement.flows for statement in statements)
    charged = [line for statement in statements for line in statement.lines]
    credited = [line for statement in statements for line in statement.credits]
    energy_grosz = _net(charged, COMMUNITY_ENERGY)
    checks = [
        Check("energy_in_is_energy_out", flows.community_in_wh, flows.community_out_wh, "Wh"),
        Check("energy_paid_is_credited", energy_grosz, _net(credited, COMMUNITY_CREDIT), "grosz"),
        Check("one_statement_per_point", len(statements), len({statement.point for statement in statements}), "points"),
        Check(
            "one_run",
            min(1, len(statements)),
            len({(one.community, one.month, one.version) for one in statements}),
            "runs",
        ),
    ]
    for statement in statements:
        checks += _quantity_checks(statement, priced=bool(energy_grosz))
    if cooperative is not None:
        laid_out = cooperative.advanced_wh - cooperative.withheld_wh
        checks += [
            Check("pool_is_settled", cooperative.settled_wh + laid_out, flows.pool_wh, "Wh"),
            Check("grid_is_charged", cooperative.charged_wh - laid_out, flows.grid_wh, "Wh"),
            Check("community_is_exchanged", cooperative.exchanged_wh, flows.community_in_wh, "Wh"),
            Check("surplus_is_given", cooperative.given_wh, flows.surplus_wh, "Wh"),
        ]
    return ReconciledTotals(
        statements=len(statements),
        flows=flows,
        charged_grosz=sum(line.net_grosz for line in charged),
        credited_grosz=sum(line.net_grosz for line in credited),
        community_energy_grosz=energy_grosz,
        community_fee_grosz=_net(charged, COMMUNITY_FEE),
        checks=tuple(checks),
    )


def require_agreement(totals: ReconciledTotals) -> None:
    """Refuse when any check fails, naming all that do."""
    if not totals.agrees:
        raise StatementsDisagreeError(detail="; ".join(finding.message for finding in totals.findings))


def _quantity_checks(statement: Statement, *, priced: bool) -> list[Check]:
    """The lines of the community must be about the energy of the flows; without an internal price there are none."""
    if not priced:
        return []
    flows = statement.flows
    return [
        Check(f"quantity_taken.{statement.point}", flows.community_in_wh, _wh(statement.lines, COMMUNITY_ENERGY), "Wh"),
        Check(
            f"quantity_given.{statement.point}", flows.community_out_wh, _wh(statement.credits, COMMUNITY_CREDIT), "Wh"
        ),
    ]


def _joined(sources: Sequence[Mapping[str, Sequence[ChargeLine]]], point: str) -> tuple[ChargeLine, ...]:
    return tuple(line for source in sources for line in source.get(point, ()))


def _net(lines: Iterable[ChargeLine], charge: str) -> int:
    return sum(line.net_grosz for line in lines if line.charge == charge)


def _wh(lines: Iterable[ChargeLine], charge: str) -> int:
    return sum(line.quantity for line in lines if line.charge == charge)


def _summed(all_flows: Iterable[EnergyFlows]) -> EnergyFlows:
    total: Counter[str] = Counter()
    for flows in all_flows:
        total.update({field.name: getattr(flows, field.name) for field in fields(EnergyFlows)})
    return EnergyFlows(**{field.name: total[field.name] for field in fields(EnergyFlows)})
