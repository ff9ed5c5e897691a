"""Meters of other media in templates: words, and states with the places that the meter shows."""

from django import template

from ogniwo.interfaces.web.media_words import KINDS, MEDIA, SOURCES
from ogniwo.interfaces.web.media_words import unit_word as word_of_unit
from ogniwo.interfaces.web.templatetags.console import decimal_text

register = template.Library()
_SCALE_E = 3


@register.filter
def shown(value_e3: int | None, decimals: int) -> str:
    """10^-3 of a unit with the places that the meter shows; a state or a use has no more of them."""
    if value_e3 is None:
        return "–"
    return decimal_text(int(value_e3) // int(10 ** (_SCALE_E - decimals)), decimals=decimals)


@register.filter
def medium_word(medium: str) -> str:
    """What a medium is called."""
    return str(MEDIA.get(medium, medium))


@register.filter
def unit_word(unit: str) -> str:
    """A unit as people write it."""
    return word_of_unit(unit)


@register.filter
def state_kind_word(kind: str) -> str:
    """What a state says of the counting before it."""
    return str(KINDS.get(kind, kind))


@register.filter
def source_word(source: str) -> str:
    """Where a state came from."""
    return str(SOURCES.get(source, source))
