"""Ask for work, cancel it, ask for it again."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction

from ogniwo.records.jobs.models import Job
from ogniwo.records.parties.models import Organisation
from ogniwo.records.visibility import Subject
from ogniwo.services.jobs.kinds import kind_of
from ogniwo.services.jobs.model import JobEndedError, JobNotEndedError, JobState, JobView
from ogniwo.services.jobs.queries import job_row, view_of
from ogniwo.services.jobs.running import put_in_queue
from ogniwo.services.jobs.uploads import drop_uploads, upload
from ogniwo.services.workspace.audit import record_act
from ogniwo.services.workspace.model import Workspace
from ogniwo.services.workspace.queries import OrganisationNotFoundError

OPEN = (JobState.QUEUED.value, JobState.RUNNING.value)


def start_job(
    workspace: Workspace,
    *,
    kind: str,
    organisation_code: str,
    parameters: Mapping[str, Any],
    by: str,
    key: str = "",
    retry_of: UUID | None = None,
) -> JobView:
    """Put work into the queue; whoever asks was allowed the kind's act there.

    With a `key`, asking again while the work is queued or running gives the same job. Raises UnknownKindError,
    OrganisationNotFoundError.
    """
    kind_of(kind)
    organisation = Organisation.objects.filter(code=organisation_code).first()
    if organisation is None:
        raise OrganisationNotFoundError(detail=f"no organisation {organisation_code!r}")
    same = Job.objects.filter(organisation=organisation, kind=kind, key=key, state__in=OPEN).exclude(key="")
    try:
        with transaction.atomic():
            row = same.select_related("organisation").first()
            if row is not None:
                return view_of(row)
            row = Job.objects.create(
                organisation=organisation,
                kind=kind,
                key=key,
                parameters=dict(parameters),
                by=by,
                asked_at=workspace.now(),
                retry_of_id=retry_of,
            )
            put_in_queue(row.pk)
            facts = {"job": str(row.pk), "kind": kind, **({"retry_of": str(retry_of)} if retry_of else {})}
            record_act(workspace, action="job.start", target=organisation.code, facts=facts, subject=by)
    except IntegrityError:
        # Somebody asked for the same at the same moment: his job is the one.
        row = same.select_related("organisation").first()
        if row is None:
            raise
    return view_of(row)


def cancel_job(workspace: Workspace, *, job_id: UUID | str, subject: Subject, by: str) -> JobView:
    """Cancel a job: at once while it waits, at its next sign of progress while it runs.

    Raises JobNotFoundError, JobEndedError.
    """
    with transaction.atomic():
        row = job_row(job_id, subject=subject)
        asked = Job.objects.filter(pk=row.pk, state__in=OPEN).update(cancel_by=by)
        if not asked:
            raise JobEndedError(detail=f"the job has ended ({row.state})")
        Job.objects.filter(pk=row.pk, state=JobState.QUEUED.value).update(
            state=JobState.CANCELLED.value, ended_at=workspace.now()
        )
        facts = {"job": str(row.pk), "kind": row.kind}
        record_act(workspace, action="job.cancel", target=row.organisation.code, facts=facts, subject=by)
    row = job_row(job_id, subject=subject)
    if row.state == JobState.CANCELLED.value:
        drop_uploads(workspace, names=kind_of(row.kind).uploads(row.parameters))
    return view_of(row)


def retry_job(workspace: Workspace, *, job_id: UUID | str, subject: Subject, by: str) -> JobView:
    """Ask again for the work of a job that ended, as a new job of whoever asks now.

    Raises JobNotFoundError, JobNotEndedError, UploadGoneError when what was sent for it is not kept any more.
    """
    row = job_row(job_id, subject=subject)
    if not JobState(row.state).ended:
        raise JobNotEndedError(detail=f"the job is {row.state}")
    for name in kind_of(row.kind).uploads(row.parameters):
        upload(workspace, name)
    return start_job(
        workspace,
        kind=row.kind,
        organisation_code=row.organisation.code,
        parameters=row.parameters,
        by=by,
        key=row.key,
        retry_of=row.pk,
    )
