"""The audit log: every act that changes something leaves a row."""

from collections.abc import Mapping

from ogniwo.records.audit.models import AuditEvent
from ogniwo.services.workspace.model import Workspace


def record_act(
    workspace: Workspace, *, action: str, target: str, facts: Mapping[str, object], subject: str = "operator"
) -> None:
    """Add a row to the audit log, in the transaction of the act itself; the command line acts as the operator."""
    AuditEvent.objects.create(at=workspace.now(), subject=subject, action=action, target=target, facts=dict(facts))
