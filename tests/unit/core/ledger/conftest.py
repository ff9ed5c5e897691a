"""Makes network.py importable: the tests are no package."""

import importlib.util
import sys
from pathlib import Path

import pytest

if "ledger_network" not in sys.modules:
    _spec = importlib.util.spec_from_file_location("ledger_network", Path(__file__).with_name("network.py"))
    sys.modules["ledger_network"] = importlib.util.module_from_spec(_spec)
    _spec.loader.exec_module(sys.modules["ledger_network"])


@pytest.fixture
def network():
    """A network before its genesis."""
    return sys.modules["ledger_network"].Network()
