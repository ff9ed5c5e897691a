"""Stored integers as people read them: grosz, Wh, instants, shares."""

import re
from datetime import datetime
from decimal import Decimal
from functools import cache
from typing import Any, Final
from zoneinfo import ZoneInfo

from django import template
from django.utils.formats import date_format, get_format, number_format
from django.utils.safestring import SafeString
from django.utils.translation import get_language, gettext_lazy

from ogniwo.core.kernel.calendar import WARSAW, Month
from ogniwo.interfaces.web.code_words import ACTS, ASSETS, LAYOUTS
from ogniwo.services.parties.sheet import heading
from ogniwo.services.workspace.meanings import meaning_of

register = template.Library()
_NOTHING = "–"


def decimal_text(value: int, *, decimals: int) -> str:
    """An integer of 10^-decimals with the marks of the page's language: `1 538,00`.

    What Django's `number_format` gives with grouping, in half the time: a page has hundreds of them.
    """
    mark, between = _marks(get_language())
    whole, rest = divmod(abs(value), 10**decimals)
    sign = "-" if value < 0 else ""
    grouped = f"{whole:,}".replace(",", between)
    return f"{sign}{grouped}{mark}{rest:0{decimals}}" if decimals else f"{sign}{grouped}"


@cache
def _marks(language: str | None) -> tuple[str, str]:
    """The decimal mark of a language, and what stands between groups of three digits."""
    mark, between, grouping = (
        get_format(name, language, use_l10n=True)
        for name in ("DECIMAL_SEPARATOR", "THOUSAND_SEPARATOR", "NUMBER_GROUPING")
    )
    return str(mark), str(between) if grouping else ""


@register.filter
def zl(grosz: int | None) -> str:
    """Grosz as zł with two places."""
    return _NOTHING if grosz is None or grosz == "" else decimal_text(int(grosz), decimals=2)


@register.filter
def asset_amount(amount: int, asset: str) -> str:
    """An amount of a ledger asset, whose name ends with its decimals: `PLN/2`."""
    scale = asset.rpartition("/")[2]
    return decimal_text(amount, decimals=int(scale) if scale.isdecimal() else 0)


@register.filter
def asset_word(asset: str) -> str:
    """What a ledger asset is, in words; one of a community's own making has none."""
    return str(ASSETS.get(asset.rpartition("/")[0], ""))


@register.filter
def act_word(action: str) -> str:
    """What an act of the log is, in words; one that only an older release recorded has none."""
    return str(ACTS.get(action, ""))


@register.filter
def layout_word(layout: str) -> str:
    """What the layout of a meter file is, in words; a file of several sheets may have several, joined by a plus."""
    return ", ".join(str(LAYOUTS.get(one, one)) for one in layout.split("+"))


_RULE = re.compile(r"V[0-9]+\.")
_CODE_AT_END = re.compile(r"\[([a-zA-Z0-9_.]+)\]$")


@register.filter
def meaning(code: str) -> str:
    """What a code means, to stand before its English detail; nothing where it has no meaning.

    In English the detail says it itself, so that only rules (`V7.spike`) get a meaning there: theirs are mere numbers.
    """
    language = get_language() or "en"
    return meaning_of(code, language) if language != "en" or _RULE.match(code) else ""


@register.filter
def meaning_at_end(refused: str) -> str:
    """What the code means at the end of a refusal that was kept as text: `detail [code]`."""
    found = _CODE_AT_END.search(refused)
    return meaning(found[1]) if found else ""


_QUALITIES: Final = {
    "measured": gettext_lazy("measured"),
    "measured-corrected": gettext_lazy("measured, corrected"),
    "estimated-by-operator": gettext_lazy("estimated by the operator"),
    "substituted-by-us": gettext_lazy("substituted by us"),
    "manual": gettext_lazy("entered by hand"),
    "missing": gettext_lazy("missing"),
}


@register.filter
def quality_word(quality: str) -> str:
    """A quality of an interval (`core.kernel.quality.QUALITY_WORDS`) in the words of the page."""
    return str(_QUALITIES.get(quality, quality))


