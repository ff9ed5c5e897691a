"""Transition fee: per month by class of yearly use for households, per contract power for others; gone from 2026.

Source: law.md 2.5; the fee was abolished from 1 January 2026, which the rules hold as data.
"""

from dataclasses import replace
from datetime import date

from ogniwo.core.tariffs.lines import ChargeName, RatedPoint, prorated_lines
from ogniwo.core.tariffs.model import Category, ChargeLine
from ogniwo.core.tariffs.use_classes import use_class_of

TRANSITION = ChargeName(
    code="transition", category=Category.STATUTORY, label_pl="Opłata przejściowa", label_en="Transition fee"
)


def transition_lines(point: RatedPoint) -> tuple[ChargeLine, ...]:
    """The fee on the days on which it exists, pro rata to them; no line on other days."""
    lines: list[ChargeLine] = []
    day = point.first
    while day < point.last_exclusive:
        rules = point.book.transition_rules(day)
        if rules is None:
            later = [row.valid_from for row in point.book.transition if row.valid_from > day]
            day = min([*later, point.last_exclusive])
            continue
        end = point.last_exclusive if rules.valid_to is None else min(rules.valid_to, point.last_exclusive)
        lines.extend(_lines(point, day, end))
        day = end
    return tuple(lines)


def _lines(point: RatedPoint, first: date, last_exclusive: date) -> tuple[ChargeLine, ...]:
    rules = point.book.transition_rules(first)
    part = replace(point, first=first, last_exclusive=last_exclusive)
    if rules is not None and point.group.letter == "G":
        use_class = use_class_of(rules.classes, point.terms.yearly_use_wh)
        return prorated_lines(
            point=part,
            name=TRANSITION,
            key=f"statutory/transition/G/{use_class.name}",
            power_w=None,
            zone=use_class.name,
        )
    key = f"statutory/transition/{point.group.letter}"
    return prorated_lines(point=part, name=TRANSITION, key=key, power_w=point.contract_power_w())
