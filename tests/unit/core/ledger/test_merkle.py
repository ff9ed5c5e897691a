import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ogniwo.core.ledger.merkle import (
    EMPTY_ROOT,
    Frontier,
    ProofOutOfRangeError,
    Tree,
    consistent,
    includes,
    leaf_hash,
    root_of,
)

# The eight leaves of the test vectors of Google's Certificate Transparency code, with the roots published there.
VECTOR_LEAVES = [
    "",
    "00",
    "10",
    "2021",
    "3031",
    "40414243",
    "5051525354555657",
    "606162636465666768696a6b6c6d6e6f",
]
VECTOR_ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


def defined_root(entries):
    """RFC 9162, 2.1.1, word for word, on the data of the leaves."""
    if not entries:
        return hashlib.sha256(b"").digest()
    if len(entries) == 1:
        return hashlib.sha256(b"\x00" + entries[0]).digest()
    split = 1
    while split * 2 < len(entries):
        split *= 2
    return hashlib.sha256(b"\x01" + defined_root(entries[:split]) + defined_root(entries[split:])).digest()


def defined_path(index, entries):
    """RFC 9162, 2.1.3.1, word for word."""
    if len(entries) == 1:
        return []
    split = 1
    while split * 2 < len(entries):
        split *= 2
    if index < split:
        return [*defined_path(index, entries[:split]), defined_root(entries[split:])]
    return [*defined_path(index - split, entries[split:]), defined_root(entries[:split])]


def defined_consistency(old, entries, *, whole=True):
    """RFC 9162, 2.1.4.1, word for word."""
    if old == len(entries):
        return [] if whole else [defined_root(entries)]
    split = 1
    while split * 2 < len(entries):
        split *= 2
    if old <= split:
        return [*defined_consistency(old, entries[:split], whole=whole), defined_root(entries[split:])]
    return [*defined_consistency(old - split, entries[split:], whole=False), defined_root(entries[:split])]


def entries_of(count):
    return [index.to_bytes(4, "big") for index in range(count)]


@pytest.mark.parametrize("size", range(1, 9))
def test_published_vectors(size):
    leaves = [leaf_hash(bytes.fromhex(text)) for text in VECTOR_LEAVES[:size]]
    assert root_of(leaves).hex() == VECTOR_ROOTS[size - 1]
    assert Tree(leaves).root().hex() == VECTOR_ROOTS[size - 1]


def test_every_size_and_proof_up_to_seventy():
    entries = entries_of(70)
    leaves = [leaf_hash(entry) for entry in entries]
    tree, frontier = Tree(), Frontier()
    assert tree.root() == frontier.root() == EMPTY_ROOT == root_of([])
    for size in range(1, 71):
        tree.extend(leaves[size - 1 : size])
        frontier.append(leaves[size - 1])
        root = defined_root(entries[:size])
        assert tree.root() == frontier.root() == root_of(leaves[:size]) == root
        for index in range(size):
            path = tree.inclusion(index, size)
            assert path == defined_path(index, entries[:size])
            assert includes(leaf=leaves[index], index=index, size=size, proof=path, root=root)
        for old in range(1, size + 1):
            proof = tree.consistency(old, size)
            assert proof == defined_consistency(old, entries[:size])
            assert consistent(old=old, new=size, proof=proof, old_root=defined_root(entries[:old]), new_root=root)


@given(st.lists(st.integers(0, 40), max_size=8))
def test_appending_in_runs_of_any_length(runs):
    tree, frontier, leaves = Tree(), Frontier(), []
    for run in runs:
        more = [leaf_hash(bytes([run, index])) for index in range(run)]
        leaves += more
        tree.extend(more)
        frontier.extend(more)
        assert tree.root() == frontier.root() == root_of(leaves)
    for size in range(len(leaves)):
        assert tree.root(size) == root_of(leaves[:size])
    twin = frontier.copy()
    twin.append(leaf_hash(b"more"))
    assert frontier.root() == root_of(leaves)


@given(st.integers(1, 64), st.data())
def test_a_wrong_inclusion_proof_is_never_accepted(size, data):
    leaves = [leaf_hash(entry) for entry in entries_of(size)]
    tree, root = Tree(leaves), root_of(leaves)
    index = data.draw(st.integers(0, size - 1))
    path = tree.inclusion(index, size)
    other = data.draw(st.integers(0, size).filter(lambda at: at != index))
    assert not includes(leaf=leaves[index], index=other, size=size, proof=path, root=root)
    assert not includes(leaf=leaf_hash(b"else"), index=index, size=size, proof=path, root=root)
    assert not includes(leaf=leaves[index], index=index, size=size, proof=[*path, root], root=root)
    if path:
        assert not includes(leaf=leaves[index], index=index, size=size, proof=path[1:], root=root)
        bent = list(path)
        bent[data.draw(st.integers(0, len(path) - 1))] = bytes(32)
        assert not includes(leaf=leaves[index], index=index, size=size, proof=bent, root=root)


@given(st.integers(2, 64), st.data())
def test_a_changed_past_is_never_consistent(size, data):
    entries = entries_of(size)
    old = data.draw(st.integers(1, size - 1))
    changed = data.draw(st.integers(0, old - 1))
    forged = [*entries[:changed], b"forged", *entries[changed + 1 :]]
    tree = Tree(leaf_hash(entry) for entry in forged)
    old_root = defined_root(entries[:old])
    proof = tree.consistency(old, size)
    assert not consistent(old=old, new=size, proof=proof, old_root=old_root, new_root=tree.root())
    honest = Tree(leaf_hash(entry) for entry in entries)
    good = honest.consistency(old, size)
    assert not consistent(old=old, new=size, proof=good, old_root=old_root, new_root=tree.root())
    assert not consistent(old=old, new=size, proof=[*good, bytes(32)], old_root=old_root, new_root=honest.root())
    assert not consistent(old=old, new=size, proof=good[:-1], old_root=old_root, new_root=honest.root())


def test_edges():
    root = root_of([leaf_hash(b"a")])
    assert consistent(old=0, new=1, proof=[], old_root=EMPTY_ROOT, new_root=root)
    assert not consistent(old=0, new=1, proof=[], old_root=root, new_root=root)
    assert consistent(old=1, new=1, proof=[], old_root=root, new_root=root)
    assert not consistent(old=2, new=1, proof=[], old_root=root, new_root=root)
    assert not includes(leaf=leaf_hash(b"a"), index=0, size=0, proof=[], root=root)


def test_a_node_cannot_pass_as_a_leaf():
    leaves = [leaf_hash(b"a"), leaf_hash(b"b")]
    assert leaf_hash(leaves[0] + leaves[1]) != root_of(leaves)


@pytest.mark.parametrize(("index", "size"), [(-1, 3), (3, 3), (0, 4)])
def test_proofs_out_of_range_are_refused(index, size):
    tree = Tree(leaf_hash(entry) for entry in entries_of(3))
    with pytest.raises(ProofOutOfRangeError):
        tree.inclusion(index, size)
    with pytest.raises(ProofOutOfRangeError):
        tree.leaf(3)
    with pytest.raises(ProofOutOfRangeError):
        tree.consistency(0, 3)
    with pytest.raises(ProofOutOfRangeError):
        tree.root(4)
