"""What every engine is given and what it gives back."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from ogniwo.core.kernel.quality import Quality
from ogniwo.core.metering.model import MaximumPower, RegisterReading
from ogniwo.formats.meter_files.columns import no_intervals
from ogniwo.formats.meter_files.layout import QUALITY_OF_WORD, Layout, Status
from ogniwo.formats.meter_files.model import IntervalColumns
from ogniwo.formats.meter_files.points import PointReader
from ogniwo.formats.meter_files.problems import Problems
from ogniwo.formats.meter_files.tables import Table, is_blank, normal


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One table of a file to be read by one layout; `header_row` is the index of its header in the table."""

    layout: Layout
    table: Table
    header_row: int
    argument: str
    problems: Problems

    def points(self, *, blocks: Mapping[str, str] | None = None, own_code: str = "") -> PointReader:
        """A reader of metering points by the layout's rule."""
        return PointReader(
            rule=self.layout.point,
            problems=self.problems,
            argument=self.argument,
            own_code=own_code,
            blocks=blocks or {},
        )

    @property
    def headings(self) -> list[str]:
        """The header row for comparing."""
        return [normal(cell) for cell in self.table.rows[self.header_row]]

    def blocks(self) -> dict[str, str]:
        """Label and value of the lines above the header: the first two cells of each."""
        lines = (row for row in self.table.rows[: self.header_row] if len(row) > 1 and not is_blank(row[0]))
        return {normal(row[0]): str(row[1]).strip() for row in lines}


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What one table of a file gave."""

    intervals: IntervalColumns = field(default_factory=no_intervals)
    registers: tuple[RegisterReading, ...] = ()
    maxima: tuple[MaximumPower, ...] = ()
    facts: tuple[tuple[str, str], ...] = ()


@dataclass(slots=True)
class StatusReader:
    """Words of a status to qualities; an unknown word without a rule for it is an error."""

    rule: Status
    problems: Problems
    _words: dict[str, Quality] = field(init=False)

    def __post_init__(self) -> None:
        self._words = {normal(word): QUALITY_OF_WORD[quality] for word, quality in self.rule.words.items()}

    def of_cell(self, cell: object, *, row: int, column: str) -> Quality:
        """The quality of a cell; a stand-in, with an error noted that refuses the file, when the word is not known."""
        word = normal(cell)
        if word in self._words:
            return self._words[word]
        if self.rule.otherwise:
            return QUALITY_OF_WORD[self.rule.otherwise]
        self.problems.error("read.unknown_status", f"{str(cell)!r} is no known status", row=row, column=column)
        return Quality.MEASURED
