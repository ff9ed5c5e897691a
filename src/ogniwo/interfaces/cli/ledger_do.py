"""`ogniwo ledger do`, `new-key`, `keys`, `proposals`, `quorum`: act on the ledger by hand, and see what waits."""

import sys
from datetime import UTC, datetime
from pathlib import Path

import click

from ogniwo.interfaces.cli.arguments import JSON_OPTION, opened
from ogniwo.interfaces.cli.main import Runtime
from ogniwo.interfaces.cli.output import REFUSED, answers_refusals, say, show_json, show_table
from ogniwo.services.ledger.doing import create_key, do_operation, set_quorums
from ogniwo.services.ledger.queries import ledger_keys, open_proposals, waiting_recoveries
from ogniwo.services.workspace.queries import operator_subject

KEYS_OPTION = click.option(
    "--key", "names", multiple=True, required=True, metavar="NAME", help="Key that signs; several for several voices."
)


@click.command(name="do")
@click.argument("operation", type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path))
@KEYS_OPTION
@JSON_OPTION
@click.pass_obj
@answers_refusals
def do_command(runtime: Runtime, operation: Path, names: tuple[str, ...], as_json: bool) -> None:  # noqa: FBT001 -- click's way
    """Do one operation: a JSON file with `op` and its fields; the frame is filled in and signed.

    \b
    Examples (what stands in the file; `key` and `kid` may name a key of the workspace):
      {"op": "set_frozen", "path": "op/coop/m-1", "frozen": true}
      {"op": "approve", "proposal": "NAME OF THE PROPOSAL"}
      {"op": "propose", "operation": {"op": "bind_role", ...}}
      {"op": "register_key", "subject": "op", "key": "board", "device": "card",
       "purpose": "transaction", "valid_from": 0}      signed with --key operator --key board
    """  # noqa: D301 -- \b is click's mark for "keep these lines"
    document = sys.stdin.buffer.read() if str(operation) == "-" else operation.read_bytes()
    answer = do_operation(opened(runtime), document=document, key_names=names)
    if as_json:
        show_json({name: getattr(answer, name) for name in answer.__struct_fields__})
    else:
        click.echo(f"{answer.code}  {answer.transaction}")
        if answer.detail:
            say(answer.detail)
    if not answer.on_ledger:
        sys.exit(REFUSED)


@click.command(name="new-key")
@click.argument("name")
@click.pass_obj
@answers_refusals
def new_key_command(runtime: Runtime, name: str) -> None:
    """Make a key in the workspace and print its id. It counts once it is registered (`ogniwo ledger do`)."""
    click.echo(create_key(opened(runtime), name=name))


@click.command(name="keys")
@click.argument("account", default="")
@JSON_OPTION
@click.pass_obj
@answers_refusals
def keys_command(runtime: Runtime, account: str, as_json: bool) -> None:  # noqa: FBT001 -- click's way
    """Show the registered keys of an account, or of all: what they are for, whether they work, their limits."""
    found = ledger_keys(opened(runtime), account=account, subject=operator_subject())
    if as_json:
        show_json([{name: getattr(key, name) for name in key.__slots__} for key in found])
        return
    show_table(
        headers=("account", "key", "device", "purpose", "standing", "limits (at once, a day, used)"),
        rows=[
            (
                key.account,
                key.kid,
                key.device,
                key.purpose,
                key.standing,
                "; ".join(f"{asset} {once} {day} {used}" for asset, once, day, used in key.limits) or "-",
            )
            for key in found
        ],
    )


@click.command(name="proposals")
@JSON_OPTION
@click.pass_obj
@answers_refusals
def proposals_command(runtime: Runtime, as_json: bool) -> None:  # noqa: FBT001 -- click's way
    """Show what waits for somebody: open proposals with their voices, and recoveries that can still be stopped."""
    workspace = opened(runtime)
    proposals = open_proposals(workspace, subject=operator_subject())
    recoveries = waiting_recoveries(workspace, subject=operator_subject())
    if as_json:
        show_json(
            {
                "proposals": [{name: getattr(one, name) for name in one.__slots__} for one in proposals],
                "recoveries": [{name: getattr(one, name) for name in one.__slots__} for one in recoveries],
            }
        )
        return
    if not proposals and not recoveries:
        say("nothing waits")
    for one in proposals:
        click.echo(f"proposal {one.name}")
        click.echo(f"  {one.operation} by {one.account}, open until {_instant(one.until_s)}")
        click.echo(f"  needs      {', '.join(one.policies)}")
        click.echo(f"  approved   {', '.join(one.approved)}")
        click.echo(f"  may speak  {', '.join(path for path in one.asked if path not in one.approved) or 'nobody else'}")
        click.echo(f"  may veto   {', '.join(one.vetoes) or 'nobody by the policy'}")
    for recovery in recoveries:
        click.echo(f"recovery of {recovery.account} by {recovery.by}: new key on {recovery.device!r}")
        click.echo(f"  can be finished from {_instant(recovery.due_s)} on; its account can stop it")


@click.command(name="quorum")
@click.argument("accounts", nargs=-1, required=True)
@click.option("--need", required=True, type=click.IntRange(min=1), help="How many of the accounts must speak.")
@click.option("--veto", "vetoes", multiple=True, metavar="ACCOUNT", help="Account that may end a proposal.")
@KEYS_OPTION
@JSON_OPTION
@click.pass_obj
@answers_refusals
def quorum_command(
    runtime: Runtime,
    *,
    accounts: tuple[str, ...],
    need: int,
    vetoes: tuple[str, ...],
    names: tuple[str, ...],
    as_json: bool,
) -> None:
    """Put every dangerous right over the whole tree under a quorum of these accounts, each with one voice.

    \b
    Example:
      ogniwo ledger quorum op op/coop op/auditor --need 2 --key operator
    """  # noqa: D301 -- \b is click's mark for "keep these lines"
    answers = set_quorums(opened(runtime), accounts=accounts, need=need, vetoes=vetoes, key_names=names)
    if as_json:
        show_json(
            [
                {"permission": right} | {name: getattr(answer, name) for name in answer.__struct_fields__}
                for right, answer in answers
            ]
        )
    else:
        show_table(
            headers=("right", "answer", "transaction"),
            rows=[(right, answer.code, answer.transaction) for right, answer in answers],
        )
        for right, answer in answers:
            if not answer.on_ledger:
                say(f"{right}: {answer.detail}")
        say("See `ogniwo ledger proposals`: the quorum of policy.set may wait for voices.")
    if not all(answer.on_ledger for _, answer in answers):
        sys.exit(REFUSED)


def _instant(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
