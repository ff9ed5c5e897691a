"""Where mails go: to a server named in the environment, else into the folder `outbox` of the workspace."""

import os
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote, urlsplit

_PORTS: Final = {"smtp": 587, "smtps": 465}
_TIMEOUT_S: Final = 20


def mail_settings(workspace: Path) -> dict[str, Any]:
    """Django's mail settings from OGNIWO_MAIL_URL, OGNIWO_MAIL_PASSWORD_FILE and OGNIWO_MAIL_FROM.

    The address is smtp://USER@HOST:587 (STARTTLS) or smtps://USER@HOST:465 (TLS); the password has a file of its own.
    """
    sender = os.environ.get("OGNIWO_MAIL_FROM", "")
    common = {"DEFAULT_FROM_EMAIL": sender or "ogniwo@localhost"}
    address = os.environ.get("OGNIWO_MAIL_URL", "")
    if not address:
        backend = "django.core.mail.backends.filebased.EmailBackend"
        return {**common, "EMAIL_BACKEND": backend, "EMAIL_FILE_PATH": workspace / "outbox"}
    parts = urlsplit(address)
    if parts.scheme not in _PORTS or not parts.hostname:
        raise ValueError("OGNIWO_MAIL_URL is an address of the form smtp://USER@HOST:587 or smtps://USER@HOST:465")
    if parts.password is not None:
        raise ValueError("OGNIWO_MAIL_URL holds a password; put it into the file that OGNIWO_MAIL_PASSWORD_FILE names")
    secret = os.environ.get("OGNIWO_MAIL_PASSWORD_FILE", "")
    return {
        **common,
        "EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend",
        "EMAIL_HOST": parts.hostname,
        "EMAIL_PORT": parts.port or _PORTS[parts.scheme],
        "EMAIL_HOST_USER": unquote(parts.username or ""),
        "EMAIL_HOST_PASSWORD": Path(secret).read_text(encoding="utf-8").strip() if secret else "",
        "EMAIL_USE_TLS": parts.scheme == "smtp",
        "EMAIL_USE_SSL": parts.scheme == "smtps",
        "EMAIL_TIMEOUT": _TIMEOUT_S,
    }
