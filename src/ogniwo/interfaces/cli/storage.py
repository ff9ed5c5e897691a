"""`ogniwo storage`: mark points as storages, follow a month's energy through them, show where it came from."""

import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

import click

from ogniwo.core.balancing.provenance import StorageTerms
from ogniwo.core.kernel.calendar import Month
from ogniwo.core.kernel.findings import finding_row
from ogniwo.interfaces.cli.arguments import COMMUNITY_OPTION, JSON_OPTION, MONTH, community_of, opened
from ogniwo.interfaces.cli.main import Runtime
from ogniwo.interfaces.cli.output import (
    answers_refusals,
    findings_exit_code,
    say,
    say_findings,
    show_json,
    show_table,
)
from ogniwo.interfaces.cli.texts import instant, kwh
from ogniwo.services.storage.declaring import StorageView, declarations_of, declare_storage, end_storage
from ogniwo.services.storage.queries import storage_hours, storage_month, storage_part
from ogniwo.services.storage.tracing import trace_month
from ogniwo.services.workspace.queries import operator_subject

_POINT = click.argument("point", metavar="PPE")
_VERSION = click.option("--version", type=click.IntRange(min=1), default=None, help="A version (default: the newest).")
_SINCE = click.option("--from", "since", required=True, type=MONTH, metavar="YYYY-MM", help="From this month on.")
_ENERGIES = ("carried_wh", "charged_wh", "unrecorded_wh", "out_wh", "shared_wh", "lost_wh", "stored_wh")
_ORIGINS = {
    "renewable": "community, renewable",
    "other": "community, other",
    "grid": "grid",
    "unknown": "unknown",
}


@click.group("storage")
def storage_group() -> None:
    """Follow energy through storages: whose it was, what came out, what was lost, what is still there.

    \b
    Examples:
      ogniwo -w coop storage mark 590999772600000414 --from 2026-10 --efficiency 900 --capacity 50000
      ogniwo -w coop storage trace 2026-10
      ogniwo -w coop storage show 2026-10 --member SE-037
      ogniwo -w coop storage hours 2026-10 > storage-hours.csv
    """  # noqa: D301 -- \b is click's mark for "keep these lines"


@storage_group.command("mark")
@_POINT
@_SINCE
@click.option("--efficiency", required=True, type=int, metavar="PER-MILLE", help="What comes out of 1000 Wh charged.")
@click.option("--capacity", default=0, type=int, metavar="WH", help="What it can deliver when full, in Wh.")
@COMMUNITY_OPTION
@JSON_OPTION
@click.pass_obj
@answers_refusals
def mark(
    runtime: Runtime, *, point: str, since: Month, efficiency: int, capacity: int, community: str, as_json: bool
) -> None:
    """Say that a metering point is a storage from a month on; again for the same month corrects it."""
    terms = StorageTerms(point=point, efficiency_permille=efficiency, capacity_wh=capacity)
    declared = declare_storage(
        opened(runtime), community=community_of(community), terms=terms, since=since, subject=operator_subject()
    )
    _say_declared(declared, as_json=as_json)


@storage_group.command("unmark")
@_POINT
@_SINCE
@COMMUNITY_OPTION
@JSON_OPTION
@click.pass_obj
@answers_refusals
def unmark(runtime: Runtime, *, point: str, since: Month, community: str, as_json: bool) -> None:
    """Say that a metering point is no storage from a month on; what it still holds is no longer followed."""
    ended = end_storage(
        opened(runtime), community=community_of(community), point=point, since=since, subject=operator_subject()
    )
    _say_declared(ended, as_json=as_json)


def _say_declared(one: StorageView, *, as_json: bool) -> None:
    if as_json:
        show_json(_declared_row(one))
    else:
        say(f"{one.point} of {one.member} is {'a' if one.storing else 'no'} storage from {one.valid_from} on")


def _declared_row(one: StorageView) -> dict[str, Any]:
    return {
        "point": one.point,
        "member": one.member,
        "valid_from": one.valid_from.isoformat(),
        "storing": one.storing,
        "efficiency_permille": one.efficiency_permille,
        "capacity_wh": one.capacity_wh,
    }


@storage_group.command("list")
@COMMUNITY_OPTION
@JSON_OPTION
@click.pass_obj
@answers_refusals
def list_storages(runtime: Runtime, *, community: str, as_json: bool) -> None:
    """List what was declared of storages, by point and month."""
    opened(runtime)
    rows = declarations_of(community=community_of(community), subject=operator_subject())
    if as_json:
        show_json([_declared_row(one) for one in rows])
        return
    show_table(
        headers=("PPE", "member", "from", "storage", "efficiency ‰", "capacity kWh"),
        rows=[
            (
                one.point,
                one.member,
                one.valid_from.isoformat(),
                "yes" if one.storing else "no",
                str(one.efficiency_permille),
                kwh(one.capacity_wh) if one.capacity_wh else "",
            )
            for one in rows
        ],
        right=frozenset({4, 5}),
    )


