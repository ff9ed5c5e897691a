"""Engine of our own forms of register readings (Odczyty) and of the ten largest powers (Moce maksymalne)."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from ogniwo.core.kernel.calendar import Month
from ogniwo.core.kernel.findings import Finding, Severity
from ogniwo.core.kernel.wall_clock import moments_of_wall_clock
from ogniwo.core.metering.model import MaximumPower, RegisterReading
from ogniwo.core.metering.obis import UnknownObisError, normalise_obis
from ogniwo.formats.meter_files.labels import LabelKind, LabelReader
from ogniwo.formats.meter_files.layout import Form
from ogniwo.formats.meter_files.numbers import exact_of_cell, power_of_ten
from ogniwo.formats.meter_files.part import Job, Part
from ogniwo.formats.meter_files.tables import is_blank, normal

_MONTH = re.compile(r"\d{4}-\d{2}\Z", re.ASCII)
REGISTER_UNITS = {"kwh": ("kWh", 1), "mwh": ("kWh", 1_000), "kvarh": ("kvarh", 1), "mvarh": ("kvarh", 1_000)}
_RANKS = range(1, 11)


def normal_obis(text: object) -> str:
    """The normal form of a code or alias, "" for anything else: the caller names it in an error of the file."""
    try:
        return normalise_obis(text) if isinstance(text, str) else ""
    except UnknownObisError:
        return ""


@dataclass(slots=True)
class _FormReader:
    """The fields of a form's rows, with errors noted where a field does not hold what it should."""

    job: Job
    form: Form

    def lines(self) -> Iterator[tuple[int, dict[str, Any]]]:
        """The rows with their fields by name; a field whose column is not there is empty."""
        headings = self.job.headings
        places = {
            name: headings.index(normal(text)) for name, text in self.form.columns.items() if normal(text) in headings
        }
        start = self.job.header_row + 1
        for number, row in zip(self.job.table.numbers[start:], self.job.table.rows[start:], strict=True):
            if not all(map(is_blank, row)):
                yield number, {name: row[place] if place < len(row) else "" for name, place in places.items()}

    def error(self, code: str, message: str, *, number: int, field: str) -> None:
        """Note an error in a field."""
        self.job.problems.error(code, message, row=number, column=self.form.columns[field])

    def scaled(self, cell: object, *, decimals: int, number: int, field: str) -> int | None:
        """An exact number as an integer of 10^-decimals; None, with an error noted, when it is none."""
        exact = exact_of_cell(cell, marks=self.job.layout.text.decimal)
        if exact is None:
            self.error("read.not_a_number", f"{str(cell)!r} is not a number", number=number, field=field)
            return None
        scale = power_of_ten(exact.places)
        value, rest = divmod(exact.mantissa * power_of_ten(decimals), scale)
        if rest:
            message = f"{str(cell)!r} has more than {decimals} decimal places"
            self.error("read.not_a_number", message, number=number, field=field)
            return None
        return value

    def instant(self, cell: object, *, labels: LabelReader, number: int, field: str) -> int | None:
        """The UTC second of a local moment; None, with an error noted, when it is none or does not exist."""
        label = labels.read(cell)
        if label is None:
            self.error("read.not_a_time", f"{str(cell)!r} is no time", number=number, field=field)
            return None
        if label.kind is LabelKind.ABSOLUTE:
            return label.seconds
        moments = moments_of_wall_clock(np.array([label.seconds]), zone=self.job.layout.time.zone)
        if moments.absent[0]:
            self.error("read.absent_hour", f"{cell} is in the hour that spring skips", number=number, field=field)
            return None
        if moments.ambiguous[0]:
            self.job.problems.remark(
                Finding(
                    code="read.repeated_hour_once",
                    severity=Severity.WARNING,
                    message=f"{cell} is in the repeated hour; taken for its first occurrence, in summer time",
                    source=self.job.problems.file_name,
                    row=number,
                    column=self.form.columns[field],
                )
            )
        return int(moments.first_epoch_s[0])


