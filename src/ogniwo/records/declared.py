"""What a member read on a counter, of whichever kind of meter: the fields that all such readings and photos have."""

from django.db import models

DECISIONS = ("waiting", "accepted", "refused")


class DeclaredValue(models.Model):
    """A state in 10^-3 of its unit, the band that was shown as plausible, and what the partner decided."""

    value_e3 = models.BigIntegerField()
    low_e3 = models.BigIntegerField(null=True, blank=True)
    high_e3 = models.BigIntegerField(null=True, blank=True)
    note = models.CharField(max_length=300, blank=True)
    declared_by = models.CharField(max_length=150)
    declared_at = models.DateTimeField()
    state = models.CharField(max_length=8, choices=[(one, one) for one in DECISIONS], default="waiting")
    decided_by = models.CharField(max_length=150, blank=True)
    decided_at = models.DateTimeField(null=True, blank=True)
    reason = models.CharField(max_length=300, blank=True)

    class Meta:
        abstract = True
        ordering = ("-declared_at", "-id")


class CounterPhoto(models.Model):
    """The picture of a counter alone, without metadata. Never changed."""

    kind = models.CharField(max_length=4)
    width = models.PositiveIntegerField()
    height = models.PositiveIntegerField()
    sha256 = models.CharField(max_length=64)
    data = models.BinaryField()

    class Meta:
        abstract = True
        ordering = ("reading",)
