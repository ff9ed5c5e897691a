"""Metering points in groups, their meters with ratios, what was read from which file, and computing sets."""

from django.db import models
from django.db.models import F, Q

from ogniwo.records.parties.models import Member, Organisation
from ogniwo.records.visibility import VisibleQuerySet


class PointGroup(models.Model):
    """A node of the tree in which an organisation orders its points."""

    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="groups")
    parent = models.ForeignKey("self", null=True, blank=True, on_delete=models.PROTECT, related_name="children")
    name = models.CharField(max_length=100)

    class Meta:
        ordering = ("name",)
        constraints = (models.UniqueConstraint(fields=("organisation", "parent", "name"), name="group_name_once"),)

    def __str__(self) -> str:
        return self.name


class PointQuerySet(VisibleQuerySet["MeteringPoint"]):
    """Points of organisations below a path; a member sees its own."""

    organisation_lookup = "organisation__path"
    member_lookup = "member__number"


class MeteringPoint(models.Model):
    """A metering point (PPE): where energy is taken or fed in. Coordinates are in 10^-6 degrees, peak power in W."""

    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="points")
    member = models.ForeignKey(Member, on_delete=models.PROTECT, related_name="points")
    group = models.ForeignKey(PointGroup, null=True, blank=True, on_delete=models.PROTECT, related_name="points")
    code = models.CharField(max_length=32, unique=True)
    role = models.CharField(max_length=20, choices=[(k, k) for k in ("consumer", "prosumer", "producer")])
    source = models.CharField(max_length=20, blank=True)
    street = models.CharField(max_length=200, blank=True)
    town = models.CharField(max_length=100, blank=True)
    latitude_e6 = models.IntegerField(null=True, blank=True)
    longitude_e6 = models.IntegerField(null=True, blank=True)
    peak_power_w = models.BigIntegerField(default=0)
    rule_parameters = models.JSONField(default=dict, blank=True)

    objects = PointQuerySet.as_manager()

    class Meta:
        ordering = ("code",)

    def __str__(self) -> str:
        return self.code


class Meter(models.Model):
    """A metering device; `clock` tells how its tariff clock runs, `digits` how many integer digits it counts."""

    serial = models.CharField(max_length=40, unique=True)
    maker = models.CharField(max_length=100, blank=True)
    clock = models.CharField(max_length=10, default="local")
    digits = models.PositiveSmallIntegerField(default=0)
    key_id = models.CharField(max_length=64, blank=True)

    class Meta:
        ordering = ("serial",)

    def __str__(self) -> str:
        return self.serial


class MeterInstallation(models.Model):
    """A meter at a point for a time; at any moment a point has at most one (checked by the service that writes)."""

    meter = models.ForeignKey(Meter, on_delete=models.PROTECT, related_name="installations")
    point = models.ForeignKey(MeteringPoint, on_delete=models.PROTECT, related_name="installations")
    valid_from = models.DateTimeField()
    valid_to = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("valid_from",)
        constraints = (
            models.CheckConstraint(
                condition=Q(valid_to__isnull=True) | Q(valid_to__gt=F("valid_from")), name="installation_period"
            ),
            models.UniqueConstraint(fields=("point", "valid_from"), name="installation_once"),
        )

    def __str__(self) -> str:
        return f"{self.meter} @ {self.point}"


class MeterRatio(models.Model):
    """Transformer ratios of a meter from an instant on."""

    meter = models.ForeignKey(Meter, on_delete=models.PROTECT, related_name="ratios")
    valid_from = models.DateTimeField()
    current_primary = models.PositiveIntegerField(default=1)
    current_secondary = models.PositiveIntegerField(default=1)
    voltage_primary = models.PositiveIntegerField(default=1)
    voltage_secondary = models.PositiveIntegerField(default=1)

    class Meta:
        ordering = ("valid_from",)
        constraints = (models.UniqueConstraint(fields=("meter", "valid_from"), name="ratio_once"),)

    def __str__(self) -> str:
        return f"{self.meter} {self.current_primary}/{self.current_secondary}"


