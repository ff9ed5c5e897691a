"""Write meter files in the layouts that the readers know, byte for byte the same for the same input.

Hours are labelled by their end in local time, the repeated autumn hour twice, as the portals do (metering.md 1).
Energies are integer Wh, printed as kWh with three decimals.
"""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import xlsxwriter
from numpy.typing import NDArray

from ogniwo.core.kernel.calendar import SlotGrid
from ogniwo.core.kernel.quantities import format_decimal

Energies = NDArray[np.int64]
CRLF = "\r\n"


def _kwh(energy_wh: int, *, mark: str = ",") -> str:
    return format_decimal(int(energy_wh), decimals=3, mark=mark)


def _ends(grid: SlotGrid) -> list[datetime]:
    """The local wall-clock end of each slot: the start's wall clock plus the length, as portals print it."""
    zone = ZoneInfo(grid.zone)
    length = timedelta(seconds=grid.slot_s)
    return [datetime.fromtimestamp(int(start), tz=zone).replace(tzinfo=None) + length for start in grid.start_epoch_s]


def _daily_cell(energy_wh: int) -> str:
    """Print kWh with a dot and without a leading zero, as the daily file prints it: `.739`."""
    text = _kwh(energy_wh, mark=".")
    return text.removeprefix("0") if energy_wh < 1_000 else text


@dataclass(frozen=True, slots=True, kw_only=True)
class DailyRow:
    """One row of a cooperative's daily file: 23, 24 or 25 hourly Wh and which of them the operator estimated."""

    point: str
    kind: str
    energies_wh: Sequence[int]
    estimated: Sequence[bool]


def cooperative_daily_csv(
    *, operator: str, cooperative: str, day: date, version: int, rows: Sequence[DailyRow]
) -> bytes:
    """The daily file of an energy cooperative (PTPiREE style): windows-1250, one row per point and direction."""
    hours = len(rows[0].energies_wh)
    lines = [
        f"kOSD;{operator};",
        f"kSE;{cooperative};;",
        f"DCW;{day + timedelta(days=version):%d-%m-%Y};",
        f"DD;{day:%d-%m-%Y};",
        f"VV;{version};",
        "Kod_PPE;Typ;JM;" + "".join(f"H{hour};" for hour in range(1, hours + 1)),
    ]
    for row in rows:
        cells = (
            f"{_daily_cell(energy)},{'*' if guess else '+'};"
            for energy, guess in zip(row.energies_wh, row.estimated, strict=True)
        )
        lines.append(f"{row.point};{row.kind};kWh;{''.join(cells)}")
    return (CRLF.join(lines) + CRLF).encode("cp1250")


_EBOK_HEADER = (
    "Data",
    "Wolumen energii elektrycznej pobranej z sieci przed bilansowaniem godzinowym",
    "Wolumen energii elektrycznej oddanej do sieci przed bilansowaniem godzinowym",
    "Wolumen energii elektrycznej pobranej z sieci po bilansowaniu godzinowym",
    "Wolumen energii elektrycznej oddanej do sieci po bilansowaniu godzinowym",
)


def enea_ebok_csv(*, grid: SlotGrid, import_wh: Energies, export_wh: Energies) -> bytes:
    """The customer portal's export: UTF-8 with BOM, every value quoted, the time an Excel formula ending in :59."""
    lines = [";".join(_EBOK_HEADER)]
    for end, taken, given in zip(_ends(grid), import_wh, export_wh, strict=True):
        label = f'"=""{end - timedelta(minutes=1):%Y-%m-%d %H:%M}"""'
        values = (taken, given, max(taken - given, 0), max(given - taken, 0))
        lines.append(";".join((label, *(f'"{_kwh(value)}"' for value in values))))
    return ("\ufeff" + "\n".join(lines) + "\n").encode()


