"""Webhooks: addresses that are told of events, and what was sent to them."""

from typing import Annotated, Any, Final, Literal
from uuid import UUID

from ninja import Query, Schema
from pydantic import Field

from ogniwo.interfaces.api.context import workspace
from ogniwo.interfaces.api.paging import Page, Paged, Sorting, among, page_of
from ogniwo.interfaces.api.problems import PREFIX
from ogniwo.interfaces.api.registry import Answer, ApiRequest, operation
from ogniwo.interfaces.api.values import In, Instant
from ogniwo.interfaces.api.versions import etag_of, require_match
from ogniwo.services.access.roles import Act
from ogniwo.services.access.scopes import Scope
from ogniwo.services.exchange.events import EventKind
from ogniwo.services.exchange.webhooks import (
    DeliveryView,
    WebhookView,
    change_webhook,
    deliveries_of,
    make_webhook,
    remove_webhook,
    replay,
    webhook_of,
    webhooks_below,
)

Url = Annotated[str, Field(min_length=8, max_length=500, examples=["https://example.com/ogniwo"])]
Events = Annotated[list[EventKind], Field(min_length=1, max_length=len(EventKind))]


class WebhookOut(Schema):
    """A webhook; nothing is sent while it is not active."""

    id: UUID
    organisation: str
    url: str
    events: list[str]
    active: bool
    made_by: str
    made_at: Instant
    changed_at: Instant


class WebhookMadeOut(WebhookOut):
    """A new webhook with the secret that signs what is sent: it is shown this once."""

    secret: str


class WebhookPage(Page[WebhookOut]):
    """Webhooks, oldest first."""


class DeliveryOut(Schema):
    """What became of an event: waiting (until `due_at`), delivered, or failed after eight attempts."""

    event_id: str
    kind: str
    state: Literal["waiting", "delivered", "failed"]
    attempts: int
    made_at: Instant
    due_at: Instant | None
    answered_status: int | None
    problem: str
    delivered_at: Instant | None


class DeliveryPage(Page[DeliveryOut]):
    """Deliveries, newest first."""


class NewWebhook(In):
    """Where to send, and of what."""

    url: Url
    events: Events


class WebhookChange(In):
    """What is to change; what is left out stays."""

    url: Url | None = None
    events: Events | None = None
    active: bool | None = None


_WEBHOOKS: Final = Sorting[WebhookView](
    url=lambda one: one.url, made_at=lambda one: one.made_at, changed_at=lambda one: one.changed_at
)
_DELIVERIES: Final = Sorting[DeliveryView](
    kind=lambda one: one.kind,
    state=lambda one: one.state,
    attempts=lambda one: one.attempts,
    made_at=lambda one: one.made_at,
    delivered_at=lambda one: one.delivered_at,
)


class AskedWebhooks(Paged):
    """In what order."""

    sort: Annotated[str, _WEBHOOKS] = ""


class AskedDeliveries(Paged):
    """Which deliveries."""

    state: Annotated[list[Literal["", "waiting", "delivered", "failed"]], Field(max_length=10)] = []
    sort: Annotated[str, _DELIVERIES] = ""


def _out(one: WebhookView) -> WebhookOut:
    kept = {name: getattr(one, name) for name in WebhookOut.model_fields if name != "events"}
    return WebhookOut(**kept, events=list(one.events))


def _delivery(one: DeliveryView) -> DeliveryOut:
    return DeliveryOut(**{name: getattr(one, name) for name in DeliveryOut.model_fields})


@operation(
    "GET",
    "/organisations/{code}/webhooks",
    answer=WebhookPage,
    act=Act.CHANGE_SETTINGS,
    scope=Scope.WEBHOOKS_READ,
)
def list_webhooks(request: ApiRequest, code: str, asked: Query[AskedWebhooks]) -> dict[str, Any]:  # noqa: ARG001 -- the guard read it
    """The webhooks of an organisation and of those below it."""
    found = webhooks_below(subject=request.caller.subject)
    return page_of(
        request,
        found,
        paged=asked,
        key=lambda one: (one.made_at.isoformat(), str(one.id)),
        shape=_out,
        order=_WEBHOOKS.by(asked.sort),
    )


