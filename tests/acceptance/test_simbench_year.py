"""A year of a cooperative with 116 consumers and 14 producers: twelve month closes against plain integers.

Data: SimBench (ODbL), 35,136 quarter-hours of 2016, both daylight-saving days, a leap day. Energy of an interval is
p_kw x profile / 4 kWh rounded half up to Wh, see `rounded_wh`. Everything expected here is reckoned with Python
integers, Fraction and Decimal from local clock times of the standard library; the product's calendar is not used for
it. The capacity fee did not exist in 2016: its hours and groups are taken as rules to be applied, not as a charge due.
"""

import csv
from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal, localcontext
from fractions import Fraction
from math import floor
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from pyarrow import parquet

from ogniwo.core.kernel.calendar import Month, SlotGrid, grid_of_month
from ogniwo.core.kernel.quantities import Rate, RateUnit, Share, amount_grosz
from ogniwo.core.tariffs.capacity_rules import CoefficientGroup, Coefficients
from ogniwo.core.tariffs.month_close import MonthCalendar, MonthClose, close_month, compile_calendar
from ogniwo.core.tariffs.reactive import FACTOR_DECIMALS, inductive_factor

MONTHS = range(1, 13)
EASTER = date(2016, 3, 27)
HOLIDAYS = {
    *(
        date(2016, month, day)
        for month, day in [(1, 1), (1, 6), (5, 1), (5, 3), (8, 15), (11, 1), (11, 11), (12, 25), (12, 26)]
    ),
    EASTER,
    EASTER + timedelta(days=1),
    EASTER + timedelta(days=49),
    EASTER + timedelta(days=60),
}
EVENING_PEAK_FROM = {1: 16, 2: 16, 3: 18, 4: 19, 5: 20, 6: 20, 7: 20, 8: 20, 9: 19, 10: 18, 11: 16, 12: 16}
COEFFICIENTS = Coefficients(
    groups=tuple(
        CoefficientGroup(name=f"K{index + 1}", below_percent=below, coefficient_e2=value)
        for index, (below, value) in enumerate([(5, 17), (10, 50), (15, 83), (None, 100)])
    ),
    zero_resolution_wh=1_000,
    valid_from=date(2016, 1, 1),
    valid_to=None,
    source="art. 70a",
)


def zone_c22a(month: int, hour: int) -> int:
    return 0 if 8 <= hour < 11 or EVENING_PEAK_FROM[month] <= hour < 21 else 1


def zone_c22b(month: int, hour: int) -> int:
    return 0 if 6 <= hour < 21 else 1


def zone_b12(month: int, hour: int) -> int:
    return 0 if 7 <= hour < 22 else 1


CLOCKS = (zone_c22a, zone_c22b, zone_b12)


@dataclass(frozen=True)
class Member:
    role: str
    subnet: str
    profile: str
    power_w: int
    reactive_var: int


@dataclass(frozen=True)
class Year:
    """`wh` holds one row per member; `months` the slots of each local month; `local` the local start of each slot."""

    members: list[Member]
    wh: np.ndarray
    varh: dict[int, np.ndarray]
    local: list[datetime]
    months: dict[int, slice]
    contract_power_w: list[int]


def rounded_wh(power_w: int, profile: np.ndarray) -> np.ndarray:
    """Round power x profile / 4 half up, exactly.

    The profile's 24 bits times the 20 bits of a power fit the 53 bits of a double, a division by 4 and adding one half
    lose nothing that could reach the next integer; `test_the_rounding_rule_is_exact` repeats it in fractions.
    """
    assert power_w < 2**20
    return np.floor(profile.astype(np.float64) * power_w / 4 + 0.5).astype(np.int32)


@pytest.fixture(scope="module")
def folder(shared_data):
    return shared_data / "simbench-cooperative-2016"


@pytest.fixture(scope="module")
def profiles(folder) -> dict[str, np.ndarray]:
    table = parquet.read_table(folder / "profiles.parquet")
    return {name: table.column(name).to_numpy() for name in table.column_names}


@pytest.fixture(scope="module")
def year(folder, profiles) -> Year:
    with (folder / "members.csv").open(encoding="utf-8", newline="") as file:
        members = [
            Member(
                role=row["role"],
                subnet=row["subnet"],
                profile=row["profile"],
                power_w=int(Decimal(row["p_kw"]) * 1_000),
                reactive_var=int(Decimal(row["q_kvar"]) * 1_000),
            )
            for row in csv.DictReader(file)
        ]
    first = datetime(2015, 12, 31, 23, tzinfo=UTC)
    starts = profiles["ts_start_utc"].astype("datetime64[s]").astype(np.int64)
    assert starts.tolist() == [int(first.timestamp()) + 900 * slot for slot in range(35_136)]
    warsaw = ZoneInfo("Europe/Warsaw")
    local = [datetime.fromtimestamp(start, tz=warsaw) for start in starts.tolist()]
    bounds = [[stamp.month for stamp in local].index(month) for month in MONTHS] + [len(local)]
    wh = np.stack([rounded_wh(member.power_w, active_profile(member, profiles)) for member in members])
    return Year(
        members=members,
        wh=wh,
        varh={
            index: rounded_wh(member.reactive_var, profiles[f"{member.profile}_qload"])
            for index, member in enumerate(members)
            if member.role == "consumer" and member.subnet.startswith("MV")
        },
        local=local,
        months={month: slice(bounds[month - 1], bounds[month]) for month in MONTHS},
        contract_power_w=[
            int(row.max()) * 4 * 8 // 10 if member.role == "consumer" else 0
            for row, member in zip(wh, members, strict=True)
        ],
    )


