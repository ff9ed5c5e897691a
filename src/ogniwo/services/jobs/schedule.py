"""Work that begins by itself: rules in Polish local time, defaults that ship with the code, and what is due."""

import re
from calendar import monthrange
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, Final

from django.db import transaction

from ogniwo.core.kernel.calendar import Month, local_day, local_instant
from ogniwo.core.kernel.refusals import Refusal
from ogniwo.records.jobs.models import Schedule
from ogniwo.records.parties.models import Organisation
from ogniwo.records.visibility import Subject
from ogniwo.services.jobs.asking import start_job
from ogniwo.services.jobs.kinds import kind_of
from ogniwo.services.jobs.model import JobView
from ogniwo.services.workspace.audit import record_act
from ogniwo.services.workspace.model import Workspace

BY: Final = "schedule"
"""Who asks for a job that began by itself, in the log and beside the job."""

_TIME: Final = r"(?P<hour>[01][0-9]|2[0-3]):(?P<minute>[0-5][0-9])"
WEEKDAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAY: Final = rf"daily|weekly (?P<weekday>{'|'.join(WEEKDAYS)})|monthly (?P<day>[1-9]|[12][0-9]|3[01])"
_RULE: Final = re.compile(rf"(?:{_DAY}) {_TIME}\Z")
PREVIOUS: Final = "previous"
"""A month among the parameters of a row: the one before the local day of each start."""


class BadRuleError(Refusal):
    """A rule is none of `daily HH:MM`, `weekly mon HH:MM`, `monthly DAY HH:MM`."""

    code = "jobs.bad_rule"


class ScheduleNotFoundError(Refusal):
    """There is no such row of the schedule, or the subject may not see it."""

    code = "jobs.schedule_not_found"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """When work begins: at a time of day, every day (`day` 0), on a weekday, or on a day of the month or its last.

    `weekday` is "" or one of WEEKDAYS.
    """

    day: int
    hour: int
    minute: int
    weekday: str = ""

    @classmethod
    def parse(cls, text: str) -> "Rule":
        """Read a rule. Raises BadRuleError."""
        found = _RULE.match(text)
        if found is None:
            raise BadRuleError(detail=f"{text!r} is none of `daily 02:30`, `weekly mon 02:30`, `monthly 5 02:30`")
        return cls(
            day=int(found["day"] or 0),
            hour=int(found["hour"]),
            minute=int(found["minute"]),
            weekday=found["weekday"] or "",
        )

    def after(self, instant: datetime) -> datetime:
        """The first time strictly after an instant, aware UTC.

        A time that the spring change leaves out comes an hour later by the clock; one that the autumn change repeats is
        the first of the two. Either way there is one a day.
        """
        day = local_day(int(instant.timestamp()))
        while True:
            begins = local_instant(day, hour=self.hour, minute=self.minute)
            if begins > instant and self._falls_on(day):
                return begins
            day += timedelta(days=1)

    def _falls_on(self, day: date) -> bool:
        if self.weekday:
            return WEEKDAYS[day.weekday()] == self.weekday
        return not self.day or day.day == min(self.day, monthrange(day.year, day.month)[1])


@dataclass(frozen=True, slots=True, kw_only=True)
class Default:
    """A row every installation begins with; `everywhere` gives one to each organisation that has members."""

    name: str
    kind: str
    rule: str
    everywhere: bool = False
    parameters: Mapping[str, Any] = field(default_factory=dict)


