"""Supply contracts and community memberships, each with its validity in local days."""

from django.db import models
from django.db.models import F, Q

from ogniwo.records.metering.models import MeteringPoint
from ogniwo.records.parties.models import Organisation
from ogniwo.records.visibility import VisibleQuerySet


class ContractQuerySet(VisibleQuerySet["SupplyContractRecord"]):
    """Contracts of points that a subject sees."""

    organisation_lookup = "point__organisation__path"
    member_lookup = "point__member__number"


class SupplyContractRecord(models.Model):
    """What a distribution and trade contract says of a point, from a day up to but not including another.

    `terms` are all terms (core.tariffs.model.PointTerms); operator and group stand beside them to be searched by.
    """

    point = models.ForeignKey(MeteringPoint, on_delete=models.PROTECT, related_name="contracts")
    valid_from = models.DateField()
    valid_to = models.DateField(null=True, blank=True)
    operator = models.CharField(max_length=20)
    group = models.CharField(max_length=20)
    terms = models.JSONField()

    objects = ContractQuerySet.as_manager()

    class Meta:
        ordering = ("point", "valid_from")
        constraints = (
            models.CheckConstraint(
                condition=Q(valid_to__isnull=True) | Q(valid_to__gt=F("valid_from")), name="contract_period"
            ),
            models.UniqueConstraint(fields=("point", "valid_from"), name="contract_once"),
        )

    def __str__(self) -> str:
        return f"{self.point} {self.group} {self.valid_from}"


class Membership(models.Model):
    """A point's part in a community: its sharing key (integer weight), rank and participation in per cent."""

    community = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="memberships")
    point = models.ForeignKey(MeteringPoint, on_delete=models.PROTECT, related_name="memberships")
    valid_from = models.DateField()
    valid_to = models.DateField(null=True, blank=True)
    share_key = models.PositiveIntegerField(default=1)
    merit_rank = models.PositiveIntegerField(default=0)
    participation_percent = models.PositiveSmallIntegerField(default=100)

    class Meta:
        ordering = ("point", "valid_from")
        constraints = (
            models.CheckConstraint(
                condition=Q(participation_percent__gte=1, participation_percent__lte=100), name="membership_percent"
            ),
            models.CheckConstraint(
                condition=Q(valid_to__isnull=True) | Q(valid_to__gt=F("valid_from")), name="membership_period"
            ),
            models.UniqueConstraint(fields=("community", "point", "valid_from"), name="membership_once"),
        )

    def __str__(self) -> str:
        return f"{self.point} in {self.community}"