class SourceFileQuerySet(VisibleQuerySet["SourceFile"]):
    """Files received by organisations below a path; members see none."""

    organisation_lookup = "organisation__path"


class SourceFile(models.Model):
    """A file as received, kept byte for byte under its hash; `commit` names what it put into the interval store."""

    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="source_files")
    sha256 = models.CharField(max_length=64, unique=True)
    name = models.CharField(max_length=200)
    layout = models.CharField(max_length=60)
    size_bytes = models.BigIntegerField()
    received_at = models.DateTimeField()
    intervals = models.BigIntegerField(default=0)
    commit = models.CharField(max_length=80, blank=True)
    facts = models.JSONField(default=dict)
    findings = models.JSONField(default=list)

    objects = SourceFileQuerySet.as_manager()

    class Meta:
        ordering = ("received_at", "name")

    def __str__(self) -> str:
        return self.name


class RegisterState(models.Model):
    """A register reading as delivered; value in 10^-3 of its unit, multiplier not applied."""

    point = models.ForeignKey(MeteringPoint, on_delete=models.PROTECT, related_name="register_states")
    meter_serial = models.CharField(max_length=40)
    obis = models.CharField(max_length=24)
    epoch_s = models.BigIntegerField()
    value_e3 = models.BigIntegerField()
    unit = models.CharField(max_length=8)
    origin = models.CharField(max_length=20)
    multiplier = models.PositiveIntegerField(default=1)
    digits = models.PositiveSmallIntegerField(default=0)
    source = models.ForeignKey(SourceFile, null=True, on_delete=models.PROTECT, related_name="register_states")
    row = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ("point", "obis", "epoch_s", "id")
        constraints = (
            models.UniqueConstraint(
                fields=("point", "meter_serial", "obis", "epoch_s", "origin", "multiplier"), name="register_state_once"
            ),
        )

    def __str__(self) -> str:
        return f"{self.point} {self.obis} {self.epoch_s}"


class MaximumPowerState(models.Model):
    """One of the ten largest hourly powers of a month as delivered."""

    point = models.ForeignKey(MeteringPoint, on_delete=models.PROTECT, related_name="maximum_powers")
    month = models.CharField(max_length=7)
    rank = models.PositiveSmallIntegerField()
    power_w = models.BigIntegerField()
    epoch_s = models.BigIntegerField()
    source = models.ForeignKey(SourceFile, null=True, on_delete=models.PROTECT, related_name="maximum_powers")

    class Meta:
        ordering = ("point", "month", "rank")
        constraints = (models.UniqueConstraint(fields=("point", "month", "rank"), name="maximum_power_once"),)

    def __str__(self) -> str:
        return f"{self.point} {self.month} {self.rank}"


class ComputingSet(models.Model):
    """A named sum of points and other sets, each with a sign: an area balance or a virtual summator."""

    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="sets")
    name = models.CharField(max_length=100)

    class Meta:
        ordering = ("name",)
        constraints = (models.UniqueConstraint(fields=("organisation", "name"), name="set_name_once"),)

    def __str__(self) -> str:
        return self.name


class ComputingSetPart(models.Model):
    """One term of a set: a point's channel or another set, with sign +1 or -1."""

    owner = models.ForeignKey(ComputingSet, on_delete=models.CASCADE, related_name="parts")
    sign = models.SmallIntegerField()
    point = models.ForeignKey(MeteringPoint, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    channel = models.CharField(max_length=32, blank=True)
    part = models.ForeignKey(ComputingSet, null=True, blank=True, on_delete=models.PROTECT, related_name="used_in")

    class Meta:
        constraints = (
            models.CheckConstraint(condition=Q(sign__in=(-1, 1)), name="set_part_sign"),
            models.CheckConstraint(
                condition=Q(point__isnull=False, part__isnull=True) | Q(point__isnull=True, part__isnull=False),
                name="set_part_is_point_or_set",
            ),
        )

    def __str__(self) -> str:
        return f"{self.sign:+d} {self.point or self.part}"
