"""Who looks: a signed-in user with his open grants, and the subject he is in an organisation."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from ogniwo.core.kernel.refusals import Refusal
from ogniwo.records.access.models import Grant
from ogniwo.records.parties.models import Member, Organisation
from ogniwo.records.visibility import Subject
from ogniwo.services.access.roles import ALLOWED, Act, Role


class OutOfSightError(Refusal):
    """There is no such thing for this viewer: it does not exist, or he may not know that it does."""

    code = "access.not_found"


class NotAllowedError(Refusal):
    """The viewer sees this, but his role does not do that."""

    code = "access.not_allowed"


@dataclass(frozen=True, slots=True)
class Standing:
    """One open grant: a role in an organisation (code, name, path), for a member with his number."""

    role: Role
    code: str
    name: str
    path: str
    member_number: str = ""

    @property
    def subject(self) -> Subject:
        """What this grant lets see: an operator all of the installation, a member only himself."""
        return Subject("/" if self.role == Role.OPERATOR else self.path, self.member_number)


@dataclass(frozen=True, slots=True)
class Viewer:
    """A signed-in user and what he is where; `user_id` 0 with no standings is nobody."""

    user_id: int
    login: str
    standings: tuple[Standing, ...]

    def at(self, act: Act, *, path: str = "") -> Standing:
        """The standing under which the viewer does this, on an organisation's path or (empty) wherever he may.

        Raises OutOfSightError when nothing of his reaches the path, NotAllowedError when he sees it but may not.
        """
        reaching = [each for each in self.standings if not path or path.startswith(each.subject.path)]
        if not reaching:
            raise OutOfSightError(detail="there is nothing here")
        for standing in reaching:
            if act in ALLOWED[standing.role]:
                return standing
        raise NotAllowedError(detail=f"your role does not allow this ({act.value})")

    def may(self, act: Act, *, path: str = "") -> bool:
        """Whether `at` would give a standing."""
        return any(
            act in ALLOWED[each.role] and (not path or path.startswith(each.subject.path)) for each in self.standings
        )


NOBODY = Viewer(0, "", ())


def wallet_of(viewer: Viewer, *, place: str, number: str, looks: bool) -> Standing:
    """The standing of a member in an organisation (its path): the viewer's own, or another's whom he `looks` as.

    Raises OutOfSightError when the viewer may not know of the member, NotAllowedError when the wallet is not his.
    """
    for own in viewer.standings:
        if own.role == Role.MEMBER and own.path == place and own.member_number == number:
            return own
    if not looks or not viewer.may(Act.ACT_AS_MEMBER, path=place):
        seen = any(place.startswith(each.subject.path) for each in viewer.standings if each.role != Role.MEMBER)
        if not seen:
            raise OutOfSightError(detail="there is nothing here")
        raise NotAllowedError(detail=f"your role does not allow this ({Act.OWN_WALLET.value})")
    member = Member.objects.filter(organisation__path=place, number=number).select_related("organisation").first()
    if member is None:
        raise OutOfSightError(detail="there is nothing here")
    found = member.organisation
    return Standing(role=Role.MEMBER, code=found.code, name=found.name, path=found.path, member_number=number)


def viewer_of(user_id: int, login: str) -> Viewer:
    """The viewer that a signed-in user is now."""
    grants = Grant.objects.filter(user_id=user_id, ended_at=None).select_related("organisation", "member")
    return Viewer(
        user_id,
        login,
        tuple(
            Standing(
                role=Role(grant.role),
                code=grant.organisation.code,
                name=grant.organisation.name,
                path=grant.organisation.path,
                member_number=grant.member.number if grant.member else "",
            )
            for grant in grants
        ),
    )


def organisations_of(viewer: Viewer) -> tuple[Organisation, ...]:
    """All organisations that the viewer works in, by path; none for a member."""
    subjects = [each.subject for each in viewer.standings if each.role != Role.MEMBER]
    found: dict[str, Organisation] = {}
    for subject in subjects:
        found.update({row.path: row for row in Organisation.objects.all().visible_to(subject)})
    return tuple(found[path] for path in sorted(found))


_PLACES: ContextVar[dict[str, str] | None] = ContextVar("places", default=None)
"""Paths found during one request: a page asks for its own several times, and a path never changes."""


@contextmanager
def remembering_places() -> Iterator[None]:
    """Ask for the place of each organisation once inside."""
    token = _PLACES.set({})
    try:
        yield
    finally:
        _PLACES.reset(token)


@contextmanager
def out_of_sight(*refusals: type[Refusal]) -> Iterator[None]:
    """Let these refusals, such as that something of others is not found, look like nothing at all."""
    try:
        yield
    except refusals as refusal:
        raise OutOfSightError(detail=refusal.detail) from refusal


def organisation_by(code: str, *, viewer: Viewer | None = None) -> Organisation:
    """The organisation of a code, which the viewer sees where one asks; raises OutOfSightError."""
    row = Organisation.objects.filter(code=code).first()
    if row is None or (viewer is not None and not viewer.may(Act.SEE_ORGANISATION, path=row.path)):
        raise OutOfSightError(detail=f"there is no organisation {code}")
    return row


def place_of(code: str) -> str | None:
    """The path of an organisation, or None; what a viewer may know of it is asked with `Viewer.at`."""
    known = _PLACES.get()
    if known is not None and code in known:
        return known[code]
    path = Organisation.objects.filter(code=code).values_list("path", flat=True).first()
    if known is not None and path is not None:
        known[code] = path
    return path
