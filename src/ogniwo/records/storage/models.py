"""Which points are storages since when, and what was found of the origin of their energy, month by month."""

from django.db import models
from django.db.models import Q

from ogniwo.records.metering.models import MeteringPoint
from ogniwo.records.parties.models import Organisation
from ogniwo.records.settlement.models import SettlementRun
from ogniwo.records.visibility import VisibleQuerySet


class StorageDeclarationQuerySet(VisibleQuerySet["StorageDeclaration"]):
    """Declarations about points that a subject sees."""

    organisation_lookup = "point__organisation__path"
    member_lookup = "point__member__number"


class StorageDeclaration(models.Model):
    """What a point is from the first day of a month on: a storage with these terms, or none (`storing` false).

    Of 1000 Wh charged `efficiency_permille` Wh come out; `capacity_wh` 0 means not declared. Rows are only ever added:
    of those in force on a day the one with the newest month counts, and of several for one month the last.
    """

    point = models.ForeignKey(MeteringPoint, on_delete=models.PROTECT, related_name="storage_declarations")
    valid_from = models.DateField()
    storing = models.BooleanField()
    efficiency_permille = models.PositiveSmallIntegerField()
    capacity_wh = models.BigIntegerField(default=0)
    declared_at = models.DateTimeField()
    declared_by = models.CharField(max_length=150)

    objects = StorageDeclarationQuerySet.as_manager()

    class Meta:
        ordering = ("point__code", "valid_from", "id")
        constraints = (
            models.CheckConstraint(
                condition=Q(efficiency_permille__gte=1, efficiency_permille__lte=1000), name="storage_efficiency"
            ),
            models.CheckConstraint(condition=Q(capacity_wh__gte=0), name="storage_capacity"),
        )

    def __str__(self) -> str:
        return f"{self.point} {self.valid_from}"


class StorageMonthQuerySet(VisibleQuerySet["StorageMonth"]):
    """Accounts of organisations below a path; a member is given his own part, not these rows."""

    organisation_lookup = "community__path"


class StorageMonth(models.Model):
    """One account of a community's storages in a month: canonical JSON, its digest, and what it was made from.

    `run` is the settlement and `before` the account of the month before it; `state` are the lots carried on. Never
    changed: what changes underneath makes the next version.
    """

    community = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="storage_months")
    month = models.CharField(max_length=7)
    version = models.PositiveIntegerField()
    made_at = models.DateTimeField()
    run = models.ForeignKey(SettlementRun, on_delete=models.PROTECT, related_name="storage_months")
    before = models.ForeignKey("self", null=True, blank=True, on_delete=models.PROTECT, related_name="after")
    inputs_digest = models.CharField(max_length=64)
    document = models.TextField()
    digest = models.CharField(max_length=64)
    state = models.JSONField()
    findings = models.JSONField()

    objects = StorageMonthQuerySet.as_manager()

    class Meta:
        ordering = ("community", "month", "version")
        constraints = (models.UniqueConstraint(fields=("community", "month", "version"), name="storage_month_once"),)

    def __str__(self) -> str:
        return f"{self.community} {self.month} v{self.version}"
