"""Reading a meter file: find the layout by its fingerprint, let its engine read, hand back values or refuse."""

from collections.abc import Callable, Sequence
from pathlib import PurePath
from typing import Any

import msgspec

from ogniwo.core.kernel.findings import Finding, Severity
from ogniwo.core.kernel.ids import sha256_hex
from ogniwo.formats.meter_files.columns import join_columns
from ogniwo.formats.meter_files.forms import read_maxima, read_registers
from ogniwo.formats.meter_files.items import decode_json, read_items, value_at
from ogniwo.formats.meter_files.layout import Layout, Text, shipped_layouts
from ogniwo.formats.meter_files.matrix import read_matrix
from ogniwo.formats.meter_files.model import FileReading, FileRefusedError, LayoutDescription
from ogniwo.formats.meter_files.part import Job, Part
from ogniwo.formats.meter_files.positions import read_positions
from ogniwo.formats.meter_files.problems import Problems, refuse_file
from ogniwo.formats.meter_files.rows import read_rows
from ogniwo.formats.meter_files.tables import (
    BYTES_MAX,
    Table,
    decode_text,
    delimited_table,
    is_blank,
    looks_like_json,
    looks_like_xlsx,
    normal,
    spreadsheet_tables,
)

_ENGINES: dict[str, Callable[[Job], Part]] = {
    "rows": read_rows,
    "positions": read_positions,
    "matrix": read_matrix,
    "items": read_items,
    "registers": read_registers,
    "maxima": read_maxima,
}
_SHOWN_CELLS = 8
_FIRST_LINE_BYTES = 4_096


def known_layouts() -> tuple[LayoutDescription, ...]:
    """The layouts that can be read, ordered by name."""
    return tuple(layout.description for layout in shipped_layouts())


def read_meter_file(
    data: bytes, *, file_name: str, point: str = "", layout: str = "", layouts: Sequence[Layout] | None = None
) -> FileReading:
    """Read a meter file completely, or raise FileRefusedError with every reason (up to 50 rows).

    `file_name` may hold an 18-digit PPE code, `point` names the PPE of a file that does not, `layout` skips the
    detection. `layouts` replaces the shipped layouts by others (for a layout that is being written).
    Reading depends on the arguments only: twice the same bytes give twice the same values.
    """
    name = PurePath(file_name).name
    problems = Problems(name)
    if len(data) > BYTES_MAX:
        refuse_file(name, "read.too_large", f"the file has {len(data)} bytes; at most {BYTES_MAX} are read")
    candidates = shipped_layouts() if layouts is None else tuple(layouts)
    if layout:
        candidates = tuple(item for item in candidates if item.name == layout)
        if not candidates:
            refuse_file(name, "read.unknown_layout", f"there is no layout {layout!r}")
    jobs = _jobs(data, candidates, problems=problems, argument="".join(point.split()))
    parts = [_ENGINES[job.layout.shape](job) for job in jobs]
    intervals = join_columns([part.intervals for part in parts], problems=problems)
    problems.refuse_if_any()
    return FileReading(
        layout="+".join(dict.fromkeys(job.layout.name for job in jobs)),
        file_name=name,
        sha256=sha256_hex(data),
        intervals=intervals,
        registers=tuple(reading for part in parts for reading in part.registers),
        maxima=tuple(maximum for part in parts for maximum in part.maxima),
        findings=tuple(problems.remarks),
        facts=tuple(dict.fromkeys(fact for part in parts for fact in part.facts)),
    )


def fits_a_layout(data: bytes, *, file_name: str) -> bool:
    """Whether any part of a file fits a shipped layout, be it one, several, or with errors in its rows."""
    try:
        tables = _tables(data, shipped_layouts(), PurePath(file_name).name)
    except FileRefusedError:  # nothing of ours opens it
        return False
    return any(_header_row(layout, table) is not None for options in tables for layout, table in options)


