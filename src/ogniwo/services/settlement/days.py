"""The answer at the end of a day: who pays whom how much for the energy that members exchanged on it."""

from dataclasses import dataclass
from datetime import date

import numpy as np

from ogniwo.core.kernel.calendar import HOUR_S, Month, grid_of_month
from ogniwo.core.kernel.refusals import Refusal
from ogniwo.core.metering.model import EXPORT, IMPORT
from ogniwo.core.settlement.internal import InternalPrices, settle_internally
from ogniwo.core.tariffs.rules import TariffBook
from ogniwo.records.parties.models import Organisation
from ogniwo.records.visibility import Subject
from ogniwo.services.contracts.queries import rules_on
from ogniwo.services.settlement.closing import FLOW_NAMES, internal_price_row, unpack_flows
from ogniwo.services.settlement.loading import latest_run
from ogniwo.services.workspace.model import Workspace


class DayNotSettledError(Refusal):
    """The month of a day is not closed."""

    code = "settlement.day_not_found"


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberDay:
    """One point's day: Wh by source, what it pays the community and what the community owes it, net in grosze."""

    member: str
    name: str
    point: str
    taken_wh: int
    community_in_wh: int
    pool_wh: int
    grid_wh: int
    community_out_wh: int
    surplus_wh: int
    pays_grosz: int
    receives_grosz: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DaySettlement:
    """A day by point; what takers pay is what producers receive plus the community's fee, to the grosz.

    Each day is rounded by itself, so days need not sum to the month's lines; the month is what is billed. Pool and grid
    are the month's, laid over its hours. `version` is that of the settlement.
    """

    day: date
    version: int
    rows: tuple[MemberDay, ...]
    fee_grosz: int


def day_settlement(*, community: Organisation, day: date, book: TariffBook, subject: Subject) -> DaySettlement:
    """Settle the exchange of one local day at the internal price, from the newest version of its month.

    A subject sees its own rows; the sums are made over all members first. Raises DayNotSettledError.
    """
    month = Month(day.year, day.month)
    run = latest_run(community=community, month=month)
    if run is None:
        raise DayNotSettledError(detail=f"{community.code} has not closed {month}, the month of {day}")
    grid = grid_of_month(month, slot_s=HOUR_S)
    hours = slice(int(grid.day_offsets[day.day - 1]), int(grid.day_offsets[day.day]))
    records = list(run.statements.select_related("point__member"))
    sums = {
        record.point.code: {
            name: int(values[hours].sum()) for name, values in unpack_flows(bytes(record.flows)).items()
        }
        for record in records
    }
    rules, vat = rules_on(community=community, day=month.first), book.vat_percent(day)
    settled = settle_internally(
        community_in_wh={point: flows["community_in"] for point, flows in sums.items()},
        community_out_wh={point: flows["community_out"] for point, flows in sums.items()},
        prices=InternalPrices(
            price=internal_price_row(rules),
            fee=internal_price_row(rules, fee=True) if rules.community_fee_e8 else None,
            vat_rate_percent=vat,
            credit_vat_rate_percent=vat,
        ),
        first=day,
        last_exclusive=date.fromordinal(day.toordinal() + 1),
    )
    visible = set(run.statements.all().visible_to(subject).values_list("point__code", flat=True))
    rows = tuple(
        MemberDay(
            member=record.point.member.number,
            name=record.point.member.name,
            point=record.point.code,
            taken_wh=sums[record.point.code]["taken"],
            community_in_wh=sums[record.point.code]["community_in"],
            pool_wh=sums[record.point.code]["from_pool"],
            grid_wh=sums[record.point.code]["grid"],
            community_out_wh=sums[record.point.code]["community_out"],
            surplus_wh=sums[record.point.code]["surplus"],
            pays_grosz=sum(line.net_grosz for line in settled.lines.get(record.point.code, ())),
            receives_grosz=sum(line.net_grosz for line in settled.credits.get(record.point.code, ())),
        )
        for record in records
        if record.point.code in visible
    )
    return DaySettlement(day=day, version=run.version, rows=rows, fee_grosz=settled.fee_grosz)


@dataclass(frozen=True, slots=True, kw_only=True)
class HourAllocation:
    """One hour of a community after its points' own netting: Wh by source and use; `start_epoch_s` begins it.

    taken = community_in + pool + grid, given = community_out + surplus, community_in = community_out.
    """

    start_epoch_s: int
    taken_wh: int
    community_in_wh: int
    pool_wh: int
    grid_wh: int
    given_wh: int
    community_out_wh: int
    surplus_wh: int


