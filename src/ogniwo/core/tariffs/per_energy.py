"""Charges of one rate on the whole energy of a base, split where the rate changes."""

from ogniwo.core.kernel.quantities import WHOLE, Share
from ogniwo.core.tariffs.lines import ChargeName, RatedPoint, change_sentence, charge_line
from ogniwo.core.tariffs.model import ChargeLine, Sentence
from ogniwo.core.tariffs.parts import rate_parts
from ogniwo.core.tariffs.usage import Base


def energy_lines(
    *,
    point: RatedPoint,
    name: ChargeName,
    key: str,
    base: Base,
    share: Share = WHOLE,
    reasons: tuple[Sentence, ...] = (),
) -> tuple[ChargeLine, ...]:
    """One line per rate in force: the energy of its days by the profile, or by average daily use without one."""
    parts = rate_parts(point.book.rates, (key,), point.first, point.last_exclusive)
    changes = change_sentence(parts)
    return tuple(
        charge_line(point=point, name=name, part=part, quantity=energy_wh, share=share, reasons=(*reasons, *changes))
        for part, energy_wh in zip(parts, point.usage.total_wh(base, parts), strict=True)
    )
