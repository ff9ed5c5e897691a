"""What an installation does for itself at night: look whether all is well, and clear away what expired."""

import time
from datetime import timedelta
from typing import Any, Final

from django.contrib.sessions.backends.db import SessionStore
from django.utils import timezone
from django_tasks_db.models import DBTaskResult

from ogniwo.core.kernel.calendar import Month
from ogniwo.core.kernel.findings import Finding, Severity, finding_row
from ogniwo.records.access.models import Invitation
from ogniwo.services.access.roles import Act
from ogniwo.services.jobs.kinds import JobContext, job_kind
from ogniwo.services.jobs.uploads import drop_uploads, folder
from ogniwo.services.jobs.work.exports import KEPT_DAYS, exports
from ogniwo.services.ledger.access import has_ledger
from ogniwo.services.ledger.verifying import verify_chain
from ogniwo.services.metering.quality import check_month, visible_points
from ogniwo.services.workspace.queries import organisation

_LINKS: Final = 11
_KEPT_FINDINGS: Final = 200
_UPLOADS_DAYS: Final = 7
_TASKS_DAYS: Final = 30


def _findings(found: list[Finding]) -> dict[str, Any]:
    """Worst first, as many as a page shows."""
    worst = sorted(found, key=lambda one: -one.severity)
    return {
        "findings": [finding_row(one) for one in worst[:_KEPT_FINDINGS]],
        "more": max(0, len(worst) - _KEPT_FINDINGS),
    }


@job_kind("verify_ledger", act=Act.SEE_LEDGER, planned=("",))
def verify(context: JobContext) -> dict[str, Any]:
    """Check every link from the received files to the claims: `checks` with name, compared, passed; findings."""
    if not has_ledger(context.workspace):
        return {"checks": [], "findings": []}
    done = 0

    def tell(name: str) -> None:
        nonlocal done
        context.progress(done, _LINKS, name)
        done += 1

    checks = verify_chain(context.workspace, tell=tell)
    return {
        "checks": [{"name": one.name, "compared": one.compared, "passed": one.passed} for one in checks],
        **_findings([finding for one in checks for finding in one.findings]),
    }


@job_kind("check_data", act=Act.SEE_METERING, planned=("", "previous"))
def check_data(context: JobContext, *, month: str = "") -> dict[str, Any]:
    """Check a month by the rules, without a month the one of yesterday: `points`, `silent`, `slots`, `present`.

    The days that have not come yet are no gaps: only warnings and errors about days before today are kept.
    """
    now = context.workspace.now()
    yesterday = context.workspace.today() - timedelta(days=1)
    period = Month.parse(month) if month else Month(yesterday.year, yesterday.month)
    owner, subject = organisation(code=context.organisation.code, subject=context.subject), context.subject
    total, done = len(visible_points(organisation=owner, subject=subject)), 0

    def tell() -> None:
        nonlocal done
        done += 1
        context.progress(done, total, "check")

    found = check_month(context.workspace, organisation=owner, subject=subject, month=period, tell=tell)
    kept = [
        one
        for one in found.findings
        if one.severity >= Severity.WARNING and (one.start_epoch_s is None or one.start_epoch_s < now.timestamp())
    ]
    return {
        "month": str(period),
        "points": total,
        "silent": list(found.silent_points),
        "slots": sum(one.slots for one in found.channels),
        "present": sum(one.present for one in found.channels),
        **_findings(kept),
    }


@job_kind("clean_up", act=Act.RUN_JOBS, planned=("",))
def clean_up(context: JobContext) -> dict[str, Any]:
    """Clear away what expired: sign-ins, invitations (withdrawn), bytes of failed jobs, the queue's own old rows."""
    workspace, now = context.workspace, timezone.now()
    signed_in, _ = SessionStore.get_model_class().objects.filter(expire_date__lt=now).delete()
    expired = Invitation.objects.filter(used_at=None, withdrawn_at=None, expires_at__lte=workspace.now())
    invitations = expired.update(withdrawn_at=workspace.now())
    context.progress(2, 4, "clean up")
    old = time.time() - _UPLOADS_DAYS * 86_400
    names = tuple(path.name for path in folder(workspace).iterdir() if path.is_file() and path.stat().st_mtime < old)
    uploads = drop_uploads(workspace, names=names)
    context.progress(3, 4, "clean up")
    files = 0
    for path in exports(workspace).iterdir():
        if path.stat().st_mtime < time.time() - KEPT_DAYS * 86_400:
            path.unlink()
            files += 1
    rows, _ = DBTaskResult.objects.finished().filter(finished_at__lt=now - timedelta(days=_TASKS_DAYS)).delete()
    return {"sign_ins": signed_in, "invitations": invitations, "uploads": uploads, "files": files, "queue_rows": rows}
