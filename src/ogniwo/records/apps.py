"""The Django app of all records."""

from django.apps import AppConfig


class RecordsConfig(AppConfig):
    """Master data, runs and documents."""

    name = "ogniwo.records"
    label = "records"
