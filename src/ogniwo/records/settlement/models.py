"""How a community settles, and the runs and statements that came of it. A final run is never changed."""

from django.db import models

from ogniwo.records.metering.models import MeteringPoint
from ogniwo.records.parties.models import Organisation
from ogniwo.records.visibility import VisibleQuerySet


class CommunityRules(models.Model):
    """The parameters of a cooperative's settlement from a day on. Prices are in 10^-8 zl per MWh.

    `corrections` says whether what a member used stays with him when corrected readings leave less to share.
    """

    community = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="rules")
    valid_from = models.DateField()
    method = models.CharField(max_length=20)
    injection_numerator = models.PositiveSmallIntegerField(default=6)
    injection_denominator = models.PositiveSmallIntegerField(default=10)
    pool_months = models.PositiveSmallIntegerField(default=12)
    internal_price_e8 = models.BigIntegerField()
    community_fee_e8 = models.BigIntegerField(default=0)
    corrections = models.CharField(max_length=12, default="reallocate")

    class Meta:
        ordering = ("valid_from",)
        constraints = (models.UniqueConstraint(fields=("community", "valid_from"), name="rules_once"),)

    def __str__(self) -> str:
        return f"{self.community} {self.method} {self.valid_from}"


class RunQuerySet(VisibleQuerySet["SettlementRun"]):
    """Runs of organisations below a path; members see their statements, not runs."""

    organisation_lookup = "community__path"


class SettlementRun(models.Model):
    """One calculation of a community's month. `inputs` names everything it depends on; `pool` is the state after it."""

    community = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="runs")
    month = models.CharField(max_length=7)
    version = models.PositiveIntegerField()
    made_at = models.DateTimeField()
    inputs_digest = models.CharField(max_length=64)
    inputs = models.JSONField()
    totals = models.JSONField()
    pool = models.JSONField()

    objects = RunQuerySet.as_manager()

    class Meta:
        ordering = ("community", "month", "version")
        constraints = (models.UniqueConstraint(fields=("community", "month", "version"), name="run_version_once"),)

    def __str__(self) -> str:
        return f"{self.community} {self.month} v{self.version}"

    @property
    def allocation_name(self) -> str:
        """What its allocation is called among the commitments on the ledger."""
        return f"{self.community.code}/{self.month}/v{self.version}"


class StatementQuerySet(VisibleQuerySet["StatementRecord"]):
    """Statements of points that a subject sees."""

    organisation_lookup = "run__community__path"
    member_lookup = "point__member__number"


class StatementRecord(models.Model):
    """A statement as calculated: canonical JSON text, its digest, and the hourly flows it stands on (packed)."""

    run = models.ForeignKey(SettlementRun, on_delete=models.PROTECT, related_name="statements")
    point = models.ForeignKey(MeteringPoint, on_delete=models.PROTECT, related_name="statements")
    digest = models.CharField(max_length=64)
    document = models.TextField()
    flows = models.BinaryField()
    net_grosz = models.BigIntegerField()
    credit_grosz = models.BigIntegerField()

    objects = StatementQuerySet.as_manager()

    class Meta:
        ordering = ("run", "point")
        constraints = (models.UniqueConstraint(fields=("run", "point"), name="statement_once"),)

    def __str__(self) -> str:
        return f"{self.run} {self.point}"


class CloseApproval(models.Model):
    """A run of a month that a second person looked at and approved: bills may be issued from it. Never changed.

    `inputs_digest` is the run's, so that the approval names what was seen; `prepared_by` closed the month.
    """

    run = models.OneToOneField(SettlementRun, on_delete=models.PROTECT, related_name="approval")
    inputs_digest = models.CharField(max_length=64)
    prepared_by = models.CharField(max_length=150)
    approved_by = models.CharField(max_length=150)
    approved_at = models.DateTimeField()

    class Meta:
        ordering = ("approved_at", "id")
        constraints = (
            models.CheckConstraint(
                condition=~models.Q(approved_by=models.F("prepared_by")), name="approved_by_a_second_person"
            ),
        )

    def __str__(self) -> str:
        return f"{self.run} {self.approved_by}"
