"""Engine of layouts with one interval per row, in delimited text or a sheet."""

import re
from collections import Counter, defaultdict
from dataclasses import dataclass

from ogniwo.core.kernel.findings import Finding, Severity
from ogniwo.core.kernel.quality import Quality
from ogniwo.core.kernel.rounding import divide_half_up
from ogniwo.core.metering.obis import UnknownObisError, channel_of, parse_obis
from ogniwo.formats.meter_files.drafts import Draft, columns_of_drafts
from ogniwo.formats.meter_files.labels import Label, LabelReader
from ogniwo.formats.meter_files.layout import Rows
from ogniwo.formats.meter_files.numbers import ENERGY_WH, MEAN_POWER_W, EnergyReader, WholeWh
from ogniwo.formats.meter_files.part import Job, Part, StatusReader
from ogniwo.formats.meter_files.tables import is_blank, normal

_INTERVAL = 29
REACTIVE = ("3.", "4.", "5.", "6.", "7.", "8.")


@dataclass(frozen=True, slots=True)
class _Column:
    """A value column of the file at hand."""

    index: int
    heading: str
    channel: str
    total: bool


@dataclass(frozen=True, slots=True)
class _Shape:
    """Where everything stands in the file at hand; -1 where the layout has no such column."""

    values: dict[str, list[_Column]]
    time: list[int]
    point: int
    kind: int
    status: int
    unit: int

    @property
    def last(self) -> int:
        """The last column a row must have."""
        values = (column.index for columns in self.values.values() for column in columns)
        return max(*self.time, self.point, self.kind, self.status, self.unit, *values)


def read_rows(job: Job) -> Part:
    """Read a table with one interval per row."""
    rules = job.layout.rows
    if rules is None:
        raise ValueError(f"layout {job.layout.name} has no rows")
    shape = _shape_of(job, rules)
    reader = _RowReader(job, rules, shape)
    for number, row in _body(job):
        if rules.footer and normal(row[0]) == normal(rules.footer):
            reader.check_footer(row, number)
            break
        if len(row) <= shape.last:
            message = f"the row has {len(row)} cells, {shape.last + 1} are needed"
            job.problems.error("read.short_row", message, row=number)
            continue
        reader.read(row, number)
    reader.points.check_argument()
    reader.report_skipped()
    intervals = columns_of_drafts(reader.drafts, time=job.layout.time, problems=job.problems)
    return Part(intervals=intervals)


def _body(job: Job) -> list[tuple[int, list[object]]]:
    start = job.header_row + 1
    rows = zip(job.table.numbers[start:], job.table.rows[start:], strict=True)
    return [(number, row) for number, row in rows if not all(map(is_blank, row))]


def _shape_of(job: Job, rules: Rows) -> _Shape:
    headings, layout = job.headings, job.layout

    def place(*names: str) -> int:
        return next((headings.index(normal(name)) for name in names if normal(name) in headings), -1)

    values: defaultdict[str, list[_Column]] = defaultdict(list)
    taken = set()
    for rule in rules.values:
        for index, heading in enumerate(headings):
            if index not in taken and re.fullmatch(rule.heading, heading):
                taken.add(index)
                values[rule.channel].append(_Column(index, heading, rule.channel, rule.total))
    if not values:
        job.problems.error("read.no_values", "no column of values was found under the headings of this layout")
        job.problems.refuse()
    return _Shape(
        values=dict(values),
        time=[place(name) for name in layout.time.columns],
        point=place(layout.point.column) if "column" in layout.point.sources and layout.point.column else -1,
        kind=place(*layout.kind.columns),
        status=place(layout.status.column) if layout.status.column else -1,
        unit=place(rules.unit_column) if rules.unit_column else -1,
    )


