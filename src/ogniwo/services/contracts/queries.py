"""Read contracts, memberships and rules as the values the core works on."""

from collections.abc import Sequence
from datetime import date

import msgspec

from ogniwo.core.contracts.supply import SupplyContract
from ogniwo.core.kernel.refusals import Refusal
from ogniwo.core.tariffs.model import PointTerms
from ogniwo.records.contracts.models import Membership, SupplyContractRecord
from ogniwo.records.metering.models import MeteringPoint
from ogniwo.records.parties.models import Organisation
from ogniwo.records.settlement.models import CommunityRules
from ogniwo.records.visibility import Subject


class CommunityNotFoundError(Refusal):
    """There is no such community, or the subject may not see it."""

    code = "community.not_found"


class NoRulesError(Refusal):
    """A community has no settlement rules in force on a day."""

    code = "community.no_rules"


def supply_contract_of(record: SupplyContractRecord) -> SupplyContract[PointTerms]:
    """A stored contract as a value."""
    return SupplyContract(
        number=f"{record.point.code}/{record.valid_from}",
        point=record.point.code,
        member=record.point.member.number,
        valid_from=record.valid_from,
        valid_to=record.valid_to,
        terms=msgspec.convert(record.terms, PointTerms),
    )


def contracts_of_points(points: Sequence[MeteringPoint]) -> tuple[SupplyContract[PointTerms], ...]:
    """All contracts of some points."""
    records = SupplyContractRecord.objects.filter(point__in=points).select_related("point", "point__member")
    return tuple(supply_contract_of(record) for record in records)


def community(*, code: str, subject: Subject) -> Organisation:
    """A community by its code, within what the subject may see; the only one when the code is empty."""
    visible = Organisation.objects.all().visible_to(subject).filter(rules__isnull=False).distinct()
    found = visible.filter(code=code).first() if code else (visible.first() if visible.count() == 1 else None)
    if found is None:
        raise CommunityNotFoundError(detail=_why_no_community(code, sorted(visible.values_list("code", flat=True))))
    return found


def _why_no_community(code: str, known: Sequence[str]) -> str:
    """Why no community was chosen, and what to do: name one of several, or register the first."""
    if not known:
        missing = f"no community {code!r}: " if code else ""
        return (
            f"{missing}there is no community with settlement rules here; register one with `ogniwo workspace register`"
        )
    if not code:
        return f"there are several communities; name one of: {', '.join(known)}"
    return f"no community {code!r}; known: {', '.join(known)}"


def rules_on(*, community: Organisation, day: date) -> CommunityRules:
    """The settlement rules in force on a day."""
    rules = community.rules.filter(valid_from__lte=day).order_by("-valid_from").first()
    if rules is None:
        raise NoRulesError(detail=f"{community.code} has no settlement rules in force on {day}")
    return rules


def memberships_in(*, community: Organisation, first: date, last_exclusive: date) -> tuple[Membership, ...]:
    """Memberships in force on any of the days [first, last_exclusive), by point code."""
    records = (
        Membership.objects.filter(community=community, valid_from__lt=last_exclusive)
        .exclude(valid_to__lte=first)
        .select_related("point", "point__member")
        .order_by("point__code", "valid_from")
    )
    return tuple(records)
