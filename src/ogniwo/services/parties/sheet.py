"""The members' table as a file: one row for a member with one of his points; its columns, a template, how it is read.

The words stand for the fields of docs/master_data.md, in English and in Polish; a heading may be either. An empty cell
says nothing: it neither clears what is registered nor stands for zero.
"""

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from ogniwo.core.kernel.findings import Finding, Severity
from ogniwo.core.kernel.ids import sha256_hex
from ogniwo.core.kernel.refusals import Refusal
from ogniwo.formats.meter_files.model import FileRefusedError
from ogniwo.formats.meter_files.tables import SheetLimits, decode_text, looks_like_xlsx, spreadsheet_tables
from ogniwo.formats.sheets.writer import Cell, csv_bytes, guarded, xlsx_bytes

BYTES_MAX: Final = 5_000_000
ROWS_MAX: Final = 5_000
_LIMITS: Final = SheetLimits(unpacked_bytes=60_000_000, cells=400_000)
_ENCODINGS: Final = ("utf-8", "windows-1250", "iso-8859-2")
_LARGEST_EXACT: Final = 2**53


class TableRefusedError(Refusal):
    """A file is no table of members or states: too large, unreadable, without rows, or with unknown headings."""

    code = "members.table_refused"


@dataclass(frozen=True, slots=True)
class Column:
    """A column: the field's name, its Polish heading, and an example for the template in both languages."""

    key: str
    polish: str
    example: str
    przyklad: str = ""


COLUMNS: Final = (
    Column("number", "numer", "SE-101"),
    Column("name", "nazwa", "Household 101", "Gospodarstwo domowe 101"),
    Column("kind", "rodzaj", "household", "gospodarstwo"),
    Column("street", "ulica", "ul. Polna 1"),
    Column("post_code", "kod pocztowy", "00-000"),
    Column("town", "miejscowość", "Przykładowo"),
    Column("nip", "NIP", ""),
    Column("point", "PPE", "590999772600009998"),
    Column("role", "rola punktu", "prosumer", "prosument"),
    Column("source", "źródło", "pv"),
    Column("peak_power_w", "moc źródła W", "8400"),
    Column("group", "grupa", "gmina/prosumenci"),
    Column("point_street", "ulica punktu", "ul. Polna 1"),
    Column("point_town", "miejscowość punktu", "Przykładowo"),
    Column("meter", "licznik", "90009998"),
    Column("meter_from", "licznik od", "2026-01-01"),
    Column("current", "przekładnia prądowa", ""),
    Column("voltage", "przekładnia napięciowa", ""),
    Column("digits", "cyfry licznika", "6"),
    Column("operator", "operator sieci", "enea"),
    Column("tariff", "grupa taryfowa", "G11"),
    Column("offer", "oferta sprzedawcy", "enea"),
    Column("contract_power_w", "moc umowna W", ""),
    Column("phases", "fazy", "1ph"),
    Column("yearly_use_wh", "zużycie roczne Wh", "2900000"),
    Column("capacity_household", "opłata mocowa jak dom", "yes", "tak"),
    Column("contract_from", "umowa od", "2026-01-01"),
    Column("contract_to", "umowa do", ""),
    Column("member_from", "w społeczności od", "2026-01-01"),
    Column("member_to", "w społeczności do", ""),
    Column("share_key", "klucz podziału", "1"),
    Column("merit_rank", "kolejność", ""),
    Column("participation_percent", "udział procent", ""),
)
_REASON: Final = ("reason", "powód")
_KEYS: Final = {
    word.casefold(): one.key for one in COLUMNS for word in (one.key, one.key.replace("_", " "), one.polish)
}


@dataclass(frozen=True, slots=True)
class SheetRow:
    """A row: its number in the file, its cells that hold something by field, and what could not be read in it."""

    number: int
    cells: dict[str, str]
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class MemberSheet:
    """A table that was read; `sha256` names its bytes."""

    file_name: str
    sha256: str
    rows: tuple[SheetRow, ...]


def read_sheet(data: bytes, *, file_name: str) -> MemberSheet:
    """Read a CSV or XLSX file of members. Raises TableRefusedError; faults of single cells become findings of a row."""
    if len(data) > BYTES_MAX:
        raise TableRefusedError(detail=f"{file_name} has more than {BYTES_MAX // 1_000_000} MB")
    try:
        grid = _spreadsheet(data, file_name) if looks_like_xlsx(data) else delimited_rows(data, file_name=file_name)
    except FileRefusedError as refusal:
        raise TableRefusedError(detail=refusal.detail) from refusal
    keys = _headings(grid[0][1], file_name) if grid else ()
    rows = [_row(number, keys, cells) for number, cells in grid[1:]]
    filled = tuple(row for row in rows if row.cells or row.findings)
    if not filled:
        raise TableRefusedError(detail=f"{file_name} has no rows; the first row holds the headings: see the template")
    if len(filled) > ROWS_MAX:
        raise TableRefusedError(detail=f"{file_name} has more than {ROWS_MAX} rows; split it")
    return MemberSheet(file_name, sha256_hex(data), filled)


