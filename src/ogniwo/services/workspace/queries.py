"""What is in a workspace, who asks for it, and which organisation is meant."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime

from ogniwo.core.kernel.refusals import Refusal
from ogniwo.records.billing.models import InvoiceRecord
from ogniwo.records.metering.models import MeteringPoint, SourceFile
from ogniwo.records.parties.models import Member, Organisation
from ogniwo.records.settlement.models import SettlementRun
from ogniwo.records.visibility import Subject
from ogniwo.services.workspace.model import Workspace

__all__ = [
    "MonthOverview",
    "Organisation",
    "OrganisationNotFoundError",
    "OrganisationOverview",
    "RunOverview",
    "Subject",
    "WorkspaceOverview",
    "operator_subject",
    "organisation",
    "overview",
]


class OrganisationNotFoundError(Refusal):
    """There is no such organisation, the subject may not see it, or there are several and none was named."""

    code = "organisation.not_found"


@dataclass(frozen=True, slots=True, kw_only=True)
class OrganisationOverview:
    """An organisation and how much belongs to it."""

    code: str
    name: str
    kind: str
    path: str
    members: int
    points: int
    files: int
    invoices: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthOverview:
    """A month of the interval store: its points and their channels."""

    month: str
    points: int
    channels: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOverview:
    """A settlement run; amounts in grosz."""

    community: str
    month: str
    version: int
    made_at: datetime
    statements: int
    charged_grosz: int
    credited_grosz: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkspaceOverview:
    """What a subject sees of a workspace; `series_head` names the last commit of the interval store."""

    name: str
    network: str
    sample_rates: bool
    rate_files: tuple[str, ...]
    organisations: tuple[OrganisationOverview, ...]
    months: tuple[MonthOverview, ...]
    runs: tuple[RunOverview, ...]
    series_commits: int
    series_head: str


def operator_subject() -> Subject:
    """The operator of the installation, who sees everything: the one who has the folder has all of it."""
    return Subject.operator()


def organisation(*, code: str, subject: Subject) -> Organisation:
    """An organisation by its code, within what the subject may see; without a code the only one with members."""
    visible = Organisation.objects.all().visible_to(subject)
    working = visible.filter(members__isnull=False).distinct()
    found = visible.filter(code=code).first() if code else (working.first() if working.count() == 1 else None)
    if found is None:
        known = ", ".join((visible if code else working).values_list("code", flat=True)) or "none"
        what = f"no organisation {code!r}" if code else "it is not clear which organisation is meant"
        raise OrganisationNotFoundError(detail=f"{what}; known: {known}")
    return found


def overview(workspace: Workspace, *, subject: Subject) -> WorkspaceOverview:
    """Count what is in the workspace, as far as the subject may see it."""
    number, head = workspace.series.head()
    return WorkspaceOverview(
        name=workspace.name,
        network=workspace.network,
        sample_rates=workspace.sample_rates,
        rate_files=tuple(path.name for path in workspace.rate_files),
        organisations=_organisations(subject),
        months=_months(workspace, subject),
        runs=_runs(subject),
        series_commits=number,
        series_head=head,
    )


def _organisations(subject: Subject) -> tuple[OrganisationOverview, ...]:
    members, points, files, invoices = (
        Counter(model.objects.all().visible_to(subject).values_list("organisation_id", flat=True))
        for model in (Member, MeteringPoint, SourceFile, InvoiceRecord)
    )
    return tuple(
        OrganisationOverview(
            code=one.code,
            name=one.name,
            kind=one.kind,
            path=one.path,
            members=members[one.pk],
            points=points[one.pk],
            files=files[one.pk],
            invoices=invoices[one.pk],
        )
        for one in Organisation.objects.all().visible_to(subject)
    )


def _months(workspace: Workspace, subject: Subject) -> tuple[MonthOverview, ...]:
    visible = set(MeteringPoint.objects.all().visible_to(subject).values_list("code", flat=True))
    points: dict[str, set[str]] = {}
    channels: Counter[str] = Counter()
    for point, _, month in workspace.series.keys():  # noqa: SIM118 -- the store is no mapping
        if point in visible:
            points.setdefault(str(month), set()).add(point)
            channels[str(month)] += 1
    return tuple(
        MonthOverview(month=month, points=len(points[month]), channels=channels[month]) for month in sorted(points)
    )


def _runs(subject: Subject) -> tuple[RunOverview, ...]:
    runs = SettlementRun.objects.all().visible_to(subject).select_related("community")
    return tuple(
        RunOverview(
            community=run.community.code,
            month=run.month,
            version=run.version,
            made_at=run.made_at,
            statements=run.statements.count(),
            charged_grosz=run.totals["charged_grosz"],
            credited_grosz=run.totals["credited_grosz"],
        )
        for run in runs
    )
