"""Asking for an account by oneself: an organisation that lets people ask, what they claim, and who decides.

Whoever asks learns nothing: the answer is the same whether the member, the point or the e-mail address is known or not.
No account and no role is there before somebody with the right to decide has looked at the claim.
"""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final

from django.contrib.auth import get_user_model
from django.contrib.auth.hashers import make_password
from django.db import transaction
from django.db.models import Q

from ogniwo.core.kernel.refusals import Refusal
from ogniwo.records.access.models import Application, Door, Grant
from ogniwo.records.parties.models import Member
from ogniwo.services.access.roles import Act, Role
from ogniwo.services.access.viewers import NotAllowedError, Viewer, organisation_by
from ogniwo.services.parties.queries import MemberNotFoundError
from ogniwo.services.workspace.audit import record_act
from ogniwo.services.workspace.model import Workspace

WAITING_MAX: Final = 500
KEPT_FOR: Final = timedelta(days=60)


class DoorClosedError(Refusal):
    """The organisation does not let people ask for an account by themselves, or there is no such organisation."""

    code = "access.door_closed"


class CrowdedError(Refusal):
    """So many wait for a decision that no further request is taken."""

    code = "access.crowded"


class ApplicationNotFoundError(Refusal):
    """There is no such request, or it was decided."""

    code = "access.application_not_found"


class UnprovenError(Refusal):
    """The e-mail address was not confirmed, and whoever decides did not say that he knows the person otherwise."""

    code = "access.unproven"


class AccountExistsError(Refusal):
    """Somebody has an account with this e-mail address; only its owner may be given a role there."""

    code = "access.account_exists"


