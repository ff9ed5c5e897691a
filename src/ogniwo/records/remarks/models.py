"""What people note beside the register: findings they set aside, attributes of their own choosing."""

from functools import reduce
from operator import or_
from typing import Final

from django.db import models
from django.db.models import F, Q

from ogniwo.records.metering.models import ComputingSet, Meter, MeteringPoint
from ogniwo.records.parties.models import Member, Organisation
from ogniwo.records.visibility import VisibleQuerySet


class SetAsideQuerySet(VisibleQuerySet["SetAside"]):
    """Findings set aside in organisations below a path; members see none."""

    organisation_lookup = "organisation__path"


class SetAside(models.Model):
    """A finding of a month that somebody looked at and set aside for a reason; ended when it is taken back.

    `digest` stands for the finding with all that it says: rule, point, channel, time and message.
    """

    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="set_aside")
    month = models.CharField(max_length=7)
    digest = models.CharField(max_length=64)
    code = models.CharField(max_length=60)
    severity = models.CharField(max_length=8)
    message = models.TextField()
    point = models.CharField(max_length=32, blank=True)
    channel = models.CharField(max_length=24, blank=True)
    start_epoch_s = models.BigIntegerField(null=True, blank=True)
    end_epoch_s = models.BigIntegerField(null=True, blank=True)
    reason = models.CharField(max_length=500)
    set_by = models.CharField(max_length=150)
    set_at = models.DateTimeField()
    ended_by = models.CharField(max_length=150, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    objects = SetAsideQuerySet.as_manager()

    class Meta:
        ordering = ("point", "code", "start_epoch_s", "pk")
        constraints = (
            models.UniqueConstraint(
                fields=("organisation", "month", "digest"), condition=Q(ended_at=None), name="set_aside_once"
            ),
        )

    def __str__(self) -> str:
        return f"{self.month} {self.code} {self.point}"


_THINGS: Final = ("point", "meter", "member", "computing_set")


class AttributeQuerySet(VisibleQuerySet["Attribute"]):
    """Attributes in organisations below a path; members see none, for they may be notes about them."""

    organisation_lookup = "organisation__path"


class Attribute(models.Model):
    """A value under a free name on exactly one point, meter, member or computing set; local days, half-open.

    A period of no day never held: that is how a mistake is taken back.
    """

    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="attributes")
    point = models.ForeignKey(MeteringPoint, null=True, blank=True, on_delete=models.PROTECT, related_name="attributes")
    meter = models.ForeignKey(Meter, null=True, blank=True, on_delete=models.PROTECT, related_name="attributes")
    member = models.ForeignKey(Member, null=True, blank=True, on_delete=models.PROTECT, related_name="attributes")
    computing_set = models.ForeignKey(
        ComputingSet, null=True, blank=True, on_delete=models.PROTECT, related_name="attributes"
    )
    name = models.CharField(max_length=60)
    value = models.CharField(max_length=200)
    valid_from = models.DateField()
    valid_to = models.DateField(null=True, blank=True)
    set_by = models.CharField(max_length=150)
    set_at = models.DateTimeField()

    objects = AttributeQuerySet.as_manager()

    class Meta:
        ordering = ("name", "valid_from", "pk")
        constraints = (
            models.CheckConstraint(
                condition=reduce(or_, (Q(**{f"{one}__isnull": one != thing for one in _THINGS}) for thing in _THINGS)),
                name="attribute_of_one_thing",
            ),
            models.CheckConstraint(
                condition=Q(valid_to__isnull=True) | Q(valid_to__gte=F("valid_from")), name="attribute_period"
            ),
            *(
                models.UniqueConstraint(
                    fields=("organisation", thing, "name"),
                    condition=Q(valid_to=None) & Q(**{f"{thing}__isnull": False}),
                    name=f"open_attribute_of_{thing}",
                )
                for thing in _THINGS
            ),
        )

    def __str__(self) -> str:
        return f"{self.name}: {self.value}"
