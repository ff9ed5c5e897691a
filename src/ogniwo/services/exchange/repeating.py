"""Answers kept for a day under the caller's own key, so that a request whose answer was lost can be sent again."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from django.db import IntegrityError, transaction

from ogniwo.core.kernel.refusals import Refusal
from ogniwo.records.exchange.models import IdempotentCall
from ogniwo.services.workspace.model import Workspace

KEPT: Final = timedelta(hours=24)
LEASE: Final = timedelta(minutes=15)
"""A call that has no answer for so long died with its process; the same request may run again."""


class StillRunningError(Refusal):
    """The same request is running now."""

    code = "exchange.still_running"


class OtherFingerprintError(Refusal):
    """The key was used for another request."""

    code = "exchange.other_request"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptAnswer:
    """The answer that was given: status, headers, body."""

    status: int
    headers: dict[str, str]
    body: bytes


def begin_call(workspace: Workspace, *, owner: str, key: str, fingerprint: str) -> KeptAnswer | None:
    """Take the key for a request: the kept answer of the same request, or None when it is to run now.

    Raises StillRunningError, OtherFingerprintError.
    """
    now = workspace.now()
    IdempotentCall.objects.filter(begun_at__lt=now - KEPT).delete()
    try:
        with transaction.atomic():
            IdempotentCall.objects.create(owner=owner, key=key, fingerprint=fingerprint, begun_at=now)
    except IntegrityError:
        return _known(workspace, owner=owner, key=key, fingerprint=fingerprint)
    return None


def _known(workspace: Workspace, *, owner: str, key: str, fingerprint: str) -> KeptAnswer | None:
    row = IdempotentCall.objects.filter(owner=owner, key=key).first()
    if row is None:  # it ended without an answer in between
        raise StillRunningError(detail="a request with this key has just ended; send it again")
    if row.fingerprint != fingerprint:
        raise OtherFingerprintError(detail="this key was used for another request; a new request needs a new key")
    if row.answered_at is not None:
        return KeptAnswer(status=row.status, headers=dict(row.headers), body=bytes(row.body))
    dead = workspace.now() - LEASE
    taken = IdempotentCall.objects.filter(pk=row.pk, answered_at=None, begun_at=row.begun_at, begun_at__lt=dead)
    if not taken.update(begun_at=workspace.now()):
        raise StillRunningError(detail="the same request is running; ask again for its answer")
    return None


def end_call(workspace: Workspace, *, owner: str, key: str, answer: KeptAnswer) -> None:
    """Keep what was answered."""
    IdempotentCall.objects.filter(owner=owner, key=key).update(
        answered_at=workspace.now(), status=answer.status, headers=answer.headers, body=answer.body
    )


def forget_call(*, owner: str, key: str) -> None:
    """The request failed or is to be sent again later: nothing is kept, and the key is free."""
    IdempotentCall.objects.filter(owner=owner, key=key, answered_at=None).delete()
