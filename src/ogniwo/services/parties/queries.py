"""Read members: the list with what each has and owes, and one member with his address and log names."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from django.db.models import Count, Q

from ogniwo.core.kernel.calendar import Month
from ogniwo.core.kernel.refusals import Refusal
from ogniwo.records.contracts.models import Membership
from ogniwo.records.parties.models import Member
from ogniwo.records.visibility import Subject


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


def list_members(*, subject: Subject, month: Month, search: str = "", state: str = "") -> tuple[MemberSummary, ...]:
    """The members that the subject sees, by number; `search` looks in number, name, town and point codes."""
    rows = Member.objects.all().visible_to(subject).select_related("organisation")
    if search:
        looked = Q(number__icontains=search) | Q(name__icontains=search) | Q(town__icontains=search)
        rows = rows.filter(pk__in=rows.filter(looked | Q(points__code__contains=search)).values("pk"))
    found = _summaries(rows.annotate(count=Count("points")), month)
    return tuple(one for one in found if state in {"", one.state})


def member_details(*, number: str, subject: Subject, month: Month) -> MemberDetails:
    """One member. Raises MemberNotFoundError."""
    rows = Member.objects.all().visible_to(subject).select_related("organisation").filter(number=number)
    member = rows.annotate(count=Count("points")).first()
    if member is None:
        raise MemberNotFoundError(detail=f"there is no member {number}")
    (summary,) = _summaries([member], month)
    return MemberDetails(summary=summary, street=member.street, post_code=member.post_code, nip=member.nip)


def _summaries(members: Iterable[Member], month: Month) -> tuple[MemberSummary, ...]:
    listed = list(members)
    parts: dict[int, list[Membership]] = {}
    memberships = Membership.objects.filter(point__member__in=listed).select_related("point")
    for one in memberships.only("valid_from", "valid_to", "point__member"):
        parts.setdefault(one.point.member_id, []).append(one)
    return tuple(
        MemberSummary(
            number=one.number,
            name=one.name,
            kind=one.kind,
            town=one.town,
            organisation=one.organisation.code,
            points=one.count,  # type: ignore[attr-defined]  # annotated above
            state=_state(parts.get(one.pk, []), month),
            since=min((part.valid_from for part in parts.get(one.pk, [])), default=None),
            until=_until(parts.get(one.pk, [])),
        )
        for one in listed
    )


def _until(parts: list[Membership]) -> date | None:
    """The first day on which no point takes part any more, None while one does."""
    ends = [part.valid_to for part in parts]
    return None if not ends or None in ends else max(end for end in ends if end)


def _state(parts: list[Membership], month: Month) -> str:
    first, end = month.first, month.shifted(1).first
    if any(part.valid_from < end and (part.valid_to is None or part.valid_to > first) for part in parts):
        return "settles"
    if any(part.valid_from >= end for part in parts):
        return "later"
    return "ended" if parts else "none"
