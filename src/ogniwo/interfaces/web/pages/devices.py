"""Members' devices as the office sees them: who asks for recovery, who agreed, what waits, which keys there are."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from ogniwo.interfaces.web.context import scope, viewer, workspace
from ogniwo.interfaces.web.registry import page
from ogniwo.services.access.roles import Act
from ogniwo.services.access.viewers import Standing
from ogniwo.services.ledger.access import NoLedgerError
from ogniwo.services.ledger.devices import Devices, devices_of, drop_request, requests_of, revoke_device
from ogniwo.services.ledger.payments import MemberUnknownError
from ogniwo.services.ledger.recovering import agree, agreed, lift_limits, recoveries_of, stop_recovery
from ogniwo.services.workspace.queries import Subject


@page("devices/", name="devices", act=Act.MANAGE_ACCESS)
def devices(request: HttpRequest, standing: Standing, *, code: str) -> HttpResponse:
    """What waits for the office, and the keys of one member."""
    subject, number = scope(standing, code), request.GET.get("member", "").strip()
    try:
        context = {
            "asking": [
                {"one": one, "agreed": (by := agreed(one.kid)), "mine": viewer(request).login in by}
                for one in requests_of(workspace(), subject=subject)
                if one.way == "recover"
            ],
            "waiting": recoveries_of(workspace(), subject=subject),
            "founded": True,
        }
    except NoLedgerError:
        context = {"founded": False}
    context |= {"number": number, "found": _found(subject, number) if number and context["founded"] else None}
    return render(request, "web/devices.html", context)


def _found(subject: Subject, number: str) -> Devices | None:
    try:
        return devices_of(workspace(), subject=Subject(subject.path, number))
    except MemberUnknownError:
        return None


@page("devices/agree/", name="devices_agree", act=Act.MANAGE_ACCESS, methods=("POST",), fresh=True)
def agree_to_recovery(request: HttpRequest, standing: Standing, *, code: str) -> HttpResponse:
    """One of two people who say that the new device is the member's."""
    kid = request.POST.get("kid", "")
    agree(workspace(), subject=scope(standing, code), kid=kid, login=viewer(request).login)
    return redirect("devices", code=code)


@page("devices/turn-away/", name="devices_turn_away", act=Act.MANAGE_ACCESS, methods=("POST",))
def turn_away(request: HttpRequest, standing: Standing, *, code: str) -> HttpResponse:
    """The new device is not the member's."""
    drop_request(workspace(), subject=scope(standing, code), kid=request.POST.get("kid", ""))
    return redirect("devices", code=code)


@page("devices/stop/", name="devices_stop", act=Act.MANAGE_ACCESS, methods=("POST",))
def stop(request: HttpRequest, standing: Standing, *, code: str) -> HttpResponse:
    """Stop a recovery that waits."""
    stop_recovery(workspace(), subject=_member(request, standing, code))
    return redirect("devices", code=code)


@page("devices/revoke/", name="devices_revoke", act=Act.MANAGE_ACCESS, methods=("POST",))
def revoke(request: HttpRequest, standing: Standing, *, code: str) -> HttpResponse:
    """End a key of a member, who asked for it."""
    revoke_device(workspace(), subject=_member(request, standing, code), kid=request.POST.get("kid", ""))
    return redirect("devices", code=code)


@page("devices/lift/", name="devices_lift", act=Act.MANAGE_ACCESS, methods=("POST",), fresh=True)
def lift(request: HttpRequest, standing: Standing, *, code: str) -> HttpResponse:
    """Take the limits off a member's key."""
    lift_limits(workspace(), subject=_member(request, standing, code), kid=request.POST.get("kid", ""))
    return redirect("devices", code=code)


def _member(request: HttpRequest, standing: Standing, code: str) -> Subject:
    """The member that a form names, within what the viewer sees."""
    return Subject(scope(standing, code).path, request.POST.get("member", ""))
