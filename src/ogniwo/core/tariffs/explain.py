"""Polish sentences and names for charge lines: numbers, days, rates and where they come from."""

from datetime import date, timedelta

from ogniwo.core.kernel.quantities import Rate, RateUnit, Share, format_decimal
from ogniwo.core.tariffs.model import RateRow

_MONTHS = (
    "stycznia", "lutego", "marca", "kwietnia", "maja", "czerwca",
    "lipca", "sierpnia", "września", "października", "listopada", "grudnia",
)  # fmt: skip

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


def decimal_text(value: int, *, decimals: int, least: int = 0) -> str:
    """A scaled integer as a Polish decimal: comma, groups of three, no trailing zeros beyond `least` places."""
    whole, _, fraction = format_decimal(abs(value), decimals=decimals).partition(".")
    grouped = f"{int(whole):,}".replace(",", "\u00a0")
    kept = fraction.rstrip("0").ljust(least, "0")
    return f"{'-' if value < 0 else ''}{grouped}{',' if kept else ''}{kept}"


def quantity_text(quantity: int, per: RateUnit) -> str:
    """A quantity in base units in the unit its rate is charged per."""
    decimals = len(str(per.base_units)) - 1
    return f"{decimal_text(quantity, decimals=decimals)} {_QUANTITY_UNITS[per]}"


def base_unit_text(per: RateUnit) -> str:
    """The unit that the quantity of a line is counted in, for machines: Wh, varh, W, month or 1."""
    return _BASE_UNITS[per]


def energy_text(energy_wh: int) -> str:
    """An energy in kWh."""
    return f"{decimal_text(energy_wh, decimals=3)} kWh"


def rate_text(rate: Rate) -> str:
    """A rate with its unit: `0,1538 zł/kWh`."""
    return f"{decimal_text(rate.value_e8, decimals=8, least=2)} zł/{_UNITS[rate.per]}"


def amount_text(grosz: int) -> str:
    """An amount: `1538,00 zł`."""
    return f"{decimal_text(grosz, decimals=2, least=2)} zł"


def day_text(day: date) -> str:
    """A day: `1 lutego 2026`."""
    return f"{day.day} {_MONTHS[day.month - 1]} {day.year}"


def days_text(first: date, last_exclusive: date) -> str:
    """A run of days: `1–31 stycznia 2026`."""
    last = last_exclusive - timedelta(days=1)
    if first == last:
        return day_text(first)
    if (first.year, first.month) == (last.year, last.month):
        return f"{first.day}–{day_text(last)}"
    if first.year == last.year:
        return f"{first.day} {_MONTHS[first.month - 1]} – {day_text(last)}"
    return f"{day_text(first)} – {day_text(last)}"


def share_text(share: Share) -> str:
    """A factor of a formula: ` × 14/31`, nothing for a whole."""
    if share.numerator == share.denominator:
        return ""
    if share.denominator == 1:
        return f" × {share.numerator}"
    return f" × {share.numerator}/{share.denominator}"


def source_sentence(row: RateRow) -> str:
    """Where a rate comes from, from when it holds, when it was checked and how sure it is."""
    until = "" if row.valid_to is None else f" do {day_text(row.valid_to - timedelta(days=1))}"
    return (
        f"Stawka {rate_text(row.rate)} obowiązuje od {day_text(row.valid_from)}{until}; źródło: {row.source}; "
        f"sprawdzono {day_text(row.checked_on)}; pewność: {row.confidence}."
    )


def zone_names(zone: str) -> tuple[str, str]:
    """The Polish and English name of a zone."""
    return ZONE_NAMES.get(zone, (zone, zone))
