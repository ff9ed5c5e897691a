"""The seller's part: energy by zone with excise inside its price, and the monthly trade fee of an offer.

The terms name an offer as `seller` or `seller/product`; without a product it is the one of the point's tariff group.
"""

from ogniwo.core.tariffs.excise import EXCISE_KEY, with_excise
from ogniwo.core.tariffs.explain import rate_text, zone_names
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
from ogniwo.core.tariffs.rules import ZoneClock
from ogniwo.core.tariffs.usage import ALL_ZONES, Base

TRADE_FEE = ChargeName(code="trade.fee", category=Category.ENERGY, label_pl="Opłata handlowa", label_en="Trade fee")


def trade_energy_lines(point: RatedPoint) -> tuple[ChargeLine, ...]:
    """Energy at the offer's price plus excise, by the zones of the offer; nothing where the terms name no offer."""
    if not point.terms.offer:
        return ()
    zones, zone_clock = _offer_zones(point)
    seller, product = _seller_and_product(point)
    keys = [f"offers/{seller}/{product}/energy/{zone}" for zone in zones]
    parts = rate_parts(point.book.rates, [*keys, EXCISE_KEY], point.first, point.last_exclusive)
    energies = point.usage.zone_wh(Base.TRADE, parts, zone_clock, point.terms.clock)
    lines: list[ChargeLine] = []
    for number, zone in enumerate(zones):
        zone_parts = [Part(part.first, part.last_exclusive, (part.rows[number], part.rows[-1])) for part in parts]
        changes = change_sentence(zone_parts)
        lines.extend(
            _energy_line(point, zone, part, by_zone[number], changes)
            for part, by_zone in zip(zone_parts, energies, strict=True)
        )
    return tuple(lines)


def trade_fee_lines(point: RatedPoint) -> tuple[ChargeLine, ...]:
    """The monthly trade fee, pro rata to the days, where the offer has one."""
    if not point.terms.offer:
        return ()
    seller, _ = _seller_and_product(point)
    if not point.book.offer(seller, point.first).trade_fee:
        return ()
    return prorated_lines(point=point, name=TRADE_FEE, key=f"offers/{seller}/trade.fee", power_w=None)


def _energy_line(point: RatedPoint, zone: str, part: Part, energy_wh: int, changes: tuple[Sentence, ...]) -> ChargeLine:
    polish, english = zone_names(zone)
    energy, excise = part.rows
    rate = with_excise(energy.rate, excise.rate)
    return charge_line(
        point=point,
        name=ChargeName(
            code="energy",
            category=Category.ENERGY,
            label_pl=f"Energia czynna, strefa: {polish}",
            label_en=f"Active energy, zone: {english}",
        ),
        part=part,
        quantity=energy_wh,
        zone=zone,
        rate=rate,
        reasons=(
            *changes,
            Sentence(
                f"Cena {rate_text(energy.rate)} powiększona o akcyzę {rate_text(excise.rate)}.",
                f"Price {rate_text(energy.rate, 'en')} with the excise {rate_text(excise.rate, 'en')} added.",
            ),
        ),
    )


def _offer_zones(point: RatedPoint) -> tuple[tuple[str, ...], ZoneClock | None]:
    """The zones of the energy price: one price all day, or the zones of the group's clock."""
    seller, product = _seller_and_product(point)
    offer = point.book.offer(seller, point.first)
    group = next((row for row in offer.groups if row.group == product), None)
    if group is None:
        raise UnusableTermsError(detail=f"offer {seller} has no price list {product}")
    if group.zones == (ALL_ZONES,):
        return group.zones, None
    if set(group.zones) != set(point.zones):
        raise UnusableTermsError(
            detail=f"offer {seller}/{product} prices other zones than the clock of {point.group.group} has"
        )
    return point.zones, point.zone_clock


def _seller_and_product(point: RatedPoint) -> tuple[str, str]:
    seller, _, product = point.terms.offer.partition("/")
    return seller, product or point.group.group
