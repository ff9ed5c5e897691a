"""Participation in communities: percentages, five at most, one at a time each."""

from datetime import date

import pytest

from ogniwo.core.contracts.membership import (
    DoubleMembershipError,
    Membership,
    ParticipationError,
    TooManyCommunitiesError,
    check_memberships,
    memberships_on,
)
from ogniwo.core.contracts.supply import EmptyContractError


def membership(community, percent, *, valid_from=date(2026, 1, 1), valid_to=None, point="P1"):
    return Membership(
        community=community,
        member="anna",
        point=point,
        valid_from=valid_from,
        valid_to=valid_to,
        participation_percent=percent,
    )


@pytest.mark.parametrize("percent", [0, -5, 101])
def test_a_percentage_outside_one_to_hundred_is_refused(percent):
    with pytest.raises(ParticipationError):
        membership("sun", percent)


def test_an_empty_validity_is_refused():
    with pytest.raises(EmptyContractError):
        membership("sun", 10, valid_to=date(2025, 12, 31))


def test_five_communities_with_a_whole_are_accepted():
    check_memberships([membership(name, 20) for name in "abcde"])


def test_six_communities_are_refused():
    with pytest.raises(TooManyCommunitiesError, match="6 communities on 2026-01-01"):
        check_memberships([membership(name, 10) for name in "abcdef"])


def test_more_than_the_whole_is_refused_on_the_day_it_begins():
    with pytest.raises(ParticipationError, match="120 % in all on 2026-03-01"):
        check_memberships([membership("a", 60), membership("b", 60, valid_from=date(2026, 3, 1))])


def test_following_memberships_do_not_add_up():
    check_memberships(
        [
            membership("a", 100, valid_to=date(2026, 3, 1)),
            membership("a", 50, valid_from=date(2026, 3, 1)),
            membership("b", 50, valid_from=date(2026, 3, 1)),
            membership("a", 100, point="P2"),
        ]
    )


def test_the_same_community_twice_on_one_day_is_refused():
    with pytest.raises(DoubleMembershipError):
        check_memberships([membership("a", 10), membership("a", 10, valid_from=date(2026, 2, 1))])


def test_memberships_on_a_day_are_those_in_force_by_community():
    all_of_them = [
        membership("b", 40),
        membership("a", 60, valid_to=date(2026, 3, 1)),
        membership("c", 10, valid_from=date(2026, 3, 1)),
        membership("d", 10, point="P2"),
    ]
    on_last_of_february = memberships_on(all_of_them, point="P1", day=date(2026, 2, 28))
    assert [one.community for one in on_last_of_february] == ["a", "b"]
    on_first_of_march = memberships_on(all_of_them, point="P1", day=date(2026, 3, 1))
    assert [one.community for one in on_first_of_march] == ["b", "c"]
