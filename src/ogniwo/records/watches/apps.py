"""The Django app of watches."""

from django.apps import AppConfig


class WatchesConfig(AppConfig):
    """Watches and alarms."""

    name = "ogniwo.records.watches"
    label = "watches"
