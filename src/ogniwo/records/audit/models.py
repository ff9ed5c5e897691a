"""The log of what users did."""

from django.db import models


class AuditEvent(models.Model):
    """One act: when, who, what, on what, and the facts of it. Rows are only ever added."""

    at = models.DateTimeField()
    subject = models.CharField(max_length=100)
    action = models.CharField(max_length=60)
    target = models.CharField(max_length=200)
    facts = models.JSONField(default=dict)

    class Meta:
        ordering = ("at", "id")

    def __str__(self) -> str:
        return f"{self.at} {self.action} {self.target}"
