"""The packaged rate book and short ways to rate a point."""

from datetime import date

import numpy as np
import pytest

from ogniwo.core.kernel.calendar import HOUR_S, grid_of_days
from ogniwo.core.tariffs.lines import RatedPoint
from ogniwo.core.tariffs.model import PointTerms
from ogniwo.core.tariffs.usage import RegisterUsage, Usage
from ogniwo.services.tariffs.queries import load_rate_book


@pytest.fixture(scope="session")
def book():
    return load_rate_book()


@pytest.fixture
def flat_profile():
    """A profile with the same energy in every slot of some days."""

    def make(first: date, last_exclusive: date, *, wh: int = 1_000, slot_s: int = HOUR_S, **more) -> Usage:
        grid = grid_of_days(first, last_exclusive, slot_s=slot_s)
        return Usage(grid=grid, energy_wh=np.full(grid.slots, wh, dtype=np.int64), **more)

    return make


@pytest.fixture
def past_point(book):
    """A point on days before its operator's tariff is known, for charges that need no group rates."""

    def make(first: date, last_exclusive: date, *, usage=None, group: str = "G11", **terms) -> RatedPoint:
        return RatedPoint(
            book=book,
            terms=PointTerms(operator="enea", group=group, **terms),
            group=book.group("enea", group, date(2026, 1, 1)),
            zone_clock=None,
            first=first,
            last_exclusive=last_exclusive,
            usage=usage or RegisterUsage(energy_wh=(("all", 0),)),
            vat_rate_percent=23,
        )

    return make
