"""What became of the energy that a member fed in: given to members at a price, or to the pool of the whole community.

An energy cooperative is settled by quantity: nobody in it keeps a prosumer deposit in money (law.md 4.3). Surplus goes
to the pool of all, of which every member draws a part while it lasts.
"""

from dataclasses import dataclass

import msgspec

from ogniwo.core.billing.canonical import quantity_text
from ogniwo.core.kernel.calendar import Month
from ogniwo.core.settlement.cooperative import PoolLot
from ogniwo.core.settlement.model import Statement
from ogniwo.records.billing.models import InvoiceRecord
from ogniwo.records.settlement.models import SettlementRun, StatementRecord
from ogniwo.records.visibility import Subject
from ogniwo.services.settlement.queries import added_flows, statement_of
from ogniwo.services.wallet.community import FEWEST_MEMBERS


@dataclass(frozen=True, slots=True, kw_only=True)
class Credit:
    """One credited line: quantity x rate = net grosze, as the statement has it; texts are plain decimals."""

    label_pl: str
    label_en: str
    quantity_text: str
    rate_text: str
    unit: str
    net_grosz: int


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenMonth:
    """A settled month of a member in Wh: given = to members + surplus.

    `from_pool_wh` is what he drew from the pool of all; `bill` is the month's newest document, "" before it.
    """

    month: Month
    given_wh: int
    to_members_wh: int
    surplus_wh: int
    from_pool_wh: int
    credits: tuple[Credit, ...]
    bill: str

    @property
    def credit_grosz(self) -> int:
        """What the community owes for the month, net."""
        return sum(one.net_grosz for one in self.credits)


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolRow:
    """What is left of the energy of one month in the pool of the whole community, to be used to the end of `until`."""

    month: Month
    left_wh: int
    until: Month


@dataclass(frozen=True, slots=True, kw_only=True)
class CommunityPool:
    """The pool after the newest settled month; `credited_wh` went in that month, `used_wh` was drawn by all members."""

    after: Month
    credited_wh: int
    used_wh: int
    share: tuple[int, int]
    months: int
    rows: tuple[PoolRow, ...]


def given_months(*, subject: Subject) -> tuple[GivenMonth, ...]:
    """The member's settled months in their newest versions, the newest first."""
    rows = StatementRecord.objects.all().visible_to(subject).select_related("run", "point").order_by("run__version")
    newest: dict[tuple[str, str], StatementRecord] = {
        (row.run.month, row.point.code): row for row in rows.defer("flows")
    }
    months: dict[str, list[Statement]] = {}
    for (month, _), row in newest.items():
        months.setdefault(month, []).append(statement_of(row))
    documents = InvoiceRecord.objects.all().visible_to(subject).order_by("run__version", "pk")
    bills = dict(documents.values_list("run__month", "number"))
    return tuple(
        _given(Month.parse(month), months[month], bills.get(month, "")) for month in sorted(months, reverse=True)
    )


def community_pool(*, code: str) -> CommunityPool | None:
    """The pool of a community; None before its first settled month or where too few take part."""
    run = SettlementRun.objects.filter(community__code=code).order_by("month", "version").last()
    if run is None or StatementRecord.objects.filter(run=run).count() < FEWEST_MEMBERS:
        return None
    # What the run was made with, not what the rules say today.
    inputs: dict[str, str] = run.inputs["whole"]
    part, whole = (int(text) for text in inputs["injection_share"].split("/"))
    months = int(inputs["pool_months"])
    lots = msgspec.convert(run.pool, list[PoolLot])
    return CommunityPool(
        after=Month.parse(run.month),
        credited_wh=run.totals["given_wh"] * part // whole,
        used_wh=run.totals["settled_wh"],
        share=(part, whole),
        months=months,
        rows=tuple(PoolRow(month=one.month, left_wh=one.wh, until=one.month.shifted(months)) for one in lots),
    )


def _given(month: Month, statements: list[Statement], bill: str) -> GivenMonth:
    flows = added_flows([one.flows for one in statements])
    return GivenMonth(
        month=month,
        given_wh=flows.given_wh,
        to_members_wh=flows.community_out_wh,
        surplus_wh=flows.surplus_wh,
        from_pool_wh=flows.pool_wh,
        credits=tuple(
            Credit(
                label_pl=line.label_pl,
                label_en=line.label_en,
                quantity_text=quantity_text(line.quantity, line.rate.per),
                rate_text=line.rate.text(),
                unit=str(line.rate.per),
                net_grosz=line.net_grosz,
            )
            for one in statements
            for line in one.credits
        ),
        bill=bill,
    )
