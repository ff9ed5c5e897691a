"""What the wallet's scripts get: facts and texts inside a page, and JSON that says what was refused and why."""

import json
from collections.abc import Callable
from functools import wraps
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.middleware.csrf import get_token
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from ogniwo.core.kernel.refusals import Refusal
from ogniwo.interfaces.web.context import viewer, workspace
from ogniwo.interfaces.web.sign_in import require_recent_sign_in
from ogniwo.services.access.viewers import NotAllowedError, OutOfSightError, Standing
from ogniwo.services.ledger.access import NoLedgerError
from ogniwo.services.ledger.wallets import WalletView, wallet_view
from ogniwo.services.workspace.meanings import meaning_of

_LATER: Final = frozenset(
    {"ledger.locked", "ledger.stopped", "ledger.busy", "ledger.store_unreachable", "workspace.busy"}
)
"""Codes after which the same may be sent again: nothing is known to have happened, or nothing has."""

_BODY_MAX: Final = 100_000

View = Callable[..., HttpResponse]


class BadRequestError(Refusal):
    """A script sent something that is not the JSON object it should be."""

    code = "wallet.request"


def answers_json(view: Callable[..., object]) -> View:
    """A view that gives a value for JSON, or bytes of JSON.

    Its refusals are `{"code", "meaning", "detail"}` with their status.
    """

    @wraps(view)
    def answer(request: HttpRequest, *arguments: object, **more: object) -> HttpResponse:
        try:
            given = view(request, *arguments, **more)
        except OutOfSightError as refusal:
            return _refused(refusal, HTTPStatus.NOT_FOUND)
        except NotAllowedError as refusal:
            return _refused(refusal, HTTPStatus.FORBIDDEN)
        except Refusal as refusal:
            later = refusal.code in _LATER
            return _refused(refusal, HTTPStatus.SERVICE_UNAVAILABLE if later else HTTPStatus.CONFLICT)
        if isinstance(given, HttpResponse):
            return given
        if isinstance(given, bytes):
            return HttpResponse(given, content_type="application/json")
        return JsonResponse(given, safe=False)

    return answer


def _refused(refusal: Refusal, status: HTTPStatus) -> JsonResponse:
    return JsonResponse(said(refusal.code, refusal.detail), status=status)


def said(code: str, detail: str) -> dict[str, str]:
    """An answer for scripts: its stable code, what that means in the page's language, the English detail."""
    return {"code": code, "meaning": meaning_of(code, get_language() or ""), "detail": detail}


def after_signing_in(view: View) -> View:
    """A view for scripts that asks for the password or passkey again where that was long ago."""

    @wraps(view)
    def answer(request: HttpRequest, *arguments: object, **more: object) -> HttpResponse:
        from allauth.core.exceptions import ReauthenticationRequired  # noqa: PLC0415 -- needs the settings

        try:
            require_recent_sign_in(request)
        except ReauthenticationRequired:
            back = request.headers.get("referer", "/w/").partition("//")[2].partition("/")[2]
            href = f"{reverse('account_reauthenticate')}?{urlencode({'next': f'/{back}'}, safe='/')}"
            return JsonResponse(
                {"code": "wallet.sign_in_again", "detail": "sign in again", "href": href},
                status=HTTPStatus.UNAUTHORIZED,
            )
        return view(request, *arguments, **more)

    return answer


def body_of(request: HttpRequest) -> dict[str, Any]:
    """The JSON object of a request; raises BadRequestError."""
    try:
        found = json.loads(request.body) if len(request.body) <= _BODY_MAX else None
    except ValueError as error:
        raise BadRequestError(detail=f"not JSON: {error}") from error
    if not isinstance(found, dict):
        raise BadRequestError(detail="not a JSON object")
    return found


def text_of(body: dict[str, Any], name: str, *, most: int = 70_000) -> str:
    """A text of a request's object; raises BadRequestError."""
    found = body.get(name)
    if not isinstance(found, str) or len(found) > most:
        raise BadRequestError(detail=f"{name} is missing, no text, or too long")
    return found


def view_of(standing: Standing) -> WalletView | None:
    """The member's means of payment; None where there is no ledger yet."""
    try:
        return wallet_view(workspace(), subject=standing.subject)
    except NoLedgerError:
        return None


def facts_of(
    request: HttpRequest, standing: Standing, seen: WalletView | None, *, code: str, urls: dict[str, str]
) -> dict[str, object]:
    """What scripts have to know: whose wallet, its account and network, where to ask."""
    return {
        "wallet": f"{code}/{standing.member_number}",
        "account": seen.account if seen else "",
        "network": seen.network if seen else "",
        "asset": seen.money.asset if seen else "",
        "available": seen.money.available if seen else 0,
        "acts": standing in viewer(request).standings,
        "csrf": get_token(request),
        "urls": urls,
    }


def shared_texts() -> dict[str, str]:
    """Texts that scripts of several pages say."""
    return {
        "unreachable": _("There was no answer. Nothing is lost: try again when you are online."),
        "refused": _("That was refused."),
        "signed_out": _("You are signed out. Sign in and try again."),
        "no_key": _("This device has no key yet. Set it up first."),
        "refused wallet.not_first": _("Another device of yours has to let this one in."),
        "refused wallet.too_many": _("You asked for too many members. Try again in an hour."),
        "refused wallet.too_many_devices": _("Too many devices wait already. Turn some away first."),
        "refused tokens.member": _("There is no other member with this number in your community."),
        "refused ledger.insufficient_balance": _("You have too little for that."),
        "refused ledger.key_limit": _("That is more than this device may give at once or today."),
        "refused ledger.key_not_active": _("The key of this device no longer counts. Nothing was paid."),
        "refused ledger.payments_off": _("Payments in tokens are switched off. Nothing was paid."),
        "refused ledger.expired": _(
            "This was signed too long ago and no longer counts. Nothing was paid; begin again."
        ),
        "refused ledger.account_frozen": _("Your account is frozen. Nothing was paid; ask your organisation."),
        "refused ledger.transfer_limit": _("That is more than may be paid at once. Nothing was paid."),
        "refused ledger.balance_limit": _("The recipient may not have that much. Nothing was paid."),
        "refused ledger.unknown_key": _("The ledger does not know the key of this device. Nothing was paid."),
        "refused ledger.second_key_needed": _("A key with limits cannot do this: ask your organisation to lift them."),
        "refused ledger.hold_not_expired": _("Only the recipient can free this before its date."),
        "refused ledger.unknown_hold": _("This reservation has ended already."),
    }
