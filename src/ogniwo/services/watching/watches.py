"""Watches: made, paused, resumed, removed, listed. What was raised stays; what is paused raises nothing."""

from contextlib import suppress
from dataclasses import replace
from typing import Any, Final

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.db.models import Count

from ogniwo.core.metering.model import EXPORT, EXPORT_NETTED, IMPORT, IMPORT_NETTED, is_channel
from ogniwo.core.metering.watching import Step, WatchKind
from ogniwo.records.metering.models import ComputingSet, MeteringPoint
from ogniwo.records.parties.models import Organisation
from ogniwo.records.visibility import Subject
from ogniwo.records.watches.models import Alarm, Watch, WatchProgress
from ogniwo.services.jobs.planning import ScheduleExistsError, plan_work
from ogniwo.services.watching.ending import end_alarm
from ogniwo.services.watching.model import (
    BadWatchError,
    NewWatch,
    WatchExistsError,
    WatchNotFoundError,
    WatchView,
    watch_view,
)
from ogniwo.services.workspace.audit import acting, record_act
from ogniwo.services.workspace.changing import changing
from ogniwo.services.workspace.model import Workspace

ADDRESSES_MAX: Final = 10
_NAME_MOST: Final = 100
_HOURS_MOST: Final = 8_760
_SLOTS_MOST: Final = 100
_WH_MOST: Final = 10**15
_PATIENCE_H: Final = 72
"""How long after a day's end its values are waited for, unless the watch says otherwise: operators send next days."""
_ACTIVE: Final = (IMPORT, EXPORT, IMPORT_NETTED, EXPORT_NETTED)
_SUMMED: Final = (WatchKind.ABOVE, WatchKind.BELOW)
SCHEDULE: Final = ("check-watches", "daily 05:30")
"""The row of the schedule that an organisation's first watch brings, and when it begins."""


def add_watch(workspace: Workspace, *, organisation: Organisation, subject: Subject, wanted: NewWatch) -> WatchView:
    """Watch a condition from a day on, and plan the daily check; the same again changes nothing.

    Raises BadWatchError, WatchExistsError, BusyError.
    """
    today = workspace.today()
    checked = _checked(wanted)
    point, computing_set = _about(checked, organisation, subject)
    said: dict[str, Any] = {
        "kind": checked.kind,
        "point": point,
        "computing_set": computing_set,
        "channel": checked.channel,
        "step": checked.step,
        "limit": checked.limit,
        "after_h": checked.after_h,
        "addresses": list(checked.addresses),
        "tell_member": checked.tell_member,
    }
    with changing(workspace, "a watch"), transaction.atomic():
        before = Watch.objects.filter(organisation=organisation, name=checked.name, removed_at=None).first()
        if before is not None:
            if any(getattr(before, name) != value for name, value in said.items()):
                raise WatchExistsError(detail=f"{organisation.code} already has a watch {checked.name!r}")
            return _view(before)
        row = Watch.objects.create(
            organisation=organisation,
            name=checked.name,
            valid_from=checked.valid_from or today,
            made_by=acting(),
            made_at=workspace.now(),
            **said,
        )
        facts = {**said, "point": checked.point, "computing_set": checked.computing_set, "from": str(row.valid_from)}
        record_act(workspace, action="watch.add", **_named(row, facts))
        name, rule = SCHEDULE
        # It may have come with an earlier watch, and may have been changed or paused since.
        with suppress(ScheduleExistsError):
            plan_work(
                workspace,
                organisation_code=organisation.code,
                subject=subject,
                kind="check_watches",
                rule=rule,
                name=name,
                by=acting(),
            )
    return _view(row)


def watches_below(*, subject: Subject) -> tuple[WatchView, ...]:
    """The watches that the subject sees, removed ones left out, by organisation and name."""
    rows = Watch.objects.all().visible_to(subject).filter(removed_at=None)
    of_watch = Alarm.objects.filter(watch__in=rows).order_by().values_list("watch")
    alarms = dict(of_watch.annotate(count=Count("pk")))
    opened = dict(of_watch.filter(ended_at=None).annotate(count=Count("pk")))
    found = rows.select_related("organisation", "point", "computing_set")
    return tuple(watch_view(row, open_alarms=opened.get(row.pk, 0), alarms=alarms.get(row.pk, 0)) for row in found)


def pause_watch(workspace: Workspace, *, subject: Subject, watch_id: int, paused: bool) -> WatchView:
    """Let a watch rest, which ends its open alarms, or judge again from today on. Nothing when it is so already.

    Raises WatchNotFoundError, BusyError.
    """
    with changing(workspace, "a watch"), transaction.atomic():
        row = _row(watch_id, subject)
        if (row.paused_at is not None) == paused:
            return _view(row)
        if paused:
            _stop_alarms(workspace, row)
            row.paused_at = workspace.now()
        else:
            row.paused_at, row.valid_from = None, workspace.today()
            WatchProgress.objects.filter(watch=row).delete()
        row.save(update_fields=["paused_at", "valid_from"])
        record_act(workspace, action="watch.pause" if paused else "watch.resume", **_named(row, {}))
    return _view(row)


