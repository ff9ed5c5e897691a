"""A small network, shared by the tests of the ledger: loaded as a plugin-free fixture so that no package is needed."""

import importlib.util
import sys
from pathlib import Path

import pytest


def _load():
    name = "ledger_network"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name("network.py"))
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
    return sys.modules[name]


@pytest.fixture
def network():
    return _load().Network()
