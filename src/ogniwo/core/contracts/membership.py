"""Participation of a metering point in communities: dated, in whole per cent, at most five at a time."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from ogniwo.core.contracts.supply import refuse_empty
from ogniwo.core.kernel.refusals import Refusal

COMMUNITIES_MAX = 5
"""A point takes part in at most this many communities at a time (allocation.md, dynamic with participation factor)."""

WHOLE_PERCENT = 100


class ParticipationError(Refusal):
    """A participation is not 1 to 100 per cent, or a point's participations together exceed the whole."""

    code = "contract.participation"


class TooManyCommunitiesError(Refusal):
    """A point takes part in more communities at a time than the rule allows."""

    code = "contract.too_many_communities"


class DoubleMembershipError(Refusal):
    """A point takes part in one community twice on the same day."""

    code = "contract.double_membership"


@dataclass(frozen=True, slots=True, kw_only=True)
class Membership:
    """A point takes part in a community with `participation_percent` (1 to 100) of its energy, [valid_from, valid_to).

    Raises ParticipationError for any other percentage and EmptyContractError for an empty validity.
    """

    community: str
    member: str
    point: str
    valid_from: date
    valid_to: date | None
    participation_percent: int = WHOLE_PERCENT

    def __post_init__(self) -> None:
        if not 1 <= self.participation_percent <= WHOLE_PERCENT:
            raise ParticipationError(
                detail=f"{self.point} in {self.community}: {self.participation_percent} % is not 1 to 100 %"
            )
        refuse_empty(name=f"membership in {self.community}", valid_from=self.valid_from, valid_to=self.valid_to)

    def covers(self, day: date) -> bool:
        """Whether it is in force on a day."""
        return self.valid_from <= day and (self.valid_to is None or day < self.valid_to)


def memberships_on(memberships: Sequence[Membership], *, point: str, day: date) -> tuple[Membership, ...]:
    """The memberships of a point in force on a day, by community."""
    return tuple(
        sorted(
            (one for one in memberships if one.point == point and one.covers(day)),
            key=lambda one: one.community,
        )
    )


def check_memberships(memberships: Sequence[Membership]) -> None:
    """Refuse memberships that break a rule on any day.

    Participation can only grow on a day when some membership begins, so those days are enough. Raises
    DoubleMembershipError, TooManyCommunitiesError or ParticipationError, naming point and day.
    """
    by_point: dict[str, list[Membership]] = {}
    for membership in memberships:
        by_point.setdefault(membership.point, []).append(membership)
    for point, own in sorted(by_point.items()):
        for day in sorted({membership.valid_from for membership in own}):
            _check_day(memberships_on(own, point=point, day=day), point=point, day=day)


def _check_day(in_force: Sequence[Membership], *, point: str, day: date) -> None:
    communities = [membership.community for membership in in_force]
    if len(set(communities)) != len(communities):
        raise DoubleMembershipError(detail=f"{point} is in one community twice on {day}: {', '.join(communities)}")
    if len(communities) > COMMUNITIES_MAX:
        raise TooManyCommunitiesError(
            detail=f"{point} takes part in {len(communities)} communities on {day}, {COMMUNITIES_MAX} are allowed"
        )
    percent = sum(membership.participation_percent for membership in in_force)
    if percent > WHOLE_PERCENT:
        raise ParticipationError(
            detail=f"{point} takes part with {percent} % in all on {day}, at most 100 % is possible"
        )
