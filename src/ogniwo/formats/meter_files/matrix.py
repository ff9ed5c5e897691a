"""Engine of spreadsheets with a block of labelled header rows and one column per point and quantity (EDA, Austria)."""

import re
from dataclasses import dataclass
from typing import Any

from ogniwo.core.kernel.findings import Finding, Severity
from ogniwo.core.kernel.quality import Quality
from ogniwo.formats.meter_files.account import check_account
from ogniwo.formats.meter_files.drafts import Draft, columns_of_drafts
from ogniwo.formats.meter_files.labels import LabelReader
from ogniwo.formats.meter_files.layout import Matrix
from ogniwo.formats.meter_files.numbers import ENERGY_WH, EnergyReader
from ogniwo.formats.meter_files.part import Job, Part, StatusReader
from ogniwo.formats.meter_files.points import PointReader
from ogniwo.formats.meter_files.tables import is_blank, normal

_UNIT = re.compile(r"(?P<code>.*?)\s*\[(?P<unit>[^\]]+)\]\Z")


@dataclass(frozen=True, slots=True)
class _Column:
    """A column that is read: its place, what it holds, the place of its quality column (-1 for none)."""

    index: int
    point: str
    channel: str
    unit: str
    quality: int


@dataclass(frozen=True, slots=True)
class _Times:
    """The rows of data with their labels; lists in the order of the file."""

    rows: list[list[Any]]
    numbers: list[int]
    seconds: list[int]
    kind: list[int]


def read_matrix(job: Job) -> Part:
    """Read a table with one column per point and quantity; `header_row` is the first labelled row."""
    rules = job.layout.matrix
    if rules is None:
        raise ValueError(f"layout {job.layout.name} has no matrix")
    labels = {normal(row[0]): row for row in job.table.rows[: job.header_row + job.layout.header.within_rows]}
    points = job.points()
    columns = _columns(job, rules, labels, points)
    times = _times(job)
    drafts = [_draft(job, column, times) for column in columns]
    points.check_argument()
    seen: set[tuple[str, str]] = set()
    for column in columns:
        if (column.point, column.channel) in seen:
            job.problems.error(
                "read.duplicate_label", "two columns hold the same quantity", point=column.point, channel=column.channel
            )
        seen.add((column.point, column.channel))
    if not times.rows:
        job.problems.error("read.no_values", "no row of data was found below the header block")
    intervals = columns_of_drafts(drafts, time=job.layout.time, problems=job.problems)
    facts = check_account(rules.account, drafts=drafts, intervals=intervals, problems=job.problems)
    return Part(intervals=intervals, facts=facts)


def _columns(job: Job, rules: Matrix, labels: dict[str, list[Any]], points: PointReader) -> list[_Column]:
    point_row, code_row = labels[normal(rules.point_label)], labels[normal(rules.code_label)]
    direction_row = labels[normal(rules.direction_label)]
    ignored = {normal(code) for code in job.layout.point.ignore}
    columns = []
    for index in range(1, len(point_row)):
        if is_blank(point_row[index]) or normal(point_row[index]) in ignored or _is_quality(rules, code_row, index):
            continue
        match = _UNIT.match(str(code_row[index]).strip())
        code, unit = (
            (match["code"], match["unit"].casefold()) if match else (str(code_row[index]), rules.unit.casefold())
        )
        point = str(point_row[index])
        if normal(code) in {normal(text) for text in rules.no_data_codes}:
            _remark(job, "read.no_data", f"the file says about this point: {code}", point=point)
            continue
        channel = _channel(rules, code=normal(code), direction=normal(direction_row[index]))
        if not channel:
            message = f"the quantity {code!r} with direction {direction_row[index]!r} is not known; left out"
            _remark(job, "read.skipped_kind", message, point=point)
            continue
        if unit not in ENERGY_WH:
            job.problems.error("read.unknown_unit", f"{unit!r} is no known unit of energy", point=point)
            continue
        checked = points.of_cell(point_row[index], row=job.header_row + 1, column=rules.point_label)
        quality = index + 1 if _is_quality(rules, code_row, index + 1) else -1
        columns.append(_Column(index, checked, channel, unit, quality))
    return columns


def _is_quality(rules: Matrix, code_row: list[Any], index: int) -> bool:
    return bool(rules.quality_code) and index < len(code_row) and normal(code_row[index]) == normal(rules.quality_code)


def _channel(rules: Matrix, *, code: str, direction: str) -> str:
    for quantity in rules.quantities:
        if normal(quantity.direction) == direction and re.search(quantity.code, code):
            return quantity.channel
    return ""


def _remark(job: Job, code: str, message: str, *, point: str) -> None:
    job.problems.remark(
        Finding(code=code, severity=Severity.WARNING, message=message, source=job.problems.file_name, point=point)
    )


def _times(job: Job) -> _Times:
    """Data begins at the first row whose first cell is a time; from there on every row must have one."""
    labels = LabelReader(forms=job.layout.time.forms)
    times = _Times([], [], [], [])
    for number, row in zip(job.table.numbers, job.table.rows, strict=True):
        label = labels.read(row[0])
        if label is not None:
            times.rows.append(row)
            times.numbers.append(number)
            times.seconds.append(label.seconds)
            times.kind.append(label.kind)
        elif times.rows and not all(map(is_blank, row)):
            job.problems.error("read.not_a_time", f"{str(row[0])!r} is no time", row=number, column="1")
    return times


def _draft(job: Job, column: _Column, times: _Times) -> Draft:
    draft = Draft(column.point, column.channel, times.seconds, times.kind, row=times.numbers)
    energy = EnergyReader(column.unit, job.layout.text.decimal)
    status = StatusReader(job.layout.status, job.problems)
    for number, row in zip(times.numbers, times.rows, strict=True):
        cell = row[column.index]
        if is_blank(cell):
            draft.add(None, Quality.MISSING)
            continue
        value = energy.read(cell)
        if value is None:
            job.problems.error(
                "read.not_a_number",
                f"{str(cell)!r} is not a number of {column.unit} that an interval can hold",
                row=number,
                column=str(column.index + 1),
                point=column.point,
                channel=column.channel,
            )
        quality = Quality.MEASURED
        if column.quality >= 0 and not is_blank(row[column.quality]):
            quality = status.of_cell(row[column.quality], row=number, column=str(column.quality + 1))
        draft.add(value, quality)
    return draft
