"""A second person's approval of a closed month: whoever calculated it does not approve it."""

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from ogniwo.core.kernel.calendar import Month
from ogniwo.core.kernel.refusals import Refusal
from ogniwo.records.audit.models import AuditEvent
from ogniwo.records.parties.models import Organisation
from ogniwo.records.settlement.models import CloseApproval, SettlementRun
from ogniwo.services.settlement.loading import latest_run
from ogniwo.services.workspace.audit import record_act
from ogniwo.services.workspace.model import Workspace


class NotClosedError(Refusal):
    """A month without a settlement cannot be approved."""

    code = "approval.not_closed"


class SamePersonError(Refusal):
    """Whoever closed the month cannot approve it."""

    code = "approval.same_person"


class RunMovedOnError(Refusal):
    """There is a newer settlement than the one that was looked at."""

    code = "approval.moved_on"


class NotApprovedError(Refusal):
    """Bills were to be issued from a settlement that nobody approved."""

    code = "approval.missing"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunState:
    """The newest settlement of a month, who made it, and who approved it (empty while nobody did)."""

    version: int
    inputs_digest: str
    made_at: datetime
    prepared_by: str
    approved_by: str
    approved_at: datetime | None


def run_state(*, community: Organisation, month: Month) -> RunState | None:
    """How far the newest settlement of a month is; None before the month was closed."""
    # What a run was made from is large, and nobody asks for it here.
    runs = community.runs.filter(month=str(month)).defer("inputs", "totals", "pool")
    run = runs.order_by("-version").first()
    if run is None:
        return None
    approval = CloseApproval.objects.filter(run=run).first()
    return RunState(
        version=run.version,
        inputs_digest=run.inputs_digest,
        made_at=run.made_at,
        prepared_by=approval.prepared_by if approval else _prepared_by(run),
        approved_by=approval.approved_by if approval else "",
        approved_at=approval.approved_at if approval else None,
    )


@transaction.atomic
def approve_run(
    workspace: Workspace, *, community: Organisation, month: Month, by: str, inputs_digest: str
) -> RunState:
    """Approve the newest settlement of a month, named by the digest of the inputs that the approver looked at.

    Approving it again changes nothing. Raises NotClosedError, RunMovedOnError, SamePersonError.
    """
    run = latest_run(community=community, month=month)
    if run is None:
        raise NotClosedError(detail=f"{community.code} has not closed {month}; there is nothing to approve")
    if run.inputs_digest != inputs_digest:
        raise RunMovedOnError(detail=f"{month} has a newer settlement, version {run.version}; look at it first")
    prepared_by = _prepared_by(run)
    if not by or by == prepared_by:
        raise SamePersonError(detail=f"{prepared_by} closed {month}; somebody else approves it")
    _, fresh = CloseApproval.objects.get_or_create(
        run=run,
        defaults={
            "inputs_digest": run.inputs_digest,
            "prepared_by": prepared_by,
            "approved_by": by,
            "approved_at": workspace.now(),
        },
    )
    if fresh:
        facts = {"version": run.version, "inputs_digest": run.inputs_digest, "prepared_by": prepared_by}
        record_act(workspace, action="period.approve", target=f"{community.code} {month}", facts=facts, subject=by)
    state = run_state(community=community, month=month)
    assert state is not None  # noqa: S101 -- the run was read in this transaction
    return state


def require_approval(*, community: Organisation, month: Month) -> None:
    """Refuse while the newest settlement of a month is not approved. Raises NotApprovedError."""
    state = run_state(community=community, month=month)
    if state is None or not state.approved_by:
        raise NotApprovedError(detail=f"nobody approved the newest settlement of {month} yet")


def _prepared_by(run: SettlementRun) -> str:
    """Who closed the month, as the log of the same transaction says."""
    acts = AuditEvent.objects.filter(
        action="period.close", target=f"{run.community.code} {run.month}", facts__inputs_digest=run.inputs_digest
    )
    act = acts.filter(facts__version=run.version).order_by("id").first()
    if act is None:
        raise NotClosedError(detail=f"the log does not say who closed {run}")
    return act.subject
