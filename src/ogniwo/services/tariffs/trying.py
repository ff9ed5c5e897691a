"""Price a registered point for a month as a test: its contract's terms on what its meter saw; nothing is kept."""

from dataclasses import dataclass
from datetime import date

from ogniwo.core.contracts.supply import segments
from ogniwo.core.kernel.calendar import Month
from ogniwo.core.kernel.refusals import Refusal
from ogniwo.core.metering.model import IMPORT
from ogniwo.core.tariffs.rules import TariffBook
from ogniwo.core.tariffs.usage import Usage
from ogniwo.records.metering.models import MeteringPoint
from ogniwo.records.visibility import Subject
from ogniwo.services.contracts.queries import contracts_of_points
from ogniwo.services.metering.queries import PointNotFoundError
from ogniwo.services.tariffs.queries import PricedPoint, price
from ogniwo.services.workspace.model import Workspace


class NotPriceableError(Refusal):
    """A point's month cannot be priced as a test: it has gaps, nothing is stored of it, or it has no contract."""

    code = "tariff.trial_not_possible"


@dataclass(frozen=True, slots=True, kw_only=True)
class TriedPart:
    """The days of one contract, priced."""

    first: date
    last_exclusive: date
    priced: PricedPoint


def try_point(
    workspace: Workspace, *, book: TariffBook, code: str, month: Month, subject: Subject
) -> tuple[TriedPart, ...]:
    """Price all energy that the meter took, as if every kWh came from the grid; reactive energy is left out.

    Raises PointNotFoundError, NotPriceableError, and the refusals of `rate_point`.
    """
    point = MeteringPoint.objects.all().visible_to(subject).filter(code=code).first()
    if point is None:
        raise PointNotFoundError(detail=f"there is no metering point {code}")
    series = workspace.series.read(point=code, channel=IMPORT, month=month)
    if series is None:
        raise NotPriceableError(detail=f"nothing is stored of the energy that {code} took in {month}")
    if not series.complete:
        raise NotPriceableError(
            detail=f"{int(series.missing.sum())} intervals of {code} are missing in {month}; a gap is no zero: "
            "fill it under data quality first"
        )
    timeline = segments(
        contracts_of_points([point]), point=code, first=month.first, last_exclusive=month.shifted(1).first
    )
    if not timeline.segments:
        raise NotPriceableError(detail=f"{code} has no supply contract in {month}")
    energy_wh = series.wh.astype("int64")
    usage = Usage(grid=series.grid, energy_wh=energy_wh, power_w=energy_wh * (3_600 // series.grid.slot_s))
    return tuple(
        TriedPart(
            first=one.first,
            last_exclusive=one.last_exclusive,
            priced=price(
                book=book, terms=one.contract.terms, first=one.first, last_exclusive=one.last_exclusive, usage=usage
            ),
        )
        for one in timeline.segments
    )