@storage_group.command("trace")
@click.argument("month", type=MONTH)
@COMMUNITY_OPTION
@JSON_OPTION
@click.pass_obj
@answers_refusals
def trace(runtime: Runtime, *, month: Month, community: str, as_json: bool) -> None:
    """Follow a closed month's energy through the storages and keep the account as a version.

    The same data again keep nothing. Where the settlement of an earlier month changed, that month and all after it are
    made again, and it says which.

    \b
    Exit codes: 0 done, 3 done with findings, 4 refused.
    """  # noqa: D301 -- \b is click's mark for "keep these lines"
    chosen = community_of(community)
    traced = trace_month(opened(runtime), community=chosen, month=month)
    if as_json:
        show_json(
            {
                "month": str(month),
                "version": traced.version,
                "changed": traced.changed,
                "also": [{"month": str(one), "version": version} for one, version in traced.also],
                "findings": [finding_row(one) for one in traced.findings],
            }
        )
    else:
        view = storage_month(community=chosen, month=month, subject=operator_subject(), version=traced.version)
        _show_account(view.document)
        say_findings(traced.findings)
        kept = "kept as" if traced.changed else "nothing changed since"
        say(f"the storages of {month}: {kept} version {traced.version}")
        say(f"next: ogniwo -w {runtime.folder} ledger post {month}")
    sys.exit(findings_exit_code(traced.findings))


@storage_group.command("show")
@click.argument("month", type=MONTH)
@click.option("--member", default="", metavar="NUMBER", help="One member's part, without other members' points.")
@_VERSION
@click.option("--csv", "as_csv", is_flag=True, help="The rows by storage and source as CSV.")
@COMMUNITY_OPTION
@JSON_OPTION
@click.pass_obj
@answers_refusals
def show(
    runtime: Runtime, *, month: Month, member: str, version: int | None, as_csv: bool, community: str, as_json: bool
) -> None:
    """Show whose energy went into the storages of a month, what came out, was lost, and is still there."""
    opened(runtime)
    chosen, subject = community_of(community), operator_subject()
    if member:
        part = storage_part(community=chosen, month=month, member=member, subject=subject, version=version or 0)
        _show_part(part, as_csv=as_csv, as_json=as_json)
        return
    view = storage_month(community=chosen, month=month, subject=subject, version=version or 0)
    if as_json:
        show_json({**view.document, "sha256": view.digest, "findings": [finding_row(one) for one in view.findings]})
    elif as_csv:
        _show_csv(view.document["rows"])
    else:
        click.echo(f"made {instant(view.made_at)}, version {view.document['version']} of {view.versions}")
        click.echo(f"sha256 {view.digest}")
        _show_account(view.document)
        say_findings(view.findings)


def _show_account(document: Mapping[str, Any]) -> None:
    totals = document["totals"]
    click.echo(
        f"{document['community']} {document['month']}, settlement version {document['settlement']['version']}; "
        "energy in kWh"
    )
    click.echo()
    _show_rows(document["rows"])
    click.echo()
    show_table(
        headers=("the community's month", "kWh"),
        rows=[
            ("exchanged by the settlement", kwh(totals["exchanged_wh"])),
            ("  into storages, to come out later", kwh(totals["into_storages_wh"])),
            ("  from a member straight to a use", kwh(totals["direct_wh"])),
            *((f"  out of storages: {text}", kwh(totals[f"{origin}_wh"])) for origin, text in _ORIGINS.items()),
            ("shared, each kWh once", kwh(totals["shared_wh"])),
        ],
        right=frozenset({1}),
    )


def _show_rows(rows: Iterable[Mapping[str, Any]]) -> None:
    listed = list(rows)
    sums: Counter[str] = Counter()
    for row in listed:
        sums.update({name: row[name] for name in _ENERGIES})
    headers = (
        "storage",
        "source",
        "PPE",
        "member",
        "carried",
        "charged",
        "no record",
        "out",
        "shared",
        "lost",
        "stored",
    )
    show_table(
        headers=headers,
        rows=[
            *(
                (
                    row["storage"],
                    _ORIGINS[row["origin"]],
                    row["point"],
                    f"{row['member']} (own)" if row["own"] else row["member"],
                    *(kwh(row[name]) for name in _ENERGIES),
                )
                for row in listed
            ),
            ("total", "", "", "", *(kwh(sums[name]) for name in _ENERGIES)),
        ],
        right=frozenset(range(4, len(headers))),
    )


def _show_part(part: Mapping[str, Any], *, as_csv: bool, as_json: bool) -> None:
    if as_json:
        show_json(dict(part))
        return
    if as_csv:
        _show_csv(part["given"])
        return
    click.echo(f"{part['community']} {part['month']}, member {part['member']}; energy in kWh")
    if part["given"]:
        click.echo("\nenergy of this member in storages:")
        _show_rows(part["given"])
    for storage in part["storages"]:
        click.echo(f"\nstorage {storage['point']} of this member, by what its energy was:")
        _show_rows(
            {**row, "storage": storage["point"], "point": "", "member": part["member"] if row["own"] else ""}
            for row in storage["by_origin"]
        )
    for row in part["received"]:
        got = ", ".join(f"{text} {kwh(row[f'{origin}_wh'])}" for origin, text in _ORIGINS.items())
        click.echo(f"\n{row['point']} used out of storages: {got}")


def _show_csv(rows: Iterable[Mapping[str, Any]]) -> None:
    names = ("storage", "origin", "point", "member", "own", *_ENERGIES)
    click.echo(",".join(names))
    for row in rows:
        click.echo(",".join(str(int(row[name])) if name == "own" else str(row[name]) for name in names))


@storage_group.command("hours")
@click.argument("month", type=MONTH)
@_VERSION
@COMMUNITY_OPTION
@click.pass_obj
@answers_refusals
def hours(runtime: Runtime, *, month: Month, version: int | None, community: str) -> None:
    """Print what each storage did in each hour by source as CSV; the account names the SHA-256 of this file."""
    opened(runtime)
    for line in storage_hours(
        community=community_of(community), month=month, subject=operator_subject(), version=version or 0
    ):
        click.echo(line, nl=False)
