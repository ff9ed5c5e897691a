"""What every charge needs: the point and period being rated, and one way to make a line with its reasons."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from ogniwo.core.kernel.quantities import WHOLE, Rate, Share, amount_grosz
from ogniwo.core.kernel.refusals import Refusal
from ogniwo.core.tariffs.explain import (
    amount_text,
    both,
    day_text,
    days_text,
    quantity_text,
    rate_text,
    share_text,
    source_sentence,
)
from ogniwo.core.tariffs.model import Category, ChargeLine, PointTerms, RateRow, Sentence
from ogniwo.core.tariffs.parts import Part, month_shares, rate_parts
from ogniwo.core.tariffs.rules import GroupRules, TariffBook, ZoneClock
from ogniwo.core.tariffs.usage import PointUsage

ROUNDING_SENTENCE = Sentence(
    "Kwota zaokrąglona raz, do grosza, połówki w górę.",
    "The amount is rounded once, to the grosz, halves up.",
)


class UnusableTermsError(Refusal):
    """The terms of a point lack something its tariff group needs, or contradict it."""

    code = "tariff.unusable_terms"


@dataclass(frozen=True, kw_only=True)
class RatedPoint:
    """One point over the local days [first, last_exclusive): what every charge is computed from.

    `continues_month` says that the days of the first month before `first` were rated before, so that what is charged in
    full per month is not charged again.
    """

    book: TariffBook
    terms: PointTerms
    group: GroupRules
    zone_clock: ZoneClock | None
    first: date
    last_exclusive: date
    usage: PointUsage
    vat_rate_percent: int
    continues_month: bool = False

    @property
    def voltage(self) -> str:
        """The group's voltage, or that of the terms where the group leaves it open."""
        return self.group.voltage or self.terms.voltage

    @property
    def zones(self) -> tuple[str, ...]:
        """The zones of the group."""
        return ("all",) if self.zone_clock is None else self.zone_clock.zones

    def contract_power_w(self) -> int:
        """The contract power; refuses when the terms have none."""
        if self.terms.contract_power_w <= 0:
            raise UnusableTermsError(detail=f"group {self.group.group} needs a contract power")
        return self.terms.contract_power_w


@dataclass(frozen=True, slots=True, kw_only=True)
class ChargeName:
    """How a charge is called: stable code, place on the bill, Polish and English label."""

    code: str
    category: Category
    label_pl: str
    label_en: str


def charge_line(
    *,
    point: RatedPoint,
    name: ChargeName,
    part: Part,
    quantity: int,
    zone: str = "",
    rate: Rate | None = None,
    share: Share = WHOLE,
    reasons: Sequence[Sentence] = (),
) -> ChargeLine:
    """Price a quantity with the first rate of a part (or a `rate` made of them) and say why, rounding once."""
    price = part.rows[0].rate if rate is None else rate
    net_grosz = amount_grosz(quantity=quantity, rate=price, share=share)
    sentences = (
        _days_sentence(part),
        *reasons,
        *(source_sentence(row) for row in part.rows),
        both(
            lambda language: (
                f"{quantity_text(quantity, price.per, language)} × {rate_text(price, language)}{share_text(share)} = "
                f"{amount_text(net_grosz, language)}."
            )
        ),
        ROUNDING_SENTENCE,
    )
    return ChargeLine(
        charge=name.code,
        zone=zone,
        category=name.category,
        label_pl=name.label_pl,
        label_en=name.label_en,
        first=part.first,
        last_exclusive=part.last_exclusive,
        quantity=quantity,
        rate=price,
        share=(share.numerator, share.denominator),
        net_grosz=net_grosz,
        vat_rate_percent=point.vat_rate_percent,
        rates=part.rows,
        why=tuple(one.pl for one in sentences),
        why_en=tuple(one.en for one in sentences),
    )


def _days_sentence(part: Part) -> Sentence:
    return Sentence(
        f"Dotyczy dni: {days_text(part.first, part.last_exclusive)}.",
        f"For the days: {days_text(part.first, part.last_exclusive, 'en')}.",
    )


def change_sentence(parts: Sequence[Part]) -> tuple[Sentence, ...]:
    """Say how a rate changes inside the period: `1–31 stycznia 0,0331 zł/kWh, od 1 lutego 0,0332 zł/kWh`."""
    rates: list[tuple[Part, RateRow]] = []
    for part in parts:
        row = part.rows[0]
        if not rates or rates[-1][1].rate != row.rate:
            rates.append((part, row))
    if len(rates) < 2:
        return ()

    def told(language: str) -> str:
        return ", ".join(
            f"{_run(rates, index, language)} {rate_text(row.rate, language)}" for index, (_, row) in enumerate(rates)
        )

    return (
        Sentence(
            f"Stawka zmienia się w okresie: {told('pl')}.",
            f"The rate changes in the period: {told('en')}.",
        ),
    )


def _run(rates: Sequence[tuple[Part, RateRow]], index: int, language: str) -> str:
    """The days of one rate among several: up to the next, or from a day on."""
    part = rates[index][0]
    if index + 1 < len(rates):
        return days_text(part.first, rates[index + 1][0].first, language)
    return f"{'od' if language == 'pl' else 'from'} {day_text(part.first, language)}"


def prorated_lines(
    *,
    point: RatedPoint,
    name: ChargeName,
    key: str,
    power_w: int | None,
    zone: str = "",
    factor: Share = WHOLE,
    reasons: Sequence[Sentence] = (),
) -> tuple[ChargeLine, ...]:
    """Lines of a monthly charge pro rata to the days rated: of `power_w`, or of months where that is None.

    `factor` multiplies the amount (the K of a storage). Whole months count in full (ENEA 2026 tariff, 3.1.9).
    """
    parts = rate_parts(point.book.rates, (key,), point.first, point.last_exclusive)
    changes = change_sentence(parts)
    lines: list[ChargeLine] = []
    for part in parts:
        for begin, end, months in month_shares(part.first, part.last_exclusive):
            quantity, share = (1, months) if power_w is None else (power_w, months)
            if power_w is None and months.denominator == 1:
                quantity, share = months.numerator, WHOLE
            lines.append(
                charge_line(
                    point=point,
                    name=name,
                    part=Part(begin, end, part.rows),
                    quantity=quantity,
                    zone=zone,
                    share=Share(share.numerator * factor.numerator, share.denominator * factor.denominator),
                    reasons=(*reasons, *changes, *proration_sentence(months)),
                )
            )
    return tuple(lines)


def proration_sentence(months: Share) -> tuple[Sentence, ...]:
    """Say of how many days a part of a month is; nothing for whole months."""
    if months.denominator == 1:
        return ()
    return (
        Sentence(
            f"Niepełny miesiąc: {months.numerator} z {months.denominator} dni.",
            f"Part of a month: {months.numerator} of {months.denominator} days.",
        ),
    )
