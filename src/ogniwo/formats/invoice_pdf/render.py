"""The bill as bytes: one typesetting compiler for each thread, fixed fonts, fixed time, accessible and archivable."""

import io
import json
import threading
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from functools import lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final

import segno
import typst

from ogniwo.core.billing.canonical import canonical_bytes
from ogniwo.core.kernel.refusals import Refusal
from ogniwo.formats.invoice_pdf.chart import MonthChart, chart_svg, legend_svg
from ogniwo.formats.invoice_pdf.display import Display
from ogniwo.formats.invoice_pdf.texts import texts_in
from ogniwo.formats.invoice_pdf.view import Printing, build_view

if TYPE_CHECKING:
    from typst import PDFStandard

STANDARDS: Final["list[PDFStandard]"] = ["a-3a", "ua-1"]
"""Archivable with attachments and accessible; PDF/A-3a and PDF/UA-1 together."""

_NO_GLYPH = "could not be displayed with font"

_local = threading.local()


class UnprintableTextError(Refusal):
    """A name or text of the bill holds a character that the bill's font does not have."""

    code = "invoice_pdf.unprintable_text"


class TypesettingWarningError(RuntimeError):
    """The typesetter warned: a fault of the template, never of a bill."""


def render_invoice_pdf(
    *,
    document: Mapping[str, Any],
    chart: MonthChart | None,
    qr_text: str,
    verification: str,
    language: str = "pl",
    structured_xml: bytes = b"",
    ksef_codes: Sequence[tuple[str, str]] = (),
) -> bytes:
    """Draw the canonical document of an invoice or correction as PDF bytes.

    `document` comes from `canonical_document` or `correction_document`; `chart` is None where there is nothing to draw;
    `qr_text` is the transfer text ("" prints no code); `verification` says how the bill can be checked;
    `structured_xml` is the FA(3) file as sent, attached as the source; `ksef_codes` are (caption, address) of the
    verification codes I and II of a structured invoice. The same arguments give the same bytes.
    Raises UnknownLanguageError and UnprintableTextError.
    """
    texts = texts_in(language)
    captions = tuple(caption for caption, _ in ksef_codes)
    printing = Printing(chart=chart, qr_text=qr_text, verification=verification, code_captions=captions)
    view = build_view(document, printing=printing, texts=texts, language=language)
    inputs = {
        "view": json.dumps(view, ensure_ascii=False, sort_keys=True),
        "document": canonical_bytes(dict(document)).decode(),
        "chart": "" if chart is None else chart_svg(chart, display=Display(language)),
        "qr": qr_svg(qr_text) if qr_text else "",
        "xml": structured_xml.decode(),
        **{f"code-{index}": qr_svg(address) for index, (_, address) in enumerate(ksef_codes)},
        **{f"legend-{kind}": legend_svg(kind) for kind in view["chart"]["kinds"]},
    }
    return _typeset(inputs, timestamp=_midnight(document["issue_date"]))


def _typeset(inputs: dict[str, str], *, timestamp: datetime) -> bytes:
    try:
        pdf, warnings = _compiler().compile_with_warnings(
            input=_template(), format="pdf", sys_inputs=inputs, pdf_standards=STANDARDS, timestamp=timestamp
        )
    except typst.TypstError as error:
        if _NO_GLYPH in error.message:
            raise UnprintableTextError(detail=f"the bill cannot be printed: {error.message}") from error
        raise
    if warnings:
        raise TypesettingWarningError("; ".join(warning.message for warning in warnings))
    if not isinstance(pdf, bytes):
        raise TypeError("the typesetter gave no single file")
    return pdf


def _compiler() -> typst.Compiler:
    """The compiler of this thread: made once, it keeps the fonts and what it has parsed, and is not safe to share."""
    if not hasattr(_local, "compiler"):
        _local.compiler = typst.Compiler(ignore_system_fonts=True)
    compiler: typst.Compiler = _local.compiler
    return compiler


@lru_cache(maxsize=1)
def _template() -> bytes:
    return files("ogniwo.data").joinpath("invoice/invoice.typ").read_bytes()


def _midnight(iso: str) -> datetime:
    day = date.fromisoformat(iso)
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def qr_svg(text: str, *, light: str | None = None) -> str:
    """A two-dimensional code as SVG; `light` is the colour of its ground, none when None."""
    buffer = io.BytesIO()
    code = segno.make_qr(text, error="m", encoding="utf-8")
    code.save(buffer, kind="svg", border=4, xmldecl=False, nl=False, light=light)
    return buffer.getvalue().decode()
