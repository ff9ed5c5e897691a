"""The Django app of storages."""

from django.apps import AppConfig


class StorageConfig(AppConfig):
    """Points that are storages, and the accounts of their months."""

    name = "ogniwo.records.storage"
    label = "storages"
