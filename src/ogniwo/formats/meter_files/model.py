"""What a meter file gives when it is read, and the refusal when it is not."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ogniwo.core.kernel.findings import Finding
from ogniwo.core.kernel.refusals import Refusal
from ogniwo.core.metering.model import MaximumPower, RegisterReading


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class IntervalColumns:
    """Intervals as columns, ordered by point and channel as they first appear in the file, then by start.

    `points` and `channels` are what the indexes point into. Arrays are read-only, all of shape (rows,):
    `point_index` int32, `channel_index` int16, `start_epoch_s` int64 UTC, `seconds` int32 length, `wh` int64 Wh or
    varh, `quality` uint8 of Quality (where MISSING, `wh` is 0), `row` int32, the 1-based row of the file.
    """

    points: tuple[str, ...]
    channels: tuple[str, ...]
    point_index: NDArray[np.int32]
    channel_index: NDArray[np.int16]
    start_epoch_s: NDArray[np.int64]
    seconds: NDArray[np.int32]
    wh: NDArray[np.int64]
    quality: NDArray[np.uint8]
    row: NDArray[np.int32]

    @property
    def count(self) -> int:
        """Number of intervals."""
        return len(self.wh)


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class FileReading:
    """One file as read: its layout, its values, and everything about it that somebody may have to look at.

    `sha256` names the bytes. `facts` are what the file says about itself, such as ("day", "2022-10-29").
    """

    layout: str
    file_name: str
    sha256: str
    intervals: IntervalColumns
    registers: tuple[RegisterReading, ...]
    maxima: tuple[MaximumPower, ...]
    findings: tuple[Finding, ...]
    facts: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LayoutDescription:
    """A layout the reader knows: who makes it, how it is known, and how certain that is.

    `certainty` is "seen" (a real file was read), "parser" (inferred from a program that reads it) or "own".
    """

    name: str
    title: str
    operator: str
    containers: tuple[str, ...]
    certainty: str
    source: str


class FileRefusedError(Refusal):
    """A file that is not read at all: unknown layout, broken rows, impossible times; `findings` say what and where."""

    code = "read.refused"

    def __init__(self, *, detail: str, findings: tuple[Finding, ...] = ()) -> None:
        super().__init__(detail=detail)
        self.findings = findings
