"""A member's energy as a file: every step of the period in Wh; a step without a value is empty, never zero."""

from collections.abc import Iterator

from ogniwo.formats.sheets.writer import Cell, csv_bytes, xlsx_bytes
from ogniwo.services.wallet.energy import MemberEnergy

_HEADERS = (
    "start",
    "taken Wh",
    "fed in Wh",
    "set against within the hour Wh",
    "from the community Wh",
    "from the pool Wh",
    "from the grid Wh",
    "to the community Wh",
    "surplus Wh",
    "intervals",
    "missing",
    "estimated",
    "manual",
)


def energy_csv(energy: MemberEnergy) -> bytes:
    """The buckets as CSV."""
    return csv_bytes(_HEADERS, _rows(energy))


def energy_xlsx(energy: MemberEnergy) -> bytes:
    """The buckets as a spreadsheet."""
    return xlsx_bytes(f"{energy.first}", _HEADERS, _rows(energy))


def _rows(energy: MemberEnergy) -> Iterator[list[Cell]]:
    for label, bucket in zip(energy.labels(), energy.buckets, strict=True):
        one = bucket.sums
        sources = (one.own, one.community_in, one.from_pool, one.grid, one.community_out, one.surplus)
        yield [
            label,
            one.taken if one.known else None,
            one.given if one.known else None,
            *(value if one.settled else None for value in sources),
            one.slots,
            one.missing,
            one.estimated,
            one.manual,
        ]
