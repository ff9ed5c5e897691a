"""The tables of the reference on law, typed here by hand, against the packaged rate book: every cell and every hour.

Nothing here is read from the packaged files. Zone clocks are typed as runs of hours (`o7 M6` = seven hours of o, six of
M) and compared hour by hour by an own calendar: local time from the time zone database, days off listed below.
"""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from ogniwo.core.kernel.calendar import HOUR_S, QUARTER_S, Clock, grid_of_days, is_working_day
from ogniwo.core.kernel.quantities import RateUnit
from ogniwo.core.tariffs.model import MissingRateError
from ogniwo.core.tariffs.zones import OTHER, SELECTED, capacity_slots, zone_of_slots
from ogniwo.services.tariffs.queries import load_rate_book

BOOK = load_rate_book()
UNITS = {"zł/MW/m": "MW/month", "zł/kW/m": "kW/month", "zł/m": "month", "zł/MWh": "MWh", "zł/kWh": "kWh"}
MW, KW, MONTH, MWH, KWH = UNITS

# 2.3, official rates 2026: group -> (unit of the fixed part, fixed), (unit of the variable part, {zone: rate}).
# A fixed part of a household group is (one phase, three phases); of a charging-station group the two price sets.
NETWORK = {
    "A21": ((MW, "21656.00"), (MWH, {"all": "25.85"})),
    "A23": ((MW, "21656.00"), (MWH, {"morning_peak": "25.85", "afternoon_peak": "25.85", "other": "25.85"})),
    "B11": ((MW, "20379.00"), (MWH, {"all": "114.08"})),
    "B12": ((MW, "20379.00"), (MWH, {"day": "114.08", "night": "114.08"})),
    "B21": ((MW, "26116.00"), (MWH, {"all": "67.50"})),
    "B22": ((MW, "26116.00"), (MWH, {"peak": "67.50", "offpeak": "67.50"})),
    "B23": ((MW, "26116.00"), (MWH, {"morning_peak": "67.50", "afternoon_peak": "67.50", "other": "67.50"})),
    "C21": ((KW, "24.84"), (KWH, {"all": "0.1538"})),
    "C22a": ((KW, "24.84"), (KWH, {"peak": "0.1538", "offpeak": "0.1538"})),
    "C22b": ((KW, "24.84"), (KWH, {"day": "0.1538", "night": "0.1538"})),
    "C22w": ((KW, "30.11"), (KWH, {"peak": "0.1451", "offpeak": "0.1451"})),
    "C11": ((KW, "7.41"), (KWH, {"all": "0.2304"})),
    "C11o": ((KW, "11.83"), (KWH, {"all": "0.1476"})),
    "C12a": ((KW, "7.41"), (KWH, {"peak": "0.1967", "offpeak": "0.1967"})),
    "C12b": ((KW, "7.41"), (KWH, {"day": "0.1967", "night": "0.1967"})),
    "C11pewna": ((KW, "17.47"), (KWH, {"all": "0.0100", "all.above": "0.0580"})),
    "G11": ((MONTH, "7.45", "10.41"), (KWH, {"all": "0.2456"})),
    "G12": ((MONTH, "9.59", "14.56"), (KWH, {"day": "0.2779", "night": "0.0913"})),
    "G12w": ((MONTH, "16.85", "26.23"), (KWH, {"peak": "0.2702", "offpeak": "0.0813"})),
    "G12as": ((MONTH, "14.90", "20.82"), (KWH, {"day": "0.2456", "night": "0.2456", "night.above": "0.0246"})),
    "G11pewna": ((MONTH, "49.86", "52.82"), (KWH, {"all": "0.0100", "all.above": "0.2456"})),
    "B22sezON": ((MW, "26116.00"), (MWH, {"other": "74.15", "recommended": "54.00"})),
    "C22sezON": ((KW, "24.84"), (KWH, {"other": "0.1684", "recommended": "0.1230"})),
    "C12sezON": ((KW, "7.41"), (KWH, {"other": "0.2550", "recommended": "0.1843"})),
    "G12sezON": ((MONTH, "9.59", "14.56"), (KWH, {"other": "0.2779", "recommended": "0.0913"})),
    "B23active": ((MW, "26116.00"), (MWH, {"limit": "78.25", "other": "67.50", "recommended": "54.00"})),
    "C23active": ((KW, "24.84"), (KWH, {"limit": "0.1774", "other": "0.1538", "recommended": "0.1230"})),
    "C13active": ((KW, "7.41"), (KWH, {"limit": "0.2927", "other": "0.2304", "recommended": "0.1613"})),
    "G13active": ((MONTH, "9.59", "14.56"), (KWH, {"limit": "0.3032", "other": "0.2456", "recommended": "0.0730"})),
    "B21em": ((MW, "6529.00", "26116.00"), (MWH, {"all": ("135.00", "101.25")})),
    "C21em": ((KW, "6.21", "24.84"), (KWH, {"all": ("0.3076", "0.2307")})),
}
ENDS = {MONTH: ("/1ph", "/3ph"), MW: ("/low_fixed", "/high_fixed"), KW: ("/low_fixed", "/high_fixed")}
UNPRICED = {"A22sezON", "B12sezON"}
"""Their clocks stand in the tariff's chapter 2, their prices not in the reference."""


