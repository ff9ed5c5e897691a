"""Findings that somebody looked at and set aside, for a reason that stays, until they are taken back.

Setting aside says only that nobody has to look at a finding again. What may be billed is decided by the rules alone:
an error keeps its point out of a bill whether it was set aside or not.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import msgspec
from django.db import transaction

from ogniwo.core.kernel.calendar import Month
from ogniwo.core.kernel.findings import Finding
from ogniwo.core.kernel.refusals import Refusal
from ogniwo.records.parties.models import Organisation
from ogniwo.records.remarks.models import SetAside
from ogniwo.records.visibility import Subject
from ogniwo.services.metering.accepting import NoReasonError
from ogniwo.services.workspace.audit import acting, record_act
from ogniwo.services.workspace.changing import changing
from ogniwo.services.workspace.model import Workspace

_REASON_LEAST: Final = 5
_REASON_MOST: Final = 500


class FindingNotFoundError(Refusal):
    """No finding to set aside was named, or it is not among what the rules say now; look at the list again."""

    code = "quality.finding_not_found"


class NotSetAsideError(Refusal):
    """There is no such finding set aside, it was taken back before, or the subject may not see it."""

    code = "quality.not_set_aside"


@dataclass(frozen=True, slots=True, kw_only=True)
class Aside:
    """A finding that is set aside, with the words it had then; `found` tells whether the rules still say the same."""

    aside_id: int
    digest: str
    code: str
    severity: str
    message: str
    point: str
    channel: str
    start_epoch_s: int | None
    end_epoch_s: int | None
    reason: str
    set_by: str
    set_at: datetime
    found: bool


def digest_of(finding: Finding) -> str:
    """What a finding says, as 64 hexadecimal digits: rule, how bad, point, channel, time and message.

    When new data change any of it, it is another finding, and somebody has to look again.
    """
    said = (
        finding.code,
        finding.severity.name,
        finding.point,
        finding.channel,
        finding.start_epoch_s,
        finding.end_epoch_s,
        finding.message,
    )
    return hashlib.sha256(msgspec.json.encode(said)).hexdigest()


def asides_of_month(
    *, organisation: Organisation, subject: Subject, month: Month, findings: Iterable[Finding]
) -> tuple[Aside, ...]:
    """What is set aside in a month, by point; `findings` are what the rules say now. Members see none."""
    rows = SetAside.objects.all().visible_to(subject)
    rows = rows.filter(organisation=organisation, month=str(month), ended_at=None)
    now = {digest_of(one) for one in findings} if rows.exists() else set()
    return tuple(
        Aside(
            aside_id=row.pk,
            digest=row.digest,
            code=row.code,
            severity=row.severity,
            message=row.message,
            point=row.point,
            channel=row.channel,
            start_epoch_s=row.start_epoch_s,
            end_epoch_s=row.end_epoch_s,
            reason=row.reason,
            set_by=row.set_by,
            set_at=row.set_at,
            found=row.digest in now,
        )
        for row in rows
    )


def set_aside(
    workspace: Workspace,
    *,
    organisation: Organisation,
    month: Month,
    findings: Iterable[Finding],
    digests: Iterable[str],
    reason: str,
) -> int:
    """Set aside those of the month's `findings` that `digests` name; returns how many were not set aside before.

    All or none. Raises NoReasonError, FindingNotFoundError, BusyError.
    """
    said = reason.strip()[:_REASON_MOST]
    if len(said) < _REASON_LEAST:
        raise NoReasonError(detail="say in a few words why nobody has to look at these findings again")
    there = {digest_of(one): one for one in findings}
    wanted = set(digests)
    if not wanted or not wanted <= there.keys():
        raise FindingNotFoundError(
            detail="choose at least one finding"
            if not wanted
            else f"{len(wanted - there.keys())} of the chosen findings are no longer there as they were; look again"
        )
    with changing(workspace, "findings set aside"), transaction.atomic():
        open_rows = SetAside.objects.filter(organisation=organisation, month=str(month), ended_at=None)
        before = set(open_rows.filter(digest__in=wanted).values_list("digest", flat=True))
        new = sorted(wanted - before)
        SetAside.objects.bulk_create(
            _row(organisation, month, digest, there[digest], said, workspace.now()) for digest in new
        )
        if new:
            record_act(
                workspace,
                action="quality.set_aside",
                target=f"{organisation.code} {month}",
                facts={"reason": said, "findings": [_named(there[digest]) for digest in new]},
            )
    return len(new)


def take_back(workspace: Workspace, *, subject: Subject, aside_id: int) -> None:
    """Let a finding be looked at again; the row stays, ended by whom and when. Raises NotSetAsideError, BusyError."""
    with changing(workspace, "a finding taken back"), transaction.atomic():
        rows = SetAside.objects.all().visible_to(subject).select_related("organisation")
        row = rows.filter(pk=aside_id, ended_at=None).first()
        if row is None:
            raise NotSetAsideError(detail="this finding is not set aside")
        row.ended_at, row.ended_by = workspace.now(), acting()
        row.save(update_fields=["ended_at", "ended_by"])
        record_act(
            workspace,
            action="quality.take_back",
            target=f"{row.organisation.code} {row.month}",
            facts={"finding": f"{row.code} {row.point} {row.channel}".strip(), "reason": row.reason},
        )


def _row(
    organisation: Organisation, month: Month, digest: str, finding: Finding, reason: str, now: datetime
) -> SetAside:
    return SetAside(
        organisation=organisation,
        month=str(month),
        digest=digest,
        code=finding.code,
        severity=finding.severity.name.lower(),
        message=finding.message,
        point=finding.point,
        channel=finding.channel,
        start_epoch_s=finding.start_epoch_s,
        end_epoch_s=finding.end_epoch_s,
        reason=reason,
        set_by=acting(),
        set_at=now,
    )


def _named(finding: Finding) -> str:
    return f"{finding.code} {finding.point} {finding.channel}".strip()
