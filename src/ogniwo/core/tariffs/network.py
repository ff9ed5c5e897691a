"""Network charge: a fixed part per contract power or month, a variable part by zone, with thresholds.

Source: ENEA 2026 tariff, 3.1.1 to 3.1.9 and chapter 7 (law.md 2.1 and 2.3).
"""

from ogniwo.core.tariffs.explain import energy_text, zone_names
from ogniwo.core.tariffs.lines import (
    ChargeName,
    RatedPoint,
    UnusableTermsError,
    change_sentence,
    charge_line,
    prorated_lines,
)
from ogniwo.core.tariffs.model import Category, ChargeLine, Sentence
from ogniwo.core.tariffs.parts import Part, rate_parts
from ogniwo.core.tariffs.storage import storage_fixed, storage_variable
from ogniwo.core.tariffs.usage import Base

FIXED = ChargeName(
    code="network.fixed",
    category=Category.DISTRIBUTION,
    label_pl="Opłata sieciowa stała",
    label_en="Fixed network charge",
)


def network_fixed_key(point: RatedPoint) -> str:
    """The rate key of the fixed part, by phases (G), by the chosen price set (em) or plain."""
    base = f"{point.terms.operator}/{point.group.group}/network.fixed"
    if point.group.fixed == "phases":
        return f"{base}/{point.terms.phases}"
    return f"{base}{_variant(point)}"


def network_fixed_lines(point: RatedPoint) -> tuple[ChargeLine, ...]:
    """The fixed part, pro rata to the days of the contract; times K for a storage."""
    power_w = None if point.group.fixed == "phases" else point.contract_power_w()
    factor, reasons = storage_fixed(point)
    return prorated_lines(
        point=point, name=FIXED, key=network_fixed_key(point), power_w=power_w, factor=factor, reasons=reasons
    )


def network_variable_lines(point: RatedPoint) -> tuple[ChargeLine, ...]:
    """The variable part by zone; lines split where a rate changes and where a threshold is passed."""
    base = f"{point.terms.operator}/{point.group.group}/network.variable"
    suffix = _variant(point)
    keys = [f"{base}/{zone}{suffix}" for zone in point.zones]
    threshold = point.group.threshold
    if threshold is not None:
        keys.append(f"{base}/{threshold.zone}.above")
    parts = rate_parts(point.book.rates, keys, point.first, point.last_exclusive)
    energies = point.usage.zone_wh(Base.NETWORK, parts, point.zone_clock, point.terms.clock)
    lines: list[ChargeLine] = []
    for number, zone in enumerate(point.zones):
        below = [Part(part.first, part.last_exclusive, (part.rows[number],)) for part in parts]
        energy_wh = [by_zone[number] for by_zone in energies]
        if threshold is None or zone != threshold.zone:
            lines.extend(_zone_lines(point, zone, below, energy_wh, ()))
            continue
        limit_wh = _limit_wh(point)
        kept_wh = _up_to(energy_wh, limit_wh)
        rest_wh = [whole - kept for whole, kept in zip(energy_wh, kept_wh, strict=True)]
        reason = (
            Sentence(
                f"Próg {energy_text(limit_wh)} w okresie rozliczeniowym.",
                f"Threshold of {energy_text(limit_wh, 'en')} in the billing period.",
            ),
        )
        lines.extend(_zone_lines(point, zone, below, kept_wh, reason))
        if any(rest_wh):
            above = [Part(part.first, part.last_exclusive, (part.rows[-1],)) for part in parts]
            lines.extend(_zone_lines(point, f"{zone}.above", above, rest_wh, reason))
    return tuple(lines)


def _zone_lines(
    point: RatedPoint, zone: str, parts: list[Part], energy_wh: list[int], reasons: tuple[Sentence, ...]
) -> list[ChargeLine]:
    polish, english = zone_names(zone)
    name = ChargeName(
        code="network.variable",
        category=Category.DISTRIBUTION,
        label_pl=f"Opłata sieciowa zmienna, strefa: {polish}",
        label_en=f"Variable network charge, zone: {english}",
    )
    share, storage_reasons = storage_variable(point)
    changes = change_sentence(parts)
    return [
        charge_line(
            point=point,
            name=name,
            part=part,
            quantity=quantity,
            zone=zone,
            share=share,
            reasons=(*reasons, *storage_reasons, *changes),
        )
        for part, quantity in zip(parts, energy_wh, strict=True)
    ]


def _up_to(energy_wh: list[int], limit_wh: int) -> list[int]:
    """Fill the limit in the order of the days."""
    left_wh = limit_wh
    kept: list[int] = []
    for whole in energy_wh:
        kept.append(min(whole, left_wh))
        left_wh -= kept[-1]
    return kept


def _limit_wh(point: RatedPoint) -> int:
    threshold = point.group.threshold
    limit_wh = point.terms.last_year_zone_wh if threshold is None or threshold.limit_wh is None else threshold.limit_wh
    if limit_wh is None:
        raise UnusableTermsError(detail=f"group {point.group.group} needs last year's consumption of its zone")
    return limit_wh


def _variant(point: RatedPoint) -> str:
    if not point.group.variants:
        if point.terms.variant:
            raise UnusableTermsError(detail=f"group {point.group.group} has no price sets, not {point.terms.variant}")
        return ""
    if point.terms.variant not in point.group.variants:
        raise UnusableTermsError(
            detail=f"group {point.group.group} needs a price set, one of: {', '.join(point.group.variants)}"
        )
    return f"/{point.terms.variant}"
