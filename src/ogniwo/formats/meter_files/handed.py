"""What the reader of a plug-in handed over, held to the rules that every layout of ours is held to.

Nothing is taken on trust: types, channels, units, qualities, the raster, codes of points, exact numbers. The numbers go
the same way as those of our engines (`drafts`), so that gaps, repeats and roundings are found and said alike.
"""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, Final, NoReturn

from ogniwo.core.kernel.findings import Finding, Severity
from ogniwo.core.kernel.ids import sha256_hex
from ogniwo.core.kernel.periods import epoch_of
from ogniwo.core.kernel.quality import Quality
from ogniwo.core.metering.model import EXPORT_NETTED, IMPORT_NETTED, RegisterReading
from ogniwo.formats.meter_files.columns import join_columns
from ogniwo.formats.meter_files.drafts import Draft, columns_of_drafts
from ogniwo.formats.meter_files.forms import REGISTER_UNITS, normal_obis
from ogniwo.formats.meter_files.labels import LabelKind
from ogniwo.formats.meter_files.layout import QUALITY_OF_WORD, Point, Time
from ogniwo.formats.meter_files.model import FileReading
from ogniwo.formats.meter_files.numbers import ENERGY_WH, EnergyReader, exact_of_cell, power_of_ten
from ogniwo.formats.meter_files.part import Part
from ogniwo.formats.meter_files.points import PointReader
from ogniwo.formats.meter_files.problems import ERRORS_KEPT, Problems
from ogniwo.formats.meter_files.rows import REACTIVE, interval_channel
from ogniwo.formats.meter_files.timeline import LENGTHS_S
from ogniwo.plugins import ORIGINS, Interval, Reading, RegisterState, Remark

_NETTED: Final = (IMPORT_NETTED, EXPORT_NETTED)
_LARGEST: Final = 2**31 - 1
_LARGEST_STATE: Final = 2**62
_LONGEST: Final = 200