def _spreadsheet(data: bytes, file_name: str) -> list[tuple[int, Sequence[object]]]:
    for table in spreadsheet_tables(data, file_name=file_name, limits=_LIMITS):
        return list(zip(table.numbers, table.rows, strict=True))
    return []


def delimited_rows(data: bytes, *, file_name: str) -> list[tuple[int, Sequence[object]]]:
    """The rows of a CSV file, each with the number of its first line. Raises TableRefusedError, FileRefusedError."""
    text = decode_text(data, encodings=_ENCODINGS, file_name=file_name)
    first = text.partition("\n")[0]
    delimiter = max(";,\t", key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    rows: list[tuple[int, Sequence[object]]] = []
    begins = 1
    try:
        for row in reader:
            rows.append((begins, row))
            begins = reader.line_num + 1
            if len(rows) > ROWS_MAX + 1:
                break
    except csv.Error as error:
        raise TableRefusedError(detail=f"{file_name}, row {begins}: {error}") from error
    return rows


def _headings(cells: Sequence[object], file_name: str) -> tuple[str, ...]:
    """The fields of the columns, "" for the column of reasons and for one without a heading and cells."""
    keys = []
    for cell in cells:
        word = " ".join(str(cell).split()).casefold()
        if word in ("", *_REASON):
            keys.append("")
        elif word not in _KEYS:
            raise TableRefusedError(detail=f"{file_name}: unknown heading {str(cell)[:60]!r}; see the template")
        else:
            keys.append(_KEYS[word])
    twice = {key for key in keys if key and keys.count(key) > 1}
    if twice:
        raise TableRefusedError(detail=f"{file_name}: two columns are headed {', '.join(sorted(twice))}")
    if "number" not in keys:
        raise TableRefusedError(detail=f"{file_name}: there is no column 'number' ('numer') of the member's number")
    return tuple(keys)


def _row(number: int, keys: Sequence[str], values: Sequence[object]) -> SheetRow:
    cells: dict[str, str] = {}
    findings: list[Finding] = []
    for place, value in enumerate(values):
        key = keys[place] if place < len(keys) else ""
        text, fault = _text(value)
        if not key and text and place >= len(keys):
            fault = "there is no heading above this cell"
        if fault:
            findings.append(bad_cell(fault, row=number, column=key))
        if key and text:
            cells[key] = text
    return SheetRow(number, cells, tuple(findings))


def _text(value: object) -> tuple[str, str]:
    """A cell as text, and what is wrong with it. Spreadsheets keep numbers inexactly: long ones must be texts."""
    if isinstance(value, float):
        return _number_text(value)
    if isinstance(value, bool):
        return ("yes" if value else "no"), ""
    if isinstance(value, date):
        return (value.date() if isinstance(value, datetime) else value).isoformat(), ""
    text = "" if value is None else str(value).strip()
    if text.startswith("'") and guarded(text[1:]) == text:
        text = text[1:]
    return text, "" if text.isprintable() else "the cell holds characters that cannot be printed"


def _number_text(value: float) -> tuple[str, str]:
    if not value.is_integer():
        return str(value), f"{value} is no whole number"
    if abs(value) >= _LARGEST_EXACT:
        return str(int(value)), "a long number lost its last digits; set the cell's format to text and type it again"
    return str(int(value)), ""


def bad_cell(message: str, *, row: int, column: str = "") -> Finding:
    """A finding of one cell."""
    return Finding(code="members.bad_cell", severity=Severity.ERROR, message=message, row=row, column=column)


def headings(language: str) -> list[str]:
    """The headings as a person reads them."""
    return [one.polish if language == "pl" else one.key.replace("_", " ") for one in COLUMNS]


def heading(key: str, language: str) -> str:
    """The heading of one field; a name that heads no column stays as it is."""
    return next((text for one, text in zip(COLUMNS, headings(language), strict=True) if one.key == key), key)


def template(form: str, language: str) -> bytes:
    """A file with the headings and one example row, as `csv` or `xlsx`."""
    row = [(one.przyklad if language == "pl" and one.przyklad else one.example) for one in COLUMNS]
    return table_bytes(form, headings(language), [row])


def with_reasons(sheet: MemberSheet, reasons: dict[int, str], *, form: str, language: str) -> bytes:
    """The rows that have a reason, as they were sent, the reason in the last column; to be mended and sent again."""
    rows = [
        [*(row.cells.get(one.key, "") for one in COLUMNS), reasons[row.number]]
        for row in sheet.rows
        if row.number in reasons
    ]
    return table_bytes(form, [*headings(language), _REASON[language == "pl"]], rows)


def table_bytes(form: str, heads: Sequence[str], rows: Iterable[Sequence[Cell]]) -> bytes:
    """A table as `csv` or `xlsx`; texts that a spreadsheet would take for formulas are guarded."""
    return xlsx_bytes("Ogniwo", heads, rows) if form == "xlsx" else csv_bytes(heads, rows)
