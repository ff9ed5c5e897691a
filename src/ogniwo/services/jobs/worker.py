"""The process that runs jobs: it starts what is due, takes what waits, and finds what a dead worker left behind."""

import os
import secrets
import socket
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Final

from django.db import OperationalError, close_old_connections, transaction
from django.utils import timezone
from django_tasks_db.management.commands.db_worker import Worker as QueueWorker
from django_tasks_db.models import DBTaskResult

from ogniwo.records.jobs.models import Job, Worker
from ogniwo.services.jobs.kinds import kind_of
from ogniwo.services.jobs.model import JobState, WorkerDiedError
from ogniwo.services.jobs.running import Bench, put_in_queue, retry_delay_s, working_at
from ogniwo.services.jobs.schedule import plan_defaults, start_due
from ogniwo.services.jobs.work.webhooks import ask_when_due
from ogniwo.services.workspace.model import Workspace

LEASE_S: Final = 30.0
"""A worker that gave no sign of life for so long is taken for dead; it gives one every two seconds."""

INTERVAL_S: Final = 0.5
_ROUNDS_S: Final = 5.0
_QUEUE: Final = "jobs"


def new_bench(workspace: Workspace, stop: threading.Event | None = None) -> Bench:
    """What this process works with; its name tells machine and process."""
    name = f"{socket.gethostname()[:60]}:{os.getpid()}:{secrets.token_hex(4)}"
    return Bench(workspace, name, stop or threading.Event())


def work(
    workspace: Workspace,
    *,
    stop: threading.Event | None = None,
    once: bool = False,
    drain: bool = False,
    lease_s: float = LEASE_S,
    scheduled: bool = True,
    wanted: Callable[[], bool] = lambda: True,
) -> int:
    """Run jobs until `stop` is set, `wanted` says no, or (`drain`) nothing waits or (`once`) one job was run.

    Gives how many were started. A running job notices `stop` at its next sign of progress and goes back into the queue.
    """
    bench = new_bench(workspace, stop)
    ran, last_round = 0, None
    try:
        with working_at(bench):
            while not bench.stop.is_set() and wanted():
                close_old_connections()
                now = time.monotonic()
                if last_round is None or now - last_round >= _ROUNDS_S:
                    last_round = now
                    _round(bench, lease_s=lease_s, scheduled=scheduled)
                if _run_next(bench):
                    ran += 1
                    if once:
                        break
                    continue
                if once or (drain and not _waiting()):
                    break
                bench.stop.wait(INTERVAL_S)
    finally:
        Worker.objects.filter(name=bench.worker).delete()
    return ran


def find_dead(workspace: Workspace, *, lease_s: float = LEASE_S) -> int:
    """Put the jobs of dead workers back into the queue, or end those that were tried often enough; gives how many."""
    silent_since = timezone.now() - timedelta(seconds=lease_s)
    Worker.objects.filter(beat_at__lt=silent_since).delete()
    found = 0
    for row in Job.objects.filter(state=JobState.RUNNING.value, beat_at__lt=silent_since):
        mine = Job.objects.filter(
            pk=row.pk, attempt=row.attempt, state=JobState.RUNNING.value, beat_at__lt=silent_since
        )
        died = WorkerDiedError(detail=f"the worker {row.worker} gave no sign of life since {row.beat_at:%H:%M:%S} UTC")
        said = {"worker": "", "error_code": died.code, "error_detail": died.detail}
        with transaction.atomic():
            if row.cancel_by:
                found += mine.update(state=JobState.CANCELLED.value, ended_at=workspace.now(), **said)
            elif row.attempt >= kind_of(row.kind).attempts:
                found += mine.update(state=JobState.FAILED.value, ended_at=workspace.now(), **said)
            elif mine.update(state=JobState.QUEUED.value, **said):
                put_in_queue(row.pk, delay_s=retry_delay_s(row.attempt) if row.attempt > 1 else 0)
                found += 1
    return found


def _round(bench: Bench, *, lease_s: float, scheduled: bool) -> None:
    """What is done every few seconds beside running jobs."""
    now = timezone.now()
    try:
        Worker.objects.update_or_create(
            name=bench.worker, defaults={"beat_at": now}, create_defaults={"beat_at": now, "started_at": now}
        )
        find_dead(bench.workspace, lease_s=lease_s)
        if scheduled:
            plan_defaults(bench.workspace)
            start_due(bench.workspace)
            ask_when_due(bench.workspace)
    except OperationalError as error:
        if not _locked(error):
            raise


def _run_next(bench: Bench) -> bool:
    """Run the next waiting job with the queue's own worker; False when none was ready."""
    if not DBTaskResult.objects.ready().filter(queue_name=_QUEUE).exists():
        return False
    queue = QueueWorker(
        queue_names=[_QUEUE],
        interval=0,
        batch=True,
        backend_name="default",
        startup_delay=False,
        max_tasks=1,
        worker_id=bench.worker[:64],
        excluded_queue_names=[],
    )
    try:
        queue.run()
    except OperationalError as error:
        if not _locked(error):
            raise
    return queue._run_tasks > 0  # noqa: SLF001 -- the queue's worker tells nobody else how many it ran


def _waiting() -> bool:
    """Whether a job is queued, also one that is tried again later."""
    return Job.objects.filter(state__in=(JobState.QUEUED.value, JobState.RUNNING.value)).exists()


def _locked(error: OperationalError) -> bool:
    return "locked" in str(error)
