"""Webhooks of an organisation: addresses that are told of events, made, changed, removed, and what was sent to them."""

import base64
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from django.conf import settings
from django.db import transaction

from ogniwo.core.kernel.refusals import Refusal
from ogniwo.gateways.outward import address_problem
from ogniwo.records.exchange.models import Webhook, WebhookDelivery
from ogniwo.records.visibility import Subject
from ogniwo.services.exchange.events import EventKind, last_number
from ogniwo.services.workspace.audit import record_act
from ogniwo.services.workspace.model import Workspace
from ogniwo.services.workspace.queries import organisation

WEBHOOKS_MAX: Final = 20
URL_LENGTH_MAX: Final = 500
SECRET_PREFIX: Final = "whsec_"  # noqa: S105 -- what every secret begins with


class WebhookNotFoundError(Refusal):
    """There is no such webhook or delivery, or the subject may not see it."""

    code = "webhook.not_found"


class BadWebhookError(Refusal):
    """The address of a webhook cannot be used, or it would be told of nothing."""

    code = "webhook.bad_request"


class TooManyWebhooksError(Refusal):
    """The organisation has as many webhooks as it may."""

    code = "webhook.too_many"


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookView:
    """A webhook as it is shown; its secret is shown once, when it is made."""

    id: UUID
    organisation: str
    url: str
    events: tuple[str, ...]
    active: bool
    made_by: str
    made_at: datetime
    changed_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryView:
    """What became of an event for a webhook; `number` orders them."""

    event_id: str
    number: int
    kind: str
    state: str
    attempts: int
    made_at: datetime
    due_at: datetime | None
    answered_status: int | None
    problem: str
    delivered_at: datetime | None


def private_allowed() -> bool:
    """Whether events may be sent into the own network (OGNIWO_WEBHOOKS_TO_PRIVATE=1), for tests and closed networks."""
    return bool(getattr(settings, "WEBHOOKS_TO_PRIVATE", False))


def make_webhook(
    workspace: Workspace, *, code: str, subject: Subject, url: str, events: Iterable[EventKind], by: str
) -> tuple[str, WebhookView]:
    """Tell an address of events from now on; gives the secret that signs, this once.

    Raises OrganisationNotFoundError, BadWebhookError, TooManyWebhooksError.
    """
    owner = organisation(code=code, subject=subject)
    wanted = _checked(url, events)
    if Webhook.objects.filter(organisation=owner, removed_at=None).count() >= WEBHOOKS_MAX:
        raise TooManyWebhooksError(detail=f"{code} has {WEBHOOKS_MAX} webhooks; remove one first")
    secret = SECRET_PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()
    now = workspace.now()
    with transaction.atomic():
        number = last_number()
        row = Webhook.objects.create(
            organisation=owner,
            url=url,
            secret=secret,
            events=wanted,
            after_event=number,
            seen_event=number,
            made_by=by,
            made_at=now,
            changed_at=now,
        )
        facts = {"webhook": str(row.uid), "url": url, "events": " ".join(wanted)}
        record_act(workspace, action="webhook.make", target=code, facts=facts, subject=by)
    return secret, _view(row)


def webhooks_below(*, subject: Subject) -> tuple[WebhookView, ...]:
    """The webhooks that the subject sees."""
    rows = Webhook.objects.all().visible_to(subject).filter(removed_at=None).select_related("organisation")
    return tuple(_view(row) for row in rows)


def webhook_of(webhook_id: UUID, *, subject: Subject) -> WebhookView:
    """One webhook. Raises WebhookNotFoundError."""
    return _view(_row(webhook_id, subject))


