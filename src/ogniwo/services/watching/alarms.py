"""Alarms: those that wait for somebody, the history, and acknowledging with a note."""

from collections.abc import Sequence
from typing import Final

from django.db import transaction
from django.db.models import F, Q, QuerySet

from ogniwo.records.visibility import Subject
from ogniwo.records.watches.models import Alarm
from ogniwo.services.watching.model import (
    AlarmAcknowledgedError,
    AlarmNotFoundError,
    AlarmView,
    NoNoteError,
    alarm_view,
)
from ogniwo.services.workspace.audit import acting, record_act
from ogniwo.services.workspace.listed import Listed
from ogniwo.services.workspace.model import Workspace

NOTE_LEAST: Final = 3
NOTE_MOST: Final = 500
_WAITS: Final = Q(ended_at=None) | Q(acknowledged_at=None)


def alarms_below(*, subject: Subject, point: str = "", state: str = "") -> Listed[AlarmView]:
    """Alarms that the subject sees, the newest episode first; `state` is "", open, waiting or done.

    Waiting are those that are open or that nobody has acknowledged; done are the others.
    """
    rows = Alarm.objects.all().visible_to(subject)
    if point:
        rows = rows.filter(target=point)
    if state == "open":
        rows = rows.filter(ended_at=None)
    elif state == "waiting":
        rows = rows.filter(_WAITS).order_by(F("ended_at").desc(nulls_first=True), "-start_epoch_s", "-pk")
    elif state == "done":
        rows = rows.exclude(_WAITS)
    return Listed(rows, _views)


def waiting_alarms(*, subject: Subject) -> tuple[int, int]:
    """How many alarms are open, and how many more have ended without anybody acknowledging them."""
    rows = Alarm.objects.all().visible_to(subject)
    return rows.filter(ended_at=None).count(), rows.filter(ended_at__isnull=False, acknowledged_at=None).count()


def alarm_of(*, subject: Subject, alarm_id: int) -> AlarmView:
    """One alarm. Raises AlarmNotFoundError."""
    found = _views(Alarm.objects.all().visible_to(subject).filter(pk=alarm_id))
    if not found:
        raise AlarmNotFoundError(detail=f"there is no alarm {alarm_id}")
    return found[0]


def acknowledge(workspace: Workspace, *, subject: Subject, alarm_id: int, note: str) -> AlarmView:
    """Say that somebody has seen an alarm, with what he found or did; once, whether it is open or over.

    Raises AlarmNotFoundError, AlarmAcknowledgedError, NoNoteError.
    """
    said = note.strip()[:NOTE_MOST]
    if len(said) < NOTE_LEAST:
        raise NoNoteError(detail="say in a few words what you found or did")
    before = alarm_of(subject=subject, alarm_id=alarm_id)
    with transaction.atomic():
        mine = Alarm.objects.filter(pk=alarm_id, acknowledged_at=None)
        if not mine.update(acknowledged_at=workspace.now(), acknowledged_by=acting(), note=said):
            raise AlarmAcknowledgedError(detail=f"the alarm was acknowledged by {before.acknowledged_by}")
        about = before.point or before.computing_set
        facts = {"alarm": alarm_id, "watch": before.watch, "about": about, "note": said}
        record_act(workspace, action="alarm.acknowledge", target=f"{before.organisation} {about}", facts=facts)
    return alarm_of(subject=subject, alarm_id=alarm_id)


def _views(rows: QuerySet[Alarm]) -> Sequence[AlarmView]:
    return tuple(alarm_view(row) for row in rows.select_related("organisation", "watch", "point"))
