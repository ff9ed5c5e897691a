"""Excess over contract power: the ten largest hourly surpluses of a month at the fixed network rate.

Source: ENEA 2026 tariff, 3.2.9 to 3.2.16 (law.md 3.1). An hour's surplus is its largest quarter-hour mean power over
the contract power; the tariff does not say largest or mean, operators take the largest (unsure).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from ogniwo.core.kernel.calendar import Month
from ogniwo.core.kernel.quantities import Share
from ogniwo.core.tariffs.explain import decimal_text
from ogniwo.core.tariffs.lines import ChargeName, RatedPoint, charge_line
from ogniwo.core.tariffs.model import Category, ChargeLine, RateRow, Sentence
from ogniwo.core.tariffs.network import network_fixed_key
from ogniwo.core.tariffs.parts import Part, month_of, months_touched
from ogniwo.core.tariffs.usage import HourlyPower

LARGEST_COUNTED: Final = 10
EXCEEDANCE = ChargeName(
    code="power.exceedance",
    category=Category.DISTRIBUTION,
    label_pl="Przekroczenie mocy umownej",
    label_en="Excess over contract power",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Surplus:
    """An hour that counts: W over the contract power; `epoch_s` starts the hour, None for a meter without intervals."""

    month: Month
    day: date
    epoch_s: int | None
    surplus_w: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ExceedanceFee:
    """The lines and the surpluses they sum; `not_assessed` says why nothing could be judged, "" when it was."""

    lines: tuple[ChargeLine, ...]
    surpluses: tuple[Surplus, ...]
    not_assessed: str = ""


def exceedance_fee(point: RatedPoint) -> ExceedanceFee:
    """The fee of the months rated. Groups without control of power pay none; without power data nothing is judged."""
    if not point.group.exceedance:
        return ExceedanceFee(lines=(), surpluses=())
    hourly = point.usage.hourly_power_w(point.first, point.last_exclusive)
    if hourly is not None:
        return _of_hours(point, hourly)
    if point.usage.maximum_power_w is not None:
        return _of_maximum(point, point.usage.maximum_power_w)
    return ExceedanceFee(lines=(), surpluses=(), not_assessed="no mean powers and no maximum power were given")


def _of_hours(point: RatedPoint, hourly: HourlyPower) -> ExceedanceFee:
    contract_w = point.contract_power_w()
    above = [
        Surplus(month=month_of(day), day=day, epoch_s=int(start), surplus_w=int(power) - contract_w)
        for power, start, day in zip(hourly.power_w, hourly.start_epoch_s, hourly.days, strict=True)
        if power > contract_w
    ]
    lines: list[ChargeLine] = []
    counted: list[Surplus] = []
    for first, last_exclusive in months_touched(point.first, point.last_exclusive, continues_month=False):
        own = [row for row in above if row.month == month_of(first)]
        largest = sorted(own, key=lambda row: (-row.surplus_w, row.epoch_s))[:LARGEST_COUNTED]
        counted.extend(largest)
        lines.extend(_lines_by_rate(point, first, last_exclusive, largest))
    return ExceedanceFee(lines=tuple(lines), surpluses=tuple(counted))


def _lines_by_rate(
    point: RatedPoint, first: date, last_exclusive: date, largest: Sequence[Surplus]
) -> list[ChargeLine]:
    key = network_fixed_key(point)
    by_rate: dict[RateRow, list[Surplus]] = {}
    for row in largest:
        by_rate.setdefault(point.book.rates.on(key, row.day), []).append(row)
    return [
        charge_line(
            point=point,
            name=EXCEEDANCE,
            part=Part(first, last_exclusive, (rate_row,)),
            quantity=sum(row.surplus_w for row in rows),
            reasons=(_sum_sentence(point, rows),),
        )
        for rate_row, rows in by_rate.items()
    ]


def _of_maximum(point: RatedPoint, maximum_w: int) -> ExceedanceFee:
    """Ten times the largest surplus of the period, for meters that keep no intervals."""
    surplus_w = maximum_w - point.contract_power_w()
    if surplus_w <= 0:
        return ExceedanceFee(lines=(), surpluses=())
    row = point.book.rates.on(network_fixed_key(point), point.first)
    line = charge_line(
        point=point,
        name=EXCEEDANCE,
        part=Part(point.first, point.last_exclusive, (row,)),
        quantity=surplus_w,
        share=Share(LARGEST_COUNTED, 1),
        reasons=(
            Sentence(
                f"Licznik bez rejestracji: {LARGEST_COUNTED} × największa nadwyżka {_kilowatts(surplus_w)}.",
                f"Meter without intervals: {LARGEST_COUNTED} × the largest surplus {_kilowatts(surplus_w, 'en')}.",
            ),
        ),
    )
    surplus = Surplus(month=month_of(point.first), day=point.first, epoch_s=None, surplus_w=surplus_w)
    return ExceedanceFee(lines=(line,), surpluses=(surplus,))


def _sum_sentence(point: RatedPoint, rows: Sequence[Surplus]) -> Sentence:
    pl, en = ("; ".join(_kilowatts(row.surplus_w, language) for row in rows) for language in ("pl", "en"))
    power_w = point.contract_power_w()
    return Sentence(
        f"Suma {len(rows)} największych nadwyżek godzinowych ponad moc umowną {_kilowatts(power_w)} (najwyżej "
        f"{LARGEST_COUNTED} w miesiącu): {pl}.",
        f"Sum of the {len(rows)} largest hourly surpluses over the contract power {_kilowatts(power_w, 'en')} (at most "
        f"{LARGEST_COUNTED} a month): {en}.",
    )


def _kilowatts(power_w: int, language: str = "pl") -> str:
    return f"{decimal_text(power_w, decimals=3, language=language)} kW"
