"""The hours behind a line of energy: which stored hours, how many Wh each, and that they sum to the line's quantity."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ogniwo.core.billing.model import InvoiceLine
from ogniwo.core.kernel.calendar import HOUR_S, Month, SlotGrid, grid_of_month
from ogniwo.core.kernel.periods import instant_of
from ogniwo.core.tariffs.capacity_rules import Qualification
from ogniwo.core.tariffs.capacity_volume import coefficient_group, qualification_periods
from ogniwo.core.tariffs.model import PointTerms
from ogniwo.core.tariffs.rules import TariffBook
from ogniwo.core.tariffs.usage import slots_of_days
from ogniwo.core.tariffs.zones import OTHER, SELECTED, capacity_slots, zone_of_slots
from ogniwo.records.billing.models import InvoiceRecord
from ogniwo.records.metering.models import MeteringPoint
from ogniwo.services.billing.issuing import reconstructed
from ogniwo.services.contracts.queries import contracts_of_points
from ogniwo.services.settlement.closing import unpack_flows
from ogniwo.services.settlement.queries import rate_book_of
from ogniwo.services.workspace.model import Workspace

_FLOW_OF_CHARGE = {
    "community.energy": "community_in",
    "community.fee": "community_in",
    "energy": "grid",
    "network.variable": "grid",
    "quality": "grid",
    "oze": "grid",
    "cogeneration": "grid",
    "capacity.volume": "grid",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class HoursBehind:
    """Hours with energy: (start in UTC, Wh); `total_wh` is their sum and equals the quantity of the line."""

    rows: tuple[tuple[str, int], ...]
    total_wh: int


def hours_behind(workspace: Workspace, record: InvoiceRecord) -> Mapping[int, HoursBehind]:
    """The hours behind every line of energy of the state after a document, by line number.

    A line whose hours do not sum to its quantity is left out: it is counted in another way (register totals).
    """
    grid = grid_of_month(Month.parse(record.run.month), slot_s=HOUR_S)
    book = rate_book_of(workspace)
    statements = {row.point.code: row for row in record.run.statements.select_related("point")}
    found: dict[int, HoursBehind] = {}
    for line in reconstructed(record).lines:
        flow = _FLOW_OF_CHARGE.get(line.item.charge)
        if flow is None:
            continue
        values = unpack_flows(bytes(statements[line.point].flows))[flow]
        mask = _mask(line, grid, values, _terms(statements[line.point].point, line), book)
        total_wh = int(values[mask].sum())
        if total_wh == line.item.quantity:
            rows = tuple(
                (instant_of(int(grid.start_epoch_s[slot])).isoformat().replace("+00:00", "Z"), int(values[slot]))
                for slot in np.flatnonzero(mask & (values > 0))
            )
            found[line.number] = HoursBehind(rows=rows, total_wh=total_wh)
    return found


def _terms(point: MeteringPoint, line: InvoiceLine) -> PointTerms:
    for contract in contracts_of_points([point]):
        if contract.valid_from <= line.item.first and (
            contract.valid_to is None or line.item.first < contract.valid_to
        ):
            return contract.terms
    raise ValueError(f"no contract of {point.code} covers {line.item.first}")


def _mask(
    line: InvoiceLine, grid: SlotGrid, values: NDArray[np.int64], terms: PointTerms, book: TariffBook
) -> NDArray[np.bool_]:
    """The slots that the line counts: its days, its zone, for the capacity fee its group."""
    item = line.item
    mask = np.zeros(grid.slots, dtype=np.bool_)
    mask[slots_of_days(grid, item.first, item.last_exclusive)] = True
    if item.charge == "capacity.volume":
        return mask & _capacity_mask(line, grid, values, book)
    clock = book.clock(operator=terms.operator, group=terms.group, variant=terms.clock_variant, day=item.first)
    if clock is None or item.zone not in clock.zones:
        return mask
    zones = zone_of_slots(clock, grid, terms.clock)
    counted: NDArray[np.bool_] = np.logical_and(mask, zones == clock.zones.index(item.zone))
    return counted


def _capacity_mask(line: InvoiceLine, grid: SlotGrid, values: NDArray[np.int64], book: TariffBook) -> NDArray[np.bool_]:
    """The selected hours of the qualification periods whose group is the line's."""
    rules, item = book.capacity, line.item
    kinds = capacity_slots(rules, grid)
    mask = np.zeros(grid.slots, dtype=np.bool_)
    for first, last_exclusive, qualification in qualification_periods(rules, item.first, item.last_exclusive):
        part = slots_of_days(grid, first, last_exclusive)
        selected, other = kinds[part] == SELECTED, kinds[part] == OTHER
        if not selected.any():
            continue
        group = ""
        if qualification is not Qualification.NONE:
            group = coefficient_group(
                coefficients=rules.coefficients_on(first),
                selected_wh=int(values[part][selected].sum()),
                other_wh=int(values[part][other].sum()),
                selected_hours=int(selected.sum()),
                other_hours=int(other.sum()),
            ).name
        if group == item.zone:
            mask[part] = selected
    return mask
