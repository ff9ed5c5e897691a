"""Run one job: say how far it is, notice that it was cancelled, keep what came of it or why it failed.

What is written about a job is written beside the job's own transactions, by a thread with its own connection: others
see it at once, and a job that is undone keeps its outcome. Each write is one short statement.
"""

import json
import threading
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from django.db import OperationalError, connection, transaction
from django.db.models import QuerySet
from django.utils import timezone
from django_tasks import task

from ogniwo.core.kernel.refusals import TRY_LATER_CODES, Refusal
from ogniwo.records.jobs.models import Job, Worker
from ogniwo.records.parties.models import Organisation
from ogniwo.records.visibility import Subject
from ogniwo.services.jobs.kinds import Kind, kind_of
from ogniwo.services.jobs.model import AlwaysBusyError, JobCancelledError, JobState
from ogniwo.services.jobs.uploads import drop_uploads
from ogniwo.services.workspace.audit import acting_as, record_act
from ogniwo.services.workspace.model import Workspace

BEAT_S: Final = 2.0
_TOLD_S: Final = 0.1
"""A job that makes thousands of steps a second says so only this often."""

_ACK_S: Final = 1.0
_LOCK_WAIT_MS: Final = 200
RETRY_DELAYS_S: Final = (5, 30, 120)
BUSY_DELAY_S: Final = 2
BUSY_WAITS: Final = 1_800
"""How often a job waits for its place in the workspace: an hour in all."""


class _StoppingError(Exception):
    """The worker ends: the job goes back into the queue."""


class _LostError(Exception):
    """The job was given to another worker, because this one gave no sign of life for too long."""


@dataclass
class Bench:
    """What a worker process works with: the workspace, its name, and whether it was told to end."""

    workspace: Workspace
    worker: str
    stop: threading.Event = field(default_factory=threading.Event)


_BENCH: ContextVar[Bench] = ContextVar("bench")


@contextmanager
def working_at(bench: Bench) -> Iterator[None]:
    """Jobs that are run inside are run at this bench."""
    token = _BENCH.set(bench)
    try:
        yield
    finally:
        _BENCH.reset(token)


@task(queue_name="jobs")
def run_job(job_id: str) -> None:
    """What the queue calls: run the job if it still waits."""
    run_here(_BENCH.get(), UUID(job_id))


def put_in_queue(job_id: UUID, *, delay_s: float = 0) -> None:
    """Let a worker take the job, after some seconds."""
    later = timezone.now() + timedelta(seconds=delay_s) if delay_s else None
    run_job.using(run_after=later).enqueue(str(job_id))


class _Heart(threading.Thread):
    """Writes the progress and signs of life of a running job, and reads whether it is still wanted."""

    def __init__(self, bench: Bench, job_id: UUID, attempt: int) -> None:
        super().__init__(name=f"job {job_id}", daemon=True)
        self._bench, self._job_id, self._attempt = bench, job_id, attempt
        self._change = threading.Condition()
        self._ended = False
        self._told: dict[str, Any] = {}
        self._asked = self._read = self._written = 0
        self.cancelled = self.lost = False

    def tell(self, **told: Any) -> None:  # noqa: ANN401 -- columns of the job
        """Have this written, and look whether the job is still wanted; waits a little, never for a busy database."""
        # Inside a transaction of the job SQLite lets nobody else write: waiting for that would be for nothing.
        waits_for_write = not connection.in_atomic_block
        with self._change:
            self._told = told
            self._asked += 1
            number = self._asked
            self._change.notify_all()
            self._change.wait_for(lambda: (self._written if waits_for_write else self._read) >= number, timeout=_ACK_S)

    def end(self) -> None:
        """Stop, and wait until nothing more is written."""
        with self._change:
            self._ended = True
            self._change.notify_all()
        self.join()

    def run(self) -> None:
        """Beat until the job is over."""
        try:
            if connection.vendor == "sqlite":
                with connection.cursor() as cursor:
                    cursor.execute(f"PRAGMA busy_timeout = {_LOCK_WAIT_MS}")
            while True:
                with self._change:
                    self._change.wait_for(lambda: self._ended or self._asked > self._written, timeout=BEAT_S)
                    if self._ended:
                        return
                    told, number = dict(self._told), self._asked
                self._beat(told, number)
        finally:
            connection.close()

    def _beat(self, told: dict[str, Any], number: int) -> None:
        """Read before writing: a database that is locked for writing can still be read."""
        mine = Job.objects.filter(pk=self._job_id, attempt=self._attempt, state=JobState.RUNNING.value)
        try:
            asked = mine.values_list("cancel_by", flat=True).first()
            with self._change:
                self.lost, self.cancelled, self._read = asked is None, bool(asked), number
                self._change.notify_all()
            now = timezone.now()
            mine.update(beat_at=now, **told)
            Worker.objects.filter(name=self._bench.worker).update(beat_at=now)
        except OperationalError:
            # The database is locked for a moment, perhaps by this very job: the next beat says it.
            connection.close_if_unusable_or_obsolete()
            return
        with self._change:
            self._written = max(self._written, number)
            self._change.notify_all()


