"""Renewables fee (OZE) and cogeneration fee on the energy taken.

Source: ENEA 2026 tariff, 3.1.4, 3.1.17 and 3.1.22 (energy-intensive users: 15 % or 25 % of the energy).
"""

from ogniwo.core.kernel.quantities import WHOLE, Share
from ogniwo.core.tariffs.lines import ChargeName, RatedPoint, UnusableTermsError
from ogniwo.core.tariffs.model import Category, ChargeLine, Sentence
from ogniwo.core.tariffs.per_energy import energy_lines
from ogniwo.core.tariffs.usage import Base

RENEWABLES = ChargeName(
    code="oze", category=Category.STATUTORY, label_pl="Opłata OZE", label_en="Renewable energy sources fee"
)
COGENERATION = ChargeName(
    code="cogeneration", category=Category.STATUTORY, label_pl="Opłata kogeneracyjna", label_en="Cogeneration fee"
)


def renewables_lines(point: RatedPoint) -> tuple[ChargeLine, ...]:
    """The OZE fee."""
    return _lines(point, RENEWABLES, "statutory/oze")


def cogeneration_lines(point: RatedPoint) -> tuple[ChargeLine, ...]:
    """The cogeneration fee."""
    return _lines(point, COGENERATION, "statutory/cogeneration")


def _lines(point: RatedPoint, name: ChargeName, key: str) -> tuple[ChargeLine, ...]:
    percent = point.terms.statutory_base_percent
    if not 0 < percent <= 100:
        raise UnusableTermsError(detail=f"{percent} % of the energy cannot be the base of statutory fees")
    share = WHOLE if percent == 100 else Share(percent, 100)
    reasons = (
        ()
        if percent == 100
        else (
            Sentence(
                f"Odbiorca energochłonny: podstawa {percent} % energii.",
                f"Energy-intensive customer: the base is {percent} % of the energy.",
            ),
        )
    )
    return energy_lines(point=point, name=name, key=key, base=Base.STATUTORY, share=share, reasons=reasons)
