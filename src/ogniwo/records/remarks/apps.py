"""The Django app of remarks."""

from django.apps import AppConfig


class RemarksConfig(AppConfig):
    """Findings set aside and individual attributes."""

    name = "ogniwo.records.remarks"
    label = "remarks"
