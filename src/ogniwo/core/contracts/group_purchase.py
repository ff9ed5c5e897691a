"""A group buys energy together: what each declares, what offers cost each of them exactly, and what the rule chooses.

Energy is Wh of a year by hour of the local day, so that a price may differ by hour. Prices are 10^-8 zl per MWh net;
the exact cost of a year is in 10^-14 zl and is rounded once, half up, to grosze for each member. Nothing here knows a
clock: instants are seconds since 1970 and come in from outside.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from ogniwo.core.kernel.refusals import Refusal
from ogniwo.core.kernel.rounding import divide_half_up

HOURS = 24
MONTHS = 12
YEAR_WH_MAX = 10**12
"""A terawatt-hour a year: more than any member, and sums of it stay far below what JSON holds exactly."""

_E14_PER_GROSZ = 10**12


class PurchaseTermsError(Refusal):
    """The terms of a group purchase do not hold together: period, order of the deadlines, percentage or code."""

    code = "purchase.terms"


class DeclarationError(Refusal):
    """A declaration names no energy, too much, some below zero, another number of hours than 24, or no ceiling."""

    code = "purchase.declaration"


class OfferError(Refusal):
    """An offer does not price every hour of the day exactly once, or holds a number below zero."""

    code = "purchase.offer"


class NotNowError(Refusal):
    """The group purchase is at another stage: the deadline for this act is over, or its time has not come."""

    code = "purchase.not_now"


class Stage(StrEnum):
    """Where a group purchase stands; each stage ends with a deadline."""

    JOINING = "joining"
    OFFERS = "offers"
    OPENING = "opening"
    VOTING = "voting"
    OVER = "over"


class Choice(StrEnum):
    """What decides: the lowest cost of the whole group, or the members' votes."""

    CHEAPEST = "cheapest"
    VOTES = "votes"


class Weight(StrEnum):
    """What a vote weighs: the member's yearly volume, or the same for everybody."""

    VOLUME = "volume"
    MEMBER = "member"


