"""The bill as bytes of a PDF."""

import io
import json
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import segno

from ogniwo.core.billing.canonical import canonical_bytes
from ogniwo.core.kernel.refusals import Refusal
from ogniwo.formats.invoice_pdf.chart import MonthChart, chart_svg, legend_svg
from ogniwo.formats.invoice_pdf.display import Display
from ogniwo.formats.invoice_pdf.texts import texts_in
from ogniwo.formats.invoice_pdf.view import Printing, build_view
from ogniwo.formats.typesetting import NoGlyphError, midnight, typeset


class UnprintableTextError(Refusal):
    """A name or text of the bill holds a character that the bill's font does not have."""

    code = "invoice_pdf.unprintable_text"


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
    try:
        return typeset("invoice/invoice.typ", inputs, timestamp=midnight(date.fromisoformat(document["issue_date"])))
    except NoGlyphError as error:
        raise UnprintableTextError(detail=f"the bill cannot be printed: {error}") from error


def qr_svg(text: str, *, light: str | None = None) -> str:
    """A two-dimensional code as SVG; `light` is the colour of its ground, none when None."""
    buffer = io.BytesIO()
    code = segno.make_qr(text, error="m", encoding="utf-8")
    code.save(buffer, kind="svg", border=4, xmldecl=False, nl=False, light=light)
    return buffer.getvalue().decode()
