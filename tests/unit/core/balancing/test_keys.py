import itertools
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ogniwo.core.balancing.keys import allocate, id_order, split_columns
from ogniwo.core.balancing.model import Allocation, SharingMethod, SharingRulesError
from ogniwo.core.balancing.reference import allocate_reference, split_columns_reference

ALL_METHODS = list(SharingMethod)
COMPLETE = [SharingMethod.DYNAMIC, SharingMethod.HYBRID, SharingMethod.EQUAL, SharingMethod.MERIT_ORDER]


@st.composite
def communities(draw, *, largest=5_000, smallest_key=0):
    """A community of up to nine members with a day of intervals, its ids in no particular order."""
    members = draw(st.integers(1, 9))
    intervals = draw(st.integers(1, 4))
    energy = st.one_of(st.just(0), st.integers(0, 20), st.integers(0, largest))
    cells = st.lists(energy, min_size=members * intervals, max_size=members * intervals)
    names = draw(st.permutations([f"m{index:02d}" for index in range(members)]))
    keys = draw(st.lists(st.integers(smallest_key, 40), min_size=members, max_size=members).filter(any))
    return {
        "need_wh": np.array(draw(cells), dtype=np.int64).reshape(members, intervals),
        "offer_wh": np.array(draw(cells), dtype=np.int64).reshape(members, intervals),
        "ids": tuple(names),
        "keys": tuple(keys),
        "order": tuple(draw(st.permutations(names))),
    }


def run(method, community, **more) -> Allocation:
    return allocate(method=method, **community, **more)


@pytest.mark.parametrize("method", ALL_METHODS)
@given(community=communities())
@settings(max_examples=60, deadline=None)
def test_sums_are_exact_and_nobody_gets_more_than_he_needs(method, community):
    shared = run(method, community)
    need, offer = community["need_wh"], community["offer_wh"]
    assert (shared.used.sum(axis=0) == shared.supplied.sum(axis=0)).all()
    assert (shared.used.sum(axis=0) + shared.surplus.sum(axis=0) == offer.sum(axis=0)).all()
    assert (shared.used.sum(axis=0) + shared.rest.sum(axis=0) == need.sum(axis=0)).all()
    for matrix, limit in ((shared.used, need), (shared.supplied, offer)):
        assert (matrix >= 0).all()
        assert (matrix <= limit).all()
    if shared.allotted is not None:
        assert (shared.used == np.minimum(shared.allotted, need)).all()


@pytest.mark.parametrize("method", COMPLETE)
@given(community=communities(smallest_key=1))
@settings(max_examples=60, deadline=None)
def test_complete_methods_share_the_smaller_of_offer_and_need(method, community):
    shared = run(method, community)
    possible = np.minimum(community["need_wh"].sum(axis=0), community["offer_wh"].sum(axis=0))
    assert (shared.used.sum(axis=0) == possible).all()


@pytest.mark.parametrize("method", ALL_METHODS)
@given(community=communities(), seed=st.integers(0, 2**32 - 1))
@settings(max_examples=60, deadline=None)
def test_the_order_of_the_members_changes_nothing(method, community, seed):
    places = np.random.default_rng(seed).permutation(len(community["ids"]))
    moved = {
        "need_wh": np.ascontiguousarray(community["need_wh"][places]),
        "offer_wh": np.ascontiguousarray(community["offer_wh"][places]),
        "ids": tuple(community["ids"][place] for place in places),
        "keys": tuple(community["keys"][place] for place in places),
        "order": community["order"],
    }
    before, after = run(method, community), run(method, moved)
    assert (before.used[places] == after.used).all()
    assert (before.supplied[places] == after.supplied).all()


@pytest.mark.parametrize("method", ALL_METHODS)
@given(community=communities(largest=10**7))
@settings(max_examples=60, deadline=None)
def test_compiled_and_readable_form_agree(method, community):
    shared = run(method, community)
    allotted, used, supplied = allocate_reference(
        method=method,
        need_wh=community["need_wh"],
        offer_wh=community["offer_wh"],
        ids=community["ids"],
        keys=np.array(community["keys"], dtype=np.int64)[:, np.newaxis],
        order=community["order"],
    )
    assert (shared.used == used).all()
    assert (shared.supplied == supplied).all()
    if shared.allotted is not None:
        assert (shared.allotted == allotted).all()


