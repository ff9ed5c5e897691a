"""Month close (W2): zones, selected hours by day with groups, ten maxima and exceedances of October's quarter-hours.

Two yardsticks of the same run: the calculation in pandas, long form, as a careful analyst writes it, and the plain
compiled sum of the same matrix, the fastest thing one core can do with it. The share of the sum is wanted where the
matrix is read from memory. The small matrix stays in the last-level cache, where the sum alone runs two to three times
as fast while the close computes as long as ever: that row informs. pandas must give the same integers before anything
is timed; it runs once, in blocks of 1,000 points, which keeps its memory small.
"""

import sys
import time
from dataclasses import fields
from datetime import date

import numpy as np
import pandas as pd
from numba import njit

from common import Row, cpu_seconds
from ogniwo.core.kernel.calendar import Month, grid_of_month
from ogniwo.core.tariffs.capacity_rules import CoefficientGroup, Coefficients
from ogniwo.core.tariffs.month_close import MonthClose, close_month, close_month_reference, compile_calendar

GRID = grid_of_month(Month(2026, 10))
POINTS = {"small": (1_000,), "full": (1_000, 10_000)}
PANDAS_BLOCK = 1_000
TARGET_PANDAS = 150.0
TARGET_PLAIN_SUM = 0.30
CACHED_BYTES = 32_000_000
LIMITS = (5, 10, 15, None)
COEFFICIENTS = Coefficients(
    groups=tuple(
        CoefficientGroup(name=f"K{number}", below_percent=limit, coefficient_e2=value)
        for number, limit, value in zip((1, 2, 3, 4), LIMITS, (17, 50, 83, 100), strict=True)
    ),
    zero_resolution_wh=1_000,
    valid_from=date(2025, 1, 1),
    valid_to=None,
    source="art. 70a",
)


@njit(cache=True)
def plain_sum(wh):
    total = np.int64(0)
    for point in range(wh.shape[0]):
        for slot in range(wh.shape[1]):
            total += wh[point, slot]
    return total


def clocks() -> list[np.ndarray]:
    """Zones of each slot: none, day and night, and three zones of working days."""
    view = GRID.view()
    morning, evening = (view.hour >= 7) & (view.hour < 13), (view.hour >= 16) & (view.hour < 21)
    three = np.where(~view.working, 2, np.where(morning, 0, np.where(evening, 1, 2)))
    night = (view.hour < 6) | (view.hour >= 21)
    return [np.zeros(GRID.slots, np.int8), night.astype(np.int8), three.astype(np.int8)]


