"""Time labels of meter files: what a cell says, before anybody asks which instant it means."""

import re
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import IntEnum

from ogniwo.formats.meter_files.numbers import exact_of_cell

_EPOCH_ORDINAL = date(1970, 1, 1).toordinal()
_SPREADSHEET_ORDINAL = date(1899, 12, 30).toordinal()
_DAY_S = 86_400
_YEARS = range(1980, 2200)

_TIME = r"(?:[ T]+(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:\.0+)?)?)?"
_YEAR_FIRST = re.compile(r"(?P<year>\d{4})[-/.](?P<month>\d{1,2})[-/.](?P<day>\d{1,2})" + _TIME + r"\Z", re.ASCII)
_DAY_FIRST = re.compile(r"(?P<day>\d{1,2})[-/.](?P<month>\d{1,2})[-/.](?P<year>\d{4})" + _TIME + r"\Z", re.ASCII)
_OFFSET = re.compile(
    r"(?P<label>.*\d{2}:\d{2}(?::\d{2}(?:\.0+)?)?)\s*(?:Z|(?P<sign>[+-])(?P<hours>\d{2}):?(?P<minutes>\d{2}))\Z"
)
_SERIAL = re.compile(r"\d{5}(?:[.,]\d+)?\Z", re.ASCII)

FORMS = frozenset({"year-first", "day-first", "serial", "offset"})
"""The written forms a layout may allow; cells that a spreadsheet holds as dates are always understood."""


class LabelKind(IntEnum):
    """How a label relates to the clock on the wall."""

    LOCAL = 0
    REPEATED = 1
    """Local, and marked by the file as the second occurrence of the repeated hour."""
    ABSOLUTE = 2
    """Not local at all: the seconds are UTC."""


@dataclass(frozen=True, slots=True)
class Label:
    """A label in seconds since 1970-01-01 00:00 of the clock it shows: the wall's, or UTC when ABSOLUTE."""

    seconds: int
    kind: LabelKind


@dataclass(slots=True)
class LabelReader:
    """Reads labels in the written `forms` of a layout; `mark` is the text that ends the repeated hour's labels."""

    forms: tuple[str, ...]
    mark: str = ""
    _seen: dict[object, Label | None] = field(default_factory=dict)

    def read(self, cell: object) -> Label | None:
        """The label of a cell, or None when it is none."""
        key = (cell, cell.__class__)
        if key not in self._seen:
            self._seen[key] = self._read(cell)
        return self._seen[key]

    def _read(self, cell: object) -> Label | None:
        if isinstance(cell, datetime):
            # Spreadsheets keep moments as fractions of a day: the nearest second is the one that was meant.
            moment = cell + timedelta(microseconds=500_000)
            return _local(moment.year, moment.month, moment.day, (moment.hour, moment.minute, moment.second))
        if isinstance(cell, date):
            return _local(cell.year, cell.month, cell.day, (0, 0, 0))
        if isinstance(cell, (int, float)):
            return self._serial(cell)
        return self._text(cell.strip()) if isinstance(cell, str) else None

    def _text(self, text: str) -> Label | None:
        if self.mark and text.endswith(self.mark):
            label = self._text_without_mark(text[: -len(self.mark)].rstrip())
            if label is None or label.kind is not LabelKind.LOCAL:
                return None
            return Label(label.seconds, LabelKind.REPEATED)
        return self._text_without_mark(text)

    def _text_without_mark(self, text: str) -> Label | None:
        shift = None
        if "offset" in self.forms and (match := _OFFSET.match(text)):
            size = int(match["hours"] or 0) * 3_600 + int(match["minutes"] or 0) * 60
            shift = -size if match["sign"] == "-" else size
            text = match["label"]
        for form, pattern in (("year-first", _YEAR_FIRST), ("day-first", _DAY_FIRST)):
            if form in self.forms and (match := pattern.match(text)):
                clock = (int(match["hour"] or 0), int(match["minute"] or 0), int(match["second"] or 0))
                label = _local(int(match["year"]), int(match["month"]), int(match["day"]), clock)
                if label is None or shift is None:
                    return label
                return Label(label.seconds - shift, LabelKind.ABSOLUTE)
        return self._serial(text) if shift is None and _SERIAL.match(text) else None

    def _serial(self, cell: object) -> Label | None:
        """A date that a spreadsheet turned into its serial number of days, to the nearest minute."""
        exact = exact_of_cell(cell, marks=",.") if "serial" in self.forms else None
        if exact is None:
            return None
        scale = 10**exact.places
        minutes = (2 * exact.mantissa * 1_440 + scale) // (2 * scale)
        seconds = (_SPREADSHEET_ORDINAL - _EPOCH_ORDINAL) * _DAY_S + minutes * 60
        year = 1970 + seconds // (365 * _DAY_S)
        return Label(seconds, LabelKind.LOCAL) if year in _YEARS else None


def wall_seconds_of_day(day: date) -> int:
    """Midnight of a local day in seconds of the clock on the wall."""
    return (day.toordinal() - _EPOCH_ORDINAL) * _DAY_S


def _local(year: int, month: int, day: int, clock: tuple[int, int, int]) -> Label | None:
    hour, minute, second = clock
    if year not in _YEARS or minute > 59 or second > 59 or hour > 24 or (hour == 24 and (minute or second)):
        return None
    try:
        start = wall_seconds_of_day(date(year, month, day))
    except ValueError:  # such as 30 February: a label that names no day
        return None
    return Label(start + hour * 3_600 + minute * 60 + second, LabelKind.LOCAL)