def rate(key, day):
    row = BOOK.rates.on(key, day)
    return Decimal(row.rate.value_e8).scaleb(-8), row.rate.per


def network_cells():
    for group, ((unit, *fixed), (per, zones)) in NETWORK.items():
        for end, value in zip(ENDS[unit] if len(fixed) > 1 else ("",), fixed, strict=True):
            yield f"enea/{group}/network.fixed{end}", value, unit
        for zone, value in zones.items():
            if isinstance(value, str):
                yield f"enea/{group}/network.variable/{zone}", value, per
            else:
                for end, one in zip(ENDS[MW], value, strict=True):
                    yield f"enea/{group}/network.variable/{zone}{end}", one, per


@pytest.mark.parametrize(("key", "value", "unit"), list(network_cells()))
def test_law_2_3_network_rates(key, value, unit):
    for day in (date(2026, 1, 1), date(2026, 7, 15), date(2026, 12, 31)):
        assert rate(key, day) == (Decimal(value), RateUnit(UNITS[unit]))
    for day in (date(2025, 12, 31), date(2027, 1, 1)):
        with pytest.raises(MissingRateError, match=key):
            BOOK.rates.on(key, day)


def test_law_2_3_has_no_group_and_no_network_rate_that_is_not_in_the_table():
    assert {group.group for group in BOOK.groups} == set(NETWORK) | UNPRICED
    packaged = {row.key for row in BOOK.rates.rows if "/network." in row.key}
    assert packaged == {key for key, _, _ in network_cells()}


def test_law_2_3_thresholds():
    found = {group.group: (group.threshold.zone, group.threshold.limit_wh) for group in BOOK.groups if group.threshold}
    assert found == {"C11pewna": ("all", 900_000), "G11pewna": ("all", 250_000), "G12as": ("night", None)}


SUBSCRIPTION = {"1": "3.84", "2": "1.92", "6": "0.64", "12": "0.32", "prepaid": "0.16"}


@pytest.mark.parametrize("group", sorted(NETWORK))
def test_law_2_2_2_3_what_a_group_is(group):
    """Letter, voltage, billing lengths, subscription, control of power (3.2.16), household use."""
    rules = BOOK.group("enea", group, date(2026, 5, 1))
    letter = group[0]
    assert rules.letter == letter
    assert rules.voltage == {"A": "HV", "B": "MV", "C": "LV", "G": ""}[letter]
    assert rules.household == (letter == "G")
    assert rules.unmetered is False
    small = letter == "G" or group.startswith("C1")
    assert rules.billing_months == ((1, 2, 6, 12) if small else (1,))
    prices = SUBSCRIPTION if small else {"1": "10.00" if letter == "C" else "14.59"}
    for months, value in prices.items():
        assert rate(f"{rules.subscription}/{months}", date(2026, 5, 1)) == (Decimal(value), RateUnit.MONTH)
    controlled = letter == "A" or group.startswith(("B2", "C2"))
    assert rules.exceedance == controlled
    january, february = date(2026, 1, 31), date(2026, 2, 1)
    if letter in "AB":
        assert rate(rules.quality, january) == rate(rules.quality, february) == (Decimal("33.06"), RateUnit.MWH)
    else:
        assert rate(rules.quality, january) == (Decimal("0.0331"), RateUnit.KWH)
        assert rate(rules.quality, february) == (Decimal("0.0332"), RateUnit.KWH)
        assert rate(rules.quality, date(2026, 12, 31)) == (Decimal("0.0332"), RateUnit.KWH)
    assert rate(rules.quality_special, february) == (Decimal("3.27"), RateUnit.MWH)


