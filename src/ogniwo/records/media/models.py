"""Meters of gas, heat and water of members, their states, and the readings that members declare of them."""

from django.db import models
from django.db.models import F, Q

from ogniwo.records.declared import CounterPhoto, DeclaredValue
from ogniwo.records.parties.models import Member, Organisation
from ogniwo.records.visibility import VisibleQuerySet

MEDIA = ("gas", "heat", "cold_water", "hot_water", "heat_cost")
KINDS = ("reading", "rollover", "restart")
SOURCES = ("partner", "file", "member")


class MediaMeterQuerySet(VisibleQuerySet["MediaMeter"]):
    """Meters of organisations below a path; a member sees its own."""

    organisation_lookup = "organisation__path"
    member_lookup = "member__number"


class MediaMeter(models.Model):
    """A meter of a member: what it counts in which unit, how many places (`decimals`) and whole digits it shows.

    `digits` 0 means not known. It counts from the day `installed_on` to the day `removed_on`, both included;
    `replaces` is the meter in whose place it came.
    """

    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="media_meters")
    member = models.ForeignKey(Member, on_delete=models.PROTECT, related_name="media_meters")
    medium = models.CharField(max_length=12, choices=[(one, one) for one in MEDIA])
    serial = models.CharField(max_length=40)
    unit = models.CharField(max_length=8)
    decimals = models.PositiveSmallIntegerField()
    digits = models.PositiveSmallIntegerField(default=0)
    place = models.CharField(max_length=100, blank=True)
    installed_on = models.DateField()
    removed_on = models.DateField(null=True, blank=True)
    replaces = models.OneToOneField("self", null=True, blank=True, on_delete=models.PROTECT, related_name="replaced_by")
    registered_by = models.CharField(max_length=150)
    registered_at = models.DateTimeField()

    objects = MediaMeterQuerySet.as_manager()

    class Meta:
        ordering = ("member__number", "medium", "installed_on", "serial")
        constraints = (
            models.UniqueConstraint(fields=("organisation", "serial"), name="media_meter_once"),
            models.CheckConstraint(
                condition=Q(removed_on__isnull=True) | Q(removed_on__gte=F("installed_on")), name="media_meter_period"
            ),
        )

    def __str__(self) -> str:
        return f"{self.medium} {self.serial}"


class MediaReadingQuerySet(VisibleQuerySet["MediaReading"]):
    """Declared readings of meters that a subject sees."""

    organisation_lookup = "meter__organisation__path"
    member_lookup = "meter__member__number"


class MediaReading(DeclaredValue):
    """A state that a member read himself, with the band that was shown as plausible; the partner decides on it.

    `day` and `minute` are local, `minute` -1 when no time is known; values are in 10^-3 of the meter's unit.
    """

    meter = models.ForeignKey(MediaMeter, on_delete=models.PROTECT, related_name="readings")
    day = models.DateField()
    minute = models.SmallIntegerField(default=-1)

    objects = MediaReadingQuerySet.as_manager()

    class Meta(DeclaredValue.Meta):
        constraints = (
            models.UniqueConstraint(fields=("meter", "day", "minute", "value_e3"), name="media_declared_once"),
        )

    def __str__(self) -> str:
        return f"{self.meter} {self.day} {self.state}"


class MediaPhoto(CounterPhoto):
    """The photo of a counter that came with a reading."""

    reading = models.OneToOneField(MediaReading, on_delete=models.CASCADE, related_name="photo")

    def __str__(self) -> str:
        return f"{self.reading} {self.kind} {self.width} x {self.height}"


class MediaStateQuerySet(VisibleQuerySet["MediaStateRow"]):
    """States of meters that a subject sees."""

    organisation_lookup = "meter__organisation__path"
    member_lookup = "meter__member__number"


class MediaStateRow(models.Model):
    """What a meter showed on a local day (`minute` -1 when no time is known), in 10^-3 of its unit.

    Nothing is overwritten: a state that was wrong is ended with a reason, and what `corrects` it is another row.
    A state from a file names it, its SHA-256 and the row; one that a member read names the reading.
    """

    meter = models.ForeignKey(MediaMeter, on_delete=models.PROTECT, related_name="states")
    day = models.DateField()
    minute = models.SmallIntegerField(default=-1)
    value_e3 = models.BigIntegerField()
    kind = models.CharField(max_length=8, choices=[(one, one) for one in KINDS], default="reading")
    source = models.CharField(max_length=8, choices=[(one, one) for one in SOURCES])
    file_name = models.CharField(max_length=200, blank=True)
    file_sha256 = models.CharField(max_length=64, blank=True)
    file_row = models.PositiveIntegerField(default=0)
    reading = models.ForeignKey(MediaReading, null=True, blank=True, on_delete=models.PROTECT, related_name="states")
    corrects = models.OneToOneField(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="corrected_by"
    )
    entered_by = models.CharField(max_length=150)
    entered_at = models.DateTimeField()
    ended_by = models.CharField(max_length=150, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    ended_reason = models.CharField(max_length=300, blank=True)

    objects = MediaStateQuerySet.as_manager()

    class Meta:
        ordering = ("meter", "day", "minute", "pk")
        constraints = (
            models.UniqueConstraint(
                fields=("meter", "day", "minute"), condition=Q(ended_at=None), name="media_state_once"
            ),
            models.CheckConstraint(condition=Q(value_e3__gte=0), name="media_state_not_below_zero"),
            models.CheckConstraint(condition=Q(minute__gte=-1, minute__lt=1440), name="media_state_minute"),
        )

    def __str__(self) -> str:
        return f"{self.meter} {self.day} {self.value_e3}"