@operation(
    "POST",
    "/organisations/{code}/webhooks",
    answer=WebhookMadeOut,
    act=Act.CHANGE_SETTINGS,
    scope=Scope.WEBHOOKS_WRITE,
    status=201,
)
def create_webhook(request: ApiRequest, code: str, order: NewWebhook) -> Answer:
    """Tell an address of events from now on; the answer holds the secret that signs, this once."""
    caller = request.caller
    secret, made = make_webhook(
        workspace(), code=code, subject=caller.subject, url=order.url, events=order.events, by=caller.viewer.login
    )
    place = f"{PREFIX}/organisations/{code}/webhooks/{made.id}"
    return Answer(WebhookMadeOut(**_out(made).model_dump(), secret=secret), status=201, headers={"Location": place})


@operation(
    "GET",
    "/organisations/{code}/webhooks/{webhook}",
    answer=WebhookOut,
    act=Act.CHANGE_SETTINGS,
    scope=Scope.WEBHOOKS_READ,
    versioned=True,
)
def get_webhook(request: ApiRequest, code: str, webhook: UUID) -> WebhookOut:  # noqa: ARG001 -- the guard read the code
    """One webhook."""
    return _out(webhook_of(webhook, subject=request.caller.subject))


def _require_match(request: ApiRequest, webhook: UUID) -> None:
    require_match(request, etag_of(_out(webhook_of(webhook, subject=request.caller.subject))))


@operation(
    "PATCH",
    "/organisations/{code}/webhooks/{webhook}",
    answer=WebhookOut,
    act=Act.CHANGE_SETTINGS,
    scope=Scope.WEBHOOKS_WRITE,
    matches=True,
    versioned=True,
)
def update_webhook(request: ApiRequest, code: str, webhook: UUID, change: WebhookChange) -> WebhookOut:  # noqa: ARG001 -- the guard read the code
    """Change a webhook; If-Match is the ETag that was read."""
    _require_match(request, webhook)
    caller = request.caller
    return _out(
        change_webhook(
            workspace(),
            webhook_id=webhook,
            subject=caller.subject,
            by=caller.viewer.login,
            url=change.url,
            events=change.events,
            active=change.active,
        )
    )


@operation(
    "DELETE",
    "/organisations/{code}/webhooks/{webhook}",
    act=Act.CHANGE_SETTINGS,
    scope=Scope.WEBHOOKS_WRITE,
    matches=True,
    status=204,
)
def delete_webhook(request: ApiRequest, code: str, webhook: UUID) -> None:  # noqa: ARG001 -- the guard read the code
    """Remove a webhook; If-Match is the ETag that was read. What was sent stays in the log."""
    _require_match(request, webhook)
    remove_webhook(workspace(), webhook_id=webhook, subject=request.caller.subject, by=request.caller.viewer.login)


@operation(
    "GET",
    "/organisations/{code}/webhooks/{webhook}/deliveries",
    answer=DeliveryPage,
    act=Act.CHANGE_SETTINGS,
    scope=Scope.WEBHOOKS_READ,
)
def list_deliveries(
    request: ApiRequest,
    code: str,  # noqa: ARG001 -- the guard read it
    webhook: UUID,
    asked: Query[AskedDeliveries],
) -> dict[str, Any]:
    """What was sent to a webhook, or waits."""
    found = deliveries_of(webhook, subject=request.caller.subject)
    fits = (one for one in found if among(one.state, [*asked.state]))
    return page_of(
        request, fits, paged=asked, key=lambda one: (-one.number,), shape=_delivery, order=_DELIVERIES.by(asked.sort)
    )


@operation(
    "POST",
    "/organisations/{code}/webhooks/{webhook}/deliveries/{event}/replay",
    answer=DeliveryOut,
    act=Act.CHANGE_SETTINGS,
    scope=Scope.WEBHOOKS_WRITE,
)
def replay_delivery(request: ApiRequest, code: str, webhook: UUID, event: str) -> DeliveryOut:  # noqa: ARG001 -- the guard read the code
    """Send an event again, under the same id and with the same body."""
    caller = request.caller
    return _delivery(
        replay(workspace(), webhook_id=webhook, event_id=event, subject=caller.subject, by=caller.viewer.login)
    )
