"""Parts of a rated period: where rates change, and how months are counted in full or by days."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from ogniwo.core.kernel.calendar import Month
from ogniwo.core.kernel.quantities import Share
from ogniwo.core.tariffs.model import RateBook, RateRow


@dataclass(frozen=True, slots=True)
class Part:
    """Local days [first, last_exclusive) over which the same rates apply."""

    first: date
    last_exclusive: date
    rows: tuple[RateRow, ...]

    @property
    def days(self) -> int:
        """Number of days."""
        return (self.last_exclusive - self.first).days


def rate_parts(rates: RateBook, keys: Sequence[str], first: date, last_exclusive: date) -> tuple[Part, ...]:
    """The runs of days with the same row for every key, `rows` in the order of `keys`; refuses a hole in any."""
    segments = [rates.segments(key, first, last_exclusive) for key in keys]
    bounds = sorted({first, last_exclusive, *(begin for parts in segments for begin, _, _ in parts)})
    return tuple(
        Part(begin, end, tuple(rates.on(key, begin) for key in keys)) for begin, end in itertools.pairwise(bounds)
    )


def month_of(day: date) -> Month:
    """The calendar month of a day."""
    return Month(day.year, day.month)


def month_shares(first: date, last_exclusive: date) -> tuple[tuple[date, date, Share], ...]:
    """Cut days into a begun month, a run of whole months and an ended month, each with its share of a month's price.

    Whole months count as a number, a part of a month by its days over the days of that month (ENEA 2026 tariff, 3.1.9;
    the base of the days is not fixed by the tariff, law.md 1.2).
    """
    parts: list[tuple[date, date, Share]] = []
    day = first
    while day < last_exclusive:
        month = month_of(day)
        end = min(month.shifted(1).first, last_exclusive)
        whole = day == month.first and end == month.shifted(1).first
        if whole and parts and parts[-1][2].denominator == 1:
            begin, _, share = parts.pop()
            parts.append((begin, end, Share(share.numerator + 1, 1)))
        else:
            parts.append((day, end, Share(1, 1) if whole else Share((end - day).days, month.days)))
        day = end
    return tuple(parts)


def months_touched(first: date, last_exclusive: date, *, continues_month: bool) -> tuple[tuple[date, date], ...]:
    """The calendar months with at least one day in the period, as their days in it.

    Where the period continues one that was rated before, its begun first month is left out: what is charged in full
    per month was charged there.
    """
    months: list[tuple[date, date]] = []
    day = first
    while day < last_exclusive:
        end = min(month_of(day).shifted(1).first, last_exclusive)
        if not (continues_month and day == first and day != month_of(day).first):
            months.append((day, end))
        day = end
    return tuple(months)
