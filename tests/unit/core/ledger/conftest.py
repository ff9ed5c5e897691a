"""Makes network.py, paying.py and deals.py importable: the tests are no package."""

import importlib.util
import sys
from pathlib import Path

import pytest

for _name in ("network", "paying", "deals"):
    if f"ledger_{_name}" not in sys.modules:
        _spec = importlib.util.spec_from_file_location(f"ledger_{_name}", Path(__file__).with_name(f"{_name}.py"))
        sys.modules[f"ledger_{_name}"] = importlib.util.module_from_spec(_spec)
        _spec.loader.exec_module(sys.modules[f"ledger_{_name}"])


@pytest.fixture
def network():
    """A network before its genesis."""
    return sys.modules["ledger_network"].Network()


@pytest.fixture
def paying():
    """A founded network on which payments are switched on."""
    return sys.modules["ledger_paying"].Paying().founded()


@pytest.fixture
def deals():
    """A founded network in which contracts can be made."""
    return sys.modules["ledger_deals"].Deals(sys.modules["ledger_paying"].Paying())
