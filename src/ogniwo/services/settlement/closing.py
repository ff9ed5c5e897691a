"""Close a month of a cooperative: net, share, settle the pool, price, state, check, and keep it as a version."""

import zlib
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import asdict, dataclass

import msgspec
import numpy as np
from django.db import transaction
from numpy.typing import NDArray

from ogniwo.core.kernel.calendar import Month
from ogniwo.core.kernel.findings import Finding, Severity
from ogniwo.core.kernel.ids import sha256_hex
from ogniwo.core.kernel.quantities import Rate, RateUnit
from ogniwo.core.kernel.refusals import Refusal
from ogniwo.core.settlement.cooperative import CooperativeMonth, member_flows, settle_cooperative_month
from ogniwo.core.settlement.internal import InternalPrices, InternalSettlement, settle_internally
from ogniwo.core.settlement.kept import Earlier
from ogniwo.core.settlement.model import Statement
from ogniwo.core.settlement.statements import (
    PointMonth,
    ReconciledTotals,
    assemble_statements,
    reconcile,
    require_agreement,
)
from ogniwo.core.tariffs.model import RateRow
from ogniwo.core.tariffs.rules import TariffBook
from ogniwo.records.parties.models import Organisation
from ogniwo.records.settlement.models import CommunityRules, SettlementRun, StatementRecord
from ogniwo.services.settlement.carrying import carrying_totals, named_carrying
from ogniwo.services.settlement.loading import MemberPoint, MonthInputs, latest_run, load_month
from ogniwo.services.settlement.pricing import price_all
from ogniwo.services.workspace.audit import record_act
from ogniwo.services.workspace.changing import changing
from ogniwo.services.workspace.model import Workspace

RULE_VERSION = "cooperative-month/2"
"""Changes when the same inputs would give other numbers."""

FLOW_NAMES = ("taken", "given", "community_in", "community_out", "from_pool", "grid", "surplus")


class BlockedMonthError(Refusal):
    """A month has errors that keep it out of a bill, such as days without a supply contract."""

    code = "period.blocked"


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class ClosedMonth:
    """A calculated month: the cooperative's energy, the statements, the sums that agree, and the stored run if any.

    `run` is None for a preview. `changed` is False when the newest run already had exactly these inputs.
    """

    month: Month
    version: int
    cooperative: CooperativeMonth
    statements: tuple[Statement, ...]
    totals: ReconciledTotals
    findings: tuple[Finding, ...]
    run: SettlementRun | None
    changed: bool


def close_month(
    workspace: Workspace,
    *,
    community: Organisation,
    month: Month,
    book: TariffBook,
    dry_run: bool = False,
    method: str = "",
    tell: Callable[[str], None] = lambda _step: None,
) -> ClosedMonth:
    """Settle a month and keep it as the next version; the same inputs again keep nothing and return the newest run.

    `tell` is given the name of each step as it begins: balance, rate, settle. `method` tries another sharing method
    than that of the rules, without storing anything. Refuses what the loading and the core refuse, and errors found
    while rating (a preview returns those as findings); nothing is stored then. Raises BusyError while another use-case
    changes the workspace.
    """
    with nullcontext() if dry_run else changing(workspace, f"period close {month}"):
        return _closed(
            workspace, community=community, month=month, book=book, dry_run=dry_run, method=method, tell=tell
        )


