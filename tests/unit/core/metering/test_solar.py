"""The sun over Warsaw against times that any almanac prints (to a minute or two)."""

from datetime import UTC, datetime

import numpy as np
import pytest

from ogniwo.core.metering.solar import (
    HORIZON_DEGREES,
    Location,
    is_dark,
    minutes_from_solar_noon,
    solar_elevation_degrees,
)

WARSAW = Location(latitude_e6=52_230_000, longitude_e6=21_010_000)


def epochs(*instants):
    return np.array([int(datetime(*instant, tzinfo=UTC).timestamp()) for instant in instants], dtype=np.int64)


@pytest.mark.parametrize(
    "rise_or_set", [(2024, 6, 20, 2, 14), (2024, 6, 20, 19, 1), (2024, 12, 21, 6, 43), (2024, 12, 21, 14, 25)]
)
def test_sunrise_and_sunset_of_the_solstices(rise_or_set):
    around = epochs(rise_or_set)[0] + np.array([-240, 240])
    before, after = solar_elevation_degrees(around, location=WARSAW) - HORIZON_DEGREES
    assert before * after < 0


def test_noon_elevation_is_colatitude_plus_declination():
    noon = epochs((2024, 6, 20, 10, 38))
    assert solar_elevation_degrees(noon, location=WARSAW)[0] == pytest.approx(90 - 52.23 + 23.44, abs=0.05)
    assert abs(minutes_from_solar_noon(noon, location=WARSAW)[0]) < 1
    assert minutes_from_solar_noon(noon + 3_600, location=WARSAW)[0] == pytest.approx(60, abs=1)


def test_equation_of_time_moves_solar_noon():
    """Early November the sun is 16 minutes ahead, mid February 14 minutes behind mean time (longitude 15 east)."""
    meridian = Location(latitude_e6=52_000_000, longitude_e6=15_000_000)
    at_mean_noon = minutes_from_solar_noon(epochs((2024, 11, 3, 11), (2024, 2, 11, 11)), location=meridian)
    assert at_mean_noon[0] == pytest.approx(16.4, abs=0.3)
    assert at_mean_noon[1] == pytest.approx(-14.2, abs=0.3)


def test_a_slot_is_dark_only_when_all_of_it_is():
    starts = epochs((2024, 6, 20, 1, 45), (2024, 6, 20, 2, 0), (2024, 6, 20, 10, 0))
    assert is_dark(starts, slot_s=900, location=WARSAW).tolist() == [True, False, False]
