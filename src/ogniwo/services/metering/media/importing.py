"""States of many meters from a file: first shown row by row with nothing saved, then saved as shown, all or nothing.

The file is kept under the hash of what was sent until somebody confirms it, for a day at most; saving names the digest
of the outcome that was seen, and is refused when the states have moved in the meantime.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

import msgspec
from django.db import transaction

from ogniwo.core.kernel.findings import Finding, Severity
from ogniwo.core.kernel.ids import sha256_hex
from ogniwo.core.kernel.refusals import Refusal
from ogniwo.core.metering.media import BadMediaStateError, MediaState, require_fits
from ogniwo.records.media.models import MediaMeter, MediaStateRow
from ogniwo.records.parties.models import Organisation
from ogniwo.records.visibility import Subject
from ogniwo.services.metering.media.model import (
    MediaMeterNotFoundError,
    Typed,
    counter_of,
    holding,
    read_day,
    read_minute,
    read_typed,
)
from ogniwo.services.metering.media.sheet import StateRow, StateSheet, read_states
from ogniwo.services.workspace.audit import acting, record_act
from ogniwo.services.workspace.changing import changing
from ogniwo.services.workspace.model import Workspace
from ogniwo.services.workspace.previews import KeptFile, Previews

STATES: Final = ("new", "same", "refused")


class MediaPreviewNotFoundError(Refusal):
    """No such file of states was looked at here, or it was looked at more than a day ago."""

    code = "media.preview_not_found"


class MediaPreviewOutdatedError(Refusal):
    """What a file of states would do now is not what was shown: states or meters changed in the meantime."""

    code = "media.preview_outdated"


class MediaRowsRefusedError(Refusal):
    """Rows of a file of states cannot be saved; nothing was."""

    code = "media.rows_refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class StateOutcome:
    """What a row does: `state` is new, same or refused; a refused one has a finding that names file, row and reason."""

    row: int
    serial: str
    medium: str
    unit: str
    typed: Typed
    value_e3: int | None
    state: str
    finding: Finding | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StatesPreview:
    """What saving a file of states would do; `key` finds the file again, `digest` names this very outcome."""

    key: str
    file_name: str
    sha256: str
    digest: str
    outcomes: tuple[StateOutcome, ...]

    def count(self, state: str) -> int:
        """How many rows have this state."""
        return sum(one.state == state for one in self.outcomes)

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What is wrong with rows."""
        return tuple(one.finding for one in self.outcomes if one.finding is not None)


@dataclass(frozen=True, slots=True)
class _Planned:
    """An outcome with what would be stored for it."""

    outcome: StateOutcome
    meter: MediaMeter | None
    state: MediaState | None


_PREVIEWS: Final = Previews("media", MediaPreviewNotFoundError)


def look_at_states(
    workspace: Workspace, *, organisation: Organisation, subject: Subject, data: bytes, file_name: str
) -> StatesPreview:
    """Keep the file and say what each of its rows would do; nothing is saved. Raises TableRefusedError."""
    sheet = read_states(data, file_name=file_name)
    key = _PREVIEWS.keep(workspace, KeptFile(organisation.code, file_name, data))
    return _preview(sheet, key, _planned(workspace, organisation, subject, sheet))


def look_at_states_again(
    workspace: Workspace, *, organisation: Organisation, subject: Subject, key: str
) -> StatesPreview:
    """What a file looked at before would do now. Raises MediaPreviewNotFoundError."""
    sheet = _sheet(workspace, organisation, key)
    return _preview(sheet, key, _planned(workspace, organisation, subject, sheet))


def save_states(
    workspace: Workspace,
    *,
    organisation: Organisation,
    subject: Subject,
    key: str,
    digest: str,
    leave_refused: bool = False,
) -> StatesPreview:
    """Save what was shown, all of it in one transaction; the file is forgotten, each state names it and its row.

    Raises MediaPreviewNotFoundError, MediaPreviewOutdatedError, MediaRowsRefusedError when a row is refused and refused
    rows are not to be left out, BusyError.
    """
    sheet = _sheet(workspace, organisation, key)
    with changing(workspace, "an import of states of meters"), transaction.atomic():
        planned = _planned(workspace, organisation, subject, sheet)
        preview = _preview(sheet, key, planned)
        if preview.digest != digest:
            raise MediaPreviewOutdatedError(detail="states changed since you looked; nothing was saved, look again")
        _save(workspace, organisation, planned, preview, leave_refused=leave_refused)
    _PREVIEWS.forget(workspace, key)
    return preview


