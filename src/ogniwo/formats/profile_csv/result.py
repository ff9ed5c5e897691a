"""What parsing a profile gives: dense matrices per channel, and findings with their rows."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ogniwo.core.kernel.calendar import SlotGrid
from ogniwo.core.kernel.findings import Finding, Severity
from ogniwo.core.kernel.quality import Quality
from ogniwo.core.metering.model import IntervalSeries
from ogniwo.formats.profile_csv.vocabulary import ISSUE_SEVERITIES, ISSUE_TEXTS, Issue


@dataclass(frozen=True, slots=True)
class Located:
    """One deviation: its kind, the row as a person counts it, and the text of the row."""

    issue: Issue
    row: int
    text: str


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class ParsedProfile:
    """The parsed file. `wh[i]` int32 and `quality[i]` uint8 (points, slots) belong to `channels[i]`.

    A slot no row speaks of, or whose rows contradict each other, is MISSING with 0 Wh. `channels` are those that at
    least one row was laid for. `counts` holds every deviation by code; `findings` locate the first of each kind.
    """

    grid: SlotGrid
    points: tuple[str, ...]
    channels: tuple[str, ...]
    wh: tuple[NDArray[np.int32], ...]
    quality: tuple[NDArray[np.uint8], ...]
    rows: int
    findings: tuple[Finding, ...]
    counts: Mapping[str, int]

    def present_bits(self, channel: str) -> NDArray[np.uint8]:
        """Presence of values, (points, ceil(slots / 8)) uint8, the first slot in the highest bit."""
        return np.packbits(self.quality[self.channels.index(channel)] != Quality.MISSING, axis=1)

    def series(self, *, point: str, channel: str) -> IntervalSeries:
        """One channel of one point; the arrays are views of the matrices."""
        place, row = self.channels.index(channel), self.points.index(point)
        return IntervalSeries(
            point=point, channel=channel, grid=self.grid, wh=self.wh[place][row], quality=self.quality[place][row]
        )


def findings_of(*, counts: Mapping[Issue, int], located: list[Located], source: str) -> tuple[Finding, ...]:
    """The located deviations in order of kind and row, and for a kind with more of them one finding with the count."""
    findings = []
    shown = dict.fromkeys(Issue, 0)
    for place in sorted(located, key=lambda place: (place.issue, place.row)):
        shown[place.issue] += 1
        findings.append(_finding(place.issue, source, row=place.row, facts=(("text", place.text),)))
    for issue, count in counts.items():
        if count > shown[issue]:
            facts = (("count", str(count)), ("located", str(shown[issue])))
            findings.append(_finding(issue, source, row=0, facts=facts))
    return tuple(findings)


def _finding(issue: Issue, source: str, *, row: int, facts: tuple[tuple[str, str], ...]) -> Finding:
    code, column, message = ISSUE_TEXTS[issue]
    return Finding(
        code=code,
        severity=ISSUE_SEVERITIES[issue],
        message=message if row else f"{message} (all rows together)",
        source=source,
        row=row,
        column=column,
        facts=facts,
    )


def header_finding(*, source: str, text: str) -> Finding:
    """The finding that the first row is not the header of this format, so nothing was read."""
    return Finding(
        code="read.header",
        severity=Severity.ERROR,
        message="the first row is not the header of the standard profile",
        source=source,
        row=1,
        facts=(("text", text),),
    )
