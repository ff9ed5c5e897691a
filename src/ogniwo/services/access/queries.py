"""What is shown of users and their roles."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import BooleanField, ExpressionWrapper, Q

from ogniwo.records.access.models import Grant, Invitation
from ogniwo.services.access.viewers import organisation_by
from ogniwo.services.workspace.listed import Listed


@dataclass(frozen=True, slots=True)
class Person:
    """A role that somebody has: who, what, for which member, since when, let in by whom."""

    grant_id: int
    login: str
    role: str
    member: str
    since: datetime
    given_by: str


@dataclass(frozen=True, slots=True)
class OpenInvitation:
    """An invitation nobody took up yet."""

    invitation_id: int
    role: str
    member: str
    made_by: str
    expires_at: datetime
    expired: bool


@dataclass(frozen=True, slots=True)
class People:
    """Everybody with a role in one organisation, the office before its members, and who is awaited."""

    organisation: str
    persons: Listed[Person]
    awaited: tuple[OpenInvitation, ...]


def accounts_of_members(path: str, numbers: Collection[str]) -> dict[str, str]:
    """The sign-in of those of some members below a path who have one, by member number."""
    grants = Grant.objects.filter(role="member", ended_at=None, organisation__path__startswith=path)
    return {
        grant.member.number: str(grant.user.get_username())
        for grant in grants.filter(member__number__in=numbers).select_related("user", "member")
        if grant.member
    }


def people_of(code: str, *, now: datetime) -> People:
    """The people of an organisation, for a viewer who was allowed to ask; raises OutOfSightError."""
    organisation = organisation_by(code)
    grants = Grant.objects.filter(organisation=organisation, ended_at=None).select_related("user", "member")
    of_member = ExpressionWrapper(Q(role="member"), BooleanField())
    awaited = Invitation.objects.filter(organisation=organisation, used_at=None, withdrawn_at=None)
    return People(
        organisation=organisation.name,
        persons=Listed(grants.order_by(of_member, "role", "pk"), _persons),
        awaited=tuple(
            OpenInvitation(
                row.pk,
                row.role,
                row.member.name if row.member else "",
                row.made_by,
                row.expires_at,
                expired=row.expires_at <= now,
            )
            for row in awaited.select_related("member")
        ),
    )


def _persons(grants: Iterable[Grant]) -> tuple[Person, ...]:
    return tuple(
        Person(
            grant_id=row.pk,
            login=str(row.user.get_username()),
            role=row.role,
            member=row.member.name if row.member else "",
            since=row.given_at,
            given_by=row.given_by,
        )
        for row in grants
    )
