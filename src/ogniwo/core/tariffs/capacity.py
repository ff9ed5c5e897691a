"""Capacity fee (opłata mocowa): which of its two regimes a point is in, and the fee of a period.

Source: act on the capacity market of 8 December 2017, art. 89a: flat for small customers until the end of 2027, by
volume for all others and from 2028 for everybody (law.md 1.1).
"""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from ogniwo.core.tariffs.capacity_flat import flat_class, flat_lines, is_household
from ogniwo.core.tariffs.capacity_volume import CapacityPeriod, volume_fee
from ogniwo.core.tariffs.lines import RatedPoint
from ogniwo.core.tariffs.model import ChargeLine


class CapacityRegime(StrEnum):
    """How the fee is charged."""

    FLAT = "flat"
    VOLUME = "volume"


@dataclass(frozen=True, slots=True, kw_only=True)
class CapacityFee:
    """The lines of the fee with what they follow from: regime by days, class of the flat fee, qualification periods."""

    lines: tuple[ChargeLine, ...]
    regimes: tuple[tuple[date, date, CapacityRegime], ...]
    flat_class: str
    periods: tuple[CapacityPeriod, ...]


def capacity_regime(point: RatedPoint, day: date) -> CapacityRegime:
    """The regime of a point on a day.

    Flat: at low voltage households and unmetered points, and others up to the contract power of the rules (16 kW).
    """
    flat = point.book.capacity.flat_regime_on(day)
    if flat is None or point.voltage != "LV":
        return CapacityRegime.VOLUME
    if is_household(point) or point.group.unmetered or point.contract_power_w() <= flat.power_limit_w:
        return CapacityRegime.FLAT
    return CapacityRegime.VOLUME


def capacity_fee(point: RatedPoint) -> CapacityFee:
    """The fee of the rated days, split where the regime changes."""
    lines: list[ChargeLine] = []
    periods: list[CapacityPeriod] = []
    regimes: list[tuple[date, date, CapacityRegime]] = []
    class_name = ""
    day = point.first
    while day < point.last_exclusive:
        regime = capacity_regime(point, day)
        end = _regime_end(point, day)
        regimes.append((day, end, regime))
        if regime is CapacityRegime.FLAT:
            class_name = flat_class(point, day).name
            lines.extend(flat_lines(point, day, end))
        else:
            fee = volume_fee(point, day, end)
            lines.extend(fee.lines)
            periods.extend(fee.periods)
        day = end
    return CapacityFee(lines=tuple(lines), regimes=tuple(regimes), flat_class=class_name, periods=tuple(periods))


def _regime_end(point: RatedPoint, day: date) -> date:
    bounds = [bound for row in point.book.capacity.flat_regime for bound in (row.valid_from, row.valid_to) if bound]
    return min([*(bound for bound in bounds if bound > day), point.last_exclusive])
