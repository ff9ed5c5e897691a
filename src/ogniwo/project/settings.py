"""Django settings. Everything that differs between workspaces comes from the environment that `entry` prepares."""

import os
from pathlib import Path

from ogniwo.services.workspace.records_place import database_of

WORKSPACE = Path(os.environ.get("OGNIWO_WORKSPACE", "."))

INSTALLED_APPS = [
    "ogniwo.records",
    "ogniwo.records.media",
    "ogniwo.records.messages",
    "ogniwo.records.remarks",
    "ogniwo.records.storage",
    "ogniwo.records.watches",
]
USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "pl"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
SECRET_KEY = "the command line signs nothing with this key"  # noqa: S105 -- required by Django, used by no feature yet
DATABASES = {"default": database_of(WORKSPACE)}
