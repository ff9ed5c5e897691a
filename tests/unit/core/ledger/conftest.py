"""Makes network.py, paying.py and deals.py importable: the tests are no package. All they build survives a snapshot."""

import importlib.util
import sys
from pathlib import Path

import pytest

from ogniwo.core.ledger.snapshot import chunks_of, manifest_of, restored_machine

for _name in ("network", "paying", "deals"):
    if f"ledger_{_name}" not in sys.modules:
        _spec = importlib.util.spec_from_file_location(f"ledger_{_name}", Path(__file__).with_name(f"{_name}.py"))
        sys.modules[f"ledger_{_name}"] = importlib.util.module_from_spec(_spec)
        _spec.loader.exec_module(sys.modules[f"ledger_{_name}"])


@pytest.fixture
def network():
    """A network before its genesis. What a test makes of it must survive a snapshot, whatever records it has."""
    coop = sys.modules["ledger_network"].Network()
    yield coop
    _survives_a_snapshot(coop.machine)


@pytest.fixture
def paying():
    """A founded network on which payments are switched on."""
    coop = sys.modules["ledger_paying"].Paying().founded()
    yield coop
    _survives_a_snapshot(coop.machine)


@pytest.fixture
def deals():
    """A founded network in which contracts can be made."""
    found = sys.modules["ledger_deals"].Deals(sys.modules["ledger_paying"].Paying())
    yield found
    _survives_a_snapshot(found.coop.machine)


def _survives_a_snapshot(machine):
    if machine.header is None or machine.state.root().hex() != machine.header.state_root:
        return  # nothing was written, or the test changed the state behind the machine's back
    chunks = list(chunks_of(machine))
    twin = restored_machine(manifest_of(machine, chunks), [chunk.data for chunk in chunks])
    assert dict(twin.state.entries()) == dict(machine.state.entries())
    assert twin.state.sums == {asset: total for asset, total in machine.state.sums.items() if asset in twin.state.sums}
    assert {name: table._groups for name, table in twin.state.tables.items() if table} == {
        name: table._groups for name, table in machine.state.tables.items() if table
    }
    assert list(chunks_of(twin)) == chunks