class RunningContext:
    """The context of a job that runs in this process."""

    def __init__(self, bench: Bench, row: Job, heart: _Heart) -> None:
        self.workspace = bench.workspace
        self.organisation: Organisation = row.organisation
        self.by = row.by
        self.job_id: UUID = row.pk
        self.attempt = row.attempt
        self._bench, self._heart = bench, heart
        self._text, self._last = "", 0.0

    @property
    def subject(self) -> Subject:
        """Its organisation and everything below."""
        return Subject(self.organisation.path)

    def progress(self, done: int, total: int, text: str = "") -> None:
        """Say how far it is; ends the job when it was cancelled, taken away, or when the worker ends."""
        now = time.monotonic()
        if text != self._text or done >= total or now - self._last >= _TOLD_S:
            self._heart.tell(done=done, total=total, text=text[:300])
            self._text, self._last = text, now
        if self._heart.lost:
            raise _LostError
        if self._heart.cancelled:
            raise JobCancelledError(detail=f"cancelled at {done} of {total}")
        if self._bench.stop.is_set():
            raise _StoppingError


def run_here(bench: Bench, job_id: UUID) -> None:
    """Run a queued job to its end in this thread; nothing when it does not wait any more."""
    row = _claimed(bench, job_id)
    if row is None:
        return
    kind = kind_of(row.kind)
    heart = _Heart(bench, row.pk, row.attempt)
    heart.start()
    try:
        try:
            with acting_as(row.by):
                result = kind.run(RunningContext(bench, row, heart), **row.parameters) or {}
            kept = json.loads(json.dumps(dict(result)))
        finally:
            heart.end()
    except _LostError:
        return
    except Exception as error:  # noqa: BLE001 -- whatever goes wrong in a job is its outcome
        _failed(bench, row, kind, error)
    else:
        _ended(bench, row, kind, JobState.DONE, result=kept, error_code="", error_detail="", error_trace="")


def _claimed(bench: Bench, job_id: UUID) -> Job | None:
    """Take a queued job; None when it was cancelled, or is another's."""
    now = bench.workspace.now()
    with transaction.atomic():
        row = Job.objects.select_for_update().filter(pk=job_id, state=JobState.QUEUED.value).first()
        if row is None:
            return None
        row.state, row.worker, row.attempt = JobState.RUNNING.value, bench.worker, row.attempt + 1
        row.started_at, row.beat_at = row.started_at or now, timezone.now()
        row.done = row.total = 0
        row.text = ""
        row.save(update_fields=["state", "worker", "attempt", "started_at", "beat_at", "done", "total", "text"])
    return Job.objects.select_related("organisation").get(pk=job_id)


def _failed(bench: Bench, row: Job, kind: Kind, error: Exception) -> None:
    """Decide what becomes of a job that did not come to its end."""
    if isinstance(error, _StoppingError):
        _again(bench, row, kind, delay_s=0, attempt=row.attempt - 1)
    elif isinstance(error, JobCancelledError):
        _ended(bench, row, kind, JobState.CANCELLED)
    elif isinstance(error, Refusal) and error.code in TRY_LATER_CODES and row.waits < BUSY_WAITS:
        said = {"error_code": error.code, "error_detail": error.detail, "waits": row.waits + 1}
        _again(bench, row, kind, delay_s=BUSY_DELAY_S, attempt=row.attempt - 1, **said)
    elif isinstance(error, Refusal):
        if error.code in TRY_LATER_CODES:
            error = AlwaysBusyError(detail=f"waited {BUSY_WAITS} times; at last: {error.detail}")
        _ended(bench, row, kind, JobState.FAILED, error_code=error.code, error_detail=error.detail)
    else:
        said = {
            "error_code": "jobs.error",
            "error_detail": f"{type(error).__name__}: {error}",
            "error_trace": "".join(traceback.format_exception(error)),
        }
        if row.attempt < kind.attempts:
            _again(bench, row, kind, delay_s=retry_delay_s(row.attempt), **said)
        else:
            _ended(bench, row, kind, JobState.FAILED, **said)


def retry_delay_s(attempt: int) -> int:
    """How long to wait after the n-th attempt."""
    return RETRY_DELAYS_S[min(attempt, len(RETRY_DELAYS_S)) - 1]


def _again(bench: Bench, row: Job, kind: Kind, *, delay_s: float, **changed: Any) -> None:  # noqa: ANN401 -- columns
    """Put the job back into the queue, unless it was cancelled meanwhile."""
    with transaction.atomic():
        if _mine(row).filter(cancel_by="").update(state=JobState.QUEUED.value, worker="", **changed):
            put_in_queue(row.pk, delay_s=delay_s)
            return
    _ended(bench, row, kind, JobState.CANCELLED)


def _ended(bench: Bench, row: Job, kind: Kind, state: JobState, **changed: Any) -> None:  # noqa: ANN401 -- columns
    """Keep the outcome; what was sent for the job goes, unless it may be tried again."""
    with transaction.atomic():
        if _mine(row).update(state=state.value, ended_at=bench.workspace.now(), worker="", **changed):
            facts = {"job": str(row.pk), "kind": row.kind, "state": state.value}
            target = row.organisation.code
            record_act(bench.workspace, action="job.end", target=target, facts=facts, subject=row.by)
    if state is not JobState.FAILED:
        drop_uploads(bench.workspace, names=kind.uploads(row.parameters))


def _mine(row: Job) -> QuerySet[Job]:
    """The row while it is still this worker's."""
    return Job.objects.filter(pk=row.pk, attempt=row.attempt, state=JobState.RUNNING.value)
