"""Write docs/openapi.json from the operations in the code; with --check say whether it is true."""

import os
import sys
import tempfile
from pathlib import Path

import django

PLACE = Path(__file__).resolve().parent.parent / "docs" / "openapi.json"


def text() -> str:
    """The document as the code says it now."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ogniwo.project.web_settings")
    os.environ.setdefault("OGNIWO_WORKSPACE", tempfile.gettempdir())
    django.setup()
    from ogniwo.interfaces.api.document import document_text  # noqa: PLC0415 -- only after Django is ready

    return document_text()


def main() -> int:
    """Write the document, or check it."""
    wanted = text()
    fresh = PLACE.is_file() and PLACE.read_text(encoding="utf-8") == wanted
    if not fresh and "--check" not in sys.argv:
        PLACE.write_text(wanted, encoding="utf-8")
    print(f"docs/openapi.json is {'fresh' if fresh else 'stale' if '--check' in sys.argv else 'written'}")
    return 1 if not fresh and "--check" in sys.argv else 0


if __name__ == "__main__":
    sys.exit(main())
