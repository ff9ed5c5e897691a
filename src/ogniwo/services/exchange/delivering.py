"""Tell webhooks of events: what happened is put beside each that wants it, sent, signed, and tried again for a day."""

import base64
import hmac
import json
from collections.abc import Callable
from datetime import timedelta
from hashlib import sha256
from http import HTTPStatus
from typing import Final

from django.db import transaction
from django.db.models import F, QuerySet

from ogniwo.gateways.webhooks import TIMEOUT_S, Sent, send
from ogniwo.records.exchange.models import Webhook, WebhookDelivery
from ogniwo.services.exchange.events import Event, events_after
from ogniwo.services.exchange.webhooks import SECRET_PREFIX, private_allowed
from ogniwo.services.workspace.audit import record_act
from ogniwo.services.workspace.model import Workspace

RETRIES: Final = tuple(timedelta(seconds=s) for s in (10, 60, 300, 1_800, 7_200, 18_000, 36_000))
"""How long after each failed attempt the next one comes; after the eighth attempt the delivery has failed."""

LOOK_BACK: Final = 1_000
"""A transaction that took long may show a lower number later than others: so many rows are looked at once more."""

_LEASE: Final = timedelta(seconds=3 * TIMEOUT_S)
_BATCH: Final = 200


def collect(workspace: Workspace) -> int:
    """Put every event since the last time beside the webhooks that want it; gives how many were put."""
    made = 0
    hooks = list(Webhook.objects.filter(active=True, removed_at=None).select_related("organisation"))
    if not hooks:
        return 0
    events = events_after(min(_since(hook) for hook in hooks))
    for hook in hooks:
        made += _put(workspace, hook, events)
    return made


def _since(hook: Webhook) -> int:
    return max(hook.after_event, hook.seen_event - LOOK_BACK)


def _put(workspace: Workspace, hook: Webhook, events: list[Event]) -> int:
    since = _since(hook)
    known = set(
        WebhookDelivery.objects.filter(webhook=hook, event_number__gt=since).values_list("event_number", flat=True)
    )
    now = workspace.now()
    rows = [
        WebhookDelivery(
            webhook=hook,
            event_number=event.number,
            event_id=event.event_id,
            kind=event.kind.value,
            body=json.dumps(event.document(), ensure_ascii=False, separators=(",", ":")),
            made_at=now,
            due_at=now,
        )
        for event in events
        if event.number > since
        and event.number not in known
        and event.kind.value in hook.events
        and event.path.startswith(hook.organisation.path)
    ]
    newest = max((event.number for event in events), default=hook.seen_event)
    with transaction.atomic():
        WebhookDelivery.objects.bulk_create(rows, ignore_conflicts=True)
        Webhook.objects.filter(pk=hook.pk, seen_event__lt=newest).update(seen_event=newest)
    return len(rows)


def anything_due(workspace: Workspace) -> bool:
    """Whether something waits to be sent now."""
    return _due(workspace).exists()


def deliver_due(workspace: Workspace, *, tell: Callable[[int, int], None] = lambda _done, _total: None) -> int:
    """Send what is due, oldest first; gives how many arrived. `tell` is given how far it is."""
    rows = list(_due(workspace).select_related("webhook__organisation").order_by("event_number", "pk")[:_BATCH])
    arrived = 0
    for done, row in enumerate(rows):
        tell(done, len(rows))
        mine = WebhookDelivery.objects.filter(pk=row.pk, state="waiting", due_at=row.due_at)
        if not mine.update(due_at=workspace.now() + _LEASE, attempts=F("attempts") + 1):
            continue  # another worker has it
        row.attempts += 1
        arrived += _deliver(workspace, row)
    return arrived


def _due(workspace: Workspace) -> QuerySet[WebhookDelivery]:
    return WebhookDelivery.objects.filter(state="waiting", due_at__lte=workspace.now(), webhook__active=True)


def _deliver(workspace: Workspace, row: WebhookDelivery) -> bool:
    hook = row.webhook
    stamp = int(workspace.now().timestamp())
    headers = {
        "Content-Type": "application/json; charset=utf-8",
        "webhook-id": row.event_id,
        "webhook-timestamp": str(stamp),
        "webhook-signature": signature(hook.secret, event_id=row.event_id, stamp=stamp, body=row.body),
    }
    sent = send(hook.url, body=row.body.encode(), headers=headers, private=private_allowed())
    return _kept(workspace, row, sent)


def signature(secret: str, *, event_id: str, stamp: int, body: str) -> str:
    """`v1,` and the Base64 of the HMAC-SHA256 of `id.timestamp.body` (Standard Webhooks 1.0, symmetric signatures)."""
    key = base64.b64decode(secret.removeprefix(SECRET_PREFIX))
    mac = hmac.new(key, f"{event_id}.{stamp}.{body}".encode(), sha256)
    return f"v1,{base64.b64encode(mac.digest()).decode()}"


def _kept(workspace: Workspace, row: WebhookDelivery, sent: Sent) -> bool:
    now = workspace.now()
    row.answered_status = sent.status or None
    row.problem = sent.problem
    if HTTPStatus.OK <= sent.status < HTTPStatus.MULTIPLE_CHOICES:
        row.state, row.delivered_at = "delivered", now
    elif row.attempts > len(RETRIES) or sent.status == HTTPStatus.GONE:
        row.state = "failed"
    else:
        row.due_at = now + RETRIES[row.attempts - 1]
    with transaction.atomic():
        row.save(update_fields=["answered_status", "problem", "state", "delivered_at", "due_at"])
        if sent.status == HTTPStatus.GONE:
            Webhook.objects.filter(pk=row.webhook.pk).update(active=False, changed_at=now)
            facts = {"webhook": str(row.webhook.uid), "reason": "the receiver answered 410 Gone"}
            record_act(
                workspace,
                action="webhook.stop",
                target=row.webhook.organisation.code,
                facts=facts,
                subject="webhooks",
            )
    return row.state == "delivered"
