"""What the web process prepares in a workspace before it starts: its secret, and the compiled messages."""

import os
import secrets
from hashlib import sha256
from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

_MESSAGES = Path(__file__).parents[1] / "interfaces" / "web" / "messages"


def web_secret(workspace: Path) -> str:
    """The secret that signs cookies: made once, readable by the owner only."""
    path = workspace / "keys" / "web-secret"
    if not path.is_file():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        unfinished = path.with_name(f".web-secret.{os.getpid()}")
        with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(48))
        try:
            os.link(unfinished, path)
        except FileExistsError:
            pass  # another process of the same installation was first: its secret counts
        finally:
            unfinished.unlink()
    return path.read_text(encoding="ascii")


def compiled_messages(workspace: Path) -> Path:
    """The folder with the compiled message catalogues of this version of the texts, made when it is not there.

    The folder is named by the texts: the times of files say nothing after a copy or an upgrade.
    """
    sources = sorted(_MESSAGES.glob("*.po"))
    digest = sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()[:16]
    folder = workspace / "cache" / f"locale-{digest}"
    for source in sources:
        target = folder / source.stem / "LC_MESSAGES" / "django.mo"
        if target.is_file():
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        unfinished = target.with_name(f".django.{os.getpid()}.mo")
        # The locale decides the plural forms; without it Polish would get the English ones.
        with source.open("rb") as read, unfinished.open("wb") as written:
            write_mo(written, read_po(read, locale=source.stem))
        unfinished.replace(target)
    return folder
