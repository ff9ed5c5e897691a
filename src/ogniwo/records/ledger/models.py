"""Beside the log: what its commitments stand for, who read it, what was decided about payment tokens."""

from django.db import models

from ogniwo.records.parties.models import Organisation
from ogniwo.records.visibility import VisibleQuerySet

ASSESSED_AS = ("explained", "measures", "reported")
"""What may follow from a finding on payment tokens: nothing, measures towards the holder, word to an authority."""


class Commitment(models.Model):
    """A salted commitment on the ledger: natural id, salt, payload and the transaction that carries it."""

    kind = models.CharField(max_length=20)
    natural_id = models.CharField(max_length=120)
    salt = models.CharField(max_length=64)
    payload = models.TextField()
    commitment = models.CharField(max_length=64)
    transaction_id = models.CharField(max_length=64)

    class Meta:
        ordering = ("kind", "natural_id")
        constraints = (models.UniqueConstraint(fields=("kind", "natural_id"), name="commitment_once"),)

    def __str__(self) -> str:
        return f"{self.kind} {self.natural_id}"


class LedgerRead(models.Model):
    """A read of somebody else's payloads, or an attempt without the right: who, what, when and why. Only ever added."""

    at = models.DateTimeField()
    account = models.CharField(max_length=200)
    path = models.CharField(max_length=2000)
    scope = models.CharField(max_length=12)
    reason = models.CharField(max_length=64, blank=True)

    class Meta:
        ordering = ("at", "id")

    def __str__(self) -> str:
        return f"{self.at} {self.account} {self.path}"


class TokenAssessmentQuerySet(VisibleQuerySet["TokenAssessment"]):
    """Assessments of organisations below a path; members see none."""

    organisation_lookup = "organisation__path"


class TokenAssessment(models.Model):
    """What somebody decided about a finding on payment tokens: the findings it covers, why, under which number.

    `findings` holds the keys of the findings as they were then, so that it covers nothing that grew since. Only ever
    added; a later one beside it changes nothing of the earlier.
    """

    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="token_assessments")
    about = models.CharField(max_length=64)
    findings = models.JSONField()
    decision = models.CharField(max_length=9, choices=[(one, one) for one in ASSESSED_AS])
    note = models.TextField()
    reference = models.TextField(blank=True)
    decided_by = models.TextField()
    decided_at = models.DateTimeField()

    objects = TokenAssessmentQuerySet.as_manager()

    class Meta:
        ordering = ("decided_at", "id")

    def __str__(self) -> str:
        return f"{self.organisation_id} {self.about}: {self.decision}"
