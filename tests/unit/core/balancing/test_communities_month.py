"""The compiled month totals against splits done here in plain Python, in the shapes that take different ways."""

import itertools
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ogniwo.core.balancing.communities import dynamic_month_totals, dynamic_month_totals_reference

NAMES = ("used", "supplied", "taken", "given")


def split(total, weights, ids):
    """Floor every exact share, then one unit each to the largest fractions, ties to the smaller id."""
    whole = sum(weights)
    if whole == 0:
        return [0] * len(weights)
    exact = [Fraction(total * weight, whole) for weight in weights]
    parts = [int(share) for share in exact]
    ranked = sorted(range(len(weights)), key=lambda place: (parts[place] - exact[place], ids[place]))
    for place in ranked[: total - sum(parts)]:
        parts[place] += 1
    return parts


def by_hand(need, feed, ids, offsets, slots_per_hour):
    totals = [[0, 0, 0, 0] for _ in ids]
    for start, end in itertools.pairwise(offsets):
        hourly = [0] * len(ids)
        for slot in range(need.shape[1]):
            needs, offers = need[start:end, slot].tolist(), feed[start:end, slot].tolist()
            shared = min(sum(needs), sum(offers))
            used = split(shared, needs, ids[start:end])
            supplied = split(shared, offers, ids[start:end])
            for place in range(end - start):
                row = start + place
                totals[row][0] += used[place]
                totals[row][1] += supplied[place]
                hourly[row] += needs[place] - used[place] - offers[place] + supplied[place]
                if (slot + 1) % slots_per_hour == 0:
                    totals[row][2] += max(hourly[row], 0)
                    totals[row][3] += max(-hourly[row], 0)
                    hourly[row] = 0
    return totals


def compute(function, need, feed, ids, offsets, slots_per_hour=4):
    result = function(
        import_wh=need.astype(np.int32),
        export_wh=feed.astype(np.int32),
        ids=ids,
        community_offsets=np.array(offsets, dtype=np.int64),
        slots_per_hour=slots_per_hour,
    )
    return np.stack([getattr(result, name) for name in NAMES], axis=1).tolist()


def shuffled_ids(generator, members):
    return tuple(f"p{number:05d}" for number in generator.permutation(members))


@given(data=st.data(), slots_per_hour=st.sampled_from([1, 3, 4]))
@settings(max_examples=60, deadline=None)
def test_random_small_communities_by_hand(data, slots_per_hour):
    sizes = data.draw(st.lists(st.integers(0, 9), min_size=1, max_size=4))
    slots = slots_per_hour * data.draw(st.integers(1, 7))
    generator = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    largest = data.draw(st.sampled_from([1, 3, 60, 5_000, 2**27]))
    shape = (sum(sizes), slots)
    need = generator.integers(0, largest + 1, shape) * (generator.random(shape) < 0.8)
    feed = generator.integers(0, largest + 1, shape) * (generator.random(shape) < 0.4)
    offsets = np.cumsum([0, *sizes]).tolist()
    ids = shuffled_ids(generator, sum(sizes))
    expected = by_hand(need, feed, ids, offsets, slots_per_hour)
    assert compute(dynamic_month_totals, need, feed, ids, offsets, slots_per_hour) == expected


@pytest.mark.parametrize("members", [1, 2, 3, 4, 5, 10, 15, 16, 17, 33])
@pytest.mark.parametrize("share", [0.1, 1.0])
def test_community_sizes_around_groups_of_members(members, share):
    generator = np.random.default_rng(members)
    need = generator.integers(0, 300, (members, 100))
    feed = generator.integers(0, int(600 / share), (members, 100)) * (generator.random((members, 1)) < share)
    ids = shuffled_ids(generator, members)
    expected = by_hand(need, feed, ids, [0, members], 4)
    assert compute(dynamic_month_totals, need, feed, ids, [0, members]) == expected


