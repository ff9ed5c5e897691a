"""What an obligation comes to in a month: integers only, each rounding named.

A day belongs to a contract when it begins within it. Days begin here at midnight of Polish winter time all year round:
the ledger must give the same answer in twenty years, whatever becomes of the clocks. Energy is counted by whole days,
so the hour between this midnight and the one of summer time only moves the moment at which a state is shown.
"""

from datetime import UTC, date, datetime, timedelta

from ogniwo.core.kernel.rounding import divide_half_up

WINTER_OFFSET_S = 3_600
_WH_PER_MWH = 6


def day_start(day: date) -> int:
    """When a day begins (seconds since 1970), by winter time."""
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) - WINTER_OFFSET_S


def month_number(period: str) -> int:
    """A month YYYY-MM counted from the year 0."""
    return int(period[:4]) * 12 + int(period[5:]) - 1


def month_of(number: int) -> str:
    """The month YYYY-MM of a `month_number`."""
    return f"{number // 12:04d}-{number % 12 + 1:02d}"


def _first_day(number: int) -> date:
    return date(number // 12, number % 12 + 1, 1)


def period_end(period: str) -> int:
    """When a month is over (seconds since 1970), by winter time."""
    return day_start(_first_day(month_number(period) + 1))


def days_of(period: str, *, valid_from: int, ends: int, pauses: tuple[tuple[int, int], ...] = ()) -> tuple[str, ...]:
    """The days of a month that begin from `valid_from` up to but not including `ends` (0 = open), without pauses."""
    day, last = _first_day(month_number(period)), _first_day(month_number(period) + 1)
    found = []
    while day < last:
        start = day_start(day)
        paused = any(first <= start < last_exclusive for first, last_exclusive in pauses)
        if valid_from <= start and (not ends or start < ends) and not paused:
            found.append(day.isoformat())
        day += timedelta(days=1)
    return tuple(found)


def energy_amount(*, wh: int, price: int, price_scale: int) -> int:
    """Minor units for energy: wh * price / 10^(6 + price_scale), half a unit away from zero.

    Rounded once, over the whole month. `price` is in minor units per MWh times 10^`price_scale`.
    """
    return divide_half_up(wh * price, 10 ** (_WH_PER_MWH + price_scale))


def instalment_amount(*, total: int, count: int, number: int) -> int:
    """Instalment `number` of 1 to `count`: total // count, the last one with the rest, so that all sum to the total."""
    if not 1 <= number <= count:
        raise ValueError(f"instalment {number} of {count}")
    each = total // count
    return each if number < count else total - each * (count - 1)
