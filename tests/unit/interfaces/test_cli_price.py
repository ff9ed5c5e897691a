import json
import subprocess
import sys
from datetime import date

import numpy as np
import pytest
from click.testing import CliRunner

from ogniwo.core.kernel.calendar import grid_of_days
from ogniwo.core.kernel.quality import Quality
from ogniwo.core.metering.model import IMPORT, IntervalSeries
from ogniwo.formats.profile_csv.writer import write_profile_csv
from ogniwo.interfaces.cli.price import price_command

HOUSEHOLD = ("--group", "G11", "--month", "2026-03", "--energy", "180kWh", "--yearly-use", "2000kWh")
FIRM = ("--group", "C21", "--power", "60kW", "--month", "2026-03")


def run(*arguments):
    return CliRunner().invoke(price_command, arguments)


@pytest.fixture
def profile(tmp_path):
    def make(missing=()):
        grid = grid_of_days(date(2026, 3, 1), date(2026, 4, 1))
        quality = np.full(grid.slots, int(Quality.MEASURED), dtype=np.uint8)
        quality[list(missing)] = int(Quality.MISSING)
        wh = np.where(quality == int(Quality.MISSING), 0, 15_250).astype(np.int32)  # 61 kW
        series = IntervalSeries(point="590310600000000019", channel=IMPORT, grid=grid, wh=wh, quality=quality)
        path = tmp_path / "profile.csv"
        path.write_bytes(write_profile_csv([series]))
        return str(path)

    return make


def test_people_see_lines_reasons_and_totals():
    result = run(*HOUSEHOLD)
    assert result.exit_code == 0
    assert "Opłata jakościowa" in result.stdout
    assert "obowiązuje od 1 lutego 2026" in result.stdout
    # 44.21 + 7.45 + 5.98 + 3.84 + 1.31 + 0.54 + 17.18 = 80.51; x 0.23 = 18.5173
    assert "netto 80,51 zł, VAT 23 % 18,52 zł\nrazem brutto 99,03 zł" in result.stdout
    assert result.stderr == ""


def test_brief_leaves_the_reasons_out():
    assert "obowiązuje" not in run(*HOUSEHOLD, "--brief").stdout


def test_machines_get_exact_text_amounts():
    result = run(*HOUSEHOLD, "--offer", "enea", "--json")
    document = json.loads(result.stdout)
    energy = next(line for line in document["lines"] if line["charge"] == "energy")
    assert energy["quantity"] == 180_000
    assert energy["rate"] == {"amount": "0.503", "asset": "PLN", "per": "kWh"}
    assert energy["net"] == {"amount": "90.54", "asset": "PLN"}
    assert document["gross"]["amount"] == "210.39"  # 171.05 x 1.23 = 210.3915
    assert document["capacity"]["class"] == "3"
    assert len(document["rate_book"]) == 64


def test_law_2_C_leaves_the_capacity_fee_out_and_ends_with_findings():
    result = run(*FIRM, "--energy", "10000kWh", "--json")
    document = json.loads(result.stdout)
    assert result.exit_code == 3
    assert (document["net"]["amount"], document["gross"]["amount"]) == ("3473.40", "4272.28")
    assert [row["charge"] for row in document["left_out"]] == ["capacity", "power.exceedance"]
    assert "not in these totals: capacity: needs an hourly profile" in result.stderr


def test_charges_left_out_on_request_are_no_findings():
    result = run(*FIRM, "--energy", "10MWh", "--without", "capacity", "--without", "power.exceedance")
    assert result.exit_code == 0
    assert "nie obejmuje: capacity, power.exceedance" in result.stdout


def test_a_profile_prices_capacity_and_excess_power(profile):
    result = run(*FIRM, "--profile", profile(), "--json")
    assert result.exit_code == 0
    document = json.loads(result.stdout)
    amounts = {line["charge"]: line["net"]["amount"] for line in document["lines"]}
    assert amounts["power.exceedance"] == "248.40"  # ten hours 1 kW above 60 kW, 24.84 each
    assert amounts["capacity.volume"] == "750.81"  # 22 x 15 x 61 kWh x 0.2194 x 0.17
    assert document["surpluses_w"] == [1_000] * 10


def test_missing_intervals_are_refused(profile):
    result = run(*FIRM, "--profile", profile(missing=range(8)))
    assert result.exit_code == 4
    assert "missing in 8 of 2972 intervals" in result.stderr
    assert result.stdout == ""


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--group", "C99", "--month", "2026-03", "--energy", "1kWh"), "tariff group C99"),
        (("--group", "G11", "--month", "2027-01", "--energy", "1kWh"), "2027-01-01"),
        (("--group", "G12", "--month", "2026-03", "--energy", "1kWh"), "zones day, night"),
        (("--group", "C21", "--month", "2026-03", "--energy", "1kWh"), "needs a contract power"),
        ((*FIRM, "--energy", "1kWh", "--reactive"), "none is given"),
    ],
)
def test_refusals_name_what_is_missing(arguments, message):
    result = run(*arguments)
    assert result.exit_code == 4
    assert message in result.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        FIRM,
        (*FIRM, "--energy", "1kWh", "--zone", "all=1kWh"),
        (*FIRM, "--energy", "1"),
        (*FIRM, "--energy", "1,0005kWh"),
        (*FIRM, "--zone", "all=1kWh,all=2kWh"),
        (*FIRM, "--energy", "1kWh", "--profile", "nowhere.csv"),
        ("--group", "C21", "--month", "2026-13", "--energy", "1kWh"),
        ("--group", "C21", "--month", "March", "--energy", "1kWh"),
        ("--month", "2026-03", "--energy", "1kWh"),
        (*HOUSEHOLD, "--billing-months", "3"),
    ],
)
def test_wrong_use_ends_with_2(arguments):
    assert run(*arguments).exit_code == 2


@pytest.mark.parametrize(
    "text", ["peak=120kWh,offpeak=210.5kWh", "peak=120kWh,offpeak=210,5kWh", "offpeak=210500Wh,peak=0.12MWh"]
)
def test_zones_are_read_exactly(text):
    document = json.loads(run("--group", "G12w", "--month", "2026-02", "--zone", text, "--json").stdout)
    assert document["zones_wh"] == {"peak": 120_000, "offpeak": 210_500}


def test_zero_energy_is_an_energy():
    assert json.loads(run("--group", "G11", "--month", "2026-02", "--energy", "0kWh", "--json").stdout)["zones_wh"] == {
        "all": 0
    }


def test_it_starts_without_django_and_a_workspace(tmp_path):
    program = (
        "import sys; from click.testing import CliRunner; from ogniwo.interfaces.cli.price import price_command as c;"
        f"r = CliRunner().invoke(c, {list(HOUSEHOLD)!r}); print(r.exit_code, 'django' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["0", "False"]
    assert list(tmp_path.iterdir()) == []
