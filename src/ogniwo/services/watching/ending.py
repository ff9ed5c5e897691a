"""An alarm ends, and what the log says of an act on one."""

from datetime import datetime
from typing import Any

from ogniwo.records.watches.models import Alarm, Watch
from ogniwo.services.watching.words import local_text
from ogniwo.services.workspace.audit import record_act
from ogniwo.services.workspace.model import Workspace


def end_alarm(workspace: Workspace, watch: Watch, alarm: Alarm, *, at: datetime, because: str) -> None:
    """End an open alarm of a watch: it is over, was corrected, or its watch was stopped."""
    alarm.ended_at, alarm.ended_because = at, because
    alarm.save(update_fields=["end_epoch_s", "ended_at", "ended_because", "corrected_at"])
    said = named(watch, alarm, until=local_text(alarm.end_epoch_s), because=because)
    record_act(workspace, action="alarm.end", **said)


def named(watch: Watch, alarm: Alarm, **facts: object) -> dict[str, Any]:
    """On what an act was done, and its facts."""
    said = {
        "alarm": alarm.pk,
        "watch": watch.name,
        "kind": watch.kind,
        "about": alarm.target,
        "channel": alarm.channel,
        "from": local_text(alarm.start_epoch_s),
        **facts,
    }
    return {"target": f"{watch.organisation.code} {alarm.target}", "facts": said}
