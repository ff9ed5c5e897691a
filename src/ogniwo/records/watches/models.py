"""Conditions that are checked by themselves, how far each was checked, and the alarms they raised."""

from django.db import models
from django.db.models import F, Q

from ogniwo.records.metering.models import ComputingSet, MeteringPoint
from ogniwo.records.parties.models import Organisation
from ogniwo.records.visibility import VisibleQuerySet

KINDS = ("silent", "above", "below", "power", "missing")
STEPS = ("", "slot", "hour", "day")
ENDED = ("", "over", "corrected", "stopped")


class WatchQuerySet(VisibleQuerySet["Watch"]):
    """Watches of organisations below a path; members see none."""

    organisation_lookup = "organisation__path"


class Watch(models.Model):
    """A condition on a point's channel, on a computing set, or (neither) on that channel of all points.

    `limit` is in Wh for `above` and `below`, in slots for `missing`; `after_h` are the hours without a value for
    `silent`, and the hours after a day's end before its values are missed for `missing`. Judged from local `valid_from`
    on.
    """

    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="watches")
    name = models.CharField(max_length=100)
    kind = models.CharField(max_length=8, choices=[(kind, kind) for kind in KINDS])
    point = models.ForeignKey(MeteringPoint, null=True, blank=True, on_delete=models.PROTECT, related_name="watches")
    computing_set = models.ForeignKey(
        ComputingSet, null=True, blank=True, on_delete=models.PROTECT, related_name="watches"
    )
    channel = models.CharField(max_length=32, blank=True)
    step = models.CharField(max_length=4, blank=True, choices=[(step, step) for step in STEPS])
    limit = models.BigIntegerField(default=0)
    after_h = models.PositiveIntegerField(default=0)
    valid_from = models.DateField()
    addresses = models.JSONField(default=list)
    tell_member = models.BooleanField(default=False)
    made_by = models.CharField(max_length=150)
    made_at = models.DateTimeField()
    paused_at = models.DateTimeField(null=True, blank=True)
    removed_at = models.DateTimeField(null=True, blank=True)

    objects = WatchQuerySet.as_manager()

    class Meta:
        ordering = ("organisation", "name", "pk")
        constraints = (
            models.CheckConstraint(
                condition=Q(point__isnull=True) | Q(computing_set__isnull=True), name="watch_of_point_or_set"
            ),
            models.UniqueConstraint(
                fields=("organisation", "name"), condition=Q(removed_at=None), name="watch_name_once"
            ),
        )

    def __str__(self) -> str:
        return self.name


class WatchProgress(models.Model):
    """How far a watch was checked at one target: of each month, what it was judged from."""

    watch = models.ForeignKey(Watch, on_delete=models.CASCADE, related_name="progress")
    target = models.CharField(max_length=100)
    months = models.JSONField(default=dict)

    class Meta:
        ordering = ("watch", "target")
        constraints = (models.UniqueConstraint(fields=("watch", "target"), name="watch_progress_once"),)

    def __str__(self) -> str:
        return f"{self.watch} {self.target}"


class AlarmQuerySet(VisibleQuerySet["Alarm"]):
    """Alarms of organisations below a path; members see none."""

    organisation_lookup = "organisation__path"


class Alarm(models.Model):
    """An episode of a watch at one target: a point's code or a set's name. Once ended, what it says never changes.

    `end_epoch_s` ends the last stretch that met the condition so far. `worst`, with its `limit`, is in Wh, W, slots or
    hours, by the kind. `corrected_at` is when readings were found to hold none of it any more.
    """

    watch = models.ForeignKey(Watch, on_delete=models.PROTECT, related_name="alarms")
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="alarms")
    point = models.ForeignKey(MeteringPoint, null=True, blank=True, on_delete=models.PROTECT, related_name="alarms")
    target = models.CharField(max_length=100)
    channel = models.CharField(max_length=32, blank=True)
    start_epoch_s = models.BigIntegerField()
    end_epoch_s = models.BigIntegerField()
    worst = models.BigIntegerField()
    worst_epoch_s = models.BigIntegerField()
    limit = models.BigIntegerField()
    met = models.PositiveIntegerField()
    unknown = models.PositiveIntegerField(default=0)
    raised_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    ended_because = models.CharField(max_length=9, blank=True, choices=[(word, word) for word in ENDED])
    corrected_at = models.DateTimeField(null=True, blank=True)
    acknowledged_at = models.DateTimeField(null=True, blank=True)
    acknowledged_by = models.CharField(max_length=150, blank=True)
    note = models.CharField(max_length=500, blank=True)

    objects = AlarmQuerySet.as_manager()

    class Meta:
        ordering = ("-start_epoch_s", "-pk")
        constraints = (
            models.UniqueConstraint(fields=("watch", "target"), condition=Q(ended_at=None), name="open_alarm_once"),
            models.CheckConstraint(condition=Q(end_epoch_s__gte=F("start_epoch_s")), name="alarm_period"),
            models.CheckConstraint(
                condition=Q(ended_at=None, ended_because="") | (Q(ended_at__isnull=False) & ~Q(ended_because="")),
                name="alarm_ended_because",
            ),
        )
        indexes = (
            models.Index(fields=("organisation", "-start_epoch_s"), name="alarm_of_organisation"),
            models.Index(fields=("watch", "target", "start_epoch_s"), name="alarm_of_watch"),
        )

    def __str__(self) -> str:
        return f"{self.watch} {self.target} {self.start_epoch_s}"
