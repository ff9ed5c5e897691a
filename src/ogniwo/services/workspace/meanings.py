"""What a stable code means, in the reader's language: one catalogue for pages, commands and the API."""

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any, Final

LANGUAGES: Final = ("pl", "en")
_CATALOGUE: Final = "codes/meanings.toml"
_OF_A_POINT: Final = "<point>"


@cache
def catalogue() -> Mapping[str, Mapping[str, str]]:
    """Every code of docs/codes.md with its `en` and `pl`, and `says` where a finding or the ledger says it with values.

    Read from the package once a process, when the first code is explained.
    """
    text = files("ogniwo.data").joinpath(_CATALOGUE).read_text(encoding="utf-8")
    found: dict[str, Any] = tomllib.loads(text)
    return found


def meaning_of(code: str, language: str) -> str:
    """The sentence for a code in Polish ("pl", "pl-PL", ...) or else in English; "" for a code nobody documented.

    A code that ends with a metering point (`statements.quantity_given.590...`) means the same for every point.
    """
    known = catalogue()
    entry = known.get(code) or known.get(f"{code.rpartition('.')[0]}.{_OF_A_POINT}")
    return "" if entry is None else entry["pl" if language.lower().startswith("pl") else "en"]
