"""What media, units, kinds and sources of states are called, for forms, filters and charts."""

from typing import Final

from django.utils.translation import gettext_lazy as _

from ogniwo.core.metering.media import Medium

MEDIA: Final = {
    "gas": _("gas"),
    "heat": _("heat"),
    "cold_water": _("cold water"),
    "hot_water": _("hot water"),
    "heat_cost": _("heat cost allocator"),
}
UNITS: Final = {"m3": "m³", "units": _("units")}
KINDS: Final = {
    "reading": _("reading"),
    "rollover": _("the counter passed zero"),
    "restart": _("the counter began anew"),
}
SOURCES: Final = {
    "partner": _("entered by hand"),
    "file": _("file"),
    "member": _("own reading of the member"),
}


def unit_word(unit: str) -> str:
    """A unit as people write it."""
    return str(UNITS.get(unit, unit))


def media_with_units() -> tuple[tuple[str, str], ...]:
    """Each medium with each of its units, as choices of a form: `gas m3`."""
    return tuple(
        (f"{one.value} {unit}", f"{MEDIA[one.value]}, {unit_word(unit)}") for one in Medium for unit in one.units
    )
