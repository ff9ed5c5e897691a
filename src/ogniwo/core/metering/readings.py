"""The chain of register states that a consumption is computed over: trusted, in order, from boundary to boundary."""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from typing import Final

from ogniwo.core.kernel.findings import Finding, Severity
from ogniwo.core.kernel.quantities import format_decimal
from ogniwo.core.metering.model import RegisterReading

ESTIMATE: Final = "estimate"
REMOVAL: Final = "removal"
INSTALLATION: Final = "installation"

_TRUST: Final = {ESTIMATE: 2, "manual": 1}
"""A lower number is trusted more; an instrument's own state (remote, physical, at a visit) is 0."""
_VISIT_ORDER: Final = {REMOVAL: 0, INSTALLATION: 2}

StateKey = Callable[[RegisterReading], Hashable]


@dataclass(frozen=True, slots=True)
class ReadingChain:
    """Readings in the order in which the counters ran; empty when a boundary has no reading."""

    readings: tuple[RegisterReading, ...]
    findings: tuple[Finding, ...]


def kilo_text(value_e3: int) -> str:
    """A register state or difference of 10^-3 units as decimal text."""
    return format_decimal(value_e3, decimals=3)


def reading_finding(
    code: str, severity: Severity, message: str, *, first: RegisterReading, last: RegisterReading, **facts: object
) -> Finding:
    """A finding about the span between two readings of a register (the same reading twice for one instant)."""
    return Finding(
        code=code,
        severity=severity,
        message=message,
        source=last.source,
        row=last.row,
        point=last.point,
        channel=last.obis,
        start_epoch_s=first.epoch_s,
        end_epoch_s=last.epoch_s,
        facts=tuple((name, str(value)) for name, value in facts.items()),
    )


def digits_of_texts(texts: Sequence[str]) -> int:
    """The number of integer digits of a counter, inferred from how its states were written, 0 when not to be told.

    Only a leading zero shows that a counter prints all its digits: `00105` has five, `105` tells nothing.
    """
    widths = [len(text.strip().replace(",", ".").partition(".")[0]) for text in texts]
    padded = {width for text, width in zip(texts, widths, strict=True) if width > 1 and text.strip().startswith("0")}
    return max(widths) if len(padded) == 1 and max(widths) == max(padded) else 0


def _trusted(readings: Sequence[RegisterReading]) -> tuple[list[RegisterReading], list[Finding]]:
    """One reading for each meter, instant and multiplier: the most trusted; contradictions are left out."""

    def key(reading: RegisterReading) -> tuple[int, str, int]:
        return reading.epoch_s, reading.meter, reading.multiplier

    kept: list[RegisterReading] = []
    findings: list[Finding] = []
    for _, group in groupby(sorted(readings, key=key), key=key):
        same = sorted(group, key=lambda reading: (_TRUST.get(reading.origin, 0), reading.origin, reading.row))
        best = [entry for entry in same if _TRUST.get(entry.origin, 0) == _TRUST.get(same[0].origin, 0)]
        values = sorted({entry.value_e3 for entry in best})
        if len(values) == 1:
            kept.append(best[0])
            continue
        findings.append(
            reading_finding(
                "V2.contradiction",
                Severity.ERROR,
                f"meter {best[0].meter} has different states at one instant; none is used",
                first=best[0],
                last=best[0],
                states=", ".join(kilo_text(value) for value in values),
            )
        )
    return kept, findings


def _nearest(readings: Sequence[RegisterReading], epoch_s: int, tolerance_s: int) -> int | None:
    near = [entry.epoch_s for entry in readings if abs(entry.epoch_s - epoch_s) <= tolerance_s]
    return min(near, key=lambda instant: (abs(instant - epoch_s), instant), default=None)


def _drop_inner_estimates(
    readings: Sequence[RegisterReading], *, start_epoch_s: int, end_epoch_s: int
) -> tuple[list[RegisterReading], list[Finding]]:
    """Leave out estimates between two other states of their meter: the later state already tells the whole truth."""
    kept: list[RegisterReading] = []
    findings: list[Finding] = []
    for position, entry in enumerate(readings):
        before = [other for other in readings[:position] if other.meter == entry.meter]
        after = [other for other in readings[position + 1 :] if other.meter == entry.meter and other.origin != ESTIMATE]
        inside = start_epoch_s < entry.epoch_s < end_epoch_s
        if entry.origin != ESTIMATE or not (inside and before and after):
            kept.append(entry)
            continue
        real = after[0]
        if before[-1].value_e3 <= real.value_e3 < entry.value_e3:
            findings.append(
                reading_finding(
                    "V15.estimate_corrected",
                    Severity.WARNING,
                    f"the estimate {kilo_text(entry.value_e3)} was above the later state {kilo_text(real.value_e3)}: "
                    "the estimate is corrected, the register did not pass zero",
                    first=entry,
                    last=real,
                    estimate=kilo_text(entry.value_e3),
                    state=kilo_text(real.value_e3),
                )
            )
    return kept, findings


def _rank(
    entry: RegisterReading, *, previous: RegisterReading | None, state: StateKey
) -> tuple[bool, bool, int, str, int]:
    return (
        previous is None or state(entry) != state(previous),
        previous is None or entry.meter != previous.meter,
        _VISIT_ORDER.get(entry.origin, 1),
        entry.meter,
        entry.multiplier,
    )


def _ordered(readings: Sequence[RegisterReading], state: StateKey) -> list[RegisterReading]:
    """By time; at one instant the reading that continues the running counter first, a new counter last."""
    instants = [list(group) for _, group in groupby(readings, key=lambda entry: entry.epoch_s)]
    if len(instants) > 1:
        for edge, neighbour in ((0, 1), (-1, -2)):
            running = {state(entry) for entry in instants[neighbour]}
            instants[edge] = [entry for entry in instants[edge] if state(entry) in running] or instants[edge]
    chain: list[RegisterReading] = []
    for entries in instants:
        previous = chain[-1] if chain else None
        entries.sort(key=partial(_rank, previous=previous, state=state))
        chain.extend(entries)
    return chain


def chain_of(
    readings: Sequence[RegisterReading], *, start_epoch_s: int, end_epoch_s: int, tolerance_s: int, state: StateKey
) -> ReadingChain:
    """Choose and order the readings from the one nearest to the start to the one nearest to the end of a period.

    `state` tells which readings belong to one running counter. A boundary without a reading within `tolerance_s`
    gives an ERROR finding V1.register_missing and an empty chain.
    """
    trusted, findings = _trusted(readings)
    bounds = [_nearest(trusted, epoch_s, tolerance_s) for epoch_s in (start_epoch_s, end_epoch_s)]
    start, end = bounds
    if start is None or end is None or start >= end:
        which = "start" if start is None else "end" if end is None else "start and end apart"
        missing = Finding(
            code="V1.register_missing",
            severity=Severity.ERROR,
            message=f"no register state for the {which} of the period",
            point=readings[0].point if readings else "",
            channel=readings[0].obis if readings else "",
            start_epoch_s=start_epoch_s,
            end_epoch_s=end_epoch_s,
        )
        return ReadingChain((), (*findings, missing))
    inside = [entry for entry in trusted if start <= entry.epoch_s <= end]
    kept, corrected = _drop_inner_estimates(inside, start_epoch_s=start, end_epoch_s=end)
    return ReadingChain(tuple(_ordered(kept, state)), (*findings, *corrected))