def test_law_3_1_control_of_power_of_b12sezon_and_not_of_b1x():
    assert BOOK.group("enea", "B12sezON", date(2026, 5, 1)).exceedance
    assert not BOOK.group("enea", "B11", date(2026, 5, 1)).exceedance


def test_law_2_3_reconnection_and_3_2_reactive_factors():
    for voltage, value in {"LV": "119.33", "MV": "178.97", "HV": "223.73"}.items():
        assert rate(f"enea/reconnection/{voltage}", date(2026, 5, 1)) == (Decimal(value), RateUnit.ONE)
    rules = BOOK.reactive_rules("enea", date(2026, 5, 1))
    assert dict(rules.factor_e2) == {"HV": 50, "MV": 100, "LV": 300}
    assert rules.lowest_tg_phi0_e3 == 200
    assert "enea/reactive.price" not in BOOK.rates  # C_rk of the 2026 tariffs is not known: never a default
    for key, value in {"2023": "759.29", "2024Q3": "526.24", "2024Q4": "537.53"}.items():
        assert rate(f"statutory/competitive.price/{key}", date(2026, 5, 1)) == (Decimal(value), RateUnit.MWH)


# 1.2: the flat fee by class, and SOM.
CAPACITY = {
    2021: (("1.87", "4.48", "7.47", "10.46"), "0.0762"),
    2022: (("2.37", "5.68", "9.46", "13.25"), "0.1026"),
    2023: (("2.38", "5.72", "9.54", "13.35"), "0.1024"),
    2024: (("2.66", "6.39", "10.64", "14.90"), "0.1267"),
    2025: (("2.86", "6.86", "11.44", "16.01"), "0.1412"),
    2026: (("4.29", "10.31", "17.18", "24.05"), "0.2194"),
}
# 2.5: OZE, cogeneration (zł/MWh), quality (zł/kWh; None: not known).
STATUTORY = {
    2021: ("2.20", "0", "0.0102"),
    2022: ("0.90", "4.06", "0.0095"),
    2023: ("0", "4.96", None),
    2024: ("0", "6.18", "0.0314"),
    2025: ("3.50", "3.00", "0.0321"),
    2026: ("7.30", "3.00", "0.0331"),
}
EDGES = ((1, 1), (12, 31))


@pytest.mark.parametrize("year", sorted(CAPACITY))
def test_law_1_2_capacity_rates(year):
    flat, volume = CAPACITY[year]
    for month, day in EDGES:
        on = date(year, month, day)
        for number, value in enumerate(flat, start=1):
            assert rate(f"statutory/capacity.flat/{number}", on) == (Decimal(value), RateUnit.MONTH)
        assert rate("statutory/capacity.volume", on) == (Decimal(volume), RateUnit.KWH)


@pytest.mark.parametrize("key", ["capacity.flat/1", "capacity.flat/4", "capacity.volume", "oze", "cogeneration"])
@pytest.mark.parametrize("day", [date(2020, 12, 31), date(2027, 1, 1)])
def test_law_1_2_years_without_published_rates_are_refused(key, day):
    with pytest.raises(MissingRateError, match=f"statutory/{key}"):
        BOOK.rates.on(f"statutory/{key}", day)


@pytest.mark.parametrize("year", sorted(STATUTORY))
def test_law_2_5_statutory_rates(year):
    oze, cogeneration, quality = STATUTORY[year]
    for month, day in EDGES:
        on = date(year, month, day)
        assert rate("statutory/oze", on) == (Decimal(oze), RateUnit.MWH)
        assert rate("statutory/cogeneration", on) == (Decimal(cogeneration), RateUnit.MWH)
        if quality is None:
            with pytest.raises(MissingRateError):
                BOOK.rates.on("statutory/quality/CG", on)
        elif on < date(2026, 2, 1):
            assert rate("statutory/quality/CG", on) == (Decimal(quality), RateUnit.KWH)
        excise = "4.60" if year == 2022 else "5.00"
        assert rate("statutory/excise", on) == (Decimal(excise), RateUnit.MWH)