@pytest.mark.parametrize("method", ALL_METHODS)
def test_compiled_and_readable_form_agree_for_a_large_community(method):
    generator = np.random.default_rng(7)
    members, intervals = 600, 40
    names = tuple(f"p{number:04d}" for number in generator.permutation(members))
    need = generator.integers(0, 60, (members, intervals), dtype=np.int64)
    offer = generator.integers(0, 4_000, (members, intervals)) * (generator.random((members, 1)) < 0.02)
    keys = generator.integers(1, 1_000, (members, 1))
    shared = allocate(
        method=method, need_wh=need, offer_wh=offer, ids=names, keys=tuple(keys[:, 0].tolist()), order=names[::-1]
    )
    _, used, supplied = allocate_reference(
        method=method, need_wh=need, offer_wh=offer, ids=names, keys=keys, order=names[::-1]
    )
    assert (shared.used == used).all()
    assert (shared.supplied == supplied).all()


def level_filling(offered, need, weights):
    """Exact water filling found by trying every member as the last satisfied one."""
    levels = [Fraction(0)] + [Fraction(amount, weight) for amount, weight in zip(need, weights, strict=True)]
    for low in sorted(levels, reverse=True):
        poured = sum(min(Fraction(amount), low * weight) for amount, weight in zip(need, weights, strict=True))
        if poured <= offered:
            open_weight = sum(weight for amount, weight in zip(need, weights, strict=True) if amount > low * weight)
            level = low + (offered - poured) / open_weight if open_weight else low
            return [min(Fraction(amount), level * weight) for amount, weight in zip(need, weights, strict=True)]
    raise AssertionError("level zero pours nothing")


@pytest.mark.parametrize("method", [SharingMethod.HYBRID, SharingMethod.EQUAL])
@given(community=communities(smallest_key=1))
@settings(max_examples=60, deadline=None)
def test_hybrid_and_equal_stay_within_one_wh_of_the_exact_level(method, community):
    shared = run(method, community)
    weights = community["keys"] if method is SharingMethod.HYBRID else (1,) * len(community["ids"])
    for interval in range(shared.used.shape[1]):
        exact = level_filling(
            int(community["offer_wh"][:, interval].sum()), community["need_wh"][:, interval].tolist(), weights
        )
        for wh, share in zip(shared.used[:, interval].tolist(), exact, strict=True):
            assert abs(wh - share) < 1


@given(community=communities(smallest_key=1))
@settings(max_examples=60, deadline=None)
def test_dynamic_and_static_stay_within_one_wh_of_the_exact_share(community):
    need, offer = community["need_wh"], community["offer_wh"]
    for method, weights in ((SharingMethod.DYNAMIC, need), (SharingMethod.STATIC, None)):
        allotted = run(method, community).allotted
        for row, interval in itertools.product(range(need.shape[0]), range(need.shape[1])):
            column = weights[:, interval].tolist() if weights is not None else list(community["keys"])
            if sum(column):
                exact = Fraction(int(offer[:, interval].sum()) * column[row], sum(column))
                assert abs(int(allotted[row, interval]) - exact) < 1


