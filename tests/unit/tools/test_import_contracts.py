"""The rings are held by import-linter; these tests hold the contracts themselves."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
SOURCE = ROOT / "src" / "ogniwo"


@pytest.fixture(scope="module")
def linter():
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]


@pytest.fixture(scope="module")
def contracts(linter):
    return {contract["name"]: contract for contract in linter["contracts"]}


def _packages(folder):
    return {path.parent.name for path in folder.glob("*/__init__.py")}


def _modules(folder):
    return {path.stem for path in folder.glob("*.py")} - {"__init__"}


def _named(contract):
    return {name.strip() for layer in contract["layers"] for name in layer.split("|")}


def test_the_contracts_hold_for_the_code():
    result = subprocess.run(
        [Path(sys.executable).parent / "lint-imports", "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    assert "0 broken" in result.stdout


def test_nothing_is_let_through(linter, contracts):
    for contract in [linter, *contracts.values()]:
        assert not [key for key in contract if "ignore" in key or key == "unmatched_ignore_imports_alerting"]


def test_the_layers_are_exhaustive_and_name_exactly_what_exists(contracts):
    rings, chain = contracts["Rings point inwards"], contracts["The calculation chain points one way"]
    assert rings["exhaustive"] is True
    assert chain["exhaustive"] is True
    assert not any("exhaustive_ignores" in contract for contract in (rings, chain))
    assert _named(rings) == _packages(SOURCE) | _modules(SOURCE)
    assert _named(chain) == _packages(SOURCE / "core") | _modules(SOURCE / "core")


def test_the_rings_stand_in_the_order_of_the_architecture(contracts):
    entry, *rings = contracts["Rings point inwards"]["layers"]
    assert entry == "__main__"  # what `python -m ogniwo` runs; nothing imports it
    assert rings == [
        "project", "interfaces", "services", "records | series | formats | gateways | chain", "plugins", "core", "data",
    ]  # fmt: skip


def test_the_core_is_kept_from_the_world_outside(linter, contracts):
    forbidden = set(contracts["The core is pure"]["forbidden_modules"])
    assert linter["include_external_packages"] is True
    assert {"django", "pathlib", "os", "time", "random", "logging", "socket", "sqlite3", "subprocess"} <= forbidden


def test_interfaces_are_kept_from_the_stores(contracts):
    contract = contracts["Interfaces reach data only through services"]
    stores = {"records", "series", "formats", "gateways", "chain"}
    assert set(contract["forbidden_modules"]) == {f"ogniwo.{ring}" for ring in stores}
    assert contract["source_modules"] == ["ogniwo.interfaces"]


def test_only_two_places_speak_with_plug_ins(contracts):
    kept = contracts["Only their host and the check of what they hand over speak with plug-ins"]
    assert kept["protected_modules"] == ["ogniwo.plugins"]
    assert kept["allowed_importers"] == ["ogniwo.services.plugins", "ogniwo.formats.meter_files.handed"]
    assert contracts["The contract of plug-ins stands on the core alone"]["source_modules"] == ["ogniwo.plugins"]
