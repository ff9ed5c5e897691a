"""`ogniwo jobs`: run long work as a service, look at it, cancel it, plan it."""

import os
import signal
import threading
from typing import Any

import click

from ogniwo.interfaces.cli.arguments import JSON_OPTION, opened, who
from ogniwo.interfaces.cli.main import Runtime
from ogniwo.interfaces.cli.output import DONE_WITH_FINDINGS, answers_refusals, say, show_json, show_table
from ogniwo.interfaces.cli.texts import instant
from ogniwo.services.jobs.asking import cancel_job, retry_job
from ogniwo.services.jobs.model import JobState, JobView
from ogniwo.services.jobs.planning import plan_work, remove_planned
from ogniwo.services.jobs.queries import JobFilter, job_of, jobs_below, workers
from ogniwo.services.jobs.schedule import PlannedWork, change_rule, pause, plan_defaults, planned, run_now
from ogniwo.services.jobs.worker import LEASE_S, work
from ogniwo.services.workspace.queries import operator_subject


@click.group("jobs")
def jobs_group() -> None:
    """Run long work (imports, closes, bills, mails); show, cancel and plan it.

    \b
    Examples:
      ogniwo -w coop jobs run
      ogniwo -w coop jobs list --state failed
      ogniwo -w coop jobs schedule list
    """  # noqa: D301 -- \b is click's mark for "keep these lines"


@jobs_group.command("run")
@click.option("--once", is_flag=True, help="Run one job that waits, then stop.")
@click.option("--batch", is_flag=True, help="Stop when no job waits or runs any more.")
@click.option("--no-schedule", is_flag=True, help="Start nothing of the schedule.")
@click.option("--with-parent", is_flag=True, help="Stop when the process that started this one has ended.")
@click.option(
    "--lease",
    default=LEASE_S,
    show_default=True,
    type=click.FloatRange(min=0.5),
    metavar="SECONDS",
    help="After how long without a sign of life another worker is taken for dead.",
)
@click.pass_obj
@answers_refusals
def run(runtime: Runtime, *, once: bool, batch: bool, no_schedule: bool, with_parent: bool, lease: float) -> None:
    """Run jobs and the schedule until stopped; several may run at a time. A job that runs is put back when stopped.

    \b
    Examples:
      ogniwo -w coop jobs run
      ogniwo -w coop jobs run --batch --no-schedule
    """  # noqa: D301 -- \b is click's mark for "keep these lines"
    workspace, stop, parent = opened(runtime), threading.Event(), os.getppid()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    say(f"{workspace.name}: jobs run in process {os.getpid()}")
    ran = work(
        workspace,
        stop=stop,
        once=once,
        drain=batch,
        lease_s=lease,
        scheduled=not no_schedule,
        wanted=(lambda: os.getppid() == parent) if with_parent else lambda: True,
    )
    say(f"{ran} jobs were run")


@jobs_group.command("list")
@click.option("--state", type=click.Choice([state.value for state in JobState]), help="Only jobs in this state.")
@click.option("--kind", default="", help="Only jobs of this kind.")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 10_000), help="At most so many.")
@JSON_OPTION
@click.pass_obj
@answers_refusals
def list_jobs(runtime: Runtime, *, state: str | None, kind: str, limit: int, as_json: bool) -> None:
    """List jobs, newest first.

    \b
    Examples:
      ogniwo -w coop jobs list
      ogniwo -w coop jobs list --state failed --json
    """  # noqa: D301 -- \b is click's mark for "keep these lines"
    opened(runtime)
    found = jobs_below(subject=operator_subject(), wanted=JobFilter(states=(state,) if state else (), kind=kind))
    rows = found[:limit]
    if as_json:
        show_json([_document(one) for one in rows])
        return
    show_table(
        headers=("job", "organisation", "kind", "state", "done", "asked", "by", "error"),
        rows=[
            (
                str(one.id),
                one.organisation,
                one.kind,
                one.state.value,
                f"{one.done}/{one.total}" if one.total else "",
                instant(one.asked_at),
                one.by,
                one.error_code,
            )
            for one in rows
        ],
        right=frozenset({4}),
    )
    if not workers().alive:
        say("no process runs jobs now; start one with `ogniwo jobs run`")


