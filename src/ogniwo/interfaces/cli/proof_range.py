"""`ogniwo proof range`: prove "at least" or "at most" of a month's energy without showing it."""

import os
from pathlib import Path

import click

from ogniwo.core.kernel.calendar import Month
from ogniwo.core.kernel.quantities import NotADecimalError, format_decimal, parse_decimal
from ogniwo.core.ledger.canonical import encode
from ogniwo.core.ledger.ranges import Side, check_range_file, make_range_file, open_range
from ogniwo.interfaces.cli.arguments import JSON_OPTION, MONTH_OPTION, opened
from ogniwo.interfaces.cli.main import Runtime
from ogniwo.interfaces.cli.output import answers_refusals, say, show_json
from ogniwo.services.ledger.proving import checkpoint_verifier
from ogniwo.services.ledger.ranging import commit_month
from ogniwo.services.workspace.queries import operator_subject

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_OUTPUT = click.option("--output", required=True, type=click.Path(dir_okay=False, path_type=Path), help="The file.")


@click.group(name="range")
def range_group() -> None:
    """Prove "at least" or "at most" of a month's energy without showing it; docs/range_proofs.md.

    \b
    Examples:
      ogniwo proof range commit --point 590... --month 2026-10 --output opening.json
      ogniwo proof range make opening.json --at-least 150 --output proof.json
      ogniwo proof range verify proof.json --checkpoint-key KEY
    """  # noqa: D301 -- \b is click's mark for "keep these lines"


@range_group.command(name="commit")
@click.option("--point", required=True, metavar="CODE", help="Metering point.")
@click.option("--channel", default="1.29.0", show_default=True, help="Which energy.")
@MONTH_OPTION
@_OUTPUT
@click.pass_obj
@answers_refusals
def commit_command(runtime: Runtime, point: str, channel: str, month: Month, output: Path) -> None:
    """Commit on the ledger to a month's energy and write the opening, which is secret and for the member alone.

    The energy is that of the minted days, all of the month. Each call makes a new commitment: nobody can open an
    earlier one whose file is lost.
    """
    workspace = opened(runtime)
    document = commit_month(workspace, point_code=point, channel=channel, month=month, subject=operator_subject())
    _write_secret(output, document)
    say(f"Give {output} to the member, keep no copy; proofs of it hold under the key {checkpoint_verifier(workspace)}")


@range_group.command(name="make")
@click.argument("opening", type=_FILE)
@click.option("--at-least", default="", metavar="KWH", help="Prove that it is this or more, as 150 or 150.250.")
@click.option("--at-most", default="", metavar="KWH", help="Prove that it is this or less.")
@_OUTPUT
@answers_refusals
def make_command(opening: Path, at_least: str, at_most: str, output: Path) -> None:
    """Make a proof from an OPENING file; needs no workspace. The file remembers which thresholds were proven.

    At most eight thresholds each way; the same one again costs none. Keep one copy of the file: two that do not know of
    each other may use one set of chains twice, and then show more than either proof.
    """
    if bool(at_least) == bool(at_most):
        raise click.UsageError("give one of --at-least and --at-most")
    side: Side = "at_least" if at_least else "at_most"
    try:
        threshold = parse_decimal(at_least or at_most, decimals=3)
    except NotADecimalError as error:
        raise click.BadParameter(error.detail) from error
    proof, after = make_range_file(open_range(opening.read_bytes()), side=side, threshold=threshold)
    _write_secret(opening, encode(after))
    output.write_bytes(proof)


@range_group.command(name="verify")
@click.argument("proof", type=_FILE)
@click.option("--checkpoint-key", required=True, metavar="KEY", help="The operator's key, from somebody you trust.")
@JSON_OPTION
@answers_refusals
def verify_command(proof: Path, checkpoint_key: str, as_json: bool) -> None:  # noqa: FBT001 -- click's way
    """Check a PROOF offline, from its chains to the signed checkpoint, and say what it proves."""
    claim = check_range_file(proof.read_bytes(), checkpoint_key=checkpoint_key)
    if as_json:
        show_json({name: getattr(claim, name) for name in claim.__struct_fields__})
        return
    amount = format_decimal(claim.threshold, decimals=3, mark=",")
    click.echo(f"true: {claim.side.replace('_', ' ')} {amount} kWh of {claim.channel} in {claim.month}")
    click.echo(f"account:    {claim.subject} of {claim.network}")
    click.echo(f"commitment: {claim.transaction}")


def _write_secret(path: Path, document: bytes) -> None:
    """Replace a file whole, readable by its owner alone, so that no interruption leaves half of it."""
    fresh = path.with_name(f"{path.name}.new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(document)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
