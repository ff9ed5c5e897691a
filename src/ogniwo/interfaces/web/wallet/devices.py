"""The devices of a member: the key of each, how a new one comes in, how a lost one goes."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from ogniwo.interfaces.web.context import workspace
from ogniwo.interfaces.web.registry import wallet_page
from ogniwo.interfaces.web.wallet.answers import (
    BadRequestError,
    after_signing_in,
    answers_json,
    body_of,
    facts_of,
    shared_texts,
    text_of,
    view_of,
)
from ogniwo.services.access.viewers import Standing
from ogniwo.services.ledger.access import NoLedgerError
from ogniwo.services.ledger.devices import (
    Devices,
    devices_of,
    drop_request,
    enrol_first,
    keep_request,
    offered_payload,
    revoke_device,
)
from ogniwo.services.ledger.recovering import FIRST_LIMITS, agreed, finish_recovery, stop_recovery

_ENDPOINTS = ("offer", "enrol", "revoke", "turn_away", "stop", "finish")


@wallet_page("devices/", name="wallet_devices")
def devices(request: HttpRequest, standing: Standing, *, code: str, number: str) -> HttpResponse:
    """This device, the others, what waits, and what to do when one is lost."""
    place = {"code": code, "number": number}
    urls = {name: reverse(f"wallet_device_{name}", kwargs=place) for name in _ENDPOINTS}
    urls["submit"] = reverse("wallet_tokens_submit", kwargs=place)
    found = _devices(standing)
    facts = facts_of(request, standing, view_of(standing), code=code, urls=urls)
    if found is not None:
        facts |= {
            "way": found.way,
            "kids": {one.kid: one.standing for one in found.listed},
            "requests": {one.kid: one.envelope for one in found.requests if one.way == "further"},
            "waiting": found.waiting.kid if found.waiting else "",
        }
    back = request.GET.get("back", "")
    asked = [one.kid for one in found.requests if one.way == "recover"] if found else []
    waiting = [found.waiting.kid] if found and found.waiting else []
    context = {
        "found": found,
        "agreed": {kid: agreed(kid) for kid in (*asked, *waiting)},
        "facts": facts,
        "texts": _texts(),
        "limits": FIRST_LIMITS,
        "urls": urls,
        "back": back if back.startswith(reverse("wallet_home", kwargs=place)) else "",
    }
    return render(request, "web/wallet/devices.html", context)


def _devices(standing: Standing) -> Devices | None:
    try:
        return devices_of(workspace(), subject=standing.subject)
    except NoLedgerError:
        return None


def _texts() -> dict[str, str]:
    return {
        **shared_texts(),
        "this": _("this device"),
        "enrolled": _("This device is set up. Its key is stored here and cannot be copied out."),
        "asked": _("Asked. Open the wallet on a device that you have already, and let this one in there."),
        "asked_office": _("Asked. Two people of your organisation have to agree; then 72 hours pass."),
        "ended": _("The key has ended."),
        "let_in": _("The new device is set up."),
        "turned_away": _("The new device was turned away."),
        "stopped": _("The recovery was stopped. The new key does not count."),
        "finished": _("The new key counts now."),
        "mismatch": _("The server offered something else than was asked for. Nothing was signed."),
    }


@wallet_page("devices/offer/", name="wallet_device_offer", methods=("POST",))
@answers_json
@after_signing_in
def offer(request: HttpRequest, standing: Standing, *, code: str, number: str) -> Any:  # noqa: ANN401, ARG001
    """What a new device is to sign."""
    body = body_of(request)
    key, way = body.get("key"), body.get("way")
    if not isinstance(key, dict) or way not in {"first", "further", "recover"}:
        raise BadRequestError(detail="a key and one of the ways first, further, recover")
    return {"payload": offered_payload(workspace(), subject=standing.subject, key=key, way=str(way)).decode()}


@wallet_page("devices/enrol/", name="wallet_device_enrol", methods=("POST",))
@answers_json
@after_signing_in
def enrol(request: HttpRequest, standing: Standing, *, code: str, number: str) -> Any:  # noqa: ANN401, ARG001
    """Register a first device, or keep what a further one asks for."""
    body = body_of(request)
    envelope, name = text_of(body, "envelope").encode(), text_of(body, "name", most=200)
    take = enrol_first if body.get("way") == "first" else keep_request
    return {"kid": take(workspace(), subject=standing.subject, envelope=envelope, name=name)}


@wallet_page("devices/revoke/", name="wallet_device_revoke", methods=("POST",))
@answers_json
@after_signing_in
def revoke(request: HttpRequest, standing: Standing, *, code: str, number: str) -> Any:  # noqa: ANN401, ARG001
    """End a key without a device at hand: by the office, asked by the member who is signed in."""
    revoke_device(workspace(), subject=standing.subject, kid=text_of(body_of(request), "kid", most=64))
    return {"code": "done"}


@wallet_page("devices/turn-away/", name="wallet_device_turn_away", methods=("POST",))
@answers_json
def turn_away(request: HttpRequest, standing: Standing, *, code: str, number: str) -> Any:  # noqa: ANN401, ARG001
    """Turn a device away that asks to be let in."""
    drop_request(workspace(), subject=standing.subject, kid=text_of(body_of(request), "kid", most=64))
    return {"code": "done"}


@wallet_page("devices/stop/", name="wallet_device_stop", methods=("POST",))
@answers_json
def stop(request: HttpRequest, standing: Standing, *, code: str, number: str) -> Any:  # noqa: ANN401, ARG001
    """Stop a recovery that waits."""
    stop_recovery(workspace(), subject=standing.subject)
    return {"code": "done"}


@wallet_page("devices/finish/", name="wallet_device_finish", methods=("POST",))
@answers_json
@after_signing_in
def finish(request: HttpRequest, standing: Standing, *, code: str, number: str) -> Any:  # noqa: ANN401, ARG001
    """Finish a recovery after its wait."""
    return {"kid": finish_recovery(workspace(), subject=standing.subject)}