def read_registers(job: Job) -> Part:
    """Read a table of counter states."""
    form = job.layout.registers
    if form is None:
        raise ValueError(f"layout {job.layout.name} has no registers")
    reader = _FormReader(job, form)
    points = job.points()
    labels = LabelReader(forms=job.layout.time.forms)
    origins = {normal(word): origin for word, origin in form.origins.items()}
    readings = []
    for number, cells in reader.lines():
        count = job.problems.error_count
        point = points.of_cell(cells["point"], row=number, column=form.columns["point"])
        epoch_s = reader.instant(cells["time"], labels=labels, number=number, field="time")
        value = reader.scaled(cells["value"], decimals=3, number=number, field="value")
        multiplier = reader.scaled(cells["multiplier"] or 1, decimals=0, number=number, field="multiplier")
        obis = normal_obis(str(cells["obis"]))
        unit, factor = REGISTER_UNITS.get(normal(cells["unit"]), ("", 0))
        origin = origins.get(normal(cells["origin"]), "")
        for missing, field in ((not obis, "obis"), (not unit, "unit"), (not origin, "origin")):
            if missing:
                reader.error("read.unknown_word", f"{str(cells[field])!r} is not known", number=number, field=field)
        if epoch_s is None or value is None or multiplier is None or count != job.problems.error_count:
            continue
        readings.append(
            RegisterReading(
                point=point,
                meter=_code(cells["meter"]),
                obis=obis,
                epoch_s=epoch_s,
                value_e3=value * factor,
                unit=unit,
                origin=origin,
                multiplier=multiplier,
                digits=_digits(cells["value"], remark=str(cells.get("remark", "")), pattern=form.digits_remark),
                source=job.problems.file_name,
                row=number,
            )
        )
    points.check_argument()
    job.problems.refuse_if_any()
    return Part(registers=tuple(readings))


def _code(cell: object) -> str:
    """A meter number; a spreadsheet that kept it as a number has lost nothing but leading zeros."""
    return str(int(cell)) if isinstance(cell, float) and cell.is_integer() else str(cell).strip()


def _digits(cell: object, *, remark: str, pattern: str) -> int:
    """Integer digits of the counter, where the file shows them: leading zeros, or a remark; else 0."""
    if pattern and (match := re.search(pattern, remark)):
        return int(match[1])
    whole = re.split(r"[.,]", cell.strip())[0] if isinstance(cell, str) else ""
    return len(whole) if len(whole) > 1 and whole.startswith("0") else 0


def read_maxima(job: Job) -> Part:
    """Read a table of the ten largest hourly mean powers of months."""
    form = job.layout.maxima
    if form is None:
        raise ValueError(f"layout {job.layout.name} has no maxima")
    reader = _FormReader(job, form)
    points = job.points()
    labels = LabelReader(forms=job.layout.time.forms)
    maxima: dict[tuple[str, str, int], MaximumPower] = {}
    for number, cells in reader.lines():
        count = job.problems.error_count
        point = points.of_cell(cells["point"], row=number, column=form.columns["point"])
        month = str(cells["month"]).strip()
        if not _MONTH.match(month) or not _is_month(month):
            reader.error("read.not_a_time", f"{month!r} is no month (YYYY-MM)", number=number, field="month")
        rank = reader.scaled(cells["rank"], decimals=0, number=number, field="rank")
        if rank is not None and rank not in _RANKS:
            reader.error("read.not_a_number", f"{rank} is not between 1 and 10", number=number, field="rank")
        power = reader.scaled(cells["power"], decimals=3, number=number, field="power")
        epoch_s = reader.instant(cells["time"], labels=labels, number=number, field="time")
        if rank is None or power is None or epoch_s is None or count != job.problems.error_count:
            continue
        key = (point, month, rank)
        if key in maxima:
            reader.error("read.duplicate_label", f"{month} has two maxima {rank}", number=number, field="rank")
        maxima[key] = MaximumPower(
            point=point,
            month=month,
            rank=rank,
            power_w=power,
            epoch_s=epoch_s,
            source=job.problems.file_name,
            row=number,
        )
    points.check_argument()
    job.problems.refuse_if_any()
    return Part(maxima=tuple(maxima.values()))


def _is_month(text: str) -> bool:
    try:
        Month.parse(text)
    except ValueError:
        return False
    return True
