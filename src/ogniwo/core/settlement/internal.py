"""Internal settlement: takers pay the community's price and fee, producers get exactly what the takers pay for energy.

The act leaves the prices between members to the statute (law.md 4.4). Invariant: sum of what takers pay = sum of what
producers get + fee of the cooperative, in whole grosze; the grosze of rounding stay with the producers.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from ogniwo.core.kernel.quantities import GROSZ_DECIMALS, amount_grosz, format_decimal
from ogniwo.core.kernel.refusals import Refusal
from ogniwo.core.kernel.rounding import split_largest_remainder
from ogniwo.core.settlement.corridor import per_mwh_e8
from ogniwo.core.tariffs.model import Category, ChargeLine, RateRow, Sentence

COMMUNITY_ENERGY = "community.energy"
COMMUNITY_FEE = "community.fee"
COMMUNITY_CREDIT = "community.credit"

_LABELS = {
    COMMUNITY_ENERGY: ("Energia ze społeczności", "Energy from the community"),
    COMMUNITY_FEE: ("Opłata na rzecz społeczności", "Community fee"),
    COMMUNITY_CREDIT: ("Energia oddana społeczności", "Energy given to the community"),
}


class EnergyDoesNotMatchError(Refusal):
    """Members took another amount of energy from the community than members gave to it."""

    code = "internal.energy_does_not_match"


@dataclass(frozen=True, slots=True, kw_only=True)
class InternalPrices:
    """The community's own rates: `price` for energy, `fee` on top of it (None: no fee), with their resolutions.

    The VAT rates are those of the documents that will carry the lines and the credits.
    """

    price: RateRow
    fee: RateRow | None
    vat_rate_percent: int
    credit_vat_rate_percent: int


@dataclass(frozen=True, slots=True, kw_only=True)
class InternalSettlement:
    """Lines charged to takers and credits due to producers, by member; totals in grosz."""

    lines: Mapping[str, tuple[ChargeLine, ...]]
    credits: Mapping[str, tuple[ChargeLine, ...]]
    energy_grosz: int
    fee_grosz: int
    credited_grosz: int


def settle_internally(
    *,
    community_in_wh: Mapping[str, int],
    community_out_wh: Mapping[str, int],
    prices: InternalPrices,
    first: date,
    last_exclusive: date,
) -> InternalSettlement:
    """Price the energy that members exchanged from `first` up to but not including `last_exclusive` (local days).

    Args:
        community_in_wh: Wh each member got from the community; members without any get no line.
        community_out_wh: Wh each member gave to the community.
        prices: Internal price and fee per kWh or MWh, with VAT rates for the lines.
        first: First local day.
        last_exclusive: Day after the last one.

    Raises:
        EnergyDoesNotMatchError: the two sums differ.
        PriceUnitError: a rate is not per kWh or MWh.
    """
    for row in (prices.price, prices.fee):
        if row is not None:
            per_mwh_e8(row.rate)
    got, gave = sum(community_in_wh.values()), sum(community_out_wh.values())
    if got != gave:
        raise EnergyDoesNotMatchError(detail=f"members took {got} Wh from the community and gave {gave} Wh to it")
    days = (first, last_exclusive)
    takers = {member: wh for member, wh in sorted(community_in_wh.items()) if wh}
    lines = {member: _taker_lines(wh, prices, days) for member, wh in takers.items()}
    charged = [line for member_lines in lines.values() for line in member_lines]
    energy_grosz = sum(line.net_grosz for line in charged if line.charge == COMMUNITY_ENERGY)
    producers = {member: wh for member, wh in sorted(community_out_wh.items()) if wh}
    amounts = split_largest_remainder(total=energy_grosz, weights=tuple(producers.values()), ids=tuple(producers))
    credit_lines = {
        member: (_credit_line(wh, amount, (energy_grosz, gave), prices, days),)
        for (member, wh), amount in zip(producers.items(), amounts, strict=True)
    }
    return InternalSettlement(
        lines=lines,
        credits=credit_lines,
        energy_grosz=energy_grosz,
        fee_grosz=sum(line.net_grosz for line in charged if line.charge == COMMUNITY_FEE),
        credited_grosz=sum(amounts),
    )


def _taker_lines(wh: int, prices: InternalPrices, days: tuple[date, date]) -> tuple[ChargeLine, ...]:
    charged = [(COMMUNITY_ENERGY, prices.price)]
    if prices.fee is not None:
        charged.append((COMMUNITY_FEE, prices.fee))
    return tuple(
        _line(
            charge=charge,
            wh=wh,
            row=row,
            net_grosz=(net := amount_grosz(quantity=wh, rate=row.rate)),
            vat_rate_percent=prices.vat_rate_percent,
            days=days,
            why=(
                Sentence(
                    f"Energia ze społeczności {_days(days)}: {_kwh(wh)}, suma godzinowych udziałów w całych Wh.",
                    f"Energy from the community {_days_en(days)}: {_kwh(wh, '.')}, the sum of hourly shares in Wh.",
                ),
                _price_sentence(row),
                Sentence(
                    f"{_kwh(wh)} × {_price(row)} = {_zl(net)}, zaokrąglone raz, do grosza, połówki w górę.",
                    f"{_kwh(wh, '.')} × {_price(row, '.')} = {_zl(net, '.')}, rounded once, to the grosz, halves up.",
                ),
            ),
        )
        for charge, row in charged
    )


def _credit_line(
    wh: int, net_grosz: int, whole: tuple[int, int], prices: InternalPrices, days: tuple[date, date]
) -> ChargeLine:
    whole_grosz, whole_wh = whole
    return _line(
        charge=COMMUNITY_CREDIT,
        wh=wh,
        row=prices.price,
        net_grosz=net_grosz,
        vat_rate_percent=prices.credit_vat_rate_percent,
        days=days,
        why=(
            Sentence(
                f"Energia oddana społeczności {_days(days)}: {_kwh(wh)} z łącznie {_kwh(whole_wh)}.",
                f"Energy given to the community {_days_en(days)}: {_kwh(wh, '.')} of {_kwh(whole_wh, '.')} in all.",
            ),
            _price_sentence(prices.price),
            Sentence(
                f"Odbiorcy zapłacili za energię razem {_zl(whole_grosz)}.",
                f"Takers paid {_zl(whole_grosz, '.')} for the energy together.",
            ),
            Sentence(
                f"{_zl(whole_grosz)} × {_kwh(wh)} / {_kwh(whole_wh)} = {_zl(net_grosz)}.",
                f"{_zl(whole_grosz, '.')} × {_kwh(wh, '.')} / {_kwh(whole_wh, '.')} = {_zl(net_grosz, '.')}.",
            ),
            Sentence(
                "Każdy udział zaokrąglono w dół do grosza, brakujące grosze dostały największe reszty.",
                "Each share was rounded down to the grosz; the grosze left went to the largest remainders.",
            ),
            Sentence(
                "Przy równych resztach pierwszy jest mniejszy identyfikator; suma należności to suma wpłat za energię.",
                "Of equal remainders the smaller name comes first; what is credited sums to what was paid for energy.",
            ),
        ),
    )


def _line(
    *,
    charge: str,
    wh: int,
    row: RateRow,
    net_grosz: int,
    vat_rate_percent: int,
    days: tuple[date, date],
    why: tuple[Sentence, ...],
) -> ChargeLine:
    label_pl, label_en = _LABELS[charge]
    return ChargeLine(
        charge=charge,
        zone="",
        category=Category.COMMUNITY,
        label_pl=label_pl,
        label_en=label_en,
        first=days[0],
        last_exclusive=days[1],
        quantity=wh,
        rate=row.rate,
        share=(1, 1),
        net_grosz=net_grosz,
        vat_rate_percent=vat_rate_percent,
        rates=(row,),
        why=tuple(one.pl for one in why),
        why_en=tuple(one.en for one in why),
    )


def _days(days: tuple[date, date]) -> str:
    return f"od {days[0]} do {days[1] - timedelta(days=1)}"


def _days_en(days: tuple[date, date]) -> str:
    return f"from {days[0]} to {days[1] - timedelta(days=1)}"


def _price_sentence(row: RateRow) -> Sentence:
    return Sentence(
        f"Stawka {_price(row)}, obowiązuje od {row.valid_from}, podstawa: {row.source}.",
        f"Rate {_price(row, '.')}, in force from {row.valid_from}, by: {row.source}.",
    )


def _price(row: RateRow, mark: str = ",") -> str:
    return f"{row.rate.text(mark)} zł/{row.rate.per}"


def _kwh(wh: int, mark: str = ",") -> str:
    return f"{format_decimal(wh, decimals=3, mark=mark)} kWh"


def _zl(grosz: int, mark: str = ",") -> str:
    return f"{format_decimal(grosz, decimals=GROSZ_DECIMALS, mark=mark)} zł"
