"""Write messages: by the system, by a partner to one member or to all, by a member about a bill; answers; reading."""

from collections.abc import Mapping
from typing import Final

from django.db import transaction

from ogniwo.core.kernel.calendar import local_midnight
from ogniwo.core.kernel.refusals import Refusal
from ogniwo.records.billing.models import InvoiceRecord
from ogniwo.records.messages.models import Message, MessageRead
from ogniwo.records.parties.models import Member, Organisation
from ogniwo.records.visibility import Subject
from ogniwo.services.workspace.audit import record_act
from ogniwo.services.workspace.model import Workspace

NOTICES: Final = ("notice", "price", "outage", "gap")
"""What a partner can tell by hand."""
TITLE_MAX: Final = 120
TEXT_MAX: Final = 4000
ABOUT_MAX: Final = 60
LEAST: Final = 5


class BadMessageError(Refusal):
    """A message has no text, too much of it, or is of no kind that can be written by hand."""

    code = "messages.text"


class MessageNotFoundError(Refusal):
    """There is no such message, member or bill, or the subject may not see it."""

    code = "messages.not_found"


def tell(
    workspace: Workspace, *, member: Member, kind: str, about: str, facts: Mapping[str, object] | None = None
) -> None:
    """The system tells a member something about one thing, once; within the transaction of what happened."""
    Message.objects.get_or_create(
        member=member,
        kind=kind,
        about=about,
        sender="system",
        defaults={"organisation": member.organisation, "at": workspace.now(), "facts": dict(facts or {})},
    )


@transaction.atomic
def write_notice(
    workspace: Workspace,
    *,
    organisation: Organisation,
    subject: Subject,
    kind: str,
    title: str,
    text: str,
    member_number: str,
    by: str,
) -> None:
    """A partner tells one member, or all of an organisation when no number is given; once on a local day.

    Raises BadMessageError, MessageNotFoundError.
    """
    if kind not in NOTICES:
        raise BadMessageError(detail=f"{kind!r} is no kind of notice; there are {', '.join(NOTICES)}")
    said, head = _checked(text), title.strip()
    if not head or len(head) > TITLE_MAX:
        raise BadMessageError(detail=f"a notice needs a title of at most {TITLE_MAX} characters")
    member = _member(member_number, subject) if member_number else None
    known = Message.objects.filter(
        organisation=organisation,
        member=member,
        kind=kind,
        title=head,
        text=said,
        at__gte=local_midnight(workspace.today()),
    )
    if known.exists():
        return
    row = Message.objects.create(
        organisation=member.organisation if member else organisation,
        member=member,
        kind=kind,
        sender="partner",
        author=by,
        at=workspace.now(),
        title=head,
        text=said,
    )
    facts = {"kind": kind, "to": member_number or "all", "title": head, "message": row.pk}
    record_act(workspace, action="messages.notice", target=organisation.code, facts=facts, subject=by)


@transaction.atomic
def ask(workspace: Workspace, *, subject: Subject, text: str, by: str, bill: str = "") -> None:
    """A member disputes a bill, or complains of something else when none is named; the same text again is one message.

    Raises BadMessageError, MessageNotFoundError.
    """
    said = _checked(text)
    member = _member(subject.member_number, subject)
    if bill and not InvoiceRecord.objects.all().visible_to(subject).filter(number=bill).exists():
        raise MessageNotFoundError(detail=f"there is no bill {bill}")
    kind = "dispute" if bill else "complaint"
    row, new = Message.objects.get_or_create(
        organisation=member.organisation,
        member=member,
        kind=kind,
        sender="member",
        about=bill,
        text=said,
        defaults={"author": by, "at": workspace.now()},
    )
    if new:
        MessageRead.objects.create(message=row, member=member, at=workspace.now())
        facts = {"bill": bill, "message": row.pk}
        record_act(workspace, action=f"messages.{kind}", target=member.number, facts=facts, subject=by)


@transaction.atomic
def dispute_payment(
    workspace: Workspace, *, subject: Subject, name: str, facts: Mapping[str, object], text: str, by: str
) -> None:
    """A member disputes a payment in tokens: `name` is the transaction (or the hold), `facts` what the partner needs.

    The same text again is one message. Raises BadMessageError, MessageNotFoundError.
    """
    said = _checked(text)
    member = _member(subject.member_number, subject)
    row, new = Message.objects.get_or_create(
        organisation=member.organisation,
        member=member,
        kind="payment",
        sender="member",
        about=name[:ABOUT_MAX],
        text=said,
        defaults={"author": by, "at": workspace.now(), "facts": {**facts, "name": name}},
    )
    if new:
        MessageRead.objects.create(message=row, member=member, at=workspace.now())
        logged = {"payment": name, "message": row.pk}
        record_act(workspace, action="messages.payment", target=member.number, facts=logged, subject=by)


@transaction.atomic
def answer(workspace: Workspace, *, subject: Subject, message_id: int, text: str, by: str) -> None:
    """Answer what a member asked: by the partner, or by the member himself (a subject with a number).

    Raises BadMessageError, MessageNotFoundError.
    """
    said = _checked(text)
    asked = Message.objects.all().visible_to(subject).filter(pk=message_id, member__isnull=False, answers=None).first()
    if asked is None or asked.member is None:
        raise MessageNotFoundError(detail="there is no such message")
    row, new = Message.objects.get_or_create(
        organisation=asked.organisation,
        member=asked.member,
        kind="answer",
        sender="member" if subject.member_number else "partner",
        about=asked.about,
        text=said,
        answers=asked,
        defaults={"author": by, "at": workspace.now()},
    )
    if new and subject.member_number:
        MessageRead.objects.create(message=row, member=asked.member, at=workspace.now())
    if new:
        facts = {"message": row.pk, "answers": asked.pk}
        record_act(workspace, action="messages.answer", target=asked.member.number, facts=facts, subject=by)


def mark_read(workspace: Workspace, *, subject: Subject) -> int:
    """The member has read everything there is; gives how many were new."""
    member = _member(subject.member_number, subject)
    unread = Message.objects.all().visible_to(subject).exclude(reads__member=member)
    rows = [MessageRead(message=one, member=member, at=workspace.now()) for one in unread]
    MessageRead.objects.bulk_create(rows, ignore_conflicts=True)
    return len(rows)


def _checked(text: str) -> str:
    said = text.replace("\r\n", "\n").strip()
    if not LEAST <= len(said) <= TEXT_MAX:
        raise BadMessageError(detail=f"write {LEAST} to {TEXT_MAX} characters; these are {len(said)}")
    return said


def _member(number: str, subject: Subject) -> Member:
    member = Member.objects.all().visible_to(subject).select_related("organisation").filter(number=number).first()
    if member is None:
        raise MessageNotFoundError(detail=f"there is no member {number}")
    return member
