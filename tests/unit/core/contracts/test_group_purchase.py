"""A group purchase: exact costs, ceilings, stages, and a choice that follows from the rule alone."""

from datetime import date
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ogniwo.core.contracts.group_purchase import (
    Band,
    Choice,
    Declaration,
    DeclarationError,
    NotNowError,
    Offer,
    OfferError,
    Outcome,
    PurchaseTerms,
    PurchaseTermsError,
    Stage,
    Weight,
    compare_offers,
    decide,
    pooled,
)

E8 = 10**8
DAY, NIGHT = tuple(range(6, 22)), (*range(6), 22, 23)


def terms(**changed):
    usual = {
        "first": date(2027, 1, 1),
        "last_exclusive": date(2028, 1, 1),
        "join_until_s": 100,
        "offers_until_s": 200,
        "open_until_s": 300,
        "votes_until_s": 400,
    }
    return PurchaseTerms(**(usual | changed))


def flat(member, kwh, ceiling):
    hours = [kwh * 1000 // 24] * 24
    hours[0] += kwh * 1000 - sum(hours)
    return Declaration(member=member, hours_wh=tuple(hours), ceiling_e8=ceiling * E8)


def offer(supplier, price, **more):
    return Offer(supplier=supplier, bands=(Band(hours=tuple(range(24)), price_e8=price * E8),), **more)


GROUP = (flat("a", 2_000, 600), flat("b", 3_000, 520), flat("c", 15_000, 700))


def test_an_example_by_hand():
    """2 MWh at 550 zl is 1100 zl, with 5 zl a month 1160 zl; b pays 560 on average and wanted at most 520."""
    (plain,) = compare_offers(GROUP, [offer("x", 550)])
    assert [(one.member, one.grosz, one.stays) for one in plain.members] == [
        ("a", 110_000, True),
        ("b", 165_000, False),
        ("c", 825_000, True),
    ]
    assert (plain.group_grosz, plain.staying_grosz, plain.staying_wh) == (1_100_000, 935_000, 17_000_000)
    (fee,) = compare_offers(GROUP, [offer("x", 550, monthly_grosz=500)])
    assert [one.grosz for one in fee.members] == [116_000, 171_000, 831_000]
    # a pays 580 on average, fees included: still below his 600; at 7 zl a month it is 592, at 10 zl 610
    assert [
        compare_offers(GROUP, [offer("x", 550, monthly_grosz=fee)])[0].members[0].stays for fee in (700, 833, 834, 1000)
    ] == [True, True, False, False]


def test_prices_by_hour_follow_the_profile():
    night = Declaration(member="n", hours_wh=tuple(1_000 if hour in NIGHT else 0 for hour in range(24)), ceiling_e8=E8)
    two = Offer(supplier="x", bands=(Band(hours=DAY, price_e8=700 * E8), Band(hours=NIGHT, price_e8=300 * E8)))
    assert two.cost_e14(night) == 8_000 * 300 * E8
    assert pooled([night, GROUP[0]])[0] == 1_000 + GROUP[0].hours_wh[0]


@pytest.mark.parametrize(
    ("now", "stage"),
    [
        (0, "joining"),
        (99, "joining"),
        (100, "offers"),
        (200, "opening"),
        (300, "voting"),
        (400, "over"),
        (10**9, "over"),
    ],
)
def test_each_act_has_its_stage(now, stage):
    assert terms().stage(now) == stage
    for wanted in Stage:
        if wanted == stage:
            terms().require(wanted, now_s=now)
        else:
            with pytest.raises(NotNowError, match=stage):
                terms().require(wanted, now_s=now)


@pytest.mark.parametrize(
    "changed",
    [{"last_exclusive": date(2027, 1, 1)}, {"offers_until_s": 100}, {"votes_until_s": 1}, {"least_percent": 101}],
)
def test_terms_that_do_not_hold_together(changed):
    with pytest.raises(PurchaseTermsError):
        terms(**changed)


def test_declarations_and_offers_that_say_nothing():
    for hours, ceiling in (((0,) * 24, 1), ((1,) * 23, 1), ((10**12,) * 24, 1), ((1,) * 24, 0), ((-1, *(1,) * 23), 1)):
        with pytest.raises(DeclarationError):
            Declaration(member="a", hours_wh=hours, ceiling_e8=ceiling)
    for bands in ((), (Band(hours=DAY, price_e8=1),), (Band(hours=tuple(range(24)), price_e8=-1),)):
        with pytest.raises(OfferError):
            Offer(supplier="x", bands=bands)
    with pytest.raises(OfferError):
        Offer(supplier="x", bands=(Band(hours=DAY, price_e8=1), Band(hours=(*NIGHT, 6), price_e8=1)))


def test_votes_by_volume_and_by_member():
    offers = [offer("x", 500), offer("y", 510)]
    votes = {"a": "x", "b": "x", "c": "y"}
    by_volume = decide(terms(), GROUP, offers, votes)
    assert (by_volume.chosen, by_volume.outcome, by_volume.weights) == (
        "y",
        Outcome.MOST_VOTES,
        (("x", 5_000_000), ("y", 15_000_000)),
    )
    by_member = decide(terms(weight=Weight.MEMBER), GROUP, offers, votes)
    assert (by_member.chosen, by_member.voted, by_member.weight) == ("x", 3, 3)
    assert decide(terms(choice=Choice.CHEAPEST), GROUP, offers, votes).chosen == "x"


def test_too_few_votes_choose_nothing():
    offers = [offer("x", 500), offer("y", 510)]
    few = decide(terms(), GROUP, offers, {"a": "x", "b": "x"})
    assert (few.chosen, few.outcome, few.stays, few.out) == ("", Outcome.TOO_FEW_VOTES, (), ())
    assert decide(terms(least_percent=25), GROUP, offers, {"a": "x", "b": "x"}).chosen == "x"
    assert decide(terms(least_percent=0), GROUP, offers, {}).outcome is Outcome.NO_VOTES_FOR_AVAILABLE


def test_an_offer_that_too_few_would_stay_for_cannot_win():
    offers = [offer("x", 550, least_wh=18_000_000), offer("y", 560)]
    decision = decide(terms(), GROUP, offers, {"a": "x", "b": "x", "c": "x"})
    assert decision.outcome is Outcome.NO_VOTES_FOR_AVAILABLE
    assert decide(terms(choice=Choice.CHEAPEST), GROUP, offers, {}).chosen == "y"
    assert decide(terms(), GROUP, [offers[0]], {"c": "x"}).outcome is Outcome.NO_OFFER


HOURS_WH = st.lists(st.integers(0, 10**7), min_size=24, max_size=24).filter(any).map(tuple)
GROUPS = st.lists(st.tuples(HOURS_WH, st.integers(1, 1_000 * E8)), min_size=1, max_size=5).map(
    lambda rows: [Declaration(member=f"m{i}", hours_wh=one, ceiling_e8=top) for i, (one, top) in enumerate(rows)]
)
OFFERS = st.lists(
    st.tuples(st.integers(0, 1_000 * E8), st.integers(0, 1_000 * E8), st.integers(0, 5_000), st.integers(0, 10**8)),
    min_size=1,
    max_size=4,
).map(
    lambda rows: [
        Offer(
            supplier=f"s{i}",
            bands=(Band(hours=DAY, price_e8=day), Band(hours=NIGHT, price_e8=night)),
            monthly_grosz=fee,
            least_wh=least,
        )
        for i, (day, night, fee, least) in enumerate(rows)
    ]
)


@given(GROUPS, OFFERS, st.data())
def test_whatever_is_chosen_follows_from_what_was_said(group, offers, data):
    rules = terms(choice=data.draw(st.sampled_from(list(Choice))), weight=data.draw(st.sampled_from(list(Weight))))
    names = [one.supplier for one in offers]
    votes = {
        one.member: data.draw(st.sampled_from(names)) for one in group if data.draw(st.booleans(), label=one.member)
    }
    decision = decide(rules, group, offers, votes)
    shuffled = decide(rules, data.draw(st.permutations(group)), data.draw(st.permutations(offers)), votes)
    assert shuffled == decision
    assert decision.voted == sum(weight for _, weight in decision.weights) <= decision.weight
    by_name = {one.supplier: one for one in compare_offers(group, offers)}
    for one in by_name.values():
        assert one.group_grosz == sum(cost.grosz for cost in one.members)
        for cost, declared in zip(one.members, group, strict=True):
            exact = Fraction(offers[names.index(one.supplier)].cost_e14(declared), 10**12)
            assert abs(cost.grosz - exact) <= Fraction(1, 2)
            assert cost.stays == (exact * 10**12 / declared.volume_wh <= declared.ceiling_e8)
    if not decision.chosen:
        assert not decision.stays
        return
    chosen = by_name[decision.chosen]
    assert chosen.available
    assert {*decision.stays, *decision.out} == {one.member for one in group}
    weights = dict(decision.weights)
    for other in by_name.values():
        if not other.available:
            continue
        if rules.choice is Choice.CHEAPEST:
            assert chosen.group_e14 <= other.group_e14
        else:
            assert (-weights[chosen.supplier], chosen.group_e14) <= (-weights[other.supplier], other.group_e14)
