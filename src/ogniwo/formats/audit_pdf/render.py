"""The audit report as bytes of a PDF."""

import tomllib
from datetime import datetime
from functools import lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING, Final

import typst

if TYPE_CHECKING:
    from typst import PDFStandard

STANDARDS: Final["list[PDFStandard]"] = ["a-3a", "ua-1"]
"""Archivable with attachments and accessible, as the bills are."""

FOLDER: Final = "ledger_audit"


class AuditTypesettingError(RuntimeError):
    """The typesetter warned: a fault of the template, never of a report."""


@lru_cache(maxsize=1)
def _texts() -> str:
    return files("ogniwo.data").joinpath(f"{FOLDER}/texts.toml").read_text(encoding="utf-8")


def languages() -> dict[str, dict[str, object]]:
    """The words by language and key."""
    return tomllib.loads(_texts())


def render_audit_pdf(document: bytes, *, made_at: datetime) -> bytes:
    """Draw a report, canonical JSON of `ogniwo.ledger-audit/1`; the same arguments give the same bytes."""
    pdf, warnings = typst.Compiler(ignore_system_fonts=True).compile_with_warnings(
        input=files("ogniwo.data").joinpath(f"{FOLDER}/audit.typ").read_bytes(),
        format="pdf",
        sys_inputs={"document": document.decode(), "texts": _texts()},
        pdf_standards=STANDARDS,
        timestamp=made_at.replace(microsecond=0),
    )
    if warnings:
        raise AuditTypesettingError("; ".join(warning.message for warning in warnings))
    if not isinstance(pdf, bytes):
        raise TypeError("the typesetter gave no single file")
    return pdf
