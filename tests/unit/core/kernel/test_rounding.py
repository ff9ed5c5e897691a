from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ogniwo.core.kernel.rounding import divide_half_up, split_largest_remainder


@pytest.mark.parametrize(
    ("numerator", "denominator", "expected"), [(5, 2, 3), (-5, 2, -3), (4, 3, 1), (-4, 3, -1), (0, 7, 0), (7, 1, 7)]
)
def test_halves_go_away_from_zero(numerator, denominator, expected):
    assert divide_half_up(numerator, denominator) == expected


members = st.dictionaries(st.text("abcdef", min_size=1, max_size=4), st.integers(0, 10**6), min_size=1, max_size=12)


@given(members, st.integers(-(10**9), 10**9))
def test_a_split_is_exact_fair_to_a_unit_and_blind_to_order(weights, total):
    if not any(weights.values()):
        weights = dict.fromkeys(weights, 1)
    ids = list(weights)
    parts = dict(zip(ids, split_largest_remainder(total=total, weights=list(weights.values()), ids=ids), strict=True))
    assert sum(parts.values()) == total
    whole = sum(weights.values())
    assert all(abs(parts[key] - Fraction(total * weights[key], whole)) < 1 for key in ids)
    backwards = ids[::-1]
    again = split_largest_remainder(total=total, weights=[weights[key] for key in backwards], ids=backwards)
    assert dict(zip(backwards, again, strict=True)) == parts


def test_ties_go_to_the_smaller_id():
    assert split_largest_remainder(total=1, weights=[1, 1], ids=["b", "a"]) == (0, 1)


@pytest.mark.parametrize(
    ("total", "weights", "ids"), [(1, [0], ["a"]), (1, [1, 1], ["a", "a"]), (1, [-1], ["a"]), (1, [1], ["a", "b"])]
)
def test_senseless_splits_are_bugs(total, weights, ids):
    with pytest.raises(ValueError, match=r".+"):
        split_largest_remainder(total=total, weights=weights, ids=ids)


def test_nothing_splits_into_nothing():
    assert split_largest_remainder(total=0, weights=[0, 0], ids=["a", "b"]) == (0, 0)
