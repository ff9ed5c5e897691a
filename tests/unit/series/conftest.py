from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from ogniwo.core.kernel.calendar import Month, grid_of_month
from ogniwo.core.kernel.quality import Quality
from ogniwo.core.metering.model import IMPORT
from ogniwo.series import IntervalStore, NewCell

OCTOBER = Month(2026, 10)


def make_cell(*, seed, point="590543520000000013", channel=IMPORT, month=OCTOBER, slot_s=900, missing=0.1, reason=""):
    random = np.random.default_rng(seed)
    grid = grid_of_month(month, slot_s=slot_s)
    wh = random.integers(0, 5000, grid.slots).astype(np.int32)
    quality = random.integers(1, 6, grid.slots).astype(np.uint8)
    gone = random.random(grid.slots) < missing
    wh[gone], quality[gone] = 0, Quality.MISSING
    return NewCell(point=point, channel=channel, grid=grid, wh=wh, quality=quality, reason=reason)


@pytest.fixture
def cell():
    return make_cell


@pytest.fixture
def store(tmp_path):
    return IntervalStore(tmp_path / "store")


@pytest.fixture
def at():
    """The n-th hour of November 2026."""
    return lambda hours: datetime(2026, 11, 1, tzinfo=UTC) + timedelta(hours=hours)


@pytest.fixture
def same():
    def check(series, cell):
        assert (series.point, series.channel, series.grid.slot_s) == (cell.point, cell.channel, cell.grid.slot_s)
        assert np.array_equal(series.wh, cell.wh)
        assert np.array_equal(series.quality, cell.quality)

    return check
