"""`ogniwo balance`: what a community or a computing set took, gave and exchanged, day by day."""

import sys
from dataclasses import asdict
from typing import Any

import click

from ogniwo.core.kernel.calendar import Month
from ogniwo.core.metering.sets import ComputingSet, SetMember
from ogniwo.interfaces.cli.arguments import (
    COMMUNITY_OPTION,
    DRY_RUN_OPTION,
    JSON_OPTION,
    MONTH_OPTION,
    ORGANISATION_OPTION,
    community_of,
    opened,
    organisation_of,
)
from ogniwo.interfaces.cli.main import Runtime
from ogniwo.interfaces.cli.output import (
    DONE,
    DONE_WITH_FINDINGS,
    answers_refusals,
    say,
    show_json,
    show_table,
)
from ogniwo.interfaces.cli.texts import kwh
from ogniwo.services.metering.balance import (
    MonthBalance,
    SetBalance,
    community_balance,
    create_set,
    list_sets,
    set_balance,
)
from ogniwo.services.workspace.queries import operator_subject

_FIGURES = ("taken_wh", "given_wh", "exchanged_wh", "inflow_wh", "outflow_wh")


@click.group("balance")
def balance_group() -> None:
    """Balance an area: the points of a community, or a computing set of signed channels and other sets.

    \b
    Examples:
      ogniwo -w coop balance show --month 2026-10
      ogniwo -w coop balance set-create plants --add 590999772600000377:2.29.0 --add 590999772600000384:2.29.0
      ogniwo -w coop balance set-create village --subtract-set plants --add 590999772600000018:1.29.0
      ogniwo -w coop balance show --month 2026-10 --set village
    """  # noqa: D301 -- \b is click's mark for "keep these lines"


@balance_group.command("show")
@MONTH_OPTION
@click.option("--set", "set_name", default="", metavar="NAME", help="A computing set instead of the community.")
@COMMUNITY_OPTION
@JSON_OPTION
@click.pass_obj
@answers_refusals
def show(runtime: Runtime, *, month: Month, set_name: str, community: str, as_json: bool) -> None:
    """Show a month day by day: taken and given by the points, exchanged between them, from and to the grid outside.

    An hour with a missing value is left out and counted, never taken for zero.

    \b
    Exit codes: 0 done, 3 hours are missing, 4 refused.
    """  # noqa: D301 -- \b is click's mark for "keep these lines"
    workspace = opened(runtime)
    if set_name:
        found = set_balance(workspace, organisation=organisation_of(community), name=set_name, month=month)
        _show_set(found, as_json=as_json)
        sys.exit(DONE_WITH_FINDINGS if found.missing_slots else DONE)
    balance = community_balance(workspace, community=community_of(community), month=month)
    if as_json:
        show_json(_balance_document(balance))
    else:
        _show_community(balance)
    sys.exit(DONE_WITH_FINDINGS if balance.total("missing_hours") else DONE)


def _show_community(balance: MonthBalance) -> None:
    click.echo(f"{balance.community} {balance.month}, {balance.points} points; kWh, net per hour")
    click.echo()
    rows = [
        (day.day.isoformat(), *(kwh(getattr(day, figure)) for figure in _FIGURES), _hours(day.missing_hours))
        for day in balance.days
    ]
    total = ("total", *(kwh(balance.total(figure)) for figure in _FIGURES), _hours(balance.total("missing_hours")))
    show_table(
        headers=("day", "taken", "given", "exchanged", "from grid", "to grid", "missing h"),
        rows=[*rows, total],
        right=frozenset(range(1, 7)),
    )
    for point in balance.silent_points:
        say(f"{point} sent nothing for {balance.month}: no hour of its membership can be balanced")


def _hours(count: int) -> str:
    return str(count) if count else ""


def _balance_document(balance: MonthBalance) -> dict[str, Any]:
    return {
        "community": balance.community,
        "month": str(balance.month),
        "points": balance.points,
        "silent_points": list(balance.silent_points),
        "total": {figure: balance.total(figure) for figure in (*_FIGURES, "hours", "missing_hours")},
        "days": [{**asdict(day), "day": day.day.isoformat()} for day in balance.days],
    }