@given(community=communities(), half=st.integers(0, 100))
@settings(max_examples=80, deadline=None)
def test_splitting_a_member_keeps_the_sum(community, half):
    """One member becomes two neighbours in id order that share his need and offer and have half his key each."""
    row = 0
    first = community["need_wh"][row] * half // 100
    first_offer = community["offer_wh"][row] * half // 100
    name = community["ids"][row]
    even = {**community, "keys": tuple(2 * key for key in community["keys"])}
    key = even["keys"][row]
    position = community["order"].index(name)
    split = {
        "need_wh": np.vstack([first, community["need_wh"][row] - first, community["need_wh"][1:]]),
        "offer_wh": np.vstack([first_offer, community["offer_wh"][row] - first_offer, community["offer_wh"][1:]]),
        "ids": (f"{name}a", f"{name}b", *community["ids"][1:]),
        "keys": (key // 2, key // 2, *even["keys"][1:]),
        "order": (
            *community["order"][:position],
            f"{name}a",
            f"{name}b",
            *community["order"][position + 1 :],
        ),
    }
    for method in (SharingMethod.DYNAMIC, SharingMethod.EQUAL, SharingMethod.MERIT_ORDER):
        one, two = run(method, even), run(method, split)
        assert (one.used.sum(axis=0) == two.used.sum(axis=0)).all()
    one, two = run(SharingMethod.MERIT_ORDER, even), run(SharingMethod.MERIT_ORDER, split)
    assert (one.used[1:] == two.used[2:]).all()
    assert (one.used[0] == two.used[:2].sum(axis=0)).all()
    one, two = run(SharingMethod.DYNAMIC, even), run(SharingMethod.DYNAMIC, split)
    assert (abs(one.used[1:] - two.used[2:]) <= 1).all()
    assert (abs(one.used[0] - two.used[:2].sum(axis=0)) <= 2).all()
    one, two = run(SharingMethod.STATIC, even), run(SharingMethod.STATIC, split)
    assert (one.allotted.sum(axis=0) == two.allotted.sum(axis=0)).all()
    assert (abs(one.allotted[1:] - two.allotted[2:]) <= 1).all()
    assert (abs(one.allotted[0] - two.allotted[:2].sum(axis=0)) <= 2).all()


def test_ties_go_to_the_smaller_id_wherever_it_stands():
    need = np.full((3, 1), 10, dtype=np.int64)
    offer = np.array([[7], [0], [0]], dtype=np.int64)
    shared = allocate(method=SharingMethod.DYNAMIC, need_wh=need, offer_wh=offer, ids=("c", "a", "b"))
    assert shared.used[:, 0].tolist() == [2, 3, 2]
    offer[0, 0] = 8
    shared = allocate(method=SharingMethod.EQUAL, need_wh=need, offer_wh=offer, ids=("c", "a", "b"))
    assert shared.used[:, 0].tolist() == [2, 3, 3]


def test_static_table_gives_every_interval_its_own_keys():
    need = np.full((2, 2), 100, dtype=np.int64)
    offer = np.array([[60, 60], [0, 0]], dtype=np.int64)
    table = np.array([[1, 3], [2, 0]], dtype=np.int64)
    shared = allocate(method=SharingMethod.STATIC, need_wh=need, offer_wh=offer, ids=("a", "b"), key_table=table)
    assert shared.allotted is not None
    assert shared.allotted.tolist() == [[20, 60], [40, 0]]


def test_hybrid_gives_nothing_to_a_member_without_a_key():
    need = np.array([[10], [10]], dtype=np.int64)
    offer = np.array([[30], [0]], dtype=np.int64)
    shared = allocate(method=SharingMethod.HYBRID, need_wh=need, offer_wh=offer, ids=("a", "b"), keys=(1, 0))
    assert shared.used[:, 0].tolist() == [10, 0]
    assert shared.surplus[:, 0].tolist() == [20, 0]


def test_participation_is_floored_and_the_rest_stays_outside():
    need = np.array([[101]], dtype=np.int64)
    offer = np.array([[99]], dtype=np.int64)
    shared = allocate(
        method=SharingMethod.DYNAMIC,
        need_wh=need,
        offer_wh=offer,
        ids=("a",),
        participation_percent=(50,),
        offer_participation_percent=(100,),
    )
    assert shared.used[0, 0] == 50
    assert shared.rest[0, 0] == 51
    assert shared.surplus[0, 0] == 49


@given(need=st.integers(0, 10**6), first=st.integers(1, 98), second=st.integers(1, 98))
@settings(max_examples=60, deadline=None)
def test_participation_of_one_meter_in_two_communities_never_exceeds_it(need, first, second):
    second = min(second, 100 - first)
    used = 0
    for percent in (first, second):
        shared = allocate(
            method=SharingMethod.DYNAMIC,
            need_wh=np.array([[need], [0]], dtype=np.int64),
            offer_wh=np.array([[0], [10**7]], dtype=np.int64),
            ids=("a", "b"),
            participation_percent=(percent, 100),
        )
        used += int(shared.used.sum())
    assert used <= need


@pytest.mark.parametrize("method", ALL_METHODS)
def test_energy_beyond_64_bit_products_is_still_exact(method):
    need = np.array([[3 * 10**15], [5 * 10**15], [7]], dtype=np.int64)
    offer = np.array([[10**15 + 1], [0], [10**15]], dtype=np.int64)
    shared = allocate(
        method=method,
        need_wh=need,
        offer_wh=offer,
        ids=("a", "b", "c"),
        keys=(3, 2, 1),
        order=("c", "b", "a"),
    )
    assert shared.used.sum() == shared.supplied.sum()
    if method is SharingMethod.DYNAMIC:
        exact = Fraction((2 * 10**15 + 1) * 3 * 10**15, 8 * 10**15 + 7)
        assert abs(int(shared.used[0, 0]) - exact) < 1


def test_kernel_divides_when_the_reciprocal_would_not_fit():
    need = np.array([[3_000_000], [5_000_001], [7]], dtype=np.int64)
    offer = np.array([[4_000_003], [0], [0]], dtype=np.int64)
    shared = allocate(method=SharingMethod.DYNAMIC, need_wh=need, offer_wh=offer, ids=("a", "b", "c"))
    # 4000003 / 8000008 = 1/2 - 1/8000008, so the shares are 1499999.625, 2499999.875 and 3.4999991: two units missing.
    assert shared.used[:, 0].tolist() == [1_500_000, 2_500_000, 3]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"method": SharingMethod.STATIC}, "either keys or a table"),
        ({"method": SharingMethod.HYBRID, "keys": (1, 2, 3)}, "do not fit"),
        ({"method": SharingMethod.STATIC, "keys": (1, -1)}, "negative"),
        ({"method": SharingMethod.STATIC, "keys": (0, 0)}, "zero"),
        ({"method": SharingMethod.MERIT_ORDER}, "exactly once"),
        ({"method": SharingMethod.MERIT_ORDER, "order": ("a", "a")}, "exactly once"),
        ({"participation_percent": (0, 100)}, "1 to 100"),
        ({"offer_participation_percent": (100,)}, "1 to 100"),
        ({"ids": ("a", "a")}, "unique"),
    ],
)
def test_rules_that_do_not_fit_are_refused(change, words):
    energy = np.ones((2, 1), dtype=np.int64)
    arguments = {"method": SharingMethod.DYNAMIC, "need_wh": energy, "offer_wh": energy, "ids": ("a", "b"), **change}
    with pytest.raises(SharingRulesError, match=words) as refusal:
        allocate(**arguments)
    assert refusal.value.code == "balancing.sharing_rules"


