"""`ogniwo import` and `ogniwo point`: bring meter files in, look at points, intervals and versions."""

import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from ogniwo.core.kernel.calendar import Month
from ogniwo.core.kernel.findings import finding_row
from ogniwo.core.kernel.quantities import format_decimal
from ogniwo.interfaces.cli.arguments import (
    DRY_RUN_OPTION,
    INSTANT,
    JSON_OPTION,
    MONTH_OPTION,
    ORGANISATION_OPTION,
    opened,
    organisation_of,
    who,
)
from ogniwo.interfaces.cli.main import Runtime
from ogniwo.interfaces.cli.output import (
    REFUSED,
    answers_refusals,
    findings_exit_code,
    progress,
    say,
    say_findings,
    show_json,
    show_table,
)
from ogniwo.interfaces.cli.texts import day_or_none, instant, period
from ogniwo.services.jobs.work.watches import ask_after_import
from ogniwo.services.metering.importing import ImportedFile, ImportOptions, import_files, paths_as_files
from ogniwo.services.metering.queries import (
    PointDetails,
    interval_lines,
    intervals_of,
    list_points,
    point_details,
    versions_of,
)
from ogniwo.services.plugins.reading import layout_names
from ogniwo.services.workspace.queries import operator_subject


@click.command("import")
@click.argument("paths", nargs=-1, required=True, metavar="PATH...", type=click.Path(exists=True, path_type=Path))
@click.option("--point", default="", metavar="PPE", help="The metering point of files that name none.")
@click.option("--layout", default="", metavar="NAME", help="Read by this layout instead of detecting one.")
@click.option("--skip-unknown", is_flag=True, help="Leave out points that are not registered.")
@click.option("--accept-errors", is_flag=True, help="Import what can be used of files with errors.")
@ORGANISATION_OPTION
@DRY_RUN_OPTION
@JSON_OPTION
@click.pass_obj
@answers_refusals
def import_command(
    runtime: Runtime,
    /,
    *,
    paths: tuple[Path, ...],
    organisation: str,
    dry_run: bool,
    as_json: bool,
    layout: str,
    **options: Any,  # noqa: ANN401 -- typed by click
) -> None:
    """Import meter files, and the files of folders, into the workspace.

    The layout is found by itself. A file is imported as a whole or refused as a whole, and a refused one does not stop
    the others. Importing the same files again changes nothing.

    \b
    Examples:
      ogniwo -w coop import october/
      ogniwo -w coop import tauron.csv --point 590999010000000338
      ogniwo -w coop import october/ --dry-run --json

    \b
    Exit codes: 0 done, 2 wrong use, 3 done with findings to look at, 4 a file was refused.
    """  # noqa: D301 -- \b is click's mark for "keep these lines"
    workspace = opened(runtime)
    if layout and layout not in layout_names(workspace):
        lists = "`ogniwo read --layouts` lists them, `ogniwo plugin list` those of plug-ins"
        raise click.UsageError(f"there is no layout {layout!r}; {lists}")
    owner = organisation_of(organisation)
    try:
        files = paths_as_files(paths)
    except OSError as error:
        raise click.ClickException(f"cannot read {error.filename}: {error.strerror}") from error
    if not files:
        raise click.UsageError(f"there are no files in {', '.join(str(path) for path in paths)}")
    with progress("import", len(files)) as display:
        imported = import_files(
            workspace,
            organisation=owner,
            files=files,
            options=ImportOptions(layout=layout, dry_run=dry_run, **options),
            tell=display.step,
        )
    _show_imported(imported, as_json=as_json)
    findings = [finding for file in imported for finding in file.findings]
    refused = any(file.state == "refused" for file in imported)
    watched = (
        not dry_run
        and any(file.cells_stored for file in imported)
        and ask_after_import(workspace, organisation_code=owner.code, subject=operator_subject(), by=who())
    )
    if not as_json:
        say_findings(findings)
        if dry_run:
            say("nothing was stored (--dry-run)")
        elif watched:
            say("the watches are checked by a job (`ogniwo jobs run`, or the server)")
        if not dry_run and not refused:
            say(f"next: ogniwo -w {runtime.folder} quality show --month …")
    if refused:
        sys.exit(REFUSED)
    sys.exit(findings_exit_code(findings))


def _show_imported(imported: Sequence[ImportedFile], *, as_json: bool) -> None:
    counts = Counter(file.state for file in imported)
    if as_json:
        show_json({"files": [_file_row(file) for file in imported], "counts": dict(counts)})
        return
    show_table(
        headers=("file", "state", "layout", "intervals", "stored", "unchanged", "registers"),
        rows=[
            (
                file.name,
                file.state,
                file.layout,
                str(file.intervals),
                str(file.cells_stored),
                str(file.cells_unchanged),
                str(file.registers),
            )
            for file in imported
        ],
        right=frozenset({3, 4, 5, 6}),
    )
    for file in imported:
        if file.reason:
            say(f"ogniwo: {file.reason}")
    say(", ".join(f"{count} {state.replace('_', ' ')}" for state, count in sorted(counts.items())))


def _file_row(file: ImportedFile) -> dict[str, Any]:
    return {**asdict(file), "findings": [finding_row(finding) for finding in file.findings]}


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
