"""The master data file: organisations, members, points, meters, contracts, memberships and rules in one TOML file.

The file is described with an example in docs/master_data.md. Reading it knows nothing of the database; every row keeps
the line it begins on, so that a refusal names the place.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import date, datetime
from typing import Annotated, Any, Final, Literal

import msgspec

from ogniwo.core.balancing.model import SharingMethod
from ogniwo.core.kernel.calendar import local_midnight
from ogniwo.core.kernel.findings import Finding, Severity
from ogniwo.core.kernel.refusals import Refusal
from ogniwo.core.settlement.kept import Corrections
from ogniwo.core.tariffs.model import PointTerms


class MasterDataRefusedError(Refusal):
    """A master data file has rows that cannot be registered; nothing of it was."""

    code = "register.refused"

    def __init__(self, *, detail: str, findings: tuple[Finding, ...]) -> None:
        super().__init__(detail=detail)
        self.findings = findings


_Text = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
_Code = Annotated[str, msgspec.Meta(min_length=1, max_length=40, pattern=r"^[-a-zA-Z0-9_]+$")]
_Number = Annotated[str, msgspec.Meta(min_length=1, max_length=20)]
_Positive = Annotated[int, msgspec.Meta(ge=1, le=1_000_000)]
_Natural = Annotated[int, msgspec.Meta(ge=0, le=1_000_000_000)]
_Instant = Annotated[datetime, msgspec.Meta(tz=True)]
_Ratio = tuple[_Positive, _Positive]


class Place(msgspec.Struct, kw_only=True):
    """Where something is."""

    street: Annotated[str, msgspec.Meta(max_length=200)] = ""
    town: Annotated[str, msgspec.Meta(max_length=100)] = ""


class PostalPlace(Place, kw_only=True):
    """Where letters to somebody go."""

    post_code: Annotated[str, msgspec.Meta(max_length=10)] = ""


class OrganisationRow(PostalPlace, kw_only=True, forbid_unknown_fields=True):
    """An operator, a partner (cooperative, seller, plant) or a unit of one."""

    code: _Code
    name: _Text
    kind: Literal["operator", "partner", "unit"]
    parent: str = ""
    nip: str = ""
    krs: Annotated[str, msgspec.Meta(max_length=10)] = ""
    account_mask: Annotated[str, msgspec.Meta(max_length=26)] = ""


class MemberRow(PostalPlace, kw_only=True, forbid_unknown_fields=True):
    """A person or firm that an organisation settles with."""

    organisation: _Code
    number: _Number
    name: _Text
    kind: Literal["household", "firm"]
    nip: str = ""


class PointRow(Place, kw_only=True, forbid_unknown_fields=True):
    """A metering point; coordinates are decimal degrees as text, at most six places."""

    code: str
    member: _Number
    role: Literal["consumer", "prosumer", "producer"]
    source: Annotated[str, msgspec.Meta(max_length=20)] = ""
    peak_power_w: _Natural = 0
    latitude: str = ""
    longitude: str = ""
    group: str = ""


class MeterRow(
    msgspec.Struct, kw_only=True, forbid_unknown_fields=True, rename={"valid_from": "from", "valid_to": "to"}
):
    """A meter at a point; `from` and `to` are instants with an offset, or local days, which begin at midnight."""

    point: str
    serial: Annotated[str, msgspec.Meta(min_length=1, max_length=40)]
    valid_from: _Instant
    valid_to: _Instant | None = None
    current: _Ratio = (1, 1)
    voltage: _Ratio = (1, 1)
    digits: Annotated[int, msgspec.Meta(ge=0, le=12)] = 0


class ContractRow(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A supply contract; in the file the terms stand beside point, from and to, named as in PointTerms."""

    point: str
    valid_from: date = msgspec.field(name="from")
    valid_to: date | None = msgspec.field(name="to", default=None)
    terms: PointTerms


class MembershipRow(
    msgspec.Struct, kw_only=True, forbid_unknown_fields=True, rename={"valid_from": "from", "valid_to": "to"}
):
    """A point takes part in a community."""

    community: _Code
    point: str
    valid_from: date
    valid_to: date | None = None
    share_key: _Natural = 1
    merit_rank: _Natural = 0
    participation_percent: Annotated[int, msgspec.Meta(ge=1, le=100)] = 100


class RulesRow(msgspec.Struct, kw_only=True, forbid_unknown_fields=True, rename={"valid_from": "from"}):
    """How a community settles from a day on; prices are decimal texts in zł per MWh."""

    community: _Code
    valid_from: date
    method: SharingMethod
    internal_price: str
    fee: str = "0"
    injection_share: tuple[Annotated[int, msgspec.Meta(ge=0, le=1000)], Annotated[int, msgspec.Meta(ge=1, le=1000)]] = (
        6,
        10,
    )
    pool_months: Annotated[int, msgspec.Meta(ge=0, le=120)] = 12
    corrections: Corrections = Corrections.REALLOCATE


