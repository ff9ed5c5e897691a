"""`ogniwo price` as a stranger would test it: every group, profiles, boundaries and wrong input against own decimals.

The amounts are computed here from the tables typed in test_law_tables.py (never from the packaged files), slot by slot.
"""

import json
import runpy
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import pytest
from click.testing import CliRunner

from ogniwo.core.tariffs.model import Phases, PointTerms
from ogniwo.core.tariffs.usage import RegisterUsage
from ogniwo.interfaces.cli.price import price_command
from ogniwo.services.tariffs.queries import load_rate_book, price

LAW = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("test_law_tables.py"))))
WARSAW = ZoneInfo("Europe/Warsaw")
POINT = "590310600000000019"
VARIANTS = {"low_fixed": 0, "high_fixed": 1}
D = Decimal


def grosz(value):
    """Half up to 0.01 zł from an exact fraction or decimal."""
    exact = Fraction(value) * 100
    return D((2 * exact.numerator + exact.denominator) // (2 * exact.denominator)) / 100


def run(*arguments):
    result = CliRunner().invoke(price_command, [str(argument) for argument in arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def document(*arguments, code=0):
    result = run(*arguments, "--json")
    assert result.exit_code == code, result.stderr
    return json.loads(result.stdout)


def lines_of(found):
    """(charge, zone) -> net; the lines of one rating must not repeat a pair inside one month."""
    lines = [(line["charge"], line["zone"]) for line in found["lines"]]
    assert len(set(lines)) == len(lines)
    return {(line["charge"], line["zone"]): D(line["net"]["amount"]) for line in found["lines"]}


def agrees(found, expected):
    assert lines_of(found) == expected
    net = sum(expected.values(), D(0))
    vat = grosz(Fraction(net) * Fraction(23, 100))
    assert [row["rate_percent"] for row in found["vat"]] == [23]
    assert (D(found["net"]["amount"]), D(found["vat"][0]["vat"]["amount"])) == (net, vat)
    assert D(found["gross"]["amount"]) == net + vat


def tenth_of_mwh(per):
    return Fraction(1, 1_000) if per == LAW.MWH else Fraction(1)


def network(group, zone_wh, *, power_kw=0, phases=1, variant="", last_year_kwh=None):
    """The network lines of a full month of 2026."""
    (unit, *fixed), (per, rates) = LAW.NETWORK[group]
    chosen = fixed[{1: 0, 3: 1}[phases]] if group[0] == "G" else fixed[VARIANTS.get(variant, 0)]
    size = {LAW.MW: Fraction(power_kw) / 1_000, LAW.KW: Fraction(power_kw), LAW.MONTH: 1}[unit]
    lines = {("network.fixed", ""): grosz(Fraction(chosen) * size)}
    limit = {"C11pewna": 900, "G11pewna": 250, "G12as": last_year_kwh}.get(group)
    for zone, wh in zone_wh.items():
        rate = rates[zone] if isinstance(rates[zone], str) else rates[zone][VARIANTS[variant]]
        quantity, above = Fraction(wh, 1_000), Fraction(0)
        if f"{zone}.above" in rates:
            quantity, above = min(quantity, Fraction(limit)), max(quantity - limit, Fraction(0))
            if above:
                lines["network.variable", f"{zone}.above"] = grosz(above * Fraction(rates[f"{zone}.above"]))
        lines["network.variable", zone] = grosz(quantity * Fraction(rate) * tenth_of_mwh(per))
    return lines


def levies(group, wh, month, *, subscription="1"):
    kwh = Fraction(wh, 1_000)
    quality = "0.03306" if group[0] in "AB" else "0.0331" if month == "2026-01" else "0.0332"
    small = group[0] == "G" or group.startswith("C1")
    months = LAW.SUBSCRIPTION[subscription] if small else "10.00" if group[0] == "C" else "14.59"
    return {
        ("quality", ""): grosz(kwh * Fraction(quality)),
        ("oze", ""): grosz(kwh * Fraction("0.0073")),
        ("cogeneration", ""): grosz(kwh * Fraction("0.0030")),
        ("subscription", ""): D(months),
    }


def flat(yearly_kwh):
    classes = LAW.CAPACITY[2026][0]
    number = (
        1 if yearly_kwh is None or yearly_kwh < 500 else 2 if yearly_kwh <= 1200 else 3 if yearly_kwh <= 2800 else 4
    )
    return {("capacity.flat", str(number)): D(classes[number - 1])}


# --- every group by zones -------------------------------------------------------------------------------------------

GROUP_ARGUMENTS = {
    "A": ("--power", "2500kW"), "B": ("--power", "437.5kW"), "C2": ("--power", "61kW"), "C1": ("--power", "40kW"),
    "G": ("--phases", "3ph", "--yearly-use", "1200kWh"),
}  # fmt: skip
POWER_KW = {"A": 2500, "B": Fraction("437.5"), "C2": 61, "C1": 40, "G": 0}


def kind(group):
    return group[0] if group[0] in "ABG" else group[:2]


@pytest.mark.parametrize("month", ["2026-01", "2026-02", "2026-10"])
@pytest.mark.parametrize("group", sorted(LAW.NETWORK))
def test_every_group_by_zones(group, month):
    zones = [zone for zone in LAW.NETWORK[group][1][1] if not zone.endswith(".above")]
    zone_wh = {zone: 1_234_567 + 345_679 * index for index, zone in enumerate(zones)}
    text = ",".join(f"{zone}={D(wh) / 1000}kWh" for zone, wh in zone_wh.items())
    arguments = ["--group", group, "--month", month, "--zone", text, *GROUP_ARGUMENTS[kind(group)]]
    variant = (
        "high_fixed" if group.endswith("em") and month == "2026-10" else "low_fixed" if group.endswith("em") else ""
    )
    if variant:
        arguments += ["--variant", variant]
    if group == "G12as":
        arguments += ["--last-year-zone", "1000kWh"]
    expected = {
        **network(group, zone_wh, power_kw=POWER_KW[kind(group)], phases=3, variant=variant, last_year_kwh=1000),
        **levies(group, sum(zone_wh.values()), month),
        **(flat(1200) if group[0] == "G" else {}),
    }
    left_out = [] if group[0] == "G" else ["capacity"]
    if group[0] == "A" or group.startswith(("B2", "C2")):
        left_out.append("power.exceedance")
    found = document(*arguments, code=3 if left_out else 0)
    agrees(found, expected)
    assert [row["charge"] for row in found["left_out"]] == left_out
    assert found["zones_wh"] == zone_wh


@pytest.mark.parametrize(("months", "value"), [("1", "3.84"), ("2", "1.92"), ("6", "0.64"), ("12", "0.32")])
@pytest.mark.parametrize("group", ["G11", "C11"])
def test_subscription_by_billing_months(group, months, value):
    found = document(
        "--group", group, "--power", "10kW", "--month", "2026-03", "--energy", "1MWh", "--billing-months", months
    )
    assert lines_of(found)["subscription", ""] == D(value)


@pytest.mark.parametrize("yearly", [0, 499.999, 500, 1200, 1200.001, 2800, 2800.001, 90000])
def test_flat_capacity_class_of_a_household(yearly):
    found = document("--group", "G11", "--month", "2026-05", "--energy", "100kWh", "--yearly-use", f"{yearly}kWh")
    expected = flat(D(str(yearly)))
    assert {key: net for key, net in lines_of(found).items() if key[0].startswith("capacity")} == expected
    assert found["capacity"]["class"] == next(iter(expected))[1]


@pytest.mark.parametrize(
    ("arguments", "regime"),
    [
        (("--group", "C11", "--power", "16kW"), "flat"),
        (("--group", "C11", "--power", "16.001kW"), None),
        (("--group", "C11", "--power", "40kW", "--household"), "flat"),
        (("--group", "C21", "--power", "12kW", "--maximum-power", "1kW"), "flat"),
        (("--group", "G11", "--voltage", "MV"), None),
        (("--group", "B11", "--power", "12kW"), None),
    ],
)
def test_flat_or_by_volume(arguments, regime):
    found = document(*arguments, "--month", "2026-05", "--energy", "100kWh", code=0 if regime else 3)
    assert found["capacity"]["regimes"] == ([regime] if regime else [])
    assert [row["charge"] for row in found["left_out"]] == ([] if regime else ["capacity"])


def test_a_prepaid_household_pays_the_prepaid_subscription():
    found = document(
        "--group", "G11", "--month", "2026-05", "--energy", "100kWh", "--prepaid", "--billing-months", "12"
    )
    assert lines_of(found)["subscription", ""] == D("0.16")


@pytest.mark.parametrize(("zones", "expected"), [
    ("day=100kWh,night=200kWh", {"day": "58.29", "night": "68.38"}),  # (0.5779 + 0.005) x 100, (0.3369 + 0.005) x 200
    ("day=0kWh,night=1Wh", {"day": "0.00", "night": "0.00"}),
])  # fmt: skip
def test_energy_of_the_seller_with_excise(zones, expected):
    found = document("--group", "G12", "--month", "2026-05", "--zone", zones, "--offer", "enea")
    assert {zone: net for (charge, zone), net in lines_of(found).items() if charge == "energy"} == {
        zone: D(net) for zone, net in expected.items()
    }


# --- profiles -------------------------------------------------------------------------------------------------------


def instants(month, slot_s):
    """The UTC starts of a month's slots, by local midnights."""
    year, number = int(month[:4]), int(month[5:])
    end = datetime(year + number // 12, number % 12 + 1, 1, tzinfo=WARSAW).astimezone(UTC)
    moment = datetime(year, number, 1, tzinfo=WARSAW).astimezone(UTC)
    while moment < end:
        yield moment
        moment += timedelta(seconds=slot_s)


def write_profile(path, month, wh_of, *, slot_s=900, mark=",", labels="local", channel="1.29.0", unit="kWh"):
    """A file of our form; returns the slots as (UTC start, Wh)."""
    slots = [(moment, wh_of(index, moment.astimezone(WARSAW))) for index, moment in enumerate(instants(month, slot_s))]
    rows = ["PPE;OBIS;Początek;Wartość;Jednostka;Status"]
    for moment, wh in slots:
        local = moment.astimezone(WARSAW)
        label = local.strftime("%Y-%m-%d %H:%M") if labels == "local" else local.isoformat()
        value = f"{wh // 1000}{mark}{wh % 1000:03d}" if unit.startswith("k") else str(wh)
        rows.append(f"{POINT};{channel};{label};{value};{unit};pomiar")
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return slots


def off_day(day):
    return day.weekday() > 4 or (day.year == 2026 and day in LAW.OFF_2026)


def zones_of(group, slots, *, fixed=False):
    if group not in LAW.CLOCKS:
        return {"all": sum(wh for _, wh in slots)}
    zones = [zone for zone in LAW.NETWORK[group][1][1] if not zone.endswith(".above")]
    totals = dict.fromkeys(zones, 0)
    for moment, wh in slots:
        seen = moment + timedelta(hours=1) if fixed else moment.astimezone(WARSAW)
        working, free = next(row for months, row in LAW.CLOCKS[group].items() if seen.month in months)
        pattern = free if free and off_day(seen.date()) else working
        totals[LAW.NAMES[LAW.hours_of(pattern)[seen.hour]]] += wh
    return totals


def group_and_share(selected, other, selected_hours, other_hours):
    if (other + 500) // 1000 == 0:
        return "K4", Fraction(1)
    difference = Fraction(selected, selected_hours) / Fraction(other, other_hours) - 1
    for name, bound, share in (("K1", 5, "0.17"), ("K2", 10, "0.50"), ("K3", 15, "0.83")):
        if difference * 100 < bound:
            return name, Fraction(share)
    return "K4", Fraction(1)


def capacity(slots, som, *, period="day"):
    """The lines of the fee by volume."""
    periods = {}
    for moment, wh in slots:
        local = moment.astimezone(WARSAW)
        if off_day(local.date()):
            continue
        key = {"day": local.day, "decade": min((local.day - 1) // 10, 2), "month": 0, "none": 0}[period]
        row = periods.setdefault(key, {"days": set(), True: 0, False: 0})
        row["days"].add(local.day)
        row[7 <= local.hour < 22] += wh
    sums, shares = {}, {}
    for row in periods.values():
        days = len(row["days"])
        name, share = group_and_share(row[True], row[False], 15 * days, 9 * days)
        if period == "none":
            name, share = "", Fraction(1)
        sums[name] = sums.get(name, 0) + row[True]
        shares[name] = share
    return {
        ("capacity.volume", name): grosz(Fraction(wh, 1_000) * Fraction(som) * shares[name])
        for name, wh in sums.items()
        if wh
    }


def exceedance(slots, group, power_kw, slot_s):
    """Ten largest hourly surpluses of the largest mean power of each hour."""
    hours = {}
    for moment, wh in slots:
        hour = moment.replace(minute=0)
        hours[hour] = max(hours.get(hour, 0), wh * (3600 // slot_s))
    largest = sorted((w - power_kw * 1000 for w in hours.values() if w > power_kw * 1000), reverse=True)[:10]
    if not largest:
        return {}
    (unit, rate), _ = LAW.NETWORK[group]
    size = Fraction(sum(largest)) / (1_000_000 if unit == LAW.MW else 1_000)
    return {("power.exceedance", ""): grosz(size * Fraction(rate))}


def uneven(scale):
    """Loads that differ by slot, hour and day, so that no two errors cancel out."""
    return lambda index, local: (
        scale + (index * 7919) % 4973 * scale // 10_000 + (scale // 20 if 7 <= local.hour < 22 else 0) * (local.day % 5)
    )


PROFILES = [
    ("B23", 400, "2026-03", 900, ",", "local", 80_000), ("B23", 400, "2026-10", 900, ".", "offset", 80_000),
    ("B22", 380, "2026-10", 3600, ",", "local", 320_000), ("A23", 2400, "2026-01", 900, ",", "offset", 480_000),
    ("A21", 2400, "2026-02", 3600, ".", "local", 1_900_000), ("B11", 40, "2026-03", 900, ",", "local", 9_000),
    ("B12", 40, "2026-10", 3600, ",", "offset", 33_000), ("C21", 60, "2026-03", 900, ".", "local", 12_000),
    ("C21", 60, "2026-10", 3600, ",", "offset", 48_000), ("C22a", 60, "2026-11", 900, ",", "local", 12_000),
    ("C22b", 60, "2026-12", 900, ",", "local", 12_000), ("C22w", 60, "2026-05", 3600, ".", "offset", 48_000),
    ("C12a", 30, "2026-04", 900, ",", "local", 6_000), ("C12b", 30, "2026-09", 3600, ",", "local", 24_000),
    ("C23active", 60, "2026-03", 900, ",", "offset", 12_000), ("B23active", 400, "2026-10", 900, ",", "local", 80_000),
    ("B22sezON", 400, "2026-02", 3600, ",", "local", 320_000), ("C22sezON", 60, "2026-10", 900, ".", "offset", 12_000),
]  # fmt: skip


@pytest.mark.parametrize(("group", "power_kw", "month", "slot_s", "mark", "labels", "scale"), PROFILES)
def test_profiles(tmp_path, group, power_kw, month, slot_s, mark, labels, scale):
    path = tmp_path / "profile.csv"
    slots = write_profile(path, month, uneven(scale), slot_s=slot_s, mark=mark, labels=labels)
    zone_wh = zones_of(group, slots)
    controlled = group[0] == "A" or group.startswith(("B2", "C2"))
    expected = {
        **network(group, zone_wh, power_kw=power_kw),
        **levies(group, sum(zone_wh.values()), month),
        **capacity(slots, "0.2194"),
        **(exceedance(slots, group, power_kw, slot_s) if controlled else {}),
    }
    found = document("--group", group, "--power", f"{power_kw}kW", "--month", month, "--profile", path)
    agrees(found, expected)
    assert found["zones_wh"] == zone_wh
    assert controlled == (("power.exceedance", "") in expected)
    assert len({zone for charge, zone in expected if charge == "capacity.volume"}) > 1


@pytest.mark.parametrize("group", ["G12w", "G12", "G12as", "G12sezON", "G13active"])
@pytest.mark.parametrize("month", ["2026-03", "2026-10"])
@pytest.mark.parametrize("clock", ["local", "cet_fixed"])
def test_household_profiles_on_both_clocks(tmp_path, group, month, clock):
    path = tmp_path / "profile.csv"
    slots = write_profile(path, month, uneven(310), slot_s=3600)
    zone_wh = zones_of(group, slots, fixed=clock == "cet_fixed")
    found = document(
        "--group", group, "--month", month, "--profile", path, "--clock", clock, "--last-year-zone", "50kWh",
        "--yearly-use", "4000kWh",
    )  # fmt: skip
    assert found["zones_wh"] == zone_wh
    agrees(
        found,
        {**network(group, zone_wh, last_year_kwh=50), **levies(group, sum(zone_wh.values()), month), **flat(4000)},
    )


def test_both_forms_of_labels_and_decimals_give_the_same_document(tmp_path):
    documents = []
    for mark, labels in ((",", "local"), (".", "offset")):
        path = tmp_path / "profile.csv"
        write_profile(path, "2026-10", uneven(12_000), mark=mark, labels=labels)
        documents.append(document("--group", "C21", "--power", "60kW", "--month", "2026-10", "--profile", path))
    assert documents[0] == documents[1]


@pytest.mark.parametrize(
    ("selected", "other", "name"),
    [
        (104_999, 100_000, "K1"), (105_000, 100_000, "K2"), (109_999, 100_000, "K2"), (110_000, 100_000, "K3"),
        (114_999, 100_000, "K3"), (115_000, 100_000, "K4"), (80_000, 100_000, "K1"), (10_000, 0, "K4"),
        (40, 55, "K4"),  # 9 hours of 55 Wh are 495 Wh: 0.000 MWh
        (40, 56, "K1"),  # 504 Wh are 0.001 MWh
        (1, 1, "K4"),
    ],
)  # fmt: skip
def test_capacity_groups_at_their_bounds(tmp_path, selected, other, name):
    path = tmp_path / "profile.csv"
    slots = write_profile(path, "2026-03", lambda _, local: selected if 7 <= local.hour < 22 else other, slot_s=3600)
    found = document("--group", "C21", "--power", "500kW", "--month", "2026-03", "--profile", path)
    expected = capacity(slots, "0.2194")
    assert list(expected) == [("capacity.volume", name)]
    assert {key: net for key, net in lines_of(found).items() if key[0] == "capacity.volume"} == expected
    assert found["capacity"]["groups_wh"] == {name: 22 * 15 * selected}
    first = found["capacity"]["periods"][0]
    assert len(found["capacity"]["periods"]) == 22
    assert first == {
        "first": "2026-03-02", "last_exclusive": "2026-03-03", "selected_wh": 15 * selected, "other_wh": 9 * other,
        "selected_hours": 15, "other_hours": 9, "group": name,
    }  # fmt: skip


def test_law_1_5_one_working_day_in_a_month(tmp_path):
    """1.B and 1.D: the only energy of the month is that of one working day."""
    for high, expected in ((105, "172.78"), (115, "378.47")):
        path = tmp_path / "profile.csv"
        write_profile(
            path, "2026-03",
            lambda _, local, high=high: (high if 7 <= local.hour < 22 else 100) * 1000 if local.day == 4 else 0,
            slot_s=3600,
        )  # fmt: skip
        found = document("--group", "C21", "--power", "500kW", "--month", "2026-03", "--profile", path)
        assert sum(net for (charge, _), net in lines_of(found).items() if charge == "capacity.volume") == D(expected)


@pytest.mark.parametrize("slot_s", [900, 3600])
@pytest.mark.parametrize("count", [0, 1, 9, 10, 11])
def test_ten_surpluses_of_the_month(tmp_path, slot_s, count):
    """Hours above 60 kW in different sizes; with quarter-hours only one of the four is above."""
    path = tmp_path / "profile.csv"

    def load(_, local):
        above = local.hour == 10 and local.day <= count and local.minute == 0
        return (60_000 + local.day * 300 if above else 60_000) * slot_s // 3600

    slots = write_profile(path, "2026-05", load, slot_s=slot_s)
    found = document("--group", "C21", "--power", "60kW", "--month", "2026-05", "--profile", path)
    expected = exceedance(slots, "C21", 60, slot_s)
    assert {key: net for key, net in lines_of(found).items() if key[0] == "power.exceedance"} == expected
    days = range(max(count - 9, 1), count + 1)
    assert found["surpluses_w"] == [300 * day for day in reversed(days)]
    assert found["surplus_hours"] == [f"2026-05-{day:02d}T08:00:00Z" for day in reversed(days)]


def test_a_meter_without_intervals_pays_ten_times_the_largest_surplus():
    found = document("--group", "B21", "--power", "500kW", "--month", "2026-05", "--energy", "1MWh", "--maximum-power",
                     "530kW", code=3)  # fmt: skip
    assert lines_of(found)["power.exceedance", ""] == D("7834.80")  # 10 x 30 kW x 26.116
    assert [row["charge"] for row in found["left_out"]] == ["capacity"]


# --- reactive energy ------------------------------------------------------------------------------------------------

OWN_PRICE = """
rates = [
  { key = "enea/reactive.price", value = "500", per = "MWh", valid_from = 2026-01-01, checked_on = 2026-11-21, confidence = "own", source = "own" },
]
"""  # noqa: E501 -- one row of the file


@pytest.fixture
def reactive(tmp_path):
    def make(q1_varh, q4_varh=0, active_wh=10_000):
        values = {"1.29.0": active_wh, "5.29.0": q1_varh, "8.29.0": q4_varh}
        arguments = []
        for channel, value in values.items():
            path = tmp_path / f"{channel}.csv"
            unit = "kWh" if channel == "1.29.0" else "kvarh"
            write_profile(path, "2026-05", lambda _i, _l, value=value: value, slot_s=3600, channel=channel, unit=unit)
            arguments += ["--profile", path]
        rates = tmp_path / "own.toml"
        rates.write_text(OWN_PRICE)
        return [*arguments, "--rates", rates]

    return make


@pytest.mark.parametrize(
    ("group", "factor", "q1", "q4", "active"),
    [
        ("C21", 3, 6_000, 500, 10_000), ("B23", 1, 9_000, 0, 10_000), ("A21", "0.5", 5_000, 1, 10_000),
        ("C21", 3, 4_000, 0, 10_000), ("C21", 3, 4_001, 0, 10_000), ("C21", 3, 300, 700, 0), ("C21", 3, 0, 700, 0),
    ],
)  # fmt: skip
def test_reactive_energy(reactive, group, factor, q1, q4, active):
    hours = 31 * 24
    price_of_varh = D("0.0005") * D(str(factor))
    if active == 0:
        inductive = D(q1 * hours) * price_of_varh
    else:
        tangent = D(q1) / D(active)
        root = ((1 + tangent**2) / (1 + D("0.16"))).sqrt() - 1
        inductive = max(root, D(0)) * D(active * hours) * price_of_varh
    found = document(
        "--group", group, "--power", "3000kW", "--month", "2026-05", "--reactive", *reactive(q1, q4, active)
    )
    nets = lines_of(found)
    assert nets["reactive.inductive", "all"] == inductive.quantize(D("0.01"), ROUND_HALF_UP)
    expected = (D(q4 * hours) * price_of_varh).quantize(D("0.01"), ROUND_HALF_UP)
    assert nets.get(("reactive.capacitive", "all"), D(0)) == expected
    for line in found["lines"]:
        if line["charge"] == "reactive.capacitive":
            assert (line["unit"], line["quantity"], line["rate"]["per"]) == ("varh", q4 * hours, "kvarh")


def test_reactive_energy_without_its_price_is_refused_and_named(reactive):
    result = run("--group", "C21", "--power", "60kW", "--month", "2026-05", "--reactive", *reactive(6_000, 500)[:6])
    assert result.exit_code == 4
    assert "no rate enea/reactive.price is known for 2026-05-01" in result.stderr


def test_reactive_energy_of_one_quadrant_is_not_taken_for_both(reactive):
    result = run("--group", "C21", "--power", "60kW", "--month", "2026-05", "--reactive", *reactive(6_000, 500)[:4])
    assert result.exit_code == 4
    assert "8.29.0" in result.stderr
    ignored = document("--group", "C21", "--power", "60kW", "--month", "2026-05", *reactive(6_000, 500)[:4])
    assert not [line for line in ignored["lines"] if line["charge"].startswith("reactive")]


# --- years before 2026: what is known is charged, what is not is named ----------------------------------------------

PAST = """
operator = "enea"
defaults.valid_from = 2021-01-01
defaults.valid_to = 2026-01-01
defaults.checked_on = 2026-11-21
defaults.confidence = "own"
defaults.source = "own"
groups = [
  { names = ["C21"], letter = "C", voltage = "LV", fixed = "power", exceedance = false, billing_months = [1], subscription = "enea/subscription/C2", quality = "statutory/quality/CG", quality_special = "enea/quality/special" },
  { names = ["G11"], letter = "G", voltage = "", fixed = "phases", exceedance = false, billing_months = [1], subscription = "enea/subscription/C1G", quality = "statutory/quality/CG", quality_special = "enea/quality/special", household = true },
]
"""  # noqa: E501 -- one row of the file
ONLY_STATUTORY = ("network.variable", "network.fixed", "subscription", "quality", "reactive", "power.exceedance")


def leaving_out(*charges):
    return [word for charge in charges for word in ("--without", charge)]


@pytest.fixture
def past(tmp_path):
    path = tmp_path / "past.toml"
    path.write_text(PAST)
    return ["--rates", path, *leaving_out(*ONLY_STATUTORY)]


@pytest.mark.parametrize(
    ("month", "period", "oze", "cogeneration", "vat"),
    [
        ("2021-03", "none", "2.20", "0", 23),
        ("2021-10", "month", "2.20", "0", 23),
        ("2022-03", "month", "0.90", "4.06", 5),
        ("2023-03", "decade", "0", "4.96", 23),
        ("2024-02", "decade", "0", "6.18", 23),
        ("2025-03", "day", "3.50", "3.00", 23),
    ],
)
def test_statutory_fees_of_past_years(tmp_path, past, month, period, oze, cogeneration, vat):
    path = tmp_path / "profile.csv"
    slots = write_profile(path, month, uneven(40_000), slot_s=3600)
    found = document("--group", "C21", "--power", "60kW", "--month", month, "--profile", path, *past)
    mwh = Fraction(sum(wh for _, wh in slots), 1_000_000)
    year = int(month[:4])
    expected = {
        ("oze", ""): grosz(mwh * Fraction(oze)),
        ("cogeneration", ""): grosz(mwh * Fraction(cogeneration)),
        ("transition", ""): D("4.80"),  # 0.08 x 60 kW
        **capacity(slots, LAW.CAPACITY[year][1], period=period),
    }
    assert lines_of(found) == expected
    net = sum(expected.values())
    assert [(row["rate_percent"], D(row["vat"]["amount"])) for row in found["vat"]] == [
        (vat, grosz(Fraction(net) * vat / 100))
    ]


@pytest.mark.parametrize(
    ("month", "number", "amount"),
    [
        ("2024-06", "3", "10.64"), ("2024-07", "3", "0.00"), ("2025-06", "3", "0.00"), ("2025-07", "3", "11.44"),
        ("2022-05", "3", "9.46"),
    ],
)  # fmt: skip
def test_flat_fee_of_households_and_its_suspension(past, month, number, amount):
    found = document("--group", "G11", "--month", month, "--energy", "100kWh", "--yearly-use", "2800kWh", *past)
    assert lines_of(found)["capacity.flat", number] == D(amount)
    assert lines_of(found)["transition", "3"] == D("0.33")


def test_firms_up_to_16_kw_kept_paying_in_the_suspension(past):
    found = document(
        "--group",
        "C21",
        "--power",
        "16kW",
        "--month",
        "2024-09",
        "--energy",
        "100kWh",
        "--yearly-use",
        "2800kWh",
        *past,
    )
    assert lines_of(found)["capacity.flat", "3"] == D("10.64")


FIRM = "--group C21 --power 60kW --month 2026-03 --energy 1kWh"
REFUSED = {
    "--group C21 --power 60kW --month 2025-03 --energy 1kWh": "tariff group C21 of enea is known for 2025-03-01",
    "--group G11 --month 2021-03 --energy 1kWh": "tariff group G11 of enea is known for 2021-03-01",
    "--group G11 --month 2027-01 --energy 1kWh": "tariff group G11 of enea is known for 2027-01-01",
    "--operator tauron --group G11 --month 2026-03 --energy 1kWh": "tariff group G11 of tauron",
    "--group B12sezON --power 60kW --month 2026-03 --zone recommended=1kWh,other=1kWh": "no rate enea/B12sezON/network",
    "--group G12as --month 2026-03 --zone day=1kWh,night=1kWh": "last year's consumption",
    "--group C21em --power 60kW --month 2026-03 --energy 1kWh": "low_fixed, high_fixed",
    f"{FIRM} --variant low_fixed": "no price sets",
    f"{FIRM} --billing-months 6": "every 1 months, not 6",
    f"{FIRM} --offer enea": "no price list C21",
    f"{FIRM} --clock-variant own": "zone clock own of C21",
    f"{FIRM} --prepaid": "no rate enea/subscription/C2/prepaid",
    "--group C21 --month 2026-03 --energy 1kWh": "needs a contract power",
    "--group G12w --month 2026-03 --energy 1kWh": "zones peak, offpeak",
    "--group G12w --month 2026-03 --zone peak=1kWh": "zones peak, offpeak",
}


@pytest.mark.parametrize(("arguments", "missing"), REFUSED.items(), ids=list(REFUSED))
def test_refusals_name_what_is_missing(arguments, missing):
    result = run(*arguments.split())
    assert (result.exit_code, result.stdout) == (4, "")
    assert missing in result.stderr


def test_known_group_of_a_past_year_refuses_the_first_unknown_rate(past):
    result = run("--group", "C21", "--power", "60kW", "--month", "2023-03", "--energy", "1kWh", *past[:2])
    assert result.exit_code == 4
    assert "no rate enea/C21/network.variable/all is known for 2023-03-01" in result.stderr
    charges = [charge for charge in ONLY_STATUTORY if charge != "quality"]
    arguments = ["--group", "C21", "--power", "60kW", "--month", "2023-03", "--energy", "1kWh"]
    result = run(*arguments, *past[:2], *leaving_out(*charges))
    assert "no rate statutory/quality/CG is known for 2023-03-01" in result.stderr


WRONG = [
    *(("--month", month) for month in ("0000-01", "9999-12", "2026-3", "2026-13", "2026-00", "March")),
    *(("--energy", text) for text in ("-5kWh", "1e3kWh", "5kwh", "0.0001kWh", "1.5.5kWh", "kWh", "5")),
    *(("--zone", "all=5kWh"), ("--power", "60"), ("--phases", "2ph"), ("--billing-months", "3"), ("--profile", "/")),
    *(("--point", POINT), ("--without", "everything"), ("--clock", "utc"), ("--rates", "nowhere.toml")),
]


@pytest.mark.parametrize("wrong", WRONG, ids=" ".join)
@pytest.mark.parametrize("energy", ["100kWh", "0kWh"])
def test_wrong_use_ends_with_2_and_prints_nothing(wrong, energy):
    base = {"--group": "G11", "--month": "2026-05", "--energy": energy}
    result = run(*(word for pair in (base | dict([wrong])).items() for word in pair))
    assert (result.exit_code, result.stdout) == (2, "")


def test_a_profile_below_zero_or_of_another_month_is_refused(tmp_path):
    path = tmp_path / "profile.csv"
    write_profile(path, "2026-05", uneven(1_000), slot_s=3600)
    path.write_text(path.read_text(encoding="utf-8").replace(";1,", ";-1,", 1), encoding="utf-8")
    result = run("--group", "G11", "--month", "2026-05", "--profile", path)
    assert result.exit_code == 4
    assert "below zero in 1 of 744 intervals" in result.stderr
    assert run("--group", "G11", "--month", "2026-06", "--profile", path).exit_code == 4


def test_netted_energy_gives_no_power_and_estimates_are_told(tmp_path):
    path = tmp_path / "profile.csv"
    write_profile(path, "2026-05", uneven(70_000), slot_s=3600, channel="1.29.0/net")
    path.write_text(path.read_text(encoding="utf-8").replace(";pomiar", ";szacowane", 3), encoding="utf-8")
    result = run("--group", "C21", "--power", "60kW", "--month", "2026-05", "--profile", path, "--json")
    assert result.exit_code == 3
    assert [row["charge"] for row in json.loads(result.stdout)["left_out"]] == ["power.exceedance"]
    assert "3 of 744 intervals of 1.29.0/net are estimated-by-operator" in result.stderr


# --- the document, the text, the process ----------------------------------------------------------------------------


def test_every_line_of_the_document_explains_itself(tmp_path):
    path = tmp_path / "profile.csv"
    write_profile(path, "2026-05", uneven(20_000), slot_s=3600)
    found = document("--group", "C21", "--power", "18kW", "--month", "2026-05", "--profile", path, "--offer", "sample")
    assert set(found) == {
        "operator", "group", "month", "rate_book", "lines", "net", "vat", "gross", "zones_wh", "capacity",
        "surpluses_w", "surplus_hours", "left_out",
    }  # fmt: skip
    bases = {"kWh": ("Wh", 1_000), "MWh": ("Wh", 1_000_000), "kW/month": ("W", 1_000), "month": ("month", 1)}
    for line in found["lines"]:
        assert set(line) == {
            "charge", "zone", "category", "label_pl", "label_en", "first", "last_exclusive", "quantity", "unit", "rate",
            "share", "net", "vat_rate_percent", "rates", "why", "why_en",
        }  # fmt: skip
        unit, size = bases[line["rate"]["per"]]
        assert line["unit"] == unit
        numerator, denominator = line["share"]
        exact = Fraction(line["quantity"], size) * Fraction(line["rate"]["amount"]) * Fraction(numerator, denominator)
        assert D(line["net"]["amount"]) == grosz(exact)
        assert line["rates"]
        assert all(row["source"] and row["confidence"] and row["checked_on"] for row in line["rates"])
        assert line["why"][-1].startswith("Kwota zaokrąglona raz")
        assert line["rates"][0]["source"] in " ".join(line["why"])
    assert {line["charge"] for line in found["lines"]} == {
        "energy", "trade.fee", "network.variable", "network.fixed", "quality", "subscription", "power.exceedance",
        "oze", "cogeneration", "capacity.volume",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "code", "gross"),
    [
        (("--group", "C21", "--power", "60kW", "--month", "2026-03", "--energy", "10000kWh"), 3, "4272.28"),
        (("--group", "G11", "--month", "2026-03", "--energy", "180kWh", "--yearly-use", "2000kWh"), 0, "99.03"),
        (("--group", "G11", "--month", "2026-99", "--energy", "180kWh"), 2, None),
        (("--group", "C99", "--month", "2026-03", "--energy", "180kWh"), 4, None),
    ],
)
def test_the_command_as_a_process(tmp_path, arguments, code, gross):
    command = [sys.executable, "-m", "ogniwo", "price", *arguments, "--json"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    assert (json.loads(done.stdout)["gross"]["amount"] if done.stdout else None) == gross


# --- parts of months and periods over a change of rates, by the function below the command ---------------------------


def rated(group, first, last_exclusive, wh, **terms):
    priced = price(
        book=load_rate_book(),
        terms=PointTerms(operator="enea", group=group, **terms),
        first=first,
        last_exclusive=last_exclusive,
        usage=RegisterUsage(energy_wh=wh),
        partial=True,
    )
    return [
        (line.charge, line.first, line.quantity, line.share, D(line.net_grosz) / 100) for line in priced.rating.lines
    ]


def test_a_period_over_the_first_of_february_splits_quality_by_days():
    """20 January to 10 February (exclusive): 12 and 9 days of 21, 1,000,001 Wh."""
    first, end = date(2026, 1, 20), date(2026, 2, 10)
    lines = rated("G11", first, end, (("all", 1_000_001),), yearly_use_wh=2_000_000, phases=Phases.THREE)
    found = {(charge, begin): (quantity, share, net) for charge, begin, quantity, share, net in lines}
    february = date(2026, 2, 1)
    # 571,429.14 and 428,571.86 Wh: the missing unit goes to the larger remainder
    assert found["quality", first] == (571_429, (1, 1), grosz(Fraction("571.429") * Fraction("0.0331")))
    assert found["quality", february] == (428_572, (1, 1), grosz(Fraction("428.572") * Fraction("0.0332")))
    assert found["network.variable", first][2] == grosz(Fraction("1000.001") * Fraction("0.2456"))
    assert found["network.fixed", first][1:] == ((12, 31), grosz(Fraction("10.41") * 12 / 31))
    assert found["network.fixed", february][1:] == ((9, 28), grosz(Fraction("10.41") * 9 / 28))
    assert found["capacity.flat", first][1:] == ((12, 31), grosz(Fraction("17.18") * 12 / 31))
    assert found["capacity.flat", february][1:] == ((9, 28), grosz(Fraction("17.18") * 9 / 28))
    assert found["subscription", first][::2] == (2, D("7.68"))  # both months in full (3.1.13)


@pytest.mark.parametrize(
    ("first", "end"), [((2026, 3, 11), (2026, 3, 12)), ((2026, 3, 29), (2026, 4, 1)), ((2026, 2, 1), (2026, 2, 15))]
)
def test_parts_of_a_month_pay_fixed_parts_by_days(first, end):
    first, end = date(*first), date(*end)
    lines = rated("C11", first, end, (("all", 5_000),), contract_power_w=12_500, yearly_use_wh=600_000)
    of_month = Fraction((end - first).days, 28 if first.month == 2 else 31)
    found = {charge: net for charge, _, _, _, net in lines}
    assert found["network.fixed"] == grosz(Fraction("7.41") * Fraction("12.5") * of_month)
    assert found["capacity.flat"] == grosz(Fraction("10.31") * of_month)
    assert found["subscription"] == D("3.84")


def test_six_months_of_a_half_yearly_bill():
    lines = rated("G12", date(2026, 1, 1), date(2026, 7, 1), (("day", 900_000), ("night", 600_000)), billing_months=6)
    found = {}
    for charge, _, quantity, _, net in lines:
        found.setdefault(charge, []).append((quantity, net))
    assert found["network.fixed"] == [(6, D("57.54"))]
    assert found["subscription"] == [(6, D("3.84"))]
    assert found["capacity.flat"] == [(6, D("25.74"))]
    days = [Fraction(1_500_000 * part, 181) for part in (31, 150)]
    quality = [grosz(D(round(wh)) / 1000 * D(rate)) for wh, rate in zip(days, ("0.0331", "0.0332"), strict=True)]
    assert [net for _, net in found["quality"]] == quality
