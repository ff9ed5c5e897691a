"""Metering points with what was valid when."""

from datetime import date
from typing import Annotated, Any, Final, Literal

from ninja import Query, Schema
from pydantic import Field

from ogniwo.interfaces.api.context import workspace
from ogniwo.interfaces.api.paging import Many, Page, Paged, Sorting, among, only, page_of
from ogniwo.interfaces.api.registry import ApiRequest, operation
from ogniwo.interfaces.api.values import Instant, Text
from ogniwo.services.access.roles import Act
from ogniwo.services.access.scopes import Scope
from ogniwo.services.metering.queries import PointSummary, point_details, points_below
from ogniwo.services.parties.attributes import attributes_of_point


class PointOut(Schema):
    """A metering point (PPE); `peak_power_w` is 0 where none is registered."""

    ppe: str
    member: str
    member_name: str
    role: str
    source: str
    peak_power_w: int
    group: str
    town: str


class MeterOut(Schema):
    """A meter at the point with its transformer ratios as [primary, secondary]; half-open."""

    serial: str
    valid_from: Instant
    valid_to: Instant | None
    current: list[int]
    voltage: list[int]


class ContractOut(Schema):
    """A supply contract of the point; local days, half-open."""

    operator: str
    group: str
    valid_from: date
    valid_to: date | None
    terms: dict[str, str]


class MembershipOut(Schema):
    """The point's part in a community; local days, half-open."""

    community: str
    valid_from: date
    valid_to: date | None
    share_key: int
    merit_rank: int
    participation_percent: int


class ChannelOut(Schema):
    """How much of a channel (OBIS) is there in a month, and its newest version."""

    month: str
    channel: str
    slot_seconds: int
    slots: int
    present: int
    version: str


class AttributeOut(Schema):
    """An own attribute of the point or of a meter at it (`of`: its code or serial); local days, half-open.

    A period that ends on its first day was taken back and never held. Members' keys see none.
    """

    thing: Literal["point", "meter"]
    of: str
    name: str
    value: str
    valid_from: date
    valid_to: date | None


class PointDetailsOut(PointOut):
    """A point with all that is registered of it and the months it has values for."""

    street: str
    meters: list[MeterOut]
    contracts: list[ContractOut]
    memberships: list[MembershipOut]
    channels: list[ChannelOut]
    attributes: list[AttributeOut]


class PointPage(Page[PointOut]):
    """Points by code."""


_SORTS: Final = Sorting[PointSummary](
    ppe=lambda one: one.code,
    member=lambda one: one.member,
    member_name=lambda one: one.member_name,
    role=lambda one: one.role,
    peak_power_w=lambda one: one.peak_power_w,
    group=lambda one: one.group,
    town=lambda one: one.town,
)


class AskedPoints(Paged):
    """Which points."""

    q: Annotated[Text, Field(description="Looks in code, member and town.")] = ""
    member: Many = []
    role: Annotated[list[Literal["", "consumer", "prosumer", "producer"]], Field(max_length=10)] = []
    group: Many = []
    sort: Annotated[str, _SORTS] = ""


def _values(one: PointSummary) -> dict[str, Any]:
    kept = {name: getattr(one, name) for name in PointOut.model_fields if name != "ppe"}
    return {"ppe": one.code, **kept}


@operation(
    "GET", "/organisations/{code}/points", answer=PointPage, act=Act.SEE_METERING, scope=Scope.METERING_READ, own=True
)
def list_points(request: ApiRequest, code: str, asked: Query[AskedPoints]) -> dict[str, Any]:  # noqa: ARG001 -- the guard read it
    """The metering points of an organisation and of those below it; a member's own."""
    found = points_below(subject=request.caller.subject, search=asked.q, member=only(asked.member))
    return page_of(
        request,
        (
            one
            for one in found
            if among(one.role, asked.role) and among(one.member, asked.member) and among(one.group, asked.group)
        ),
        paged=asked,
        key=lambda one: (one.code,),
        shape=lambda one: PointOut(**_values(one)),
        order=_SORTS.by(asked.sort),
    )


@operation(
    "GET",
    "/organisations/{code}/points/{ppe}",
    answer=PointDetailsOut,
    act=Act.SEE_METERING,
    scope=Scope.METERING_READ,
    own=True,
    versioned=True,
)
def get_point(request: ApiRequest, code: str, ppe: str) -> PointDetailsOut:  # noqa: ARG001 -- the guard read the code
    """One point with meters, contracts, memberships and the months it has values for."""
    found = point_details(workspace(), code=ppe, subject=request.caller.subject)
    return PointDetailsOut(
        **_values(found.summary),
        street=found.street,
        meters=[
            MeterOut(
                serial=one.serial,
                valid_from=one.valid_from,
                valid_to=one.valid_to,
                current=list(one.current),
                voltage=list(one.voltage),
            )
            for one in found.meters
        ],
        contracts=[
            ContractOut(
                operator=one.operator,
                group=one.group,
                valid_from=one.valid_from,
                valid_to=one.valid_to,
                terms={name: str(value) for name, value in one.terms},
            )
            for one in found.contracts
        ],
        memberships=[
            MembershipOut(**{name: getattr(one, name) for name in MembershipOut.model_fields})
            for one in found.memberships
        ],
        channels=[
            ChannelOut(
                month=one.month,
                channel=one.channel,
                slot_seconds=one.slot_s,
                slots=one.slots,
                present=one.present,
                version=one.version,
            )
            for one in found.channels
        ],
        attributes=[
            AttributeOut(
                thing="meter" if one.thing == "meter" else "point",
                of=one.about,
                name=one.name,
                value=one.value,
                valid_from=one.valid_from,
                valid_to=one.valid_to,
            )
            for one in attributes_of_point(code=ppe, subject=request.caller.subject)
        ],
    )
