"""A network for the faults of the ledger."""

import sys

import pytest


@pytest.fixture
def network():
    """A network before its genesis."""
    return sys.modules["ledger_network"].Network()
