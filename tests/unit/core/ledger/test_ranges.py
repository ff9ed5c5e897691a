"""Range proofs: every true bound has a proof, no false one has, and nothing of a proof can be changed."""

from pathlib import Path

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ogniwo.core.ledger.ranges import (
    DIGITS,
    SIDES,
    SLOTS,
    VALUE_MAX,
    RangeBoundError,
    RangeFalseError,
    RangeProofError,
    commit,
    prove,
    verify,
)

SEED, OTHER_SEED = b"\x01" * 32, b"\x02" * 32
values = st.one_of(
    st.integers(0, VALUE_MAX),
    st.integers(0, 300),
    st.builds(lambda power, away: min(VALUE_MAX, max(0, 16**power + away)), st.integers(0, 10), st.integers(-2, 2)),
)
few = settings(max_examples=25, deadline=None)


def holds(value, side, threshold):
    return value >= threshold if side == "at_least" else value <= threshold


def accepted(proof, roots):
    try:
        verify(proof, at_least=roots[0], at_most=roots[1])
    except RangeProofError:
        return False
    return True


@few
@given(value=values, threshold=values, side=st.sampled_from(SIDES), slot=st.integers(0, SLOTS - 1))
@example(value=0, threshold=0, side="at_least", slot=0)
@example(value=0, threshold=0, side="at_most", slot=0)
@example(value=VALUE_MAX, threshold=VALUE_MAX, side="at_least", slot=7)
@example(value=VALUE_MAX, threshold=0, side="at_least", slot=7)
@example(value=VALUE_MAX, threshold=VALUE_MAX, side="at_most", slot=7)
@example(value=0x1000000000, threshold=0x0FFFFFFFFF, side="at_least", slot=0)
@example(value=0x0FFFFFFFFF, threshold=0x1000000000, side="at_least", slot=0)
def test_a_bound_has_a_proof_exactly_when_it_is_true(value, threshold, side, slot):
    if holds(value, side, threshold):
        proof = prove(value, seed=SEED, side=side, threshold=threshold, slot=slot)
        assert accepted(proof, commit(value, seed=SEED))
        assert len(msgspec.json.encode(proof)) < 1_600
    else:
        with pytest.raises(RangeFalseError):
            prove(value, seed=SEED, side=side, threshold=threshold, slot=slot)


@few
@given(value=values, data=st.data())
def test_a_proof_says_nothing_else(value, data):
    threshold = data.draw(st.integers(0, value))
    proof = prove(value, seed=SEED, side="at_least", threshold=threshold, slot=0)
    roots = commit(value, seed=SEED)
    other = data.draw(values.filter(lambda one: one != threshold))
    changes = {
        "threshold": other,
        "side": "at_most",
        "slot": 1,
        "position": (proof.position + 1) % DIGITS,
        "points": proof.points[1:] + proof.points[:1],
        "others": proof.others[1:] + proof.others[:1],
    }
    for field, changed in changes.items():
        assert not accepted(msgspec.structs.replace(proof, **{field: changed}), roots), field
    for index in range(DIGITS):
        flipped = f"{int(proof.points[index], 16) ^ 1:064x}"
        points = (*proof.points[:index], flipped, *proof.points[index + 1 :])
        assert not accepted(msgspec.structs.replace(proof, points=points), roots)


@few
@given(value=st.integers(0, VALUE_MAX - 1))
def test_the_value_itself_is_proven_and_one_more_is_not(value):
    roots = commit(value, seed=SEED)
    proof = prove(value, seed=SEED, side="at_least", threshold=value, slot=3)
    assert accepted(proof, roots)
    assert not accepted(msgspec.structs.replace(proof, threshold=value + 1), roots)
    above = prove(value + 1, seed=SEED, side="at_least", threshold=value + 1, slot=3)
    assert not accepted(above, roots), "a proof about another value, with the same seed"
    below = prove(value, seed=SEED, side="at_most", threshold=value, slot=3)
    assert accepted(below, roots)


@few
@given(value=values, slot=st.integers(0, SLOTS - 1))
def test_sets_of_chains_share_nothing_that_could_be_mixed(value, slot):
    roots = commit(value, seed=SEED)
    proof = prove(value, seed=SEED, side="at_least", threshold=value, slot=slot)
    elsewhere = prove(value, seed=SEED, side="at_least", threshold=value, slot=(slot + 1) % SLOTS)
    assert not accepted(msgspec.structs.replace(elsewhere, slot=slot), roots)
    assert not set(proof.points) & set(elsewhere.points)


@few
@given(value=values)
def test_another_seed_gives_another_commitment_and_fits_no_other(value):
    mine, other = commit(value, seed=SEED), commit(value, seed=OTHER_SEED)
    assert not set(mine[0] + mine[1]) & set(other[0] + other[1])
    assert len(set(mine[0] + mine[1])) == 2 * SLOTS
    assert not accepted(prove(value, seed=OTHER_SEED, side="at_least", threshold=value, slot=0), mine)
    assert mine == commit(value, seed=SEED)


def test_the_position_shown_does_not_follow_the_value():
    """The same bound of the same value, answered by the same number of the list, stands anywhere."""
    positions = {prove(5, seed=bytes([seed]) * 32, side="at_least", threshold=5, slot=0).position for seed in range(64)}
    assert len(positions) > DIGITS // 2


@pytest.mark.parametrize("value", [-1, VALUE_MAX + 1])
def test_what_does_not_fit_is_refused(value):
    with pytest.raises(RangeBoundError):
        commit(value, seed=SEED)
    with pytest.raises(RangeBoundError):
        prove(5, seed=SEED, side="at_least", threshold=value, slot=0)


def test_the_example_of_the_documentation():
    text = (Path(__file__).resolve().parents[4] / "docs" / "range_proofs.md").read_text(encoding="utf-8")
    block = text.split("```text\n")[1].split("```")[0]
    shown = [line.rpartition(" ")[2] for line in block.splitlines()]
    seed = bytes(range(32))
    at_least, at_most = commit(312_450, seed=seed)
    proof = prove(312_450, seed=seed, side="at_least", threshold=300_000, slot=0)
    assert shown == [at_least[0], at_most[0], str(proof.position), proof.points[-1]]
    assert f"{len(msgspec.json.encode(proof))} bytes of JSON" in text
    assert accepted(proof, (at_least, at_most))
    with pytest.raises(RangeFalseError):
        prove(312_450, seed=seed, side="at_least", threshold=312_451, slot=0)


def test_two_bounds_from_one_set_of_chains_would_be_mixed_and_from_two_sets_are_not():
    """Why a set answers one threshold: digit by digit, 0x19 and 0x91 of one number of the list give 0x99."""
    roots = commit(0x99, seed=SEED)

    def mixed(slot):
        low = prove(0x99, seed=SEED, side="at_least", threshold=0x19, slot=0)
        high = prove(0x99, seed=SEED, side="at_least", threshold=0x91, slot=slot)
        points = (*high.points[:9], low.points[9])
        return msgspec.structs.replace(low, points=points, threshold=0x99)

    assert accepted(mixed(0), roots), "the danger is real"
    assert not accepted(mixed(1), roots)
