"""A member's messages: from the system and his partner, his own questions and the answers."""

from django.contrib import messages as flash
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from ogniwo.interfaces.web.context import viewer, workspace
from ogniwo.interfaces.web.registry import wallet_page
from ogniwo.services.access.viewers import Standing, out_of_sight
from ogniwo.services.messages.operations import MessageNotFoundError, answer, ask, mark_read
from ogniwo.services.messages.queries import messages_of


@wallet_page("messages/", name="wallet_messages", methods=("GET", "POST"))
def messages(request: HttpRequest, standing: Standing, *, code: str, number: str) -> HttpResponse:
    """All messages, the newest first; a question to the partner."""
    if request.method == "POST":
        ask(workspace(), subject=standing.subject, text=request.POST.get("text", ""), by=viewer(request).login)
        flash.success(request, _("Your message was sent. The answer will stand here."))
        return redirect("wallet_messages", code=code, number=number)
    found = messages_of(subject=standing.subject)
    new = any(one.is_new or any(reply.is_new for reply in one.replies) for one in found)
    return render(request, "web/wallet/messages.html", {"found": found, "any_new": new})


@wallet_page("messages/read/", name="wallet_messages_read", methods=("POST",))
def read(request: HttpRequest, standing: Standing, *, code: str, number: str) -> HttpResponse:  # noqa: ARG001
    """Everything there is was read."""
    mark_read(workspace(), subject=standing.subject)
    return redirect("wallet_messages", code=code, number=number)


@wallet_page("messages/<int:message_id>/answer/", name="wallet_messages_answer", methods=("POST",))
def reply(request: HttpRequest, standing: Standing, *, code: str, number: str, message_id: int) -> HttpResponse:
    """The member answers back."""
    with out_of_sight(MessageNotFoundError):
        answer(
            workspace(),
            subject=standing.subject,
            message_id=message_id,
            text=request.POST.get("text", ""),
            by=viewer(request).login,
        )
    return redirect("wallet_messages", code=code, number=number)


@wallet_page("disputes/<path:bill>/", name="wallet_bills_dispute", methods=("POST",))
def dispute(request: HttpRequest, standing: Standing, *, code: str, number: str, bill: str) -> HttpResponse:
    """Say what is wrong with a bill."""
    with out_of_sight(MessageNotFoundError):
        ask(
            workspace(),
            subject=standing.subject,
            text=request.POST.get("text", ""),
            by=viewer(request).login,
            bill=bill,
        )
    flash.success(request, _("Your message was sent. The answer will stand here."))
    return redirect("wallet_bills_one", code=code, number=number, bill=bill)
