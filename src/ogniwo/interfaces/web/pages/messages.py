"""Messages: what members ask and dispute, with answers, and notices to one member or all."""

from typing import Final

from django.contrib import messages as flash
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from ogniwo.interfaces.web.context import scope, viewer, workspace
from ogniwo.interfaces.web.registry import page
from ogniwo.services.access.roles import Act
from ogniwo.services.access.viewers import Standing, out_of_sight
from ogniwo.services.messages.operations import MessageNotFoundError, answer, write_notice
from ogniwo.services.messages.queries import asked_by_members, notices_of
from ogniwo.services.workspace.queries import organisation

KINDS: Final = (
    ("notice", gettext_lazy("notice")),
    ("price", gettext_lazy("price")),
    ("outage", gettext_lazy("outage")),
    ("gap", gettext_lazy("missing data")),
)


@page("messages/", name="messages", act=Act.SEE_MEMBERS)
def messages(request: HttpRequest, standing: Standing, *, code: str) -> HttpResponse:
    """What waits for an answer, what was told."""
    subject = scope(standing, code)
    context = {"asked": asked_by_members(subject=subject), "notices": notices_of(subject=subject), "kinds": KINDS}
    return render(request, "web/messages.html", context)


@page("messages/notice/", name="write_notice", act=Act.MANAGE_MEMBERS, methods=("POST",))
def notice(request: HttpRequest, standing: Standing, *, code: str) -> HttpResponse:
    """Tell one member or all."""
    subject = scope(standing, code)
    with out_of_sight(MessageNotFoundError):
        write_notice(
            workspace(),
            organisation=organisation(code=code, subject=subject),
            subject=subject,
            kind=request.POST.get("kind", ""),
            title=request.POST.get("title", ""),
            text=request.POST.get("text", ""),
            member_number=request.POST.get("member", "").strip(),
            by=viewer(request).login,
        )
    flash.success(request, _("The notice was sent."))
    return redirect("messages", code=code)


@page("messages/<int:message_id>/answer/", name="answer_message", act=Act.MANAGE_MEMBERS, methods=("POST",))
def reply(request: HttpRequest, standing: Standing, *, code: str, message_id: int) -> HttpResponse:
    """Answer a member."""
    with out_of_sight(MessageNotFoundError):
        answer(
            workspace(),
            subject=scope(standing, code),
            message_id=message_id,
            text=request.POST.get("text", ""),
            by=viewer(request).login,
        )
    flash.success(request, _("The answer was sent."))
    return redirect("messages", code=code)
