"""Settlement runs: a month calculated, looked at, approved by a second person, billed and posted."""

from datetime import date
from typing import Annotated, Any, Final, Literal

from ninja import Query, Schema
from pydantic import Field

from ogniwo.core.settlement.model import EnergyFlows, Statement
from ogniwo.interfaces.api.context import workspace
from ogniwo.interfaces.api.paging import Many, Page, Paged, Sorting, among, only, page_of
from ogniwo.interfaces.api.registry import Answer, ApiRequest, operation
from ogniwo.interfaces.api.resources.jobs import JobOut, accepted
from ogniwo.interfaces.api.values import FindingOut, In, Instant, Money, MonthText, finding_of, month_of, zl
from ogniwo.interfaces.api.versions import require_match
from ogniwo.services.access.roles import Act
from ogniwo.services.access.scopes import Scope
from ogniwo.services.contracts.queries import community
from ogniwo.services.settlement.approving import RunState, approve_run, run_state
from ogniwo.services.settlement.closing import close_month
from ogniwo.services.settlement.queries import (
    RunNotFoundError,
    RunSummary,
    rate_book_of,
    settled_month,
    settlement_runs,
)


class RunOut(Schema):
    """A kept settlement of a month; `inputs_digest` names everything it was calculated from."""

    community: str
    month: str
    version: int
    made_at: Instant
    inputs_digest: str
    statements: int
    charged: Money
    credited: Money
    taken_wh: int
    given_wh: int
    exchanged_wh: int


class RunPage(Page[RunOut]):
    """Runs by month, community and version."""


class RunStateOut(Schema):
    """The newest settlement of a month: who made it, who approved it ("" while nobody did)."""

    community: str
    month: str
    version: int
    inputs_digest: str
    made_at: Instant
    prepared_by: str
    approved_by: str
    approved_at: Instant | None


class FlowsOut(Schema):
    """Energy of a month in Wh: taken = community + pool + grid, given = community + surplus."""

    metered_in_wh: int
    metered_out_wh: int
    taken_wh: int
    given_wh: int
    community_in_wh: int
    community_out_wh: int
    pool_wh: int
    grid_wh: int
    surplus_wh: int


class StatementOut(Schema):
    """What a point's month comes to, net."""

    member: str
    point: str
    flows: FlowsOut
    net: Money
    credit: Money


class StatementPage(Page[StatementOut]):
    """Statements by point."""


class PreviewOut(Schema):
    """What closing a month would give; nothing is kept. `changed` false: the newest run has the same inputs."""

    month: str
    version: int
    changed: bool
    flows: FlowsOut
    charged: Money
    credited: Money
    statements: list[StatementOut]
    findings: list[FindingOut]


_RUNS: Final = Sorting[RunSummary](
    community=lambda one: one.community,
    month=lambda one: one.month,
    version=lambda one: one.version,
    made_at=lambda one: one.made_at,
    charged=lambda one: one.charged_grosz,
    credited=lambda one: one.credited_grosz,
)
_STATEMENTS: Final = Sorting[Statement](
    member=lambda one: one.member,
    point=lambda one: one.point,
    net=lambda one: one.net_grosz,
    credit=lambda one: one.credit_grosz,
)


class AskedRuns(Paged):
    """Which runs."""

    month: Annotated[list[MonthText], Field(max_length=120, description="Given again for many; none: all.")] = []
    community: Many = []
    sort: Annotated[str, _RUNS] = ""


class AskedStatements(Paged):
    """Which statements of a month."""

    version: Annotated[int, Field(ge=0, le=1_000_000, description="0: the newest.")] = 0
    member: Many = []
    sort: Annotated[str, _STATEMENTS] = ""


class MonthOrder(In):
    """Which month."""

    month: MonthText


class BillsOrder(In):
    """Which month is billed, and the dates on its bills."""

    month: MonthText
    issue_date: date
    due_date: date


def _run(one: RunSummary) -> RunOut:
    kept = {name: getattr(one, name) for name in RunOut.model_fields if name not in {"charged", "credited"}}
    return RunOut(**kept, charged=zl(one.charged_grosz), credited=zl(one.credited_grosz))


def _flows(flows: EnergyFlows) -> FlowsOut:
    return FlowsOut(**{name: getattr(flows, name) for name in FlowsOut.model_fields})


def _statement(one: Statement) -> StatementOut:
    return StatementOut(
        member=one.member,
        point=one.point,
        flows=_flows(one.flows),
        net=zl(one.net_grosz),
        credit=zl(one.credit_grosz),
    )


def _state(code: str, month: str, state: RunState | None) -> Answer:
    """The state with the ETag that an approval names."""
    if state is None:
        raise RunNotFoundError(detail=f"{code} has not closed {month}")
    kept = {name: getattr(state, name) for name in RunStateOut.model_fields if name not in {"community", "month"}}
    return Answer(RunStateOut(community=code, month=month, **kept), headers={"ETag": _etag(state)})


def _etag(state: RunState) -> str:
    return f'"{state.inputs_digest}{"-approved" if state.approved_by else ""}"'


