"""Register the sample cooperative in a workspace."""

from datetime import UTC, datetime

from ogniwo.core.kernel.quantities import Rate, RateUnit
from ogniwo.records.parties.models import Organisation
from ogniwo.services.contracts.operations import conclude_contract, join_community, set_community_rules
from ogniwo.services.demo.sample import COMMUNITY_CODE, MEMBER_SINCE, OPERATOR_CODE, POINTS, SamplePoint
from ogniwo.services.parties.operations import (
    Address,
    PointFacts,
    install_meter,
    register_member,
    register_organisation,
    register_point,
)

INTERNAL_PRICE = Rate.parse("430.00", RateUnit.MWH)
COMMUNITY_FEE = Rate.parse("30.00", RateUnit.MWH)
SAMPLE_NIP = "1111111111"
SAMPLE_ACCOUNT_MASK = "000000001111NNNNNNNNNNNN"
PLACE = (52_406_000, 16_929_000)
_GROUPS = {"consumer": "odbiorcy", "prosumer": "prosumenci", "producer": "wytwórcy"}
_STEP_E6 = 900
_PLACES_IN_A_ROW = 8
_TRANSFORMERS = {1: (1, 1), 40: (200, 5)}


def set_up_sample() -> Organisation:
    """Register operator, cooperative, members, points, meters, contracts and rules; safe to repeat."""
    operator = register_organisation(code=OPERATOR_CODE, name="Operator platformy (przykład)", kind="operator")
    cooperative = register_organisation(
        code=COMMUNITY_CODE,
        name="Spółdzielnia Energetyczna Przykładowo",
        kind="partner",
        parent=operator,
        address=Address(street="ul. Wiejska 1", post_code="00-000", town="Przykładowo"),
        nip=SAMPLE_NIP,
        account_mask=SAMPLE_ACCOUNT_MASK,
    )
    set_community_rules(
        community=cooperative,
        valid_from=MEMBER_SINCE,
        method="dynamic",
        internal_price=INTERNAL_PRICE,
        community_fee=COMMUNITY_FEE,
    )
    for sample in POINTS:
        _set_up_point(cooperative, sample)
    return cooperative


def _set_up_point(cooperative: Organisation, sample: SamplePoint) -> None:
    address = Address(street=f"ul. Polna {sample.number}", post_code="00-000", town=sample.town)
    member = register_member(
        organisation=cooperative,
        number=sample.member_number,
        name=sample.name,
        kind="household" if sample.terms.capacity_household else "firm",
        address=address,
    )
    east, north = sample.number % _PLACES_IN_A_ROW, sample.number // _PLACES_IN_A_ROW
    point = register_point(
        member=member,
        code=sample.code,
        facts=PointFacts(
            role=sample.role,
            source=sample.source,
            peak_power_w=sample.peak_power_w,
            latitude_e6=PLACE[0] + north * _STEP_E6,
            longitude_e6=PLACE[1] + east * _STEP_E6,
        ),
        address=address,
        group=f"Gmina Przykładowo/{_GROUPS[sample.role]}",
    )
    install_meter(
        point=point,
        serial=sample.meter,
        valid_from=datetime(2024, 1, 1, tzinfo=UTC),
        current=_TRANSFORMERS[sample.multiplier],
        digits=6,
    )
    conclude_contract(point=point, terms=sample.terms, valid_from=MEMBER_SINCE)
    join_community(
        community=cooperative,
        point=point,
        valid_from=MEMBER_SINCE,
        share_key=sample.share_key,
        merit_rank=sample.merit_rank,
    )