def test_law_2_5_transition_fee():
    for year in range(2021, 2026):
        for month, day in EDGES:
            on = date(year, month, day)
            rules = BOOK.transition_rules(on)
            bounds = [(row.below_wh, row.inclusive) for row in rules.classes]
            assert bounds == [(500_000, False), (1_200_000, True), (None, False)]
            for number, value in {"1": "0.02", "2": "0.10", "3": "0.33"}.items():
                assert rate(f"statutory/transition/G/{number}", on) == (Decimal(value), RateUnit.MONTH)
            for letter, value in {"A": "0.22", "B": "0.19", "C": "0.08"}.items():
                assert rate(f"statutory/transition/{letter}", on) == (Decimal(value), RateUnit.KW_MONTH)
    assert BOOK.transition_rules(date(2026, 1, 1)) is None
    with pytest.raises(MissingRateError):
        BOOK.rates.on("statutory/transition/C", date(2026, 1, 1))


def test_law_2_5_vat():
    changes = {
        date(2021, 1, 1): 23, date(2021, 12, 31): 23, date(2022, 1, 1): 8, date(2022, 1, 31): 8,
        date(2022, 2, 1): 5, date(2022, 12, 31): 5, date(2023, 1, 1): 23, date(2026, 11, 21): 23,
    }  # fmt: skip
    assert {day: BOOK.vat_percent(day) for day in changes} == changes


ENEA_GROSS = {
    "G11/all": "0.6187",
    "G12/day": "0.7170",
    "G12/night": "0.4205",
    "G12w/peak": "0.8079",
    "G12w/offpeak": "0.4323",
}


@pytest.mark.parametrize(("product", "gross"), ENEA_GROSS.items())
def test_law_2_4_energy_of_enea_with_excise_and_vat(product, gross):
    group, zone = product.split("/")
    net, per = rate(f"offers/enea/{group}/energy/{zone}", date(2026, 6, 1))
    assert per is RateUnit.KWH
    assert round((net + Decimal("0.005")) * Decimal("1.23"), 4) == Decimal(gross)


def test_law_1_1_and_1_2_flat_regime_classes_and_suspension():
    rules = BOOK.capacity
    assert rules.flat_regime_on(date(2021, 1, 1)).power_limit_w == 16_000
    assert rules.flat_regime_on(date(2027, 12, 31)).power_limit_w == 16_000
    assert rules.flat_regime_on(date(2028, 1, 1)) is None
    classes = rules.flat_classes_on(date(2026, 6, 1)).classes
    assert [(row.name, row.below_wh, row.inclusive) for row in classes] == [
        ("1", 500_000, False), ("2", 1_200_000, True), ("3", 2_800_000, True), ("4", None, False),
    ]  # fmt: skip
    free = {day: rules.suspension_on(day) is not None for day in (
        date(2024, 6, 30), date(2024, 7, 1), date(2025, 6, 30), date(2025, 7, 1),
    )}  # fmt: skip
    assert list(free.values()) == [False, True, True, False]


def test_law_1_4_groups_and_qualification_periods():
    groups = BOOK.capacity.coefficients_on(date(2026, 6, 1)).groups
    assert [(row.name, row.below_percent, row.coefficient_e2) for row in groups] == [
        ("K1", 5, 17), ("K2", 10, 50), ("K3", 15, 83), ("K4", None, 100),
    ]  # fmt: skip
    assert BOOK.capacity.coefficients_on(date(2021, 10, 1)).zero_resolution_wh == 1_000
    periods = {
        date(2021, 1, 1): "none", date(2021, 9, 30): "none", date(2021, 10, 1): "month", date(2022, 12, 31): "month",
        date(2023, 1, 1): "decade", date(2024, 12, 31): "decade", date(2025, 1, 1): "day", date(2026, 12, 31): "day",
    }  # fmt: skip
    assert {day: BOOK.capacity.qualification_on(day).period.value for day in periods} == periods


# 1.3: working days by month, and 15 selected hours in each.
WORKING_DAYS = {
    2021: (19, 20, 23, 21, 20, 21, 22, 22, 22, 21, 20, 23, 254),
    2022: (20, 20, 23, 20, 21, 21, 21, 22, 22, 21, 20, 21, 252),
    2023: (21, 20, 23, 19, 21, 21, 21, 22, 21, 22, 21, 19, 251),
    2024: (22, 21, 21, 21, 20, 20, 23, 21, 21, 23, 19, 20, 252),
    2025: (21, 20, 21, 21, 21, 20, 23, 20, 22, 23, 19, 20, 251),
    2026: (20, 20, 22, 21, 20, 21, 23, 21, 22, 22, 20, 21, 253),
    2027: (19, 20, 22, 22, 19, 22, 22, 22, 22, 21, 20, 22, 253),
}


