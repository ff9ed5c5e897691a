"""The audit log: every act that changes something leaves a row that says who did it."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar

from ogniwo.records.audit.models import AuditEvent
from ogniwo.services.workspace.model import Workspace

_ACTING: ContextVar[str] = ContextVar("acting", default="operator")
"""Who acts now: the command line acts as the operator, a request as the user who is signed in."""


@contextmanager
def acting_as(login: str) -> Iterator[None]:
    """Everything recorded inside was done by this user."""
    token = _ACTING.set(login)
    try:
        yield
    finally:
        _ACTING.reset(token)


def acting() -> str:
    """The login of whoever acts now, for a record that keeps it."""
    return _ACTING.get()


def last_act_number() -> int:
    """The number of the last act in the log; as every act that writes is there, it stands for the records' state."""
    return AuditEvent.objects.order_by("-pk").values_list("pk", flat=True).first() or 0


def record_act(
    workspace: Workspace, *, action: str, target: str, facts: Mapping[str, object], subject: str = ""
) -> None:
    """Add a row to the audit log, in the transaction of the act itself; without a subject it is whoever acts now."""
    who = subject or _ACTING.get()
    AuditEvent.objects.create(at=workspace.now(), subject=who, action=action, target=target, facts=dict(facts))
