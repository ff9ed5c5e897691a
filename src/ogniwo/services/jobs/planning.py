"""Plan work that begins by itself, and take it from the schedule again."""

import re
from typing import Final

from django.db import transaction

from ogniwo.core.kernel.refusals import Refusal
from ogniwo.records.jobs.models import Schedule
from ogniwo.records.visibility import Subject
from ogniwo.services.jobs.kinds import Kind, kind_of, kinds
from ogniwo.services.jobs.schedule import (
    DEFAULTS,
    PlannedWork,
    Rule,
    ScheduleNotFoundError,
    planned,
    planned_one,
)
from ogniwo.services.workspace.audit import record_act
from ogniwo.services.workspace.model import Workspace
from ogniwo.services.workspace.queries import organisation

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,39}\Z")


class NotPlannableError(Refusal):
    """Work of this kind, or with this month, cannot begin by itself."""

    code = "jobs.not_plannable"


class ScheduleExistsError(Refusal):
    """The organisation has a row of this name in its schedule."""

    code = "jobs.schedule_exists"


class DefaultRowError(Refusal):
    """A row that every installation has is paused, not removed."""

    code = "jobs.default_row"


def plannable() -> tuple[Kind, ...]:
    """The kinds that can be planned, by name; `planned` of each names the months that it takes."""
    return tuple(kind for _, kind in sorted(kinds().items()) if kind.planned)


def plan_work(
    workspace: Workspace,
    *,
    organisation_code: str,
    subject: Subject,
    kind: str,
    rule: str,
    month: str = "",
    name: str = "",
    by: str,
) -> PlannedWork:
    """Let work of a kind begin by a rule; whoever asks was allowed the kind's act there.

    `month` is "" or "previous": the month before the local day of each start. `name` is made from the kind when it is
    empty. Raises UnknownKindError, NotPlannableError, BadRuleError, OrganisationNotFoundError, ScheduleExistsError.
    """
    wanted, parsed = kind_of(kind), Rule.parse(rule)
    if month not in wanted.planned:
        raise NotPlannableError(detail=_why_not(wanted, month))
    owner = organisation(code=organisation_code, subject=subject)
    chosen = name or _free_name(kind.replace("_", "-"), {one.name for one in planned(subject=subject)})
    if not _NAME.match(chosen):
        raise NotPlannableError(detail=f"{chosen!r} is no name: small letters, digits and hyphens, at most 40")
    with transaction.atomic():
        row, made = Schedule.objects.get_or_create(
            organisation=owner,
            name=chosen,
            defaults={
                "kind": kind,
                "rule": rule,
                "parameters": {"month": month} if month else {},
                "next_run_at": parsed.after(workspace.now()),
            },
        )
        if not made:
            raise ScheduleExistsError(detail=f"{organisation_code} has {chosen!r} in its schedule")
        facts = {"name": chosen, "kind": kind, "rule": rule, "month": month}
        record_act(workspace, action="schedule.add", target=owner.code, facts=facts, subject=by)
    return planned_one(schedule_id=row.pk, subject=subject)


def remove_planned(workspace: Workspace, *, schedule_id: int, subject: Subject, by: str) -> None:
    """Take a row from the schedule; its jobs stay. Raises ScheduleNotFoundError, DefaultRowError."""
    found = planned_one(schedule_id=schedule_id, subject=subject)
    if found.name in {one.name for one in DEFAULTS}:
        raise DefaultRowError(detail=f"{found.name} is in every schedule: pause it instead")
    with transaction.atomic():
        gone, _ = Schedule.objects.filter(pk=schedule_id).delete()
        if not gone:
            raise ScheduleNotFoundError(detail=f"the schedule has no row {schedule_id}")
        facts = {"name": found.name, "kind": found.kind, "rule": found.rule}
        record_act(workspace, action="schedule.remove", target=found.organisation, facts=facts, subject=by)


def _why_not(kind: Kind, month: str) -> str:
    if not kind.planned:
        return f"{kind.name} cannot be planned; what can: {', '.join(one.name for one in plannable())}"
    words = " or ".join(f"month {word}" if word else "no month" for word in kind.planned)
    return f"{kind.name} is planned with {words}, not with {month!r}"


def _free_name(base: str, taken: set[str]) -> str:
    return next(name for number in range(1, len(taken) + 2) if (name := f"{base}-{number}") not in taken)
