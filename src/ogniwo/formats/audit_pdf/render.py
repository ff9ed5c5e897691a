"""The audit report as bytes of a PDF."""

import tomllib
from datetime import datetime
from functools import lru_cache
from importlib.resources import files
from typing import Final

from ogniwo.formats.typesetting import typeset

FOLDER: Final = "ledger_audit"


@lru_cache(maxsize=1)
def _texts() -> str:
    return files("ogniwo.data").joinpath(f"{FOLDER}/texts.toml").read_text(encoding="utf-8")


def languages() -> dict[str, dict[str, object]]:
    """The words by language and key."""
    return tomllib.loads(_texts())


def render_audit_pdf(document: bytes, *, made_at: datetime) -> bytes:
    """Draw a report, canonical JSON of `ogniwo.ledger-audit/1`; the same arguments give the same bytes."""
    inputs = {"document": document.decode(), "texts": _texts()}
    return typeset(f"{FOLDER}/audit.typ", inputs, timestamp=made_at.replace(microsecond=0))
