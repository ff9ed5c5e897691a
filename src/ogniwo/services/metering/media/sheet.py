"""A file of states: one row for one state of one meter. Its headings, and how it is read."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from ogniwo.core.kernel.ids import sha256_hex
from ogniwo.core.metering.media import StateKind
from ogniwo.formats.meter_files.model import FileRefusedError
from ogniwo.services.metering.media.model import Typed
from ogniwo.services.parties.sheet import BYTES_MAX, ROWS_MAX, TableRefusedError, delimited_rows, table_bytes

COLUMNS: Final = (
    ("serial", "numer", "needed"),
    ("date", "data", "needed"),
    ("state", "stan", "needed"),
    ("time", "godzina", ""),
    ("kind", "rodzaj", ""),
)
"""The headings in English and Polish, and whether a file has to have them."""

KIND_WORDS: Final = {
    "reading": StateKind.READING,
    "odczyt": StateKind.READING,
    "rollover": StateKind.ROLLOVER,
    "przewinięcie": StateKind.ROLLOVER,
    "restart": StateKind.RESTART,
    "od nowa": StateKind.RESTART,
}
_KEYS: Final = {word: english for english, polish, _ in COLUMNS for word in (english, polish)}
_EXAMPLES: Final = (("GAZ-0001", "2026-10-31", "1234,567"), ("WODA-0001", "2026-10-31", "87,5"))


@dataclass(frozen=True, slots=True)
class StateRow:
    """A row of the file: its number, the serial, the typed state; `fault` is what could not be read of it."""

    number: int
    serial: str
    typed: Typed
    fault: str


@dataclass(frozen=True, slots=True)
class StateSheet:
    """A file of states that was read; `sha256` names its bytes."""

    file_name: str
    sha256: str
    rows: tuple[StateRow, ...]


def read_states(data: bytes, *, file_name: str) -> StateSheet:
    """Read a CSV file of states. Raises TableRefusedError; faults of single rows stay with them."""
    if len(data) > BYTES_MAX:
        raise TableRefusedError(detail=f"{file_name} has more than {BYTES_MAX // 1_000_000} MB")
    try:
        grid = delimited_rows(data, file_name=file_name)
    except FileRefusedError as refusal:
        raise TableRefusedError(detail=refusal.detail) from refusal
    keys = _headings(grid[0][1], file_name) if grid else ()
    rows = tuple(_row(number, keys, cells) for number, cells in grid[1:] if any(str(cell).strip() for cell in cells))
    if not rows:
        raise TableRefusedError(detail=f"{file_name} has no rows; the first row holds the headings serial;date;state")
    if len(rows) > ROWS_MAX:
        raise TableRefusedError(detail=f"{file_name} has more than {ROWS_MAX} rows; split it")
    return StateSheet(file_name, sha256_hex(data), rows)


def states_template(language: str) -> bytes:
    """A CSV file with the headings that are needed and two example rows."""
    needed = [(english, polish) for english, polish, need in COLUMNS if need]
    return table_bytes("csv", [one[language == "pl"] for one in needed], _EXAMPLES)


def _headings(cells: Sequence[object], file_name: str) -> tuple[str, ...]:
    keys = []
    for cell in cells:
        word = " ".join(str(cell).split()).casefold()
        if word and word not in _KEYS:
            raise TableRefusedError(detail=f"{file_name}, row 1: unknown heading {str(cell)[:60]!r}")
        keys.append(_KEYS.get(word, ""))
    lacking = [english for english, _, need in COLUMNS if need and keys.count(english) != 1]
    if lacking or any(keys.count(key) > 1 for key in keys if key):
        raise TableRefusedError(detail=f"{file_name}, row 1: one column each of serial, date and state is needed")
    return tuple(keys)


def _row(number: int, keys: Sequence[str], cells: Sequence[object]) -> StateRow:
    found = {key: str(cell).strip() for key, cell in zip(keys, cells, strict=False) if key}
    fault = ""
    if any(str(cell).strip() for cell in cells[len(keys) :]):
        fault = "the row has more cells than there are headings"
    word = found.get("kind", "").casefold()
    if word and word not in KIND_WORDS:
        fault = f"{word[:20]!r} is no kind; there are {', '.join(StateKind)}"
    kind = KIND_WORDS.get(word, StateKind.READING)
    lacking = [key for key in ("serial", "date", "state") if not found.get(key)]
    if lacking:
        fault = f"the cell of {lacking[0]} is empty; nothing is taken for zero"
    typed = Typed(day=found.get("date", ""), value=found.get("state", ""), time=found.get("time", ""), kind=kind.value)
    return StateRow(number, found.get("serial", ""), typed, fault)
