"""V2: the same slot twice, and intervals of different length that overlap."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby

from ogniwo.core.kernel.findings import Finding, Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class IntervalValue:
    """One interval as read, before it becomes part of a series; a higher `order` is a newer file or delivery."""

    point: str
    channel: str
    start_epoch_s: int
    length_s: int
    wh: int
    order: int = 0
    source: str = ""
    row: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Deduplicated:
    """The values that stay, one for each slot in order of point, channel and time, and what was found."""

    values: tuple[IntervalValue, ...]
    findings: tuple[Finding, ...]


def _finding(
    code: str, severity: Severity, message: str, *, kept: IntervalValue, other: IntervalValue, **facts: object
) -> Finding:
    return Finding(
        code=code,
        severity=severity,
        message=message,
        source=other.source,
        row=other.row,
        point=other.point,
        channel=other.channel,
        start_epoch_s=other.start_epoch_s,
        end_epoch_s=other.start_epoch_s + other.length_s,
        facts=(
            ("source", f"{kept.source}:{kept.row}"),
            ("other_source", f"{other.source}:{other.row}"),
            *((name, str(value)) for name, value in facts.items()),
        ),
    )


def _slot(value: IntervalValue) -> tuple[str, str, int, int]:
    return value.point, value.channel, value.start_epoch_s, value.length_s


def _choose(same: list[IntervalValue], findings: list[Finding]) -> IntervalValue | None:
    """The newest value of one slot; None when the newest delivery contradicts itself."""
    newest = [value for value in same if value.order == same[-1].order]
    kept = newest[0]
    if any(value.wh != kept.wh for value in newest):
        message = "one delivery gives different values for the same slot; none is used"
        values = ", ".join(str(value.wh) for value in newest)
        findings.append(
            _finding("V2.contradiction", Severity.ERROR, message, kept=kept, other=newest[-1], values_wh=values)
        )
        return None
    for other in same:
        if other is kept:
            continue
        if other.wh == kept.wh:
            message = "the same slot with the same value once more"
            findings.append(_finding("V2.duplicate", Severity.NOTE, message, kept=kept, other=other, wh=kept.wh))
        else:
            message = f"a newer delivery replaces {other.wh} by {kept.wh}"
            findings.append(
                _finding(
                    "V2.replaced", Severity.WARNING, message, kept=kept, other=other, wh=kept.wh, replaced_wh=other.wh
                )
            )
    return kept


def remove_duplicates(values: Iterable[IntervalValue]) -> Deduplicated:
    """V2: one value for each slot: the newer delivery wins, both are named.

    A delivery that contradicts itself leaves the slot without a value (ERROR), and so do intervals of different length
    or raster that overlap: nobody can tell which one is right.
    """
    ordered = sorted(values, key=lambda value: (*_slot(value), value.order, value.source, value.row))
    findings: list[Finding] = []
    chosen = [_choose(list(group), findings) for _, group in groupby(ordered, key=_slot)]
    kept = sorted((value for value in chosen if value is not None), key=_slot)
    overlapping: set[int] = set()
    furthest: IntervalValue | None = None
    for value in kept:
        same_channel = furthest is not None and (furthest.point, furthest.channel) == (value.point, value.channel)
        if furthest is not None and same_channel and value.start_epoch_s < furthest.start_epoch_s + furthest.length_s:
            message = f"intervals of {furthest.length_s} s and {value.length_s} s overlap; neither is used"
            findings.append(_finding("V2.overlap", Severity.ERROR, message, kept=furthest, other=value))
            overlapping |= {id(furthest), id(value)}
        ends_later = (
            furthest is None
            or not same_channel
            or value.start_epoch_s + value.length_s > furthest.start_epoch_s + furthest.length_s
        )
        furthest = value if ends_later else furthest
    return Deduplicated(values=tuple(value for value in kept if id(value) not in overlapping), findings=tuple(findings))
