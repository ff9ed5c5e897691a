"""`ogniwo workspace`: create one, register who and what is in it, show what is there."""

import re
import unicodedata
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from ogniwo.core.kernel.findings import finding_row
from ogniwo.interfaces.cli.arguments import DRY_RUN_OPTION, JSON_OPTION, opened
from ogniwo.interfaces.cli.main import Runtime
from ogniwo.interfaces.cli.output import (
    answers_refusals,
    refuse,
    say,
    say_findings,
    show_json,
    show_table,
)
from ogniwo.interfaces.cli.texts import instant, money, zl
from ogniwo.services.workspace.master_data import MasterDataRefusedError
from ogniwo.services.workspace.operations import create_workspace
from ogniwo.services.workspace.queries import WorkspaceOverview, operator_subject, overview
from ogniwo.services.workspace.registering import register_file


@click.group("workspace")
def workspace_group() -> None:
    """Create a workspace, register who and what is in it, show what is there.

    \b
    Examples:
      ogniwo -w coop workspace create --name "Moja spółdzielnia"
      ogniwo -w coop workspace register members.toml --dry-run
      ogniwo -w coop workspace show
    """  # noqa: D301 -- \b is click's mark for "keep these lines"


@workspace_group.command("create")
@click.option("--name", required=True, help="What the workspace is called.")
@click.option("--network", default="", help="Id of its ledger (default: ogniwo/ and the name in plain letters).")
@click.option("--ledger", default="", help="PostgreSQL database for the ledger, postgresql://... (default: a file).")
@click.option(
    "--with-sample-rates", is_flag=True, help="Let sample values stand in for unknown rates (demonstrations)."
)
@DRY_RUN_OPTION
@JSON_OPTION
@click.pass_obj
@answers_refusals
def create(
    runtime: Runtime, *, name: str, network: str, ledger: str, with_sample_rates: bool, dry_run: bool, as_json: bool
) -> None:
    """Make a new workspace in the folder given by -w.

    \b
    Examples:
      ogniwo -w coop workspace create --name "Moja spółdzielnia"
      ogniwo -w trial workspace create --name Trial --network ogniwo/trial --with-sample-rates
    """  # noqa: D301 -- \b is click's mark for "keep these lines"
    workspace = create_workspace(
        root=runtime.folder,
        name=name,
        network=network or _network_of(name),
        sample_rates=with_sample_rates,
        ledger=ledger,
        dry_run=dry_run,
    )
    if as_json:
        show_json(
            {
                "folder": str(workspace.root),
                "name": workspace.name,
                "network": workspace.network,
                "sample_rates": workspace.sample_rates,
                "ledger": workspace.ledger,
                "created": not dry_run,
            }
        )
        return
    say(f"{'would create' if dry_run else 'created'} workspace {workspace.name!r} in {workspace.root}")
    say(f"network {workspace.network}; own rate files go to {workspace.rates}")
    say(f"next: ogniwo -w {workspace.root} workspace register MASTER.toml")


def _network_of(name: str) -> str:
    """The name in plain letters, digits and hyphens."""
    plain = unicodedata.normalize("NFKD", name.lower().replace("ł", "l")).encode("ascii", "ignore").decode()
    return f"ogniwo/{re.sub(r'[^a-z0-9]+', '-', plain).strip('-') or 'local'}"


@workspace_group.command("register")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@DRY_RUN_OPTION
@JSON_OPTION
@click.pass_obj
@answers_refusals
def register(runtime: Runtime, *, file: Path, dry_run: bool, as_json: bool) -> None:
    """Register organisations, members, points, meters, contracts, memberships and rules from one TOML file.

    All rows are registered or none. What is there already changes nothing; an open contract, membership or meter that
    now has an end (`to`) ends then. The file is described in docs/master_data.md.

    \b
    Examples:
      ogniwo -w coop workspace register members.toml --dry-run
      ogniwo -w coop workspace register members.toml
    """  # noqa: D301 -- \b is click's mark for "keep these lines"
    workspace = opened(runtime)
    try:
        registered = register_file(workspace, data=file.read_bytes(), file_name=file.name, dry_run=dry_run)
    except MasterDataRefusedError as refusal:
        if as_json:
            show_json({"refused": refusal.detail, "findings": [finding_row(finding) for finding in refusal.findings]})
        else:
            say_findings(refusal.findings)
        refuse(refusal)
    if as_json:
        show_json({"file": registered.file_name, "rows": dict(registered.rows), "stored": registered.stored})
        return
    show_table(
        headers=("table", "rows"), rows=[(table, str(count)) for table, count in registered.rows], right=frozenset({1})
    )
    say("nothing was stored (--dry-run)" if dry_run else f"next: ogniwo -w {workspace.root} import FILES")


@workspace_group.command("show")
@JSON_OPTION
@click.pass_obj
@answers_refusals
def show(runtime: Runtime, *, as_json: bool) -> None:
    """Show organisations, members, points, files, months, runs and invoices.

    \b
    Examples:
      ogniwo -w coop workspace show
      ogniwo -w coop workspace show --json
    """  # noqa: D301 -- \b is click's mark for "keep these lines"
    seen = overview(opened(runtime), subject=operator_subject())
    if as_json:
        show_json(_document(seen))
        return
    click.echo(f"{seen.name}, network {seen.network}{', with sample rates' if seen.sample_rates else ''}")
    click.echo(f"interval store: {seen.series_commits} commits, head {seen.series_head[:16]}")
    if seen.rate_files:
        click.echo(f"own rate files: {', '.join(seen.rate_files)}")
    click.echo()
    show_table(
        headers=("organisation", "name", "kind", "members", "points", "files", "invoices"),
        rows=[
            (one.code, one.name, one.kind, str(one.members), str(one.points), str(one.files), str(one.invoices))
            for one in seen.organisations
        ],
        right=frozenset({3, 4, 5, 6}),
    )
    if seen.months:
        click.echo()
        show_table(
            headers=("month", "points", "channels"),
            rows=[(one.month, str(one.points), str(one.channels)) for one in seen.months],
            right=frozenset({1, 2}),
        )
    if seen.runs:
        click.echo()
        show_table(
            headers=("settled", "month", "version", "made", "statements", "charged zł", "credited zł"),
            rows=[
                (
                    run.community,
                    run.month,
                    str(run.version),
                    instant(run.made_at),
                    str(run.statements),
                    zl(run.charged_grosz),
                    zl(run.credited_grosz),
                )
                for run in seen.runs
            ],
            right=frozenset({2, 4, 5, 6}),
        )


def _document(seen: WorkspaceOverview) -> dict[str, Any]:
    return {
        "name": seen.name,
        "network": seen.network,
        "sample_rates": seen.sample_rates,
        "rate_files": list(seen.rate_files),
        "series": {"commits": seen.series_commits, "head": seen.series_head},
        "organisations": [asdict(one) for one in seen.organisations],
        "months": [asdict(one) for one in seen.months],
        "runs": [
            {
                "community": run.community,
                "month": run.month,
                "version": run.version,
                "made_at": instant(run.made_at),
                "statements": run.statements,
                "charged": money(run.charged_grosz),
                "credited": money(run.credited_grosz),
            }
            for run in seen.runs
        ],
    }
