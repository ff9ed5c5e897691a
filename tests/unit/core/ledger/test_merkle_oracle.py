"""Roots and proofs against pymerkle, a Merkle tree written by others."""

import random

import pytest
from pymerkle import InmemoryTree, InvalidProof, verify_consistency, verify_inclusion

from ogniwo.core.ledger.merkle import Tree, consistent, includes, leaf_hash, root_of

SIZE = 300


def entries(size, flavour=b""):
    return [flavour + number.to_bytes(4, "big") for number in range(size)]


def theirs(data):
    tree = InmemoryTree(algorithm="sha256")
    for entry in data:
        tree.append_entry(entry)
    return tree


@pytest.fixture(scope="module")
def both():
    data = entries(SIZE)
    return theirs(data), Tree(map(leaf_hash, data))


def test_roots_of_every_size(both):
    other, ours = both
    for size in range(1, SIZE + 1):
        assert ours.root(size) == root_of([leaf_hash(entry) for entry in entries(size)]) == other.get_root(size)


def test_inclusion_in_every_size(both):
    """Both give the same path, and each accepts the other's; pymerkle counts leaves from one."""
    other, ours = both
    rng = random.Random(1)  # noqa: S311 -- cases, not secrets
    for size in range(1, SIZE + 1):
        root = other.get_root(size)
        for index in {0, size - 1, size // 2, rng.randrange(size), rng.randrange(size)}:
            proof = other.prove_inclusion(index + 1, size)
            verify_inclusion(ours.leaf(index), ours.root(size), proof)
            assert proof.path == [ours.leaf(index), *ours.inclusion(index, size)]
            assert includes(leaf=proof.path[0], index=index, size=size, proof=proof.path[1:], root=root)


def test_consistency_up_to_every_size(both):
    """Whether one log continues another is judged alike; a log with another past is refused by both."""
    other, ours = both
    forked_data = entries(SIZE)
    forked_data[0] = b"forged"
    forked_other, forked = theirs(forked_data), Tree(map(leaf_hash, forked_data))
    rng = random.Random(2)  # noqa: S311 -- cases, not secrets
    for new in range(1, SIZE + 1):
        for old in {1, new, (new + 1) // 2, rng.randrange(1, new + 1), rng.randrange(1, new + 1)}:
            roots = {"old_root": other.get_root(old), "new_root": other.get_root(new)}
            verify_consistency(ours.root(old), ours.root(new), other.prove_consistency(old, new), old, new)
            assert consistent(old=old, new=new, proof=ours.consistency(old, new), **roots)
            with pytest.raises(InvalidProof):
                verify_consistency(ours.root(old), forked.root(new), forked_other.prove_consistency(old, new), old, new)
            false = {"old_root": other.get_root(old), "new_root": forked_other.get_root(new)}
            assert not consistent(old=old, new=new, proof=forked.consistency(old, new), **false)
            assert not consistent(old=old, new=new, proof=ours.consistency(old, new), **false)


@pytest.mark.parametrize("seed", range(5))
def test_random_logs(seed):
    rng = random.Random(seed)  # noqa: S311 -- cases, not secrets
    data = [rng.randbytes(rng.randrange(40)) for _ in range(rng.randrange(301, 2_000))]
    other, ours = theirs(data), Tree(map(leaf_hash, data))
    assert ours.root() == other.get_root()
    for _ in range(40):
        index = rng.randrange(len(data))
        assert other.prove_inclusion(index + 1).path[1:] == ours.inclusion(index, len(data))
        old = rng.randrange(1, len(data) + 1)
        verify_consistency(ours.root(old), ours.root(), other.prove_consistency(old), old, len(data))
        proof = ours.consistency(old, len(data))
        roots = {"old_root": other.get_root(old), "new_root": other.get_root()}
        assert consistent(old=old, new=len(data), proof=proof, **roots)