@jobs_group.command("show")
@click.argument("job")
@JSON_OPTION
@click.pass_obj
@answers_refusals
def show(runtime: Runtime, *, job: str, as_json: bool) -> None:
    """Show one job with its result, and where an unexpected error came from.

    \b
    Examples:
      ogniwo -w coop jobs show 6f1f0c9e-6c5a-4f0e-9c59-0d6f3f6c7a10
    """  # noqa: D301 -- \b is click's mark for "keep these lines"
    opened(runtime)
    found = job_of(job, subject=operator_subject())
    show_json(_document(found))
    if found.error_trace and not as_json:
        say(found.error_trace)
    if found.state is JobState.FAILED or found.errors:
        raise SystemExit(DONE_WITH_FINDINGS)


@jobs_group.command("cancel")
@click.argument("job")
@click.pass_obj
@answers_refusals
def cancel(runtime: Runtime, *, job: str) -> None:
    """Cancel a job: at once while it waits, at its next sign of progress while it runs.

    \b
    Examples:
      ogniwo -w coop jobs cancel 6f1f0c9e-6c5a-4f0e-9c59-0d6f3f6c7a10
    """  # noqa: D301 -- \b is click's mark for "keep these lines"
    found = cancel_job(opened(runtime), job_id=job, subject=operator_subject(), by=who())
    say("cancelled" if found.state is JobState.CANCELLED else "it ends at its next sign of progress")


@jobs_group.command("retry")
@click.argument("job")
@click.pass_obj
@answers_refusals
def retry(runtime: Runtime, *, job: str) -> None:
    """Ask again for the work of a job that ended, as a new job; prints its id.

    \b
    Examples:
      ogniwo -w coop jobs retry 6f1f0c9e-6c5a-4f0e-9c59-0d6f3f6c7a10
    """  # noqa: D301 -- \b is click's mark for "keep these lines"
    click.echo(str(retry_job(opened(runtime), job_id=job, subject=operator_subject(), by=who()).id))


@jobs_group.group("schedule")
def schedule_group() -> None:
    """Work that begins by itself: show it, add to it, pause, resume, change, run now, remove.

    \b
    Examples:
      ogniwo -w coop jobs schedule list
      ogniwo -w coop jobs schedule add przykladowo export_bills "monthly 12 06:00" --month previous
      ogniwo -w coop jobs schedule pause 2
    """  # noqa: D301 -- \b is click's mark for "keep these lines"


@schedule_group.command("list")
@JSON_OPTION
@click.pass_obj
@answers_refusals
def schedule_list(runtime: Runtime, *, as_json: bool) -> None:
    """Show what begins by itself and when; times are Polish local time.

    \b
    Examples:
      ogniwo -w coop jobs schedule list
    """  # noqa: D301 -- \b is click's mark for "keep these lines"
    plan_defaults(opened(runtime))
    _show_rows(planned(subject=operator_subject()), as_json=as_json)


@schedule_group.command("add")
@click.argument("organisation")
@click.argument("kind")
@click.argument("rule")
@click.option("--month", default="", type=click.Choice(["", "previous"]), help="The month before each start.")
@click.option("--name", default="", help="What the row is called (default: the kind with a number).")
@JSON_OPTION
@click.pass_obj
@answers_refusals
def schedule_add(
    runtime: Runtime, *, organisation: str, kind: str, rule: str, month: str, name: str, as_json: bool
) -> None:
    """Let work of a kind begin by a rule: "daily 02:30", "weekly mon 02:30" or "monthly 5 02:30".

    \b
    Examples:
      ogniwo -w coop jobs schedule add przykladowo check_data "weekly mon 06:00" --month previous
      ogniwo -w coop jobs schedule add przykladowo export_bills "monthly 12 06:00" --month previous
    """  # noqa: D301 -- \b is click's mark for "keep these lines"
    made = plan_work(
        opened(runtime),
        organisation_code=organisation,
        subject=operator_subject(),
        kind=kind,
        rule=rule,
        month=month,
        name=name,
        by=who(),
    )
    _show_rows((made,), as_json=as_json)