def active_profile(member: Member, profiles: dict[str, np.ndarray]) -> np.ndarray:
    return profiles[f"{member.profile}_pload" if member.role == "consumer" else member.profile]


def calendars_of(grid: SlotGrid, *, whole_month: bool = False) -> list[MonthCalendar]:
    """The three clocks by the product's calendar."""
    view = grid.view()
    evening = np.array([0, *EVENING_PEAK_FROM.values()])[view.month]
    peaks = ((view.hour >= 8) & (view.hour < 11)) | ((view.hour >= evening) & (view.hour < 21))
    nights = [~peaks, (view.hour < 6) | (view.hour >= 21), (view.hour < 7) | (view.hour >= 22)]
    return [
        compile_calendar(
            grid=grid,
            zone_of_slot=night.astype(np.int8),
            selected=(view.hour >= 7) & (view.hour < 22),
            working=view.working,
            period_of_day=np.zeros(len(grid.days), np.int64) if whole_month else None,
        )
        for night in nights
    ]


def closed(year: Year, month: int, *, whole_month: bool = False) -> MonthClose:
    return close_month(
        wh=np.ascontiguousarray(year.wh[:, year.months[month]]),
        calendars=calendars_of(grid_of_month(Month(2016, month)), whole_month=whole_month),
        calendar_of_point=(np.arange(len(year.wh)) % len(CLOCKS)).astype(np.int16),
        contract_power_w=np.array(year.contract_power_w),
        coefficients=COEFFICIENTS,
    )


@pytest.fixture(scope="module")
def closes(year) -> dict[int, MonthClose]:
    return {month: closed(year, month) for month in MONTHS}


def is_working(day: date) -> bool:
    return day.weekday() < 5 and day not in HOLIDAYS


def group_of(inside_wh: int, outside_wh: int) -> int:
    """The group of one day by exact fractions; 0 where no fee is due."""
    if inside_wh == 0:
        return 0
    if (Decimal(outside_wh) / 1_000).quantize(Decimal(1), ROUND_HALF_UP) == 0:
        return 4
    difference = Fraction(inside_wh, 15) / Fraction(outside_wh, 9) - 1
    return 1 + sum(difference >= Fraction(limit, 100) for limit in (5, 10, 15))


class Oracle:
    """One month in Python integers: places of slots by zone and by kind of hour and day, from local clock times."""

    def __init__(self, year: Year, month: int) -> None:
        stamps = year.local[year.months[month]]
        self.days = sorted({stamp.date() for stamp in stamps})
        self.zones = [defaultdict(list) for _ in CLOCKS]
        self.inside: dict[date, list[int]] = {day: [] for day in self.days}
        self.outside: dict[date, list[int]] = {day: [] for day in self.days}
        for slot, stamp in enumerate(stamps):
            for clock, zones in zip(CLOCKS, self.zones, strict=True):
                zones[clock(stamp.month, stamp.hour)].append(slot)
            if is_working(stamp.date()):
                (self.inside if 7 <= stamp.hour < 22 else self.outside)[stamp.date()].append(slot)

    def close(self, row: list[int], clock: int, contract_power_w: int) -> dict:
        """The month of one point, field by field."""
        inside = [sum(map(row.__getitem__, slots)) for slots in self.inside.values()]
        outside = [sum(map(row.__getitem__, slots)) for slots in self.outside.values()]
        groups = [group_of(*pair) for pair in zip(inside, outside, strict=True)]
        quarters = [row[first : first + 4] for first in range(0, len(row), 4)]
        hours = [sum(hour) for hour in quarters]
        ranked = sorted(range(len(hours)), key=lambda hour: (-hours[hour], hour))[:10]
        surplus = [max(hour) * 4 - contract_power_w for hour in quarters] if contract_power_w else []
        return {
            "total_wh": sum(row),
            "zone_wh": [sum(map(row.__getitem__, self.zones[clock][zone])) for zone in (0, 1)] + [0, 0],
            "selected_wh": sum(inside),
            "other_wh": sum(outside),
            "selected_by_day_wh": inside,
            "other_by_day_wh": outside,
            "capacity_group": groups,
            "group_wh": [
                sum(wh for wh, group in zip(inside, groups, strict=True) if group == wanted) for wanted in (1, 2, 3, 4)
            ],
            "largest_slot_wh": max(row),
            "top_hour_wh": [hours[hour] for hour in ranked],
            "top_hour_index": ranked,
            "surplus_sum_w": sum(sorted((value for value in surplus if value > 0), reverse=True)[:10]),
        }


