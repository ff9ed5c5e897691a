"""Bytes to tables of cells: encodings, delimiters, spreadsheets, and the limits that guard against hostile files."""

import csv
import io
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass

import python_calamine

from ogniwo.formats.meter_files.layout import Text
from ogniwo.formats.meter_files.problems import refuse_file

BYTES_MAX = 200_000_000
ROWS_MAX = 4_000_000
CELLS_MAX = 16_000_000
UNPACKED_BYTES_MAX = 1_500_000_000

_BOMS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))
_POLISH = frozenset("ąćęłńóśźżĄĆĘŁŃÓŚŹŻ")
_CELL_REFERENCE = re.compile(rb"""\sr\s*=\s*["']\$?([A-Za-z]{1,3})\$?(\d{1,7})["']""")
_CHUNK = 1 << 20
_SMALL_PART = 1_000_000
_RATIO_MAX = 300
_FORMULA_START, _FORMULA_END = '="', '"'


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetLimits:
    """How much of a spreadsheet is read: bytes of all its parts unpacked, cells that its sheets span."""

    unpacked_bytes: int = UNPACKED_BYTES_MAX
    cells: int = CELLS_MAX


_WIDE = SheetLimits()


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of cells; `numbers` are the 1-based rows of the file. Cells of text files are always text."""

    sheet: str
    rows: list[list[object]]
    numbers: list[int]


def looks_like_xlsx(data: bytes) -> bool:
    """Whether the bytes are a ZIP container, as every XLSX is."""
    return data.startswith(b"PK\x03\x04")


def looks_like_json(data: bytes) -> bool:
    """Whether the bytes are a JSON object or array."""
    return data.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] in (b"{", b"[")


def decode_text(data: bytes, *, encodings: tuple[str, ...], file_name: str) -> str:
    """Decode by byte order mark, then strict UTF-8, then the one-byte encoding that gives the most Polish letters.

    NUL characters, which some portals leave in, are dropped.
    """
    for bom, encoding in _BOMS:
        if data.startswith(bom):
            return _decoded(data[len(bom) :], encoding, file_name).replace("\0", "")
    if "utf-8" in encodings:
        try:
            return data.decode("utf-8").replace("\0", "")
        except UnicodeDecodeError:
            pass  # then it is a one-byte encoding, and the next step tells which
    readings = []
    for encoding in encodings:
        if encoding == "utf-8":
            continue
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        polish = sum(letter in _POLISH for letter in text if letter > "\x7f")
        controls = sum("\x80" <= letter <= "\x9f" for letter in text)
        readings.append((polish - 10 * controls, text))
    if not readings:
        refuse_file(file_name, "read.encoding", f"the bytes are no text in {', '.join(encodings)}")
    return max(readings, key=lambda reading: reading[0])[1].replace("\0", "")


def _decoded(data: bytes, encoding: str, file_name: str) -> str:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        refuse_file(
            file_name, "read.encoding", f"the byte order mark says {encoding}, the bytes do not: {error.reason}"
        )


def delimited_table(data: bytes, *, text: Text, file_name: str) -> Table:
    """Split delimited text; cells of the form `="..."` (a spreadsheet's way to keep text) are unwrapped."""
    content = decode_text(data, encodings=text.encodings, file_name=file_name)
    rows: list[list[object]] = []
    numbers: list[int] = []
    reader = csv.reader(io.StringIO(content, newline=""), delimiter=text.delimiter, strict=True)
    first_line = 1
    try:
        for row in reader:
            if len(rows) >= ROWS_MAX:
                refuse_file(file_name, "read.too_large", f"more than {ROWS_MAX} rows", row=first_line)
            rows.append([_unwrapped(cell) for cell in row])
            numbers.append(first_line)
            first_line = reader.line_num + 1
    except csv.Error as error:
        refuse_file(file_name, "read.broken_row", f"the row cannot be split into cells: {error}", row=first_line)
    return Table("", rows, numbers)


def _unwrapped(cell: str) -> str:
    if cell.startswith(_FORMULA_START) and cell.endswith(_FORMULA_END) and len(cell) > len(_FORMULA_START):
        return cell[2:-1].strip()
    return cell.strip()


def spreadsheet_tables(data: bytes, *, file_name: str, limits: SheetLimits = _WIDE) -> Iterator[Table]:
    """The sheets of an XLSX file that hold anything; sizes are checked before the spreadsheet library sees a byte."""
    _check_archive(data, file_name, limits)
    try:
        workbook = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(data))
        for name in workbook.sheet_names:
            rows = workbook.get_sheet_by_name(name).to_python(skip_empty_area=False)
            if rows:
                yield Table(name, rows, list(range(1, len(rows) + 1)))
    except (python_calamine.CalamineError, OSError) as error:
        refuse_file(file_name, "read.broken_archive", f"the spreadsheet cannot be opened: {error}")


def _check_archive(data: bytes, file_name: str, limits: SheetLimits) -> None:
    """Refuse what says it unpacks to too much, then unpack every part of the archive and find how far its sheets reach.

    A large part that is packed hundreds of times smaller holds one thing over and over: nobody's measurements. The
    library keeps a sheet as a full rectangle, so one stray cell in the last corner would take all memory.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            parts = archive.infolist()
            if sum(part.file_size for part in parts) > limits.unpacked_bytes:
                refuse_file(
                    file_name, "read.too_large", f"the archive unpacks to more than {limits.unpacked_bytes} bytes"
                )
            for part in parts:
                if part.file_size > max(_SMALL_PART, part.compress_size * _RATIO_MAX):
                    refuse_file(
                        file_name, "read.too_large", f"{part.filename!r} unpacks to over {_RATIO_MAX} times its size"
                    )
            cells = sum(_cells_of_part(archive, part) for part in parts)
    except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError, ValueError) as error:
        refuse_file(file_name, "read.broken_archive", f"the archive is broken: {error}")
    if cells > limits.cells:
        refuse_file(file_name, "read.too_large", f"the sheets span {cells} cells; at most {limits.cells} are read")


def _cells_of_part(archive: zipfile.ZipFile, part: zipfile.ZipInfo) -> int:
    """The size of the rectangle a sheet spans, 0 for parts that are no sheets. Reading checks lengths and CRC."""
    is_sheet = "worksheets/" in part.filename.lower()
    columns: set[bytes] = set()
    last_row, tail = 0, b""
    with archive.open(part) as stream:
        while chunk := stream.read(_CHUNK):
            if is_sheet:
                for column, row in _CELL_REFERENCE.findall(tail + chunk):
                    columns.add(column)
                    last_row = max(last_row, int(row))
                tail = chunk[-64:]
    return last_row * max((_column_number(column) for column in columns), default=0)


def _column_number(letters: bytes) -> int:
    number = 0
    for letter in letters.upper():
        number = number * 26 + letter - ord("A") + 1
    return number


def normal(cell: object) -> str:
    """A heading or word for comparing: blanks collapsed, case folded."""
    return " ".join(str(cell).split()).casefold()


def is_blank(cell: object) -> bool:
    """Whether a cell holds nothing (a zero is something)."""
    return cell is None or (isinstance(cell, str) and not cell.strip())
