"""The Django app of other media."""

from django.apps import AppConfig


class MediaConfig(AppConfig):
    """Meters of media other than electricity with their states."""

    name = "ogniwo.records.media"
    label = "media"