def day_allocation(*, community: Organisation, day: date, subject: Subject) -> tuple[HourAllocation, ...]:
    """The hours of a local day from the newest settlement, over the points that the subject sees.

    Raises DayNotSettledError.
    """
    month = Month(day.year, day.month)
    run = latest_run(community=community, month=month)
    if run is None:
        raise DayNotSettledError(detail=f"{community.code} has not closed {month}, the month of {day}")
    grid = grid_of_month(month, slot_s=HOUR_S)
    hours = slice(int(grid.day_offsets[day.day - 1]), int(grid.day_offsets[day.day]))
    size = hours.stop - hours.start
    sums = {name: np.zeros(size, dtype=np.int64) for name in FLOW_NAMES}
    for record in run.statements.all().visible_to(subject):
        for name, values in unpack_flows(bytes(record.flows)).items():
            sums[name] = sums[name] + values[hours]
    listed = {name: values.tolist() for name, values in sums.items()}
    return tuple(
        HourAllocation(
            start_epoch_s=int(start),
            taken_wh=listed["taken"][place],
            community_in_wh=listed["community_in"][place],
            pool_wh=listed["from_pool"][place],
            grid_wh=listed["grid"][place],
            given_wh=listed["given"][place],
            community_out_wh=listed["community_out"][place],
            surplus_wh=listed["surplus"][place],
        )
        for place, start in enumerate(grid.start_epoch_s[hours])
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class PointHour:
    """One point's part in an hour, Wh; the quarters are as metered, None where a value is missing or hours were sent.

    taken = community_in + pool + grid, given = community_out + surplus, both after the point's own hourly netting.
    """

    member: str
    name: str
    point: str
    quarters_in_wh: tuple[int | None, ...]
    quarters_out_wh: tuple[int | None, ...]
    taken_wh: int
    community_in_wh: int
    pool_wh: int
    grid_wh: int
    given_wh: int
    community_out_wh: int
    surplus_wh: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SettledHour:
    """An hour of a day by point, from the settlement of that version; `place` counts the day's hours from 0."""

    start_epoch_s: int
    place: int
    hours: int
    version: int
    method: str
    rows: tuple[PointHour, ...]


def hour_by_point(
    workspace: Workspace, *, community: Organisation, day: date, place: int, subject: Subject
) -> SettledHour:
    """How an hour was shared out, point by point, with the quarter-hours that it was netted from.

    Raises DayNotSettledError, also for an hour that the day does not have.
    """
    month = Month(day.year, day.month)
    run = latest_run(community=community, month=month)
    if run is None:
        raise DayNotSettledError(detail=f"{community.code} has not closed {month}, the month of {day}")
    grid = grid_of_month(month, slot_s=HOUR_S)
    first, end = (int(grid.day_offsets[number]) for number in (day.day - 1, day.day))
    if not 0 <= place < end - first:
        raise DayNotSettledError(detail=f"{day} has {end - first} hours, counted from 0; there is no hour {place}")
    hour = first + place
    rows = []
    for record in run.statements.all().visible_to(subject).select_related("point__member"):
        flows = {name: int(values[hour]) for name, values in unpack_flows(bytes(record.flows)).items()}
        quarters = [_quarters(workspace, record.point.code, channel, month, hour) for channel in (IMPORT, EXPORT)]
        rows.append(
            PointHour(
                member=record.point.member.number,
                name=record.point.member.name,
                point=record.point.code,
                quarters_in_wh=quarters[0],
                quarters_out_wh=quarters[1],
                taken_wh=flows["taken"],
                community_in_wh=flows["community_in"],
                pool_wh=flows["from_pool"],
                grid_wh=flows["grid"],
                given_wh=flows["given"],
                community_out_wh=flows["community_out"],
                surplus_wh=flows["surplus"],
            )
        )
    return SettledHour(
        start_epoch_s=int(grid.start_epoch_s[hour]),
        place=place,
        hours=end - first,
        version=run.version,
        method=rules_on(community=community, day=month.first).method,
        rows=tuple(rows),
    )


def _quarters(workspace: Workspace, point: str, channel: str, month: Month, hour: int) -> tuple[int | None, ...]:
    """The values of an hour as they are stored now; empty for a channel that the point does not have."""
    series = workspace.series.read(point=point, channel=channel, month=month)
    if series is None:
        return ()
    if series.grid.slot_s == HOUR_S:
        return (None,) * 4
    cut = slice(int(series.grid.hour_offsets[hour]), int(series.grid.hour_offsets[hour + 1]))
    return tuple(
        None if gone else wh for wh, gone in zip(series.wh[cut].tolist(), series.missing[cut].tolist(), strict=True)
    )