@schedule_group.command("pause")
@click.argument("row", type=int)
@click.pass_obj
@answers_refusals
def schedule_pause(runtime: Runtime, *, row: int) -> None:
    """Pause a row: it does not begin by itself until it is resumed.

    \b
    Examples:
      ogniwo -w coop jobs schedule pause 2
    """  # noqa: D301 -- \b is click's mark for "keep these lines"
    _show_rows((pause(opened(runtime), schedule_id=row, subject=operator_subject(), by=who(), paused=True),))


@schedule_group.command("resume")
@click.argument("row", type=int)
@click.pass_obj
@answers_refusals
def schedule_resume(runtime: Runtime, *, row: int) -> None:
    """Let a paused row begin again, from its next time on.

    \b
    Examples:
      ogniwo -w coop jobs schedule resume 2
    """  # noqa: D301 -- \b is click's mark for "keep these lines"
    _show_rows((pause(opened(runtime), schedule_id=row, subject=operator_subject(), by=who(), paused=False),))


@schedule_group.command("rule")
@click.argument("row", type=int)
@click.argument("rule")
@click.pass_obj
@answers_refusals
def schedule_rule(runtime: Runtime, *, row: int, rule: str) -> None:
    """Give a row another time.

    \b
    Examples:
      ogniwo -w coop jobs schedule rule 2 "monthly 5 02:30"
    """  # noqa: D301 -- \b is click's mark for "keep these lines"
    _show_rows((change_rule(opened(runtime), schedule_id=row, subject=operator_subject(), by=who(), rule=rule),))


@schedule_group.command("run")
@click.argument("row", type=int)
@click.pass_obj
@answers_refusals
def schedule_run(runtime: Runtime, *, row: int) -> None:
    """Start the work of a row now; prints the job's id. When it comes next by itself does not change.

    \b
    Examples:
      ogniwo -w coop jobs schedule run 2
    """  # noqa: D301 -- \b is click's mark for "keep these lines"
    click.echo(str(run_now(opened(runtime), schedule_id=row, subject=operator_subject(), by=who()).id))


@schedule_group.command("remove")
@click.argument("row", type=int)
@click.pass_obj
@answers_refusals
def schedule_remove(runtime: Runtime, *, row: int) -> None:
    """Take a row from the schedule; its jobs stay. What every installation has is paused instead.

    \b
    Examples:
      ogniwo -w coop jobs schedule remove 7
    """  # noqa: D301 -- \b is click's mark for "keep these lines"
    remove_planned(opened(runtime), schedule_id=row, subject=operator_subject(), by=who())
    say("removed")


def _show_rows(rows: tuple[PlannedWork, ...], *, as_json: bool = False) -> None:
    if as_json:
        show_json([_planned(one) for one in rows])
        return
    show_table(
        headers=("row", "name", "organisation", "kind", "month", "rule", "next", "last", "outcome"),
        rows=[
            (
                str(one.id),
                one.name,
                one.organisation,
                one.kind,
                one.month,
                one.rule,
                "paused" if one.paused else instant(one.next_run_at),
                instant(one.last_run_at) if one.last_run_at else "",
                one.last_state,
            )
            for one in rows
        ],
        right=frozenset({0}),
    )


def _document(job: JobView) -> dict[str, Any]:
    return {
        "id": str(job.id),
        "organisation": job.organisation,
        "kind": job.kind,
        "state": job.state.value,
        "done": job.done,
        "total": job.total,
        "text": job.text,
        "result": job.result,
        "error": {"code": job.error_code, "detail": job.error_detail} if job.error_code else None,
        "by": job.by,
        "asked_at": instant(job.asked_at),
        "started_at": instant(job.started_at) if job.started_at else None,
        "ended_at": instant(job.ended_at) if job.ended_at else None,
        "attempts": job.attempts,
        "cancelled_by": job.cancel_by,
        "retry_of": str(job.retry_of) if job.retry_of else None,
    }


def _planned(row: PlannedWork) -> dict[str, Any]:
    return {
        "row": row.id,
        "name": row.name,
        "organisation": row.organisation,
        "kind": row.kind,
        "month": row.month,
        "rule": row.rule,
        "paused": row.paused,
        "next_run_at": instant(row.next_run_at),
        "last_run_at": instant(row.last_run_at) if row.last_run_at else None,
        "last_job": row.last_job or None,
    }
