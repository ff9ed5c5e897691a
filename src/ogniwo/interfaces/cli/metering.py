"""`ogniwo point`: look at points, intervals and versions."""

from dataclasses import asdict
from datetime import datetime
from typing import Any

import click

from ogniwo.core.kernel.calendar import Month
from ogniwo.core.kernel.quantities import format_decimal
from ogniwo.interfaces.cli.arguments import (
    INSTANT,
    JSON_OPTION,
    MONTH_OPTION,
    ORGANISATION_OPTION,
    opened,
    organisation_of,
)
from ogniwo.interfaces.cli.main import Runtime
from ogniwo.interfaces.cli.output import (
    answers_refusals,
    show_json,
    show_table,
)
from ogniwo.interfaces.cli.texts import day_or_none, instant, period
from ogniwo.services.metering.queries import (
    PointDetails,
    interval_lines,
    intervals_of,
    list_points,
    point_details,
    versions_of,
)
from ogniwo.services.workspace.queries import operator_subject


@click.group("point")
def point_group() -> None:
    """List metering points; show what is registered of one, its intervals and their versions.

    \b
    Examples:
      ogniwo -w coop point list
      ogniwo -w coop point show 590999772600000360
      ogniwo -w coop point intervals 590999772600000360 --month 2026-10 --channel 1.29.0
      ogniwo -w coop point versions 590999772600000360 --month 2026-10
    """  # noqa: D301 -- \b is click's mark for "keep these lines"


@point_group.command("list")
@ORGANISATION_OPTION
@click.option("--group", default="", metavar="A/B", help="Only points of this group and of those below it.")
@JSON_OPTION
@click.pass_obj
@answers_refusals
def point_list(runtime: Runtime, *, organisation: str, group: str, as_json: bool) -> None:
    """List the metering points of an organisation, or of one group of its tree."""
    opened(runtime)
    points = list_points(organisation=organisation_of(organisation), subject=operator_subject(), group=group)
    if as_json:
        show_json([asdict(point) for point in points])
        return
    show_table(
        headers=("PPE", "member", "name", "role", "source", "peak kW", "group"),
        rows=[
            (
                one.code,
                one.member,
                one.member_name,
                one.role,
                one.source,
                format_decimal(one.peak_power_w, decimals=3, mark=",") if one.peak_power_w else "",
                one.group,
            )
            for one in points
        ],
        right=frozenset({5}),
    )


@point_group.command("show")
@click.argument("ppe")
@JSON_OPTION
@click.pass_obj
@answers_refusals
def point_show(runtime: Runtime, *, ppe: str, as_json: bool) -> None:
    """Show what is registered of a point: member, meters, contracts, memberships, and its channels by month."""
    details = point_details(opened(runtime), code=ppe, subject=operator_subject())
    if as_json:
        show_json(_details_row(details))
        return
    one = details.summary
    click.echo(f"{one.code}  {one.role}{f' ({one.source})' if one.source else ''}")
    click.echo(f"member {one.member} {one.member_name}")
    click.echo(f"address {', '.join(part for part in (details.street, one.town) if part) or 'not known'}")
    for meter in details.meters:
        ratios = f"current {_ratio(meter.current)}, voltage {_ratio(meter.voltage)}"
        click.echo(f"meter {meter.serial} {period(meter.valid_from, meter.valid_to)}, {ratios}")
    for contract in details.contracts:
        click.echo(
            f"contract {contract.operator} {contract.group} {period(contract.valid_from, contract.valid_to)}: "
            + ", ".join(f"{name} {value}" for name, value in contract.terms if value not in ("", None, False))
        )
    for membership in details.memberships:
        click.echo(
            f"in {membership.community} {period(membership.valid_from, membership.valid_to)}, key "
            f"{membership.share_key}, rank {membership.merit_rank}, {membership.participation_percent} %"
        )
    if details.channels:
        click.echo()
        show_table(
            headers=("month", "channel", "step s", "present", "of", "version"),
            rows=[
                (row.month, row.channel, str(row.slot_s), str(row.present), str(row.slots), row.version)
                for row in details.channels
            ],
            right=frozenset({2, 3, 4}),
        )


def _ratio(ratio: tuple[int, int]) -> str:
    return f"{ratio[0]}/{ratio[1]}"


def _details_row(details: PointDetails) -> dict[str, Any]:
    def validity(row: Any) -> dict[str, Any]:  # noqa: ANN401 -- three kinds of periods
        return {**asdict(row), "valid_from": day_or_none(row.valid_from), "valid_to": day_or_none(row.valid_to)}

    return {
        **asdict(details.summary),
        "street": details.street,
        "latitude_e6": details.latitude_e6,
        "longitude_e6": details.longitude_e6,
        "meters": [validity(row) for row in details.meters],
        "contracts": [{**validity(row), "terms": dict(row.terms)} for row in details.contracts],
        "memberships": [validity(row) for row in details.memberships],
        "channels": [asdict(row) for row in details.channels],
    }


@point_group.command("intervals")
@click.argument("ppe")
@MONTH_OPTION
@click.option("--channel", default="", metavar="OBIS", help="One channel, such as 1.29.0 (default: all).")
@click.option("--as-of", type=INSTANT, metavar="ISO", help="As the values were known at this instant.")
@click.option("--format", "form", type=click.Choice(["csv", "jsonl"]), help="Form of the data (default: csv).")
@click.option("--json", "as_json", is_flag=True, help="For machines: the same as --format jsonl.")
@click.pass_obj
@answers_refusals
def point_intervals(
    runtime: Runtime,
    *,
    ppe: str,
    month: Month,
    channel: str,
    as_of: datetime | None,
    form: str | None,
    as_json: bool,
) -> None:
    """Print a point's intervals of a month with quality and version; a missing value is empty, never a zero.

    \b
    Examples:
      ogniwo -w coop point intervals 590999772600000360 --month 2026-10 > october.csv
      ogniwo -w coop point intervals 590999772600000346 --month 2026-10 --as-of 2026-11-05T12:00:00Z
    """  # noqa: D301 -- \b is click's mark for "keep these lines"
    series = intervals_of(
        opened(runtime), code=ppe, subject=operator_subject(), month=month, channel=channel, as_of=as_of
    )
    for line in interval_lines(series, form=form or ("jsonl" if as_json else "csv")):
        click.echo(line, nl=False)


@point_group.command("versions")
@click.argument("ppe")
@MONTH_OPTION
@JSON_OPTION
@click.pass_obj
@answers_refusals
def point_versions(runtime: Runtime, *, ppe: str, month: Month, as_json: bool) -> None:
    """List every version of a point's month: when it became known, from where and why."""
    versions = versions_of(opened(runtime), code=ppe, subject=operator_subject(), month=month)
    if as_json:
        show_json(
            [
                {
                    "channel": one.channel,
                    "version": one.version,
                    "name": one.name,
                    "known_at": one.known_at.isoformat(),
                    "source": one.source,
                    "reason": one.reason,
                    "author": one.author,
                    "digest": one.digest,
                }
                for one in versions
            ]
        )
        return
    show_table(
        headers=("channel", "version", "known at", "author", "source", "reason"),
        rows=[(one.channel, one.name, instant(one.known_at), one.author, one.source, one.reason) for one in versions],
    )