def test_matrices_that_do_not_fit_are_a_bug():
    energy = np.ones((2, 1), dtype=np.int64)
    for need, offer in ((energy, energy[:1]), (energy.astype(np.int32), energy), (-energy, energy)):
        with pytest.raises(ValueError, match=r"fit|int64|negative"):
            allocate(method=SharingMethod.DYNAMIC, need_wh=need, offer_wh=offer, ids=("a", "b"))


@pytest.mark.parametrize("method", ALL_METHODS)
def test_no_interval_and_arrays_are_read_only(method):
    nothing = np.zeros((2, 0), dtype=np.int64)
    shared = allocate(method=method, need_wh=nothing, offer_wh=nothing, ids=("a", "b"), keys=(1, 1), order=("a", "b"))
    assert shared.used.shape == (2, 0)
    assert not shared.used.flags.writeable


@given(community=communities(largest=10**6))
@settings(max_examples=60, deadline=None)
def test_split_columns_is_exact_and_as_readable_form(community):
    weights, ids = community["need_wh"], community["ids"]
    totals = community["offer_wh"].sum(axis=0)
    parts = split_columns(totals=totals, weights=weights, ids=ids)
    assert (parts == split_columns_reference(totals=totals, weights=weights, ids=ids)).all()
    assert (parts.sum(axis=0) == np.where(weights.sum(axis=0) > 0, totals, 0)).all()


def test_split_columns_guards_its_shape_and_large_numbers():
    with pytest.raises(ValueError, match="fit"):
        split_columns(totals=np.ones(2, np.int64), weights=np.ones((2, 1), np.int64), ids=("a", "b"))
    large = np.array([[2**40], [2**41]], dtype=np.int64)
    parts = split_columns(totals=np.array([2**42], dtype=np.int64), weights=large, ids=("a", "b"))
    assert parts[:, 0].tolist() == [2**42 // 3, 2**42 - 2**42 // 3]
    assert split_columns(totals=np.empty(0, np.int64), weights=np.empty((1, 0), np.int64), ids=("a",)).shape == (1, 0)
    assert id_order(("b", "a")).tolist() == [1, 0]
