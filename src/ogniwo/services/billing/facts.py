"""What a bill says of a metering point besides the charges: contract, address, counter states."""

from ogniwo.core.billing.model import BilledReading, PointFacts
from ogniwo.core.kernel.calendar import Month, grid_of_month, local_day
from ogniwo.core.metering.registers import RegisterSegment
from ogniwo.records.metering.models import MeteringPoint
from ogniwo.services.contracts.queries import contracts_of_points
from ogniwo.services.metering.context import REGISTER_OF_CHANNEL, point_context


def point_facts(point: MeteringPoint, month: Month) -> PointFacts:
    """Gather the facts of a point for a month; what nobody knows stays unknown.

    The contract is that of the month's last day it covers. Readings are those that bound the month; two meters give
    two rows each (V16).
    """
    contracts = sorted(contracts_of_points([point]), key=lambda contract: contract.valid_from)
    in_month = [
        contract
        for contract in contracts
        if contract.valid_from < month.shifted(1).first
        and (contract.valid_to is None or contract.valid_to > month.first)
    ]
    terms = in_month[-1].terms if in_month else None
    return PointFacts(
        point=point.code,
        address=tuple(line for line in (point.street, point.town) if line),
        operator=terms.operator if terms else "",
        group=terms.group if terms else "",
        contract_power_w=terms.contract_power_w or None if terms else None,
        offer=terms.offer if terms else "",
        readings=_readings(point, month),
    )


def _readings(point: MeteringPoint, month: Month) -> tuple[BilledReading, ...]:
    context = point_context(point, month)
    grid = grid_of_month(month)
    uses = [context.use(channel, grid) for channel in REGISTER_OF_CHANNEL]
    return tuple(_billed(segment) for use in uses if use is not None for segment in use.segments)


def _billed(segment: RegisterSegment) -> BilledReading:
    return BilledReading(
        meter=segment.first.meter,
        register=segment.first.obis,
        previous_on=local_day(segment.first.epoch_s),
        previous_e3=segment.first.value_e3,
        current_on=local_day(segment.last.epoch_s),
        current_e3=segment.last.value_e3,
        multiplier=segment.multiplier.numerator // segment.multiplier.denominator,
        quantity=segment.energy_wh,
        unit=segment.first.unit,
        origin=segment.last.origin,
    )
