import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ogniwo.core.balancing.communities import dynamic_month_totals, dynamic_month_totals_reference


def month(*, members, slots, seed):
    generator = np.random.default_rng(seed)
    need = generator.integers(0, 400, (members, slots), dtype=np.int32)
    sun = generator.integers(0, 3_000, (members, slots), dtype=np.int32) * (np.arange(slots) % 96 > 30)
    feed = np.where(generator.random((members, 1)) < 0.25, sun, 0).astype(np.int32)
    return need, feed, tuple(f"p{number:05d}" for number in generator.permutation(members))


def both(need, feed, ids, offsets, slots_per_hour=4):
    arguments = {
        "import_wh": need,
        "export_wh": feed,
        "ids": ids,
        "community_offsets": np.array(offsets, dtype=np.int64),
        "slots_per_hour": slots_per_hour,
    }
    return dynamic_month_totals(**arguments), dynamic_month_totals_reference(**arguments)


def assert_same(first, second):
    for name in ("used", "supplied", "taken", "given"):
        assert (getattr(first, name) == getattr(second, name)).all(), name


@given(seed=st.integers(0, 2**32 - 1), members=st.integers(1, 25), hours=st.integers(1, 20))
@settings(max_examples=40, deadline=None)
def test_totals_are_those_of_sharing_and_netting_one_after_the_other(seed, members, hours):
    need, feed, ids = month(members=members, slots=4 * hours, seed=seed)
    compiled, readable = both(need, feed, ids, [0, members // 2, members])
    assert_same(compiled, readable)
    assert compiled.used.sum() == compiled.supplied.sum()
    balance = need.sum(axis=1, dtype=np.int64) - feed.sum(axis=1, dtype=np.int64)
    assert (compiled.used - compiled.supplied + compiled.taken - compiled.given == balance).all()


def test_one_community_of_a_thousand_and_a_hundred_of_ten():
    need, feed, ids = month(members=1_000, slots=96, seed=3)
    one, readable = both(need, feed, ids, [0, 1_000])
    assert_same(one, readable)
    many, readable = both(need, feed, ids, list(range(0, 1_001, 10)))
    assert_same(many, readable)
    assert one.used.sum() > many.used.sum()
    alone, _ = both(need[40:50], feed[40:50], ids[40:50], [0, 10])
    assert (many.used[40:50] == alone.used).all()


def test_energy_too_large_for_32_bits_takes_the_readable_way():
    need = np.full((3, 4), 2_000_000_000, dtype=np.int32)
    feed = np.array([[0] * 4, [1_000_000_000] * 4, [0] * 4], dtype=np.int32)
    totals, readable = both(need, feed, ("a", "b", "c"), [0, 3])
    assert_same(totals, readable)
    assert totals.used.sum() == 4_000_000_000


def test_no_community_and_offsets_that_do_not_fit():
    empty, _ = both(np.empty((0, 4), np.int32), np.empty((0, 4), np.int32), (), [0])
    assert empty.used.shape == (0,)
    need, feed, ids = month(members=3, slots=4, seed=1)
    with pytest.raises(ValueError, match="offsets"):
        both(need, feed, ids, [0, 2])
    with pytest.raises(ValueError, match="fit"):
        both(need, feed, ids[:2], [0, 2])