@pytest.mark.parametrize("sizes", [[10] * 5, [1_000], [1, 2, 10, 400, 1, 150]])
def test_a_month_of_several_blocks_and_tiles(sizes):
    """2,980 slots are many blocks for a thousand members and many tiles for ten."""
    generator = np.random.default_rng(7)
    members, slots = sum(sizes), 2_980 if sum(sizes) < 100 else 300
    need = generator.integers(0, 400, (members, slots))
    sun = generator.integers(0, 3_000, (members, slots)) * (np.arange(slots) % 96 > 40)
    feed = sun * (generator.random((members, 1)) < 0.25)
    ids = shuffled_ids(generator, members)
    offsets = np.cumsum([0, *sizes]).tolist()
    readable = compute(dynamic_month_totals_reference, need, feed, ids, offsets)
    assert compute(dynamic_month_totals, need, feed, ids, offsets) == readable
    if members <= 50:
        assert readable == by_hand(need, feed, ids, offsets, 4)


def test_no_offer_and_no_need_share_nothing():
    ids = ("a", "b", "c")
    some = np.arange(24).reshape(3, 8)
    none = np.zeros_like(some)
    only_need = compute(dynamic_month_totals, some, none, ids, [0, 3])
    assert only_need == [[0, 0, total, 0] for total in some.sum(axis=1).tolist()]
    only_offer = compute(dynamic_month_totals, none, some, ids, [0, 3])
    assert only_offer == [[0, 0, 0, total] for total in some.sum(axis=1).tolist()]
    assert compute(dynamic_month_totals, none, none, ids, [0, 3]) == [[0, 0, 0, 0]] * 3


def test_offer_equal_to_need_leaves_nothing_and_one_unit_more_is_split():
    need = np.array([[3, 3], [4, 4], [0, 0]])
    feed = np.array([[0, 0], [0, 0], [7, 6]])
    totals = compute(dynamic_month_totals, need, feed, ("a", "b", "c"), [0, 3], 1)
    # Slot 2: 6 units by 3 to 4: 2 4/7 and 3 3/7, so the missing unit goes to the member with less need.
    assert totals == [[6, 0, 0, 0], [7, 0, 1, 0], [0, 13, 0, 0]]


@pytest.mark.parametrize("members", [2, 10, 1_000])
def test_equal_remainders_go_to_the_smaller_ids(members):
    need = np.full((members, 4), 5)
    feed = np.zeros((members, 4), dtype=np.int64)
    feed[0] = 5 + members // 2  # one whole unit less for some of them than for others
    ids = shuffled_ids(np.random.default_rng(members), members)
    shared = 5 + members // 2
    whole, extra = divmod(shared, members)
    favoured = set(sorted(ids)[:extra])
    totals = compute(dynamic_month_totals, need, feed, ids, [0, members])
    assert [row[0] for row in totals] == [4 * (whole + (name in favoured)) for name in ids]


@pytest.mark.parametrize("largest", [(2**31 - 1) // 5, (2**31 - 1) // 5 + 1, 2**31 - 1])
def test_values_on_both_sides_of_the_32_bit_guard(largest):
    """Up to a community sum of 2^31 - 1 the kernel computes, above it the readable form; both to the unit."""
    generator = np.random.default_rng(11)
    need = largest - generator.integers(0, 9, (5, 8))
    feed = np.zeros((5, 8), dtype=np.int64)
    feed[1] = largest - generator.integers(0, 9, 8)
    feed[3] = generator.integers(0, largest, 8)
    need[:, 5:] //= 7
    need[0, 0] = largest
    ids = shuffled_ids(generator, 5)
    assert compute(dynamic_month_totals, need, feed, ids, [0, 5]) == by_hand(need, feed, ids, [0, 5], 4)


def test_month_without_slots():
    empty = np.empty((2, 0), dtype=np.int64)
    assert compute(dynamic_month_totals, empty, empty, ("a", "b"), [0, 2]) == [[0, 0, 0, 0]] * 2