@pytest.mark.parametrize("year", sorted(WORKING_DAYS))
def test_law_1_3_working_days(year):
    counts = [0] * 12
    day = date(year, 1, 1)
    while day.year == year:
        counts[day.month - 1] += is_working_day(day)
        day += timedelta(days=1)
    assert (*counts, sum(counts)) == WORKING_DAYS[year]


@pytest.mark.parametrize("year", range(2021, 2027))
def test_law_1_3_selected_hours(year):
    grid = grid_of_days(date(year, 1, 1), date(year + 1, 1, 1), slot_s=HOUR_S)
    kinds = capacity_slots(BOOK.capacity, grid)
    zone = ZoneInfo("Europe/Warsaw")
    selected = [datetime.fromtimestamp(int(s), tz=zone).hour for s in grid.start_epoch_s[kinds == SELECTED]]
    days = WORKING_DAYS[year][-1]
    assert len(selected) == 15 * days
    assert set(selected) == set(range(7, 22))
    assert int((kinds == OTHER).sum()) == 9 * days


# 2.3, zone clocks. Each row: months -> hours of a working day, hours of a Saturday, Sunday or holiday ("" = the same).
NAMES = {
    "M": "morning_peak", "A": "afternoon_peak", "o": "other", "d": "day", "n": "night", "P": "peak", "f": "offpeak",
    "R": "recommended", "L": "limit",
}  # fmt: skip
ALL_YEAR = range(1, 13)
WINTER, SUMMER = (10, 11, 12, 1, 2, 3), range(4, 10)
THREE_ZONES = {(*SUMMER,): ("o7 M6 o6 A3 o2", "o24"), WINTER: ("o7 M6 o3 A5 o3", "o24")}
EIGHT_TO_ELEVEN = {
    (1, 2, 11, 12): ("f8 P3 f5 P5 f3", ""),
    (3, 10): ("f8 P3 f7 P3 f3", ""),
    (4, 9): ("f8 P3 f8 P2 f3", ""),
    (5, 6, 7, 8): ("f8 P3 f9 P1 f3", ""),
}
WORKDAY = {(*ALL_YEAR,): ("f6 P15 f3", "f24")}
TEN_HOURS = {(*ALL_YEAR,): ("n6 d7 n2 d7 n2", "")}
SEASON = {(3, 4, 5, 6, 7, 8, 9): ("o9 R8 o7", ""), (10, 11, 12, 1, 2): ("R6 o16 R2", "")}
ACTIVE = {
    (1,): ("R6 o1 L3 o5 L5 o3 R1", ""),
    (2,): ("R6 o1 L2 o7 L5 o2 R1", ""),
    (3,): ("o6 L3 o1 R6 L7 o1", ""),
    (4,): ("o6 L3 o1 R6 o2 L5 o1", ""),
    (5, 6, 7, 8): ("o6 L3 R8 o1 L5 o1", ""),
    (9,): ("o6 L3 o1 R6 o1 L6 o1", ""),
    (10,): ("o7 L2 o1 R6 L7 o1", ""),
    (11,): ("R6 o1 L2 o5 L7 o2 R1", ""),
    (12,): ("R6 o1 L3 o3 L7 o3 R1", ""),
}
CLOCKS = {
    "A23": THREE_ZONES, "B23": THREE_ZONES,
    "B12": {(*ALL_YEAR,): ("n7 d15 n2", "")},
    "B22": EIGHT_TO_ELEVEN, "C22a": EIGHT_TO_ELEVEN,
    "C22b": {(*ALL_YEAR,): ("n6 d15 n3", "")},
    "C22w": WORKDAY, "G12w": WORKDAY,
    "C12a": {(*SUMMER,): ("f8 P3 f9 P1 f3", ""), WINTER: ("f8 P3 f6 P4 f3", "")},
    "C12b": TEN_HOURS, "G12": TEN_HOURS,
    "G12as": {(*ALL_YEAR,): ("n6 d16 n2", "")},
    "A22sezON": SEASON, "B22sezON": SEASON, "B12sezON": SEASON, "C22sezON": SEASON, "C12sezON": SEASON,
    "G12sezON": {WINTER: ("R6 o5 R2 o9 R2", ""), (*SUMMER,): ("o4 R2 o3 R8 o7", "")},
    "B23active": ACTIVE, "C23active": ACTIVE, "C13active": ACTIVE, "G13active": ACTIVE,
}  # fmt: skip
# Statutory days off of 2026; Easter is on 5 April.
OFF_2026 = {
    date(2026, month, day)
    for month, day in (
        (1, 1), (1, 6), (4, 5), (4, 6), (5, 1), (5, 3), (5, 24), (6, 4), (8, 15), (11, 1), (11, 11), (12, 24),
        (12, 25), (12, 26),
    )
}  # fmt: skip
# A working day, a Saturday and a holiday of every month (a Sunday where a month has no holiday), and the two changes.
DAYS = [
    date(2026, month, day)
    for month, days in {
        1: (7, 10, 6), 2: (3, 14, 15), 3: (5, 7, 29), 4: (7, 11, 6), 5: (6, 9, 1), 6: (3, 6, 4), 7: (1, 4, 5),
        8: (14, 22, 15), 9: (30, 5, 6), 10: (1, 31, 25), 11: (10, 7, 11), 12: (23, 12, 24),
    }.items()
    for day in days
]  # fmt: skip
CHANGES = (date(2026, 3, 28), date(2026, 3, 30), date(2026, 10, 24), date(2026, 10, 26))


