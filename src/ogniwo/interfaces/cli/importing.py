"""`ogniwo import`: bring meter files in."""

import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from ogniwo.core.kernel.findings import finding_row
from ogniwo.interfaces.cli.arguments import (
    DRY_RUN_OPTION,
    JSON_OPTION,
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
from ogniwo.services.jobs.work.watches import ask_after_import
from ogniwo.services.metering.importing import ImportedFile, ImportOptions, import_files, paths_as_files
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