def _jobs(data: bytes, layouts: Sequence[Layout], *, problems: Problems, argument: str) -> list[Job]:
    """The tables of the file, each with the layout that fits it best."""
    jobs, ignored = [], []
    for options in _tables(data, layouts, problems.file_name):
        matches = [
            (len(layout.header.required), layout, table, row)
            for layout, table in options
            if (row := _header_row(layout, table)) is not None
        ]
        best = max((score for score, *_ in matches), default=0)
        chosen = [match for match in matches if match[0] == best]
        if len(chosen) > 1:
            names = " and ".join(layout.name for _, layout, _, _ in chosen)
            refuse_file(problems.file_name, "read.unknown_layout", f"the file fits {names}; name one of them")
        if not chosen:
            ignored.append(options[0][1])
            continue
        _, layout, table, row = chosen[0]
        jobs.append(Job(layout=layout, table=table, header_row=row, argument=argument, problems=problems))
    if not jobs:
        begins = _first_cells(ignored[0]) if ignored else ""
        if ignored and not begins:
            refuse_file(problems.file_name, "read.unknown_layout", "the file is empty")
        shown = f"; it begins: {begins}" if begins else ""
        message = f"no known layout fits the file{shown}"
        refuse_file(problems.file_name, "read.unknown_layout", message)
    for table in ignored:
        problems.remark(
            Finding(
                code="read.sheet_ignored",
                severity=Severity.WARNING,
                message=f"the sheet {table.sheet!r} fits no known layout and was not read",
                source=problems.file_name,
            )
        )
    return jobs


def _tables(data: bytes, layouts: Sequence[Layout], file_name: str) -> list[list[tuple[Layout, Table]]]:
    """Per table of the file, the layouts that could read it, each with the table as it sees it."""
    if looks_like_xlsx(data):
        kin = [layout for layout in layouts if "xlsx" in layout.containers]
        if not kin:
            return []
        sheets = list(spreadsheet_tables(data, file_name=file_name))
        if not sheets:
            refuse_file(file_name, "read.unknown_layout", "the file is empty: no sheet of it holds anything")
        return [[(layout, table) for layout in kin] for table in sheets]
    if looks_like_json(data):
        kin = [layout for layout in layouts if "json" in layout.containers]
        text = decode_text(data, encodings=("utf-8",), file_name=file_name)
        try:
            document = decode_json(text)
        except (msgspec.DecodeError, RecursionError) as error:
            refuse_file(file_name, "read.broken_json", f"the file is no JSON: {error}")
        return [[(layout, Table("", [[document]], [1])) for layout in kin]] if kin else []
    split: dict[Text, Table] = {}
    options = []
    for layout in layouts:
        if "delimited" not in layout.containers or not _may_be_split(data, layout):
            continue
        key = Text(encodings=layout.text.encodings, delimiter=layout.text.delimiter)
        if key not in split:
            split[key] = delimited_table(data, text=key, file_name=file_name)
        options.append((layout, split[key]))
    return [options] if options else []


def _may_be_split(data: bytes, layout: Layout) -> bool:
    """Whether a file can have the headings of a layout with a delimiter of its own, by how often it is in line 1.

    What another delimiter separates may be no text of this one at all, and is not to be refused for that.
    """
    if layout.text.delimiter == Text().delimiter or layout.header.within_rows > 1:
        return True
    first_line = data[:_FIRST_LINE_BYTES].partition(b"\n")[0]
    return first_line.count(layout.text.delimiter.encode()) >= len(layout.header.required) - 1


def _header_row(layout: Layout, table: Table) -> int | None:
    """Where the layout's header is in the table, or None when it is not its table."""
    if layout.items is not None:
        document: Any = table.rows[0][0]
        fits = isinstance(value_at(document, layout.items.items), list) and value_at(document, layout.items.kind)
        return 0 if fits else None
    rows = table.rows[: layout.header.within_rows]
    required = {normal(heading) for heading in layout.header.required}
    if layout.matrix is not None:
        labels = [normal(row[0]) for row in rows if row]
        return labels.index(normal(layout.matrix.point_label)) if required <= set(labels) else None
    for index, row in enumerate(rows):
        if required <= {normal(cell) for cell in row}:
            return index
    return None


def _first_cells(table: Table) -> str:
    """How a table begins; empty exactly when all of its cells are."""
    row = next((row for row in table.rows if not all(map(is_blank, row))), [])
    return "; ".join(str(cell)[:60] for cell in row[:_SHOWN_CELLS])
