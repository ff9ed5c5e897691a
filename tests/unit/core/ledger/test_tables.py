"""The tables of the state: what the root sees, what an undo takes back, what a snapshot brings back."""

import pytest

from ogniwo.core.ledger.state import State, StateEntryError
from ogniwo.core.ledger.state_records import Account, Binding


def _bound(subject, role="partner"):
    return Binding(role=role, subject=subject, subtree="op", valid_from=0, valid_to=0)


@pytest.fixture
def state(network):
    return network.founded().machine.state


def test_restored_from_its_entries_the_state_is_the_same(state):
    twin = State.restored(state.entries())
    assert twin.root() == state.root()
    assert dict(twin.entries()) == dict(state.entries())
    assert twin.keys.grouped("op/coop/gateway") == state.keys.grouped("op/coop/gateway")
    assert twin.sums == state.sums


def test_an_entry_of_an_unknown_table_is_refused():
    with pytest.raises(StateEntryError):
        State.restored([(b"novelty/1", b"{}")])


def test_a_failing_group_leaves_nothing_behind(state):
    root, entries = state.root(), dict(state.entries())

    def half_done():
        state.accounts.put("op/new", Account(kind="member", opened=1))
        state.bindings.drop(("op/coop", "partner", "op/coop"))
        with state.all_or_nothing():
            state.bindings.put(_bound("op/new").key, _bound("op/new"))
            state.move({("op/coop/anna", "PLN/2"): -5, ("op/new", "PLN/2"): 5})
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), state.all_or_nothing():
        half_done()
    assert dict(state.entries()) == entries
    assert state.root() == root
    assert state.bindings.grouped("op/new") == ()
    assert state.bindings.grouped("op/coop") == (("op/coop", "partner", "op/coop"),)
    assert state.take_moves() == []


def test_a_group_that_succeeds_stays_whole(state):
    with state.all_or_nothing():
        state.move({("op/coop/anna", "PLN/2"): -5, ("op/coop/jan", "PLN/2"): 5})
    assert state.balance("op/coop/jan", "PLN/2") == 5
    assert state.take_moves() == [{("op/coop/anna", "PLN/2"): -5, ("op/coop/jan", "PLN/2"): 5}]
