"""Energy through storages: sums by source, first in first out, losses, chains of periods, unknown origin."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ogniwo.core.balancing.keys import allocate
from ogniwo.core.balancing.model import SharingMethod
from ogniwo.core.balancing.provenance import (
    GRID,
    UNKNOWN,
    CommunityEnergy,
    Lot,
    Origin,
    Source,
    StorageState,
    StorageTerms,
    StorageTermsError,
    trace,
)

IDS = ("battery", "house", "pv", "school", "second", "turbine")
ORIGINS = {"pv": Origin.RENEWABLE, "turbine": Origin.OTHER, "house": Origin.RENEWABLE}
PV, TURBINE = Source(Origin.RENEWABLE, "pv"), Source(Origin.OTHER, "turbine")
HOUR = 3600


def settled(net, ids=IDS):
    """What the settlement says of nets (points, hours): positive is taken, negative given, shared by need."""
    matrix = np.array(net, dtype=np.int64)
    taken, fed = np.maximum(matrix, 0), np.maximum(-matrix, 0)
    shared = allocate(method=SharingMethod.DYNAMIC, need_wh=taken, offer_wh=fed, ids=ids)
    return CommunityEnergy(
        ids=ids,
        start_epoch_s=[hour * HOUR for hour in range(matrix.shape[1])],
        taken=taken,
        given=fed,
        community_in=shared.used,
        community_out=shared.supplied,
    )


def battery(efficiency=1000, point="battery", capacity=0):
    return StorageTerms(point=point, efficiency_permille=efficiency, capacity_wh=capacity)


def rows(found, storage="battery"):
    return {total.source: total for total in found.totals if total.storage == storage}


nets = st.integers(1, 12).flatmap(
    lambda hours: st.lists(
        st.lists(st.integers(-50_000, 50_000), min_size=hours, max_size=hours), min_size=len(IDS), max_size=len(IDS)
    )
)
efficiencies = st.sampled_from([1, 333, 850, 907, 999, 1000])


@given(net=nets, first=efficiencies, second=efficiencies)
@settings(max_examples=60, deadline=None)
def test_every_watt_hour_of_every_source_is_accounted_for(net, first, second):
    energy = settled(net)
    found = trace(energy, storages=[battery(first), battery(second, "second")], states=[], origins=ORIGINS)
    assert all(total.adds_up for total in found.totals)
    assert all(value >= 0 for total in found.totals for value in (total.lost_wh, total.stored_wh, total.out_wh))
    for point, efficiency in (("battery", first), ("second", second)):
        row, own = IDS.index(point), rows(found, point).values()
        assert sum(one.charged_wh for one in own) == energy.taken[row].sum()
        assert sum(one.out_wh for one in own) == energy.given[row].sum()
        assert sum(one.shared_wh for one in own) == energy.community_out[row].sum()
        assert all(one.moved_wh <= one.charged_wh for one in own)
        # what left the lots is what came out of them by the efficiency, with one rounding over the whole period
        covered = sum(one.out_wh - one.unrecorded_wh for one in own)
        assert sum(one.out_wh - one.unrecorded_wh + one.lost_wh for one in own) == covered * 1000 // efficiency
        assert all(one.lost_wh == 0 for one in own) or efficiency < 1000
        assert sum(one.stored_wh for one in own) == sum(
            lot.wh for state in found.states for lot in state.lots if state.point == point
        )
    # no Wh that passed between members is counted twice
    moved = sum(total.moved_wh for total in found.totals)
    assert found.exchanged_wh == found.direct_wh + found.into_storages_wh + sum(found.received_wh.values())
    assert sum(total.shared_wh for total in found.totals) == moved + sum(found.received_wh.values())
    assert 0 <= found.shared_wh <= found.exchanged_wh
    for point, parts in found.received:
        assert sum(parts.values()) <= energy.community_in[IDS.index(point)].sum()
    # a source never gives more to storages than it gave to the community
    for point in ORIGINS:
        fresh = sum(one.charged_wh - one.moved_wh for one in found.totals if one.source.point == point)
        assert fresh <= energy.community_out[IDS.index(point)].sum()


@given(net=nets, efficiency=efficiencies, cut=st.integers(0, 12))
@settings(max_examples=40, deadline=None)
def test_two_periods_give_what_one_gives(net, efficiency, cut):
    storages = [battery(efficiency), battery(900, "second")]
    energy = settled(net)
    whole = trace(energy, storages=storages, states=[], origins=ORIGINS)

    def part(columns):
        return replace(
            energy,
            start_epoch_s=energy.start_epoch_s[columns],
            **{name: getattr(energy, name)[:, columns] for name in ("taken", "given", "community_in", "community_out")},
        )

    before = trace(part(slice(0, cut)), storages=storages, states=[], origins=ORIGINS)
    after = trace(part(slice(cut, None)), storages=storages, states=before.states, origins=ORIGINS)
    assert after.states == whole.states
    assert (*before.movements, *after.movements) == whole.movements
    assert all(total.adds_up for total in after.totals)


@given(net=nets, order=st.permutations(range(len(IDS))))
@settings(max_examples=25, deadline=None)
def test_the_order_of_points_changes_nothing(net, order):
    storages = [battery(910), battery(905, "second")]
    usual = trace(settled(net), storages=storages, states=[], origins=ORIGINS)
    other = trace(
        settled([net[row] for row in order], tuple(IDS[row] for row in order)),
        storages=storages[::-1],
        states=[],
        origins=ORIGINS,
    )
    assert (other.totals, other.movements, other.states, other.received) == (
        usual.totals,
        usual.movements,
        usual.states,
        usual.received,
    )


def test_the_oldest_energy_comes_out_first_and_a_lot_gives_its_sources_in_proportion():
    ids = ("battery", "pv", "school", "turbine")
    found = trace(
        #        charge            charge   out    out
        settled([[4_000, 1_000, -2_000, -2_500], [-2_000, 0, 0, 0], [0, 0, 2_000, 500], [-1_000, 0, 0, 0]], ids),
        storages=[battery()],
        states=[],
        origins=ORIGINS,
    )
    by_hour = {
        hour: {one.source: one.out_wh for one in found.movements if one.start_epoch_s == hour * HOUR and one.out_wh}
        for hour in (2, 3)
    }
    assert by_hour[2] == {PV: 1_000, TURBINE: 500, GRID: 500}
    # the first lot gives its other half, the second only grid energy
    assert by_hour[3] == {PV: 1_000, TURBINE: 500, GRID: 1_000}
    assert found.states == (StorageState(point="battery", lots=(Lot(HOUR, GRID, 500),)),)
    # of 2 500 Wh in the last hour the school used 500; its part of each source is rounded by largest remainder
    assert rows(found)[PV].shared_wh == 1_000 + 200
    assert dict(found.received) == {
        "school": {Origin.RENEWABLE: 1_200, Origin.OTHER: 600, Origin.GRID: 700},
    }
    assert (found.exchanged_wh, found.into_storages_wh, found.direct_wh, found.shared_wh) == (5_500, 3_000, 0, 1_200)


def test_what_no_lot_covers_is_of_unknown_origin_and_a_finding():
    ids = ("battery", "pv", "school")
    found = trace(
        settled([[1_000, -1_500, -100], [-1_000, 0, 0], [0, 1_500, 100]], ids),
        storages=[battery(800)],
        states=[],
        origins=ORIGINS,
    )
    assert {source: total.out_wh for source, total in rows(found).items()} == {PV: 800, UNKNOWN: 800}
    assert (rows(found)[PV].lost_wh, rows(found)[UNKNOWN].unrecorded_wh) == (200, 800)
    (finding,) = found.findings
    assert (finding.code, dict(finding.facts)) == ("storage.more_out_than_stored", {"intervals": "2", "wh": "800"})
    assert found.shared_wh == 800
    assert found.exchanged_wh == 1_000 + 1_600


def test_energy_moved_between_storages_keeps_its_source_and_is_not_charged_twice():
    ids = ("battery", "pv", "school", "second")
    found = trace(
        settled([[1_000, -1_000, 0], [-1_000, 0, 0], [0, 0, 900], [0, 1_000, -900]], ids),
        storages=[battery(), battery(900, "second")],
        states=[],
        origins=ORIGINS,
    )
    assert rows(found, "second")[PV].moved_wh == 1_000
    assert rows(found, "second")[PV].lost_wh == 100
    assert (found.exchanged_wh, found.into_storages_wh, found.shared_wh) == (2_900, 2_000, 900)


def test_more_than_a_storage_can_hold_is_a_finding():
    ids = ("battery", "pv", "school")
    energy = settled([[6_000, 0], [-6_000, 0], [0, 10]], ids)
    within = trace(energy, storages=[battery(900, capacity=5_400)], states=[], origins=ORIGINS)
    above = trace(energy, storages=[battery(900, capacity=5_399)], states=[], origins=ORIGINS)
    assert within.findings == ()
    assert [(one.code, dict(one.facts)["deliverable_wh"]) for one in above.findings] == [
        ("storage.over_capacity", "5400")
    ]


def test_a_declared_change_of_efficiency_never_makes_energy():
    state = StorageState(point="battery", lots=(Lot(0, GRID, 10),), remainder=998)
    found = trace(settled([[-10], [10]], ("battery", "school")), storages=[battery(500)], states=[state], origins={})
    assert {total.source: (total.out_wh, total.lost_wh) for total in found.totals} == {GRID: (5, 5), UNKNOWN: (5, 0)}
    assert all(total.adds_up for total in found.totals)


@pytest.mark.parametrize(("efficiency", "capacity"), [(0, 0), (1001, 0), (900, -1)])
def test_impossible_terms_are_refused(efficiency, capacity):
    with pytest.raises(StorageTermsError) as refusal:
        battery(efficiency, capacity=capacity)
    assert refusal.value.code == "storage.terms"


def test_energy_that_is_no_settlement_is_a_fault():
    one = np.array([[1]], dtype=np.int64)
    nothing = np.zeros_like(one)
    shapes = {"ids": ("a",), "start_epoch_s": [0]}
    with pytest.raises(ValueError, match="net it first"):
        CommunityEnergy(**shapes, taken=one, given=one, community_in=nothing, community_out=nothing)
    with pytest.raises(ValueError, match="more was exchanged"):
        CommunityEnergy(**shapes, taken=nothing, given=nothing, community_in=one, community_out=nothing)
    with pytest.raises(ValueError, match="add up"):
        CommunityEnergy(**shapes, taken=one, given=nothing, community_in=one, community_out=nothing)
    with pytest.raises(ValueError, match="named twice"):
        trace(settled([[0]], ("a",)), storages=[battery()], states=[], origins={})
