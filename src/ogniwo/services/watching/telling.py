"""Who is told of a new alarm: the addresses of its watch by mail, and the member in his wallet. Once each."""

from collections.abc import Sequence
from typing import Final

from ogniwo.records.watches.models import Alarm, Watch
from ogniwo.services.jobs.work.mails import mail
from ogniwo.services.messages.operations import tell
from ogniwo.services.watching.model import alarm_view
from ogniwo.services.watching.words import local_text, sentence
from ogniwo.services.workspace.audit import acting
from ogniwo.services.workspace.model import Workspace

LINES_MOST: Final = 50
"""More alarms than this stand in a letter as a number."""


def tell_of_alarms(workspace: Workspace, watch: Watch, alarms: Sequence[Alarm]) -> None:
    """Tell of the alarms that one check raised, within its transaction: what is undone was never told."""
    if not alarms:
        return
    for address in watch.addresses:
        mail(
            workspace,
            organisation_code=watch.organisation.code,
            to=address,
            subject=f"Alarm: {watch.name}" + (f" ({len(alarms)})" if len(alarms) > 1 else ""),
            text=_letter(watch, alarms),
            by=acting(),
        )
    if not watch.tell_member:
        return
    for alarm in alarms:
        if alarm.point is not None:
            facts = {
                "point": alarm.target,
                "channel": alarm.channel,
                "kind": watch.kind,
                "step": watch.step,
                "from": alarm.start_epoch_s,
                "worst": alarm.worst,
                "limit": alarm.limit,
            }
            tell(workspace, member=alarm.point.member, kind="alarm", about=f"alarm {alarm.pk}", facts=facts)


def _letter(watch: Watch, alarms: Sequence[Alarm]) -> str:
    shown, more = alarms[:LINES_MOST], len(alarms) - LINES_MOST
    lines = [f"{watch.organisation.name}: {watch.name}", ""]
    for language, since, rest, where in (
        ("pl", "od", "i jeszcze: {n}", "Zobacz stronę Alarmy w konsoli: tam się je potwierdza."),
        ("en", "since", "and more: {n}", "See the page Alarms of the console: they are acknowledged there."),
    ):
        lines += [
            f"{one.target}, {since} {local_text(one.start_epoch_s)}: {sentence(alarm_view(one), language=language)}"
            for one in shown
        ]
        lines += [rest.format(n=more)] if more > 0 else []
        lines += ["", where, "", "--"]
    return "\n".join(lines[:-1])