def _closed(
    workspace: Workspace,
    *,
    community: Organisation,
    month: Month,
    book: TariffBook,
    dry_run: bool,
    method: str,
    tell: Callable[[str], None],
) -> ClosedMonth:
    if method and not dry_run:
        raise ValueError("another sharing method than that of the rules can only be tried")
    tell("balance")
    inputs = load_month(workspace, community=community, month=month)
    cooperative = settle_cooperative_month(
        month=month,
        ids=inputs.ids,
        taken=inputs.taken,
        given=inputs.given,
        pool=inputs.pool,
        sharing=inputs.choice(method),
        rules=inputs.pool_rules,
        earlier=Earlier(used_wh=dict(inputs.used.wh), carried_wh=inputs.carried_wh),
    )
    named = _named_inputs(inputs, book, method=method)
    named["whole"] |= named_carrying(cooperative, carried_wh=inputs.carried_wh)
    digest = sha256_hex(msgspec.json.encode(named))
    before = latest_run(community=community, month=month)
    changed = before is None or before.inputs_digest != digest
    version = (before.version if before else 0) + (1 if changed else 0)
    tell("rate")
    lines, findings = price_all(
        book=book, members=inputs.points, month=month, hours=inputs.hours, grid=cooperative.grid
    )
    if not dry_run:
        _refuse_errors(findings, month)
    tell("settle")
    internal = _internal(inputs, cooperative, book)
    statements = assemble_statements(
        community=community.code,
        month=month,
        version=version,
        points=_point_months(inputs, cooperative),
        lines=[lines, internal.lines],
        credit_lines=[internal.credits],
        inputs=tuple(named["whole"].items()),
    )
    totals = reconcile(statements, cooperative=cooperative)
    require_agreement(totals)
    run = before
    if changed and not dry_run:
        run = _save(workspace, inputs, cooperative, statements, totals, named=named, digest=digest)
    return ClosedMonth(
        month=month,
        version=version,
        cooperative=cooperative,
        statements=statements,
        totals=totals,
        findings=findings,
        run=None if dry_run else run,
        changed=changed,
    )


def _point_months(inputs: MonthInputs, cooperative: CooperativeMonth) -> list[PointMonth]:
    """What flowed for each point, with the quality and the versions of the series behind it."""
    flows = member_flows(
        cooperative,
        metered_in_wh=[one.metered_in_wh for one in inputs.points],
        metered_out_wh=[one.metered_out_wh for one in inputs.points],
    )
    return [
        PointMonth(
            member=one.point.member.number,
            point=one.point.code,
            flows=flow,
            quality=one.quality(),
            inputs=_series_inputs(one),
        )
        for one, flow in zip(inputs.points, flows, strict=True)
    ]


def _refuse_errors(findings: tuple[Finding, ...], month: Month) -> None:
    errors = [finding for finding in findings if finding.severity is Severity.ERROR]
    if errors:
        reasons = "; ".join(finding.message for finding in errors)
        raise BlockedMonthError(detail=f"{month} cannot be settled, {len(errors)} errors: {reasons}")


def _named_inputs(inputs: MonthInputs, book: TariffBook, *, method: str) -> dict[str, dict[str, str]]:
    """Names and versions of everything that decides the numbers."""
    rules = inputs.rules
    return {
        "whole": {
            "rule": RULE_VERSION,
            "rate_book": book.digest,
            "sharing": method or rules.method,
            "internal_price_e8_per_mwh": str(rules.internal_price_e8),
            "community_fee_e8_per_mwh": str(rules.community_fee_e8),
            "injection_share": f"{rules.injection_numerator}/{rules.injection_denominator}",
            "pool_months": str(rules.pool_months),
            "pool_before": ",".join(f"{lot.month}:{lot.wh}" for lot in inputs.pool) or "empty",
        },
        "points": {
            one.point.code: sha256_hex(
                msgspec.json.encode(
                    {
                        "series": _series_inputs(one),
                        "contracts": one.contracts,
                        "key": one.membership.share_key,
                        "rank": one.membership.merit_rank,
                        "from": one.membership.valid_from,
                        "to": one.membership.valid_to,
                    }
                )
            )
            for one in inputs.points
        },
    }


def _series_inputs(member: MemberPoint) -> tuple[tuple[str, str], ...]:
    return tuple((f"series {series.channel}", series.version) for series in member.series)


