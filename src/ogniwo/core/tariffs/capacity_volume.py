"""Capacity fee, regime by volume: energy of the selected hours, times the coefficient A of a group K1 to K4.

Source: act on the capacity market, art. 70a and 89a ust. 1 pkt 2 (law.md 1.3 and 1.4):
s = ((ZS / n_S) / (ZPS / n_PS) - 1) * 100 %, fee = SOM * A * ZS.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from ogniwo.core.kernel.calendar import HOUR_S, grid_of_days
from ogniwo.core.kernel.quantities import Share
from ogniwo.core.kernel.rounding import divide_half_up
from ogniwo.core.tariffs.capacity_rules import CapacityRules, CoefficientGroup, Coefficients, Qualification
from ogniwo.core.tariffs.explain import decimal_text
from ogniwo.core.tariffs.lines import ChargeName, RatedPoint, charge_line
from ogniwo.core.tariffs.model import Category, ChargeLine, Sentence
from ogniwo.core.tariffs.parts import Part, month_of, rate_parts
from ogniwo.core.tariffs.zones import OTHER, SELECTED, capacity_slots

VOLUME_RATE_KEY = "statutory/capacity.volume"
VOLUME = ChargeName(
    code="capacity.volume",
    category=Category.STATUTORY,
    label_pl="Opłata mocowa od energii w godzinach wybranych",
    label_en="Capacity fee by volume",
)
NO_GROUP = ""
_PERIOD_NAMES = {
    Qualification.NONE: ("brak grup", "no groups"),
    Qualification.MONTH: ("miesiąc", "month"),
    Qualification.DECADE: ("dekada", "ten days"),
    Qualification.DAY: ("doba", "day"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class CapacityPeriod:
    """One qualification period of a point: its energy (Wh) and hours, its group and A in hundredths.

    `group` is "" before groups existed. Periods without a working day do not occur.
    """

    first: date
    last_exclusive: date
    qualification: Qualification
    selected_wh: int
    other_wh: int
    selected_hours: int
    other_hours: int
    group: str
    coefficient_e2: int


@dataclass(frozen=True, slots=True, kw_only=True)
class VolumeFee:
    """The lines, one per group and rate, and the qualification periods they sum."""

    lines: tuple[ChargeLine, ...]
    periods: tuple[CapacityPeriod, ...]


def coefficient_group(
    *, coefficients: Coefficients, selected_wh: int, other_wh: int, selected_hours: int, other_hours: int
) -> CoefficientGroup:
    """The group of one qualification period, by comparison of integers: no division, no rounding of s.

    Energy of the other hours that rounds to 0.000 MWh puts the point into the last group (art. 70a).
    """
    if divide_half_up(other_wh, coefficients.zero_resolution_wh) == 0:
        return coefficients.groups[-1]
    left = 100 * selected_wh * other_hours
    right = other_wh * selected_hours
    return next(
        row for row in coefficients.groups if row.below_percent is None or left < (100 + row.below_percent) * right
    )


def qualification_periods(
    rules: CapacityRules, first: date, last_exclusive: date
) -> tuple[tuple[date, date, Qualification], ...]:
    """Cut days into qualification periods: months, decades (1-10, 11-20, 21-end) or days, as dated in the rules."""
    periods: list[tuple[date, date, Qualification]] = []
    day = first
    while day < last_exclusive:
        row = rules.qualification_on(day)
        end = min(_period_end(day, row.period), last_exclusive, row.valid_to or last_exclusive)
        periods.append((day, end, row.period))
        day = end
    return tuple(periods)


def volume_fee(point: RatedPoint, first: date, last_exclusive: date) -> VolumeFee:
    """The fee of the days: each qualification period gets its group, each group one line per rate, rounded once."""
    periods: list[CapacityPeriod] = []
    lines: list[ChargeLine] = []
    for part in rate_parts(point.book.rates, (VOLUME_RATE_KEY,), first, last_exclusive):
        of_part = _rated_periods(point, part.first, part.last_exclusive)
        periods.extend(of_part)
        lines.extend(_group_lines(point, part, of_part))
    return VolumeFee(lines=tuple(lines), periods=tuple(periods))


def _rated_periods(point: RatedPoint, first: date, last_exclusive: date) -> list[CapacityPeriod]:
    rules = point.book.capacity
    grid = grid_of_days(first, last_exclusive, slot_s=HOUR_S)
    kinds = capacity_slots(rules, grid)
    rated: list[CapacityPeriod] = []
    for begin, end, qualification in qualification_periods(rules, first, last_exclusive):
        bounds = [int(grid.day_offsets[(day - first).days]) for day in (begin, end)]
        cut = kinds[bounds[0] : bounds[1]]
        selected_hours, other_hours = int(np.count_nonzero(cut == SELECTED)), int(np.count_nonzero(cut == OTHER))
        if selected_hours == 0:
            continue
        selected_wh, other_wh = point.usage.selected_and_other_wh(rules, begin, end)
        group, coefficient_e2 = NO_GROUP, 100
        if qualification is not Qualification.NONE:
            row = coefficient_group(
                coefficients=rules.coefficients_on(begin),
                selected_wh=selected_wh,
                other_wh=other_wh,
                selected_hours=selected_hours,
                other_hours=other_hours,
            )
            group, coefficient_e2 = row.name, row.coefficient_e2
        rated.append(
            CapacityPeriod(
                first=begin,
                last_exclusive=end,
                qualification=qualification,
                selected_wh=selected_wh,
                other_wh=other_wh,
                selected_hours=selected_hours,
                other_hours=other_hours,
                group=group,
                coefficient_e2=coefficient_e2,
            )
        )
    return rated


def _group_lines(point: RatedPoint, part: Part, periods: Sequence[CapacityPeriod]) -> list[ChargeLine]:
    lines: list[ChargeLine] = []
    for group, coefficient_e2 in sorted({(row.group, row.coefficient_e2) for row in periods}):
        own = [row for row in periods if (row.group, row.coefficient_e2) == (group, coefficient_e2)]
        energy_wh = sum(row.selected_wh for row in own)
        if energy_wh:
            lines.append(
                charge_line(
                    point=point,
                    name=VOLUME,
                    part=part,
                    quantity=energy_wh,
                    zone=group,
                    share=Share(coefficient_e2, 100),
                    reasons=_reasons(point, own),
                )
            )
    return lines


def _reasons(point: RatedPoint, periods: Sequence[CapacityPeriod]) -> tuple[Sentence, ...]:
    first = periods[0]
    names = sorted({_PERIOD_NAMES[row.qualification] for row in periods})
    hours = ", ".join(str(hour) for hour in point.book.capacity.selected_hours_on(first.first).hours)
    reasons = [
        Sentence(
            f"Energia pobrana w godzinach wybranych dni roboczych; godziny zaczynające się o: {hours}.",
            f"Energy taken in the selected hours of working days; hours that begin at: {hours}.",
        )
    ]
    if first.group:
        reasons.append(
            Sentence(
                f"Grupa {first.group}, współczynnik A = {decimal_text(first.coefficient_e2, decimals=2, least=2)}; "
                f"okres kwalifikacji: {', '.join(pl for pl, _ in names)}; okresów w grupie: {len(periods)}.",
                f"Group {first.group}, coefficient A = "
                f"{decimal_text(first.coefficient_e2, decimals=2, least=2, language='en')}; qualification period: "
                f"{', '.join(en for _, en in names)}; periods in the group: {len(periods)}.",
            )
        )
    else:
        reasons.append(
            Sentence("Przed podziałem odbiorców na grupy: A = 1.", "Before customers were divided into groups: A = 1.")
        )
    if not point.terms.hourly_metered:
        reasons.append(
            Sentence(
                "Bez licznika godzinowego: energia według profilu standardowego grupy.",
                "Without an hourly meter: energy by the standard profile of the group.",
            )
        )
    return tuple(reasons)


def _period_end(day: date, period: Qualification) -> date:
    if period is Qualification.DAY:
        return day + timedelta(days=1)
    month = month_of(day)
    if period is Qualification.DECADE and day.day <= 20:
        return date(day.year, day.month, 11 if day.day <= 10 else 21)
    return month.shifted(1).first
