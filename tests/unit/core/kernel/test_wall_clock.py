from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ogniwo.core.kernel.wall_clock import moments_of_wall_clock

EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 -- a wall clock has no zone


def wall(*parts):
    return int((datetime(*parts) - EPOCH).total_seconds())  # noqa: DTZ001 -- a wall clock has no zone


@given(
    st.datetimes(min_value=datetime(1990, 1, 1), max_value=datetime(2037, 12, 30)),  # noqa: DTZ001 -- wall clock
    st.sampled_from(["Europe/Warsaw", "Europe/Vienna", "Europe/Lisbon", "UTC", "Australia/Sydney"]),
)
def test_agrees_with_the_standard_library_for_every_label(moment, zone):
    moment = moment.replace(microsecond=0)
    key = ZoneInfo(zone)
    early = moment.replace(tzinfo=key, fold=0).astimezone(UTC)
    late = moment.replace(tzinfo=key, fold=1).astimezone(UTC)
    exists = early.astimezone(key).replace(tzinfo=None) == moment
    found = moments_of_wall_clock(np.array([int((moment - EPOCH).total_seconds())]), zone=zone)
    assert bool(found.absent[0]) is not exists
    assert int(found.first_epoch_s[0]) == int(early.timestamp())
    if exists:
        assert int(found.second_epoch_s[0]) == int(late.timestamp())
        assert bool(found.ambiguous[0]) is (early != late)


def test_the_edges_of_the_polish_changes_of_2022():
    labels = [
        wall(2022, 10, 30, 1, 59, 59),
        wall(2022, 10, 30, 2, 0),
        wall(2022, 10, 30, 2, 59, 59),
        wall(2022, 10, 30, 3, 0),
        wall(2022, 3, 27, 1, 59, 59),
        wall(2022, 3, 27, 2, 0),
        wall(2022, 3, 27, 2, 59, 59),
        wall(2022, 3, 27, 3, 0),
    ]
    found = moments_of_wall_clock(np.array(labels))
    assert found.ambiguous.tolist() == [False, True, True, False, False, False, False, False]
    assert found.absent.tolist() == [False, False, False, False, False, True, True, False]
    assert found.first_epoch_s[1] == datetime(2022, 10, 30, 0, 0, tzinfo=UTC).timestamp()
    assert found.second_epoch_s[1] == datetime(2022, 10, 30, 1, 0, tzinfo=UTC).timestamp()
    assert found.first_epoch_s[7] == datetime(2022, 3, 27, 1, 0, tzinfo=UTC).timestamp()


@pytest.mark.parametrize("year", range(1997, 2040))
def test_every_polish_year_has_one_skipped_and_one_repeated_hour(year):
    start = wall(year, 1, 1)
    minutes = start + np.arange(0, 366 * 1440, 15, dtype=np.int64) * 60
    found = moments_of_wall_clock(minutes)
    assert int(found.absent.sum()) == 4
    assert int(found.ambiguous.sum()) == 4
    assert set((found.second_epoch_s - found.first_epoch_s).tolist()) == {0, int(timedelta(hours=1).total_seconds())}


def test_no_labels_give_no_moments():
    assert moments_of_wall_clock(np.array([], dtype=np.int64)).first_epoch_s.shape == (0,)
