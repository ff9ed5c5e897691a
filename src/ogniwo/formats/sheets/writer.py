"""Write a table of texts and whole numbers as XLSX, CSV or text between tabs."""

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Final

import xlsxwriter

Cell = str | int | None
_FORMULA_MARKS: Final = ("=", "+", "-", "@", "\t", "\r")
_MADE: Final = datetime(2020, 1, 1, tzinfo=UTC).replace(tzinfo=None)


def guarded(text: str) -> str:
    """A text that no spreadsheet takes for a formula: an apostrophe goes before the marks that begin one."""
    return f"'{text}" if text.startswith(_FORMULA_MARKS) else text


def csv_bytes(headers: Sequence[str], rows: Iterable[Sequence[Cell]]) -> bytes:
    """UTF-8 with a byte order mark (spreadsheets need it for Polish letters), commas, a header."""
    sink = io.StringIO(newline="")
    writer = csv.writer(sink)
    writer.writerow([guarded(header) for header in headers])
    for row in rows:
        writer.writerow(["" if cell is None else guarded(cell) if isinstance(cell, str) else cell for cell in row])
    return b"\xef\xbb\xbf" + sink.getvalue().encode()


def tsv_text(headers: Sequence[str], rows: Iterable[Sequence[Cell]]) -> str:
    """Lines of cells between tabs, as spreadsheets paste them; tabs and line ends within a cell become spaces."""

    def cell_text(cell: Cell) -> str:
        return "" if cell is None else str(cell) if isinstance(cell, int) else guarded(" ".join(cell.split()))

    return "\n".join("\t".join(map(cell_text, row)) for row in (headers, *rows)) + "\n"


def xlsx_bytes(title: str, headers: Sequence[str], rows: Iterable[Sequence[Cell]]) -> bytes:
    """One sheet with a fixed first row; texts are written as texts, integers as numbers."""
    sink = io.BytesIO()
    with xlsxwriter.Workbook(sink, {"in_memory": True}) as book:
        book.set_properties({"created": _MADE})
        sheet = book.add_worksheet(title[:31])
        bold = book.add_format({"bold": True})
        for column, header in enumerate(headers):
            sheet.write_string(0, column, header, bold)
        for number, row in enumerate(rows, 1):
            for column, cell in enumerate(row):
                if isinstance(cell, str):
                    sheet.write_string(number, column, cell)
                elif cell is not None:
                    sheet.write_number(number, column, cell)
        sheet.freeze_panes(1, 1)
    return sink.getvalue()
