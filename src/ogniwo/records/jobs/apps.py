"""The Django app of jobs."""

from django.apps import AppConfig


class JobsConfig(AppConfig):
    """Jobs, their schedule, and the processes that run them."""

    name = "ogniwo.records.jobs"
    label = "jobs"