@register.filter
def kwh(energy_wh: int | None) -> str:
    """Wh as kWh with three places."""
    return _NOTHING if energy_wh is None or energy_wh == "" else decimal_text(int(energy_wh), decimals=3)


@register.filter
def own_mark(plain: str) -> str:
    """A plain decimal text with the decimal mark of the page's language."""
    return plain.replace(".", ",") if (get_language() or "").startswith("pl") else plain


@register.filter
def rate_kwh(rate_e8: int) -> str:
    """A price in 10^-8 zł per MWh as zł per kWh with four places or as many as it needs."""
    exact = Decimal(rate_e8).scaleb(-11).normalize()
    places = max(4, -int(exact.as_tuple().exponent))
    return number_format(exact, decimal_pos=places, use_l10n=True, force_grouping=True)


@register.filter
def percent(part: int, whole: int) -> str:
    """A share in per cent, cut (not rounded) to one place, so that 100 means all."""
    return f"{decimal_text(part * 1000 // whole, decimals=1)} %" if whole else _NOTHING


@register.filter
def local(instant: Any) -> str:  # noqa: ANN401 -- a datetime, epoch seconds, or nothing
    """An instant in local time to the minute; the hour that autumn repeats says which of the two it is."""
    if instant in (None, ""):
        return _NOTHING
    zone = ZoneInfo(WARSAW)
    aware = isinstance(instant, datetime)
    moment = instant.astimezone(zone) if aware else datetime.fromtimestamp(int(instant), tz=zone)
    twice = moment.replace(fold=0).utcoffset() != moment.replace(fold=1).utcoffset()
    return f"{moment:%Y-%m-%d %H:%M}{f'{moment:%z}'[:3] if twice else ''}"


@register.filter
def local_iso(instant: str) -> str:
    """An instant in ISO 8601 in local time."""
    return local(datetime.fromisoformat(instant))


_BROWSERS = (("Edg", "Edge"), ("OPR", "Opera"), ("Firefox", "Firefox"), ("Chrome", "Chrome"), ("Safari", "Safari"))
_SYSTEMS = (
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Mac OS", "macOS"),
    ("Linux", "Linux"),
)


@register.filter
def browser_word(user_agent: str) -> str:
    """A browser and its system by name; what names neither is shown as it is."""
    browser = next((name for sign, name in _BROWSERS if sign in user_agent), "")
    system = next((name for sign, name in _SYSTEMS if sign in user_agent), "")
    return ", ".join(filter(None, (browser, system))) or user_agent[:60] or _NOTHING


@register.filter
def month_name(month: Month) -> str:
    """A month in words, as it stands within a sentence: Polish months have small letters."""
    text = date_format(month.first, "F Y")
    return text.lower() if (get_language() or "").startswith("pl") else text


@register.filter
def short(digest: str) -> str:
    """The beginning of a digest."""
    return f"{digest[:12]}…" if digest else _NOTHING


@register.filter
def item(mapping: dict[str, Any], key: str) -> Any:  # noqa: ANN401 -- whatever the mapping holds
    """A value of a mapping."""
    return mapping.get(key, "")


@register.filter
def pick(sequence: Any, index: int) -> Any:  # noqa: ANN401 -- whatever the sequence holds
    """An item of a sequence."""
    return sequence[index]


@register.filter
def as_text(value: object) -> str:
    """A value for an attribute: no marks between thousands."""
    return SafeString(int(value)) if isinstance(value, int) else str(value)


_FIELD_WORDS = {
    "from": gettext_lazy("from"),
    "to": gettext_lazy("to"),
    "member": gettext_lazy("member"),
    "group": gettext_lazy("group"),
}


@register.filter
def field_word(key: str) -> str:
    """A field of a member's row in words: as it heads its column."""
    if key in _FIELD_WORDS:
        return str(_FIELD_WORDS[key])
    return heading(key, "pl" if (get_language() or "").startswith("pl") else "en")
