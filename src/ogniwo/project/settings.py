"""Django settings. Everything that differs between workspaces comes from the environment that `entry` prepares."""

import os
from pathlib import Path

WORKSPACE = Path(os.environ.get("OGNIWO_WORKSPACE", "."))
DATABASE_URL = os.environ.get("OGNIWO_DATABASE_URL", "")

INSTALLED_APPS = ["ogniwo.records"]
USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "pl"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
SECRET_KEY = "the command line signs nothing with this key"  # noqa: S105 -- required by Django, used by no feature yet
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": WORKSPACE / "ogniwo.sqlite3",
        "OPTIONS": {
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;",
            "transaction_mode": "IMMEDIATE",
        },
    }
}
