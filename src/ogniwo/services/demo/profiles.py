"""What the sample cooperative uses and produces: integers only, so that every machine generates the same bytes."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ogniwo.core.kernel.calendar import SlotGrid, grid_of_month
from ogniwo.services.demo.sample import MONTH, POINTS, SamplePoint

Integers = NDArray[np.int64]

_WORKDAY = {
    "household": (30, 24, 22, 21, 22, 30, 62, 70, 52, 44, 42, 44, 48, 50, 54, 66, 88, 112, 128, 132, 120, 96, 66, 42),
    "household_night": (96, 92, 90, 88, 84, 60, 40, 44, 36, 32, 30, 30, 34, 78, 82, 44, 52, 66, 74, 78, 72, 60, 98, 98),
    "farm": (18, 16, 16, 18, 40, 96, 120, 92, 60, 48, 46, 50, 58, 52, 48, 60, 98, 124, 110, 70, 40, 28, 22, 20),
    "office": (10, 10, 10, 10, 10, 12, 30, 92, 124, 130, 132, 130, 126, 124, 118, 86, 34, 20, 16, 14, 12, 10, 10, 10),
    "shop": (
        44,
        42,
        42,
        42,
        44,
        60,
        90,
        104,
        108,
        110,
        110,
        110,
        108,
        106,
        106,
        108,
        112,
        114,
        110,
        96,
        70,
        48,
        44,
        44,
    ),
    "school": (14, 14, 14, 14, 14, 18, 46, 120, 152, 158, 156, 154, 150, 140, 118, 84, 60, 48, 38, 26, 18, 16, 14, 14),
    "waterworks": (88, 84, 82, 82, 84, 96, 124, 128, 116, 104, 98, 96)  # noqa: RUF005 -- two halves of a day
    + (98, 96, 94, 100, 112, 122, 126, 120, 112, 104, 96, 90),
    "plant": (2,) * 24,
}
_OFF_DAY = {
    **_WORKDAY,
    "household": (34, 28, 24, 22, 22, 24, 32, 48, 66, 80, 86, 92, 98, 94, 86, 84, 96, 116, 128, 130, 118, 96, 70, 48),
    "office": (10,) * 24,
    "school": (14,) * 24,
    "shop": (44,) * 8 + (70,) * 8 + (46,) * 8,
}
_NOON_UTC_S = 38_340
"""True solar noon of the place in October, seconds after midnight UTC: 10:39."""


@dataclass(frozen=True, eq=False, slots=True)
class SampleProfile:
    """A point's true quarter-hours: Wh taken and fed in, varh inductive and capacitive; (slots,) int64 each."""

    point: SamplePoint
    grid: SlotGrid
    import_wh: Integers
    export_wh: Integers
    inductive_varh: Integers
    capacitive_varh: Integers


def _spread(total: int, weights: Integers) -> Integers:
    """Lay a total over slots by weights, by differences of the rounded-down cumulative sum: exact."""
    cumulative = np.cumsum(weights)
    return np.diff(cumulative * total // int(cumulative[-1]), prepend=np.int64(0))


def _load(point: SamplePoint, grid: SlotGrid, random: np.random.Generator) -> Integers:
    view = grid.view()
    workday = np.array(_WORKDAY[point.kind], dtype=np.int64)[view.hour]
    off_day = np.array(_OFF_DAY[point.kind], dtype=np.int64)[view.hour]
    shape = np.where(view.working, workday, off_day)
    noise = random.integers(70, 131, size=grid.slots)
    spikes = np.where(random.integers(0, 40, size=grid.slots) == 0, random.integers(150, 320, size=grid.slots), 100)
    narrow = point.kind in {"school", "waterworks", "plant", "office", "shop"}
    factor = noise * 100 if narrow else noise * spikes
    return _spread(point.load_wh, shape * factor)


def _sun(point: SamplePoint, grid: SlotGrid, clouds: Integers, random: np.random.Generator) -> Integers:
    """Feed of a PV plant: a parabola over the day that shortens through October, times the day's clouds."""
    day = grid.view().day.astype(np.int64)
    middle_s = grid.start_epoch_s % 86_400 + grid.slot_s // 2
    half_s = 20_000 - 112 * day
    distance_s = np.abs(middle_s - _NOON_UTC_S)
    height = np.maximum(half_s**2 - distance_s**2, 0) * 1_000 // half_s**2
    flicker = random.integers(82, 101, size=grid.slots)
    power_w = point.peak_power_w * 62 * height * clouds[day] * flicker // (100 * 1_000 * 100 * 100)
    fed: Integers = power_w * grid.slot_s // 3_600
    return fed


def _biogas(point: SamplePoint, grid: SlotGrid, random: np.random.Generator) -> Integers:
    """Steady feed with a stop of nine hours for service on the twelfth."""
    power_w = point.peak_power_w * random.integers(93, 101, size=grid.slots) // 100
    view = grid.view()
    stopped = (view.day == 11) & (view.hour >= 8) & (view.hour < 17)
    fed: Integers = np.where(stopped, 0, power_w * grid.slot_s // 3_600)
    return fed


def _profile(point: SamplePoint, grid: SlotGrid, clouds: Integers) -> SampleProfile:
    random = np.random.Generator(np.random.PCG64(7_726_000 + point.number))
    load = _load(point, grid, random)
    made = np.zeros(grid.slots, dtype=np.int64)
    if point.source == "pv":
        made = _sun(point, grid, clouds, random)
    elif point.source == "biogas":
        made = _biogas(point, grid, random)
    tangent_e3 = {"waterworks": 560, "school": 330}.get(point.kind, 0)
    taken = np.maximum(load - made, 0)
    if point.kind == "school":
        taken = taken + _kitchen_peaks(grid)
    return SampleProfile(
        point=point,
        grid=grid,
        import_wh=taken,
        export_wh=np.maximum(made - load, 0),
        inductive_varh=taken * tangent_e3 // 1_000,
        capacitive_varh=_night_lighting(point, grid),
    )


def _night_lighting(point: SamplePoint, grid: SlotGrid) -> Integers:
    """The school's lamps and chargers at night: a little capacitive energy, which is charged in full."""
    night = grid.view().hour < 5
    varied = 6 + np.arange(grid.slots, dtype=np.int64) * 7 % 6
    return np.where(night & (point.kind == "school"), varied, 0)


def _kitchen_peaks(grid: SlotGrid) -> Integers:
    """Two days on which the school's kitchen ran everything at once and went over the contract power."""
    view = grid.view()
    peak = np.isin(view.day, (6, 20)) & (view.hour == 11) & (view.minute >= 15)
    return np.where(peak, 4_300, 0)


def sample_profiles() -> tuple[SampleProfile, ...]:
    """The month of every point, always the same."""
    grid = grid_of_month(MONTH)
    weather = np.random.Generator(np.random.PCG64(2_026_010))
    clouds = weather.integers(14, 101, size=len(grid.days))
    return tuple(_profile(point, grid, clouds) for point in POINTS)
