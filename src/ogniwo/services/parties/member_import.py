"""Members from a file: first shown row by row with nothing saved, then saved as it was shown, in one transaction.

The preview is the real registration in a transaction that is taken back, so what it says is what saving does. It is
kept under the hash of what was sent; saving names the digest of the outcome that was seen, and is refused when the
register has moved in the meantime.
"""

from dataclasses import dataclass
from typing import Final

import msgspec
from django.db import DatabaseError, transaction

from ogniwo.core.kernel.findings import Finding, Severity
from ogniwo.core.kernel.ids import sha256_hex
from ogniwo.core.kernel.refusals import Refusal
from ogniwo.records.parties.models import Organisation
from ogniwo.services.parties.facts import Changes, as_facts, put_facts
from ogniwo.services.parties.sheet import MemberSheet, SheetRow, bad_cell, read_sheet, with_reasons
from ogniwo.services.workspace.audit import record_act
from ogniwo.services.workspace.changing import changing
from ogniwo.services.workspace.meanings import meaning_of
from ogniwo.services.workspace.model import Workspace
from ogniwo.services.workspace.previews import KeptFile, Previews

STATES: Final = ("new", "changed", "same", "refused")


class PreviewNotFoundError(Refusal):
    """No such file was looked at here, or it was looked at more than a day ago."""

    code = "members.preview_not_found"


class PreviewOutdatedError(Refusal):
    """What would be saved now is not what was shown: somebody changed the register in the meantime."""

    code = "members.preview_outdated"


class RowsRefusedError(Refusal):
    """Rows of the file cannot be saved; nothing was."""

    code = "members.rows_refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class RowOutcome:
    """What a row of the file does: `state` is new, changed, same or refused; fields before and after."""

    row: int
    number: str
    name: str
    point: str
    state: str
    changes: Changes
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportPreview:
    """What saving a file would do; `key` finds the file again, `digest` names this very outcome."""

    key: str
    file_name: str
    sha256: str
    digest: str
    outcomes: tuple[RowOutcome, ...]

    def count(self, state: str) -> int:
        """How many rows have this state."""
        return sum(one.state == state for one in self.outcomes)

    @property
    def counts(self) -> dict[str, int]:
        """Rows by state."""
        return {state: self.count(state) for state in STATES}


_PREVIEWS: Final = Previews("", PreviewNotFoundError)


def look_at(workspace: Workspace, *, organisation: Organisation, data: bytes, file_name: str) -> ImportPreview:
    """Keep the file and say what each of its rows would do; nothing is saved. Raises TableRefusedError."""
    sheet = read_sheet(data, file_name=file_name)
    key = _PREVIEWS.keep(workspace, KeptFile(organisation.code, file_name, data))
    return _tried(organisation, sheet, key)


def look_again(workspace: Workspace, *, organisation: Organisation, key: str) -> ImportPreview:
    """What a file looked at before would do now. Raises PreviewNotFoundError."""
    return _tried(organisation, _sheet(workspace, organisation, key), key)


def save(
    workspace: Workspace, *, organisation: Organisation, key: str, digest: str, leave_refused: bool = False
) -> ImportPreview:
    """Save what was shown, all of it in one transaction, with who, before and after in the log; the file is forgotten.

    Raises PreviewNotFoundError, PreviewOutdatedError when it would do something else than was shown, RowsRefusedError
    when a row is refused and refused rows are not to be left out, BusyError while something else changes the workspace.
    """
    sheet = _sheet(workspace, organisation, key)
    with changing(workspace, "an import of members"), transaction.atomic():
        preview = _outcome(organisation, sheet, key)
        if preview.digest != digest:
            raise PreviewOutdatedError(detail="the register changed since you looked; nothing was saved, look again")
        if preview.count("refused") and not leave_refused:
            raise RowsRefusedError(detail=f"{preview.count('refused')} rows cannot be saved; nothing was saved")
        for one in preview.outcomes:
            if one.state in {"new", "changed"}:
                action = "members.add" if one.changes.new_member else "members.change"
                record_act(workspace, action=action, target=one.number, facts=as_facts(one.changes))
        facts = {"file": sheet.file_name, "sha256": sheet.sha256, **preview.counts}
        record_act(workspace, action="members.import", target=organisation.code, facts=facts)
    _PREVIEWS.forget(workspace, key)
    return preview