def _show_set(found: SetBalance, *, as_json: bool) -> None:
    if as_json:
        show_json(
            {
                "set": found.name,
                "month": str(found.month),
                "slot_s": found.slot_s,
                "energy_wh": found.energy_wh,
                "missing_slots": found.missing_slots,
                "worst_quality": found.worst_quality,
                "days": [{**asdict(day), "day": day.day.isoformat()} for day in found.days],
                "versions": found.version.split(","),
            }
        )
        return
    click.echo(f"set {found.name} {found.month}, steps of {found.slot_s} s, worst quality {found.worst_quality}")
    click.echo()
    show_table(
        headers=("day", "kWh", "missing"),
        rows=[
            *((day.day.isoformat(), kwh(day.energy_wh), _hours(day.missing_slots)) for day in found.days),
            ("total", kwh(found.energy_wh), _hours(found.missing_slots)),
        ],
        right=frozenset({1, 2}),
    )


@balance_group.command("set-create")
@click.argument("name")
@click.option("--add", multiple=True, metavar="PPE:CHANNEL", help="A channel with plus; may be repeated.")
@click.option("--subtract", multiple=True, metavar="PPE:CHANNEL", help="A channel with minus.")
@click.option("--add-set", multiple=True, metavar="NAME", help="Another set, with plus.")
@click.option("--subtract-set", multiple=True, metavar="NAME", help="Another set, with minus.")
@ORGANISATION_OPTION
@DRY_RUN_OPTION
@JSON_OPTION
@click.pass_obj
@answers_refusals
def set_create(
    runtime: Runtime,
    /,
    *,
    name: str,
    organisation: str,
    dry_run: bool,
    as_json: bool,
    **parts: Any,  # noqa: ANN401 -- typed by click
) -> None:
    """Name a signed sum of channels and of other sets: an area balance or a virtual meter.

    \b
    Examples:
      ogniwo -w coop balance set-create plants --add 590999772600000377:2.29.0 --add 590999772600000384:2.29.0
      ogniwo -w coop balance set-create rest --add 590999772600000018:1.29.0 --subtract-set plants
    """  # noqa: D301 -- \b is click's mark for "keep these lines"
    members = [
        *(_channel_member(text, 1) for text in parts["add"]),
        *(_channel_member(text, -1) for text in parts["subtract"]),
        *(SetMember(sign=1, set_name=other) for other in parts["add_set"]),
        *(SetMember(sign=-1, set_name=other) for other in parts["subtract_set"]),
    ]
    value = create_set(
        opened(runtime),
        organisation=organisation_of(organisation),
        subject=operator_subject(),
        name=name,
        members=members,
        dry_run=dry_run,
    )
    if as_json:
        show_json({**_set_row(value), "stored": not dry_run})
        return
    say(f"set {value.name} of {len(value.members)} members{' would be made' if dry_run else ' is made'}")
    say(f"next: ogniwo -w {runtime.folder} balance show --set {value.name} --month …")


def _channel_member(text: str, sign: int) -> SetMember:
    point, mark, channel = text.partition(":")
    if not (point and mark and channel):
        raise click.UsageError(f"{text!r} is not PPE:CHANNEL, such as 590999772600000377:2.29.0")
    return SetMember(sign=sign, point=point, channel=channel)


def _set_row(value: ComputingSet) -> dict[str, Any]:
    return {"name": value.name, "members": [asdict(member) for member in value.members]}


@balance_group.command("set-list")
@ORGANISATION_OPTION
@JSON_OPTION
@click.pass_obj
@answers_refusals
def set_list(runtime: Runtime, *, organisation: str, as_json: bool) -> None:
    """List the computing sets of an organisation with their members."""
    opened(runtime)
    sets = list_sets(organisation=organisation_of(organisation))
    if as_json:
        show_json([_set_row(one) for one in sets])
        return
    show_table(
        headers=("set", "sign", "member", "channel"),
        rows=[
            (one.name, "+" if member.sign > 0 else "-", member.set_name or member.point, member.channel)
            for one in sets
            for member in one.members
        ],
    )
