"""`ogniwo watch`: conditions that are checked by themselves, and the alarms that they raised."""

import sys
from datetime import date, datetime
from typing import Any

import click

from ogniwo.core.kernel.findings import finding_row
from ogniwo.core.kernel.periods import instant_of
from ogniwo.core.metering.watching import Step, WatchKind
from ogniwo.interfaces.cli.arguments import JSON_OPTION, ORGANISATION_OPTION, opened, organisation_of
from ogniwo.interfaces.cli.main import Runtime
from ogniwo.interfaces.cli.output import (
    DONE_WITH_FINDINGS,
    answers_refusals,
    progress,
    say,
    say_findings,
    show_json,
    show_table,
)
from ogniwo.interfaces.cli.texts import instant
from ogniwo.services.watching.alarms import acknowledge, alarms_below
from ogniwo.services.watching.checking import check_watches
from ogniwo.services.watching.model import AlarmView, NewWatch, WatchView
from ogniwo.services.watching.watches import add_watch, pause_watch, remove_watch, watches_below
from ogniwo.services.watching.words import sentence
from ogniwo.services.workspace.queries import operator_subject


def _day(_context: click.Context, _option: click.Parameter, moment: datetime | None) -> date | None:
    return moment.date() if moment else None


@click.group("watch")
def watch_group() -> None:
    """Watch silent points, energy beyond a limit, power beyond the contract, missing values; see the alarms.

    \b
    Examples:
      ogniwo -w coop watch add "No data" --kind silent --hours 48
      ogniwo -w coop watch check
      ogniwo -w coop watch alarms --state waiting
      ogniwo -w coop watch acknowledge 7 --note "the concentrator was down"
    """  # noqa: D301 -- \b is click's mark for "keep these lines"


@watch_group.command("list")
@JSON_OPTION
@click.pass_obj
@answers_refusals
def list_watches(runtime: Runtime, *, as_json: bool) -> None:
    """List what is watched, with how many alarms each watch has open and has raised in all.

    \b
    Examples:
      ogniwo -w coop watch list --json
    """  # noqa: D301 -- \b is click's mark for "keep these lines"
    opened(runtime)
    _show_watches(watches_below(subject=operator_subject()), as_json=as_json)


@watch_group.command("add")
@click.argument("name")
@click.option("--kind", required=True, type=click.Choice([kind.value for kind in WatchKind]), help="The condition.")
@click.option("--point", default="", metavar="PPE", help="Only this point (default: all of the organisation).")
@click.option("--set", "computing_set", default="", metavar="NAME", help="A computing set instead of points.")
@click.option("--channel", default="", help="The channel (default: 1.29.0; for silent: any).")
@click.option(
    "--of",
    "step",
    default="",
    type=click.Choice(["", *(step.value for step in Step)]),
    help="above, below: the energy of what.",
)
@click.option("--limit", default=0, type=int, help="above, below: Wh; missing: slots in a day.")
@click.option("--hours", "after_h", type=int, help="silent: hours without a value; missing: the wait after a day (72).")
@click.option(
    "--from",
    "valid_from",
    type=click.DateTime(["%Y-%m-%d"]),
    callback=_day,
    help="The first day judged (default: today).",
)
@click.option("--mail", "addresses", multiple=True, metavar="ADDRESS", help="Who gets a mail; may be repeated.")
@click.option("--tell-member", is_flag=True, help="Tell the point's member in the wallet.")
@ORGANISATION_OPTION
@JSON_OPTION
@click.pass_obj
@answers_refusals
def add(runtime: Runtime, *, organisation: str, as_json: bool, **said: Any) -> None:  # noqa: ANN401 -- as the options say
    """Watch a condition from a day on; the first watch of an organisation also plans a check for every day.

    \b
    Examples:
      ogniwo -w coop watch add "Night" --kind above --point 590100000000010007 --of hour --limit 2500
      ogniwo -w coop watch add "Gaps" --kind missing --limit 4 --hours 48 --mail office@coop.example
    """  # noqa: D301 -- \b is click's mark for "keep these lines"
    made = add_watch(
        opened(runtime),
        organisation=organisation_of(organisation),
        subject=operator_subject(),
        wanted=NewWatch(**said),
    )
    _show_watches((made,), as_json=as_json)


@watch_group.command("pause")
@click.argument("watch", type=int)
@click.option("--resume", is_flag=True, help="Watch again, from today on.")
@click.pass_obj
@answers_refusals
def pause(runtime: Runtime, *, watch: int, resume: bool) -> None:
    """Let a watch rest, which ends its open alarms; or let it judge again from today on.

    \b
    Examples:
      ogniwo -w coop watch pause 3
      ogniwo -w coop watch pause 3 --resume
    """  # noqa: D301 -- \b is click's mark for "keep these lines"
    found = pause_watch(opened(runtime), subject=operator_subject(), watch_id=watch, paused=not resume)
    _show_watches((found,), as_json=False)


@watch_group.command("remove")
@click.argument("watch", type=int)
@click.pass_obj
@answers_refusals
def remove(runtime: Runtime, *, watch: int) -> None:
    """Watch this no more; its alarms stay in the history.

    \b
    Examples:
      ogniwo -w coop watch remove 3
    """  # noqa: D301 -- \b is click's mark for "keep these lines"
    remove_watch(opened(runtime), subject=operator_subject(), watch_id=watch)
    say("removed")