def change_webhook(
    workspace: Workspace,
    *,
    webhook_id: UUID,
    subject: Subject,
    by: str,
    url: str | None = None,
    events: Iterable[EventKind] | None = None,
    active: bool | None = None,
) -> WebhookView:
    """Change what is given. Raises WebhookNotFoundError, BadWebhookError."""
    with transaction.atomic():
        row = _row(webhook_id, subject)
        before = {"url": row.url, "events": " ".join(row.events), "active": row.active}
        row.url = row.url if url is None else url
        kinds = [EventKind(one) for one in row.events] if events is None else events
        row.events = _checked(row.url, kinds)
        row.active = row.active if active is None else active
        row.changed_at = workspace.now()
        row.save(update_fields=["url", "events", "active", "changed_at"])
        after = {"url": row.url, "events": " ".join(row.events), "active": row.active}
        facts = {"webhook": str(row.uid), "before": before, "after": after}
        record_act(workspace, action="webhook.change", target=row.organisation.code, facts=facts, subject=by)
    return _view(row)


def remove_webhook(workspace: Workspace, *, webhook_id: UUID, subject: Subject, by: str) -> None:
    """Tell it nothing more; what was sent stays written down. Raises WebhookNotFoundError."""
    with transaction.atomic():
        row = _row(webhook_id, subject)
        row.removed_at, row.active, row.secret = workspace.now(), False, ""
        row.save(update_fields=["removed_at", "active", "secret"])
        facts = {"webhook": str(row.uid), "url": row.url}
        record_act(workspace, action="webhook.remove", target=row.organisation.code, facts=facts, subject=by)


def deliveries_of(webhook_id: UUID, *, subject: Subject, state: str = "") -> tuple[DeliveryView, ...]:
    """What was sent to a webhook, or waits, newest first. Raises WebhookNotFoundError."""
    rows = WebhookDelivery.objects.filter(webhook=_row(webhook_id, subject))
    return tuple(_delivery(row) for row in (rows.filter(state=state) if state else rows))


def replay(workspace: Workspace, *, webhook_id: UUID, event_id: str, subject: Subject, by: str) -> DeliveryView:
    """Send an event again, under the same id and with the same body. Raises WebhookNotFoundError."""
    with transaction.atomic():
        hook = _row(webhook_id, subject)
        row = WebhookDelivery.objects.filter(webhook=hook, event_id=event_id).first()
        if row is None:
            raise WebhookNotFoundError(detail=f"nothing was sent as {event_id}")
        row.state, row.attempts, row.due_at, row.problem = "waiting", 0, workspace.now(), ""
        row.save(update_fields=["state", "attempts", "due_at", "problem"])
        facts = {"webhook": str(hook.uid), "event": event_id}
        record_act(workspace, action="webhook.replay", target=hook.organisation.code, facts=facts, subject=by)
    return _delivery(row)


def _row(webhook_id: UUID, subject: Subject) -> Webhook:
    rows = Webhook.objects.all().visible_to(subject).filter(removed_at=None).select_related("organisation")
    row = rows.filter(uid=webhook_id).first()
    if row is None:
        raise WebhookNotFoundError(detail=f"there is no webhook {webhook_id}")
    return row


def _checked(url: str, events: Iterable[EventKind]) -> list[str]:
    problem = "an address has at most 500 characters" if len(url) > URL_LENGTH_MAX else ""
    problem = problem or address_problem(url, private=private_allowed())
    if problem:
        raise BadWebhookError(detail=problem)
    wanted = sorted({one.value for one in events})
    if not wanted:
        raise BadWebhookError(detail="name at least one event")
    return wanted


def _view(row: Webhook) -> WebhookView:
    return WebhookView(
        id=row.uid,
        organisation=row.organisation.code,
        url=row.url,
        events=tuple(row.events),
        active=row.active,
        made_by=row.made_by,
        made_at=row.made_at,
        changed_at=row.changed_at,
    )


def _delivery(row: WebhookDelivery) -> DeliveryView:
    return DeliveryView(
        event_id=row.event_id,
        number=row.event_number,
        kind=row.kind,
        state=row.state,
        attempts=row.attempts,
        made_at=row.made_at,
        due_at=row.due_at if row.state == "waiting" else None,
        answered_status=row.answered_status,
        problem=row.problem,
        delivered_at=row.delivered_at,
    )
