"""A factory of month-long series for the tests of metering."""

from datetime import date

import numpy as np
import pytest

from ogniwo.core.kernel.calendar import grid_of_days
from ogniwo.core.kernel.quality import Quality
from ogniwo.core.metering.model import IMPORT, IntervalSeries

POINT = "590999090000000019"


def build_series(first, last_exclusive, wh=100, *, missing=(), slot_s=900, channel=IMPORT, point=POINT, version="v1"):
    grid = grid_of_days(first, last_exclusive, slot_s=slot_s)
    values = np.broadcast_to(np.asarray(wh, dtype=np.int32), (grid.slots,)).copy()
    quality = np.full(grid.slots, Quality.MEASURED, dtype=np.uint8)
    for begin, end in missing:
        values[begin:end] = 0
        quality[begin:end] = Quality.MISSING
    return IntervalSeries(point=point, channel=channel, grid=grid, wh=values, quality=quality, version=version)


@pytest.fixture
def make_series():
    return build_series


@pytest.fixture
def september(make_series):
    """September 2026, 100 Wh in every quarter."""
    return make_series(date(2026, 9, 1), date(2026, 10, 1))