class _RowReader:
    """Turns rows into drafts; one instance per file."""

    def __init__(self, job: Job, rules: Rows, shape: _Shape) -> None:
        self._job, self._rules, self._shape = job, rules, shape
        self.points = job.points(blocks=job.blocks())
        self._one_point = "" if shape.point >= 0 else self.points.of_file()
        time = job.layout.time
        self._labels = LabelReader(forms=time.forms, mark=time.repeat_mark)
        self._status = StatusReader(job.layout.status, job.problems)
        self._kinds = {normal(word): channel for word, channel in job.layout.kind.words.items()}
        self._units: dict[str, EnergyReader | None] = {}
        self._drafts: dict[tuple[str, str], Draft] = {}
        self._skipped: Counter[str] = Counter()
        self._column_wh: Counter[int] = Counter()

    @property
    def drafts(self) -> list[Draft]:
        """The series read so far, in the order of their first rows."""
        return list(self._drafts.values())

    def read(self, row: list[object], number: int) -> None:
        """Read one row; what cannot be read becomes an error of the file."""
        shape = self._shape
        label = self._label(row, number)
        point = self._one_point
        if shape.point >= 0:
            point = self.points.of_cell(row[shape.point], row=number, column=self._job.layout.point.column)
        kind = self._kind(row, number) if shape.kind >= 0 else ""
        if label is None or kind is None:
            return
        status = Quality.MEASURED
        if shape.status >= 0 and not is_blank(row[shape.status]):
            status = self._status.of_cell(row[shape.status], row=number, column=self._job.layout.status.column)
        unit = self._unit(row, number)
        for channel, columns in shape.values.items():
            value = self._value(row, columns, unit=unit, number=number)
            self._check(channel or kind, value, status=status, unit=unit, number=number)
            draft = self._drafts.setdefault((point, channel or kind), Draft(point, channel or kind))
            draft.seconds.append(label.seconds)
            draft.kind.append(label.kind)
            draft.row.append(number)
            draft.add(value, status)

    def _check(
        self, channel: str, value: WholeWh | None, *, status: Quality, unit: EnergyReader | None, number: int
    ) -> None:
        """Two contradictions inside a row: a value that is said to be missing, and a unit of another quantity."""
        layout, problems = self._job.layout, self._job.problems
        if value is not None and status is Quality.MISSING and not layout.status.otherwise:
            message = "the status says missing, yet there is a value"
            problems.error("read.missing_with_value", message, row=number, column=layout.status.column, channel=channel)
        if unit is not None and self._shape.unit >= 0 and ("var" in unit.unit) != channel.startswith(REACTIVE):
            message = f"{unit.unit} is no unit of the channel {channel}"
            problems.error("read.unknown_unit", message, row=number, column=self._rules.unit_column, channel=channel)

    def _label(self, row: list[object], number: int) -> Label | None:
        places = self._shape.time
        cell = row[places[0]] if len(places) == 1 else " ".join(str(row[place]) for place in places)
        label = self._labels.read(cell)
        if label is None:
            column = ", ".join(self._job.layout.time.columns)
            self._job.problems.error("read.not_a_time", f"{str(cell)!r} is no time", row=number, column=column)
        return label

    def _kind(self, row: list[object], number: int) -> str | None:
        """The channel of a row, or None when the row is left out."""
        cell = row[self._shape.kind]
        word = normal(cell)
        if word in self._kinds:
            return self._kinds[word]
        if self._job.layout.kind.obis and (channel := interval_channel(str(cell))):
            return self._kinds.setdefault(word, channel)
        if self._job.layout.kind.unknown == "skip":
            self._skipped[str(cell)] += 1
            return None
        column = self._job.headings[self._shape.kind]
        self._job.problems.error("read.unknown_kind", f"{str(cell)!r} is no known kind", row=number, column=column)
        return None

    def _unit(self, row: list[object], number: int) -> EnergyReader | None:
        place = self._shape.unit
        unit = normal(row[place]) if place >= 0 else self._rules.unit.casefold()
        if unit not in self._units:
            length_s = self._job.layout.time.length_s
            known = unit in ENERGY_WH or (unit in MEAN_POWER_W and length_s)
            marks = self._job.layout.text.decimal
            self._units[unit] = EnergyReader(unit, marks, length_s) if known else None
        if self._units[unit] is None:
            column = self._rules.unit_column
            self._job.problems.error("read.unknown_unit", f"{unit!r} is no known unit", row=number, column=column)
        return self._units[unit]

    def _value(
        self, row: list[object], columns: list[_Column], *, unit: EnergyReader | None, number: int
    ) -> WholeWh | None:
        """The sum of the zones of a channel, or its total where the file gives one; None when all are empty."""
        present = []
        for column in columns:
            cell = row[column.index]
            if is_blank(cell) or unit is None:
                continue
            value = unit.read(cell)
            if value is None:
                message = f"{str(cell)!r} is not a number of {unit.unit} that an interval can hold"
                self._job.problems.error("read.not_a_number", message, row=number, column=column.heading)
                continue
            self._column_wh[column.index] += value.wh
            present.append((column, value))
        totals = [value for column, value in present if column.total]
        values = totals[:1] or [value for _, value in present]
        return _sum(values)

    def check_footer(self, row: list[object], number: int) -> None:
        """Compare the file's own sum of each column with ours."""
        unit = self._unit(row, number) if self._rules.unit else None
        for columns in self._shape.values.values():
            for column in columns:
                cell = row[column.index] if column.index < len(row) else ""
                value = unit.read(cell) if unit and not is_blank(cell) else None
                ours = self._column_wh[column.index]
                if value is not None and value.wh != ours:
                    self._job.problems.remark(
                        Finding(
                            code="read.footer_sum",
                            severity=Severity.WARNING,
                            message=f"the file's own sum is {value.wh} Wh, its rows give {ours} Wh",
                            source=self._job.problems.file_name,
                            row=number,
                            column=column.heading,
                            channel=column.channel,
                        )
                    )

    def report_skipped(self) -> None:
        """Say which kinds of rows were left out."""
        for kind, count in self._skipped.items():
            self._job.problems.remark(
                Finding(
                    code="read.skipped_kind",
                    severity=Severity.WARNING,
                    message=f"{count} rows of the kind {kind!r} were left out: no channel is known for it",
                    source=self._job.problems.file_name,
                    column=self._job.headings[self._shape.kind],
                    facts=(("rows", str(count)),),
                )
            )


def interval_channel(text: str) -> str:
    """The channel of an interval's OBIS code (group D 29); "" for any other text."""
    try:
        obis = parse_obis(text).normal
    except UnknownObisError:  # the caller names the cell in an error of the file
        return ""
    return channel_of(obis) or "" if obis.processing == _INTERVAL and obis.tariff == 0 else ""


def _sum(values: list[WholeWh]) -> WholeWh | None:
    """The exact sum, rounded once."""
    if len(values) < 2:
        return values[0] if values else None
    scale = max(value.scale for value in values)
    exact = sum((value.wh * value.scale - value.over) * (scale // value.scale) for value in values)
    wh = divide_half_up(exact, scale)
    return WholeWh(wh, wh * scale - exact, scale)
