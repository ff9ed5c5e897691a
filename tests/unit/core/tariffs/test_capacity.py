from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ogniwo.core.kernel.calendar import HOUR_S, grid_of_days
from ogniwo.core.tariffs.capacity import CapacityRegime, capacity_fee, capacity_regime
from ogniwo.core.tariffs.capacity_flat import flat_lines
from ogniwo.core.tariffs.capacity_rules import Qualification
from ogniwo.core.tariffs.capacity_volume import coefficient_group, qualification_periods, volume_fee
from ogniwo.core.tariffs.lines import UnusableTermsError
from ogniwo.core.tariffs.model import MissingRateError
from ogniwo.core.tariffs.usage import MissingUsageError, RegisterUsage, SelectedEnergy, Usage
from ogniwo.services.tariffs.queries import load_rate_book

COEFFICIENTS = {"": Fraction(1), "K1": Fraction(17, 100), "K2": Fraction(1, 2), "K3": Fraction(83, 100), "K4": 1}


def group_of(book, selected_wh, other_wh):
    row = coefficient_group(
        coefficients=book.capacity.coefficients_on(date(2026, 1, 1)),
        selected_wh=selected_wh,
        other_wh=other_wh,
        selected_hours=15,
        other_hours=9,
    )
    return row.name


@pytest.mark.parametrize(
    ("selected_kwh", "group"), [(105, "K2"), (110, "K3"), (115, "K4")], ids=["5 %", "10 %", "law_1_D 15 %"]
)
def test_a_difference_exactly_on_a_bound_belongs_to_the_upper_group(book, selected_kwh, group):
    other_wh = 900_000
    assert group_of(book, 15_000 * selected_kwh, other_wh) == group
    below = {"K2": "K1", "K3": "K2", "K4": "K3"}[group]
    assert group_of(book, 15_000 * selected_kwh - 1, other_wh) == below
    assert group_of(book, 15_000 * selected_kwh + 1, other_wh) == group


@pytest.mark.parametrize(("other_wh", "group"), [(0, "K4"), (499, "K4"), (500, "K1")])
def test_other_energy_counts_as_zero_when_it_rounds_to_0_000_mwh(book, other_wh, group):
    assert group_of(book, 100, other_wh) == group


def test_no_energy_at_all_is_the_last_group(book):
    assert group_of(book, 0, 0) == "K4"


def spans(book, first, last_exclusive):
    return [
        (begin.isoformat(), end.isoformat(), period)
        for begin, end, period in qualification_periods(book.capacity, first, last_exclusive)
    ]


def test_groups_begin_on_2021_10_01_with_months(book):
    assert spans(book, date(2021, 9, 1), date(2021, 11, 1)) == [
        ("2021-09-01", "2021-10-01", Qualification.NONE),
        ("2021-10-01", "2021-11-01", Qualification.MONTH),
    ]


def test_decades_begin_on_2023_01_01(book):
    assert spans(book, date(2022, 12, 1), date(2023, 2, 1)) == [
        ("2022-12-01", "2023-01-01", Qualification.MONTH),
        ("2023-01-01", "2023-01-11", Qualification.DECADE),
        ("2023-01-11", "2023-01-21", Qualification.DECADE),
        ("2023-01-21", "2023-02-01", Qualification.DECADE),
    ]


def test_days_begin_on_2025_01_01(book):
    assert spans(book, date(2024, 12, 21), date(2025, 1, 3)) == [
        ("2024-12-21", "2025-01-01", Qualification.DECADE),
        ("2025-01-01", "2025-01-02", Qualification.DAY),
        ("2025-01-02", "2025-01-03", Qualification.DAY),
    ]


HOLIDAYS = {date(2026, 6, 4), date(2024, 5, 1), date(2024, 5, 3), date(2024, 5, 30), date(2022, 6, 16)}
MONTHS = {
    "day": (date(2026, 6, 1), date(2026, 7, 1), Fraction(2194, 10_000)),
    "decade": (date(2024, 5, 1), date(2024, 6, 1), Fraction(1267, 10_000)),
    "month": (date(2022, 6, 1), date(2022, 7, 1), Fraction(1026, 10_000)),
    "none": (date(2021, 3, 1), date(2021, 4, 1), Fraction(762, 10_000)),
}