class BadClaimError(Refusal):
    """A request lacks a name, an e-mail address or a number, or they are too long."""

    code = "access.bad_claim"


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What somebody says of himself: his name, where letters reach him, his member number or metering point."""

    name: str
    email: str
    number: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimedMember:
    """The member that a claim fits, as far as whoever decides needs it; `account` is who looks as this member today."""

    number: str
    name: str
    kind: str
    street: str
    post_code: str
    town: str
    account: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingApplication:
    """A request that waits, beside what is registered."""

    application_id: int
    claim: Claim
    made_at: datetime
    confirmed: bool
    signed_in: bool
    others: int
    account_exists: bool
    member: ClaimedMember | None


def door_of(code: str) -> str | None:
    """The name of an organisation where people may ask for an account; None for every other word."""
    door = Door.objects.filter(organisation__code=code, opened=True).select_related("organisation").first()
    return door.organisation.name if door else None


def set_door(workspace: Workspace, *, viewer: Viewer, code: str, opened: bool) -> None:
    """Let people ask for accounts, or no longer. Raises OutOfSightError, NotAllowedError."""
    organisation = organisation_by(code)
    viewer.at(Act.CHANGE_SETTINGS, path=organisation.path)
    with transaction.atomic():
        door, _ = Door.objects.get_or_create(organisation=organisation)
        if door.opened == opened:
            return
        before, door.opened = door.opened, opened
        door.save(update_fields=["opened"])
        facts = {"before": {"people may ask": before}, "after": {"people may ask": opened}}
        record_act(workspace, action="settings.door", target=code, facts=facts, subject=viewer.login)


def apply_for_account(
    workspace: Workspace, *, code: str, claim: Claim, password: str = "", viewer: Viewer | None = None
) -> str:
    """Keep a request; the secret that proves the e-mail address goes into a letter to it, nowhere else.

    Takes the same time whatever is known of the person. Raises DoorClosedError, CrowdedError, BadClaimError.
    """
    if not (1 <= len(claim.name) <= 200 and 1 <= len(claim.number) <= 40 and 3 <= len(claim.email) <= 150):
        raise BadClaimError(detail="a name, an e-mail address and a member number or metering point are needed")
    if not (claim.name + claim.number + claim.email).isprintable():
        raise BadClaimError(detail="the request holds characters that cannot be printed")
    hashed = make_password(password) if password else ""
    secret, now = secrets.token_urlsafe(24), workspace.now()
    with transaction.atomic():
        door = Door.objects.filter(organisation__code=code, opened=True).select_related("organisation").first()
        if door is None:
            raise DoorClosedError(detail="nobody can ask for an account here")
        Application.objects.filter(decided_at=None, made_at__lt=now - KEPT_FOR).delete()
        if Application.objects.filter(organisation=door.organisation, decided_at=None).count() >= WAITING_MAX:
            raise CrowdedError(detail="too many requests wait for a decision; ask again later")
        Application.objects.create(
            organisation=door.organisation,
            name=claim.name,
            email=claim.email.lower(),
            claim=claim.number,
            password=hashed,
            digest=sha256(secret.encode()).hexdigest(),
            made_at=now,
            user_id=viewer.user_id if viewer and viewer.user_id else None,
        )
        who = viewer.login if viewer and viewer.user_id else claim.email.lower()
        record_act(workspace, action="access.apply", target=code, facts={"claim": claim.number}, subject=who)
    return secret


def confirm_address(workspace: Workspace, *, secret: str) -> None:
    """Note that the letter reached whoever asked. Raises ApplicationNotFoundError."""
    row = application_of(secret)
    if row.confirmed_at is None:
        row.confirmed_at = workspace.now()
        row.save(update_fields=["confirmed_at"])


def application_of(secret: str) -> Application:
    """The waiting request that a letter belongs to. Raises ApplicationNotFoundError."""
    row = Application.objects.filter(digest=sha256(secret.encode()).hexdigest(), decided_at=None).first()
    if row is None:
        raise ApplicationNotFoundError(detail="this letter belongs to no request that waits")
    return row


def applications_of(code: str) -> tuple[WaitingApplication, ...]:
    """What waits in an organisation, oldest first, for a viewer who was allowed to ask."""
    rows = list(Application.objects.filter(organisation__code=code, decided_at=None).select_related("organisation"))
    emails = [row.email for row in rows]
    users = get_user_model().objects
    return tuple(
        WaitingApplication(
            application_id=row.pk,
            claim=Claim(name=row.name, email=row.email, number=row.claim),
            made_at=row.made_at,
            confirmed=row.confirmed_at is not None,
            signed_in=row.user_id is not None,
            others=emails.count(row.email) - 1,
            account_exists=row.user_id is None and users.filter(email__iexact=row.email).exists(),
            member=_claimed(row),
        )
        for row in rows
    )


def approve(
    workspace: Workspace, *, viewer: Viewer, application_id: int, member_number: str, known_otherwise: bool = False
) -> None:
    """Give whoever asked the role of a member, with an account when he has none; logged.

    An e-mail address that was not confirmed needs `known_otherwise`: anybody can type anybody's address. Raises
    ApplicationNotFoundError, NotAllowedError, MemberNotFoundError, UnprovenError, AccountExistsError.
    """
    row = _decidable(viewer, application_id)
    member = Member.objects.filter(organisation=row.organisation, number=member_number).first()
    if member is None:
        raise MemberNotFoundError(detail=f"{row.organisation.code} has no member {member_number}")
    proven = row.confirmed_at is not None or row.user_id is not None
    if not proven and not known_otherwise:
        raise UnprovenError(detail="the e-mail address is not confirmed; say how you know that this is the person")
    with transaction.atomic():
        row = _taken(workspace, row, viewer, outcome="approved")
        user = row.user or _account(row, proven=proven)
        Grant.objects.get_or_create(
            user=user,
            organisation=row.organisation,
            role=Role.MEMBER.value,
            member=member,
            ended_at=None,
            defaults={"given_by": viewer.login, "given_at": workspace.now()},
        )
        Application.objects.filter(pk=row.pk).update(user=user, password="")
        facts = {
            "claim": row.claim,
            "member": member.number,
            "user": str(user.get_username()),
            "proof": "e-mail confirmed" if proven else "known otherwise",
        }
        record_act(workspace, action="access.approve", target=row.organisation.code, facts=facts, subject=viewer.login)


def refuse(workspace: Workspace, *, viewer: Viewer, application_id: int, reason: str) -> None:
    """Turn a request down with a reason; logged. Raises ApplicationNotFoundError, NotAllowedError, BadClaimError."""
    row = _decidable(viewer, application_id)
    if not 1 <= len(reason) <= 500:
        raise BadClaimError(detail="a refusal needs a reason of at most 500 characters")
    with transaction.atomic():
        row = _taken(workspace, row, viewer, outcome="refused")
        Application.objects.filter(pk=row.pk).update(reason=reason, password="")
        facts = {"claim": row.claim, "email": row.email, "reason": reason}
        record_act(workspace, action="access.refuse", target=row.organisation.code, facts=facts, subject=viewer.login)


def _decidable(viewer: Viewer, application_id: int) -> Application:
    row = Application.objects.select_related("organisation", "user").filter(pk=application_id, decided_at=None).first()
    if row is None or not viewer.may(Act.SEE_ORGANISATION, path=row.organisation.path):
        raise ApplicationNotFoundError(detail="there is no such request, or it was decided")
    if not viewer.may(Act.MANAGE_ACCESS, path=row.organisation.path):
        raise NotAllowedError(detail="your role does not decide who gets an account")
    return row


def _taken(workspace: Workspace, row: Application, viewer: Viewer, *, outcome: str) -> Application:
    """Mark the request decided; of two people at once only one does."""
    taken = Application.objects.filter(pk=row.pk, decided_at=None).update(
        decided_at=workspace.now(), decided_by=viewer.login, outcome=outcome
    )
    if not taken:
        raise ApplicationNotFoundError(detail="somebody else has just decided this request")
    return row


def _account(row: Application, *, proven: bool):  # type: ignore[no-untyped-def]  # noqa: ANN202 -- whatever the user model is
    """The account with this address: made with the password chosen, or the one that is there, if it is proven his."""
    users = get_user_model().objects
    known = users.filter(Q(email__iexact=row.email) | Q(username__iexact=row.email)).first()
    if known is not None and not proven:
        raise AccountExistsError(detail=f"{row.email} has an account; its owner must confirm the address or sign in")
    if known is not None:
        return known
    user = users.create_user(row.email, row.email)
    user.password = row.password
    user.save(update_fields=["password"])
    return user


def _claimed(row: Application) -> ClaimedMember | None:
    """The member whose number or point was named."""
    word = "".join(row.claim.split())
    found = (
        Member.objects.filter(organisation=row.organisation)
        .filter(Q(number__iexact=row.claim.strip()) | Q(number__iexact=word) | Q(points__code=word))
        .first()
    )
    if found is None:
        return None
    grant = Grant.objects.filter(member=found, ended_at=None).select_related("user").first()
    return ClaimedMember(
        number=found.number,
        name=found.name,
        kind=found.kind,
        street=found.street,
        post_code=found.post_code,
        town=found.town,
        account=str(grant.user.get_username()) if grant else "",
    )
