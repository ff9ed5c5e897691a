"""The list of members as a file."""

from collections.abc import Iterable, Mapping
from typing import Final

from ogniwo.formats.sheets.writer import csv_bytes, xlsx_bytes
from ogniwo.services.parties.queries import MemberSummary
from ogniwo.services.settlement.queries import MemberTotal

_HEADS: Final = (
    "number",
    "name",
    "kind",
    "town",
    "organisation",
    "points",
    "state",
    "since",
    "until",
    "taken Wh",
    "from the community Wh",
    "given Wh",
    "to pay net grosz",
    "to pay gross grosz",
    "due to the member net grosz",
    "own attributes",
)


def member_table(
    members: Iterable[MemberSummary], totals: Mapping[str, MemberTotal], attributes: Mapping[str, str], *, form: str
) -> bytes:
    """Members as `csv` or `xlsx`; what was not settled stays empty. Texts that begin formulas are guarded.

    `attributes` are what holds at the month's end, by number.
    """
    rows = [
        (
            one.number,
            one.name,
            one.kind,
            one.town,
            one.organisation,
            one.points,
            one.state,
            one.since.isoformat() if one.since else None,
            one.until.isoformat() if one.until else None,
            *_amounts(totals.get(one.number)),
            attributes.get(one.number),
        )
        for one in members
    ]
    return xlsx_bytes("members", _HEADS, rows) if form == "xlsx" else csv_bytes(_HEADS, rows)


def _amounts(total: MemberTotal | None) -> tuple[int | None, ...]:
    if total is None:
        return (None,) * 6
    flows = total.flows
    return (
        flows.taken_wh,
        flows.community_in_wh,
        flows.given_wh,
        total.net_grosz,
        total.gross_grosz,
        total.credit_grosz,
    )
