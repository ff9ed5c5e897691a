"""Webhooks: what is due is sent; asked for by the worker's own rounds when there is something."""

from typing import Any

from ogniwo.records.parties.models import Organisation
from ogniwo.services.access.roles import Act
from ogniwo.services.exchange.delivering import anything_due, collect, deliver_due
from ogniwo.services.jobs.asking import start_job
from ogniwo.services.jobs.kinds import JobContext, job_kind
from ogniwo.services.workspace.model import Workspace


def ask_when_due(workspace: Workspace) -> None:
    """Look what happened, and ask for the sending when something waits; once while it is queued or running."""
    collect(workspace)
    if not anything_due(workspace):
        return
    top = Organisation.objects.filter(parent=None).order_by("pk").first()
    if top is not None:
        code, key = top.code, "webhooks"
        start_job(workspace, kind="send_webhooks", organisation_code=code, parameters={}, by="schedule", key=key)


@job_kind("send_webhooks", act=Act.RUN_JOBS)
def send_webhooks(context: JobContext) -> dict[str, Any]:
    """Send what is due: `collected` events were new, `delivered` arrived; the rest is tried again later."""
    collected = collect(context.workspace)
    delivered = deliver_due(context.workspace, tell=lambda done, total: context.progress(done, total, "send"))
    return {"collected": collected, "delivered": delivered}