def faulty_rows(workspace: Workspace, *, organisation: Organisation, key: str, form: str, language: str) -> bytes:
    """The refused rows as a file of their own, each with its reason in the last column."""
    sheet = _sheet(workspace, organisation, key)
    preview = _tried(organisation, sheet, key)
    reasons = {
        one.row: "; ".join(_reason(finding, language) for finding in one.findings)
        for one in preview.outcomes
        if one.state == "refused"
    }
    return with_reasons(sheet, reasons, form=form, language=language)


def _reason(finding: Finding, language: str) -> str:
    """A finding for the last column: in Polish what its code means, before the English message."""
    meaning = f"{meaning_of(finding.code, language)} " if language != "en" else ""
    return f"{meaning}{finding.message} ({finding.code})"


def save_facts(
    workspace: Workspace,
    *,
    organisation: Organisation,
    cells: dict[str, str],
    clearing: frozenset[str] = frozenset(),
    dry_run: bool = False,
) -> Changes:
    """Save what a form says of one member or point, logged; with `dry_run` only say what would change."""
    with changing(workspace, "a member's data"), transaction.atomic():
        changes = put_facts(organisation, cells, clearing=clearing)
        if changes.made:
            action = "members.add" if changes.new_member else "members.change"
            record_act(workspace, action=action, target=cells["number"], facts=as_facts(changes))
        transaction.set_rollback(dry_run)
    return changes


def _tried(organisation: Organisation, sheet: MemberSheet, key: str) -> ImportPreview:
    with transaction.atomic():
        preview = _outcome(organisation, sheet, key)
        transaction.set_rollback(True)
    return preview


def _outcome(organisation: Organisation, sheet: MemberSheet, key: str) -> ImportPreview:
    outcomes = tuple(_row_outcome(organisation, row) for row in sheet.rows)
    told = [
        (one.row, one.number, one.state, [(c.thing, c.about, c.field, c.before, c.after) for c in one.changes.made])
        for one in outcomes
    ]
    digest = sha256_hex(msgspec.json.encode([sheet.sha256, told]))
    return ImportPreview(key=key, file_name=sheet.file_name, sha256=sheet.sha256, digest=digest, outcomes=outcomes)


def _row_outcome(organisation: Organisation, row: SheetRow) -> RowOutcome:
    changes, findings = Changes(), row.findings
    if not findings:
        try:
            with transaction.atomic():
                changes = put_facts(organisation, row.cells)
        except Refusal as refusal:
            findings = (Finding(code=refusal.code, severity=Severity.ERROR, message=refusal.detail, row=row.number),)
        except DatabaseError as error:
            findings = (bad_cell(f"the database refused the row: {error}", row=row.number),)
    refused = bool(findings)
    findings += tuple(
        Finding(code="members.remark", severity=Severity.WARNING, message=text, row=row.number)
        for text in changes.remarks
    )
    state = "refused" if refused else "new" if changes.new_member else "changed" if changes.made else "same"
    return RowOutcome(
        row=row.number,
        number=row.cells.get("number", ""),
        name=row.cells.get("name", ""),
        point=row.cells.get("point", ""),
        state=state,
        changes=changes,
        findings=findings,
    )


def _sheet(workspace: Workspace, organisation: Organisation, key: str) -> MemberSheet:
    kept = _PREVIEWS.kept(workspace, organisation_code=organisation.code, key=key)
    return read_sheet(kept.data, file_name=kept.file_name)
