"""Quality charge: the cost of keeping the national system in balance, on the energy taken.

Source: ENEA 2026 tariff, 3.1.1 and 3.1.3; the rate may change inside a year with the transmission tariff.
"""

from ogniwo.core.tariffs.lines import ChargeName, RatedPoint
from ogniwo.core.tariffs.model import Category, ChargeLine
from ogniwo.core.tariffs.per_energy import energy_lines
from ogniwo.core.tariffs.usage import Base

QUALITY = ChargeName(
    code="quality", category=Category.DISTRIBUTION, label_pl="Opłata jakościowa", label_en="Quality charge"
)


def quality_lines(point: RatedPoint) -> tuple[ChargeLine, ...]:
    """The quality charge at the rate of the group, or of special customers where the terms say so."""
    key = point.group.quality_special if point.terms.special_customer else point.group.quality
    return energy_lines(point=point, name=QUALITY, key=key, base=Base.QUALITY)
