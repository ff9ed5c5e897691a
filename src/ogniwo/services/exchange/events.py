"""Events are what the log of acts says happened: written with the act itself, so none is lost and none is made up."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final

from ogniwo.records.audit.models import AuditEvent
from ogniwo.records.metering.models import SourceFile
from ogniwo.records.parties.models import Organisation

SILENT_KINDS: Final = frozenset({"send_webhooks"})
"""Jobs whose end is no event: telling of it would make another such job, and so on."""


class EventKind(StrEnum):
    """What programs can be told of."""

    FILE_IMPORTED = "file.imported"
    PERIOD_CLOSED = "period.closed"
    PERIOD_APPROVED = "period.approved"
    BILLS_ISSUED = "bills.issued"
    JOB_FINISHED = "job.finished"
    ALARM_RAISED = "alarm.raised"
    ALARM_ENDED = "alarm.ended"


_KINDS: Final[Mapping[str, EventKind]] = {
    "import.file": EventKind.FILE_IMPORTED,
    "period.close": EventKind.PERIOD_CLOSED,
    "period.approve": EventKind.PERIOD_APPROVED,
    "bills.issue": EventKind.BILLS_ISSUED,
    "job.end": EventKind.JOB_FINISHED,
    "alarm.raise": EventKind.ALARM_RAISED,
    "alarm.end": EventKind.ALARM_ENDED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened below an organisation; `number` is its place in the log."""

    number: int
    kind: EventKind
    at: datetime
    organisation: str
    path: str
    data: dict[str, Any]

    @property
    def event_id(self) -> str:
        """The same for every receiver and every time it is sent."""
        return f"evt_{self.number}"

    def document(self) -> dict[str, Any]:
        """What is sent: kind, time, facts; amounts and persons are asked for with a key."""
        at = self.at.astimezone(UTC).isoformat().replace("+00:00", "Z")
        return {"type": self.kind.value, "timestamp": at, "data": {"organisation": self.organisation, **self.data}}


def last_number() -> int:
    """The number of the newest row of the log."""
    return AuditEvent.objects.order_by("-pk").values_list("pk", flat=True).first() or 0


def events_after(number: int) -> list[Event]:
    """Every event after a place in the log, in its order."""
    rows = AuditEvent.objects.filter(pk__gt=number, action__in=_KINDS).order_by("pk")
    paths = dict(Organisation.objects.values_list("code", "path"))
    found = []
    for row in rows:
        code = _organisation(row)
        if code in paths and row.facts.get("kind") not in SILENT_KINDS:
            found.append(
                Event(
                    number=row.pk,
                    kind=_KINDS[row.action],
                    at=row.at,
                    organisation=code,
                    path=paths[code],
                    data=_data(row, code),
                )
            )
    return found


def _organisation(row: AuditEvent) -> str:
    if row.action == "import.file":
        found = SourceFile.objects.filter(sha256=row.facts.get("sha256", "")).select_related("organisation").first()
        return found.organisation.code if found else ""
    return row.target.partition(" ")[0]


def _data(row: AuditEvent, code: str) -> dict[str, Any]:
    """The facts with where to read the rest."""
    facts, place = row.facts, f"/api/v1/organisations/{code}"
    if row.action == "import.file":
        kept = {"name": row.target, "sha256": facts["sha256"], "intervals": facts["intervals"]}
        return {**kept, "url": f"{place}/files/{facts['sha256']}"}
    if row.action == "job.end":
        kept = {name: facts[name] for name in ("job", "kind", "state")}
        return {**kept, "url": f"{place}/jobs/{facts['job']}"}
    if row.action in {"alarm.raise", "alarm.end"}:
        kept = {name: facts[name] for name in ("alarm", "watch", "kind", "about", "because") if name in facts}
        return {**kept, "url": f"{place}/alarms/{facts['alarm']}"}
    month = row.target.partition(" ")[2]
    if row.action == "bills.issue":
        return {"month": month, "documents": facts["documents"], "url": f"{place}/bills?month={month}"}
    kept = {"month": month, "version": facts["version"], "inputs_digest": facts["inputs_digest"]}
    return {**kept, "url": f"{place}/settlement-runs/{month}"}
