"""Keys for programs: made for an organisation with a role and scopes, shown once, revoked at any time."""

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final

from django.db import transaction
from django.db.models import Q

from ogniwo.core.kernel.refusals import Refusal
from ogniwo.records.access.models import ApiKey
from ogniwo.records.parties.models import Organisation
from ogniwo.services.access.roles import INVITES, Act, Role
from ogniwo.services.access.scopes import Scope
from ogniwo.services.access.viewers import NotAllowedError, Standing, Viewer, organisation_by
from ogniwo.services.workspace.audit import record_act
from ogniwo.services.workspace.model import Workspace

KEY_PREFIX: Final = "ogniwo_"
"""What every key begins with, so that a leaked one is recognised."""

KEY_ROLES: Final = (Role.PARTNER, Role.CLERK, Role.AUDITOR)
"""What a key can stand for. A member's program signs with his own key; the operator's uses one of his organisation."""

NAME_LENGTH_MAX: Final = 60
USED_EVERY: Final = timedelta(minutes=10)


class BadKeyRequestError(Refusal):
    """A key was asked for without a name, without a scope, or with a role or scope that there is not."""

    code = "api_key.bad_request"


class KeyNotFoundError(Refusal):
    """There is no such key in the organisation."""

    code = "api_key.not_found"


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKeyView:
    """A key as it is listed; the secret is shown nowhere."""

    key_id: int
    name: str
    organisation: str
    role: str
    scopes: tuple[str, ...]
    made_by: str
    made_at: datetime
    used_at: datetime | None
    revoked_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyHolder:
    """The program behind a key that works: who it is in the log, what it is where, and what its scopes are."""

    key_id: int
    viewer: Viewer
    scopes: frozenset[Scope]


def make_key(
    workspace: Workspace, *, viewer: Viewer, code: str, name: str, role: Role, scopes: Iterable[Scope]
) -> tuple[str, ApiKeyView]:
    """Make a key of an organisation; the secret is given this once.

    Nobody makes a key that may do more than he may let a person do. Raises OutOfSightError, NotAllowedError,
    BadKeyRequestError.
    """
    organisation = organisation_by(code, viewer=viewer)
    standing = viewer.at(Act.MANAGE_ACCESS, path=organisation.path)
    if role not in INVITES[standing.role]:
        raise NotAllowedError(detail=f"your role does not make a key of a {role.value}")
    return _make(workspace, organisation, name=name, role=role, scopes=scopes, by=viewer.login)


def make_key_on_machine(
    workspace: Workspace, *, code: str, name: str, role: Role, scopes: Iterable[Scope], by: str
) -> tuple[str, ApiKeyView]:
    """Make a key on the machine itself, where whoever has the folder has all of it."""
    return _make(workspace, organisation_by(code), name=name, role=role, scopes=scopes, by=by)


def _make(
    workspace: Workspace, organisation: Organisation, *, name: str, role: Role, scopes: Iterable[Scope], by: str
) -> tuple[str, ApiKeyView]:
    said, wanted = name.strip(), sorted(set(scopes))
    if not said or len(said) > NAME_LENGTH_MAX or not said.isprintable():
        raise BadKeyRequestError(detail=f"a key has a name of 1 to {NAME_LENGTH_MAX} printable characters")
    if role not in KEY_ROLES or not wanted:
        raise BadKeyRequestError(detail="a key stands for a partner, clerk or auditor and has at least one scope")
    secret = KEY_PREFIX + secrets.token_urlsafe(32)
    with transaction.atomic():
        row = ApiKey.objects.create(
            digest=_digest(secret),
            name=said,
            organisation=organisation,
            role=role.value,
            scopes=[scope.value for scope in wanted],
            made_by=by,
            made_at=workspace.now(),
        )
        facts = {"name": said, "role": role.value, "scopes": " ".join(row.scopes)}
        record_act(workspace, action="api_key.make", target=organisation.code, facts=facts, subject=by)
    return secret, _view(row)


def keys_of(*, viewer: Viewer, code: str) -> tuple[ApiKeyView, ...]:
    """The keys of an organisation, revoked ones too. Raises OutOfSightError, NotAllowedError."""
    organisation = organisation_by(code, viewer=viewer)
    viewer.at(Act.MANAGE_ACCESS, path=organisation.path)
    return keys_on_machine(code=code)


def keys_on_machine(*, code: str) -> tuple[ApiKeyView, ...]:
    """The keys of an organisation, for whoever has the folder. Raises OutOfSightError."""
    rows = ApiKey.objects.filter(organisation=organisation_by(code)).select_related("organisation")
    return tuple(_view(row) for row in rows)


def revoke_key(workspace: Workspace, *, viewer: Viewer, code: str, key_id: int) -> None:
    """End a key at once; again changes nothing. Raises OutOfSightError, NotAllowedError, KeyNotFoundError."""
    organisation = organisation_by(code, viewer=viewer)
    viewer.at(Act.MANAGE_ACCESS, path=organisation.path)
    revoke_key_on_machine(workspace, code=code, key_id=key_id, by=viewer.login)


@transaction.atomic
def revoke_key_on_machine(workspace: Workspace, *, code: str, key_id: int, by: str) -> None:
    """End a key, for whoever has the folder. Raises OutOfSightError, KeyNotFoundError."""
    row = ApiKey.objects.filter(organisation=organisation_by(code), pk=key_id).first()
    if row is None:
        raise KeyNotFoundError(detail=f"{code} has no key {key_id}")
    if ApiKey.objects.filter(pk=key_id, revoked_at=None).update(revoked_at=workspace.now()):
        record_act(workspace, action="api_key.revoke", target=code, facts={"name": row.name}, subject=by)


def holder_of(workspace: Workspace, *, secret: str) -> KeyHolder | None:
    """Who a secret belongs to; None when it is not ours or was revoked. Notes the use once in ten minutes."""
    if not secret.startswith(KEY_PREFIX):
        return None
    row = ApiKey.objects.select_related("organisation").filter(digest=_digest(secret), revoked_at=None).first()
    if row is None:
        return None
    now = workspace.now()
    if row.used_at is None or now - row.used_at >= USED_EVERY:
        stale = Q(used_at=None) | Q(used_at__lte=now - USED_EVERY)
        ApiKey.objects.filter(stale, pk=row.pk).update(used_at=now)
    one = row.organisation
    standing = Standing(role=Role(row.role), code=one.code, name=one.name, path=one.path)
    known = {scope.value for scope in Scope}
    return KeyHolder(
        key_id=row.pk,
        viewer=Viewer(0, f"key {row.pk}: {row.name}", (standing,)),
        scopes=frozenset(Scope(word) for word in row.scopes if word in known),
    )


def _digest(secret: str) -> str:
    """The secret has 256 random bits, so one SHA-256 without salt keeps it as well as a slow hash would."""
    return sha256(secret.encode()).hexdigest()


def _view(row: ApiKey) -> ApiKeyView:
    return ApiKeyView(
        key_id=row.pk,
        name=row.name,
        organisation=row.organisation.code,
        role=row.role,
        scopes=tuple(row.scopes),
        made_by=row.made_by,
        made_at=row.made_at,
        used_at=row.used_at,
        revoked_at=row.revoked_at,
    )
