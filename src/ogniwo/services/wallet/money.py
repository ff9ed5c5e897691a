"""What a member's energy costs, bucket by bucket, only as far as a settlement or a bill says so."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

import msgspec

from ogniwo.core.billing.model import InvoiceLine
from ogniwo.core.kernel.calendar import Month, local_day, local_midnight
from ogniwo.core.kernel.periods import epoch_of
from ogniwo.core.kernel.quantities import RATE_DECIMALS, RateUnit
from ogniwo.core.kernel.rounding import divide_half_up
from ogniwo.core.settlement.model import Statement
from ogniwo.core.tariffs.model import ChargeLine
from ogniwo.records.billing.models import InvoiceRecord
from ogniwo.records.settlement.models import StatementRecord
from ogniwo.records.visibility import Subject
from ogniwo.services.billing.hours import hours_behind
from ogniwo.services.billing.issuing import reconstructed
from ogniwo.services.workspace.model import Workspace

_PER_ENERGY = {RateUnit.KWH, RateUnit.MWH}


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberCost:
    """Net grosze of charges by energy for each bucket, None where no settlement or bill says them.

    `energy_grosz` and `fixed_grosz` are the sums of the settled months in the period (whole months only), as they stand
    in the statements, `lines` the labels (Polish, English) of what is counted. `basis` is "statements" for months,
    "bill" where hours of a bill were priced line by line: each bucket is then rounded by itself. `months` are those
    the period touches, `unpriced` those without the document it needs.
    """

    grosz: tuple[int | None, ...]
    energy_grosz: int
    fixed_grosz: int
    basis: str
    lines: tuple[tuple[str, str], ...]
    unpriced: tuple[str, ...]


def member_cost(
    workspace: Workspace, *, subject: Subject, first: date, last_exclusive: date, starts: Sequence[int]
) -> MemberCost:
    """Price the buckets that begin at `starts` (epoch seconds) within [first, last_exclusive).

    Months are taken from the statements as they are; days and hours from the hours behind the lines of the bill.
    """
    months = _months(first, last_exclusive)
    if len(starts) == len(months) and first.day == last_exclusive.day == 1:
        return _of_statements(subject, months)
    bounds = (*starts, epoch_of(local_midnight(last_exclusive)))
    return _of_bills(workspace, subject, months, bounds)


def _months(first: date, last_exclusive: date) -> tuple[Month, ...]:
    found, month = [], Month(first.year, first.month)
    while month.first < last_exclusive:
        found.append(month)
        month = month.shifted(1)
    return tuple(found)


def _of_statements(subject: Subject, months: Sequence[Month]) -> MemberCost:
    rows = (
        StatementRecord.objects.all()
        .visible_to(subject)
        .filter(run__month__in=[str(month) for month in months])
        .order_by("run__version")
        .values_list("run__month", "point__code", "document")
    )
    newest = {(month, point): document for month, point, document in rows}
    lines: dict[str, list[ChargeLine]] = {}
    for (month, _), document in newest.items():
        lines.setdefault(month, []).extend(msgspec.json.decode(document, type=Statement).lines)
    energy = {
        month: sum(one.net_grosz for one in group if one.rate.per in _PER_ENERGY) for month, group in lines.items()
    }
    every = [one for group in lines.values() for one in group]
    return MemberCost(
        grosz=tuple(energy.get(str(month)) for month in months),
        energy_grosz=sum(energy.values()),
        fixed_grosz=sum(one.net_grosz for one in every if one.rate.per not in _PER_ENERGY),
        basis="statements",
        lines=_labels(every),
        unpriced=tuple(str(month) for month in months if str(month) not in lines),
    )


def _labels(lines: Sequence[ChargeLine]) -> tuple[tuple[str, str], ...]:
    return tuple(dict.fromkeys((one.label_pl, one.label_en) for one in lines if one.rate.per in _PER_ENERGY))


def _of_bills(workspace: Workspace, subject: Subject, months: Sequence[Month], bounds: Sequence[int]) -> MemberCost:
    """Buckets between bounds (epoch seconds), priced by the hours behind the lines of each month's newest bill."""
    records = InvoiceRecord.objects.all().visible_to(subject).select_related("run", "corrects", "member")
    found = records.filter(run__month__in=[str(month) for month in months]).order_by("run__version")
    newest = {record.run.month: record for record in found}
    starts = bounds[:-1]
    numerators = [0] * len(starts)
    priced: set[str] = set()
    counted: list[ChargeLine] = []
    for month, record in newest.items():
        behind = hours_behind(workspace, record)
        for line in reconstructed(record).lines:
            if line.number in behind and line.item.rate.per in _PER_ENERGY:
                counted.append(line.item)
                _price(line, behind[line.number].rows, bounds, numerators)
        priced.add(month)
    return MemberCost(
        grosz=tuple(
            divide_half_up(value, 10 ** (RATE_DECIMALS - 2) * RateUnit.MWH.base_units)
            if _month_of(start) in priced
            else None
            for start, value in zip(starts, numerators, strict=True)
        ),
        energy_grosz=divide_half_up(sum(numerators), 10 ** (RATE_DECIMALS - 2) * RateUnit.MWH.base_units),
        fixed_grosz=0,
        basis="bill",
        lines=_labels(counted),
        unpriced=tuple(str(month) for month in months if str(month) not in priced),
    )


def _price(line: InvoiceLine, rows: Sequence[tuple[str, int]], bounds: Sequence[int], numerators: list[int]) -> None:
    """Add quantity x rate of each hour to its bucket, in 10^-8 zl x Wh per MWh."""
    item = line.item
    scale = RateUnit.MWH.base_units // item.rate.per.base_units
    for start, wh in rows:
        place = bisect_right(bounds, epoch_of(datetime.fromisoformat(start))) - 1
        if 0 <= place < len(numerators):
            numerators[place] += wh * item.rate.value_e8 * scale * item.share[0] // item.share[1]


def _month_of(start: int) -> str:
    return f"{local_day(start):%Y-%m}"
