"""The main job on the sample cooperative, from meter files to a verified chain, and again after a late correction."""

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Final

from ogniwo.core.billing.model import vat_on
from ogniwo.core.kernel.findings import Finding
from ogniwo.core.kernel.refusals import Refusal
from ogniwo.core.settlement.model import EnergyFlows, Statement
from ogniwo.core.settlement.statements import ReconciledTotals
from ogniwo.records.parties.models import Organisation
from ogniwo.records.visibility import Subject
from ogniwo.services.billing.issuing import IssuedDocument, issue_invoices
from ogniwo.services.demo.files import SampleFile, delivered_files, late_files
from ogniwo.services.demo.sample import COMMUNITY_CODE, MONTH, POINTS
from ogniwo.services.demo.setup import set_up_sample
from ogniwo.services.ledger.posting import Posted, post_month
from ogniwo.services.ledger.verifying import Check, verify_chain
from ogniwo.services.metering.importing import ImportedFile, import_files
from ogniwo.services.metering.quality import EstimatedMonth, MonthQuality, check_month, estimate_month
from ogniwo.services.settlement.approving import approve_run, run_state
from ogniwo.services.settlement.closing import ClosedMonth, close_month
from ogniwo.services.settlement.queries import rate_book_of
from ogniwo.services.workspace.model import Workspace, WorkspaceExistsError
from ogniwo.services.workspace.operations import create_workspace
from ogniwo.services.workspace.records_place import clear_room

NAME: Final = "Ogniwo demo"
NETWORK: Final = "ogniwo.example/przykladowo"
_MARKER: Final = ".ogniwo-demo"
"""Says that a folder is a demo's from its first moment: the settings of a workspace are written last."""
ISSUED_ON: Final = date(2026, 11, 10)
DUE_ON: Final = date(2026, 11, 24)
CORRECTED_ON: Final = date(2026, 11, 20)
CORRECTION_DUE_ON: Final = date(2026, 12, 4)
APPROVER: Final = f"ksiegowosc@{COMMUNITY_CODE}.example"
_DELIVERED_AT: Final = datetime(2026, 11, 5, 8, 0, tzinfo=UTC)
_BILLED_AT: Final = datetime(2026, 11, 10, 8, 0, tzinfo=UTC)
_CORRECTED_AT: Final = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)

STEPS: Final = (
    "import",
    "check",
    "estimate",
    "balance",
    "rate",
    "settle",
    "post",
    "bill",
    "verify",
    "late import",
    "correct",
    "verify again",
)

Tell = Callable[[str, int, int], None]
"""Told (step, done, of how many) as the work goes on."""


class NotADemoError(Refusal):
    """The folder to replace is not a demo workspace."""

    code = "demo.not_a_demo"


@dataclass
class _Clock:
    now: datetime = field(default=_DELIVERED_AT)

    def __call__(self) -> datetime:
        return self.now


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberRow:
    """One member of the closing table: energy in Wh, amounts in grosz."""

    member: str
    name: str
    point: str
    group: str
    flows: EnergyFlows
    gross_grosz: int
    credit_gross_grosz: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoResult:
    """What the demo did and found."""

    workspace: Workspace
    imported: tuple[ImportedFile, ...]
    quality_before: MonthQuality
    estimated: EstimatedMonth
    quality_after: MonthQuality
    closed: ClosedMonth
    rows: tuple[MemberRow, ...]
    totals: ReconciledTotals
    invoices: tuple[IssuedDocument, ...]
    posted: Posted
    checks: tuple[Check, ...]
    late: tuple[ImportedFile, ...]
    closed_again: ClosedMonth
    corrections: tuple[IssuedDocument, ...]
    checks_again: tuple[Check, ...]

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Whatever a verification found wrong."""
        return tuple(finding for check in (*self.checks, *self.checks_again) for finding in check.findings)

    @property
    def agrees(self) -> bool:
        """Whether all sums agree: statements with the cooperative, invoices with statements, both verifications."""
        invoiced = sum(one.gross_grosz for one in self.invoices)
        verified = all(check.passed for check in (*self.checks, *self.checks_again))
        return self.totals.agrees and invoiced == sum(row.gross_grosz for row in self.rows) and verified


def clear_demo(root: Path) -> None:
    """Empty the folder of an earlier demo, finished or not; refuses a folder that holds something else.

    What says that it is a demo goes last, so that an interrupted clearing can be repeated. The folder itself stays: it
    may be the current one, or a link to another place.
    """
    if not root.exists():
        return
    marker, settings = root / _MARKER, root / "ogniwo.toml"
    own = settings.is_file() and f'name = "{NAME}"' in settings.read_text(encoding="utf-8", errors="replace")
    content = sorted(root.iterdir())
    if content and not own and not marker.is_file():
        raise NotADemoError(detail=f"{root} holds something that is not a demo; name another folder with -w")
    clear_room()
    for path in content:
        if path in {marker, settings}:
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
    settings.unlink(missing_ok=True)
    marker.unlink(missing_ok=True)


def _claim(root: Path) -> None:
    """Mark an empty folder as a demo's; refuses one with anything in it, as --replace will empty it one day."""
    root.mkdir(parents=True, exist_ok=True)
    if any(root.iterdir()):
        if (root / "ogniwo.toml").exists() or (root / _MARKER).exists():
            raise WorkspaceExistsError(
                detail=f"{root} already is a workspace; name another folder with -w, or replace an earlier demo with "
                "`ogniwo demo --replace`"
            )
        raise NotADemoError(detail=f"{root} holds something that is not a demo; name another folder with -w")
    (root / _MARKER).write_text("ogniwo demo --replace may empty this folder\n", encoding="utf-8")


