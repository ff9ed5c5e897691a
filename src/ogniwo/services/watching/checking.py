"""Check watches: judge what is new, raise, follow and end alarms, tell of the new ones."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from django.db import transaction

from ogniwo.core.kernel.calendar import HOUR_S, QUARTER_S, Month, grid_of_month, local_day, local_midnight
from ogniwo.core.kernel.findings import Finding, Severity
from ogniwo.core.kernel.ids import sha256_hex
from ogniwo.core.kernel.periods import epoch_of
from ogniwo.core.kernel.refusals import Refusal
from ogniwo.core.metering.model import IntervalSeries
from ogniwo.core.metering.watching import (
    Episode,
    Judged,
    Step,
    WatchKind,
    any_met,
    episodes,
    judge_energy,
    judge_missing,
    judge_power,
    missing_by_day,
    silence,
)
from ogniwo.records.visibility import Subject
from ogniwo.records.watches.models import Alarm, Watch, WatchProgress
from ogniwo.services.watching.ending import end_alarm, named
from ogniwo.services.watching.freshness import newest_values
from ogniwo.services.watching.targets import ContractedPower, Readings, Target, targets_of
from ogniwo.services.watching.telling import tell_of_alarms
from ogniwo.services.workspace.audit import record_act
from ogniwo.services.workspace.changing import changing
from ogniwo.services.workspace.model import Workspace

TARGETS_AT_ONCE: Final = 32
"""How many targets' months are judged together: 120 kB for a month of quarter-hours."""


@dataclass(slots=True, kw_only=True)
class Checked:
    """What a check came to; `months` counts the months of single targets that were read.

    `refused` are watches that could not be checked: the others were.
    """

    watches: int = 0
    targets: int = 0
    months: int = 0
    raised: int = 0
    ended: int = 0
    corrected: int = 0
    refused: list[Finding] = field(default_factory=list)


def check_watches(
    workspace: Workspace, *, subject: Subject, tell: Callable[[int, int], None] = lambda _done, _total: None
) -> Checked:
    """Check every watch that the subject sees and nobody paused; `tell` is given how far it is.

    Each watch is a transaction of its own. The same again changes nothing. Raises BusyError.
    """
    rows = Watch.objects.all().visible_to(subject).filter(removed_at=None, paused_at=None)
    found = Checked()
    with changing(workspace, "the check of watches"):
        watches = list(rows.select_related("organisation", "point__member__organisation", "computing_set"))
        for done, watch in enumerate(watches):
            tell(done, len(watches))
            counted = Checked(watches=1)
            try:
                with transaction.atomic():
                    _Check(workspace, watch, counted).run()
            except Refusal as refusal:
                said = f"{watch.name}: {refusal.detail}"
                counted = Checked(watches=1)
                counted.refused.append(Finding(code=refusal.code, severity=Severity.ERROR, message=said))
            for name in ("watches", "targets", "months", "raised", "ended", "corrected"):
                setattr(found, name, getattr(found, name) + getattr(counted, name))
            found.refused += counted.refused
    return found