@dataclass(slots=True)
class Handed:
    """Takes over a reading value by value; `last_row` is the row of the last one that came, for an error on the way."""

    problems: Problems
    argument: str = ""
    last_row: int = 0
    _drafts: dict[tuple[str, str], Draft] = field(default_factory=dict)
    _lengths: dict[tuple[str, str], int] = field(default_factory=dict)
    _registers: list[RegisterReading] = field(default_factory=list)
    _energy: dict[str, EnergyReader] = field(default_factory=dict)
    _channels: dict[str, str] = field(default_factory=lambda: {name: name for name in _NETTED})
    _of_file: str | None = None
    _points: PointReader = field(init=False)

    def __post_init__(self) -> None:
        rule = Point(sources=("file_name", "argument"))
        self._points = PointReader(rule=rule, problems=self.problems, argument=self.argument)

    def part(self, reading: object) -> Part:
        """Everything of the reading. Raises FileRefusedError with every error, and whatever the plug-in raises."""
        if not isinstance(reading, Reading):
            self._bad(f"the reader gave {_kind(reading)} instead of a Reading", row=0)
            self.problems.refuse()
        for remark in reading.remarks:
            self._remark(remark)
        for interval in reading.intervals:
            self._interval(interval)
        for state in reading.registers:
            self._register(state)
        self._points.check_argument()
        self.problems.refuse_if_any()
        if not self._drafts and not self._registers:
            self.problems.error("read.no_values", "the reader found no value in the file")
            self.problems.refuse()
        by_length: dict[int, list[Draft]] = {}
        for key, draft in self._drafts.items():
            by_length.setdefault(self._lengths[key], []).append(draft)
        parts = [
            columns_of_drafts(drafts, time=Time(length_s=length_s), problems=self.problems)
            for length_s, drafts in by_length.items()
        ]
        intervals = join_columns(parts, problems=self.problems)
        self.problems.refuse_if_any()
        return Part(intervals=intervals, registers=tuple(self._registers))

    def file_reading(
        self, reading: object, *, data: bytes, layout: str, facts: tuple[tuple[str, str], ...]
    ) -> FileReading:
        """The reading as one of a file; `facts` say who read it. Raises what `part` raises."""
        part = self.part(reading)
        return FileReading(
            layout=layout,
            file_name=self.problems.file_name,
            sha256=sha256_hex(data),
            intervals=part.intervals,
            registers=part.registers,
            maxima=(),
            findings=tuple(self.problems.remarks),
            facts=facts,
        )

    def refuse(self, message: str, *, row: int, column: str) -> NoReturn:
        """Refuse the file because the reader itself refuses it."""
        self._make_room()
        self.problems.error("plugin.refused", message, row=row, column=column)
        self.problems.refuse()

    def stop(self, message: str) -> NoReturn:
        """Refuse the file because the reader failed, at the row that it had reached."""
        self._make_room()
        self.problems.error("plugin.raised", message, row=self.last_row)
        self.problems.refuse()

    def _make_room(self) -> None:
        """Room for the error that ended it all, where so many were found before that no more are kept."""
        del self.problems.errors[ERRORS_KEPT - 1 :]

    def _bad(self, message: str, *, row: int, column: str = "", point: str = "", channel: str = "") -> None:
        """The plug-in broke its contract."""
        self.problems.error("plugin.bad_output", message, row=row, column=column, point=point, channel=channel)

    def _row(self, row: object) -> int:
        """A row as it may be shown: 0, with an error noted, when it is none."""
        if type(row) is int and 0 < row <= _LARGEST:
            self.last_row = row
            return row
        self._bad(f"{_shown(row)} is no row: rows are whole numbers from 1 on", row=self.last_row)
        return 0

    def _remark(self, remark: object) -> None:
        texts: list[Any] = [remark.message, remark.column] if isinstance(remark, Remark) else [None]
        if not isinstance(remark, Remark) or not all(isinstance(text, str) for text in texts):
            self._bad(f"{_kind(remark)} is no Remark with texts", row=0)
            return
        self.problems.remark(
            Finding(
                code="plugin.remark",
                severity=Severity.WARNING,
                message=remark.message[:_LONGEST],
                source=self.problems.file_name,
                row=self._row(remark.row) if remark.row else 0,
                column=remark.column[:_LONGEST],
            )
        )

    def _interval(self, one: object) -> None:
        if not isinstance(one, Interval):
            self._bad(f"{_kind(one)} is no Interval", row=self.last_row)
            return
        row, errors = self._row(one.row), self.problems.error_count
        point, channel = self._point(one.point, row), self._channel(one.channel, row)
        start = self._second(one.start, row, column="start")
        quality = self._quality(one.quality, row)
        reader = self._unit(one.unit, channel, row)
        if type(one.seconds) is not int or one.seconds not in LENGTHS_S:
            known = ", ".join(map(str, LENGTHS_S))
            self.problems.error("read.length", f"{_shown(one.seconds)} s: lengths of {known} s are known", row=row)
        value = None
        if one.value is not None and reader is not None:
            exact = isinstance(one.value, Decimal) or type(one.value) is int
            value = reader.read(one.value) if exact else None
            if value is None:
                message = f"{_shown(one.value)} is not an exact number of {one.unit} that an interval can hold"
                self.problems.error("read.not_a_number", message, row=row, point=point, channel=channel)
        if one.value is not None and quality is Quality.MISSING:
            message = "the quality says missing, yet there is a value"
            self.problems.error("read.missing_with_value", message, row=row, point=point, channel=channel)
        if quality is None or errors != self.problems.error_count:
            return
        key = (point, channel)
        if self._lengths.setdefault(key, one.seconds) != one.seconds:
            message = f"the channel has intervals of {self._lengths[key]} s and of {one.seconds} s"
            self.problems.error("read.length", message, row=row, point=point, channel=channel)
        draft = self._drafts.setdefault(key, Draft(point, channel))
        draft.seconds.append(start)
        draft.kind.append(LabelKind.ABSOLUTE)
        draft.row.append(row)
        draft.add(value, quality)

    def _register(self, one: object) -> None:
        if not isinstance(one, RegisterState):
            self._bad(f"{_kind(one)} is no RegisterState", row=self.last_row)
            return
        row, errors = self._row(one.row), self.problems.error_count
        point = self._point(one.point, row)
        obis = normal_obis(one.obis)
        unit, factor = REGISTER_UNITS.get(str(one.unit).casefold(), ("", 0))
        origin = one.origin if one.origin in ORIGINS else ""
        for given, known, column in (
            (one.obis, obis, "obis"),
            (one.unit, unit, "unit"),
            (one.origin, origin, "origin"),
        ):
            if not known:
                self.problems.error("read.unknown_word", f"{_shown(given)} is not known", row=row, column=column)
        meter: object = one.meter
        if not isinstance(meter, str) or not meter.strip():
            self._bad(f"{_shown(meter)} is no meter number", row=row, column="meter")
        for number, column in ((one.multiplier, "multiplier"), (one.digits, "digits")):
            least = 0 if column == "digits" else 1
            if type(number) is not int or not least <= number <= _LARGEST:
                self._bad(f"{_shown(number)} is no {column}", row=row, column=column)
        value_e3 = self._thousandths(one.value, factor, row)
        epoch_s = self._second(one.time, row, column="time")
        if errors == self.problems.error_count:
            self._registers.append(
                RegisterReading(
                    point=point,
                    meter=one.meter.strip(),
                    obis=obis,
                    epoch_s=epoch_s,
                    value_e3=value_e3,
                    unit=unit,
                    origin=origin,
                    multiplier=one.multiplier,
                    digits=one.digits,
                    source=self.problems.file_name,
                    row=row,
                )
            )

    def _point(self, code: object, row: int) -> str:
        if not isinstance(code, str):
            self._bad(f"{_shown(code)} is no text: codes of points are texts", row=row, column="point")
            return ""
        if code.strip():
            return self._points.of_cell(code, row=row, column="point")
        if self._of_file is None:
            self._of_file = self._points.of_file()
        return self._of_file

    def _channel(self, text: object, row: int) -> str:
        if isinstance(text, str):
            channel = self._channels.get(text) or interval_channel(text)
            if channel:
                return self._channels.setdefault(text, channel)
        message = f"{_shown(text)} is no channel of intervals"
        self.problems.error("read.unknown_kind", message, row=row, column="channel")
        return ""

    def _second(self, moment: object, row: int, *, column: str) -> int:
        """Whole seconds UTC of an aware moment; 0, with an error noted, when it is none."""
        if isinstance(moment, datetime) and moment.utcoffset() is not None and not moment.microsecond:
            return epoch_of(moment)
        message = f"{_shown(moment)} is no moment with an offset, to the second"
        self.problems.error("read.not_a_time", message, row=row, column=column)
        return 0

    def _quality(self, word: object, row: int) -> Quality | None:
        quality = QUALITY_OF_WORD.get(word) if isinstance(word, str) else None
        if quality is None:
            self.problems.error("read.unknown_status", f"{_shown(word)} is no known quality", row=row, column="quality")
        return quality

    def _unit(self, unit: object, channel: str, row: int) -> EnergyReader | None:
        name = unit.casefold() if isinstance(unit, str) else ""
        if name not in ENERGY_WH:
            self.problems.error("read.unknown_unit", f"{_shown(unit)} is no known unit", row=row, column="unit")
            return None
        if channel and ("var" in name) != channel.startswith(REACTIVE):
            message = f"{unit} is no unit of the channel {channel}"
            self.problems.error("read.unknown_unit", message, row=row, column="unit", channel=channel)
        return self._energy.setdefault(name, EnergyReader(name, "."))

    def _thousandths(self, value: object, factor: int, row: int) -> int:
        """A counter's state in 10^-3 of its unit; 0, with an error noted, when it is no exact number of that form."""
        exact = exact_of_cell(value, marks=".") if isinstance(value, Decimal) or type(value) is int else None
        scaled, rest = divmod(exact.mantissa * 1_000, power_of_ten(exact.places)) if exact else (0, 1)
        if rest or abs(scaled * factor) > _LARGEST_STATE:
            message = f"{_shown(value)} is not an exact number with at most three decimals"
            self.problems.error("read.not_a_number", message, row=row, column="value")
            return 0
        return scaled * factor


def _shown(value: object) -> str:
    """A value that may be anything, short enough for a line."""
    return repr(value)[:_LONGEST]


def _kind(value: object) -> str:
    return type(value).__name__
