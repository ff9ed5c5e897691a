"""The compiled month close against its NumPy reference, a plain Python loop, and the worked examples of the law."""

from collections.abc import Sequence
from dataclasses import fields, replace
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ogniwo.core.kernel.calendar import Month, SlotGrid, grid_of_days, grid_of_month
from ogniwo.core.tariffs.capacity_rules import CoefficientGroup, Coefficients
from ogniwo.core.tariffs.kernels import LARGEST_SLOT_WH
from ogniwo.core.tariffs.month_close import (
    EnergyOutOfRangeError,
    MonthCalendar,
    MonthClose,
    close_month,
    close_month_reference,
    compile_calendar,
)

OCTOBER = grid_of_month(Month(2026, 10))
COEFFICIENTS = Coefficients(
    groups=tuple(
        CoefficientGroup(name=f"K{index + 1}", below_percent=below, coefficient_e2=value)
        for index, (below, value) in enumerate([(5, 17), (10, 50), (15, 83), (None, 100)])
    ),
    zero_resolution_wh=1_000,
    valid_from=date(2021, 10, 1),
    valid_to=None,
    source="art. 70a",
)


def calendars_of(grid: SlotGrid, *, period_of_day=None) -> list[MonthCalendar]:
    """One zone; day and night; peaks of working days: the clocks of G11, B12 and a three-zone group."""
    view = grid.view()
    hour = view.hour
    clocks = [
        np.zeros(grid.slots, np.int8),
        ((hour < 7) | (hour >= 22)).astype(np.int8),
        np.where(~view.working, 2, np.where((hour >= 7) & (hour < 13), 0, np.where(hour >= 19, 1, 2))).astype(np.int8),
    ]
    selected = (hour >= 7) & (hour < 22)
    return [
        compile_calendar(
            grid=grid, zone_of_slot=clock, selected=selected, working=view.working, period_of_day=period_of_day
        )
        for clock in clocks
    ]


