"""What a job is to those who ask for it and look at it, and the ways it can be refused."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from ogniwo.core.kernel.refusals import Refusal


class JobNotFoundError(Refusal):
    """There is no such job, or the subject may not see it."""

    code = "jobs.not_found"


class UnknownKindError(Refusal):
    """Nobody registered this kind of job."""

    code = "jobs.unknown_kind"


class JobEndedError(Refusal):
    """A job that has ended cannot be cancelled."""

    code = "jobs.ended"


class JobNotEndedError(Refusal):
    """A job that waits or runs cannot be tried again: it is being tried."""

    code = "jobs.not_ended"


class JobCancelledError(Refusal):
    """Somebody cancelled the job; the work that was going on was undone."""

    code = "jobs.cancelled"


class WorkerDiedError(Refusal):
    """The process that ran the job gave no sign of life any more, more often than it is tried again."""

    code = "jobs.worker_died"


class AlwaysBusyError(Refusal):
    """The workspace was changed by something else all the time that the job waited."""

    code = "jobs.always_busy"


class UploadGoneError(Refusal):
    """The bytes that were sent for a job are not kept any more; send them again."""

    code = "jobs.upload_gone"


class JobState(StrEnum):
    """Where a job is; the last three are ends."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def ended(self) -> bool:
        """Whether nothing changes any more."""
        return self not in {JobState.QUEUED, JobState.RUNNING}


@dataclass(frozen=True, slots=True, kw_only=True)
class JobView:
    """A job as it is shown. `done` of `total` steps (`total` 0: not known); `result` is what its kind gives back.

    `error_code` and `error_detail` say why it failed, or why it is tried again while it is queued. `cancel_by` is who
    cancelled it. `attempts` counts how often it began.
    """

    id: UUID
    organisation: str
    kind: str
    key: str
    parameters: dict[str, Any]
    state: JobState
    done: int
    total: int
    text: str
    result: dict[str, Any]
    error_code: str
    error_detail: str
    error_trace: str
    by: str
    asked_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    attempts: int
    cancel_by: str
    retry_of: UUID | None

    @property
    def errors(self) -> int:
        """How many findings of its result are errors."""
        return sum(one.get("severity") == "error" for one in self.result.get("findings", ()))

    @property
    def seconds(self) -> int | None:
        """How long it took, None before its end or when it never began."""
        if self.started_at is None or self.ended_at is None:
            return None
        return round((self.ended_at - self.started_at).total_seconds())
