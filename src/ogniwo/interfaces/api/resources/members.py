"""Members of an organisation and of those below it."""

from datetime import date
from typing import Annotated, Any, Final, Literal

from ninja import Query, Schema
from pydantic import Field

from ogniwo.core.kernel.calendar import Month
from ogniwo.interfaces.api.context import workspace
from ogniwo.interfaces.api.paging import Page, Paged, Sorting, among, page_of
from ogniwo.interfaces.api.registry import ApiRequest, operation
from ogniwo.interfaces.api.values import MonthText, Text
from ogniwo.services.access.roles import Act
from ogniwo.services.access.scopes import Scope
from ogniwo.services.parties.queries import MemberSummary, member_details
from ogniwo.services.parties.queries import list_members as members_seen


class MemberOut(Schema):
    """A member; `state` of the month: settles, ended, later, or none when no point of his is in a community."""

    number: str
    name: str
    kind: str
    town: str
    organisation: str
    points: int
    state: str
    since: date | None
    until: date | None


class MemberDetailsOut(MemberOut):
    """A member with where letters go."""

    street: str
    post_code: str
    nip: str


class MemberPage(Page[MemberOut]):
    """Members by number."""


_SORTS: Final = Sorting[MemberSummary](
    number=lambda one: one.number,
    name=lambda one: one.name,
    kind=lambda one: one.kind,
    town=lambda one: one.town,
    points=lambda one: one.points,
    since=lambda one: one.since,
    until=lambda one: one.until,
)


class AskedMembers(Paged):
    """Which members."""

    month: MonthText | None = None
    q: Annotated[Text, Field(description="Looks in number, name, town and point codes.")] = ""
    state: Annotated[list[Literal["", "settles", "ended", "later", "none"]], Field(max_length=10)] = []
    sort: Annotated[str, _SORTS] = ""


def month_or_last(text: str | None) -> Month:
    """The month asked for, or the last whole one."""
    today = workspace().today()
    return Month.parse(text) if text else Month(today.year, today.month).shifted(-1)


def _values(one: MemberSummary) -> dict[str, Any]:
    return {name: getattr(one, name) for name in MemberOut.model_fields}


@operation("GET", "/organisations/{code}/members", answer=MemberPage, act=Act.SEE_MEMBERS, scope=Scope.MEMBERS_READ)
def list_members(request: ApiRequest, code: str, asked: Query[AskedMembers]) -> dict[str, Any]:  # noqa: ARG001 -- the guard read it
    """The members of an organisation and of those below it, by number."""
    found = members_seen(subject=request.caller.subject, month=month_or_last(asked.month), search=asked.q)
    return page_of(
        request,
        (one for one in found if among(one.state, asked.state)),
        paged=asked,
        key=lambda one: (one.number,),
        shape=lambda one: MemberOut(**_values(one)),
        order=_SORTS.by(asked.sort),
    )


@operation(
    "GET",
    "/organisations/{code}/members/{number}",
    answer=MemberDetailsOut,
    act=Act.SEE_MEMBERS,
    scope=Scope.MEMBERS_READ,
    versioned=True,
)
def get_member(request: ApiRequest, code: str, number: str, month: MonthText | None = None) -> MemberDetailsOut:  # noqa: ARG001 -- the guard read the code
    """One member with his address."""
    found = member_details(number=number, subject=request.caller.subject, month=month_or_last(month))
    return MemberDetailsOut(**_values(found.summary), street=found.street, post_code=found.post_code, nip=found.nip)
