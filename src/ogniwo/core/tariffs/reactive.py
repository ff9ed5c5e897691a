"""Reactive energy: inductive above tg phi 0, capacitive always, priced at k times the market price of energy.

Source: ENEA 2026 tariff, 3.3 (law.md 3.2): O_b = k * C_rk * (sqrt((1 + tg^2) / (1 + tg0^2)) - 1) * A.
"""

from math import isqrt

from ogniwo.core.kernel.quantities import Rate, RateUnit, Share
from ogniwo.core.kernel.rounding import divide_half_up
from ogniwo.core.tariffs.excise import InexactRateError
from ogniwo.core.tariffs.explain import both, decimal_text, energy_text, zone_names
from ogniwo.core.tariffs.lines import ChargeName, RatedPoint, UnusableTermsError, charge_line
from ogniwo.core.tariffs.model import Category, ChargeLine, RateRow, Sentence
from ogniwo.core.tariffs.parts import Part
from ogniwo.core.tariffs.usage import ALL_ZONES, MissingUsageError, ReactiveEnergy

FACTOR_DECIMALS = 12
"""How many places k times the factor of the inductive formula keeps, so that a line can be checked by hand and its
share fits every document; the error is below 0.01 grosz for 100 GWh a month."""
_GUARD_DECIMALS = 40