def enea_operator_xlsx(
    *,
    point: str,
    grid: SlotGrid,
    zone_columns: Mapping[str, NDArray[np.bool_]],
    energies_wh: Energies,
    estimated: NDArray[np.bool_],
) -> bytes:
    """The operator portal's monthly report: block with the point, one column per zone (heading -> active slots)."""
    buffer = io.BytesIO()
    book = xlsxwriter.Workbook(buffer, {"in_memory": True})
    book.set_properties({"created": datetime(2000, 1, 1)})  # noqa: DTZ001 -- XLSX stores no zone; fixed for equal bytes
    sheet = book.add_worksheet("Raport")
    sheet.write_row(0, 0, ("Numer PPE", point))
    sheet.write_row(1, 0, ("Zakres", f"{grid.days[0]} - {grid.days[-1]}"))
    sheet.write_row(3, 0, ("Dzień", *zone_columns, "Status"))
    repeated = _repeated(grid)
    for slot, end in enumerate(_ends(grid)):
        suffix = " czasu zimowego" if repeated[slot] else ""
        sheet.write_string(4 + slot, 0, f"{end:%Y-%m-%d %H:%M:%S}{suffix}")
        for column, active in enumerate(zone_columns.values(), 1):
            if active[slot]:
                sheet.write_number(4 + slot, column, int(energies_wh[slot]) / 1000)
        sheet.write_string(4 + slot, 1 + len(zone_columns), "Dane szacowane" if estimated[slot] else "Dane rzeczywiste")
    last = 4 + grid.slots
    sheet.write_string(last, 0, "Suma")
    for column, active in enumerate(zone_columns.values(), 1):
        sheet.write_number(last, column, int(energies_wh[active].sum()) / 1000)
    book.close()
    return buffer.getvalue()


def _repeated(grid: SlotGrid) -> NDArray[np.bool_]:
    """The second, winter-time pass of the hour that the autumn change repeats."""
    zone = ZoneInfo(grid.zone)
    return np.array([datetime.fromtimestamp(int(start), tz=zone).fold == 1 for start in grid.start_epoch_s])


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileColumn:
    """One channel of one point for the standard profile: Wh or varh, and which slots are left out of the file."""

    point: str
    obis: str
    unit: str
    energies: Energies
    absent: NDArray[np.bool_] | None = None


def standard_profile_csv(*, grid: SlotGrid, columns: Sequence[ProfileColumn]) -> bytes:
    """The product's own profile form: start with offset, kWh or kvarh with decimal comma, status `+`."""
    zone = ZoneInfo(grid.zone)
    starts = [datetime.fromtimestamp(int(start), tz=zone).isoformat(timespec="minutes") for start in grid.start_epoch_s]
    lines = ["PPE;OBIS;Początek;Wartość;Jednostka;Status"]
    for column in columns:
        absent = column.absent if column.absent is not None else np.zeros(grid.slots, dtype=np.bool_)
        lines.extend(
            f"{column.point};{column.obis};{start};{_kwh(energy)};{column.unit};+"
            for start, energy, gone in zip(starts, column.energies, absent, strict=True)
            if not gone
        )
    return ("\ufeff" + CRLF.join(lines) + CRLF).encode()


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadingRow:
    """One register state for the form *Odczyty*; value in 10^-3 kWh or kvarh, before the multiplier."""

    point: str
    meter: str
    moment: str
    obis: str
    value_e3: int
    unit: str
    multiplier: int


def register_readings_csv(rows: Sequence[ReadingRow]) -> bytes:
    """The product's form for register readings (*Odczyty*)."""
    text = io.StringIO()
    writer = csv.writer(text, delimiter=";", lineterminator=CRLF)
    writer.writerow(
        (
            "PPE",
            "Nr licznika",
            "Data i godzina odczytu",
            "OBIS",
            "Wskazanie",
            "Jednostka",
            "Mnożna",
            "Rodzaj odczytu",
            "Uwagi",
        )
    )
    for row in rows:
        value = _kwh(row.value_e3)
        writer.writerow((row.point, row.meter, row.moment, row.obis, value, row.unit, row.multiplier, "zdalny", ""))
    return ("\ufeff" + text.getvalue()).encode()