def independent_fee(kind, first, last_exclusive, price, wh_of_hour):
    """The fee in grosz by fractions, from instants and a list of holidays: shares no code with the product."""
    zone = ZoneInfo("Europe/Warsaw")
    instant = datetime(first.year, first.month, first.day, tzinfo=zone).astimezone(UTC)
    periods = {}
    for wh in wh_of_hour:
        local = instant.astimezone(zone)
        instant += timedelta(hours=1)
        day = local.date()
        if local.isoweekday() > 5 or day in HOLIDAYS:
            continue
        name = {"day": day.day, "decade": min((day.day - 1) // 10, 2), "month": 0, "none": 0}[kind]
        sums = periods.setdefault(name, [Fraction(0), 0, Fraction(0), 0])
        offset = 0 if 7 <= local.hour <= 21 else 2
        sums[offset] += Fraction(wh, 1000)
        sums[offset + 1] += 1
    assert instant.astimezone(zone).date() == last_exclusive
    volume = dict.fromkeys(COEFFICIENTS, Fraction(0))
    for selected, selected_hours, other, other_hours in periods.values():
        if kind == "none":
            group = ""
        elif other < Fraction(1, 2):
            group = "K4"
        else:
            difference = (selected / selected_hours) / (other / other_hours) - 1
            group = next((g for g, p in (("K1", 5), ("K2", 10), ("K3", 15)) if difference * 100 < p), "K4")
        volume[group] += selected
    cents = [energy * price * COEFFICIENTS[group] * 100 for group, energy in volume.items()]
    return sum(int(amount + Fraction(1, 2)) for amount in cents), {g: v for g, v in volume.items() if v}


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), kind=st.sampled_from(sorted(MONTHS)), bias=st.integers(85, 125))
def test_the_fee_agrees_with_an_independent_calculation_by_fractions(past_book_point, seed, kind, bias):
    first, last_exclusive, price = MONTHS[kind]
    grid = grid_of_days(first, last_exclusive, slot_s=HOUR_S)
    random = np.random.default_rng(seed)
    wh = random.integers(90_000, 110_000, grid.slots)
    hour = grid.view().hour
    wh[(hour >= 7) & (hour < 22)] = wh[(hour >= 7) & (hour < 22)] * bias // 100
    point = past_book_point(first, last_exclusive, Usage(grid=grid, energy_wh=wh))
    fee = volume_fee(point, first, last_exclusive)
    expected_grosz, volume = independent_fee(kind, first, last_exclusive, price, wh.tolist())
    assert sum(line.net_grosz for line in fee.lines) == expected_grosz
    assert {line.zone: Fraction(line.quantity, 1000) for line in fee.lines} == volume


@pytest.fixture(scope="module")
def past_book_point():
    """As `past_point`, for tests that run many examples."""
    from ogniwo.core.tariffs.lines import RatedPoint  # noqa: PLC0415 -- only this fixture builds points by hand
    from ogniwo.core.tariffs.model import PointTerms  # noqa: PLC0415 -- as above

    book = load_rate_book()

    def make(first, last_exclusive, usage):
        return RatedPoint(
            book=book,
            terms=PointTerms(operator="enea", group="C21", contract_power_w=60_000),
            group=book.group("enea", "C21", date(2026, 1, 1)),
            zone_clock=None,
            first=first,
            last_exclusive=last_exclusive,
            usage=usage,
            vat_rate_percent=23,
        )

    return make


def test_days_off_have_no_group_and_no_fee(past_book_point, flat_profile):
    first, last_exclusive = date(2026, 6, 4), date(2026, 6, 8)  # Corpus Christi, Friday, weekend
    fee = volume_fee(past_book_point(first, last_exclusive, flat_profile(first, last_exclusive)), first, last_exclusive)
    assert [row.first for row in fee.periods] == [date(2026, 6, 5)]
    assert [(line.zone, line.quantity) for line in fee.lines] == [("K1", 15_000)]


def test_capacity_has_its_own_base(past_book_point):
    day, grid = date(2026, 3, 2), grid_of_days(date(2026, 3, 2), date(2026, 3, 3), slot_s=HOUR_S)
    usage = Usage(grid=grid, energy_wh=np.full(24, 1_000, dtype=np.int64), capacity_wh=np.full(24, 400, dtype=np.int64))
    fee = volume_fee(past_book_point(day, date(2026, 3, 3), usage), day, date(2026, 3, 3))
    assert [line.quantity for line in fee.lines] == [15 * 400]


def test_registers_need_the_energy_of_each_qualification_period(past_book_point):
    first, last_exclusive = date(2026, 3, 2), date(2026, 3, 4)
    tuesday = SelectedEnergy(first=date(2026, 3, 3), last_exclusive=last_exclusive, selected_wh=1, other_wh=1)
    with pytest.raises(MissingUsageError, match="2026-03-02"):
        volume_fee(
            past_book_point(first, last_exclusive, RegisterUsage(energy_wh=(("all", 10),), capacity=(tuesday,))),
            first,
            last_exclusive,
        )
    monday = SelectedEnergy(first=first, last_exclusive=date(2026, 3, 3), selected_wh=15_000, other_wh=9_000)
    usage = RegisterUsage(energy_wh=(("all", 10),), capacity=(monday, tuesday))
    fee = volume_fee(past_book_point(first, last_exclusive, usage), first, last_exclusive)
    assert {line.zone: line.quantity for line in fee.lines} == {"K1": 15_000, "K4": 1}