def internal_price_row(rules: CommunityRules, *, fee: bool = False) -> RateRow:
    """The community's own price or fee as a dated rate, with the resolution that set it as its source."""
    return RateRow(
        key=f"community/{rules.community.code}/{'fee' if fee else 'price'}",
        rate=Rate(rules.community_fee_e8 if fee else rules.internal_price_e8, RateUnit.MWH),
        valid_from=rules.valid_from,
        valid_to=None,
        source=f"zasady rozliczeń społeczności {rules.community.code} od {rules.valid_from}",
        checked_on=rules.valid_from,
        confidence="own",
    )


def _internal(inputs: MonthInputs, cooperative: CooperativeMonth, book: TariffBook) -> InternalSettlement:
    vat = book.vat_percent(inputs.month.first)
    prices = InternalPrices(
        price=internal_price_row(inputs.rules),
        fee=internal_price_row(inputs.rules, fee=True) if inputs.rules.community_fee_e8 else None,
        vat_rate_percent=vat,
        credit_vat_rate_percent=vat,
    )
    return settle_internally(
        community_in_wh=_by_point(inputs, cooperative.community_in),
        community_out_wh=_by_point(inputs, cooperative.community_out),
        prices=prices,
        first=inputs.month.first,
        last_exclusive=inputs.month.shifted(1).first,
    )


def _by_point(inputs: MonthInputs, matrix: NDArray[np.int64]) -> dict[str, int]:
    return dict(zip(inputs.ids, matrix.sum(axis=1).tolist(), strict=True))


def pack_flows(cooperative: CooperativeMonth, row: int) -> bytes:
    """The seven hourly flows of one point as compressed little-endian int64, in the order of FLOW_NAMES."""
    stacked = np.stack([getattr(cooperative, name)[row] for name in FLOW_NAMES]).astype("<i8")
    return zlib.compress(stacked.tobytes(), 6)


def unpack_flows(packed: bytes) -> dict[str, NDArray[np.int64]]:
    """The hourly flows of a stored statement by name, (hours,) int64 Wh."""
    stacked = np.frombuffer(zlib.decompress(packed), dtype="<i8").reshape(len(FLOW_NAMES), -1)
    return {name: stacked[index].astype(np.int64) for index, name in enumerate(FLOW_NAMES)}


@transaction.atomic
def _save(
    workspace: Workspace,
    inputs: MonthInputs,
    cooperative: CooperativeMonth,
    statements: tuple[Statement, ...],
    totals: ReconciledTotals,
    *,
    named: dict[str, dict[str, str]],
    digest: str,
) -> SettlementRun:
    version = statements[0].version
    run = SettlementRun.objects.create(
        community=inputs.community,
        month=str(inputs.month),
        version=version,
        made_at=workspace.now(),
        inputs_digest=digest,
        inputs=named,
        totals={
            "flows": asdict(totals.flows),
            "charged_grosz": totals.charged_grosz,
            "credited_grosz": totals.credited_grosz,
            "community_fee_grosz": totals.community_fee_grosz,
            "exchanged_wh": cooperative.exchanged_wh,
            "taken_wh": cooperative.taken_wh,
            "given_wh": cooperative.given_wh,
            "settled_wh": cooperative.settled_wh,
            **carrying_totals(cooperative, inputs.used),
        },
        pool=msgspec.to_builtins(cooperative.pool),
    )
    rows = {code: row for row, code in enumerate(inputs.ids)}
    points = {one.point.code: one.point for one in inputs.points}
    StatementRecord.objects.bulk_create(
        StatementRecord(
            run=run,
            point=points[statement.point],
            digest=sha256_hex(document := msgspec.json.encode(statement)),
            document=document.decode(),
            flows=pack_flows(cooperative, rows[statement.point]),
            net_grosz=statement.net_grosz,
            credit_grosz=statement.credit_grosz,
        )
        for statement in statements
    )
    record_act(
        workspace,
        action="period.close",
        target=f"{inputs.community.code} {inputs.month}",
        facts={"version": version, "inputs_digest": digest, "statements": len(statements)},
    )
    return run
