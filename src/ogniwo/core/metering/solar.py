"""Where the sun stands: good enough (about 0.02 degrees) to tell night from day. Angles are floats, energy never is.

Low-precision formulas for the sun's apparent position of the Astronomical Almanac, valid 1950 to 2050.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

HORIZON_DEGREES: Final = -0.833
"""Elevation of the sun's centre when its upper edge touches the horizon, refraction included."""

_J2000_EPOCH_S: Final = 946_728_000
_DAY_S: Final = 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class Location:
    """A place in 10^-6 degrees, north and east positive."""

    latitude_e6: int
    longitude_e6: int


def _sun(epoch_s: NDArray[np.int64]) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Days since J2000, declination and right ascension in radians."""
    days = (epoch_s - _J2000_EPOCH_S) / _DAY_S
    mean_longitude = np.deg2rad(280.460 + 0.9856474 * days)
    anomaly = np.deg2rad(357.528 + 0.9856003 * days)
    longitude = mean_longitude + np.deg2rad(1.915) * np.sin(anomaly) + np.deg2rad(0.020) * np.sin(2 * anomaly)
    obliquity = np.deg2rad(23.439 - 0.0000004 * days)
    declination = np.arcsin(np.sin(obliquity) * np.sin(longitude))
    right_ascension = np.arctan2(np.cos(obliquity) * np.sin(longitude), np.cos(longitude))
    return days, declination, right_ascension


def _hour_angle(epoch_s: NDArray[np.int64], location: Location) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    days, declination, right_ascension = _sun(epoch_s)
    sidereal_degrees = 280.46062 + 360.985647366 * days + location.longitude_e6 / 1e6
    return np.deg2rad(sidereal_degrees) - right_ascension, declination


def solar_elevation_degrees(epoch_s: NDArray[np.int64], *, location: Location) -> NDArray[np.float64]:
    """Geometric elevation of the sun's centre in degrees at UTC instants, shape as given."""
    hour_angle, declination = _hour_angle(epoch_s, location)
    latitude = np.deg2rad(location.latitude_e6 / 1e6)
    sine = np.sin(latitude) * np.sin(declination) + np.cos(latitude) * np.cos(declination) * np.cos(hour_angle)
    return np.asarray(np.rad2deg(np.arcsin(np.clip(sine, -1.0, 1.0))), dtype=np.float64)


def minutes_from_solar_noon(epoch_s: NDArray[np.int64], *, location: Location) -> NDArray[np.float64]:
    """Minutes after (negative: before) the nearest true solar noon of the place, shape as given."""
    hour_angle, _ = _hour_angle(epoch_s, location)
    turns = hour_angle / (2 * np.pi)
    return np.asarray((turns - np.round(turns)) * _DAY_S / 60, dtype=np.float64)


def is_dark(start_epoch_s: NDArray[np.int64], *, slot_s: int, location: Location) -> NDArray[np.bool_]:
    """Whether the sun is below the horizon during a whole slot (at its start, middle and end)."""
    instants = (start_epoch_s, start_epoch_s + slot_s // 2, start_epoch_s + slot_s)
    below = [solar_elevation_degrees(instant, location=location) < HORIZON_DEGREES for instant in instants]
    return np.asarray(below[0] & below[1] & below[2], dtype=np.bool_)
