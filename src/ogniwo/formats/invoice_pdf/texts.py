"""The words the printed bill adds to the data, by language."""

import tomllib
from collections.abc import Mapping
from functools import lru_cache
from importlib.resources import files

from ogniwo.core.kernel.refusals import Refusal


class UnknownLanguageError(Refusal):
    """The bill has no words in this language."""

    code = "invoice_pdf.unknown_language"


@lru_cache(maxsize=1)
def all_texts() -> Mapping[str, Mapping[str, str]]:
    """All words by language and key."""
    source = files("ogniwo.data").joinpath("invoice/texts.toml").read_text(encoding="utf-8")
    return tomllib.loads(source)


def texts_in(language: str) -> Mapping[str, str]:
    """The words of one language ("pl" or "en"). Raises UnknownLanguageError."""
    try:
        return all_texts()[language]
    except KeyError:
        raise UnknownLanguageError(detail=f"the bill has no words in language {language!r}") from None