Row = OrganisationRow | MemberRow | PointRow | MeterRow | ContractRow | MembershipRow | RulesRow

TABLES: Final[dict[str, type[Row]]] = {
    "organisation": OrganisationRow,
    "member": MemberRow,
    "point": PointRow,
    "meter": MeterRow,
    "contract": ContractRow,
    "membership": MembershipRow,
    "rules": RulesRow,
}
"""The tables of a file in the order in which they are registered: what a row refers to comes before it."""

_HEADING = re.compile(r"\s*\[\[\s*([a-z_]+)\s*\]\]")
_TERMS: Final = frozenset(field.name for field in fields(PointTerms))


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacedRow:
    """A row with the line of the file it begins on."""

    table: str
    line: int
    row: Row


@dataclass(frozen=True, slots=True, kw_only=True)
class MasterData:
    """A file that was read: its rows in the order they are registered."""

    file_name: str
    rows: tuple[PlacedRow, ...]


def parse_master_data(data: bytes, *, file_name: str) -> MasterData:
    """Read a file; refuses it with a finding for each row that is not understood, or when it has no rows."""
    try:
        text = data.decode("utf-8-sig")
        tables = tomllib.loads(text)
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise MasterDataRefusedError(detail=f"{file_name} is no TOML file: {error}", findings=()) from error
    lines = _lines_of(text)
    findings = [
        _finding(file_name, lines.get((table, 0), 0), f"there is no table {table}; known: {', '.join(TABLES)}")
        for table in tables
        if table not in TABLES
    ]
    rows: list[PlacedRow] = []
    for table in TABLES:
        entries = tables.get(table, [])
        if not isinstance(entries, list):
            findings.append(_finding(file_name, 0, f"write the table as [[{table}]], once for each row"))
            continue
        for index, entry in enumerate(entries):
            line = lines.get((table, index), 0)
            try:
                rows.append(PlacedRow(table=table, line=line, row=_row(table, entry)))
            except msgspec.ValidationError as error:
                findings.append(_finding(file_name, line, f"{table} {index + 1}: {error}"))
    if findings:
        raise refused(file_name, findings)
    if not rows:
        what = "has no rows" if text.strip() else "is empty"
        raise MasterDataRefusedError(
            detail=f"{file_name} {what}, nothing was registered; write each row under its table: {', '.join(TABLES)}",
            findings=(),
        )
    return MasterData(file_name=file_name, rows=tuple(rows))


def refused(file_name: str, findings: list[Finding]) -> MasterDataRefusedError:
    """The refusal of a file for what was found in it."""
    ordered = tuple(sorted(findings, key=lambda finding: finding.row))
    first = ordered[0]
    return MasterDataRefusedError(
        detail=f"{file_name}: nothing was registered, {len(ordered)} rows cannot be; line {first.row}: {first.message}",
        findings=ordered,
    )


def _finding(file_name: str, line: int, message: str) -> Finding:
    return Finding(code="register.bad_row", severity=Severity.ERROR, message=message, source=file_name, row=line)


def _lines_of(text: str) -> dict[tuple[str, int], int]:
    """The line on which each row's heading stands, by table and position."""
    counts: dict[str, int] = {}
    found: dict[tuple[str, int], int] = {}
    for number, line in enumerate(text.splitlines(), 1):
        match = _HEADING.match(line)
        if match:
            found[match[1], counts.setdefault(match[1], 0)] = number
            counts[match[1]] += 1
    return found


def _row(table: str, entry: Mapping[str, Any]) -> Row:
    if table == "contract":
        return _contract_row(entry)
    if table == "meter":
        entry = {key: _instant(value) for key, value in entry.items()}
    return msgspec.convert(entry, TABLES[table])


def _instant(value: object) -> object:
    """A local day as the instant of its midnight; everything else as it is."""
    return local_midnight(value) if isinstance(value, date) and not isinstance(value, datetime) else value


def _contract_row(entry: Mapping[str, Any]) -> ContractRow:
    about = {key: value for key, value in entry.items() if key in {"point", "from", "to"}}
    terms = {key: value for key, value in entry.items() if key not in about}
    unknown = sorted(terms.keys() - _TERMS)
    if unknown:
        raise msgspec.ValidationError(f"Object contains unknown field `{unknown[0]}`")
    return msgspec.convert({**about, "terms": terms}, ContractRow)
