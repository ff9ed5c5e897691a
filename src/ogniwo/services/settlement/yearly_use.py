"""Last year's consumption from stored registers: the precondition of the flat capacity fee's class.

ENEA 2026 tariff, 3.1.30 to 3.1.32 (law.md 1.2): the class follows the energy of the year that ends on the day of the
last reading; a customer of less than a year counts what was used up to the last reading, not scaled; before the first
reading the lowest class holds.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

from ogniwo.core.contracts.supply import SupplyContract
from ogniwo.core.kernel.calendar import local_midnight
from ogniwo.core.kernel.periods import epoch_of
from ogniwo.core.metering.model import RegisterReading
from ogniwo.core.metering.obis import normalise_obis
from ogniwo.core.metering.registers import consumption
from ogniwo.core.tariffs.model import PointTerms
from ogniwo.services.metering.context import PointContext

_IMPORT_REGISTER = normalise_obis("1.8.0")
_YEAR_S = 365 * 86_400
_NEAR_S = 31 * 86_400
"""A reading this near to the day a year before stands for that day; readings come by the month."""


def yearly_use_wh(context: PointContext, *, on: date) -> int | None:
    """The energy of the year up to the last reading before a day, in Wh; None before two readings are known.

    Estimated states do not count. The year begins at the reading nearest to one year before, within a month of it, else
    at the first reading after; for a younger customer at his first reading, without scaling.
    """
    readings = [
        reading
        for reading in context.readings
        if reading.obis == _IMPORT_REGISTER
        and reading.origin != "estimate"
        and reading.epoch_s <= epoch_of(local_midnight(on))
    ]
    if len({reading.epoch_s for reading in readings}) < 2:
        return None
    last = max(reading.epoch_s for reading in readings)
    first = _beginning(readings, last)
    metered = {reading.meter for reading in readings}
    ratios = tuple(ratio for ratio in context.ratios if ratio.meter in metered)
    use = consumption(
        readings,
        start_epoch_s=first,
        end_epoch_s=last,
        ratios=ratios if metered <= {ratio.meter for ratio in ratios} else (),
    )
    return use.energy_wh


def _beginning(readings: Sequence[RegisterReading], last: int) -> int:
    wanted = last - _YEAR_S
    moments = sorted({reading.epoch_s for reading in readings if reading.epoch_s < last})
    near = [moment for moment in moments if abs(moment - wanted) <= _NEAR_S]
    if near:
        return min(near, key=lambda moment: (abs(moment - wanted), moment))
    return next((moment for moment in moments if moment > wanted), moments[-1])


def with_yearly_use(
    contract: SupplyContract[PointTerms], context: PointContext, *, on: date
) -> SupplyContract[PointTerms]:
    """The contract with last year's use from the registers where its terms do not state it."""
    if contract.terms.yearly_use_wh is not None:
        return contract
    return replace(contract, terms=replace(contract.terms, yearly_use_wh=yearly_use_wh(context, on=on)))
