"""Every tariff group by zones, and who pays which capacity fee, against own decimals."""

from fractions import Fraction

import pytest
from price_model import LAW, D, agrees, document, flat, levies, lines_of, network

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
