"""Jobs with their progress and outcome, the schedule that starts some of them, and the workers that run them."""

import uuid

from django.db import models

from ogniwo.records.parties.models import Organisation
from ogniwo.records.visibility import VisibleQuerySet

STATES = ("queued", "running", "done", "failed", "cancelled")


class JobQuerySet(VisibleQuerySet["Job"]):
    """Jobs of the organisations below a path; members see none."""

    organisation_lookup = "organisation__path"


class Job(models.Model):
    """One piece of long work: who asked for it, how far it is, what came of it.

    `done` of `total` steps, `total` 0 while nobody knows. `key` names the work while it is queued or running, so that
    asking twice gives one job. `attempt` counts starts and tells a worker whether the job is still its own: `beat_at`
    is its last sign of life. `waits` counts how often the workspace was busy with something else.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="jobs")
    kind = models.CharField(max_length=40)
    key = models.CharField(max_length=200, blank=True)
    parameters = models.JSONField(default=dict)
    state = models.CharField(max_length=10, choices=[(state, state) for state in STATES], default="queued")
    done = models.BigIntegerField(default=0)
    total = models.BigIntegerField(default=0)
    text = models.CharField(max_length=300, blank=True)
    result = models.JSONField(default=dict)
    error_code = models.CharField(max_length=80, blank=True)
    error_detail = models.TextField(blank=True)
    error_trace = models.TextField(blank=True)
    by = models.CharField(max_length=150)
    asked_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    attempt = models.PositiveIntegerField(default=0)
    waits = models.PositiveIntegerField(default=0)
    worker = models.CharField(max_length=100, blank=True)
    beat_at = models.DateTimeField(null=True, blank=True)
    cancel_by = models.CharField(max_length=150, blank=True)
    retry_of = models.ForeignKey("self", null=True, blank=True, on_delete=models.SET_NULL, related_name="retries")

    objects = JobQuerySet.as_manager()

    class Meta:
        ordering = ("-asked_at", "-id")
        indexes = (models.Index(fields=("state", "asked_at")), models.Index(fields=("asked_at",)))
        constraints = (
            models.UniqueConstraint(
                fields=("organisation", "kind", "key"),
                condition=models.Q(state__in=("queued", "running")) & ~models.Q(key=""),
                name="one_open_job_for_a_key",
            ),
        )

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"


class ScheduleQuerySet(VisibleQuerySet["Schedule"]):
    """What is planned for the organisations below a path; members see none."""

    organisation_lookup = "organisation__path"


class Schedule(models.Model):
    """Work that begins by itself: `rule` is `daily HH:MM`, `weekly WEEKDAY HH:MM` or `monthly DAY HH:MM`.

    Times are Polish local time. `month` among the parameters is "previous": the month before each start.
    """

    name = models.CharField(max_length=60)
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="schedules")
    kind = models.CharField(max_length=40)
    parameters = models.JSONField(default=dict)
    rule = models.CharField(max_length=40)
    paused = models.BooleanField(default=False)
    last_run_at = models.DateTimeField(null=True, blank=True)
    next_run_at = models.DateTimeField()
    last_job = models.ForeignKey(Job, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")

    objects = ScheduleQuerySet.as_manager()

    class Meta:
        ordering = ("organisation__path", "name")
        constraints = (models.UniqueConstraint(fields=("organisation", "name"), name="one_schedule_of_a_name"),)

    def __str__(self) -> str:
        return f"{self.name} {self.rule}"


class Worker(models.Model):
    """A process that runs jobs; it is alive while `beat_at` is fresh."""

    name = models.CharField(max_length=100, unique=True)
    started_at = models.DateTimeField()
    beat_at = models.DateTimeField()

    class Meta:
        ordering = ("started_at", "id")

    def __str__(self) -> str:
        return self.name
