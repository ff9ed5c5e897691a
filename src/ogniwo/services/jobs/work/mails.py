"""Mails, sent beside the page that asked for them; their text is kept like a file that was sent, and goes with it."""

from collections.abc import Mapping
from typing import Any

from django.core.mail import EmailMessage

from ogniwo.services.access.roles import Act
from ogniwo.services.jobs.asking import start_job
from ogniwo.services.jobs.kinds import JobContext, job_kind
from ogniwo.services.jobs.model import JobView
from ogniwo.services.jobs.uploads import keep_upload, upload
from ogniwo.services.workspace.model import Workspace


def _uploads(parameters: Mapping[str, Any]) -> tuple[str, ...]:
    return (str(parameters.get("text", "")),)


def mail(workspace: Workspace, *, organisation_code: str, to: str, subject: str, text: str, by: str) -> JobView:
    """Ask for a mail. The text may hold a link that lets somebody in: it stands in no record of the job."""
    kept = keep_upload(workspace, text.encode())
    return start_job(
        workspace,
        kind="send_mail",
        organisation_code=organisation_code,
        parameters={"to": to, "subject": subject, "text": kept},
        by=by,
    )


@job_kind("send_mail", act=Act.MANAGE_ACCESS, attempts=4, uploads=_uploads)
def send(context: JobContext, *, to: str, subject: str, text: str) -> dict[str, Any]:
    """Send one mail by Django's mail settings: `to`, `sent`. A server that does not answer is asked again."""
    message = EmailMessage(subject=subject, body=upload(context.workspace, text).decode(), to=[to])
    return {"to": to, "sent": message.send(fail_silently=False)}
