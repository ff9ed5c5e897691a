"""Read messages: a member's list with what is new, and what waits for an answer from the partner."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ogniwo.records.messages.models import Message, MessageRead
from ogniwo.records.visibility import Subject
from ogniwo.services.messages.operations import ABOUT_MAX


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageView:
    """One message with its answers, oldest answer first. `to` is a member number, "" when it went to all."""

    message_id: int
    kind: str
    sender: str
    at: datetime
    to: str
    name: str
    title: str
    text: str
    about: str
    facts: dict[str, Any]
    is_new: bool
    replies: tuple["MessageView", ...]

    @property
    def waits(self) -> bool:
        """Whether a member asked last: the partner owes an answer."""
        last = self.replies[-1] if self.replies else self
        return last.sender == "member"


def messages_of(*, subject: Subject, limit: int = 200) -> tuple[MessageView, ...]:
    """A member's messages with their answers, the newest first."""
    rows = Message.objects.all().visible_to(subject).filter(answers=None)
    read = set(
        MessageRead.objects.filter(member__number=subject.member_number).values_list("message_id", flat=True)
        if subject.member_number
        else ()
    )
    return _views(rows.select_related("member")[:limit], read, known=bool(subject.member_number))


def messages_about(*, subject: Subject, bill: str) -> tuple[MessageView, ...]:
    """What a member wrote about a bill, with the answers, oldest first."""
    rows = Message.objects.all().visible_to(subject).filter(answers=None, kind="dispute", about=bill)
    return _views(rows.select_related("member").order_by("at", "pk"), set(), known=False)


def messages_about_payment(*, subject: Subject, name: str) -> tuple[MessageView, ...]:
    """What a member wrote about a payment in tokens, or a hold, with the answers, oldest first."""
    rows = Message.objects.all().visible_to(subject).filter(answers=None, kind="payment", about=name[:ABOUT_MAX])
    found = _views(rows.select_related("member").order_by("at", "pk"), set(), known=False)
    return tuple(one for one in found if one.facts.get("name") == name)


def disputed_payments(*, subject: Subject) -> frozenset[str]:
    """The payments and holds that a member disputed in a message, by name."""
    rows = Message.objects.all().visible_to(subject).filter(answers=None, kind="payment")
    return frozenset(str(facts["name"]) for facts in rows.values_list("facts", flat=True))


def unread_count(*, subject: Subject) -> int:
    """How many messages a member has not read."""
    return (
        Message.objects.all()
        .visible_to(subject)
        .exclude(reads__member__number=subject.member_number)
        .distinct()
        .count()
    )


def asked_by_members(*, subject: Subject, limit: int = 200) -> tuple[MessageView, ...]:
    """What members of all organisations below asked, what still waits first."""
    rows = Message.objects.all().visible_to(subject).filter(answers=None, sender="member").select_related("member")
    found = _views(rows[:limit], set(), known=False)
    return tuple(sorted(found, key=lambda one: not one.waits))


def notices_of(*, subject: Subject, limit: int = 100) -> tuple[MessageView, ...]:
    """What partners wrote to members, the newest first."""
    rows = Message.objects.all().visible_to(subject).filter(answers=None, sender="partner").select_related("member")
    return _views(rows[:limit], set(), known=False)


def _views(rows: Iterable[Message], read: set[int], *, known: bool) -> tuple[MessageView, ...]:
    listed = list(rows)
    replies: dict[int, list[Message]] = {}
    for one in Message.objects.filter(answers__in=listed).select_related("member").order_by("at", "pk"):
        if one.answers_id is not None:
            replies.setdefault(one.answers_id, []).append(one)
    return tuple(
        _view(one, read, tuple(_view(reply, read, (), known=known) for reply in replies.get(one.pk, ())), known=known)
        for one in listed
    )


def _view(row: Message, read: set[int], replies: tuple[MessageView, ...], *, known: bool) -> MessageView:
    return MessageView(
        message_id=row.pk,
        kind=row.kind,
        sender=row.sender,
        at=row.at,
        to=row.member.number if row.member else "",
        name=row.member.name if row.member else "",
        title=row.title,
        text=row.text,
        about=row.about,
        facts=row.facts,
        is_new=known and row.pk not in read,
        replies=replies,
    )
