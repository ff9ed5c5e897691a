"""Read members: the list with what each has and owes, and one member with his address and log names."""

from collections import Counter
from dataclasses import dataclass
from datetime import date
from typing import Final

from django.db.models import Exists, OuterRef, Q, QuerySet

from ogniwo.core.kernel.calendar import Month
from ogniwo.core.kernel.refusals import Refusal
from ogniwo.records.contracts.models import Membership
from ogniwo.records.metering.models import MeteringPoint
from ogniwo.records.parties.models import Member
from ogniwo.records.visibility import Subject
from ogniwo.services.workspace.listed import Listed

Period = tuple[date, date | None]
"""The days [first, end) of a membership; None: it goes on."""
_COLUMNS: Final = ("number", "name", "kind", "town")


class MemberNotFoundError(Refusal):
    """There is no such member, or the subject may not see him."""

    code = "member.not_found"


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberSummary:
    """A member in a list. `state` of the month: settles, ended, later, or none when no point is in a community."""

    number: str
    name: str
    kind: str
    town: str
    organisation: str
    points: int
    state: str
    since: date | None
    until: date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberDetails:
    """A member with where letters go."""

    summary: MemberSummary
    street: str
    post_code: str
    nip: str


def list_members(*, subject: Subject, month: Month, search: str = "", state: str = "") -> Listed[MemberSummary]:
    """The members that the subject sees, by number; `search` looks in number, name, town and point codes."""
    rows = Member.objects.all().visible_to(subject)
    if search:
        looked = Q(number__icontains=search) | Q(name__icontains=search) | Q(town__icontains=search)
        rows = rows.filter(pk__in=rows.filter(looked | Q(points__code__contains=search)).values("pk"))
    return Listed(rows.filter(_in_state(state, month)) if state else rows, lambda part: _summaries(part, month))


def member_details(*, number: str, subject: Subject, month: Month) -> MemberDetails:
    """One member. Raises MemberNotFoundError."""
    rows = Member.objects.all().visible_to(subject).filter(number=number)
    member = rows.first()
    if member is None:
        raise MemberNotFoundError(detail=f"there is no member {number}")
    (summary,) = _summaries(rows, month)
    return MemberDetails(summary=summary, street=member.street, post_code=member.post_code, nip=member.nip)


def _summaries(members: QuerySet[Member], month: Month) -> tuple[MemberSummary, ...]:
    """Members as rows, with what their points are in and since when; as plain values, as there may be thousands."""
    listed = list(members.values_list("pk", *_COLUMNS, "organisation__code"))
    keys = [row[0] for row in listed]
    parts: dict[int, list[Period]] = {}
    memberships = Membership.objects.filter(point__member__in=keys)
    for owner, first, end in memberships.values_list("point__member", "valid_from", "valid_to"):
        parts.setdefault(owner, []).append((first, end))
    points = Counter(MeteringPoint.objects.filter(member__in=keys).order_by().values_list("member", flat=True))
    return tuple(
        MemberSummary(
            number=number,
            name=name,
            kind=kind,
            town=town,
            organisation=organisation,
            points=points[key],
            state=_state(parts.get(key, []), month),
            since=min((first for first, _ in parts.get(key, [])), default=None),
            until=_until(parts.get(key, [])),
        )
        for key, number, name, kind, town, organisation in listed
    )


def _until(parts: list[Period]) -> date | None:
    """The first day on which no point takes part any more, None while one does."""
    ends = [end for _, end in parts]
    return None if not ends or None in ends else max(end for end in ends if end)


def _state(parts: list[Period], month: Month) -> str:
    first, end = month.first, month.shifted(1).first
    if any(begun < end and (ended is None or ended > first) for begun, ended in parts):
        return "settles"
    if any(begun >= end for begun, _ in parts):
        return "later"
    return "ended" if parts else "none"


def _in_state(state: str, month: Month) -> Q:
    """What `_state` says, as the database tells it; an unknown state fits nobody."""
    first, end = month.first, month.shifted(1).first
    of_member = Membership.objects.filter(point__member=OuterRef("pk"))
    during = Q(valid_from__lt=end) & (Q(valid_to=None) | Q(valid_to__gt=first))
    settles, later, ever = (Q(Exists(of_member.filter(each))) for each in (during, Q(valid_from__gte=end), Q()))
    known = {"settles": settles, "later": ~settles & later, "ended": ~settles & ~later & ever, "none": ~ever}
    return known.get(state, Q(pk__in=()))
