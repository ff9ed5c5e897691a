"""Excise on electricity: part of the energy price, shown for the note on the invoice.

Source: law.md 2.5 (0.005 zl/kWh inside the energy price).
"""

from ogniwo.core.kernel.quantities import Rate
from ogniwo.core.kernel.refusals import Refusal
from ogniwo.core.tariffs.model import ChargeLine, RateRow

EXCISE_KEY = "statutory/excise"


class InexactRateError(Refusal):
    """Two rates cannot be added without losing digits."""

    code = "tariff.inexact_rate"


def with_excise(energy: Rate, excise: Rate) -> Rate:
    """The energy price including excise, in the unit of the energy price; refuses to round."""
    value_e8, rest = divmod(excise.value_e8 * energy.per.base_units, excise.per.base_units)
    if rest:
        raise InexactRateError(detail=f"excise {excise.text()} per {excise.per} is no exact price per {energy.per}")
    return Rate(energy.value_e8 + value_e8, energy.per)


def excise_row(line: ChargeLine) -> RateRow | None:
    """The excise rate inside a line of energy, None for any other line."""
    return next((row for row in line.rates if row.key == EXCISE_KEY), None)
