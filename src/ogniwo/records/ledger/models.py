"""What the ledger's commitments stand for: payload and salt, kept off the log so that they can be erased."""

from django.db import models


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
