import hashlib
import subprocess
import sys
import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ogniwo.chain.verifiers import COMPILING
from ogniwo.core.ledger import hashing, kernels
from ogniwo.core.ledger.hashing import Readable
from ogniwo.core.ledger.kernels import Compiled
from ogniwo.core.ledger.machine import Machine
from ogniwo.core.ledger.merkle import Tree, leaf_hash, node_hash, root_of
from ogniwo.core.ledger.state_tree import StateTree

BOTH = [Readable(), Compiled()]


@pytest.fixture
def undecided():
    """A process that has not loaded the compiled form, nor will by what ran in it before."""
    for thread in threading.enumerate():
        if thread.name == COMPILING:
            thread.join()
    hashing.readable()
    yield
    hashing.readable()


@pytest.fixture(params=["readable", "compiled"])
def form(request, undecided):
    """The whole core with one form of the hashes, as a program that has much to do or little."""
    if request.param == "compiled":
        hashing.compile_()
    assert hashing.is_compiled() == (request.param == "compiled")
    return request.param


def scattered(count, seed=b""):
    return b"".join(hashlib.sha256(seed + b"%d" % number).digest() for number in range(count))


@pytest.mark.parametrize("each", BOTH, ids=["readable", "compiled"])
@pytest.mark.parametrize("count", [0, 1, 15, 16, 17, 100])
def test_nodes_and_leaves_are_hashed_as_rfc_9162_says(each, count):
    data = scattered(2 * count)
    hashes = [data[at : at + 32] for at in range(0, len(data), 32)]
    assert each.pairs(data) == b"".join(node_hash(*pair) for pair in zip(hashes[::2], hashes[1::2], strict=True))
    assert each.leaves(data) == b"".join(map(leaf_hash, hashes))


@settings(max_examples=60, deadline=None)
@given(st.binary(min_size=32, max_size=32), st.integers(1, 40), st.integers(0, 9), st.data())
def test_both_forms_give_the_same(first, count, height, data):
    content = (first + scattered(2 * count, first))[: 64 * count]
    assert BOTH[0].pairs(content) == BOTH[1].pairs(content)
    assert BOTH[0].leaves(content) == BOTH[1].leaves(content)
    changed = data.draw(st.sets(st.integers(1 << height, (2 << height) - 1), max_size=50))
    trees = [bytearray(scattered(2 << height, first)) for _ in BOTH]
    for each, tree in zip(BOTH, trees, strict=True):
        each.climb(tree, changed)
    assert trees[0] == trees[1]


def test_climbing_hashes_what_stands_above_and_nothing_else():
    for each in BOTH:
        nodes = bytearray(scattered(16))
        before = bytes(nodes)
        each.climb(nodes, {9, 12})
        told = {at: bytes(nodes[32 * at : 32 * at + 32]) for at in range(16)}
        assert told[4] == node_hash(told[8], told[9])
        assert told[6] == node_hash(told[12], told[13])
        assert told[2] == node_hash(told[4], told[5])
        assert told[3] == node_hash(told[6], told[7])
        assert told[1] == node_hash(told[2], told[3])
        untouched = {0, 5, 7, *range(8, 16)}
        assert all(told[at] == before[32 * at : 32 * at + 32] for at in untouched)


def test_trees_of_all_sizes_are_the_same_in_both_forms(form):
    leaves = [leaf_hash(b"%d" % number) for number in range(300)]
    tree = Tree()
    for size in (1, 2, 3, 17, 18, 40, 100, 255, 300):
        tree.extend(leaves[tree.size : size])
        assert tree.root() == root_of(leaves[:size])
    hashing.readable()
    expected = Tree(leaves)
    assert [tree.root(size) for size in range(301)] == [expected.root(size) for size in range(301)]


def test_the_state_tree_is_the_same_in_both_forms(form):
    entries = {f"key-{number}".encode(): b"%d" % number for number in range(700)}
    tree = StateTree()
    for start in range(0, 700, 100):
        tree.update(dict(list(entries.items())[start : start + 100]))
    assert tree.update(dict.fromkeys(list(entries)[:300])).hex() == (
        "7abf52be6681431561016318b1872ea17642fc1864128040bc0bc5cbdd4c9221"
    )


def test_a_history_has_the_same_blocks_in_both_forms(network, undecided):
    coop = network.founded()
    for amount in range(1, 40):
        coop.ok(coop.pay("op/coop/anna", "op/coop/jan", amount), "anna")
    hashing.compile_()
    twin = Machine()
    for block in coop.blocks:
        twin.replay(block)
    assert twin.state.root() == coop.machine.state.root()
    assert twin.log.root() == coop.machine.log.root()


def test_a_form_that_hashes_otherwise_is_refused(monkeypatch, undecided):
    monkeypatch.setattr(kernels.Compiled, "leaves", lambda self, data: bytes(len(data)))
    with pytest.raises(hashing.DifferentHashesError):
        hashing.compile_()
    assert hashing.is_refused()
    assert not hashing.is_compiled()
    hashing.readable()
    assert not hashing.is_refused()


def test_the_constants_are_those_of_the_standard():
    # FIPS 180-4, 4.2.2 and 5.3.3: the first and the last of each.
    assert [int(word) for word in (kernels._ROUNDS[0], kernels._ROUNDS[63])] == [0x428A2F98, 0xC67178F2]
    assert [int(word) for word in (kernels._START[0], kernels._START[7])] == [0x6A09E667, 0x5BE0CD19]


def test_the_core_does_not_load_the_compiler():
    code = "import sys, ogniwo.core.ledger.machine, ogniwo.chain.embedded; sys.exit('numba' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