def random_wh(grid: SlotGrid, points: int, *, seed: int, largest: int = 400) -> np.ndarray:
    random = np.random.default_rng(seed)
    scale = random.choice([1, largest // 20 + 1, largest], size=(points, 1))
    return (random.integers(0, scale + 1, (points, grid.slots))).astype(np.int32)


def inputs(grid: SlotGrid, wh: np.ndarray, calendars: Sequence[MonthCalendar]) -> dict:
    points = np.arange(len(wh))
    power = np.where(points % 2 == 0, wh.max(axis=1).astype(np.int64) * grid.slots_per_hour * 8 // 10, 0)
    return {
        "wh": wh,
        "calendars": calendars,
        "calendar_of_point": (points % len(calendars)).astype(np.int16),
        "contract_power_w": power,
        "coefficients": COEFFICIENTS,
    }


def assert_same(first: MonthClose, second: MonthClose) -> None:
    for field in fields(MonthClose):
        np.testing.assert_array_equal(getattr(first, field.name), getattr(second, field.name), field.name)


@pytest.mark.parametrize("month", ["2026-02", "2026-03", "2026-05", "2026-10"])
@pytest.mark.parametrize("slot_s", [900, 1_800, 3_600])
def test_the_kernel_equals_the_reference_on_months_of_every_length(month: str, slot_s: int) -> None:
    grid = grid_of_month(Month.parse(month), slot_s=slot_s)
    given_inputs = inputs(grid, random_wh(grid, 75, seed=grid.slots), calendars_of(grid))
    assert_same(close_month(**given_inputs), close_month_reference(**given_inputs))


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    first=st.sampled_from([date(2026, 3, 27), date(2026, 10, 23), date(2026, 12, 24), date(2025, 12, 31)]),
    days=st.integers(1, 5),
    largest=st.sampled_from([0, 1, 3, 1_000, 700_000, LARGEST_SLOT_WH]),
)
def test_the_kernel_equals_the_reference_on_any_days_and_sizes(seed, first, days, largest) -> None:
    grid = grid_of_days(first, first + timedelta(days=days))
    given_inputs = inputs(grid, random_wh(grid, 9, seed=seed, largest=largest), calendars_of(grid))
    close = close_month(**given_inputs)
    assert_same(close, close_month_reference(**given_inputs))
    np.testing.assert_array_equal(close.zone_wh.sum(axis=1), close.total_wh)
    np.testing.assert_array_equal(close.group_wh.sum(axis=1), close.selected_wh)


def plain_close(row: list[int], calendar: MonthCalendar, contract_power_w: int) -> dict:
    """The definition in Python integers, one slot after the other."""
    grid = calendar.grid
    per_hour = grid.slots_per_hour
    days = [
        day for day, (first, end) in enumerate(zip(grid.day_offsets, grid.day_offsets[1:], strict=False))
        for _ in range(first, end)
    ]  # fmt: skip
    zones, selected, other = [0] * 4, [0] * len(grid.days), [0] * len(grid.days)
    for slot, energy in enumerate(row):
        zones[calendar.zone[slot]] += energy
        if calendar.selected[slot]:
            selected[days[slot]] += energy
        elif calendar.other[slot]:
            other[days[slot]] += energy
    hours = [row[first : first + per_hour] for first in range(0, len(row), per_hour)]
    ranked = sorted(range(len(hours)), key=lambda hour: (-sum(hours[hour]), hour))[:10]
    surplus = sorted((max(hour) * per_hour - contract_power_w for hour in hours), reverse=True)[:10]
    return {
        "total_wh": sum(row),
        "zone_wh": zones,
        "selected_by_day_wh": selected,
        "other_by_day_wh": other,
        "largest_slot_wh": max(row),
        "top_hour_wh": [sum(hours[hour]) for hour in ranked],
        "top_hour_index": ranked,
        "surplus_sum_w": sum(part for part in surplus if part > 0) if contract_power_w else 0,
    }


@pytest.mark.parametrize("largest", [40, 2_000_000, LARGEST_SLOT_WH])
def test_the_kernel_equals_a_plain_loop_also_where_a_month_leaves_32_bits(largest: int) -> None:
    given_inputs = inputs(OCTOBER, random_wh(OCTOBER, 6, seed=3, largest=largest), calendars_of(OCTOBER))
    close = close_month(**given_inputs)
    for point, row in enumerate(given_inputs["wh"].tolist()):
        calendar = given_inputs["calendars"][given_inputs["calendar_of_point"][point]]
        for name, expected in plain_close(row, calendar, int(given_inputs["contract_power_w"][point])).items():
            assert np.asarray(getattr(close, name)[point]).tolist() == expected, name


@pytest.mark.parametrize("level", [0, 1, 250])
def test_equal_hours_rank_in_order_of_time(level: int) -> None:
    wh = np.full((2, OCTOBER.slots), level, np.int32)
    wh[1, 4 * 700] = level + 1
    close = close_month(**inputs(OCTOBER, wh, calendars_of(OCTOBER)))
    assert close.top_hour_index[0].tolist() == list(range(10))
    assert close.top_hour_index[1].tolist() == [700, *range(9)]
    assert close.top_hour_wh[0].tolist() == [4 * level] * 10


@settings(max_examples=40, deadline=None)
@given(
    base=st.integers(0, 3),
    peaks=st.lists(st.tuples(st.integers(0, 744), st.sampled_from([1, 2, 500])), max_size=60),
    stride=st.sampled_from([1, 24, 93, 96, 128]),
)
def test_ties_across_columns_and_rows_of_the_table_rank_in_order_of_time(base, peaks, stride) -> None:
    """Peaks at any distance, also a whole row of the kernel's table (96 hours of 768), few or more than it sorts."""
    wh = np.full((1, OCTOBER.slots), base, np.int32)
    for start, height in peaks:
        wh[0, 4 * (start * stride % 745) + start % 4] = base + height
    given_inputs = inputs(OCTOBER, wh, calendars_of(OCTOBER)) | {"contract_power_w": np.array([4 * base + 3])}
    close = close_month(**given_inputs)
    for name, expected in plain_close(wh[0].tolist(), given_inputs["calendars"][0], 4 * base + 3).items():
        assert np.asarray(getattr(close, name)[0]).tolist() == expected, name


@pytest.mark.parametrize("count", [9, 10, 20, 23, 24, 25, 26, 160, 744])
@pytest.mark.parametrize("distance", [1, 8, 96])
def test_any_number_of_equal_largest_hours_gives_the_ten_earliest(count: int, distance: int) -> None:
    wh = np.ones((1, OCTOBER.slots), np.int32)
    chosen = sorted(distance * step % 745 for step in range(count))
    wh.reshape(745, 4)[chosen, 1] = 900
    close = close_month(**inputs(OCTOBER, wh, calendars_of(OCTOBER)) | {"contract_power_w": np.array([2_000])})
    others = [hour for hour in range(745) if hour not in chosen]
    assert close.top_hour_index[0].tolist() == (chosen + others)[:10]
    assert close.top_hour_wh[0].tolist() == ([903] * count + [4] * 10)[:10]
    assert close.surplus_sum_w.tolist() == [min(count, 10) * 1_600]


def test_more_points_than_a_block_may_exceed_contract_power() -> None:
    wh = random_wh(OCTOBER, 70, seed=21)
    given_inputs = inputs(OCTOBER, wh, calendars_of(OCTOBER))
    given_inputs["contract_power_w"] = wh.max(axis=1).astype(np.int64) * 2 + 1
    close = close_month(**given_inputs)
    assert_same(close, close_month_reference(**given_inputs))
    assert (close.surplus_sum_w > 0).all()


@pytest.mark.parametrize("day", [date(2026, 3, 29), date(2026, 10, 7), date(2026, 10, 25)])
@pytest.mark.parametrize("slot_s", [900, 3_600])
def test_a_working_day_may_have_23_24_or_25_hours(day: date, slot_s: int) -> None:
    grid = grid_of_days(day, day + timedelta(days=1), slot_s=slot_s)
    hour = grid.view().hour
    calendar = compile_calendar(
        grid=grid,
        zone_of_slot=(hour % 4).astype(np.int8),
        selected=hour >= 2,
        working=np.ones(grid.slots, np.bool_),
    )
    given_inputs = inputs(grid, random_wh(grid, 3, seed=13), [calendar])
    close = close_month(**given_inputs)
    for point, row in enumerate(given_inputs["wh"].tolist()):
        for name, expected in plain_close(row, calendar, int(given_inputs["contract_power_w"][point])).items():
            assert np.asarray(getattr(close, name)[point]).tolist() == expected, name


def test_daily_and_monthly_periods_may_meet_in_one_close_and_days_off_stay_empty() -> None:
    month = calendars_of(OCTOBER, period_of_day=np.zeros(31, np.int64))
    none = compile_calendar(
        grid=OCTOBER,
        zone_of_slot=np.zeros(OCTOBER.slots, np.int8),
        selected=np.zeros(OCTOBER.slots, np.bool_),
        working=np.zeros(OCTOBER.slots, np.bool_),
    )
    given_inputs = inputs(OCTOBER, random_wh(OCTOBER, 75, seed=17), [*calendars_of(OCTOBER), *month, none])
    close = close_month(**given_inputs)
    assert_same(close, close_month_reference(**given_inputs))
    assert not close.selected_by_day_wh[6::7].any()
    assert not close.capacity_group[6::7].any()


def test_classes_that_change_inside_an_hour_are_summed_slot_by_slot() -> None:
    zone = (np.arange(OCTOBER.slots) % 96 >= 30).astype(np.int8)
    view = OCTOBER.view()
    calendar = compile_calendar(
        grid=OCTOBER, zone_of_slot=zone, selected=np.arange(OCTOBER.slots) % 7 == 0, working=view.working
    )
    assert not calendar.whole_hours
    given_inputs = inputs(OCTOBER, random_wh(OCTOBER, 4, seed=5), [calendar, *calendars_of(OCTOBER)])
    close = close_month(**given_inputs)
    assert_same(close, close_month_reference(**given_inputs))
    assert close.zone_wh[0].tolist() == plain_close(given_inputs["wh"][0].tolist(), calendar, 0)["zone_wh"]


@pytest.mark.parametrize(
    "days_of_period", [lambda day: 0, lambda day: min((day.day - 1) // 10, 2)], ids=["month", "decade"]
)
def test_the_qualification_period_may_be_a_month_or_a_decade(days_of_period) -> None:
    periods = np.array([days_of_period(day) for day in OCTOBER.days])
    given_inputs = inputs(OCTOBER, random_wh(OCTOBER, 40, seed=11), calendars_of(OCTOBER, period_of_day=periods))
    close = close_month(**given_inputs)
    assert_same(close, close_month_reference(**given_inputs))
    for period in set(periods.tolist()):
        groups = close.capacity_group[:, periods == period]
        for row, energy in zip(groups, close.selected_by_day_wh[:, periods == period], strict=True):
            assert len(set(row[energy > 0].tolist())) <= 1


def working_day_close(inside_wh: int, outside_wh: int) -> MonthClose:
    """One working day with constant energy per hour inside and outside the selected hours."""
    grid = grid_of_days(date(2026, 10, 7), date(2026, 10, 8))
    selected = (grid.view().hour >= 7) & (grid.view().hour < 22)
    wh = np.where(selected, inside_wh // 4, outside_wh // 4).astype(np.int32)[np.newaxis]
    return close_month(**inputs(grid, wh, calendars_of(grid)))


@pytest.mark.parametrize(
    ("inside_kwh", "outside_kwh", "group", "fee"),
    [
        pytest.param(100, 96, 1, "55.95", id="1_A"),
        pytest.param(105, 100, 2, "172.78", id="1_B"),
        pytest.param(115, 100, 4, "378.47", id="1_D"),
        pytest.param(80, 100, 1, "44.76", id="1_E"),
        pytest.param(10, 0, 4, "32.91", id="1_F"),
    ],
)
def test_law_1_5_groups_of_constant_days(inside_kwh, outside_kwh, group, fee) -> None:
    close = working_day_close(inside_kwh * 1_000, outside_kwh * 1_000)
    assert close.capacity_group.tolist() == [[group]]
    assert close.selected_wh.tolist() == [15_000 * inside_kwh]
    coefficient = {1: Decimal("0.17"), 2: Decimal("0.5"), 3: Decimal("0.83"), 4: Decimal(1)}
    energy_kwh = {index + 1: Decimal(int(wh)) / 1_000 for index, wh in enumerate(close.group_wh[0])}
    charged = sum(Decimal("0.2194") * coefficient[index] * energy for index, energy in energy_kwh.items())
    assert charged.quantize(Decimal("0.01"), ROUND_HALF_UP) == Decimal(fee)


@given(inside=st.integers(0, 3_000), outside=st.integers(0, 3_000))
@settings(max_examples=60, deadline=None)
def test_groups_follow_the_exact_difference(inside: int, outside: int) -> None:
    close = working_day_close(inside * 4, outside * 4)
    assert close.other_wh[0] == 9 * 4 * outside
    if inside == 0:
        expected = 0
    elif Fraction(9 * 4 * outside, 1_000) < Fraction(1, 2):
        expected = 4
    else:
        difference = Fraction(inside, outside) - 1
        expected = 1 + sum(difference >= Fraction(limit, 100) for limit in (5, 10, 15))
    assert close.capacity_group.tolist() == [[expected]]


def test_days_off_have_no_fee_and_no_group() -> None:
    grid = grid_of_days(date(2026, 12, 24), date(2026, 12, 28))  # Christmas Eve to Sunday
    close = close_month(**inputs(grid, random_wh(grid, 3, seed=1), calendars_of(grid)))
    assert not close.capacity_group.any()
    assert not close.selected_wh.any()
    assert not close.other_wh.any()


def surplus_close(surpluses_w: list[int], contract_power_w: int) -> MonthClose:
    """Each surplus sits in one quarter-hour of its own hour; the other quarters stay below contract power."""
    wh = np.full((1, OCTOBER.slots), contract_power_w // 8, np.int32)
    for index, surplus_w in enumerate(surpluses_w):
        wh[0, 4 * (50 * index + 9) + index % 4] = (contract_power_w + surplus_w) // 4
    given_inputs = inputs(OCTOBER, wh, calendars_of(OCTOBER))
    return close_month(**(given_inputs | {"contract_power_w": np.array([contract_power_w])}))


def test_law_3_A_the_ten_largest_hourly_surpluses() -> None:
    kilowatts = [30, 28, 25, 22, 20, 18, 15, 12, 10, 8, 7, 5]
    close = surplus_close([1_000 * value for value in reversed(kilowatts)], 500_000)
    assert close.surplus_sum_w.tolist() == [188_000]
    fee = Decimal(int(close.surplus_sum_w[0])) / 1_000 * Decimal("26.116")
    assert fee.quantize(Decimal("0.01"), ROUND_HALF_UP) == Decimal("4909.81")


def test_law_3_C_fewer_than_ten_surpluses_are_summed() -> None:
    close = surplus_close([4_200, 3_000, 1_800], 40_000)
    assert close.surplus_sum_w.tolist() == [9_000]
    fee = Decimal(int(close.surplus_sum_w[0])) / 1_000 * Decimal("24.84")
    assert fee.quantize(Decimal("0.01"), ROUND_HALF_UP) == Decimal("223.56")


def test_an_hour_gives_one_surplus_however_many_of_its_quarters_exceed() -> None:
    wh = np.zeros((1, OCTOBER.slots), np.int32)
    wh[0, 400:404] = [11_000, 12_000, 10_500, 10_000]
    given_inputs = inputs(OCTOBER, wh, calendars_of(OCTOBER)) | {"contract_power_w": np.array([40_000])}
    assert close_month(**given_inputs).surplus_sum_w.tolist() == [8_000]


def test_threads_and_memory_maps_do_not_change_the_result(tmp_path) -> None:
    given_inputs = inputs(OCTOBER, random_wh(OCTOBER, 101, seed=8), calendars_of(OCTOBER))
    np.save(tmp_path / "month.npy", given_inputs["wh"])
    mapped = np.load(tmp_path / "month.npy", mmap_mode="r")
    assert_same(close_month(**given_inputs), close_month(**(given_inputs | {"wh": mapped}), threads=3))
    assert given_inputs["wh"].flags.writeable


def test_no_points_close_to_no_rows() -> None:
    close = close_month(**inputs(OCTOBER, np.zeros((1, OCTOBER.slots), np.int32)[:0], calendars_of(OCTOBER)))
    assert close.zone_wh.shape == (0, 4)


@pytest.mark.parametrize("value", [-1, LARGEST_SLOT_WH + 1])
@pytest.mark.parametrize("slot", [0, 1, 2_944, 2_979])
@pytest.mark.parametrize("function", [close_month, close_month_reference])
def test_energy_out_of_range_is_refused_with_its_row(function, value: int, slot: int) -> None:
    wh = random_wh(OCTOBER, 40, seed=2)
    wh[37, slot] = value
    with pytest.raises(EnergyOutOfRangeError, match="rows 37"):
        function(**inputs(OCTOBER, wh, calendars_of(OCTOBER)))


def test_wrong_shapes_are_refused() -> None:
    calendars = calendars_of(OCTOBER)
    right = inputs(OCTOBER, random_wh(OCTOBER, 3, seed=2), calendars)
    other_month = calendars_of(grid_of_month(Month(2026, 9)))
    for wrong in (
        {"wh": right["wh"].astype(np.int64)},
        {"wh": right["wh"][:, :-1]},
        {"calendars": [calendars[0], *other_month]},
        {"calendar_of_point": np.array([0, 1, 3], np.int16)},
        {"calendar_of_point": np.array([0, 1], np.int16)},
        {"contract_power_w": np.array([0, 0, -1])},
        {"coefficients": replace(COEFFICIENTS, groups=COEFFICIENTS.groups[1:])},
    ):
        with pytest.raises(ValueError, match=r"must|needs|names|negative|four"):
            close_month(**(right | wrong))
    with pytest.raises(ValueError, match="zones"):
        compile_calendar(
            grid=OCTOBER,
            zone_of_slot=np.full(OCTOBER.slots, 4, np.int8),
            selected=calendars[0].selected,
            working=calendars[0].selected,
        )
    with pytest.raises(ValueError, match="at most"):
        calendars_of(grid_of_month(Month(2026, 10), slot_s=300))
