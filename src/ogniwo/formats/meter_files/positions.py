"""Engine of layouts with one local day per file and its hours as numbered columns (the cooperative daily file)."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime

from ogniwo.core.kernel.calendar import HOUR_S, grid_of_days
from ogniwo.core.kernel.quality import Quality
from ogniwo.formats.meter_files.drafts import Draft, columns_of_drafts
from ogniwo.formats.meter_files.labels import LabelKind, LabelReader, wall_seconds_of_day
from ogniwo.formats.meter_files.layout import Positions
from ogniwo.formats.meter_files.numbers import EnergyReader
from ogniwo.formats.meter_files.part import Job, Part, StatusReader
from ogniwo.formats.meter_files.tables import is_blank, normal

_DAY_S = 86_400


@dataclass(frozen=True, slots=True)
class _Hours:
    """The hours of the file's day: columns in order, and the UTC start of the hour at each position."""

    columns: list[int]
    starts: list[int]


def read_positions(job: Job) -> Part:
    """Read a file of one local day: hour columns are counted from local midnight, 23, 24 or 25 of them."""
    rules = job.layout.positions
    if rules is None:
        raise ValueError(f"layout {job.layout.name} has no positions")
    blocks = job.blocks()
    hours, day = _hours(job, rules, blocks)
    own_code = blocks.get(normal(rules.own_code_block), "")
    point_at = _place(job, job.layout.point.column)
    kind_at = _place(job, *job.layout.kind.columns)
    points = job.points(blocks=blocks, own_code=own_code)
    cells = _CellReader(job, rules)
    drafts: dict[tuple[str, str], Draft] = {}
    kinds = {normal(word): channel for word, channel in job.layout.kind.words.items()}
    for number, row in _lines(job):
        if len(row) <= max(point_at, kind_at):
            job.problems.error("read.short_row", "the row has no point and kind", row=number)
            continue
        point = points.of_cell(row[point_at], row=number, column=job.layout.point.column)
        channel = kinds.get(normal(row[kind_at]), "")
        if not channel:
            job.problems.error("read.unknown_kind", f"{row[kind_at]!r} is no known kind of row", row=number)
            continue
        if (point, channel) in drafts:
            job.problems.error("read.duplicate_label", "the point has two rows of this kind", row=number, point=point)
            continue
        drafts[point, channel] = cells.draft(row, number, hours, Draft(point, channel))
    points.check_argument()
    intervals = columns_of_drafts(list(drafts.values()), time=job.layout.time, problems=job.problems)
    version = blocks.get(normal(rules.version_block), "")
    if not version.isdigit():
        job.problems.error("read.header", f"{version!r} is no version", column=rules.version_block)
        job.problems.refuse()
    return Part(
        intervals=intervals,
        facts=(("cooperative", own_code), ("day", day), ("file_version", str(int(version)))),
    )


def _lines(job: Job) -> list[tuple[int, list[object]]]:
    start = job.header_row + 1
    lines = zip(job.table.numbers[start:], job.table.rows[start:], strict=True)
    return [(number, row) for number, row in lines if not all(map(is_blank, row))]


def _place(job: Job, *names: str) -> int:
    headings = job.headings
    found = [headings.index(normal(name)) for name in names if normal(name) in headings]
    if not found:
        job.problems.error("read.header", f"no column is headed {' or '.join(names)}", row=job.header_row + 1)
        job.problems.refuse()
    return found[0]


def _hours(job: Job, rules: Positions, blocks: dict[str, str]) -> tuple[_Hours, str]:
    text = blocks.get(normal(rules.day_block), "")
    label = LabelReader(forms=job.layout.time.forms).read(text)
    if label is None or label.seconds % _DAY_S:
        job.problems.error("read.header", f"{text!r} is no day", column=rules.day_block)
        job.problems.refuse()
    day = datetime.fromtimestamp(label.seconds, tz=UTC).date()
    next_day = datetime.fromtimestamp(wall_seconds_of_day(day) + _DAY_S, tz=UTC).date()
    grid = grid_of_days(day, next_day, slot_s=HOUR_S, zone=job.layout.time.zone)
    numbered = [(re.fullmatch(rules.heading, heading), index) for index, heading in enumerate(job.headings)]
    columns = sorted((int(match[1]), index) for match, index in numbered if match)
    if [number for number, _ in columns] != list(range(1, len(columns) + 1)) or len(columns) < grid.slots:
        message = f"{day} has {grid.slots} hours, the header has {len(columns)} hour columns"
        job.problems.error("read.day_shape", message, row=job.table.numbers[job.header_row])
        job.problems.refuse()
    return _Hours([index for _, index in columns], grid.start_epoch_s.tolist()), day.isoformat()


class _CellReader:
    """Reads the hour cells of a row: a value and a flag in one cell."""

    def __init__(self, job: Job, rules: Positions) -> None:
        self._job = job
        self._cell = re.compile(rules.cell)
        self._energy = EnergyReader(rules.unit.casefold(), job.layout.text.decimal)
        self._status = StatusReader(job.layout.status, job.problems)

    def draft(self, row: list[object], number: int, hours: _Hours, draft: Draft) -> Draft:
        """Fill a draft with the hours of a row; a value beyond the day's last hour is an error."""
        for position, column in enumerate(hours.columns):
            cell = str(row[column]) if column < len(row) else ""
            heading = self._job.headings[column]
            match = self._cell.fullmatch(cell)
            if match is None:
                self._job.problems.error("read.not_a_number", f"{cell!r} is no value", row=number, column=heading)
                continue
            if position >= len(hours.starts):
                if match["value"]:
                    message = f"the day has {len(hours.starts)} hours, this is hour {position + 1}"
                    self._job.problems.error("read.day_shape", message, row=number, column=heading)
                continue
            draft.seconds.append(hours.starts[position])
            draft.kind.append(LabelKind.ABSOLUTE)
            draft.row.append(number)
            if not match["value"]:
                draft.add(None, Quality.MISSING)
                continue
            value = self._energy.read(match["value"])
            if value is None:
                self._job.problems.error("read.not_a_number", f"{cell!r} is no value", row=number, column=heading)
            draft.add(value, self._status.of_cell(match["status"], row=number, column=heading))
        return draft
