"""The Django app of users' rights."""

from django.apps import AppConfig


class AccessConfig(AppConfig):
    """Grants, invitations, keys for machines."""

    name = "ogniwo.records.access"
    label = "access"
