"""Requests repeated with the answers given, webhooks with what was sent, and the installations that data come from."""

import uuid

from django.db import models

from ogniwo.records.parties.models import Organisation
from ogniwo.records.visibility import VisibleQuerySet


class IdempotentCall(models.Model):
    """A request with an Idempotency-Key: who sent it, what it was (SHA-256), and its answer once there is one.

    A row without `answered_at` is still running, or its process died; rows are cleared away after a day.
    """

    owner = models.CharField(max_length=60)
    key = models.CharField(max_length=200)
    fingerprint = models.CharField(max_length=64)
    begun_at = models.DateTimeField()
    answered_at = models.DateTimeField(null=True, blank=True)
    status = models.PositiveSmallIntegerField(default=0)
    headers = models.JSONField(default=dict)
    body = models.BinaryField(default=b"")

    class Meta:
        constraints = (models.UniqueConstraint(fields=("owner", "key"), name="one_call_of_a_key"),)
        indexes = (models.Index(fields=("begun_at",), name="calls_by_age"),)

    def __str__(self) -> str:
        return f"{self.owner} {self.key}"


class WebhookQuerySet(VisibleQuerySet["Webhook"]):
    """Webhooks of the organisations below a path; members see none."""

    organisation_lookup = "organisation__path"


class Webhook(models.Model):
    """An address that is told of events below an organisation. The secret signs, so it has to be kept readable.

    `after_event` is the number of the last row of the log from before the webhook was made, `seen_event` the last one
    that was looked at.
    """

    uid = models.UUIDField(unique=True, default=uuid.uuid4)
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="webhooks")
    url = models.CharField(max_length=500)
    secret = models.CharField(max_length=100)
    events = models.JSONField(default=list)
    active = models.BooleanField(default=True)
    after_event = models.BigIntegerField(default=0)
    seen_event = models.BigIntegerField(default=0)
    made_by = models.CharField(max_length=150)
    made_at = models.DateTimeField()
    changed_at = models.DateTimeField()
    removed_at = models.DateTimeField(null=True, blank=True)

    objects = WebhookQuerySet.as_manager()

    class Meta:
        ordering = ("organisation__path", "id")

    def __str__(self) -> str:
        return f"{self.organisation} {self.url}"


class WebhookDelivery(models.Model):
    """One event for one webhook, with the exact body that is signed; replayed, it is sent again under the same id."""

    STATES = ("waiting", "delivered", "failed")

    webhook = models.ForeignKey(Webhook, on_delete=models.PROTECT, related_name="deliveries")
    event_number = models.BigIntegerField()
    event_id = models.CharField(max_length=60)
    kind = models.CharField(max_length=40)
    body = models.TextField()
    made_at = models.DateTimeField()
    state = models.CharField(max_length=10, choices=[(state, state) for state in STATES], default="waiting")
    attempts = models.PositiveIntegerField(default=0)
    due_at = models.DateTimeField()
    answered_status = models.PositiveSmallIntegerField(null=True, blank=True)
    problem = models.CharField(max_length=300, blank=True)
    delivered_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-event_number", "-id")
        constraints = (models.UniqueConstraint(fields=("webhook", "event_number"), name="an_event_once_for_a_webhook"),)
        indexes = (models.Index(fields=("state", "due_at"), name="deliveries_due"),)

    def __str__(self) -> str:
        return f"{self.webhook} {self.event_id}"


class SiteQuerySet(VisibleQuerySet["Site"]):
    """Sites of the organisations below a path; members see none."""

    organisation_lookup = "organisation__path"


class Site(models.Model):
    """Another installation that an organisation takes meter data from, by its API: a plant, a tenant, a partner.

    `code` is the organisation there. The key is what lets us in, so it has to be kept readable; it goes with the site.
    """

    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="sites")
    name = models.CharField(max_length=40)
    address = models.CharField(max_length=300)
    code = models.CharField(max_length=60)
    key = models.CharField(max_length=200)
    added_by = models.CharField(max_length=150)
    added_at = models.DateTimeField()
    removed_at = models.DateTimeField(null=True, blank=True)

    objects = SiteQuerySet.as_manager()

    class Meta:
        ordering = ("organisation__path", "name", "pk")
        constraints = (
            models.UniqueConstraint(
                fields=("organisation", "name"), condition=models.Q(removed_at=None), name="site_name_once"
            ),
        )

    def __str__(self) -> str:
        return self.name


class SitePull(models.Model):
    """A month asked of a site: how many of its points we have, how many files changed something, or what went wrong."""

    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="pulls")
    month = models.CharField(max_length=7)
    at = models.DateTimeField()
    points = models.PositiveIntegerField(default=0)
    unknown_points = models.JSONField(default=list)
    files = models.PositiveIntegerField(default=0)
    changed_files = models.PositiveIntegerField(default=0)
    cells = models.PositiveIntegerField(default=0)
    problem = models.CharField(max_length=500, blank=True)
    problem_code = models.CharField(max_length=80, blank=True)

    class Meta:
        ordering = ("-at", "-pk")
        indexes = (models.Index(fields=("site", "month", "at"), name="pulls_by_month"),)

    def __str__(self) -> str:
        return f"{self.site} {self.month}"
