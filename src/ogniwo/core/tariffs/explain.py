"""Sentences and names for charge lines in Polish and English: numbers, days, rates and where they come from."""

from collections.abc import Callable
from datetime import date, timedelta

from ogniwo.core.kernel.quantities import Rate, RateUnit, Share, format_decimal
from ogniwo.core.tariffs.model import RateRow, Sentence

_MONTHS = (
    "stycznia", "lutego", "marca", "kwietnia", "maja", "czerwca",
    "lipca", "sierpnia", "września", "października", "listopada", "grudnia",
)  # fmt: skip

_MONTHS_EN = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip

_UNITS_EN = {RateUnit.KW_MONTH: "kW/month", RateUnit.MW_MONTH: "MW/month", RateUnit.MONTH: "month", RateUnit.ONE: "pcs"}

_UNITS = {
    RateUnit.KWH: "kWh",
    RateUnit.MWH: "MWh",
    RateUnit.KVARH: "kvarh",
    RateUnit.KW_MONTH: "kW/mies.",
    RateUnit.MW_MONTH: "MW/mies.",
    RateUnit.KW: "kW",
    RateUnit.MW: "MW",
    RateUnit.MONTH: "mies.",
    RateUnit.ONE: "szt.",
}

_BASE_UNITS = {
    RateUnit.KWH: "Wh",
    RateUnit.MWH: "Wh",
    RateUnit.KVARH: "varh",
    RateUnit.KW_MONTH: "W",
    RateUnit.MW_MONTH: "W",
    RateUnit.KW: "W",
    RateUnit.MW: "W",
    RateUnit.MONTH: "month",
    RateUnit.ONE: "1",
}

_QUANTITY_UNITS: dict[RateUnit, str] = {**_UNITS, RateUnit.KW_MONTH: "kW", RateUnit.MW_MONTH: "MW"}
_QUANTITY_UNITS_EN: dict[RateUnit, str] = {**_QUANTITY_UNITS, RateUnit.MONTH: "month", RateUnit.ONE: "pcs"}

ZONE_NAMES = {
    "all": ("całodobowa", "all day"),
    "all.above": ("całodobowa, ponad próg", "all day, above the threshold"),
    "day": ("dzienna", "day"),
    "night": ("nocna", "night"),
    "night.above": ("nocna, ponad próg", "night, above the threshold"),
    "peak": ("szczytowa", "peak"),
    "offpeak": ("pozaszczytowa", "off-peak"),
    "morning_peak": ("szczyt przedpołudniowy", "morning peak"),
    "afternoon_peak": ("szczyt popołudniowy", "afternoon peak"),
    "other": ("pozostałe godziny", "other hours"),
    "recommended": ("godziny zalecanego użytkowania", "recommended use"),
    "limit": ("godziny ograniczania użytkowania", "limited use"),
}
"""Zone names for people (Polish, English); unknown ones are printed as they stand in the data."""


def both(make: Callable[[str], str]) -> Sentence:
    """A sentence made once for each language ("pl", "en")."""
    return Sentence(make("pl"), make("en"))


def decimal_text(value: int, *, decimals: int, least: int = 0, language: str = "pl") -> str:
    """A scaled integer as people write it: groups of three, a comma (or dot), no zeros beyond `least` places."""
    whole, _, fraction = format_decimal(abs(value), decimals=decimals).partition(".")
    grouped = f"{int(whole):,}".replace(",", "\u00a0")
    kept = fraction.rstrip("0").ljust(least, "0")
    return f"{'-' if value < 0 else ''}{grouped}{(',' if language == 'pl' else '.') if kept else ''}{kept}"


def quantity_text(quantity: int, per: RateUnit, language: str = "pl") -> str:
    """A quantity in base units in the unit its rate is charged per."""
    decimals = len(str(per.base_units)) - 1
    units = _QUANTITY_UNITS if language == "pl" else _QUANTITY_UNITS_EN
    return f"{decimal_text(quantity, decimals=decimals, language=language)} {units[per]}"


def base_unit_text(per: RateUnit) -> str:
    """The unit that the quantity of a line is counted in, for machines: Wh, varh, W, month or 1."""
    return _BASE_UNITS[per]


def energy_text(energy_wh: int, language: str = "pl") -> str:
    """An energy in kWh."""
    return f"{decimal_text(energy_wh, decimals=3, language=language)} kWh"


def rate_text(rate: Rate, language: str = "pl") -> str:
    """A rate with its unit: `0,1538 zł/kWh`."""
    unit = _UNITS[rate.per] if language == "pl" else _UNITS_EN.get(rate.per, _UNITS[rate.per])
    return f"{decimal_text(rate.value_e8, decimals=8, least=2, language=language)} zł/{unit}"


def amount_text(grosz: int, language: str = "pl") -> str:
    """An amount: `1538,00 zł`."""
    return f"{decimal_text(grosz, decimals=2, least=2, language=language)} zł"


def day_text(day: date, language: str = "pl") -> str:
    """A day: `1 lutego 2026`."""
    return f"{day.day} {_month(day, language)} {day.year}"


def _month(day: date, language: str) -> str:
    return (_MONTHS if language == "pl" else _MONTHS_EN)[day.month - 1]


def days_text(first: date, last_exclusive: date, language: str = "pl") -> str:
    """A run of days: `1–31 stycznia 2026`."""
    last = last_exclusive - timedelta(days=1)
    if first == last:
        return day_text(first, language)
    if (first.year, first.month) == (last.year, last.month):
        return f"{first.day}–{day_text(last, language)}"
    if first.year == last.year:
        return f"{first.day} {_month(first, language)} – {day_text(last, language)}"
    return f"{day_text(first, language)} – {day_text(last, language)}"


def share_text(share: Share) -> str:
    """A factor of a formula: ` × 14/31`, nothing for a whole."""
    if share.numerator == share.denominator:
        return ""
    if share.denominator == 1:
        return f" × {share.numerator}"
    return f" × {share.numerator}/{share.denominator}"


def source_sentence(row: RateRow) -> Sentence:
    """Where a rate comes from, from when it holds, when it was checked and how sure it is."""
    last = None if row.valid_to is None else row.valid_to - timedelta(days=1)
    until_pl = "" if last is None else f" do {day_text(last)}"
    until_en = "" if last is None else f" to {day_text(last, 'en')}"
    return Sentence(
        f"Stawka {rate_text(row.rate)} obowiązuje od {day_text(row.valid_from)}{until_pl}; źródło: {row.source}; "
        f"sprawdzono {day_text(row.checked_on)}; pewność: {row.confidence}.",
        f"The rate {rate_text(row.rate, 'en')} is in force from {day_text(row.valid_from, 'en')}{until_en}; source: "
        f"{row.source}; checked {day_text(row.checked_on, 'en')}; how sure: {row.confidence}.",
    )


def zone_names(zone: str) -> tuple[str, str]:
    """The Polish and English name of a zone."""
    return ZONE_NAMES.get(zone, (zone, zone))
