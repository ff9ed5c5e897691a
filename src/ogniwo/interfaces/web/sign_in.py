"""Signing in and up: only who was invited gets an account; the rest is allauth's."""

from allauth.account.adapter import DefaultAccountAdapter
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
        """The same after an account was opened."""
        return self.get_login_redirect_url(request)
