"""The register of assessments: what was decided about each finding on payment tokens, by whom, why, under which number.

Whoever issues or keeps such tokens has to look at operations that stand out and to be able to show later that he did
(ustawa o przeciwdziałaniu praniu pieniędzy of 1 March 2018, art. 34 and 49, for an obliged institution). An assessment
covers the findings as they were: when operations are added to them they stand open again. Nothing is ever changed.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from django.db import transaction

from ogniwo.core.kernel.calendar import local_day
from ogniwo.core.kernel.findings import Finding
from ogniwo.core.kernel.periods import epoch_of
from ogniwo.core.kernel.refusals import Refusal
from ogniwo.formats.sheets.writer import csv_bytes
from ogniwo.records.ledger.models import ASSESSED_AS, TokenAssessment
from ogniwo.records.parties.models import Organisation
from ogniwo.records.visibility import Subject
from ogniwo.services.ledger.thresholds import ThresholdReport
from ogniwo.services.workspace.audit import record_act
from ogniwo.services.workspace.model import Workspace

DECISIONS: Final = ASSESSED_AS
SHORTEST_BEGINNING: Final = 8
"""Of a transaction's id at least so many characters have to be given."""
_LONGEST_NOTE: Final = 1000


class AssessmentAboutError(Refusal):
    """The report has no finding about this, or findings about more than one transaction that begins so."""

    code = "assessment.about"


class AssessmentNoteError(Refusal):
    """An assessment has no reason, or one that is too long."""

    code = "assessment.note"


class AssessmentReferenceError(Refusal):
    """Who reported to an authority has to give the number of it."""

    code = "assessment.reference"


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessment:
    """One line of the register; `findings` are keys as `key_of` gives them, `about` a transaction or a limit's id."""

    about: str
    findings: tuple[Mapping[str, str], ...]
    decision: str
    note: str
    reference: str
    by: str
    at: datetime

    @property
    def day(self) -> date:
        """The local day of the decision."""
        return local_day(epoch_of(self.at))


def about_of(finding: Finding) -> str:
    """What an assessment of a finding is about: its first transaction, or the limit an asset met; "" for neither."""
    facts = dict(finding.facts)
    return facts.get("transaction") or facts.get("limit", "")


def key_of(finding: Finding) -> dict[str, str]:
    """What makes a finding the same one: code, asset, member and facts, without the per cent that change daily."""
    facts = {name: text for name, text in finding.facts if name != "percent"}
    return {"code": finding.code, "asset": finding.source, "member": finding.column, **facts}


def assessments_of(*, organisation: Organisation, subject: Subject) -> tuple[Assessment, ...]:
    """The register of a community, oldest first."""
    rows = TokenAssessment.objects.all().visible_to(subject).filter(organisation=organisation)
    return tuple(_assessment(row) for row in rows)


def assessed(report: ThresholdReport, *, organisation: Organisation, subject: Subject) -> dict[Finding, Assessment]:
    """The newest assessment of each finding of a report that has one."""
    lines = assessments_of(organisation=organisation, subject=subject)
    known = {frozenset(key.items()): one for one in lines for key in one.findings}
    found = ((finding, known.get(frozenset(key_of(finding).items()))) for finding in report.findings)
    return {finding: one for finding, one in found if one is not None}


def assess(
    workspace: Workspace,
    report: ThresholdReport,
    *,
    organisation: Organisation,
    about: str,
    decision: str,
    note: str,
    reference: str,
    by: str,
) -> Assessment:
    """Write down what was decided about the findings of a report that begin with a transaction or concern a limit.

    `about` is a transaction's id, its beginning of at least eight characters, or a limit's id. Raises
    AssessmentAboutError, AssessmentNoteError, AssessmentReferenceError; the log keeps the act.
    """
    if not note.strip() or len(note) > _LONGEST_NOTE:
        raise AssessmentNoteError(detail=f"{len(note)} characters, 1 to {_LONGEST_NOTE} are wanted")
    if decision == "reported" and not reference.strip():
        raise AssessmentReferenceError(detail=f"{about}: reported without a number")
    findings = tuple(_about(report, about))
    if not findings:
        raise AssessmentAboutError(detail=f"no finding about {about} on {report.last}")
    whole = {about_of(one) for one in findings}
    if len(whole) > 1:
        raise AssessmentAboutError(detail=f"{about} begins {len(whole)} transactions with findings")
    row = TokenAssessment(
        organisation=organisation,
        about=whole.pop(),
        findings=[key_of(one) for one in findings],
        decision=decision,
        note=note.strip(),
        reference=reference.strip(),
        decided_by=by,
        decided_at=workspace.now(),
    )
    with transaction.atomic():
        row.save()
        facts = {"about": row.about, "decision": decision, "reference": row.reference, "findings": len(findings)}
        record_act(workspace, action="token.assess", target=organisation.code, facts=facts)
    return _assessment(row)


def _about(report: ThresholdReport, about: str) -> Iterator[Finding]:
    long_enough = len(about) >= SHORTEST_BEGINNING
    for finding in report.findings:
        begins = long_enough and dict(finding.facts).get("transaction", "").startswith(about)
        if begins or (about and about_of(finding) == about):
            yield finding


def _assessment(row: TokenAssessment) -> Assessment:
    return Assessment(
        about=row.about,
        findings=tuple(row.findings),
        decision=row.decision,
        note=row.note,
        reference=row.reference,
        by=row.decided_by,
        at=row.decided_at,
    )


def assessment_row(one: Assessment) -> dict[str, Any]:
    """A line of the register as JSON; the time in UTC."""
    return {
        "about": one.about,
        "decision": one.decision,
        "note": one.note,
        "reference": one.reference,
        "by": one.by,
        "at": one.at.isoformat(),
        "findings": [dict(key) for key in one.findings],
    }


def register_csv(lines: Iterable[Assessment]) -> bytes:
    """The register as CSV for a spreadsheet: local days, codes of the findings in one cell."""
    return csv_bytes(
        ("day", "about", "decision", "reference", "by", "note", "findings"),
        (
            (
                one.day.isoformat(),
                one.about,
                one.decision,
                one.reference,
                one.by,
                one.note,
                " ".join(sorted({key["code"] for key in one.findings})),
            )
            for one in lines
        ),
    )