def inputs(points: int) -> dict:
    """Households and one business in eight with contract power that a few of its hours exceed."""
    random = np.random.default_rng(20_261_002)
    hour = GRID.view().hour
    shape = np.where(hour >= 17, 1.6, np.where(hour < 6, 0.5, 0.9)).astype(np.float32)
    business = random.random((points, 1)) < 0.125
    scale = np.where(business, 10, 1) * random.lognormal(3.5, 0.8, (points, 1))
    noise = random.gamma(2, 0.5, (points, GRID.slots)).astype(np.float32)
    wh = (scale.astype(np.float32) * noise * shape).astype(np.int32)
    contract_power_w = np.where(business[:, 0], wh.max(axis=1).astype(np.int64) * 4 * 85 // 100, 0)
    selected = (hour >= 7) & (hour < 22)
    calendars = [
        compile_calendar(grid=GRID, zone_of_slot=zone, selected=selected, working=GRID.view().working)
        for zone in clocks()
    ]
    return {
        "wh": wh,
        "calendars": calendars,
        "calendar_of_point": random.integers(0, len(calendars), points).astype(np.int16),
        "contract_power_w": contract_power_w,
        "coefficients": COEFFICIENTS,
    }


def pandas_close(wh: np.ndarray, clock: np.ndarray, contract_power_w: np.ndarray) -> dict[str, np.ndarray]:
    """The close of some points in pandas: one row per point and slot, keys by lookup, grouped sums."""
    view = GRID.view()
    points, days = len(wh), len(GRID.days)
    kind = np.where(view.working, np.where((view.hour >= 7) & (view.hour < 22), 1, 2), 0).astype(np.int8)
    frame = pd.DataFrame(
        {
            "point": np.repeat(np.arange(points, dtype=np.int32), GRID.slots),
            "zone": np.stack(clocks())[clock].reshape(-1),
            "kind": np.tile(kind, points),
            "day": np.tile(view.day, points),
            "hour": np.tile(GRID.hour_index, points),
            "wh": wh.reshape(-1),
        }
    )
    zones = frame.groupby(["point", "zone"])["wh"].sum().unstack(fill_value=0).reindex(columns=range(4), fill_value=0)
    daily = frame.groupby(["point", "kind", "day"])["wh"].sum()
    selected, other = (
        daily.xs(number, level="kind").unstack(fill_value=0).reindex(columns=range(days), fill_value=0).to_numpy()
        for number in (1, 2)
    )
    group = np.full(selected.shape, 1, np.int8)
    for limit in LIMITS[:-1]:
        group += 100 * selected * 9 >= (100 + limit) * other * 15
    group = np.where(selected == 0, 0, np.where(2 * other < COEFFICIENTS.zero_resolution_wh, 4, group))
    hours = frame.groupby(["point", "hour"], as_index=False)["wh"].agg(["sum", "max"])
    top = hours.sort_values(["point", "sum"], ascending=[True, False], kind="stable").groupby("point").head(10)
    limit_w = contract_power_w[hours["point"]]
    hours["surplus"] = np.where(limit_w > 0, np.maximum(hours["max"] * 4 - limit_w, 0), 0)
    largest = hours.sort_values(["point", "surplus"], ascending=[True, False]).groupby("point").head(10)
    return {
        "total_wh": frame.groupby("point")["wh"].sum().to_numpy(),
        "zone_wh": zones.to_numpy(),
        "selected_wh": selected.sum(axis=1),
        "other_wh": other.sum(axis=1),
        "selected_by_day_wh": selected,
        "other_by_day_wh": other,
        "capacity_group": group,
        "group_wh": np.stack([(selected * (group == number)).sum(axis=1) for number in (1, 2, 3, 4)], axis=1),
        "largest_slot_wh": frame.groupby("point")["wh"].max().to_numpy(),
        "top_hour_wh": top["sum"].to_numpy().reshape(points, 10),
        "top_hour_index": top["hour"].to_numpy().reshape(points, 10),
        "surplus_sum_w": largest.groupby("point")["surplus"].sum().to_numpy(),
    }


def pandas_seconds(given: dict, ours: MonthClose) -> float:
    """CPU seconds of pandas for all points, each block compared with ours."""
    spent = 0.0
    for first in range(0, len(given["wh"]), PANDAS_BLOCK):
        block = slice(first, first + PANDAS_BLOCK)
        start = time.process_time()
        theirs = pandas_close(given["wh"][block], given["calendar_of_point"][block], given["contract_power_w"][block])
        spent += time.process_time() - start
        for field in fields(MonthClose):
            assert np.array_equal(getattr(ours, field.name)[block], theirs[field.name]), f"pandas: {field.name} differs"
    return spent


def rows_of(points: int) -> list[Row]:
    given = inputs(points)
    ours = close_month(**given)
    few = {name: value[:200] if isinstance(value, np.ndarray) else value for name, value in given.items()}
    reference, kernel = close_month_reference(**few), close_month(**few)
    for field in fields(MonthClose):
        assert np.array_equal(getattr(kernel, field.name), getattr(reference, field.name)), f"{field.name} differs"
    pandas_s = pandas_seconds(given, ours)
    assert plain_sum(given["wh"]) == ours.total_wh.sum()
    kernel_s = cpu_seconds(lambda: close_month(**given), repeats=15)
    sum_s = cpu_seconds(lambda: plain_sum(given["wh"]), repeats=15)
    cached = given["wh"].nbytes < CACHED_BYTES
    mine = f"{kernel_s * 1e3:.2f} ms CPU"
    speed = f"{kernel_s / points * 1e6:.2f} us per point, {given['wh'].nbytes / kernel_s / 1e9:.1f} GB/s"
    return [
        Row(
            name=f"month close, {points:,} points, against pandas",
            ours=mine,
            yardstick=f"pandas {pandas_s:.2f} s CPU",
            ratio=pandas_s / kernel_s,
            target=TARGET_PANDAS,
            note=speed,
        ),
        Row(
            name=f"month close, {points:,} points, share of the plain sum",
            ours=mine,
            yardstick=f"plain sum {sum_s * 1e3:.2f} ms CPU ({given['wh'].nbytes / sum_s / 1e9:.1f} GB/s)",
            ratio=sum_s / kernel_s,
            target=0.0 if cached else TARGET_PLAIN_SUM,
            note=f"with sums and groups of each day; matrix of {given['wh'].nbytes / 1e6:.0f} MB"
            + (", informative: the sum reads it from the last-level cache" if cached else ""),
        ),
    ]


def run(*, scale: str) -> list[Row]:
    """Rows for `scale` "small" (1,000 points) or "full" (also 10,000)."""
    return [row for points in POINTS[scale] for row in rows_of(points)]


if __name__ == "__main__":
    for line in run(scale=sys.argv[1] if len(sys.argv) > 1 else "small"):
        print(line)
