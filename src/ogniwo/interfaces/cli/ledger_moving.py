"""`ogniwo ledger move`: the blocks from the workspace's file into PostgreSQL."""

import click

from ogniwo.interfaces.cli.arguments import DRY_RUN_OPTION, JSON_OPTION, opened
from ogniwo.interfaces.cli.main import Runtime
from ogniwo.interfaces.cli.output import answers_refusals, say, show_json
from ogniwo.services.ledger.moving import move_ledger


@click.command(name="move")
@click.argument("address")
@DRY_RUN_OPTION
@JSON_OPTION
@click.pass_obj
@answers_refusals
def move(runtime: Runtime, *, address: str, dry_run: bool, as_json: bool) -> None:
    """Copy all blocks to ADDRESS, compare every one, then let the workspace use them there.

    Stop `ogniwo serve`, `ogniwo jobs run` and `ogniwo ledger serve` before, and start them after. ADDRESS is
    postgresql://USER@HOST/DATABASE, behind # a name if it shall not be that of the network; a password belongs into
    libpq's password file. The old file stays in the folder as ledger.sqlite3.moved. With --dry-run everything is copied
    and compared, and taken back. A command that was stopped is given again.

    \b
    Examples:
      ogniwo -w coop ledger move postgresql://ogniwo@db.example/energy --dry-run
      ogniwo -w coop ledger move postgresql://ogniwo@db.example/energy
    """  # noqa: D301 -- \b is click's mark for "keep these lines"
    workspace = opened(runtime)
    moved = move_ledger(workspace, address=address, dry_run=dry_run, step=say)
    if as_json:
        show_json(
            {
                "address": moved.address,
                "network": moved.network,
                "blocks": moved.blocks,
                "head": moved.head,
                "kept": str(moved.kept),
                "moved": not dry_run,
            }
        )
        return
    click.echo(f"network:  {moved.network}")
    click.echo(f"blocks:   {moved.blocks}")
    click.echo(f"head:     {moved.head}")
    if dry_run:
        say("every block is the same on both sides; nothing was moved (--dry-run)")
        return
    say(f"the ledger is in {moved.address}; the old file is {moved.kept}")
    say("next: `ogniwo ledger verify`, then start `ogniwo serve` and `ogniwo jobs run` again")