class _Check:
    """The check of one watch."""

    def __init__(self, workspace: Workspace, watch: Watch, counted: Checked) -> None:
        self._workspace, self._watch, self._counted = workspace, watch, counted
        self._kind = WatchKind(watch.kind)
        self._now = workspace.now()
        self._now_s = int(self._now.timestamp())
        self._first_s = epoch_of(local_midnight(watch.valid_from))
        # A day's values are missed only when there was time to send them; energy is judged up to now.
        waits_s = watch.after_h * HOUR_S if self._kind is WatchKind.MISSING else 0
        self._until_s = self._now_s - waits_s
        self._new: list[Alarm] = []

    def run(self) -> None:
        """Judge every target, keep what was raised and ended, tell of it."""
        targets = targets_of(self._watch)
        self._counted.targets = len(targets)
        if self._kind is WatchKind.SILENT:
            self._silences(targets)
        else:
            self._values(targets)
        tell_of_alarms(self._workspace, self._watch, self._new)

    def _silences(self, targets: Sequence[Target]) -> None:
        newest = newest_values(self._workspace, points={target.name for target in targets}, channel=self._watch.channel)
        for target in targets:
            alarms = self._alarms(target)
            now = next((one for one in alarms if one.ended_at is None), None)
            before = [one.end_epoch_s for one in alarms if one.ended_at is not None]
            found = silence(
                newest_epoch_s=newest.get(target.name, self._first_s),
                patience_s=self._watch.after_h * HOUR_S,
                now_epoch_s=self._now_s,
                not_before_epoch_s=max([self._first_s, *before]),
            )
            if now is not None and found is not None:
                self._follow(now, found, start_epoch_s=now.start_epoch_s)
            elif now is not None:
                now.end_epoch_s = max(self._now_s, now.start_epoch_s)
                self._end(now, "over")
            elif found is not None:
                self._raise(target, found)

    def _values(self, targets: Sequence[Target]) -> None:
        readings, power = Readings(self._workspace, self._watch), None
        if self._kind is WatchKind.POWER:
            power = ContractedPower(targets)
        progress = {one.target: one for one in WatchProgress.objects.filter(watch=self._watch)}
        waiting: list[tuple[Target, Month, WatchProgress]] = []
        for target in targets:
            stamps = self._stamps(target, readings, power)
            kept = progress.get(target.name) or WatchProgress(watch=self._watch, target=target.name)
            changed = [month for month, stamp in stamps.items() if kept.months.get(str(month)) != stamp]
            if not changed:
                continue
            begins = [min(changed)]
            begins += [_month(one.start_epoch_s) for one in self._alarms(target) if one.ended_at is None]
            kept.months = {str(month): stamp for month, stamp in stamps.items()}
            waiting.append((target, min(begins), kept))
        for first in range(0, len(waiting), TARGETS_AT_ONCE):
            self._judge(waiting[first : first + TARGETS_AT_ONCE], readings, power)

    def _stamps(self, target: Target, readings: Readings, power: ContractedPower | None) -> dict[Month, str]:
        """What each month that may be judged is judged from; months that say nothing are left out."""
        stamps = {}
        for month in self._months():
            version = readings.version(target, month)
            if not version and self._kind is not WatchKind.MISSING:
                continue
            until = min(self._until_s, epoch_of(month.period().end))
            limits = sha256_hex(repr(power.of_month(target, month)).encode())[:16] if power else ""
            stamps[month] = f"{version} {until} {limits}".strip()
        return stamps

    def _months(self) -> list[Month]:
        """The months from the watch's first day to the end of what may be judged."""
        month, last, found = _month(self._first_s), _month(self._until_s), []
        while month <= last:
            found.append(month)
            month = month.shifted(1)
        stored = set(self._workspace.series.months())
        return [one for one in found if one in stored or self._kind is WatchKind.MISSING]

    def _judge(
        self,
        waiting: Sequence[tuple[Target, Month, WatchProgress]],
        readings: Readings,
        power: ContractedPower | None,
    ) -> None:
        parts: dict[str, list[Judged]] = {target.name: [] for target, _, _ in waiting}
        usual: dict[str, int] = {}
        for month in self._months():
            wanted = [target for target, first, _ in waiting if first <= month]
            read = readings.read(wanted, month)
            self._counted.months += len(read)
            for target in wanted:
                series = read.get(target.name)
                if series is not None:
                    usual[target.name] = series.grid.slot_s
                limits = power.of_month(target, month) if power else ()
                part = self._judged(series, month, limits, usual.get(target.name, QUARTER_S))
                if part is not None:
                    parts[target.name].append(part.between(self._first_s, self._until_s))
        for target, first, progress in waiting:
            begin = max(self._first_s, epoch_of(first.period().start))
            self._settle(target, parts[target.name], begin)
            progress.save()

    def _judged(
        self, series: IntervalSeries | None, month: Month, limits_w: Sequence[int], slot_s: int
    ) -> Judged | None:
        if self._kind is WatchKind.MISSING:
            grid = series.grid if series is not None else grid_of_month(month, slot_s=slot_s)
            gone = missing_by_day(series) if series is not None else np.diff(grid.day_offsets).astype(np.int64)
            return judge_missing(grid, gone, most=self._watch.limit)
        if series is None:
            return None
        if self._kind is WatchKind.POWER:
            return judge_power(series, limits_w=limits_w)
        above = self._kind is WatchKind.ABOVE
        return judge_energy(series, step=Step(self._watch.step), limit_wh=self._watch.limit, above=above)

    def _settle(self, target: Target, parts: Sequence[Judged], begin_s: int) -> None:
        """Let the alarms of a target say what the readings from `begin_s` on say now."""
        alarms = self._alarms(target)
        now = next((one for one in alarms if one.ended_at is None), None)
        ended = [one for one in alarms if one.ended_at is not None and one.corrected_at is None]
        for one in ended:
            if one.start_epoch_s >= begin_s and not any_met(parts, one.start_epoch_s, one.end_epoch_s):
                self._correct(one)
        done = [(one.start_epoch_s, one.end_epoch_s) for one in ended if one.corrected_at is None]
        found = episodes(parts, lowest=self._kind is WatchKind.BELOW, done=done)
        if now is not None:
            mine = next((one for one in found if _meet(one, now)), None)
            if mine is None:
                self._correct(now)
            else:
                found.remove(mine)
                self._follow(now, mine, start_epoch_s=mine.start_epoch_s)
                if not mine.open:
                    self._end(now, "over")
        for episode in found:
            self._raise(target, episode)

    def _alarms(self, target: Target) -> list[Alarm]:
        rows = Alarm.objects.filter(watch=self._watch, target=target.name)
        return list(rows.select_related("point__member__organisation").order_by("start_epoch_s", "pk"))

    def _follow(self, alarm: Alarm, found: Episode, *, start_epoch_s: int) -> None:
        """An open alarm says what the readings say now."""
        alarm.start_epoch_s, alarm.end_epoch_s = start_epoch_s, found.end_epoch_s
        alarm.worst, alarm.worst_epoch_s, alarm.limit = found.worst, found.worst_epoch_s, found.limit
        alarm.met, alarm.unknown = found.met, found.unknown
        alarm.save(update_fields=["start_epoch_s", "end_epoch_s", "worst", "worst_epoch_s", "limit", "met", "unknown"])

    def _raise(self, target: Target, found: Episode) -> None:
        alarm = Alarm.objects.create(
            watch=self._watch,
            organisation=self._watch.organisation,
            point=target.point,
            target=target.name,
            channel=target.channel,
            start_epoch_s=found.start_epoch_s,
            end_epoch_s=found.end_epoch_s,
            worst=found.worst,
            worst_epoch_s=found.worst_epoch_s,
            limit=found.limit,
            met=found.met,
            unknown=found.unknown,
            raised_at=self._now,
        )
        self._new.append(alarm)
        self._counted.raised += 1
        said = named(self._watch, alarm, worst=alarm.worst, limit=alarm.limit)
        record_act(self._workspace, action="alarm.raise", **said)
        if not found.open:
            self._end(alarm, "over")

    def _end(self, alarm: Alarm, because: str) -> None:
        end_alarm(self._workspace, self._watch, alarm, at=self._now, because=because)
        self._counted.ended += 1

    def _correct(self, alarm: Alarm) -> None:
        """Readings hold nothing of it any more: an open alarm ends, one that has ended is only marked."""
        alarm.corrected_at = self._now
        self._counted.corrected += 1
        if alarm.ended_at is None:
            self._end(alarm, "corrected")
            return
        alarm.save(update_fields=["corrected_at"])
        record_act(self._workspace, action="alarm.correct", **named(self._watch, alarm))


def _month(epoch_s: int) -> Month:
    day = local_day(epoch_s)
    return Month(day.year, day.month)


def _meet(found: Episode, alarm: Alarm) -> bool:
    return found.start_epoch_s < alarm.end_epoch_s and found.end_epoch_s > alarm.start_epoch_s
