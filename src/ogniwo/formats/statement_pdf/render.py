"""The statement of tokens as bytes of a PDF."""

import json
import tomllib
from collections.abc import Mapping
from datetime import date, datetime
from functools import lru_cache
from importlib.resources import files
from typing import Any, Final
from zoneinfo import ZoneInfo

from ogniwo.core.billing.canonical import canonical_bytes
from ogniwo.core.kernel.calendar import WARSAW
from ogniwo.core.kernel.quantities import format_decimal
from ogniwo.formats.typesetting import midnight, typeset

FOLDER: Final = "token_statement"
UNPRINTABLE: Final = "\N{REPLACEMENT CHARACTER}"
_SPACE: Final = "\N{NO-BREAK SPACE}"
_MORE_LETTERS: Final = frozenset("–—‘’‚“”„…€")


@lru_cache(maxsize=1)
def _texts() -> str:
    return files("ogniwo.data").joinpath(f"{FOLDER}/texts.toml").read_text(encoding="utf-8")


def languages() -> dict[str, dict[str, str]]:
    """The words by language and key."""
    return tomllib.loads(_texts())


def render_statement_pdf(document: Mapping[str, Any], *, language: str) -> bytes:
    """Draw a statement (`ogniwo.token-statement/1`) in "pl" or "en"; the same arguments give the same bytes."""
    view = statement_view(document, language=language)
    day = date.fromisoformat(document["last"])
    inputs = {
        "document": canonical_bytes(dict(document)).decode(),
        "view": json.dumps(view, ensure_ascii=False, sort_keys=True),
    }
    return typeset(f"{FOLDER}/statement.typ", inputs, timestamp=midnight(day))


def statement_view(document: Mapping[str, Any], *, language: str) -> dict[str, Any]:
    """The finished texts of the page; `cut` says whether a character had to be replaced."""
    words = languages()[language]
    assets = [_asset(one, words, language) for one in document["assets"]]
    view: dict[str, Any] = {
        "lang": language,
        "texts": words,
        "period": f"{_day(document['first'], language)} – {_day(document['last'], language)}",
        "facts": [
            (words["member"], printable(f"{document['member']} {document['name']}".strip())),
            (words["organisation"], printable(document["organisation"])),
            (words["account"], document["account"]),
            (words["network"], document["network"]),
            (
                words["state"],
                words["state_of"].format(time=_moment(document["time_s"], language), height=document["height"]),
            ),
        ],
        "assets": assets,
    }
    return view | {"cut": UNPRINTABLE in json.dumps(view, ensure_ascii=False)}


def printable(text: str) -> str:
    """The text on one line with what the fonts inside the typesetter have: European Latin letters and signs."""
    plain = " ".join(text.split())
    return "".join(
        one if " " <= one < "\x7f" or "\xa1" <= one <= "\u017f" or one in _MORE_LETTERS else UNPRINTABLE
        for one in plain.replace("\xad", "").replace(_SPACE, " ")
    )


def _asset(one: Mapping[str, Any], words: Mapping[str, str], language: str) -> dict[str, Any]:
    name, _, scale = str(one["asset"]).partition("/")
    decimals = int(scale) if scale.isdecimal() else 0
    unit = "zł" if name == "PLN" else printable(name)

    def amount(value: int, *, signed: bool = False) -> str:
        text = format_decimal(abs(value), decimals=decimals)
        whole, dot, fraction = text.partition(".")
        groups = f"{int(whole):,}".replace(",", _SPACE)
        sign = "\N{MINUS SIGN}" if value < 0 else "+" if signed and value else ""
        mark = "," if language == "pl" else "."
        return f"{sign}{groups}{mark if dot else ''}{fraction}{_SPACE}{unit}"

    return {
        "title": words[f"kind_{one['kind']}"].format(unit=unit),
        "sums": [
            (words["opening"], amount(one["opening"])),
            (words["incoming"], amount(one["incoming"], signed=True)),
            (words["outgoing"], amount(one["outgoing"])),
            (words["closing"], amount(one["closing"])),
        ],
        "rows": [
            {
                "time": _moment(row["time_s"], language),
                "who": _who(row, words),
                "text": printable(row["text"]),
                "bill": f"{words['bill']} {row['bill']}" if row["bill"] else "",
                "transaction": row["transaction"],
                "block": words["block"].format(height=row["height"]),
                "amount": amount(row["amount"], signed=True),
                "balance": amount(row["balance"]),
            }
            for row in one["rows"]
        ],
    }


def _who(row: Mapping[str, Any], words: Mapping[str, str]) -> str:
    if row["other"] == "issuer":
        return words["issued"] if row["amount"] > 0 else words["redeemed"]
    return printable(f"{row['other_number']} {row['other']}".strip()) or words["unknown"]


def _day(iso: str, language: str) -> str:
    one = date.fromisoformat(iso)
    return f"{one:%d.%m.%Y}" if language == "pl" else iso


def _moment(time_s: int, language: str) -> str:
    """Local time; the hour that autumn repeats says which of the two it is."""
    moment = datetime.fromtimestamp(time_s, tz=ZoneInfo(WARSAW))
    twice = moment.replace(fold=0).utcoffset() != moment.replace(fold=1).utcoffset()
    day = f"{moment:%d.%m.%Y}" if language == "pl" else f"{moment:%Y-%m-%d}"
    return f"{day} {moment:%H:%M}{f'{moment:%z}'[:3] if twice else ''}"
