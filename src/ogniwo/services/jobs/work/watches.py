"""The check of watches: by the schedule, after every import, or when somebody asks."""

from typing import Any

from ogniwo.core.kernel.findings import finding_row
from ogniwo.records.visibility import Subject
from ogniwo.records.watches.models import Watch
from ogniwo.services.access.roles import Act
from ogniwo.services.jobs.asking import start_job
from ogniwo.services.jobs.kinds import JobContext, job_kind
from ogniwo.services.watching.checking import check_watches
from ogniwo.services.workspace.model import Workspace


@job_kind("check_watches", act=Act.RUN_JOBS, planned=("",))
def check(context: JobContext) -> dict[str, Any]:
    """Check the watches of an organisation and of those below it: `raised`, `ended`, `corrected` alarms, findings."""
    found = check_watches(
        context.workspace,
        subject=context.subject,
        tell=lambda done, total: context.progress(done, total, "check watches"),
    )
    return {
        "watches": found.watches,
        "targets": found.targets,
        "months": found.months,
        "raised": found.raised,
        "ended": found.ended,
        "corrected": found.corrected,
        "findings": [finding_row(one) for one in found.refused],
    }


def ask_after_import(workspace: Workspace, *, organisation_code: str, subject: Subject, by: str) -> bool:
    """Let the watches look at what an import brought, by a job of its own: one that runs already began before it.

    True where somebody watches anything.
    """
    watched = Watch.objects.all().visible_to(subject).filter(removed_at=None, paused_at=None).exists()
    if watched:
        start_job(workspace, kind="check_watches", organisation_code=organisation_code, parameters={}, by=by)
    return watched
