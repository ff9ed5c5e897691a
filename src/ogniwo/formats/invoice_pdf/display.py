"""Numbers and dates as the bill prints them: groups of three with a no-break space, a comma in Polish, a true minus."""

from dataclasses import dataclass
from datetime import date, timedelta

from ogniwo.core.kernel.quantities import format_decimal
from ogniwo.core.kernel.rounding import divide_half_up

SPACE = "\N{NO-BREAK SPACE}"
MINUS = "\N{MINUS SIGN}"

_PRICE_DECIMALS = {"kWh": 4, "kvarh": 4}
_UNITS_PL = {"kW/month": "kW/m-c", "MW/month": "MW/m-c", "month": "m-c", "1": "szt."}
_UNITS_EN = {"1": "pcs"}


def grouped(text: str, *, mark: str) -> str:
    """Group the whole part of a plain decimal text and set its mark: -1234.5 becomes −1 234,5."""
    sign = MINUS if text.startswith("-") else ""
    whole, dot, fraction = text.removeprefix("-").partition(".")
    head = len(whole) % 3
    groups = ([whole[:head]] if head else []) + [whole[start : start + 3] for start in range(head, len(whole), 3)]
    return f"{sign}{SPACE.join(groups)}{mark if dot else ''}{fraction}"


@dataclass(frozen=True, slots=True)
class Display:
    """The number and date style of a language."""

    language: str

    @property
    def mark(self) -> str:
        """The decimal mark."""
        return "," if self.language == "pl" else "."

    def money(self, grosz: int) -> str:
        """An amount without currency: 1 234,56."""
        return grouped(format_decimal(grosz, decimals=2), mark=self.mark)

    def zloty(self, grosz: int) -> str:
        """An amount with its currency: 1 234,56 zł."""
        return f"{self.money(grosz)}{SPACE}zł"

    def decimal(self, text: str) -> str:
        """A plain decimal text in the language's style."""
        return grouped(text, mark=self.mark)

    def price(self, text: str, unit: str) -> str:
        """A net unit price: at least four decimals for a kWh or kvarh, so that prices stand under one another."""
        whole, _, fraction = text.partition(".")
        return self.decimal(f"{whole}.{fraction.ljust(_PRICE_DECIMALS.get(unit, 2), '0')}")

    def kwh(self, wh: int) -> str:
        """Energy in kWh with three decimals, without the unit."""
        return self.decimal(format_decimal(wh, decimals=3))

    def energy(self, wh: int) -> str:
        """Energy in kWh with its unit."""
        return f"{self.kwh(wh)}{SPACE}kWh"

    def thousandths(self, value_e3: int) -> str:
        """A counter state."""
        return self.decimal(format_decimal(value_e3, decimals=3))

    def power(self, watt: int) -> str:
        """Power in kW, whole when it is whole."""
        text = format_decimal(watt, decimals=3).rstrip("0").rstrip(".")
        return f"{self.decimal(text)}{SPACE}kW"

    def percent(self, part: int, whole: int) -> str:
        """A share in per cent with two decimals, half up; a part that is not zero is never shown as zero."""
        if whole <= 0:
            return f"0{SPACE}%"
        hundredths = divide_half_up(part * 10_000, whole)
        if hundredths == 0 and part > 0:
            return f"<{SPACE}0{self.mark}01{SPACE}%"
        return f"{self.decimal(format_decimal(hundredths, decimals=2))}{SPACE}%"

    def day(self, iso: str) -> str:
        """A day: 06.11.2026 in Polish, 2026-11-06 in English."""
        year, month, day = iso.split("-")
        return f"{day}.{month}.{year}" if self.language == "pl" else iso

    def last_day(self, iso_exclusive: str) -> str:
        """The last day of a half-open period."""
        return self.day((date.fromisoformat(iso_exclusive) - timedelta(days=1)).isoformat())

    def month(self, text: str) -> str:
        """A month written YYYY-MM."""
        year, month = text.split("-")
        return f"{month}.{year}" if self.language == "pl" else text

    def unit(self, unit: str) -> str:
        """A unit of a rate as the bill prints it."""
        return (_UNITS_PL if self.language == "pl" else _UNITS_EN).get(unit, unit)
