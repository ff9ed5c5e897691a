"""A link as a picture that a phone reads."""

import io

import segno


def qr_svg(text: str) -> bytes:
    """A QR code of middle error correction on white, with the margin that readers need, as SVG without styles."""
    sink = io.BytesIO()
    segno.make(text, error="m", micro=False).save(sink, kind="svg", scale=6, border=4, light="#ffffff", dark="#000000")
    return sink.getvalue()