@pytest.mark.parametrize(
    ("yearly_kwh", "name"),
    [(None, "1"), (0, "1"), (499.999, "1"), (500, "2"), (1200, "2"), (1200.001, "3"), (2800, "3"), (2800.001, "4")],
)
def test_flat_classes_at_their_bounds(past_point, yearly_kwh, name):
    use_wh = None if yearly_kwh is None else round(yearly_kwh * 1000)
    point = past_point(date(2026, 1, 1), date(2026, 2, 1), yearly_use_wh=use_wh)
    (line,) = flat_lines(point, point.first, point.last_exclusive)
    assert line.zone == name
    assert line.rates[0].key == f"statutory/capacity.flat/{name}"


def flat_grosz(past_point, first, last_exclusive, **terms):
    point = past_point(first, last_exclusive, yearly_use_wh=2_000_000, **terms)
    return [(line.first, line.last_exclusive, line.net_grosz) for line in flat_lines(point, first, last_exclusive)]


def test_flat_fee_by_days_of_the_contract(past_point):
    days = (date(2026, 4, 21), date(2026, 6, 1))
    assert flat_grosz(past_point, *days) == [
        (date(2026, 4, 21), date(2026, 5, 1), 573),  # 17.18 x 10/30 = 5.7267
        (date(2026, 5, 1), date(2026, 6, 1), 1718),
    ]


def test_flat_fee_of_a_prepaid_meter_is_whole_months(past_point):
    days = (date(2026, 4, 21), date(2026, 6, 1))
    assert [grosz for _, _, grosz in flat_grosz(past_point, *days, prepaid=True)] == [2 * 1718]


def test_flat_fee_splits_at_the_new_year(past_point):
    days = (date(2025, 12, 16), date(2026, 1, 16))
    assert [grosz for _, _, grosz in flat_grosz(past_point, *days)] == [590, 831]  # 11.44 x 16/31, 17.18 x 15/31


def test_households_were_relieved_from_july_2024_to_june_2025(past_point):
    days = (date(2024, 6, 1), date(2025, 8, 1))
    assert flat_grosz(past_point, *days) == [
        (date(2024, 6, 1), date(2024, 7, 1), 1064),
        (date(2024, 7, 1), date(2025, 1, 1), 0),
        (date(2025, 1, 1), date(2025, 7, 1), 0),
        (date(2025, 7, 1), date(2025, 8, 1), 1144),
    ]
    point = past_point(date(2024, 7, 1), date(2024, 8, 1), yearly_use_wh=1)
    assert any("Zawieszona" in sentence for sentence in flat_lines(point, point.first, point.last_exclusive)[0].why)


def test_small_firms_were_not_relieved(past_point):
    days = (date(2025, 3, 1), date(2025, 4, 1))
    assert [g for _, _, g in flat_grosz(past_point, *days, group="C11", contract_power_w=16_000)] == [1144]


@pytest.mark.parametrize(
    ("terms", "day", "regime"),
    [
        ({"group": "G11"}, date(2026, 1, 1), CapacityRegime.FLAT),
        ({"group": "G11"}, date(2028, 1, 1), CapacityRegime.VOLUME),
        ({"group": "G11", "voltage": "MV"}, date(2026, 1, 1), CapacityRegime.VOLUME),
        ({"group": "C11", "contract_power_w": 16_000}, date(2026, 1, 1), CapacityRegime.FLAT),
        ({"group": "C11", "contract_power_w": 16_001}, date(2026, 1, 1), CapacityRegime.VOLUME),
        (
            {"group": "C11", "contract_power_w": 30_000, "capacity_household": True},
            date(2026, 1, 1),
            CapacityRegime.FLAT,
        ),
        ({"group": "B21", "contract_power_w": 10_000}, date(2026, 1, 1), CapacityRegime.VOLUME),
    ],
)
def test_regimes(past_point, terms, day, regime):
    assert capacity_regime(past_point(day, day + timedelta(days=1), **terms), day) is regime


def test_a_firm_without_contract_power_is_refused(past_point):
    point = past_point(date(2026, 1, 1), date(2026, 2, 1), group="C11")
    with pytest.raises(UnusableTermsError, match="C11 needs a contract power"):
        capacity_fee(point)


def test_rates_of_2027_refuse_with_key_and_day(past_point):
    point = past_point(date(2026, 12, 1), date(2027, 2, 1), yearly_use_wh=2_000_000)
    with pytest.raises(MissingRateError, match=r"statutory/capacity\.flat/3 is known for 2027-01-01"):
        capacity_fee(point)
