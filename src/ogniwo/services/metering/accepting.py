"""Estimates are accepted by somebody, for a reason that stays in the log."""

from django.db import transaction

from ogniwo.core.kernel.calendar import Month
from ogniwo.core.kernel.refusals import Refusal
from ogniwo.records.parties.models import Organisation
from ogniwo.records.visibility import Subject
from ogniwo.services.metering.quality import EstimatedMonth, estimate_month
from ogniwo.services.workspace.audit import record_act
from ogniwo.services.workspace.model import Workspace

_REASON_LEAST = 5


class NoReasonError(Refusal):
    """Estimates were to be accepted without a reason."""

    code = "quality.no_reason"


@transaction.atomic
def accept_estimates(
    workspace: Workspace, *, organisation: Organisation, subject: Subject, month: Month, reason: str
) -> EstimatedMonth:
    """Store the estimates of a month with the reason why they are taken. Raises NoReasonError, BusyError."""
    said = reason.strip()
    if len(said) < _REASON_LEAST:
        raise NoReasonError(detail="say in a few words why the estimates are accepted")
    record_act(workspace, action="quality.accept", target=f"{organisation.code} {month}", facts={"reason": said[:500]})
    return estimate_month(workspace, organisation=organisation, subject=subject, month=month)
