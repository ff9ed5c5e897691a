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