@operation(
    "GET",
    "/organisations/{code}/settlement-runs",
    answer=RunPage,
    act=Act.SEE_SETTLEMENT,
    scope=Scope.SETTLEMENT_READ,
)
def list_settlement_runs(request: ApiRequest, code: str, asked: Query[AskedRuns]) -> dict[str, Any]:  # noqa: ARG001 -- the guard read it
    """Every kept settlement, all versions."""
    return page_of(
        request,
        (
            one
            for one in settlement_runs(subject=request.caller.subject, month=only(asked.month))
            if among(one.month, asked.month) and among(one.community, asked.community)
        ),
        paged=asked,
        key=lambda one: (one.month, one.community, one.version),
        shape=_run,
        order=_RUNS.by(asked.sort),
    )


@operation(
    "GET",
    "/organisations/{code}/settlement-runs/{month}",
    answer=RunStateOut,
    act=Act.SEE_SETTLEMENT,
    scope=Scope.SETTLEMENT_READ,
    versioned=True,
)
def get_settlement_run(request: ApiRequest, code: str, month: MonthText) -> Answer:
    """How far the newest settlement of a month is."""
    settling = community(code=code, subject=request.caller.subject)
    return _state(code, month, run_state(community=settling, month=month_of(month)))


@operation(
    "GET",
    "/organisations/{code}/settlement-runs/{month}/statements",
    answer=StatementPage,
    act=Act.SEE_SETTLEMENT,
    scope=Scope.SETTLEMENT_READ,
)
def list_statements(request: ApiRequest, code: str, month: MonthText, asked: Query[AskedStatements]) -> dict[str, Any]:
    """What each point used, gave, owes and is owed."""
    subject = request.caller.subject
    found = settled_month(
        community=community(code=code, subject=subject),
        month=month_of(month),
        subject=subject,
        version=asked.version,
        member=only(asked.member),
    )
    fits = (one for one in found.statements if among(one.member, asked.member))
    return page_of(
        request, fits, paged=asked, key=lambda one: (one.point,), shape=_statement, order=_STATEMENTS.by(asked.sort)
    )


@operation(
    "POST",
    "/organisations/{code}/settlement-previews",
    answer=PreviewOut,
    act=Act.SEE_SETTLEMENT,
    scope=Scope.SETTLEMENT_READ,
    repeatable=False,
)
def preview_settlement(request: ApiRequest, code: str, order: MonthOrder) -> PreviewOut:
    """What closing a month would give; nothing is kept."""
    found = close_month(
        workspace(),
        community=community(code=code, subject=request.caller.subject),
        month=month_of(order.month),
        book=rate_book_of(workspace()),
        dry_run=True,
    )
    return PreviewOut(
        month=order.month,
        version=found.version,
        changed=found.changed,
        flows=_flows(found.totals.flows),
        charged=zl(found.totals.charged_grosz),
        credited=zl(found.totals.credited_grosz),
        statements=[_statement(one) for one in found.statements],
        findings=[finding_of(one) for one in found.findings],
    )


def _job(request: ApiRequest, code: str, kind: Literal["close_period", "post_period"], month: str) -> Answer:
    community(code=code, subject=request.caller.subject)
    return accepted(request, code, kind=kind, parameters={"month": month}, key=month)


@operation(
    "POST",
    "/organisations/{code}/settlement-runs",
    answer=JobOut,
    act=Act.CLOSE_PERIOD,
    scope=Scope.SETTLEMENT_WRITE,
    status=202,
)
def start_settlement(request: ApiRequest, code: str, order: MonthOrder) -> Answer:
    """Close a month: a job calculates it and keeps it as its next version; the same inputs again keep nothing."""
    return _job(request, code, "close_period", order.month)


@operation(
    "POST",
    "/organisations/{code}/settlement-runs/{month}/approval",
    answer=RunStateOut,
    act=Act.APPROVE_PERIOD,
    scope=Scope.SETTLEMENT_WRITE,
    persons=True,
    matches=True,
    versioned=True,
)
def approve_settlement(request: ApiRequest, code: str, month: MonthText) -> Answer:
    """Approve the newest settlement as a second person, who is signed in; If-Match is the ETag looked at."""
    settling = community(code=code, subject=request.caller.subject)
    state = run_state(community=settling, month=month_of(month))
    if state is None:
        raise RunNotFoundError(detail=f"{code} has not closed {month}")
    require_match(request, _etag(state))
    approved = approve_run(
        workspace(),
        community=settling,
        month=month_of(month),
        by=request.caller.viewer.login,
        inputs_digest=state.inputs_digest,
    )
    return _state(code, month, approved)


@operation(
    "POST",
    "/organisations/{code}/bills",
    answer=JobOut,
    act=Act.ISSUE_BILLS,
    scope=Scope.BILLS_WRITE,
    status=202,
)
def issue_bills(request: ApiRequest, code: str, order: BillsOrder) -> Answer:
    """Issue bills, or corrections, of an approved month: a job does it."""
    community(code=code, subject=request.caller.subject)
    return accepted(request, code, kind="issue_bills", parameters=order.model_dump(mode="json"), key=order.month)


@operation(
    "POST",
    "/organisations/{code}/ledger/postings",
    answer=JobOut,
    act=Act.POST_LEDGER,
    scope=Scope.LEDGER_WRITE,
    status=202,
)
def post_to_ledger(request: ApiRequest, code: str, order: MonthOrder) -> Answer:
    """Put a month's readings, statements and bills on the ledger: a job does it."""
    return _job(request, code, "post_period", order.month)
