"""`ogniwo records`: where the records of a workspace are, and moving them."""

import click

from ogniwo.interfaces.cli.arguments import DRY_RUN_OPTION, JSON_OPTION, opened
from ogniwo.interfaces.cli.main import Runtime
from ogniwo.interfaces.cli.output import answers_refusals, say, show_json, show_table
from ogniwo.services.workspace.records_move import move_records


@click.group("records")
def records_group() -> None:
    """Move the records of a workspace from its own file into a PostgreSQL database.

    \b
    Examples:
      ogniwo -w coop records move postgresql://ogniwo@db.example/energy --dry-run
      ogniwo -w coop records move postgresql://ogniwo@db.example/energy
    """  # noqa: D301 -- \b is click's mark for "keep these lines"


@records_group.command("move")
@click.argument("address")
@DRY_RUN_OPTION
@JSON_OPTION
@click.pass_obj
@answers_refusals
def move(runtime: Runtime, *, address: str, dry_run: bool, as_json: bool) -> None:
    """Copy all records to ADDRESS, compare every row, then let the workspace use them there.

    Stop `ogniwo serve` and `ogniwo jobs run` before, and start them after. ADDRESS is postgresql://USER@HOST/DATABASE,
    behind # a schema if you want to name it; a password belongs into libpq's password file. The old file stays in the
    folder as ogniwo.sqlite3.moved. With --dry-run everything is copied and compared, and taken back.

    \b
    Examples:
      ogniwo -w coop records move postgresql://ogniwo@db.example/energy --dry-run
      ogniwo -w coop records move postgresql://ogniwo@db.example/energy#coop
    """  # noqa: D301 -- \b is click's mark for "keep these lines"
    workspace = opened(runtime)
    moved = move_records(workspace, address=address, dry_run=dry_run, step=say)
    if as_json:
        show_json(
            {"address": moved.address, "tables": dict(moved.tables), "kept": str(moved.kept), "moved": not dry_run}
        )
        return
    filled = [(table, str(count)) for table, count in moved.tables if count]
    show_table(headers=("table", "rows"), rows=filled, right=frozenset({1}))
    if dry_run:
        say("every row is the same on both sides; nothing was moved (--dry-run)")
        return
    say(f"the records are in {moved.address}; the old file is {moved.kept}")
    say("next: start `ogniwo serve` and `ogniwo jobs run` again")
