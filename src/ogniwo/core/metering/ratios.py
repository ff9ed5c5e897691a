"""Transformer ratios: what a register difference is multiplied by, and since when."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from ogniwo.core.kernel.refusals import Refusal
from ogniwo.core.kernel.rounding import divide_half_up
from ogniwo.core.metering.model import TransformerRatio


class MissingRatioError(Refusal):
    """No transformer ratio is known for a meter at an instant."""

    code = "metering.missing_ratio"


class AmbiguousRatioError(Refusal):
    """Two different ratios of one meter begin at the same instant, or a ratio is no ratio."""

    code = "metering.ambiguous_ratio"


@dataclass(frozen=True, slots=True, kw_only=True)
class RatioSegment:
    """A part [start, end) of a span with one multiplier."""

    start_epoch_s: int
    end_epoch_s: int
    multiplier: Fraction


def multiplier_of(ratio: TransformerRatio) -> Fraction:
    """Current ratio times voltage ratio, exact; refuses numbers that are not positive."""
    numbers = (*ratio.current, *ratio.voltage)
    if min(numbers) <= 0:
        raise AmbiguousRatioError(detail=f"meter {ratio.meter}: a transformer ratio needs positive numbers: {numbers}")
    return Fraction(*ratio.current) * Fraction(*ratio.voltage)


def _of_meter(ratios: Sequence[TransformerRatio], meter: str) -> list[tuple[int, Fraction]]:
    known: dict[int, Fraction] = {}
    for ratio in ratios:
        if ratio.meter != meter:
            continue
        multiplier = multiplier_of(ratio)
        if known.setdefault(ratio.valid_from_epoch_s, multiplier) != multiplier:
            raise AmbiguousRatioError(detail=f"meter {meter} has two ratios from {ratio.valid_from_epoch_s} on")
    return sorted(known.items())


def multiplier_at(ratios: Sequence[TransformerRatio], *, meter: str, epoch_s: int) -> Fraction:
    """The multiplier of a meter at an instant; a meter connected directly has a ratio of its own, (1, 1).

    Raises MissingRatioError when nothing is known: a multiplier is never assumed to be 1.
    """
    valid = [multiplier for start, multiplier in _of_meter(ratios, meter) if start <= epoch_s]
    if not valid:
        raise MissingRatioError(detail=f"no transformer ratio of meter {meter} is known at {epoch_s}")
    return valid[-1]


def ratio_segments(
    ratios: Sequence[TransformerRatio], *, meter: str, start_epoch_s: int, end_epoch_s: int
) -> tuple[RatioSegment, ...]:
    """Split [start, end) where the multiplier of a meter changes (rule V17); equal neighbours are joined."""
    if start_epoch_s >= end_epoch_s:
        raise ValueError("a span needs a start before its end")
    current = multiplier_at(ratios, meter=meter, epoch_s=start_epoch_s)
    begin = start_epoch_s
    parts: list[RatioSegment] = []
    for start, multiplier in _of_meter(ratios, meter):
        if start_epoch_s < start < end_epoch_s and multiplier != current:
            parts.append(RatioSegment(start_epoch_s=begin, end_epoch_s=start, multiplier=current))
            begin, current = start, multiplier
    parts.append(RatioSegment(start_epoch_s=begin, end_epoch_s=end_epoch_s, multiplier=current))
    return tuple(parts)


def primary_wh(*, value_e3: int, multiplier: Fraction) -> int:
    """Secondary 10^-3 kWh (or kvarh) to primary Wh (varh).

    The one rounding place of register energy: half up to a whole Wh, and only for ratios that are no whole number.
    """
    return divide_half_up(value_e3 * multiplier.numerator, multiplier.denominator)
