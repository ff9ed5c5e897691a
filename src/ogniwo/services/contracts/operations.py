"""Conclude supply contracts, join communities, set a community's rules.

Repeating the same changes nothing; an open contract or membership repeated with an end ends then; anything else that
differs is refused.
"""

from datetime import date

import msgspec
from django.db import transaction

from ogniwo.core.contracts import membership as core_membership
from ogniwo.core.contracts.supply import SupplyContract, refuse_empty, segments
from ogniwo.core.kernel.quantities import Rate
from ogniwo.core.settlement.kept import Corrections
from ogniwo.core.tariffs.model import PointTerms
from ogniwo.records.contracts.models import Membership, SupplyContractRecord
from ogniwo.records.metering.models import MeteringPoint
from ogniwo.records.parties.models import Organisation
from ogniwo.records.settlement.models import CommunityRules
from ogniwo.services.contracts.queries import supply_contract_of
from ogniwo.services.parties.registered import end_period, require_same

_FAR = date(9999, 1, 1)


@transaction.atomic
def conclude_contract(
    *, point: MeteringPoint, terms: PointTerms, valid_from: date, valid_to: date | None = None
) -> SupplyContractRecord:
    """Put a supply contract in force, or end it; refuses one that overlaps another of the same point."""
    name = f"the contract of {point.code} from {valid_from}"
    refuse_empty(name=name, valid_from=valid_from, valid_to=valid_to)
    facts = {"operator": terms.operator, "group": terms.group, "terms": msgspec.to_builtins(terms)}
    record, created = SupplyContractRecord.objects.get_or_create(
        point=point, valid_from=valid_from, defaults={"valid_to": valid_to, **facts}
    )
    if not created:
        require_same(record, facts, name=name)
        end_period(record, valid_to, name=name)
    else:
        contracts: list[SupplyContract[PointTerms]] = [supply_contract_of(one) for one in point.contracts.all()]
        segments(contracts, point=point.code, first=valid_from, last_exclusive=valid_to or _FAR)
    return record


@transaction.atomic
def join_community(
    *,
    community: Organisation,
    point: MeteringPoint,
    valid_from: date,
    valid_to: date | None = None,
    share_key: int = 1,
    merit_rank: int = 0,
    participation_percent: int = 100,
) -> Membership:
    """Let a point take part in a community, or end it; refuses more than five communities or 100 per cent."""
    name = f"the membership of {point.code} in {community.code} from {valid_from}"
    refuse_empty(name=name, valid_from=valid_from, valid_to=valid_to)
    facts = {"share_key": share_key, "merit_rank": merit_rank, "participation_percent": participation_percent}
    record, created = Membership.objects.get_or_create(
        community=community, point=point, valid_from=valid_from, defaults={"valid_to": valid_to, **facts}
    )
    if not created:
        require_same(record, facts, name=name)
        end_period(record, valid_to, name=name)
    else:
        core_membership.check_memberships(
            [
                core_membership.Membership(
                    community=one.community.code,
                    member=point.member.number,
                    point=point.code,
                    valid_from=one.valid_from,
                    valid_to=one.valid_to,
                    participation_percent=one.participation_percent,
                )
                for one in Membership.objects.filter(point=point).select_related("community")
            ]
        )
    return record


@transaction.atomic
def set_community_rules(
    *,
    community: Organisation,
    valid_from: date,
    method: str,
    internal_price: Rate,
    community_fee: Rate,
    injection_share: tuple[int, int] = (6, 10),
    pool_months: int = 12,
    corrections: Corrections = Corrections.REALLOCATE,
) -> CommunityRules:
    """Set how a community settles from a day on; prices are per MWh."""
    facts = {
        "method": method,
        "internal_price_e8": internal_price.value_e8,
        "community_fee_e8": community_fee.value_e8,
        "injection_numerator": injection_share[0],
        "injection_denominator": injection_share[1],
        "pool_months": pool_months,
        "corrections": corrections.value,
    }
    rules, created = CommunityRules.objects.get_or_create(community=community, valid_from=valid_from, defaults=facts)
    if not created:
        require_same(rules, facts, name=f"rules of {community.code} from {valid_from}")
    return rules
