"""One month of an organisation at a glance: how much is there, what is missing, what was made of it."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Sum

from ogniwo.core.kernel.calendar import Month
from ogniwo.records.billing.models import InvoiceRecord
from ogniwo.records.metering.models import MeteringPoint, SourceFile
from ogniwo.records.parties.models import Member
from ogniwo.records.settlement.models import SettlementRun, StatementRecord
from ogniwo.records.visibility import Subject
from ogniwo.services.ledger.access import has_ledger
from ogniwo.services.ledger.queries import LedgerHead, ledger_head
from ogniwo.services.workspace.model import Workspace


@dataclass(frozen=True, slots=True, kw_only=True)
class LastFile:
    """The file that came last."""

    name: str
    received_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class LastRun:
    """The newest settlement of a community's month; amounts in grosz."""

    community: str
    version: int
    made_at: datetime
    statements: int
    charged_grosz: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TodayFacts:
    """Counts within what a subject sees; `present` of `slots` intervals of the month's channels are there.

    `gaps` counts channels with a missing interval, `silent_points` the points that sent nothing at all.
    """

    members: int
    points: int
    files: int
    last_file: LastFile | None
    slots: int
    present: int
    gaps: int
    silent_points: int
    runs: tuple[LastRun, ...]
    invoices: int
    invoices_gross_grosz: int
    ledger: LedgerHead | None


def today_facts(workspace: Workspace, *, subject: Subject, month: Month) -> TodayFacts:
    """Count what is there for a month, from presence bits and rows alone: no rule is run."""
    codes = set(MeteringPoint.objects.all().visible_to(subject).values_list("code", flat=True))
    cells = workspace.series.completeness(month=month, points=codes)
    files = SourceFile.objects.all().visible_to(subject)
    newest = files.order_by("received_at", "pk").last()
    invoices = InvoiceRecord.objects.all().visible_to(subject).filter(run__month=str(month)).order_by()
    issued = invoices.aggregate(count=Count("pk"), gross=Sum("gross_grosz"))
    return TodayFacts(
        members=Member.objects.all().visible_to(subject).count(),
        points=len(codes),
        files=files.count(),
        last_file=LastFile(name=newest.name, received_at=newest.received_at) if newest else None,
        slots=sum(one.slots for one in cells),
        present=sum(one.present for one in cells),
        gaps=sum(one.present < one.slots for one in cells),
        silent_points=len(codes - {one.point for one in cells}),
        runs=_runs(subject, month),
        invoices=issued["count"],
        invoices_gross_grosz=issued["gross"] or 0,
        ledger=ledger_head(workspace) if has_ledger(workspace) else None,
    )


def _runs(subject: Subject, month: Month) -> tuple[LastRun, ...]:
    runs = SettlementRun.objects.all().visible_to(subject).filter(month=str(month)).select_related("community")
    # What a run was made from is large, and nobody asks for it here.
    listed = runs.defer("inputs", "pool").order_by("community__code", "version")
    newest = {run.community.code: run for run in listed}
    statements = StatementRecord.objects.filter(run__in=newest.values()).order_by()
    counts = dict(statements.values_list("run").annotate(count=Count("pk")))
    return tuple(
        LastRun(
            community=code,
            version=run.version,
            made_at=run.made_at,
            statements=counts.get(run.pk, 0),
            charged_grosz=run.totals["charged_grosz"],
        )
        for code, run in newest.items()
    )
