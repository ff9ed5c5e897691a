"""Who asks: the program behind a key, or the user of a web session."""

from dataclasses import dataclass
from typing import Final

from django.http import HttpRequest
from ninja.utils import check_csrf

from ogniwo.interfaces.api.context import workspace
from ogniwo.interfaces.api.limits import CALLERS, FAILURES
from ogniwo.interfaces.api.middleware import address_of
from ogniwo.interfaces.api.problems import CsrfError, TooOftenError, UnauthenticatedError
from ogniwo.services.access.api_keys import holder_of
from ogniwo.services.access.scopes import Scope
from ogniwo.services.access.viewers import NOBODY, Standing, Viewer
from ogniwo.services.workspace.queries import Subject

SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks, as what: `scopes` is None for a person; `standing` and `place` are set where an act was allowed."""

    viewer: Viewer
    name: str
    scopes: frozenset[Scope] | None
    key_id: int = 0
    standing: Standing | None = None
    place: str = ""

    @property
    def subject(self) -> Subject:
        """The rows of the organisation asked for and below it, within what the caller sees."""
        if self.standing is None:
            return Subject("//nowhere/")
        return Subject(self.place or self.standing.subject.path, self.standing.member_number)


def caller_of(request: HttpRequest) -> Caller:
    """Who asks. Raises UnauthenticatedError, CsrfError, TooOftenError."""
    caller = _by_key(request) if "Authorization" in request.headers else _by_session(request)
    wait = CALLERS.take(caller.name)
    if wait:
        raise TooOftenError(
            detail=f"more than {CALLERS.limit.per_minute} requests a minute were made", retry_after_s=wait
        )
    return caller


def _by_key(request: HttpRequest) -> Caller:
    address = address_of(request)
    wait = FAILURES.wait(address)
    if wait:
        raise TooOftenError(detail="too many requests with a wrong key from this address", retry_after_s=wait)
    kind, _, secret = request.headers["Authorization"].partition(" ")
    holder = holder_of(workspace(), secret=secret.strip()) if kind.lower() == "bearer" else None
    if holder is None:
        FAILURES.take(address)
        raise UnauthenticatedError(detail="the key is not one of ours, or it was revoked")
    return Caller(holder.viewer, f"key:{holder.key_id}", holder.scopes, key_id=holder.key_id)


def _by_session(request: HttpRequest) -> Caller:
    viewer: Viewer = getattr(request, "viewer", NOBODY)
    if not viewer.user_id:
        raise UnauthenticatedError(detail="send a key (Authorization: Bearer ogniwo_...), or sign in")
    if request.method not in SAFE and check_csrf(request) is not None:
        raise CsrfError(detail="send the page's token as X-CSRFToken")
    return Caller(viewer, f"user:{viewer.user_id}", None)
