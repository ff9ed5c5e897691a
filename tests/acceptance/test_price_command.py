"""`ogniwo price` as a stranger would test it: reactive energy, past years, wrong input, the document; own decimals."""

import json
import subprocess
import sys
from datetime import date
from decimal import ROUND_HALF_UP
from fractions import Fraction

import pytest
from price_model import (
    LAW,
    POINT,
    D,
    capacity,
    document,
    grosz,
    lines_of,
    run,
    uneven,
    write_profile,
)

from ogniwo.core.tariffs.model import Phases, PointTerms
from ogniwo.core.tariffs.usage import RegisterUsage
from ogniwo.services.tariffs.queries import load_rate_book, price

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