def remove_watch(workspace: Workspace, *, subject: Subject, watch_id: int) -> None:
    """Watch this no more; its alarms stay in the history, open ones end. Raises WatchNotFoundError, BusyError."""
    with changing(workspace, "a watch"), transaction.atomic():
        row = _row(watch_id, subject)
        _stop_alarms(workspace, row)
        row.removed_at = workspace.now()
        row.save(update_fields=["removed_at"])
        WatchProgress.objects.filter(watch=row).delete()
        record_act(workspace, action="watch.remove", **_named(row, {}))


def _stop_alarms(workspace: Workspace, row: Watch) -> None:
    for alarm in Alarm.objects.filter(watch=row, ended_at=None):
        end_alarm(workspace, row, alarm, at=workspace.now(), because="stopped")


def _named(row: Watch, facts: dict[str, Any]) -> dict[str, Any]:
    """On what an act was done, and its facts."""
    return {"target": f"{row.organisation.code} {row.name}", "facts": {"watch": row.name, **facts}}


def _row(watch_id: int, subject: Subject) -> Watch:
    rows = Watch.objects.all().visible_to(subject).select_related("organisation", "point", "computing_set")
    row = rows.filter(pk=watch_id, removed_at=None).first()
    if row is None:
        raise WatchNotFoundError(detail=f"there is no watch {watch_id}")
    return row


def _view(row: Watch) -> WatchView:
    alarms = Alarm.objects.filter(watch=row)
    return watch_view(row, open_alarms=alarms.filter(ended_at=None).count(), alarms=alarms.count())


def _checked(wanted: NewWatch) -> NewWatch:
    """What was asked for, made even, or why it cannot be."""
    name = " ".join(wanted.name.split())
    if not name or len(name) > _NAME_MOST:
        raise BadWatchError(detail=f"a name of 1 to {_NAME_MOST} characters is needed")
    if wanted.kind not in set(WatchKind):
        raise BadWatchError(detail=f"{wanted.kind!r} is no kind of watch; there are {', '.join(WatchKind)}")
    kind = WatchKind(wanted.kind)
    if wanted.computing_set and (wanted.point or wanted.tell_member or kind in {WatchKind.SILENT, WatchKind.POWER}):
        raise BadWatchError(
            detail="a computing set is watched for its energy or missing slots, has no member to tell, and is no point"
        )
    if kind in _SUMMED and wanted.step not in set(Step):
        raise BadWatchError(detail=f"{kind} needs what is compared: slot, hour or day")
    least = -_WH_MOST if wanted.computing_set else 0
    most = _WH_MOST if kind in _SUMMED else _SLOTS_MOST
    if kind in {*_SUMMED, WatchKind.MISSING} and not least <= wanted.limit <= most:
        raise BadWatchError(detail=f"the limit is a whole number from {least} to {most}")
    return replace(
        wanted,
        name=name,
        channel=_channel(wanted, kind),
        step=wanted.step if kind in _SUMMED else "",
        limit=wanted.limit if kind in {*_SUMMED, WatchKind.MISSING} else 0,
        after_h=_hours(wanted, kind),
        addresses=_addresses(wanted.addresses),
    )


def _hours(wanted: NewWatch, kind: WatchKind) -> int:
    if kind is WatchKind.MISSING:
        hours = _PATIENCE_H if wanted.after_h is None else wanted.after_h
    elif kind is WatchKind.SILENT:
        hours = wanted.after_h or 0
    else:
        return 0
    if not (1 if kind is WatchKind.SILENT else 0) <= hours <= _HOURS_MOST:
        raise BadWatchError(detail=f"say after how many hours, at most {_HOURS_MOST}")
    return hours


def _channel(wanted: NewWatch, kind: WatchKind) -> str:
    """The channel; that of taken energy when none is named, and all of a point for its silence."""
    if wanted.computing_set:
        return ""
    channel = wanted.channel or ("" if kind is WatchKind.SILENT else IMPORT)
    if channel and not is_channel(channel):
        raise BadWatchError(detail=f"{channel[:40]!r} is no channel")
    if kind is WatchKind.POWER and channel not in _ACTIVE:
        raise BadWatchError(detail=f"power is watched on a channel of active energy: {', '.join(_ACTIVE)}")
    return channel


def _addresses(typed: tuple[str, ...]) -> tuple[str, ...]:
    found = tuple(dict.fromkeys(one.strip() for one in typed if one.strip()))
    if len(found) > ADDRESSES_MAX:
        raise BadWatchError(detail=f"at most {ADDRESSES_MAX} addresses")
    for one in found:
        try:
            validate_email(one)
        except ValidationError as error:
            raise BadWatchError(detail=f"{one[:80]!r} is no e-mail address") from error
    return found


def _about(
    wanted: NewWatch, organisation: Organisation, subject: Subject
) -> tuple[MeteringPoint | None, ComputingSet | None]:
    """The point or set; both None for all points."""
    point = computing_set = None
    if wanted.point:
        points = MeteringPoint.objects.all().visible_to(subject)
        point = points.filter(organisation=organisation, code=wanted.point).first()
        if point is None:
            raise BadWatchError(detail=f"{organisation.code} has no point {wanted.point[:40]}")
    if wanted.computing_set:
        computing_set = ComputingSet.objects.filter(organisation=organisation, name=wanted.computing_set).first()
        if computing_set is None:
            raise BadWatchError(detail=f"{organisation.code} has no computing set {wanted.computing_set[:100]!r}")
    return point, computing_set