DEFAULTS: Final = (
    Default(name="verify-ledger", kind="verify_ledger", rule="daily 02:15"),
    Default(name="clean-up", kind="clean_up", rule="daily 03:30"),
    Default(name="check-data", kind="check_data", rule="daily 05:00", everywhere=True),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedWork:
    """A row of the schedule as it is shown."""

    id: int
    name: str
    organisation: str
    kind: str
    month: str
    rule: str
    paused: bool
    last_run_at: datetime | None
    next_run_at: datetime
    last_job: str
    last_state: str


def plan_defaults(workspace: Workspace) -> int:
    """Add the defaults that are not there yet; what was changed or paused stays. Gives how many were added."""
    now, added = workspace.now(), 0
    have = set(Schedule.objects.values_list("organisation_id", "name"))
    top = list(Organisation.objects.filter(parent=None))
    settling = list(Organisation.objects.filter(members__isnull=False).distinct())
    for one in DEFAULTS:
        for organisation in settling if one.everywhere else top:
            if (organisation.pk, one.name) in have:
                continue
            fresh = {
                "kind": one.kind,
                "parameters": dict(one.parameters),
                "rule": one.rule,
                "next_run_at": Rule.parse(one.rule).after(now),
            }
            _, made = Schedule.objects.get_or_create(organisation=organisation, name=one.name, defaults=fresh)
            added += made
    return added


def planned(*, subject: Subject) -> tuple[PlannedWork, ...]:
    """The schedule as far as the subject sees it."""
    rows = Schedule.objects.all().visible_to(subject).select_related("organisation", "last_job")
    return tuple(_shown(row) for row in rows)


def planned_one(*, schedule_id: int, subject: Subject) -> PlannedWork:
    """One row of the schedule. Raises ScheduleNotFoundError."""
    return _shown(_row(schedule_id, subject))


def start_due(workspace: Workspace) -> tuple[JobView, ...]:
    """Ask for all work that is due; what was missed while nobody ran is made up for once."""
    now, started = workspace.now(), []
    for row in Schedule.objects.filter(paused=False, next_run_at__lte=now).select_related("organisation"):
        next_run_at = Rule.parse(row.rule).after(now)
        with transaction.atomic():
            # Several workers look at the same schedule: whoever moves the row on starts the work.
            mine = Schedule.objects.filter(pk=row.pk, paused=False, next_run_at=row.next_run_at)
            if mine.update(next_run_at=next_run_at, last_run_at=now):
                started.append(_start(workspace, row, by=BY))
    return tuple(started)


def run_now(workspace: Workspace, *, schedule_id: int, subject: Subject, by: str) -> JobView:
    """Start the work of a row at once; when it comes next by itself does not change. Raises ScheduleNotFoundError."""
    row = _row(schedule_id, subject)
    with transaction.atomic():
        Schedule.objects.filter(pk=row.pk).update(last_run_at=workspace.now())
        return _start(workspace, row, by=by)


def pause(workspace: Workspace, *, schedule_id: int, subject: Subject, by: str, paused: bool) -> PlannedWork:
    """Pause a row, or let it run again from its next time on. Raises ScheduleNotFoundError."""
    row = _row(schedule_id, subject)
    with transaction.atomic():
        row.paused = paused
        row.next_run_at = Rule.parse(row.rule).after(workspace.now())
        row.save(update_fields=["paused", "next_run_at"])
        facts = {"name": row.name, "rule": row.rule}
        action = "schedule.pause" if paused else "schedule.resume"
        record_act(workspace, action=action, target=row.organisation.code, facts=facts, subject=by)
    return _shown(row)


def change_rule(workspace: Workspace, *, schedule_id: int, subject: Subject, by: str, rule: str) -> PlannedWork:
    """Give a row another time. Raises ScheduleNotFoundError, BadRuleError."""
    row = _row(schedule_id, subject)
    parsed = Rule.parse(rule)
    with transaction.atomic():
        facts = {"name": row.name, "before": row.rule, "after": rule}
        row.rule, row.next_run_at = rule, parsed.after(workspace.now())
        row.save(update_fields=["rule", "next_run_at"])
        record_act(workspace, action="schedule.change", target=row.organisation.code, facts=facts, subject=by)
    return _shown(row)


def kind_of_planned(*, schedule_id: int, subject: Subject) -> str:
    """Which kind of job a row starts. Raises ScheduleNotFoundError."""
    return kind_of(_row(schedule_id, subject).kind).name


def _start(workspace: Workspace, row: Schedule, *, by: str) -> JobView:
    parameters = dict(row.parameters)
    if parameters.get("month") == PREVIOUS:
        today = workspace.today()
        parameters["month"] = str(Month(today.year, today.month).shifted(-1))
    job = start_job(
        workspace,
        kind=row.kind,
        organisation_code=row.organisation.code,
        parameters=parameters,
        by=by,
        key=key_of(row.name),
    )
    Schedule.objects.filter(pk=row.pk).update(last_job_id=job.id)
    return job


def key_of(name: str) -> str:
    """The key that names the jobs of a row, for its history."""
    return f"schedule {name}"


def _row(schedule_id: int, subject: Subject) -> Schedule:
    rows = Schedule.objects.all().visible_to(subject).select_related("organisation", "last_job")
    row = rows.filter(pk=schedule_id).first()
    if row is None:
        raise ScheduleNotFoundError(detail=f"the schedule has no row {schedule_id}")
    return row


def _shown(row: Schedule) -> PlannedWork:
    return PlannedWork(
        id=row.pk,
        name=row.name,
        organisation=row.organisation.code,
        kind=row.kind,
        month=str(row.parameters.get("month", "")),
        rule=row.rule,
        paused=row.paused,
        last_run_at=row.last_run_at,
        next_run_at=row.next_run_at,
        last_job=str(row.last_job.pk) if row.last_job else "",
        last_state=row.last_job.state if row.last_job else "",
    )