def hours_of(text):
    hours = "".join(run[0] * int(run[1:]) for run in text.split())
    assert len(hours) == 24
    return hours


def expected_zones(group, day, *, slot_s, fixed):
    """The zones of a local day's slots by the typed table; on winter time all year where the clock is fixed."""
    warsaw = ZoneInfo("Europe/Warsaw")
    instant = datetime(day.year, day.month, day.day, tzinfo=warsaw).astimezone(UTC)
    end = datetime.combine(day + timedelta(days=1), datetime.min.time(), tzinfo=warsaw).astimezone(UTC)
    zones = []
    while instant < end:
        seen = instant + timedelta(hours=1) if fixed else instant.astimezone(warsaw)
        off = seen.weekday() > 4 or seen.date() in OFF_2026
        working, free = next(row for months, row in CLOCKS[group].items() if seen.month in months)
        zones.append(NAMES[hours_of(free if off and free else working)[seen.hour]])
        instant += timedelta(seconds=slot_s)
    return zones


@pytest.mark.parametrize("fixed", [False, True], ids=["local", "cet_fixed"])
@pytest.mark.parametrize("group", sorted(CLOCKS))
def test_law_2_3_zone_clocks_hour_by_hour(group, fixed):
    for day in (*DAYS, *CHANGES):
        clock = BOOK.clock(operator="enea", group=group, variant="", day=day)
        for slot_s in (HOUR_S, QUARTER_S):
            grid = grid_of_days(day, day + timedelta(days=1), slot_s=slot_s)
            numbers = zone_of_slots(clock, grid, Clock.CET_FIXED if fixed else Clock.LOCAL)
            found = [clock.zones[number] for number in numbers]
            assert found == expected_zones(group, day, slot_s=slot_s, fixed=fixed), day
    assert {length(day) for day in DAYS} == {23, 24, 25}


def length(day):
    return grid_of_days(day, day + timedelta(days=1), slot_s=HOUR_S).slots


def test_law_2_3_every_group_has_its_clock_and_no_other():
    day = date(2026, 5, 6)
    with_clock = {
        group.group for group in BOOK.groups if BOOK.clock(operator="enea", group=group.group, variant="", day=day)
    }
    assert with_clock == set(CLOCKS)
    for group, (_, (_, zones)) in NETWORK.items():
        clock = BOOK.clock(operator="enea", group=group, variant="", day=day)
        assert {zone for zone in zones if not zone.endswith(".above")} == set(clock.zones if clock else ("all",))


def test_the_days_looked_at_are_of_three_kinds():
    for month in range(1, 13):
        working, saturday, off = (day for day in DAYS if day.month == month)
        assert working.weekday() < 5
        assert working not in OFF_2026
        assert saturday.weekday() == 5
        assert off in OFF_2026 or off.weekday() == 6