def inductive_factor(*, active_wh: int, inductive_varh: int, tg_phi0_e3: int, factor_e2: int = 100) -> int:
    """Give k * (sqrt((1 + tg^2) / (1 + tg0^2)) - 1) in units of 10^-12, half up; zero up to tg0; `active_wh` > 0.

    tg = Q / A, so the root is sqrt((A^2 + Q^2) * 10^6 / (10^6 + t^2)) / A with t in thousandths; its integer square
    root carries 40 guard digits.
    """
    if inductive_varh * 1_000 <= tg_phi0_e3 * active_wh:
        return 0
    numerator = (active_wh**2 + inductive_varh**2) * 10**6
    root = isqrt(numerator * 10 ** (2 * _GUARD_DECIMALS) // (10**6 + tg_phi0_e3**2))
    excess = root - active_wh * 10**_GUARD_DECIMALS
    return divide_half_up(factor_e2 * excess, 100 * active_wh * 10 ** (_GUARD_DECIMALS - FACTOR_DECIMALS))


def reactive_lines(point: RatedPoint) -> tuple[ChargeLine, ...]:
    """One line per zone for inductive energy and one for capacitive; nothing where the contract does not charge it.

    Refuses when the contract charges it and no reactive energy is given, or the market price C_rk is not known. The
    price is that of the first day: it was fixed when the tariff was approved.
    """
    if not point.terms.reactive_charged:
        return ()
    if not point.usage.reactive:
        raise MissingUsageError(detail="the contract charges reactive energy, but none is given")
    rules = point.book.reactive_rules(point.terms.operator, point.first)
    if point.terms.tg_phi0_e3 < rules.lowest_tg_phi0_e3:
        raise UnusableTermsError(detail=f"tg phi 0 of {point.terms.tg_phi0_e3} thousandths is below the lowest allowed")
    factor_e2 = dict(rules.factor_e2).get(point.voltage)
    if factor_e2 is None:
        raise UnusableTermsError(detail=f"{point.terms.operator} has no reactive energy factor at {point.voltage}")
    price = point.book.rates.on(f"{point.terms.operator}/reactive.price", point.first)
    lines: list[ChargeLine] = []
    for row in point.usage.reactive:
        if row.q1_varh is None and row.q4_varh is None:
            raise MissingUsageError(detail="the contract charges reactive energy, but neither quadrant is given")
        if row.q1_varh is not None:
            lines.append(_inductive(point, row, price, factor_e2, row.q1_varh))
        if row.q4_varh or row.q1_varh is None:
            reasons = (
                Sentence(
                    f"Energia bierna pojemnościowa w całości, k = {_hundredths(factor_e2)}.",
                    f"Capacitive reactive energy in full, k = {_hundredths(factor_e2, 'en')}.",
                ),
                *_not_delivered("indukcyjnej", "inductive", row.q1_varh),
            )
            lines.append(_per_varh(point, row, price, factor_e2, row.q4_varh or 0, "capacitive", reasons))
    return tuple(lines)


def _inductive(
    point: RatedPoint, row: ReactiveEnergy, price: RateRow, factor_e2: int, inductive_varh: int
) -> ChargeLine:
    lacking = _not_delivered("pojemnościowej", "capacitive", row.q4_varh)
    if row.active_wh == 0:
        alone = Sentence(
            f"Energia bierna indukcyjna bez poboru energii czynnej, k = {_hundredths(factor_e2)}.",
            f"Inductive reactive energy without any active energy taken, k = {_hundredths(factor_e2, 'en')}.",
        )
        reasons = (alone, *lacking)
        return _per_varh(point, row, price, factor_e2, inductive_varh, "inductive", reasons)
    tg_phi0_e3 = point.terms.tg_phi0_e3
    factor = inductive_factor(
        active_wh=row.active_wh, inductive_varh=inductive_varh, tg_phi0_e3=tg_phi0_e3, factor_e2=factor_e2
    )
    tangent_e6 = divide_half_up(inductive_varh * 10**6, row.active_wh)

    def tangents(language: str) -> str:
        varh, tangent, tg_phi0 = (
            decimal_text(value, decimals=decimals, language=language)
            for value, decimals in ((inductive_varh, 3), (tangent_e6, 6), (tg_phi0_e3, 3))
        )
        return f"tg φ = {varh} kvarh / {energy_text(row.active_wh, language)} ≈ {tangent}, tg φ0 = {tg_phi0}."

    values = [decimal_text(factor, decimals=FACTOR_DECIMALS, language=language) for language in ("pl", "en")]
    formula = Sentence(
        f"k = {_hundredths(factor_e2)}; k × (pierwiastek((1 + tg²) / (1 + tg0²)) − 1) = {values[0]} "
        f"(do {FACTOR_DECIMALS} miejsc).",
        f"k = {_hundredths(factor_e2, 'en')}; k × (root((1 + tg²) / (1 + tg0²)) − 1) = {values[1]} "
        f"(to {FACTOR_DECIMALS} places).",
    )
    return charge_line(
        point=point,
        name=_name("inductive", row.zone),
        part=Part(point.first, point.last_exclusive, (price,)),
        quantity=row.active_wh,
        zone=row.zone,
        share=Share(factor, 10**FACTOR_DECIMALS),
        reasons=(both(tangents), formula, *lacking),
    )


def _per_varh(
    point: RatedPoint,
    row: ReactiveEnergy,
    price: RateRow,
    factor_e2: int,
    quantity_varh: int,
    kind: str,
    reasons: tuple[Sentence, ...],
) -> ChargeLine:
    return charge_line(
        point=point,
        name=_name(kind, row.zone),
        part=Part(point.first, point.last_exclusive, (price,)),
        quantity=quantity_varh,
        zone=row.zone,
        rate=_per_kvarh(price.rate),
        share=Share(factor_e2, 100),
        reasons=reasons,
    )


def _not_delivered(kind_pl: str, kind_en: str, quantity_varh: int | None) -> tuple[Sentence, ...]:
    if quantity_varh is not None:
        return ()
    return (
        Sentence(
            f"Energii biernej {kind_pl} licznik nie dostarczył: nie naliczono jej.",
            f"The meter did not deliver the {kind_en} reactive energy: it is not charged.",
        ),
    )


def _per_kvarh(price: Rate) -> Rate:
    """The price of active energy as the price of as much reactive energy (3.3.8), so that the line counts kvarh."""
    value_e8, rest = divmod(price.value_e8 * RateUnit.KVARH.base_units, price.per.base_units)
    if rest:
        raise InexactRateError(detail=f"{price.text()} per {price.per} is no exact price per kvarh")
    return Rate(value_e8, RateUnit.KVARH)


def _name(kind: str, zone: str) -> ChargeName:
    polish, english = {"inductive": ("indukcyjna", "inductive"), "capacitive": ("pojemnościowa", "capacitive")}[kind]
    suffix = ("", "") if zone == ALL_ZONES else tuple(f" ({name})" for name in zone_names(zone))
    return ChargeName(
        code=f"reactive.{kind}",
        category=Category.DISTRIBUTION,
        label_pl=f"Energia bierna {polish}{suffix[0]}",
        label_en=f"Reactive energy, {english}{suffix[1]}",
    )


def _hundredths(value_e2: int, language: str = "pl") -> str:
    return decimal_text(value_e2, decimals=2, least=2, language=language)
