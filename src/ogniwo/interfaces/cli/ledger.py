"""`ogniwo ledger` and `ogniwo proof`: post, verify, show, and receipts for others."""

import sys
from datetime import datetime
from pathlib import Path

import click

from ogniwo.core.kernel.calendar import Month
from ogniwo.core.kernel.findings import finding_row
from ogniwo.core.kernel.quantities import format_decimal
from ogniwo.interfaces.cli.arguments import (
    COMMUNITY_OPTION,
    INSTANT,
    JSON_OPTION,
    MONTH,
    MONTH_OPTION,
    community_of,
    opened,
)
from ogniwo.interfaces.cli.ledger_do import (
    do_command,
    keys_command,
    new_key_command,
    proposals_command,
    quorum_command,
)
from ogniwo.interfaces.cli.ledger_evidence import audit, erase_command, reads, timestamp
from ogniwo.interfaces.cli.ledger_moving import move
from ogniwo.interfaces.cli.ledger_serving import admit, follow_command, serve
from ogniwo.interfaces.cli.main import Runtime
from ogniwo.interfaces.cli.output import (
    DONE_WITH_FINDINGS,
    answers_refusals,
    findings_exit_code,
    progress,
    say,
    say_findings,
    show_json,
    show_table,
)
from ogniwo.interfaces.cli.proof_range import range_group
from ogniwo.services.ledger.posting import points_in, post_month
from ogniwo.services.ledger.proving import (
    checkpoint_verifier,
    prove_consistency,
    prove_document,
    prove_interval,
    prove_transaction,
)
from ogniwo.services.ledger.queries import balances, ledger_head, minted_days
from ogniwo.services.ledger.timestamping import stamp_of_receipt
from ogniwo.services.ledger.verifying import verify_chain
from ogniwo.services.workspace.queries import operator_subject

_OUTPUT = click.option(
    "--output", default="-", type=click.Path(dir_okay=False, allow_dash=True), help="File, or - for stdout."
)


@click.group(name="ledger")
def ledger_group() -> None:
    """Post to the ledger, verify it, show it.

    \b
    Examples:
      ogniwo ledger post 2026-10
      ogniwo ledger verify
      ogniwo ledger show
      ogniwo ledger serve --port 8030
    """  # noqa: D301 -- \b is click's mark for "keep these lines"


_COMMANDS = (
    *(serve, admit, follow_command, reads, audit, timestamp, erase_command, move),
    *(do_command, keys_command, new_key_command, proposals_command, quorum_command),
)
for _command in _COMMANDS:
    ledger_group.add_command(_command)


@ledger_group.command(name="post")
@click.argument("month", type=MONTH, metavar="YYYY-MM")
@COMMUNITY_OPTION
@JSON_OPTION
@click.pass_obj
@answers_refusals
def post(runtime: Runtime, month: Month, community: str, as_json: bool) -> None:  # noqa: FBT001 -- click's way
    """Post a month: metering tokens, commitments of statements and invoices, who owes whom. Safe to repeat."""
    workspace = opened(runtime)
    organisation = community_of(community)
    with progress("points", points_in(organisation)) as display:
        posted = post_month(workspace, community=organisation, month=month, tell=display.step)
    if as_json:
        show_json(
            {name: getattr(posted, name) for name in posted.__slots__ if name != "findings"}
            | {"findings": [finding_row(finding) for finding in posted.findings]}
        )
        sys.exit(findings_exit_code(posted.findings))
    click.echo(f"days of readings minted: {posted.days_minted}")
    click.echo(f"documents committed to:  {posted.documents_anchored}")
    click.echo(f"settlements posted:      {posted.claims_posted}")
    click.echo(f"log entries:             {posted.log_size}")
    if posted.final is not None:
        state = "final" if posted.final else "NOT final: too few witnesses signed"
        click.echo(f"witnesses:               {', '.join(posted.cosigners) or 'none'} ({state})")
        say_findings(posted.findings)
        sys.exit(findings_exit_code(posted.findings))
    say("Give the checkpoint in the folder `checkpoints` to somebody else: whoever holds it can expose a rewrite.")


@ledger_group.command(name="verify")
@click.option("--no-pictures", is_flag=True, help="Do not draw every PDF again.")
@JSON_OPTION
@click.pass_obj
@answers_refusals
def verify(runtime: Runtime, no_pictures: bool, as_json: bool) -> None:  # noqa: FBT001 -- click's way
    """Replay the ledger from genesis and check every link: files, readings, tokens, documents, pictures.

    Ends with 3 when anything differs, and says what and where.
    """
    workspace = opened(runtime)
    checks = verify_chain(workspace, pictures=not no_pictures, tell=lambda name: say(f"checking {name} ..."))
    if as_json:
        show_json(
            [
                {
                    "name": check.name,
                    "compared": check.compared,
                    "passed": check.passed,
                    "findings": [finding_row(finding) for finding in check.findings],
                }
                for check in checks
            ]
        )
    else:
        show_table(
            headers=("link", "compared", "result"),
            rows=[
                (check.name, str(check.compared), "ok" if check.passed else f"{len(check.findings)} differ")
                for check in checks
            ],
            right=frozenset({1}),
        )
        say_findings([finding for check in checks for finding in check.findings])
    if not all(check.passed for check in checks):
        sys.exit(DONE_WITH_FINDINGS)


