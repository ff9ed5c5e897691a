"""Let people in: a link for one role, once; withdrawing one; ending a grant."""

import secrets
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256

from django.contrib.auth import get_user_model
from django.db import transaction

from ogniwo.core.kernel.refusals import Refusal
from ogniwo.records.access.models import Grant, Invitation
from ogniwo.records.parties.models import Member, Organisation
from ogniwo.services.access.roles import INVITES, Act, Role
from ogniwo.services.access.viewers import NotAllowedError, OutOfSightError, Viewer, organisation_by
from ogniwo.services.workspace.audit import record_act
from ogniwo.services.workspace.model import Workspace

INVITATION_DAYS = 14


class InvitationError(Refusal):
    """The link is not one of ours, was used, withdrawn, or has expired."""

    code = "access.invitation"


class LastGrantError(Refusal):
    """Nobody would be left to run the installation."""

    code = "access.last_operator"


@dataclass(frozen=True, slots=True)
class Invited:
    """What an invitation offers, to show before it is accepted."""

    organisation: str
    role: Role
    member: str


def invite(workspace: Workspace, *, viewer: Viewer, code: str, role: Role, member_number: str = "") -> str:
    """Make a link secret for one role in an organisation; raises OutOfSightError or NotAllowedError."""
    organisation = organisation_by(code, viewer=viewer)
    standing = viewer.at(Act.MANAGE_ACCESS, path=organisation.path)
    if role not in INVITES[standing.role]:
        raise NotAllowedError(detail=f"your role does not let anybody in as {role.value}")
    member = _member(organisation, member_number) if role == Role.MEMBER else None
    return _open(workspace, organisation, role, member, by=viewer.login)


def invite_first_operator(workspace: Workspace, *, code: str, by: str) -> str:
    """A link for an operator of the installation, made on the machine itself."""
    organisation = Organisation.objects.filter(code=code, parent=None).first()
    if organisation is None:
        raise OutOfSightError(detail=f"{code} is not the organisation at the top")
    return _open(workspace, organisation, Role.OPERATOR, None, by=by)


def _open(workspace: Workspace, organisation: Organisation, role: Role, member: Member | None, *, by: str) -> str:
    secret = secrets.token_urlsafe(24)
    now = workspace.now()
    with transaction.atomic():
        Invitation.objects.create(
            digest=sha256(secret.encode()).hexdigest(),
            organisation=organisation,
            role=role.value,
            member=member,
            made_by=by,
            made_at=now,
            expires_at=now + timedelta(days=INVITATION_DAYS),
        )
        facts = {"role": role.value, "member": member.number if member else ""}
        record_act(workspace, action="access.invite", target=organisation.code, facts=facts, subject=by)
    return secret


def invited(workspace: Workspace, *, secret: str) -> Invited:
    """What a link offers; raises InvitationError."""
    row = _usable(workspace, secret)
    return Invited(row.organisation.name, Role(row.role), row.member.name if row.member else "")


def accept(workspace: Workspace, *, secret: str, user_id: int) -> None:
    """Give the user what the link offers and use it up; raises InvitationError."""
    with transaction.atomic():
        row = _usable(workspace, secret)
        user = get_user_model().objects.get(pk=user_id)
        taken = Invitation.objects.filter(pk=row.pk, used_at=None).update(used_at=workspace.now(), used_by=user)
        if not taken:
            raise InvitationError(detail="this invitation was used")
        Grant.objects.get_or_create(
            user=user,
            organisation=row.organisation,
            role=row.role,
            member=row.member,
            ended_at=None,
            defaults={"given_by": row.made_by, "given_at": workspace.now()},
        )
        record_act(
            workspace,
            action="access.accept",
            target=row.organisation.code,
            facts={"role": row.role, "invited_by": row.made_by},
            subject=str(user.get_username()),
        )


def withdraw_invitation(workspace: Workspace, *, viewer: Viewer, invitation_id: int) -> None:
    """Make an open invitation worthless. Raises OutOfSightError, NotAllowedError."""
    row = Invitation.objects.select_related("organisation").filter(pk=invitation_id, used_at=None).first()
    if row is None or row.withdrawn_at or not viewer.may(Act.SEE_ORGANISATION, path=row.organisation.path):
        raise OutOfSightError(detail="there is no such invitation")
    standing = viewer.at(Act.MANAGE_ACCESS, path=row.organisation.path)
    if Role(row.role) not in INVITES[standing.role]:
        raise NotAllowedError(detail=f"your role does not withdraw the invitation of a {row.role}")
    with transaction.atomic():
        taken = Invitation.objects.filter(pk=row.pk, used_at=None).update(withdrawn_at=workspace.now())
        if not taken:
            raise InvitationError(detail="this invitation was used just now")
        facts = {"role": row.role, "made_by": row.made_by}
        record_act(workspace, action="access.withdraw", target=row.organisation.code, facts=facts, subject=viewer.login)


def end_grant(workspace: Workspace, *, viewer: Viewer, grant_id: int) -> None:
    """End a role; the last operator stays. Raises OutOfSightError, NotAllowedError, LastGrantError."""
    row = Grant.objects.select_related("organisation", "user").filter(pk=grant_id, ended_at=None).first()
    if row is None or not viewer.may(Act.SEE_ORGANISATION, path=row.organisation.path):
        raise OutOfSightError(detail="there is no such grant")
    standing = viewer.at(Act.MANAGE_ACCESS, path=row.organisation.path)
    if Role(row.role) not in INVITES[standing.role]:
        raise NotAllowedError(detail=f"your role does not end that of a {row.role}")
    with transaction.atomic():
        others = Grant.objects.filter(role=Role.OPERATOR.value, ended_at=None).exclude(pk=row.pk)
        if row.role == Role.OPERATOR.value and not others.exists():
            raise LastGrantError(detail="the last operator stays")
        row.ended_at = workspace.now()
        row.save(update_fields=["ended_at"])
        facts = {"role": row.role, "user": str(row.user.get_username())}
        record_act(workspace, action="access.end", target=row.organisation.code, facts=facts, subject=viewer.login)


def _member(organisation: Organisation, number: str) -> Member:
    member = Member.objects.filter(organisation=organisation, number=number).first()
    if member is None:
        raise OutOfSightError(detail=f"{organisation.code} has no member {number}")
    return member


def _usable(workspace: Workspace, secret: str) -> Invitation:
    digest = sha256(secret.encode()).hexdigest()
    row = Invitation.objects.select_related("organisation", "member").filter(digest=digest).first()
    if row is None or row.withdrawn_at is not None:
        raise InvitationError(detail="this is not an invitation of ours")
    if row.used_at is not None:
        raise InvitationError(detail="this invitation was used")
    if row.expires_at <= workspace.now():
        raise InvitationError(detail="this invitation has expired; ask for a new one")
    return row
