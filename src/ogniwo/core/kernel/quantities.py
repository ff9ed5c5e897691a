"""Quantities: integers with a scale, and the one place where a quantity times a rate becomes money.

Energy is integer Wh (varh when reactive), power integer W, money integer grosz, rates integer 10^-8 zl per unit.
No float holds any of them.
"""

import re
from dataclasses import dataclass
from enum import StrEnum

from ogniwo.core.kernel.refusals import Refusal
from ogniwo.core.kernel.rounding import divide_half_up

RATE_DECIMALS = 8
"""A rate is stored in units of 10^-8 zl per unit of quantity."""

GROSZ_DECIMALS = 2
WH_PER_KWH_DECIMALS = 3

_DECIMAL = re.compile(r"([+-]?)(\d*)(?:[.,](\d*))?\Z", re.ASCII)


class NotADecimalError(Refusal):
    """A text that should hold an exact decimal does not, or holds more digits than its scale can keep."""

    code = "quantity.not_a_decimal"


def parse_decimal(text: str, *, decimals: int) -> int:
    """Read an exact decimal (comma or dot, no exponent, no grouping) as an integer of 10^-decimals.

    Raises NotADecimalError when the text is no decimal or has non-zero digits beyond `decimals`.
    """
    match = _DECIMAL.match(text.strip())
    if match is None or not (match[2] or match[3]):
        raise NotADecimalError(detail=f"{text!r} is not a decimal number")
    sign, whole, fraction = match[1], match[2] or "0", match[3] or ""
    kept, lost = fraction[:decimals], fraction[decimals:]
    if lost.strip("0"):
        raise NotADecimalError(detail=f"{text!r} has more than {decimals} decimal places")
    value = int(whole + kept.ljust(decimals, "0"))
    return -value if sign == "-" else value


def format_decimal(value: int, *, decimals: int, mark: str = ".") -> str:
    """Write an integer of 10^-decimals as plain decimal text with exactly `decimals` places."""
    digits = str(abs(value)).rjust(decimals + 1, "0")
    text = digits if decimals == 0 else f"{digits[:-decimals]}{mark}{digits[-decimals:]}"
    return f"-{text}" if value < 0 else text


class RateUnit(StrEnum):
    """What a rate is charged per; the member's text is what files and documents print."""

    KWH = "kWh"
    MWH = "MWh"
    KVARH = "kvarh"
    KW_MONTH = "kW/month"
    MW_MONTH = "MW/month"
    KW = "kW"
    MW = "MW"
    MONTH = "month"
    ONE = "1"

    @property
    def base_units(self) -> int:
        """How many base units (Wh, varh, W, or whole months or pieces) one unit of the rate holds."""
        return _BASE_UNITS[self]


_BASE_UNITS = {
    RateUnit.KWH: 1_000,
    RateUnit.MWH: 1_000_000,
    RateUnit.KVARH: 1_000,
    RateUnit.KW_MONTH: 1_000,
    RateUnit.MW_MONTH: 1_000_000,
    RateUnit.KW: 1_000,
    RateUnit.MW: 1_000_000,
    RateUnit.MONTH: 1,
    RateUnit.ONE: 1,
}


@dataclass(frozen=True, slots=True)
class Rate:
    """A price: `value_e8` x 10^-8 zl for one `per`."""

    value_e8: int
    per: RateUnit

    @classmethod
    def parse(cls, text: str, per: RateUnit) -> "Rate":
        """Read a price in zl written as an exact decimal."""
        return cls(parse_decimal(text, decimals=RATE_DECIMALS), per)

    def text(self, mark: str = ".") -> str:
        """The price in zl without trailing zeros, with at least two decimal places."""
        whole, _, fraction = format_decimal(self.value_e8, decimals=RATE_DECIMALS).partition(".")
        return f"{whole}{mark}{fraction.rstrip('0').ljust(2, '0')}"


@dataclass(frozen=True, slots=True)
class Share:
    """An exact fraction of a whole, such as 14 of 31 days or 17 of 100 per cent."""

    numerator: int
    denominator: int

    def __post_init__(self) -> None:
        if self.denominator <= 0 or self.numerator < 0:
            raise ValueError(f"not a share: {self.numerator}/{self.denominator}")


WHOLE = Share(1, 1)


def amount_grosz(*, quantity: int, rate: Rate, share: Share = WHOLE) -> int:
    """Price a quantity in base units (Wh, varh, W, months, pieces) to grosz, rounded once, half up.

    `share` prorates the amount, for instance by days of a month; it is part of the same single rounding.
    Source of the rounding rule: line net = quantity x rate rounded to 0.01 zl (law.md, "Money").
    """
    numerator = quantity * rate.value_e8 * share.numerator
    denominator = rate.per.base_units * 10 ** (RATE_DECIMALS - GROSZ_DECIMALS) * share.denominator
    return divide_half_up(numerator, denominator)