def run_demo(*, root: Path, tell: Tell = lambda _step, _done, _total: None) -> DemoResult:
    """Run the whole job in an empty or new folder. The same code gives the same documents on every machine."""
    clock = _Clock()
    _claim(root)
    workspace = create_workspace(root=root, name=NAME, network=NETWORK, now=clock, sample_rates=True)
    community, subject = set_up_sample(), Subject.operator()
    _keep_files(workspace, (*delivered_files(), *late_files()))
    imported = _import(workspace, community, delivered_files(), "import", tell)
    tell("check", 0, 1)
    before = check_month(workspace, organisation=community, subject=subject, month=MONTH)
    tell("estimate", 0, 1)
    estimated = estimate_month(workspace, organisation=community, subject=subject, month=MONTH)
    after = check_month(workspace, organisation=community, subject=subject, month=MONTH)
    closed = _close(workspace, community, tell)
    clock.now = _BILLED_AT
    _approve(workspace, community)
    posted = _post(workspace, community, "post", tell)
    invoices = _bill(workspace, community, (ISSUED_ON, DUE_ON), "bill", tell)
    posted_documents = _post(workspace, community, "bill", tell)
    tell("verify", 0, 1)
    checks = verify_chain(workspace)
    clock.now = _CORRECTED_AT
    late = _import(workspace, community, late_files(), "late import", tell)
    tell("correct", 0, 1)
    closed_again = close_month(workspace, community=community, month=MONTH, book=rate_book_of(workspace))
    _approve(workspace, community)
    corrections = _bill(workspace, community, (CORRECTED_ON, CORRECTION_DUE_ON), "correct", tell)
    _post(workspace, community, "correct", tell)
    tell("verify again", 0, 1)
    checks_again = verify_chain(workspace)
    return DemoResult(
        workspace=workspace,
        imported=imported,
        quality_before=before,
        estimated=estimated,
        quality_after=after,
        closed=closed,
        rows=member_rows(closed.statements),
        totals=closed.totals,
        invoices=invoices,
        posted=_together(posted, posted_documents),
        checks=checks,
        late=late,
        closed_again=closed_again,
        corrections=corrections,
        checks_again=checks_again,
    )


def _together(first: Posted, second: Posted) -> Posted:
    return Posted(
        days_minted=first.days_minted + second.days_minted,
        documents_anchored=first.documents_anchored + second.documents_anchored,
        claims_posted=first.claims_posted + second.claims_posted,
        log_size=second.log_size,
        checkpoint=second.checkpoint,
    )


def _keep_files(workspace: Workspace, files: Sequence[SampleFile]) -> None:
    """Leave the sample files in the workspace, so that a reader can open them and import them by hand."""
    folder = workspace.root / "files"
    folder.mkdir()
    for file in files:
        (folder / file.name).write_bytes(file.data)


def _import(
    workspace: Workspace, community: Organisation, files: Sequence[SampleFile], step: str, tell: Tell
) -> tuple[ImportedFile, ...]:
    done = 0

    def count() -> None:
        nonlocal done
        done += 1
        tell(step, done, len(files))

    tell(step, 0, len(files))
    return import_files(workspace, organisation=community, files=[(file.name, file.data) for file in files], tell=count)


def _close(workspace: Workspace, community: Organisation, tell: Tell) -> ClosedMonth:
    return close_month(
        workspace,
        community=community,
        month=MONTH,
        book=rate_book_of(workspace),
        tell=lambda step: tell(step, 0, 1),
    )


def _approve(workspace: Workspace, community: Organisation) -> None:
    """A second person looks at the settlement, as she would on screen."""
    state = run_state(community=community, month=MONTH)
    assert state is not None  # noqa: S101 -- it was closed just before
    approve_run(workspace, community=community, month=MONTH, by=APPROVER, inputs_digest=state.inputs_digest)


def _bill(
    workspace: Workspace, community: Organisation, days: tuple[date, date], step: str, tell: Tell
) -> tuple[IssuedDocument, ...]:
    done = 0

    def count() -> None:
        nonlocal done
        done += 1
        tell(step, done, len(POINTS))

    return issue_invoices(workspace, community=community, month=MONTH, issue_date=days[0], due_date=days[1], tell=count)


def _post(workspace: Workspace, community: Organisation, step: str, tell: Tell) -> Posted:
    done = 0

    def count() -> None:
        nonlocal done
        done += 1
        tell(step, done, len(POINTS))

    return post_month(workspace, community=community, month=MONTH, tell=count)


def member_rows(statements: Sequence[Statement]) -> tuple[MemberRow, ...]:
    """The rows of the closing table: gross as the invoice will have it, VAT on the sum per rate."""
    names = {point.code: (point.name, point.terms.group) for point in POINTS}
    return tuple(
        MemberRow(
            member=statement.member,
            name=names[statement.point][0],
            point=statement.point,
            group=names[statement.point][1],
            flows=statement.flows,
            gross_grosz=_gross(statement, credited=False),
            credit_gross_grosz=_gross(statement, credited=True),
        )
        for statement in sorted(statements, key=lambda one: one.member)
    )


def _gross(statement: Statement, *, credited: bool) -> int:
    net: dict[int, int] = {}
    for line in statement.credits if credited else statement.lines:
        net[line.vat_rate_percent] = net.get(line.vat_rate_percent, 0) + line.net_grosz
    return sum(amount + vat_on(net_grosz=amount, rate_percent=rate) for rate, amount in net.items())
