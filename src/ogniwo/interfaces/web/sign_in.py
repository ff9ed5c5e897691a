"""Signing in and up: only who was invited gets an account; risky acts ask again who it is; the rest is allauth's."""

import time

from allauth.account.adapter import DefaultAccountAdapter, get_adapter
from allauth.account.internal.flows.login import record_authentication
from allauth.core import context as current
from allauth.core.exceptions import ReauthenticationRequired
from allauth.core.internal.ratelimit import consume
from django.conf import settings
from django.http import HttpRequest

from ogniwo.core.kernel.refusals import Refusal
from ogniwo.interfaces.web.context import workspace
from ogniwo.services.access.inviting import accept, invited

INVITATION = "invitation"
"""Where the web session keeps the secret of the link by which somebody came."""
WELCOME = "welcome"
"""Where it keeps that somebody has just arrived by a link."""


class InvitedOnlyAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth is untyped
    """Opens accounts for holders of an invitation, and gives what it offers once they are in."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Whether this browser came by a link that still counts."""
        try:
            invited(workspace(), secret=request.session.get(INVITATION, ""))
        except Refusal:
            return False
        return True

    def get_login_redirect_url(self, request: HttpRequest) -> str:
        """Take up an invitation that waits, then go home."""
        secret = request.session.pop(INVITATION, "")
        if secret and request.user.is_authenticated:
            accept(workspace(), secret=secret, user_id=int(request.user.pk))
            request.session[WELCOME] = True
        return str(super().get_login_redirect_url(request))

    def get_signup_redirect_url(self, request: HttpRequest) -> str:
        """The same after an account was opened: the password was typed just now, so it is not asked for again."""
        record_authentication(request, request.user, method="password")
        return self.get_login_redirect_url(request)

    def is_reauthentication_required(self, *, app: str, **more: object) -> bool:
        """Whether to ask again who it is: who has just signed in is not asked for the same password twice."""
        return super().is_reauthentication_required(app=app, **more) and not signed_in_lately(current.request)


def signed_in_lately(request: HttpRequest) -> bool:
    """Whether the password, a passkey or a code was shown in the last minutes."""
    known = request.session.get("account_authentication_methods", [])
    latest = max((float(one.get("at", 0)) for one in known), default=0.0)
    return time.time() - latest < float(settings.ACCOUNT_REAUTHENTICATION_TIMEOUT)


def require_recent_sign_in(request: HttpRequest) -> None:
    """Let allauth ask for the password, passkey or code again when the last time was a while ago.

    What was sent is kept and done afterwards. Who has neither password nor device cannot be asked.
    """
    if signed_in_lately(request):
        return
    if get_adapter().get_reauthentication_methods(request.user):
        raise ReauthenticationRequired


def within_limit(request: HttpRequest, action: str, *, key: str = "") -> bool:
    """Whether this address (or key) may do this once more; the limits stand in the settings. Looking counts too."""
    return consume(request, app="allauth.account", action=action, key=key or None, limit_get=True) is not None
