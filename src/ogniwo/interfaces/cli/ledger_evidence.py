"""`ogniwo ledger timestamp`, `audit`, `erase` and `reads`: evidence for others, and what they may no longer see."""

import sys
from datetime import UTC, datetime
from pathlib import Path

import click

from ogniwo.interfaces.cli.arguments import DRY_RUN_OPTION, JSON_OPTION, opened
from ogniwo.interfaces.cli.main import Runtime
from ogniwo.interfaces.cli.output import (
    DONE_WITH_FINDINGS,
    WRONG_USE,
    answers_refusals,
    say,
    say_findings,
    show_json,
    show_table,
)
from ogniwo.interfaces.cli.texts import instant
from ogniwo.services.ledger.auditing import audit_copy, audit_workspace
from ogniwo.services.ledger.erasing import POINT_SECRET, erase, erasure_of
from ogniwo.services.ledger.following import open_follower
from ogniwo.services.ledger.serving import kept_reads
from ogniwo.services.ledger.timestamping import stamp_checkpoint


@click.command(name="timestamp")
@JSON_OPTION
@click.pass_obj
@answers_refusals
def timestamp(runtime: Runtime, as_json: bool) -> None:  # noqa: FBT001 -- click's way
    """Have the newest checkpoint stamped by the authority of timestamps.toml (RFC 3161) and keep the stamp.

    Meant for once a day. A checkpoint that has its stamp is not stamped again. Works beside `ogniwo ledger serve`.
    """
    stamp = stamp_checkpoint(opened(runtime))
    if as_json:
        show_json(
            {"size": stamp.size, "time": instant(stamp.time), "signer": stamp.signer, "new": stamp.new},
        )
        return
    click.echo(f"log entries: {stamp.size}")
    click.echo(f"stamped at:  {instant(stamp.time)}{'' if stamp.new else ' (earlier; nothing was added since)'}")
    click.echo(f"by:          {stamp.signer}")


@click.command(name="audit")
@click.option(
    "--output",
    default=".",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder for the report; it is made when it is not there.",
)
@click.option(
    "--copy",
    default=None,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Audit the own copy of an auditor's node (a folder of `follow`), not the workspace.",
)
@click.option(
    "--checkpoint",
    "checkpoints",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A signed checkpoint that somebody else kept; may be given several times.",
)
@click.pass_obj
@answers_refusals
def audit(runtime: Runtime, output: Path, copy: Path | None, checkpoints: tuple[Path, ...]) -> None:
    """Verify everything and write a report that a notary could read, in Polish and English.

    Writes ledger-audit-SIZE.json (canonical JSON) and ledger-audit-SIZE.pdf (PDF/A with the JSON attached). Ends with 3
    when anything differs. Without --checkpoint nothing is proven against the operator, and the report says so.
    """
    notes = [path.read_text(encoding="utf-8") for path in checkpoints]
    if copy is not None:
        report = audit_copy(open_follower(folder=copy), made_at=datetime.now(tz=UTC), notes=notes)
    else:
        report = audit_workspace(opened(runtime), notes=notes, tell=lambda name: say(f"checking {name} ..."))
    output.mkdir(parents=True, exist_ok=True)
    for kind, data in (("json", report.document), ("pdf", report.pdf)):
        path = output / f"ledger-audit-{report.log_size:010d}.{kind}"
        path.write_bytes(data)
        click.echo(str(path))
    say_findings(report.findings)
    if not report.passed:
        sys.exit(DONE_WITH_FINDINGS)


@click.command(name="erase")
@click.option("--statement", default="", help="Statement as COMMUNITY/YYYY-MM/vN/POINT.")
@click.option("--invoice", default="", help="Number of an invoice or correction.")
@click.option("--purchase", default="", help="Document of a group purchase as COMMUNITY/CODE/STEP/WORD.")
@click.option("--point", default="", help="Metering point code: no interval of it can be opened any more.")
@click.option("--reason", required=True, help="Why, for the log of acts; such as a request by its number.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@DRY_RUN_OPTION
@click.pass_obj
@answers_refusals
def erase_command(
    runtime: Runtime, *, statement: str, invoice: str, purchase: str, point: str, reason: str, yes: bool, dry_run: bool
) -> None:
    """Delete payload and salt of one commitment, for ever; the ledger and all proofs stay valid.

    What law demands to be kept (issued invoices, settlements) stays where it is kept, and so do stored intervals.
    """
    documents = (("statement", statement), ("invoice", invoice), ("purchase", purchase), (POINT_SECRET, point))
    asked = [(kind, name) for kind, name in documents if name]
    if len(asked) != 1:
        say("give one of --statement, --invoice, --purchase, --point")
        sys.exit(WRONG_USE)
    ((kind, name),) = asked
    workspace = opened(runtime)
    found = erasure_of(kind=kind, natural_id=name)
    if found.erased_before:
        say(f"the {kind} {name} was erased before")
        return
    say(f"{kind} {name}: {found.payload_bytes} bytes and the salt behind {found.commitment or 'its minted days'}")
    if dry_run:
        return
    if not yes:
        click.confirm("Erase it? Nobody can bring it back", abort=True, err=True)
    erase(workspace, kind=kind, natural_id=name, reason=reason)
    click.echo(f"erased: {kind} {name}")


@click.command(name="reads")
@click.option("--account", default="", help="Only what this account read.")
@JSON_OPTION
@click.pass_obj
@answers_refusals
def reads(runtime: Runtime, account: str, as_json: bool) -> None:  # noqa: FBT001 -- click's way
    """Show who read other people's payloads over HTTP, and who tried to: when, what, by which right, why."""
    opened(runtime)
    acts = kept_reads(account=account)
    if as_json:
        show_json([{name: getattr(act, name) for name in act.__slots__} for act in acts])
        return
    show_table(
        headers=("when", "account", "scope", "why", "what"),
        rows=[
            (instant(datetime.fromtimestamp(act.at_s, tz=UTC)), act.account, act.scope, act.reason, act.path)
            for act in acts
        ],
    )
