"""Templates and their values as the bytes of a PDF: fixed fonts, a fixed time, accessible and archivable."""

import threading
from collections.abc import Mapping
from datetime import UTC, date, datetime
from importlib.resources import files
from typing import TYPE_CHECKING, Final

import typst

if TYPE_CHECKING:
    from typst import PDFStandard

STANDARDS: Final["list[PDFStandard]"] = ["a-3a", "ua-1"]
"""Archivable with attachments and accessible: PDF/A-3a and PDF/UA-1 together."""

_NO_GLYPH = "could not be displayed with font"

_local = threading.local()


class NoGlyphError(ValueError):
    """A text holds a character that the document's font does not have; whoever asked knows what to call it."""


class TypesettingWarningError(RuntimeError):
    """The typesetter warned: a fault of the template, never of what is printed."""


def typeset(template: str, inputs: Mapping[str, str], *, timestamp: datetime) -> bytes:
    """Draw a template of `ogniwo.data` (its path there); the same arguments give the same bytes.

    `inputs` reach the template as `sys.inputs`; `timestamp` is what the PDF says it was made at. Raises NoGlyphError.
    """
    try:
        pdf, warnings = _compiler().compile_with_warnings(
            input=files("ogniwo.data").joinpath(template).read_bytes(),
            format="pdf",
            sys_inputs=dict(inputs),
            pdf_standards=STANDARDS,
            timestamp=timestamp,
        )
    except typst.TypstError as error:
        if _NO_GLYPH in error.message:
            raise NoGlyphError(error.message) from error
        raise
    if warnings:
        raise TypesettingWarningError("; ".join(warning.message for warning in warnings))
    if not isinstance(pdf, bytes):
        raise TypeError("the typesetter gave no single file")
    return pdf


def midnight(day: date) -> datetime:
    """The time that a document of a day is made at, UTC: its own, so that it can be made again to the byte."""
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def _compiler() -> typst.Compiler:
    """The compiler of this thread: made once, it keeps the fonts and what it has parsed, and is not safe to share."""
    if not hasattr(_local, "compiler"):
        _local.compiler = typst.Compiler(ignore_system_fonts=True)
    compiler: typst.Compiler = _local.compiler
    return compiler
