"""Data quality: how complete a month is, what the rules found, and estimates for what is missing."""

from typing import Annotated, Any, Final, Literal

from ninja import Query, Schema
from pydantic import Field

from ogniwo.core.kernel.findings import Finding, Severity
from ogniwo.interfaces.api.context import workspace
from ogniwo.interfaces.api.paging import Many, Page, Paged, Sorting, among, page_of
from ogniwo.interfaces.api.registry import ApiRequest, operation
from ogniwo.interfaces.api.values import FindingOut, In, Instant, MonthText, Text, finding_of, moment, month_of
from ogniwo.services.access.roles import Act
from ogniwo.services.access.scopes import Scope
from ogniwo.services.metering.accepting import accept_estimates as accepted
from ogniwo.services.metering.quality import EstimatedMonth, check_month, estimate_month
from ogniwo.services.workspace.queries import organisation


class FindingPage(Page[FindingOut]):
    """Findings by point and rule."""


class CheckedChannelOut(Schema):
    """How complete a channel is, and whether it may be billed."""

    point: str
    channel: str
    slots: int
    present: int
    version: str
    billable: bool


class CompletenessOut(Schema):
    """A month's channels; `silent_points` sent nothing at all."""

    month: str
    billable: bool
    channels: list[CheckedChannelOut]
    silent_points: list[str]


class GapOut(Schema):
    """A stretch of substituted intervals: method, what it was made from, energy."""

    start: Instant
    end: Instant
    method: str
    inputs: list[str]
    energy_wh: int


class EstimatedChannelOut(Schema):
    """What was, or would be, substituted in a channel."""

    point: str
    channel: str
    replaces_version: str
    gaps: list[GapOut]


class EstimatesOut(Schema):
    """Channels filled, and findings for those of which nothing is known."""

    month: str
    stored: bool
    channels: list[EstimatedChannelOut]
    findings: list[FindingOut]


_SORTS: Final = Sorting[tuple[int, Finding]](
    point=lambda row: row[1].point,
    code=lambda row: row[1].code,
    channel=lambda row: row[1].channel,
    severity=lambda row: int(row[1].severity),
    start=lambda row: row[1].start_epoch_s,
)


class AskedFindings(Paged):
    """Which findings."""

    month: MonthText
    point: Many = []
    finding: Annotated[Many, Field(description="Codes of findings; given again for many; none: all.")] = []
    least: Annotated[Literal["note", "warning", "error"], Field(description="The mildest that is shown.")] = "warning"
    sort: Annotated[str, _SORTS] = ""


class EstimatePreview(In):
    """Which month."""

    month: MonthText


class EstimateOrder(In):
    """Which month, and why the estimates are taken."""

    month: MonthText
    reason: Annotated[Text, Field(min_length=5)]


def _estimates(month: str, found: EstimatedMonth, *, stored: bool) -> EstimatesOut:
    return EstimatesOut(
        month=month,
        stored=stored,
        channels=[
            EstimatedChannelOut(
                point=one.point,
                channel=one.channel,
                replaces_version=one.replaces_version,
                gaps=[
                    GapOut(
                        start=moment(gap.start_epoch_s),
                        end=moment(gap.end_epoch_s),
                        method=gap.method.value,
                        inputs=list(gap.inputs),
                        energy_wh=gap.total_wh,
                    )
                    for gap in one.gaps
                ],
            )
            for one in found.channels
        ],
        findings=[finding_of(one) for one in found.findings],
    )


@operation(
    "GET",
    "/organisations/{code}/completeness",
    answer=CompletenessOut,
    act=Act.SEE_METERING,
    scope=Scope.METERING_READ,
)
def get_completeness(request: ApiRequest, code: str, month: MonthText) -> CompletenessOut:
    """How much of a month is there, channel by channel, by the check that decides whether it is billed."""
    subject = request.caller.subject
    found = check_month(
        workspace(),
        organisation=organisation(code=code, subject=subject),
        subject=subject,
        month=month_of(month),
    )
    return CompletenessOut(
        month=month,
        billable=found.billable,
        channels=[
            CheckedChannelOut(
                point=one.point,
                channel=one.channel,
                slots=one.slots,
                present=one.present,
                version=one.version,
                billable=one.assessment.billable,
            )
            for one in found.channels
        ],
        silent_points=list(found.silent_points),
    )


@operation("GET", "/organisations/{code}/findings", answer=FindingPage, act=Act.SEE_METERING, scope=Scope.METERING_READ)
def list_findings(request: ApiRequest, code: str, asked: Query[AskedFindings]) -> dict[str, Any]:
    """What the rules found in a month's data."""
    subject = request.caller.subject
    owner = organisation(code=code, subject=subject)
    found = check_month(workspace(), organisation=owner, subject=subject, month=month_of(asked.month)).findings
    floor = Severity[asked.least.upper()]
    fits = [
        one
        for one in found
        if one.severity >= floor and among(one.point, asked.point) and among(one.code, asked.finding)
    ]
    return page_of(
        request,
        enumerate(sorted(fits, key=lambda one: (one.point, one.code, one.channel, one.start_epoch_s or 0))),
        paged=asked,
        key=lambda row: (row[1].point, row[1].code, row[0]),
        shape=lambda row: finding_of(row[1]),
        order=_SORTS.by(asked.sort),
    )


@operation(
    "POST",
    "/organisations/{code}/estimates/preview",
    answer=EstimatesOut,
    act=Act.SEE_METERING,
    scope=Scope.METERING_READ,
    repeatable=False,
)
def preview_estimates(request: ApiRequest, code: str, order: EstimatePreview) -> EstimatesOut:
    """What would be put in the place of missing intervals; nothing is stored."""
    subject = request.caller.subject
    owner = organisation(code=code, subject=subject)
    found = estimate_month(workspace(), organisation=owner, subject=subject, month=month_of(order.month), dry_run=True)
    return _estimates(order.month, found, stored=False)


@operation("POST", "/organisations/{code}/estimates", answer=EstimatesOut, act=Act.ESTIMATE, scope=Scope.METERING_WRITE)
def accept_estimates(request: ApiRequest, code: str, order: EstimateOrder) -> EstimatesOut:
    """Put estimates in the place of missing intervals, as new versions, with the reason in the log."""
    subject = request.caller.subject
    owner = organisation(code=code, subject=subject)
    month = month_of(order.month)
    found = accepted(workspace(), organisation=owner, subject=subject, month=month, reason=order.reason)
    return _estimates(order.month, found, stored=True)