def import_states(
    workspace: Workspace,
    *,
    organisation: Organisation,
    subject: Subject,
    data: bytes,
    file_name: str,
    dry_run: bool = False,
) -> StatesPreview:
    """Save a file of states at once when every row can be; with `dry_run` or a refused row nothing is saved.

    Raises TableRefusedError, BusyError.
    """
    sheet = read_states(data, file_name=file_name)
    with changing(workspace, "an import of states of meters"), transaction.atomic():
        planned = _planned(workspace, organisation, subject, sheet)
        preview = _preview(sheet, "", planned)
        if not dry_run and not preview.count("refused"):
            _save(workspace, organisation, planned, preview, leave_refused=False)
    return preview


def _save(
    workspace: Workspace,
    organisation: Organisation,
    planned: Sequence[_Planned],
    preview: StatesPreview,
    *,
    leave_refused: bool,
) -> None:
    if preview.count("refused") and not leave_refused:
        raise MediaRowsRefusedError(detail=f"{preview.count('refused')} rows cannot be saved; nothing was saved")
    MediaStateRow.objects.bulk_create(
        MediaStateRow(
            meter=one.meter,
            day=one.state.day,
            minute=one.state.minute,
            value_e3=one.state.value_e3,
            kind=one.state.kind.value,
            source="file",
            file_name=preview.file_name,
            file_sha256=preview.sha256,
            file_row=one.outcome.row,
            entered_by=acting(),
            entered_at=workspace.now(),
        )
        for one in planned
        if one.outcome.state == "new" and one.meter is not None and one.state is not None
    )
    facts = {"file": preview.file_name, "sha256": preview.sha256, **{name: preview.count(name) for name in STATES}}
    record_act(workspace, action="media.import", target=organisation.code, facts=facts)


def _planned(
    workspace: Workspace, organisation: Organisation, subject: Subject, sheet: StateSheet
) -> tuple[_Planned, ...]:
    """What each row would do, in the order of the file; rows of one meter are tried in the order of their days."""
    serials = {one.serial for one in sheet.rows}
    seen = MediaMeter.objects.all().visible_to(subject).filter(organisation=organisation)
    meters = {one.serial: one for one in seen if one.serial in serials}
    states: dict[str, list[MediaState]] = {serial: [] for serial in meters}
    rows = MediaStateRow.objects.filter(meter__in=meters.values(), ended_at=None).select_related("meter")
    for row in rows:
        states[row.meter.serial].extend(holding([row]))
    until = workspace.today()
    found = [
        _plan(row, meters.get(row.serial), states, until, sheet.file_name) for row in sorted(sheet.rows, key=_time)
    ]
    return tuple(sorted(found, key=lambda one: one.outcome.row))


def _time(row: StateRow) -> tuple[date, int, int]:
    """When a row says its state was, as far as that can be read."""
    try:
        return read_day(row.typed.day), read_minute(row.typed.time), row.number
    except Refusal:
        return date.max, 0, row.number


def _plan(
    row: StateRow, meter: MediaMeter | None, states: dict[str, list[MediaState]], until: date, file_name: str
) -> _Planned:
    state, what, finding = None, "new", None
    try:
        if row.fault:
            raise BadMediaStateError(detail=row.fault)
        if meter is None:
            raise MediaMeterNotFoundError(detail=f"no meter {row.serial[:40]!r} is registered here")
        state, others = read_typed(row.typed, meter, until=until), states[row.serial]
        if state in others:
            what = "same"
        else:
            require_fits(state, others, counter_of(meter))
            others.append(state)
    except Refusal as refusal:
        what = "refused"
        finding = Finding(
            code=refusal.code, severity=Severity.ERROR, message=refusal.detail, source=file_name, row=row.number
        )
    outcome = StateOutcome(
        row=row.number,
        serial=row.serial,
        medium=meter.medium if meter else "",
        unit=meter.unit if meter else "",
        typed=row.typed,
        value_e3=state.value_e3 if state else None,
        state=what,
        finding=finding,
    )
    return _Planned(outcome, meter, state)


def _preview(sheet: StateSheet, key: str, planned: Sequence[_Planned]) -> StatesPreview:
    outcomes = tuple(one.outcome for one in planned)
    told = [
        (one.row, one.serial, one.typed.day, one.typed.time, one.typed.kind, one.value_e3, one.state)
        for one in outcomes
    ]
    digest = sha256_hex(msgspec.json.encode([sheet.sha256, told]))
    return StatesPreview(key=key, file_name=sheet.file_name, sha256=sheet.sha256, digest=digest, outcomes=outcomes)


def _sheet(workspace: Workspace, organisation: Organisation, key: str) -> StateSheet:
    kept = _PREVIEWS.kept(workspace, organisation_code=organisation.code, key=key)
    return read_states(kept.data, file_name=kept.file_name)
