"""Properties of the state machine under random histories of transfers."""

import hashlib

import ledger_network  # made by conftest.py; hypothesis takes no function-scoped fixture
from hypothesis import given, settings
from hypothesis import strategies as st

from ogniwo.core.ledger import transactions as tx
from ogniwo.core.ledger.admission import open_transaction
from ogniwo.core.ledger.canonical import encode
from ogniwo.core.ledger.machine import Machine
from ogniwo.core.ledger.rules import apply
from ogniwo.core.ledger.state_tree import BUCKET_BITS, StateTree

PEOPLE = ("op/issuer", "op/coop/anna", "op/coop/jan", "op/coop")
SIGNERS = {"op/issuer": "op", "op/coop/anna": "anna", "op/coop/jan": "jan", "op/coop": "coop"}
TRANSFER = st.tuples(
    st.sampled_from(PEOPLE),
    st.sampled_from(PEOPLE),
    st.sampled_from([1, 2, 40_000, 60_000, 100_000, 2**53 - 1]),
    st.sampled_from(["PLN/2", "DUE/2", "KWH-IN/3", "EUR/2"]),
    st.integers(0, 5),
)


def unsigned(network, payload, name):
    """A transaction as admission leaves it; the signature itself is left out, it is tested elsewhere."""
    opened = open_transaction(network.signed(network.genesis(), name))
    payload_bytes = encode(payload)
    opened.payload = payload
    opened.transaction = hashlib.sha256(payload_bytes).hexdigest()
    opened.envelope = payload_bytes
    opened.open_checks = ()
    return opened


@settings(max_examples=40, deadline=None)
@given(history=st.lists(TRANSFER, max_size=25))
def test_random_histories_keep_the_books(history):
    network = ledger_network.Network().founded()
    state = network.machine.state
    accepted = {}
    for giver, taker, amount, asset, number in history:
        actor = "op" if giver == "op/issuer" or asset == "DUE/2" else giver
        payload = network.post(
            (giver, asset, -amount), (taker, asset, amount), account=actor, id=f"{number:032x}"[::-1]
        )
        signed = unsigned(network, payload, "op" if actor == "op" else SIGNERS[giver])
        before = dict(state.balances)
        outcome = apply(state, signed, block_time=network.now)
        if outcome.accepted:
            # No id takes effect twice.
            assert (actor, payload.id) not in accepted
            accepted[actor, payload.id] = payload
            assert {place for place, value in state.balances.items() if value != before.get(place)} == {
                (giver, asset),
                (taker, asset),
            }
        else:
            assert state.balances == before
        sums = {}
        for (account, name), value in state.balances.items():
            sums[name] = sums.get(name, 0) + value
            assert abs(value) < 2**53
            assert value >= 0 or account == "op/issuer" or name == "DUE/2"
        assert not any(sums.values())
        assert state.balance("op/coop/anna", "KWH-IN/3") == 0


@settings(max_examples=10, deadline=None)
@given(amounts=st.lists(st.integers(1, 60_000), min_size=1, max_size=6), cut=st.integers(1, 5))
def test_replay_gives_the_same_roots(amounts, cut):
    network = ledger_network.Network().founded()
    envelopes = [network.signed(network.pay("op/coop/anna", "op/coop/jan", amount), "anna") for amount in amounts]
    for start in range(0, len(envelopes), cut):
        network.now += 7
        network.execute(*envelopes[start : start + cut])
    twin = Machine()
    for block in network.blocks:
        header = twin.replay(block)
    assert twin.state.root() == network.machine.state.root()
    assert (header.state_root, header.log_root) == (twin.state.root().hex(), network.machine.log.root().hex())
    assert twin.state.balances == network.machine.state.balances


def test_incremental_root_is_the_root_of_everything(network):
    coop = network.founded()
    coop.ok(coop.mint(coop.record()), "gateway")
    coop.ok(coop.anchor("a" * 64))
    coop.ok(coop.pay("op/coop/anna", "op/coop/jan", 5), "anna")
    coop.ok(tx.UnbindRole(**coop.frame(), role="gateway", subject="op/coop/gateway", subtree="op/coop"))
    coop.ok(tx.RevokeKey(**coop.frame(), kid=coop.kid("jan")))
    fresh = StateTree()
    fresh.update(dict(coop.machine.state.entries()))
    assert fresh.root() == coop.machine.state.root()


def defined_tree_root(entries):
    """The definition of state_tree.py, written down without its shortcuts."""
    buckets = {}
    for key, value in entries.items():
        digest = hashlib.sha256(key).digest()
        buckets.setdefault(int.from_bytes(digest[:2]), {})[digest] = hashlib.sha256(b"\x00" + digest + value).digest()
    level = [
        hashlib.sha256(b"\x02" + b"".join(buckets[at][digest] for digest in sorted(buckets[at]))).digest()
        if at in buckets
        else bytes(32)
        for at in range(2**BUCKET_BITS)
    ]
    while len(level) > 1:
        level = [
            hashlib.sha256(b"\x01" + left + right).digest() for left, right in zip(level[::2], level[1::2], strict=True)
        ]
    return level[0]


def test_state_tree_is_as_defined_and_forgets_what_is_removed():
    entries = {f"key-{number}".encode(): b"%d" % number for number in range(3_000)}
    tree = StateTree()
    empty = tree.root()
    assert empty == defined_tree_root({})
    for start in range(0, 3_000, 500):
        tree.update(dict(list(entries.items())[start : start + 500]))
    assert tree.root() == defined_tree_root(entries)
    tree.update(dict.fromkeys(list(entries)[100:]))
    kept = dict(list(entries.items())[:100])
    assert tree.root() == defined_tree_root(kept)
    assert tree.update(dict.fromkeys(kept)) == empty


@settings(max_examples=30, deadline=None)
@given(st.dictionaries(st.binary(min_size=1, max_size=4), st.binary(max_size=4), max_size=12), st.randoms())
def test_state_root_does_not_depend_on_the_order(entries, random):
    one, other = StateTree(), StateTree()
    one.update(entries)
    shuffled = list(entries.items())
    random.shuffle(shuffled)
    for key, value in shuffled:
        other.update({key: b"before"})
        other.update({key: value})
    assert one.root() == other.root()


def test_golden_state_root(network):
    """A fixed history has a fixed root: a change here is a change of the format and needs a new version."""
    coop = network.founded()
    coop.ok(coop.anchor("a" * 64))
    coop.ok(coop.pay("op/coop/anna", "op/coop/jan", 2_500), "anna")
    assert coop.machine.state.root().hex() == "e32b221b8c3768e113c9c9234e85fb71c22667c37e11ff3b361f268a2511effb"
