"""Charts as wide as a phone: bars of SVG made on the server, with marks under what is missing or estimated."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, Protocol

from django.utils.formats import number_format

from ogniwo.interfaces.web.charts import Line, Mark, classes_of, hatch_of, round_step

LEFT: Final = 46
RIGHT: Final = 356
TOP: Final = 10
BOTTOM: Final = 180
_TICKS_MAX: Final = 7


@dataclass(frozen=True, slots=True)
class Bars:
    """Stacked bars: `marks` are (pixel, sign) under bars of which something must be said."""

    lines: tuple[Line, ...]
    across: tuple[Mark, ...]
    up: tuple[Mark, ...]
    zero: str
    unit: str
    marks: tuple[Mark, ...]


def bars(
    above: Sequence[tuple[str, Sequence[int]]],
    below: Sequence[tuple[str, Sequence[int]]],
    *,
    labels: Sequence[str],
    signs: Sequence[str],
    unit: str,
    decimals: int,
) -> Bars:
    """A bar for each label; values in 10^-decimals of the unit, `signs` a letter under a bar or ""."""
    size = max(len(labels), 1)
    high = max((sum(max(values[place], 0) for _, values in above) for place in range(len(labels))), default=0)
    low = max((sum(values[place] for _, values in below) for place in range(len(labels))), default=0)
    step = round_step(high + low or 1, steps=4)
    top, bottom = max(-(-high // step) * step, step), -(-(-low // step) * step)

    def down(value: int) -> int:
        return BOTTOM - (value - bottom) * (BOTTOM - TOP) // (top - bottom)

    def across(place: int) -> int:
        return LEFT + place * (RIGHT - LEFT) // size

    lines = []
    for sign, group, offset in ((1, above, 0), (-1, below, len(above))):
        base = [0] * len(labels)
        for number, (label, values) in enumerate(group, offset):
            path = []
            for place in range(len(labels)):
                start, end = base[place], base[place] + sign * max(values[place], 0)
                base[place] = end
                if start == end:
                    continue
                x1, x2 = across(place), max(across(place + 1) - (1 if size < 60 else 0), across(place) + 1)
                path.append(f"M{x1} {down(start)}H{x2}V{down(end)}H{x1}Z")
            lines.append(Line(label, classes_of(number), "".join(path), hatch_of(number)))
    return Bars(
        lines=tuple(lines),
        across=_labels(labels, across),
        up=tuple(_up(value, down, decimals) for value in range(bottom, top + 1, step)),
        zero=str(down(0)),
        unit=unit,
        marks=tuple(
            Mark(str((across(place) + across(place + 1)) // 2), sign) for place, sign in enumerate(signs) if sign
        ),
    )


def _labels(labels: Sequence[str], across: "_Across") -> tuple[Mark, ...]:
    every = max(1, -(-len(labels) // _TICKS_MAX))
    return tuple(Mark(str(across(place)), label) for place, label in enumerate(labels) if place % every == 0)


def _up(value: int, down: "_Across", decimals: int) -> Mark:
    exact = Decimal(value).scaleb(-decimals).normalize()
    return Mark(str(down(value)), number_format(exact, use_l10n=True, force_grouping=True))


class _Across(Protocol):
    """A place or a value to a pixel."""

    def __call__(self, place: int, /) -> int: ...  # pragma: no cover -- a type
