"""Capacity fee, flat regime: a monthly amount by class of yearly consumption.

Source: act on the capacity market, art. 89a ust. 1 pkt 1 and 89b ust. 3; ENEA 2026 tariff, 3.1.9, 3.1.15b, 3.1.29 to
3.1.32 (law.md 1.1 and 1.2). The published monthly rates are used, never recomputed from the yearly cost.
"""

import itertools
from datetime import date

from ogniwo.core.kernel.quantities import WHOLE, Share
from ogniwo.core.tariffs.explain import day_text, energy_text
from ogniwo.core.tariffs.lines import ChargeName, RatedPoint, change_sentence, charge_line, proration_sentence
from ogniwo.core.tariffs.model import Category, ChargeLine, Sentence
from ogniwo.core.tariffs.parts import Part, month_shares, months_touched, rate_parts
from ogniwo.core.tariffs.use_classes import UseClass, use_class_of

FLAT = ChargeName(
    code="capacity.flat",
    category=Category.STATUTORY,
    label_pl="Opłata mocowa ryczałtowa",
    label_en="Capacity fee, flat",
)


def is_household(point: RatedPoint) -> bool:
    """Whether the point is one of the household uses of art. 89a ust. 1 pkt 1 lit. a."""
    return point.terms.capacity_household or point.group.household


def flat_class(point: RatedPoint, day: date) -> UseClass:
    """The class of the point's yearly consumption, by the classes in force on a day."""
    return use_class_of(point.book.capacity.flat_classes_on(day).classes, point.terms.yearly_use_wh)


def flat_lines(point: RatedPoint, first: date, last_exclusive: date) -> tuple[ChargeLine, ...]:
    """The flat fee by days of the contract; zero on days on which households were relieved of it.

    A prepaid meter pays whole months (3.1.15b).
    """
    use_class = flat_class(point, first)
    key = f"statutory/capacity.flat/{use_class.name}"
    parts = rate_parts(point.book.rates, (key,), first, last_exclusive)
    reasons = (_class_sentence(point, use_class), *change_sentence(parts))
    lines: list[ChargeLine] = []
    for part in parts:
        for begin, end, suspended in _suspension_cuts(point, part):
            cut = Part(begin, end, part.rows)
            if suspended:
                lines.append(_line(point, cut, use_class, 1, Share(0, 1), (*reasons, suspended)))
            elif point.terms.prepaid:
                months = months_touched(begin, end, continues_month=point.continues_month and begin == point.first)
                if months:
                    lines.append(_line(point, cut, use_class, len(months), WHOLE, reasons))
            else:
                lines.extend(_prorated(point, cut, use_class, reasons))
    return tuple(lines)


def _prorated(point: RatedPoint, cut: Part, use_class: UseClass, reasons: tuple[Sentence, ...]) -> list[ChargeLine]:
    lines: list[ChargeLine] = []
    for begin, end, share in month_shares(cut.first, cut.last_exclusive):
        part = Part(begin, end, cut.rows)
        if share.denominator == 1:
            lines.append(_line(point, part, use_class, share.numerator, WHOLE, reasons))
        else:
            lines.append(_line(point, part, use_class, 1, share, (*reasons, *proration_sentence(share))))
    return lines


def _line(
    point: RatedPoint, part: Part, use_class: UseClass, months: int, share: Share, reasons: tuple[Sentence, ...]
) -> ChargeLine:
    return charge_line(
        point=point, name=FLAT, part=part, quantity=months, zone=use_class.name, share=share, reasons=reasons
    )


def _suspension_cuts(point: RatedPoint, part: Part) -> list[tuple[date, date, Sentence | None]]:
    """Cut a part where the relief of households begins and ends; the text says why a cut is free."""
    rows = point.book.capacity.flat_suspension if is_household(point) else ()
    bounds = {part.first, part.last_exclusive}
    for row in rows:
        bounds |= {day for day in (row.valid_from, row.valid_to) if day and part.first < day < part.last_exclusive}
    ordered = sorted(bounds)
    cuts: list[tuple[date, date, Sentence | None]] = []
    for begin, end in itertools.pairwise(ordered):
        relief = point.book.capacity.suspension_on(begin) if rows else None
        cuts.append((begin, end, None if relief is None else _relief_sentence(relief.valid_from, relief.source)))
    return cuts


def _relief_sentence(since: date, source: str) -> Sentence:
    return Sentence(f"Zawieszona od {day_text(since)}: {source}.", f"Suspended from {day_text(since, 'en')}: {source}.")


def _class_sentence(point: RatedPoint, use_class: UseClass) -> Sentence:
    if point.terms.yearly_use_wh is None:
        return Sentence(
            f"Klasa {use_class.name}: przed pierwszym odczytem.", f"Class {use_class.name}: before the first reading."
        )
    return Sentence(
        f"Klasa {use_class.name}: zużycie {energy_text(point.terms.yearly_use_wh)} w roku kończącym się ostatnim "
        "odczytem (krótsza umowa: zużycie dotychczasowe, bez przeliczania na rok).",
        f"Class {use_class.name}: {energy_text(point.terms.yearly_use_wh, 'en')} used in the year that ends with the "
        "last reading (a shorter contract: what was used so far, not scaled to a year).",
    )
