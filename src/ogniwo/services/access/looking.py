"""Look at a member's wallet to help him: for a reason, for half an hour, written down where he can read it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from ogniwo.core.kernel.refusals import Refusal
from ogniwo.records.audit.models import AuditEvent
from ogniwo.records.parties.models import Member
from ogniwo.services.access.roles import Act
from ogniwo.services.access.viewers import OutOfSightError, Viewer, organisation_by
from ogniwo.services.workspace.audit import record_act
from ogniwo.services.workspace.model import Workspace

LOOK_MINUTES: Final = 30
_LOOK: Final = "access.look"
_REASON_LEAST: Final = 5


class NoReasonToLookError(Refusal):
    """Somebody wanted to look at a member's wallet without saying why."""

    code = "access.no_reason"


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One look at a wallet: when, who, why."""

    at: datetime
    who: str
    reason: str


def look_as_member(workspace: Workspace, *, viewer: Viewer, code: str, number: str, reason: str) -> datetime:
    """Begin to look at the wallet of a member of this organisation; gives the instant at which it ends.

    Raises OutOfSightError, NotAllowedError, NoReasonToLookError.
    """
    organisation = organisation_by(code)
    viewer.at(Act.ACT_AS_MEMBER, path=organisation.path)
    if not Member.objects.filter(organisation=organisation, number=number).exists():
        raise OutOfSightError(detail=f"{code} has no member {number}")
    said = reason.strip()[:300]
    if len(said) < _REASON_LEAST:
        raise NoReasonToLookError(detail="say in a few words why you look at this wallet; the member can read it")
    until = workspace.now() + timedelta(minutes=LOOK_MINUTES)
    facts = {"reason": said, "until": until.isoformat(), "organisation": code}
    record_act(workspace, action=_LOOK, target=number, facts=facts, subject=viewer.login)
    return until


def stop_looking(workspace: Workspace, *, viewer: Viewer, number: str) -> None:
    """Write down that somebody stopped looking."""
    record_act(workspace, action="access.look_end", target=number, facts={}, subject=viewer.login)


def looks_at(*, number: str, limit: int = 20) -> tuple[Look, ...]:
    """Who looked at a member's wallet, the newest first; for the member himself."""
    rows = AuditEvent.objects.filter(action=_LOOK, target=number).order_by("-at", "-id")[:limit]
    return tuple(Look(at=row.at, who=row.subject, reason=str(row.facts.get("reason", ""))) for row in rows)
