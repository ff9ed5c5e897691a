"""`ogniwo read`: any known meter file as one plain table, without a workspace or a database."""

import json
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import click

from ogniwo.core.kernel.findings import Finding, finding_row
from ogniwo.interfaces.cli.output import (
    WRONG_USE,
    exit_code_of,
    findings_exit_code,
    refuse,
    say,
    say_findings,
)
from ogniwo.services.metering import read_files as service

_HELP = """Read meter files of any known layout and print their values as one plain table.

The layout is found by itself. Every value keeps its quality and the row it came from; times are UTC starts. A file
that contradicts itself is refused as a whole, with its rows named, and then nothing is written.

\b
Examples:
  ogniwo read tauron.csv --point 590999010000000338
  ogniwo read SE_*.csv --format jsonl --output october.jsonl
  ogniwo read --layouts

\b
Exit codes: 0 done, 2 wrong use, 3 done with findings to look at, 4 refused.
"""


@click.command("read", help=_HELP)
@click.argument("files", nargs=-1, metavar="FILE...", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--point", default="", metavar="PPE", help="The metering point of files that name none.")
@click.option("--layout", default="", metavar="NAME", help="Read by this layout instead of detecting one.")
@click.option("--format", "form", type=click.Choice(["csv", "jsonl"]), help="Form of the data (default: csv).")
@click.option("--output", default="-", metavar="FILE", help="Where the data goes; - is standard output.")
@click.option("--json", "as_json", is_flag=True, help="Data and findings as JSON lines, for machines.")
@click.option("--layouts", is_flag=True, help="List the known layouts and stop.")
def read_command(
    *, files: tuple[Path, ...], point: str, layout: str, form: str | None, output: str, as_json: bool, layouts: bool
) -> None:
    """Normalise meter files to CSV or JSON lines."""
    if layouts:
        _show_layouts(as_json=as_json)
        return
    if not files:
        raise click.UsageError("name at least one FILE, or ask for --layouts")
    if layout and layout not in {known.name for known in service.known_layouts()}:
        raise click.UsageError(f"there is no layout {layout!r}; --layouts lists them")
    try:
        readings = service.read_files(files, point=point, layout=layout)
    except service.FileRefusedError as refusal:
        _tell(refusal.findings, as_json=as_json)
        if as_json:
            say(json.dumps({"refused": refusal.detail, "code": refusal.code}))
            sys.exit(exit_code_of(refusal))
        refuse(refusal)
    except OSError as error:
        raise click.ClickException(f"cannot read {error.filename}: {error.strerror}") from error
    _write(_lines(readings, form=form or ("jsonl" if as_json else "csv")), output)
    for reading in readings:
        _summarise(reading, as_json=as_json)
    findings = tuple(finding for reading in readings for finding in reading.findings)
    _tell(findings, as_json=as_json)
    sys.exit(findings_exit_code(findings))


def _lines(readings: list[service.FileReading], *, form: str) -> Iterator[str]:
    if form == "jsonl":
        return service.to_json_lines(readings)
    kinds = service.kinds_of(readings)
    if len(kinds) > 1:
        say(f"ogniwo: the files hold {' and '.join(kinds)} rows, one CSV table holds one kind; use --format jsonl")
        sys.exit(WRONG_USE)
    return service.to_csv_lines(readings, kind=kinds[0] if kinds else "interval")


def _write(lines: Iterator[str], output: str) -> None:
    """Write to standard output, or to a file that appears only when it is whole."""
    if output == "-":
        for line in lines:
            click.echo(line, nl=False)
        return
    target = Path(output)
    unfinished = target.with_name(f"{target.name}.part")
    try:
        with unfinished.open("w", encoding="utf-8", newline="") as stream:
            stream.writelines(lines)
        unfinished.replace(target)
    except OSError as error:
        unfinished.unlink(missing_ok=True)
        raise click.ClickException(f"cannot write {output}: {error.strerror}") from error


def _summarise(reading: service.FileReading, *, as_json: bool) -> None:
    counts = {
        "intervals": reading.intervals.count,
        "registers": len(reading.registers),
        "maxima": len(reading.maxima),
    }
    if as_json:
        about = {"file": reading.file_name, "layout": reading.layout, "sha256": reading.sha256}
        say(json.dumps({**about, **counts, "facts": dict(reading.facts)}, ensure_ascii=False))
        return
    held = ", ".join(f"{count} {what}" for what, count in counts.items() if count) or "nothing"
    facts = "".join(f", {name} {value}" for name, value in reading.facts)
    say(f"{reading.file_name}: {reading.layout}, {held}{facts}")


def _tell(findings: tuple[Finding, ...], *, as_json: bool) -> None:
    if not as_json:
        say_findings(findings)
        return
    for finding in findings:
        say(json.dumps(finding_row(finding), ensure_ascii=False))


def _show_layouts(*, as_json: bool) -> None:
    for known in service.known_layouts():
        if as_json:
            click.echo(json.dumps(asdict(known), ensure_ascii=False))
            continue
        click.echo(f"{known.name:24} {known.title}")
        click.echo(f"{'':24} {known.certainty}: {known.source}")