def test_the_rounding_rule_is_exact(year, profiles) -> None:
    for index in range(0, len(year.members), 9):
        member = year.members[index]
        profile = active_profile(member, profiles)
        for slot in range(index, len(profile), 977):
            exact = Fraction(member.power_w, 4) * Fraction(float(profile[slot]))
            assert year.wh[index, slot] == floor(exact + Fraction(1, 2))


def test_the_year_holds_what_its_source_says(year) -> None:
    consumed = sum(
        sum(row.tolist()) for row, member in zip(year.wh, year.members, strict=True) if member.role == "consumer"
    )
    generated = sum(
        sum(row.tolist()) for row, member in zip(year.wh, year.members, strict=True) if member.role == "producer"
    )
    assert len(year.members) == 130
    assert abs(consumed - 5_958_000_000) < 1_000_000
    assert abs(generated - 1_584_000_000) < 1_000_000
    lengths = [year.months[month].stop - year.months[month].start for month in MONTHS]
    assert lengths == [2_976, 2_784, 2_972, 2_880, 2_976, 2_880, 2_976, 2_976, 2_880, 2_980, 2_880, 2_976]
    assert sum(is_working(stamp.date()) and stamp.hour == stamp.minute == 0 for stamp in year.local) == 252


@pytest.mark.parametrize("month", MONTHS)
def test_every_point_of_a_month_equals_plain_integers(year, closes, month: int) -> None:
    oracle = Oracle(year, month)
    close = closes[month]
    rows = year.wh[:, year.months[month]].tolist()
    for point, row in enumerate(rows):
        expected = oracle.close(row, point % len(CLOCKS), year.contract_power_w[point])
        for name, value in expected.items():
            assert getattr(close, name)[point].tolist() == value, (point, name)


def test_the_months_add_up_to_the_year(year, closes) -> None:
    totals = [sum(column) for column in zip(*(closes[month].total_wh.tolist() for month in MONTHS), strict=True)]
    assert totals == [sum(row.tolist()) for row in year.wh]
    for close in closes.values():
        np.testing.assert_array_equal(close.zone_wh.sum(axis=1), close.total_wh)
        np.testing.assert_array_equal(close.group_wh.sum(axis=1), close.selected_wh)


def test_the_year_exercises_every_rule(closes) -> None:
    groups = np.concatenate([close.capacity_group.reshape(-1) for close in closes.values()])
    assert set(groups.tolist()) == {0, 1, 2, 3, 4}
    assert all(any(close.surplus_sum_w[:116] > 0) for close in closes.values())
    assert not any(close.surplus_sum_w[116:].any() for close in closes.values())


@pytest.mark.parametrize("month", [1, 3, 10])
def test_a_qualification_by_month_puts_all_its_days_into_one_group(year, closes, month: int) -> None:
    close = closed(year, month, whole_month=True)
    days = closes[month]
    working = sum(is_working(day) for day in grid_of_month(Month(2016, month)).days)
    assert working > 0
    for point in range(len(year.members)):
        inside, outside = int(days.selected_wh[point]), int(days.other_wh[point])
        group = group_of(inside, outside)  # 15 and 9 hours of each working day: the same ratio as of one day
        by_day = [group if energy else 0 for energy in days.selected_by_day_wh[point].tolist()]
        assert close.capacity_group[point].tolist() == by_day
        assert close.group_wh[point].tolist() == [inside if number == group else 0 for number in (1, 2, 3, 4)]


@pytest.mark.parametrize("tg_phi0_e3", [400, 200])
def test_reactive_energy_of_the_businesses_equals_decimal(year, closes, tg_phi0_e3: int) -> None:
    price = Rate.parse("759.29", RateUnit.MWH)
    charged = 0
    assert len(year.varh) == 4
    for point, varh in year.varh.items():
        for month in MONTHS:
            active_wh = int(closes[month].total_wh[point])
            inductive_varh = sum(varh[year.months[month]].tolist())
            factor = inductive_factor(active_wh=active_wh, inductive_varh=inductive_varh, tg_phi0_e3=tg_phi0_e3)
            grosz = amount_grosz(quantity=active_wh, rate=price, share=Share(factor, 10**FACTOR_DECIMALS))
            assert grosz == reactive_grosz(active_wh, inductive_varh, tg_phi0_e3)
            charged += grosz > 0
    assert charged > 0


def reactive_grosz(active_wh: int, inductive_varh: int, tg_phi0_e3: int) -> int:
    """k x C_rk x (sqrt((1 + tg^2) / (1 + tg0^2)) - 1) x A with k = 1 at medium voltage, in 60 digits (law.md 3.2)."""
    with localcontext() as context:
        context.prec = 60
        tangent, allowed = Decimal(inductive_varh) / active_wh, Decimal(tg_phi0_e3) / 1_000
        if tangent <= allowed:
            return 0
        factor = ((1 + tangent**2) / (1 + allowed**2)).sqrt() - 1
        zloty = Decimal("759.29") * factor * active_wh / 10**6
        return int(zloty.quantize(Decimal("0.01"), ROUND_HALF_UP) * 100)
