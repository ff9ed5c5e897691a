"""The wheel is whole, holds nothing else, and works in an environment that has never seen the repository.

The environment gets the third-party packages that are installed here through a path file, so no network is needed; path
files inside that folder, such as the one of an editable install, are not followed by Python.
"""

import json
import os
import subprocess
import sys
import sysconfig
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PPE = "590999010000000338"
TAURON = "Data; Wartość kWh;Rodzaj;\n2022-06-01 1:00;0,250;pobór;\n2022-06-01 2:00;0,5;pobór;\n"

pytestmark = pytest.mark.xdist_group("wheel")


def _run(command, folder):
    """Run a command as a user would: nothing of this process's environment that could lead back to the sources."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "OGNIWO", "DJANGO"))}
    return subprocess.run(
        [str(part) for part in command], cwd=folder, env=clean, capture_output=True, text=True, check=False
    )


def _build(folder):
    result = _run([sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, ROOT], folder)
    assert result.returncode == 0, result.stdout + result.stderr
    (wheel,) = folder.glob("*.whl")
    return wheel


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    return _build(tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """The folder with the commands of an environment that holds only the wheel and the third-party packages."""
    folder = tmp_path_factory.mktemp("installed")
    made = _run([sys.executable, "-m", "venv", "--without-pip", folder], folder)
    assert made.returncode == 0, made.stderr
    python = folder / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--python", python, "install", "-q", "--no-deps", "--no-index", wheel]
    result = _run(pip, folder)
    assert result.returncode == 0, result.stderr
    (packages,) = (folder / "lib").glob("python*/site-packages")
    (packages / "third_party.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    return folder / "bin"


def _names(wheel):
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def test_the_wheel_holds_every_file_of_the_package_and_nothing_else(wheel):
    wanted = {
        str(path.relative_to(ROOT / "src"))
        for path in (ROOT / "src" / "ogniwo").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert {name for name in _names(wheel) if ".dist-info/" not in name} == wanted


def test_the_wheel_holds_the_data_the_product_works_with(wheel):
    names = _names(wheel)
    assert "ogniwo/py.typed" in names
    assert {"ogniwo/data/invoice/invoice.typ", "ogniwo/data/invoice/texts.toml"} <= names
    for folder in ("layouts", "rates", "rates/samples"):
        packaged = {f"ogniwo/data/{folder}/{path.name}" for path in (ROOT / f"src/ogniwo/data/{folder}").glob("*.toml")}
        assert packaged
        assert packaged <= names
    assert not [name for name in names if "/test" in name or name.startswith(("test", "bench", "docs", "tools"))]


def test_the_wheel_says_what_it_is(wheel):
    with zipfile.ZipFile(wheel) as archive:
        (folder,) = {name.split("/")[0] for name in archive.namelist() if ".dist-info/" in name}
        metadata = archive.read(f"{folder}/METADATA").decode()
        scripts = archive.read(f"{folder}/entry_points.txt").decode()
    assert "\nLicense-Expression: Apache-2.0\n" in metadata
    assert "\nRequires-Python: >=3.11\n" in metadata
    assert "ogniwo = ogniwo.project.entry:main" in scripts


def test_the_same_sources_give_the_same_wheel(wheel, tmp_path):
    assert _build(tmp_path).read_bytes() == wheel.read_bytes()


def test_the_installed_package_is_the_one_of_the_wheel(installed, tmp_path):
    result = _run([installed / "python", "-c", "import ogniwo; print(ogniwo.__file__)"], tmp_path)
    assert result.stdout.startswith(str(installed.parent)), result.stdout + result.stderr


def test_the_command_says_its_version(installed, tmp_path):
    result = _run([installed / "ogniwo", "--version"], tmp_path)
    assert result.returncode == 0, result.stderr
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert result.stdout.split()[-1] == project["version"]
    module = _run([installed / "python", "-m", "ogniwo", "--version"], tmp_path)
    assert module.stdout.split()[-1] == project["version"], module.stderr


def test_the_command_reads_a_meter_file(installed, tmp_path):
    (tmp_path / "june.csv").write_text(TAURON, encoding="utf-8")
    result = _run([installed / "ogniwo", "read", "june.csv", "--point", PPE], tmp_path)
    assert result.returncode == 0, result.stderr
    assert result.stdout.splitlines()[1:] == [
        f"{PPE},1.29.0,2022-05-31T22:00:00Z,3600,250,measured,june.csv,2",
        f"{PPE},1.29.0,2022-05-31T23:00:00Z,3600,500,measured,june.csv,3",
    ]


def test_the_command_prices_a_month_from_the_packaged_rates(installed, tmp_path):
    terms = ["--group", "C21", "--power", "60kW", "--month", "2026-03", "--energy", "10000kWh"]
    result = _run([installed / "ogniwo", "price", *terms, "--json"], tmp_path)
    assert result.returncode == 3, result.stderr  # the capacity fee by volume needs a profile, and the output says so
    priced = json.loads(result.stdout)
    lines = {line["charge"]: line for line in priced["lines"]}
    fixed = lines["network.fixed"]
    assert (fixed["quantity"], fixed["rate"]["amount"], fixed["net"]["amount"]) == (60_000, "24.84", "1490.40")
    assert {one["charge"] for one in priced["left_out"]} == {"capacity", "power.exceedance"}


def test_the_command_lists_its_nouns_without_a_workspace(installed, tmp_path):
    result = _run([installed / "ogniwo", "--help"], tmp_path)
    assert result.returncode == 0, result.stderr
    assert "ogniwo read" in result.stdout
    assert not list(tmp_path.iterdir())
