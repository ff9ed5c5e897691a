"""Look at a member's wallet, read only, for a reason and half an hour; and stop."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from ogniwo.interfaces.web.context import viewer, workspace
from ogniwo.interfaces.web.registry import LOOKS_AS, LOOKS_UNTIL, own_page, page
from ogniwo.services.access.looking import look_as_member, stop_looking
from ogniwo.services.access.roles import Act
from ogniwo.services.access.viewers import Standing


@page("members/<str:number>/look/", name="wallet_act_as", act=Act.ACT_AS_MEMBER, methods=("POST",))
def look(request: HttpRequest, standing: Standing, *, code: str, number: str) -> HttpResponse:  # noqa: ARG001
    """Begin to look and open the wallet."""
    until = look_as_member(
        workspace(), viewer=viewer(request), code=code, number=number, reason=request.POST.get("reason", "")
    )
    request.session[LOOKS_AS] = f"{code}/{number}"
    request.session[LOOKS_UNTIL] = int(until.timestamp())
    return redirect("wallet_home", code=code, number=number)


@own_page("looking/end/", name="wallet_act_as_end", act=Act.ACT_AS_MEMBER, methods=("POST",))
def end(request: HttpRequest, standing: Standing) -> HttpResponse:  # noqa: ARG001 -- the registry's signature
    """Stop looking and go back to the member's page."""
    code, _, number = str(request.session.pop(LOOKS_AS, "")).partition("/")
    request.session.pop(LOOKS_UNTIL, None)
    if not number:
        return redirect("home")
    stop_looking(workspace(), viewer=viewer(request), number=number)
    return redirect("member", code=code, number=number)
