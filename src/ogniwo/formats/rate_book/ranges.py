"""Ranges as people write them: months `10-3`, hours `22-6,11-13`."""

import re

_RANGE = re.compile(r"(\d{1,2})(?:-(\d{1,2}))?\Z")


def parse_months(text: str) -> tuple[int, ...]:
    """Months 1..12, both ends included; `10-3` runs over the new year. Raises ValueError."""
    months: set[int] = set()
    for first, last in _ranges(text, low=1, high=12):
        months |= {(month - 1) % 12 + 1 for month in range(first, (last if last >= first else last + 12) + 1)}
    return tuple(sorted(months))


def parse_hours(text: str) -> tuple[int, ...]:
    """Hours of day by their start 0..23, the end excluded: `22-6` are 22, 23 and 0 to 5. Raises ValueError."""
    hours: set[int] = set()
    for first, last in _ranges(text, low=0, high=24):
        if first == last:
            raise ValueError(f"{text!r} has an empty range of hours")
        hours |= {hour % 24 for hour in range(first, last if last > first else last + 24)}
    return tuple(sorted(hours))


def _ranges(text: str, *, low: int, high: int) -> list[tuple[int, int]]:
    ranges: list[tuple[int, int]] = []
    for piece in text.split(","):
        match = _RANGE.match(piece.strip())
        if match is None:
            raise ValueError(f"{text!r} is no list of ranges such as 7-13,19-22")
        first = int(match[1])
        last = first if match[2] is None else int(match[2])
        if not (low <= first <= high and low <= last <= high):
            raise ValueError(f"{text!r} leaves {low}..{high}")
        ranges.append((first, last))
    return ranges