@ledger_group.command(name="show")
@click.option("--balances", "with_balances", is_flag=True, help="List balances by account.")
@JSON_OPTION
@click.pass_obj
@answers_refusals
def show(runtime: Runtime, with_balances: bool, as_json: bool) -> None:  # noqa: FBT001 -- click's way
    """Show the head of the ledger, and balances."""
    workspace = opened(runtime)
    head = ledger_head(workspace)
    found = balances(workspace, subject=operator_subject()) if with_balances else ()
    if as_json:
        show_json(
            {
                "head": {name: getattr(head, name) for name in head.__slots__},
                "checkpoint_key": checkpoint_verifier(workspace),
                "balances": [{name: getattr(one, name) for name in one.__slots__} for one in found],
            }
        )
        return
    for name in head.__slots__:
        click.echo(f"{name:14} {getattr(head, name)}")
    click.echo(f"{'checkpoint_key':14} {checkpoint_verifier(workspace)}")
    if found:
        click.echo("")
        show_table(
            headers=("account", "name", "asset", "amount"),
            rows=[
                (one.account, one.name, one.asset, format_decimal(one.amount, decimals=int(one.asset[-1]), mark=","))
                for one in found
            ],
            right=frozenset({3}),
        )


@ledger_group.command(name="tokens")
@click.argument("point")
@MONTH_OPTION
@JSON_OPTION
@click.pass_obj
@answers_refusals
def tokens(runtime: Runtime, point: str, month: Month, as_json: bool) -> None:  # noqa: FBT001 -- click's way
    """Show a point's energy as its metering tokens say, day by day: proof of energy that nobody can move."""
    workspace = opened(runtime)
    days = minted_days(workspace, point_code=point, month=month, subject=operator_subject())
    if as_json:
        show_json([{name: getattr(day, name) for name in day.__slots__} for day in days])
        return
    show_table(
        headers=("day", "channel", "asset", "Wh", "version", "transaction"),
        rows=[
            (day.day, day.channel, day.asset, str(day.energy_wh), str(day.version), day.transaction[:16])
            for day in days
        ],
        right=frozenset({3, 4}),
    )
    for channel in sorted({day.channel for day in days}):
        click.echo(f"total {channel}: {sum(day.energy_wh for day in days if day.channel == channel)} Wh")


@click.group(name="proof")
def proof_group() -> None:
    """Export receipts that anyone can check offline.

    \b
    Examples:
      ogniwo proof export --invoice FV/2026/11/0001 --output receipt.json
      ogniwo proof export --point 590... --channel 1.29.0 --at 2026-10-14T09:00+02:00
      ogniwo proof consistency checkpoint.txt --output consistency.json
      python docs/check_receipt.py receipt.json --checkpoint-key KEY
    """  # noqa: D301 -- \b is click's mark for "keep these lines"


proof_group.add_command(range_group)


@proof_group.command(name="export")
@click.option("--invoice", default="", help="Number of an invoice or correction.")
@click.option("--statement", default="", help="Statement as COMMUNITY/YYYY-MM/vN/POINT; part as .../storage/vN/MEMBER.")
@click.option("--allocation", default="", help="A run as COMMUNITY/YYYY-MM/vN, storages as .../storage/vN.")
@click.option("--purchase", default="", help="Document of a group purchase as COMMUNITY/CODE/STEP/WORD.")
@click.option("--transaction", default="", help="Name of a transaction, such as a payment.")
@click.option("--point", default="", help="Metering point code, with --at.")
@click.option("--channel", default="1.29.0", show_default=True, help="Channel of the reading.")
@click.option("--at", default=None, type=INSTANT, help="An instant inside the interval, ISO 8601 with offset.")
@_OUTPUT
@click.pass_obj
@answers_refusals
def export(
    runtime: Runtime,
    /,
    *,
    transaction: str,
    point: str,
    channel: str,
    at: datetime | None,
    output: str,
    **documents: str,
) -> None:
    """Write the receipt of an invoice, statement, allocation, purchase's document, transaction or interval as JSON.

    Where its checkpoint has a time stamp, the stamp is written beside it, as OUTPUT.tsr.
    """
    if sum(map(bool, (*documents.values(), transaction, point))) != 1 or bool(point) != (at is not None):
        say("give one of --invoice, --statement, --allocation, --purchase, --transaction, or --point with --at")
        sys.exit(2)
    workspace = opened(runtime)
    if at is not None:
        receipt = prove_interval(workspace, point_code=point, channel=channel, at=at, subject=operator_subject())
    elif transaction:
        receipt = prove_transaction(workspace, name=transaction)
    else:
        kind, name = next((kind, name) for kind, name in documents.items() if name)
        receipt = prove_document(workspace, kind=kind, natural_id=name, subject=operator_subject())
    _write(output, receipt)
    stamp = None if output == "-" else stamp_of_receipt(workspace, receipt)
    if stamp is not None:
        Path(f"{output}.tsr").write_bytes(stamp)
        say(f"The receipt's checkpoint has a time stamp: {output}.tsr, over its origin, size and root")
    say(f"Check it with docs/check_receipt.py and the key {checkpoint_verifier(workspace)}")


@proof_group.command(name="consistency")
@click.argument("checkpoint", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@_OUTPUT
@click.pass_obj
@answers_refusals
def consistency(runtime: Runtime, checkpoint: Path, output: str) -> None:
    """Prove that the ledger still begins with what an older CHECKPOINT (a file) saw; refuses when it does not."""
    workspace = opened(runtime)
    _write(output, prove_consistency(workspace, older=checkpoint.read_text(encoding="utf-8")))
    say(f"It holds under the key {checkpoint_verifier(workspace)}")


def _write(output: str, document: bytes) -> None:
    if output == "-":
        click.echo(document.decode())
    else:
        Path(output).write_bytes(document)
