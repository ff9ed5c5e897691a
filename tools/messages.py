"""Every text of the pages, from templates and Python, and which of them has no Polish yet.

`python tools/messages.py` prints what is missing and what nobody uses any more, as entries for the message file.
"""

import io
import os
import re
import sys
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract
from babel.messages.pofile import read_po

WEB = Path(__file__).resolve().parent.parent / "src" / "ogniwo" / "interfaces" / "web"
API = WEB.parent / "api"
POLISH = WEB / "messages" / "pl.po"
KEYWORDS = {"_": None, "gettext": None, "gettext_lazy": None, "gettext_noop": None, "ngettext": (1, 2)}

Text = str | tuple[str, str]


def _templatized(source: str, name: str) -> str:
    """A template as the Python calls that Django's own extraction makes of it."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ogniwo.project.web_settings")
    from django.utils.translation.template import templatize  # noqa: PLC0415 -- needs the settings named above

    return str(templatize(source, origin=name))


def texts() -> dict[Text, set[str]]:
    """Each text (or pair of singular and plural) with the files that show it."""
    found: dict[Text, set[str]] = {}
    for path in sorted([*WEB.rglob("*.py"), *API.rglob("*.py"), *WEB.glob("templates/**/*.html")]):
        source = path.read_text(encoding="utf-8")
        if path.suffix == ".html":
            source = _templatized(source, str(path))
        for _line, text, _comments, _context in extract("python", io.BytesIO(source.encode()), keywords=KEYWORDS):
            key = (text[0], text[1]) if isinstance(text, tuple) else text
            found.setdefault(key, set()).add(str(path.relative_to(WEB.parent)))
    return found


def polish() -> Catalog:
    """The Polish texts; the locale decides the plural forms."""
    with POLISH.open("rb") as file:
        return read_po(file, locale="pl")


def missing(catalog: Catalog) -> list[Text]:
    """Texts without a complete translation, or whose places for values differ from the original's."""
    return [text for text in texts() if not _translated(catalog, text)]


def _translated(catalog: Catalog, text: Text) -> bool:
    message = catalog.get(text[0] if isinstance(text, tuple) else text)
    if message is None or message.fuzzy:
        return False
    forms = message.string if isinstance(message.string, list | tuple) else (message.string,)
    wanted = catalog.num_plurals if isinstance(text, tuple) else 1
    places = _places(text[1] if isinstance(text, tuple) else text)
    return len(forms) == wanted and all(form and _places(form) == places for form in forms)


def _places(text: str) -> set[str]:
    return set(re.findall(r"%\(\w+\)s|\{\w*\}", text))


def unused(catalog: Catalog) -> list[str]:
    """Entries of the message file that nothing shows."""
    known = {text[0] if isinstance(text, tuple) else text for text in texts()}
    entries = (message.id[0] if isinstance(message.id, tuple) else message.id for message in catalog)
    return [entry for entry in entries if entry and entry not in known]


def main() -> int:
    """Print what is to be done."""
    catalog = polish()
    lacking, idle = missing(catalog), unused(catalog)
    for text in lacking:
        print(f'\nmsgid "{text[0] if isinstance(text, tuple) else text}"')
        print(f'msgid_plural "{text[1]}"' if isinstance(text, tuple) else 'msgstr ""')
    for text in idle:
        print(f"# nobody shows: {text}")
    print(f"{len(lacking)} texts without Polish, {len(idle)} that nobody shows", file=sys.stderr)
    return 1 if lacking or idle else 0


if __name__ == "__main__":
    sys.exit(main())
