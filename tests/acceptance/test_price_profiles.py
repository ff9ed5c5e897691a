"""Profiles of a month: zones, capacity fee in both regimes, exceeded power; against own decimals, slot by slot."""

import pytest
from price_model import (
    D,
    agrees,
    capacity,
    document,
    exceedance,
    flat,
    levies,
    lines_of,
    network,
    uneven,
    write_profile,
    zones_of,
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