@dataclass(frozen=True, slots=True, kw_only=True)
class PurchaseTerms:
    """What a group agrees on before anybody joins: supply [first, last_exclusive), four deadlines, how it chooses.

    Declarations come before `join_until_s`; sealed offers from then on before `offers_until_s`, so all see one volume;
    offers are opened before `open_until_s`; votes come before `votes_until_s`. With votes at least `least_percent` of
    all weight has to vote. Raises PurchaseTermsError.
    """

    first: date
    last_exclusive: date
    join_until_s: int
    offers_until_s: int
    open_until_s: int
    votes_until_s: int
    choice: Choice = Choice.VOTES
    weight: Weight = Weight.VOLUME
    least_percent: int = 50

    def __post_init__(self) -> None:
        """Refuse terms that no purchase can follow."""
        if self.last_exclusive <= self.first:
            raise PurchaseTermsError(detail=f"the supply would end on {self.last_exclusive}, before {self.first}")
        deadlines = (self.join_until_s, self.offers_until_s, self.open_until_s, self.votes_until_s)
        if list(deadlines) != sorted(set(deadlines)):
            raise PurchaseTermsError(detail="joining, offers, opening and votes end one after the other")
        if not 0 <= self.least_percent <= 100:
            raise PurchaseTermsError(detail=f"{self.least_percent} is no percentage")

    def stage(self, now_s: int) -> Stage:
        """The stage at an instant; a deadline itself belongs to the next stage."""
        deadlines = (self.join_until_s, self.offers_until_s, self.open_until_s, self.votes_until_s)
        return tuple(Stage)[sum(now_s >= deadline for deadline in deadlines)]

    def require(self, wanted: Stage, *, now_s: int) -> None:
        """Refuse an act that does not belong to the stage of now. Raises NotNowError."""
        stage = self.stage(now_s)
        if stage is not wanted:
            raise NotNowError(detail=f"this belongs to the stage {wanted}, and the purchase is at the stage {stage}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Declaration:
    """A member's yearly energy by hour of the local day (24 x Wh), and the most he pays on average, fees included."""

    member: str
    hours_wh: tuple[int, ...]
    ceiling_e8: int

    def __post_init__(self) -> None:
        """Refuse a declaration that nothing can be compared with. Raises DeclarationError."""
        whole = len(self.hours_wh) == HOURS and min(self.hours_wh) >= 0
        if not whole or not 0 < self.volume_wh <= YEAR_WH_MAX or self.ceiling_e8 <= 0:
            raise DeclarationError(
                detail=f"{self.member}: 24 amounts of Wh, in all above zero and at most {YEAR_WH_MAX}, and a ceiling"
            )

    @property
    def volume_wh(self) -> int:
        """The year's energy."""
        return sum(self.hours_wh)


@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    """Hours of the local day (0 to 23) with one price per MWh, net."""

    hours: tuple[int, ...]
    price_e8: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """What a supplier asks: prices by hour, a fee per member and month (grosze net), and the volume he needs at least.

    Raises OfferError.
    """

    supplier: str
    bands: tuple[Band, ...]
    monthly_grosz: int = 0
    least_wh: int = 0

    def __post_init__(self) -> None:
        """Refuse an offer that prices an hour twice or not at all."""
        hours = sorted(hour for band in self.bands for hour in band.hours)
        if hours != list(range(HOURS)):
            raise OfferError(detail=f"{self.supplier}: every hour from 0 to 23 has exactly one price")
        if min(self.monthly_grosz, self.least_wh, *(band.price_e8 for band in self.bands)) < 0:
            raise OfferError(detail=f"{self.supplier}: no number of an offer is below zero")

    def cost_e14(self, declaration: Declaration) -> int:
        """What a year costs a member, in 10^-14 zl, net."""
        energy = sum(band.price_e8 * declaration.hours_wh[hour] for band in self.bands for hour in band.hours)
        return energy + MONTHS * self.monthly_grosz * _E14_PER_GROSZ


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberCost:
    """A year of one member under an offer; he stays when its average price is not above his ceiling."""

    member: str
    volume_wh: int
    grosz: int
    stays: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedOffer:
    """An offer for the whole group, `group_grosz` being the sum of its members, and for those who would stay.

    It is `available` when those who stay reach the volume that the supplier needs.
    """

    supplier: str
    group_e14: int
    group_grosz: int
    staying_wh: int
    staying_grosz: int
    available: bool
    members: tuple[MemberCost, ...]


class Outcome(StrEnum):
    """Why an offer was chosen, or none."""

    CHEAPEST = "cheapest"
    MOST_VOTES = "most_votes"
    NO_OFFER = "no_offer"
    TOO_FEW_VOTES = "too_few_votes"
    NO_VOTES_FOR_AVAILABLE = "no_votes_for_available"


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """The chosen supplier ("" = none), why, the weight of votes by supplier, and who stays and who is out of it."""

    chosen: str
    outcome: Outcome
    weights: tuple[tuple[str, int], ...]
    voted: int
    weight: int
    stays: tuple[str, ...]
    out: tuple[str, ...]


def pooled(declarations: Sequence[Declaration]) -> tuple[int, ...]:
    """The group's year by hour of the local day, 24 x Wh."""
    return tuple(sum(one.hours_wh[hour] for one in declarations) for hour in range(HOURS))


def compare_offers(declarations: Sequence[Declaration], offers: Sequence[Offer]) -> tuple[ComparedOffer, ...]:
    """Each offer for everybody who declared, the cheapest for the whole group first; equal ones by supplier."""
    compared = [_compared(declarations, offer) for offer in offers]
    return tuple(sorted(compared, key=lambda one: (one.group_e14, one.supplier)))


def _compared(declarations: Sequence[Declaration], offer: Offer) -> ComparedOffer:
    costs = [(one, offer.cost_e14(one)) for one in sorted(declarations, key=lambda one: one.member)]
    members = tuple(
        MemberCost(
            member=one.member,
            volume_wh=one.volume_wh,
            grosz=divide_half_up(cost, _E14_PER_GROSZ),
            stays=cost <= one.ceiling_e8 * one.volume_wh,
        )
        for one, cost in costs
    )
    staying = [one for one in members if one.stays]
    staying_wh = sum(one.volume_wh for one in staying)
    return ComparedOffer(
        supplier=offer.supplier,
        group_e14=sum(cost for _, cost in costs),
        group_grosz=sum(one.grosz for one in members),
        staying_wh=staying_wh,
        staying_grosz=sum(one.grosz for one in staying),
        available=bool(staying) and staying_wh >= offer.least_wh,
        members=members,
    )


def decide(
    terms: PurchaseTerms, declarations: Sequence[Declaration], offers: Sequence[Offer], votes: Mapping[str, str]
) -> Decision:
    """What the rule says. `votes` are suppliers by member; of equal weights the cheaper for the whole group wins.

    An offer that too few members would stay for cannot be chosen, whatever it costs and whoever votes for it.
    """
    compared = compare_offers(declarations, offers)
    worth = {one.member: one.volume_wh if terms.weight is Weight.VOLUME else 1 for one in declarations}
    weights = dict.fromkeys((one.supplier for one in compared), 0)
    for member, supplier in votes.items():
        weights[supplier] += worth[member]
    voted, weight = sum(weights.values()), sum(worth.values())
    chosen, outcome = _chosen(terms, [one for one in compared if one.available], weights, voted=voted, weight=weight)
    members = chosen.members if chosen else ()
    return Decision(
        chosen=chosen.supplier if chosen else "",
        outcome=outcome,
        weights=tuple(sorted(weights.items())),
        voted=voted,
        weight=weight,
        stays=tuple(one.member for one in members if one.stays),
        out=tuple(one.member for one in members if not one.stays),
    )


def _chosen(
    terms: PurchaseTerms, available: Sequence[ComparedOffer], weights: Mapping[str, int], *, voted: int, weight: int
) -> tuple[ComparedOffer | None, Outcome]:
    """`available` stands in the order of cost, so the first of equal weights is the cheapest."""
    if not available:
        return None, Outcome.NO_OFFER
    if terms.choice is Choice.CHEAPEST:
        return available[0], Outcome.CHEAPEST
    if voted * 100 < terms.least_percent * weight:
        return None, Outcome.TOO_FEW_VOTES
    best = max(available, key=lambda one: weights[one.supplier])
    return (best, Outcome.MOST_VOTES) if weights[best.supplier] else (None, Outcome.NO_VOTES_FOR_AVAILABLE)