@watch_group.command("check")
@JSON_OPTION
@click.pass_obj
@answers_refusals
def check(runtime: Runtime, *, as_json: bool) -> None:
    """Check every watch now: raise, follow and end alarms; months that did not change are not read again.

    \b
    Exit codes: 0 done, 3 some watch could not be checked, 75 something else is changing the workspace.
    """  # noqa: D301 -- \b is click's mark for "keep these lines"
    workspace = opened(runtime)
    with progress("check", len(watches_below(subject=operator_subject()))) as display:
        found = check_watches(workspace, subject=operator_subject(), tell=lambda _done, _total: display.step())
    if as_json:
        names = ("watches", "targets", "months", "raised", "ended", "corrected")
        counts = {name: getattr(found, name) for name in names}
        show_json({**counts, "findings": [finding_row(one) for one in found.refused]})
    else:
        say(
            f"{found.watches} watches at {found.targets} points and sets, {found.months} months read: "
            f"{found.raised} alarms raised, {found.ended} ended, {found.corrected} without reason after a correction"
        )
        say_findings(found.refused)
    if found.refused:
        sys.exit(DONE_WITH_FINDINGS)


@watch_group.command("alarms")
@click.option(
    "--state",
    type=click.Choice(["open", "waiting", "done"]),
    help="open; waiting: open or not acknowledged; done: neither (default: all).",
)
@click.option("--about", default="", metavar="PPE|SET", help="Only of this point or set.")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 10_000), help="At most so many.")
@JSON_OPTION
@click.pass_obj
@answers_refusals
def alarms(runtime: Runtime, *, state: str | None, about: str, limit: int, as_json: bool) -> None:
    """List alarms, the newest episode first.

    \b
    Examples:
      ogniwo -w coop watch alarms --state waiting
      ogniwo -w coop watch alarms --about 590100000000010007 --json
    """  # noqa: D301 -- \b is click's mark for "keep these lines"
    opened(runtime)
    found = alarms_below(subject=operator_subject(), point=about, state=state or "")[:limit]
    _show_alarms(found, as_json=as_json)


@watch_group.command("acknowledge")
@click.argument("alarm", type=int)
@click.option("--note", required=True, help="What was found or done; it stays.")
@JSON_OPTION
@click.pass_obj
@answers_refusals
def acknowledge_alarm(runtime: Runtime, *, alarm: int, note: str, as_json: bool) -> None:
    """Say that somebody has seen an alarm, once, with what was found or done.

    \b
    Examples:
      ogniwo -w coop watch acknowledge 7 --note "the concentrator was down"
    """  # noqa: D301 -- \b is click's mark for "keep these lines"
    seen = acknowledge(opened(runtime), subject=operator_subject(), alarm_id=alarm, note=note)
    _show_alarms((seen,), as_json=as_json)


def _show_watches(found: tuple[WatchView, ...], *, as_json: bool) -> None:
    if as_json:
        show_json([_watch_row(one) for one in found])
        return
    show_table(
        headers=(
            "watch",
            "organisation",
            "name",
            "kind",
            "about",
            "channel",
            "of",
            "limit",
            "hours",
            "open",
            "all",
            "",
        ),
        rows=[
            (
                str(one.watch_id),
                one.organisation,
                one.name,
                one.kind,
                one.point or one.computing_set or "all points",
                one.channel,
                one.step,
                str(one.limit) if one.kind in {"above", "below", "missing"} else "",
                str(one.after_h) if one.after_h else "",
                str(one.open_alarms),
                str(one.alarms),
                "paused" if one.paused else "",
            )
            for one in found
        ],
        right=frozenset({0, 7, 8, 9, 10}),
    )


def _watch_row(one: WatchView) -> dict[str, Any]:
    return {
        "watch": one.watch_id,
        "organisation": one.organisation,
        "name": one.name,
        "kind": one.kind,
        "point": one.point or None,
        "set": one.computing_set or None,
        "channel": one.channel or None,
        "of": one.step or None,
        "limit": one.limit,
        "hours": one.after_h,
        "from": one.valid_from.isoformat(),
        "mail": list(one.addresses),
        "tell_member": one.tell_member,
        "paused": one.paused,
        "open": one.open_alarms,
        "alarms": one.alarms,
    }


def _show_alarms(found: tuple[AlarmView, ...], *, as_json: bool) -> None:
    if as_json:
        show_json([_alarm_row(one) for one in found])
        return
    show_table(
        headers=("alarm", "watch", "about", "from", "to", "what", "state", "acknowledged"),
        rows=[
            (
                str(one.alarm_id),
                one.watch,
                one.point or one.computing_set,
                _instant(one.start_epoch_s),
                _instant(one.end_epoch_s) if one.ended_at else "",
                sentence(one),
                one.state,
                f"{one.acknowledged_by}: {one.note}" if one.acknowledged_at else "",
            )
            for one in found
        ],
        right=frozenset({0}),
    )


def _alarm_row(one: AlarmView) -> dict[str, Any]:
    return {
        "alarm": one.alarm_id,
        "watch": one.watch,
        "kind": one.kind,
        "organisation": one.organisation,
        "point": one.point or None,
        "set": one.computing_set or None,
        "channel": one.channel or None,
        "from": _instant(one.start_epoch_s),
        "to": _instant(one.end_epoch_s),
        "worst": one.worst,
        "worst_at": _instant(one.worst_epoch_s),
        "limit": one.limit,
        "unit": one.unit,
        "missing_between": one.unknown,
        "text": sentence(one),
        "state": one.state,
        "raised_at": instant(one.raised_at),
        "ended_at": instant(one.ended_at) if one.ended_at else None,
        "corrected_at": instant(one.corrected_at) if one.corrected_at else None,
        "acknowledged_at": instant(one.acknowledged_at) if one.acknowledged_at else None,
        "acknowledged_by": one.acknowledged_by or None,
        "note": one.note or None,
    }


def _instant(epoch_s: int) -> str:
    return instant(instant_of(epoch_s))
